"""The console's colours: the Textual themes it ships, and the choice of the one to start with.

Invariant: every theme defines the same variables (`$sev1`, `$status-triage`, `$person-1`, `$chart-1`, `$hue-red`,
`$ink-muted`, `$rule` and their like), and no other module spells a colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from textual.theme import Theme

from warroom.tui.glyphs import STATUSES

if TYPE_CHECKING:
    from textual.app import App

HUES: Final = ("red", "orange", "amber", "green", "cyan", "blue", "violet", "teal", "pink")
"""The named hues each theme defines as `$hue-red` and so on."""

INKS: Final = ("ink-soft", "ink-muted", "ink-faint", "rule", "rule-strong")
PEOPLE: Final = 8
"""How many colours the person palette has (`$person-1` ... `$person-8`)."""
CHARTS: Final = 6
"""How many colours the chart palette has (`$chart-1` ... `$chart-6`)."""


def _variables(
    inks: tuple[str, str, str, str, str],
    hues: tuple[str, ...],
    severities: tuple[str, str, str, str, str],
    charts: tuple[str, ...],
    accent: str,
    background: str,
) -> dict[str, str]:
    hue = dict(zip(HUES, hues, strict=True))
    people = ("cyan", "violet", "green", "pink", "orange", "blue", "teal", "amber")
    phases = ("amber", "orange", "cyan", "blue", "green", "teal", "violet", "violet")
    return {
        **dict(zip(INKS, inks, strict=True)),
        **{f"hue-{name}": value for name, value in hue.items()},
        **{f"sev{rank}": value for rank, value in enumerate(severities, 1)},
        "sev-unset": inks[1],
        **{f"status-{status}": hue[name] for status, name in zip(STATUSES, phases, strict=True)},
        **{f"person-{number}": hue[name] for number, name in enumerate(people, 1)},
        **{f"chart-{number}": hue[name] for number, name in enumerate(charts, 1)},
        "border": accent,
        "border-blurred": inks[3],
        "text-muted": inks[1],
        "block-cursor-text-style": "none",
        "input-selection-background": f"{accent} 30%",
        "input-cursor-background": accent,
        "input-cursor-foreground": background,
        "scrollbar": inks[4],
        "scrollbar-hover": inks[1],
        "scrollbar-active": accent,
        "scrollbar-background": background,
        "scrollbar-background-hover": background,
        "scrollbar-background-active": background,
        "scrollbar-corner-color": background,
    }


_NIGHT_HUES = (
    "#ff5370", "#ff9e64", "#ffcb6b", "#5ee2a0", "#4fd6ff", "#7aa2f7", "#c792ea", "#2dd4bf", "#ff7ac6",
)  # fmt: skip
NIGHT: Final = Theme(
    name="warroom-night",
    dark=True,
    primary="#4fd6ff",
    secondary="#c792ea",
    accent="#4fd6ff",
    foreground="#d6deeb",
    background="#0b0f14",
    surface="#0f151c",
    panel="#141c26",
    success="#5ee2a0",
    warning="#ffcb6b",
    error="#ff5370",
    variables=_variables(
        ("#a9b7cb", "#7d8da5", "#566780", "#233041", "#33455c"),
        _NIGHT_HUES,
        ("#ff5370", "#ff9e64", "#ffcb6b", "#4fd6ff", "#a9b7cb"),
        ("cyan", "violet", "amber", "green", "pink", "blue"),
        "#4fd6ff",
        "#0b0f14",
    ),
)

LIGHT: Final = Theme(
    name="warroom-light",
    dark=False,
    primary="#00658a",
    secondary="#7a3ea8",
    accent="#00658a",
    foreground="#1b2430",
    background="#fbfcfd",
    surface="#f0f3f6",
    panel="#e4e9ee",
    success="#0b7345",
    warning="#8a5a00",
    error="#c0143c",
    variables=_variables(
        ("#3b4859", "#5a6879", "#7f8b9a", "#cfd7df", "#aab6c2"),
        (
            "#c0143c", "#a84a00", "#8a5a00", "#0b7345", "#00658a", "#2f55c0", "#7a3ea8", "#00706a", "#b01e7c",
        ),
        ("#c0143c", "#a84a00", "#8a5a00", "#00658a", "#3b4859"),
        ("cyan", "violet", "amber", "green", "pink", "blue"),
        "#00658a",
        "#fbfcfd",
    ),
)  # fmt: skip

HIGH_CONTRAST: Final = Theme(
    name="warroom-high-contrast",
    dark=True,
    primary="#00e5ff",
    secondary="#e0a8ff",
    accent="#00e5ff",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    success="#4cff9a",
    warning="#ffe14d",
    error="#ff6b81",
    variables=_variables(
        ("#f2f2f2", "#d0d0d0", "#a8a8a8", "#8a8a8a", "#b0b0b0"),
        (
            "#ff6b81", "#ffae5c", "#ffe14d", "#4cff9a", "#00e5ff", "#8fb4ff", "#e0a8ff", "#3ef0dc", "#ff94d6",
        ),
        ("#ff6b81", "#ffae5c", "#ffe14d", "#00e5ff", "#f2f2f2"),
        ("cyan", "amber", "violet", "green", "pink", "blue"),
        "#00e5ff",
        "#000000",
    ),
)  # fmt: skip

# Blue against orange stays apart for every common kind of colour blindness; green and red never stand alone.
_SAFE_HUES = (
    "#ff8c2e", "#ffad5c", "#ffd27a", "#58a6ff", "#7cc4ff", "#4f8ef0", "#b8b5ff", "#9bd7ff", "#f0e0c0",
)  # fmt: skip
COLOUR_BLIND: Final = Theme(
    name="warroom-colour-blind",
    dark=True,
    primary="#7cc4ff",
    secondary="#ffad5c",
    accent="#7cc4ff",
    foreground="#dfe5ee",
    background="#0c1017",
    surface="#10161f",
    panel="#161e2a",
    success="#58a6ff",
    warning="#ffd27a",
    error="#ff8c2e",
    variables=_variables(
        ("#b4c0d2", "#8494ab", "#5f7089", "#263446", "#394c64"),
        _SAFE_HUES,
        ("#ff8c2e", "#ffad5c", "#ffd27a", "#7cc4ff", "#b4c0d2"),
        ("cyan", "violet", "amber", "blue", "pink", "orange"),
        "#7cc4ff",
        "#0c1017",
    ),
)

# NO_COLOR turns every colour into its grey, which would make red dimmer than green. Here the greys are chosen:
# the worse, the brighter.
MONO: Final = Theme(
    name="warroom-mono",
    dark=True,
    primary="#ffffff",
    secondary="#c8c8c8",
    accent="#ffffff",
    foreground="#e2e2e2",
    background="#101010",
    surface="#161616",
    panel="#202020",
    success="#c0c0c0",
    warning="#e0e0e0",
    error="#ffffff",
    variables=_variables(
        ("#c0c0c0", "#989898", "#747474", "#3a3a3a", "#585858"),
        (
            "#ffffff", "#eeeeee", "#e0e0e0", "#c0c0c0", "#d0d0d0", "#b0b0b0", "#c8c8c8", "#b8b8b8", "#d8d8d8",
        ),
        ("#ffffff", "#eeeeee", "#d8d8d8", "#c0c0c0", "#a8a8a8"),
        ("cyan", "blue", "amber", "green", "pink", "violet"),
        "#ffffff",
        "#101010",
    ),
)  # fmt: skip

# Plain blue and magenta are too dark on many terminals to be read.
_ANSI_HUES = (
    "ansi_bright_red", "ansi_yellow", "ansi_bright_yellow", "ansi_bright_green", "ansi_bright_cyan",
    "ansi_cyan", "ansi_bright_magenta", "ansi_green", "ansi_bright_magenta",
)  # fmt: skip
ANSI: Final = Theme(
    name="warroom-ansi",
    dark=True,
    ansi=True,
    primary="ansi_bright_cyan",
    secondary="ansi_bright_magenta",
    accent="ansi_bright_cyan",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    success="ansi_bright_green",
    warning="ansi_bright_yellow",
    error="ansi_bright_red",
    variables=_variables(
        ("ansi_white", "ansi_white", "ansi_bright_black", "ansi_bright_black", "ansi_bright_black"),
        _ANSI_HUES,
        ("ansi_bright_red", "ansi_yellow", "ansi_bright_yellow", "ansi_bright_cyan", "ansi_white"),
        ("cyan", "violet", "amber", "green", "pink", "blue"),
        "ansi_bright_cyan",
        "ansi_default",
    )
    | {
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_white",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
        "input-cursor-text-style": "none",
        "input-selection-background": "ansi_bright_blue",
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": "ansi_bright_blue",
        "screen-selection-foreground": "ansi_black",
    },
)

THEMES: Final = (NIGHT, LIGHT, HIGH_CONTRAST, COLOUR_BLIND, MONO, ANSI)
"""Every theme the console ships, the default first."""

DEFAULT_VARIABLES: Final[dict[str, str]] = {
    name: value
    for name, value in NIGHT.variables.items()
    if name.startswith(("sev", "status-", "person-", "chart-", "hue-", "ink-", "rule"))
}
"""What an app answers from `get_theme_variable_defaults`, so that its CSS can name them under any theme."""


def pick_theme(environ: Mapping[str, str], colours: int | None, *, wanted: str | None = None) -> str:
    """The name of the theme to start with.

    Args:
        environ: the process environment as it was before Textual took `NO_COLOR` out of it.
        colours: how many colours the terminal has (16, 256, 16777216), None when unknown.
        wanted: the theme from settings; kept unless `NO_COLOR` or the terminal rule it out.

    An empty `NO_COLOR` does not count (https://no-color.org). An ansi theme is never picked with it.
    """
    if environ.get("NO_COLOR"):
        return MONO.name
    if colours is not None and colours <= 16:
        return wanted if wanted is not None and "ansi" in wanted else ANSI.name
    return wanted or NIGHT.name


def register_themes(app: App[object]) -> None:
    """Make every theme of the console known to an app."""
    for theme in THEMES:
        app.register_theme(theme)
