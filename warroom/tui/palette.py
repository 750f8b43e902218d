"""The palette: the colours of the theme in use by role, for widgets that draw their own lines.

Invariant: no widget names a colour. A widget asks `palette_of(widget)` for a role (severity, person, chart line,
muted ink), and each theme, also a foreign one, answers every role.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.style import Style

from warroom.tui.glyphs import STATUSES, severity_rank
from warroom.tui.themes import CHARTS, DEFAULT_VARIABLES, HUES, INKS, PEOPLE

if TYPE_CHECKING:
    from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme by role, as colour names that Rich understands (`#rrggbb`, or a name for ansi).

    `ansi` means the terminal's own 16 colours: nothing can be mixed and a selected row is shown reversed.
    """

    name: str
    ansi: bool
    background: str
    surface: str
    panel: str
    text: str
    soft: str
    muted: str
    faint: str
    rule: str
    rule_strong: str
    accent: str
    hues: tuple[str, ...]
    severities: tuple[str, ...]
    statuses: tuple[str, ...]
    people: tuple[str, ...]
    charts: tuple[str, ...]

    def hue(self, name: str) -> str:
        """A hue by its name in `HUES`; an unknown name gives plain text colour."""
        return self.hues[HUES.index(name)] if name in HUES else self.text

    @property
    def bad(self) -> str:
        """The colour of what is wrong."""
        return self.hues[0]

    @property
    def warn(self) -> str:
        """The colour of what needs a look."""
        return self.hues[2]

    @property
    def good(self) -> str:
        """The colour of what is well."""
        return self.hues[3]

    def severity(self, severity: str | None) -> str:
        """The colour of a severity in any spelling; unset has one too."""
        return self.severities[severity_rank(severity)]

    def status(self, status: str) -> str:
        """The colour of a status; an unknown one is muted."""
        return self.statuses[STATUSES.index(status)] if status in STATUSES else self.muted

    def person(self, name: str) -> str:
        """The colour of a person: the same name gets the same place in the palette in every console."""
        return self.people[zlib.crc32(name.casefold().encode()) % len(self.people)]

    def chart(self, index: int) -> str:
        """The colour of the chart line with this index, going round after the last."""
        return self.charts[index % len(self.charts)]

    def fade(self, colour: str, amount: float, backdrop: str | None = None) -> str:
        """`colour` at `amount` (0..1) of its strength over `backdrop`; a terminal colour stays as it is."""
        return colour if self.ansi else mix(backdrop or self.background, colour, amount)

    def filled(self, colour: str) -> Style:
        """Bold text on a ground of this colour: badges, the active tab, a mention of oneself."""
        if self.ansi:
            return style(colour, "default", bold=True, reverse=True)
        return style(self.background, colour, bold=True)

    def selected(self, backdrop: str | None = None) -> Style:
        """What is laid over a selected row."""
        if self.ansi:
            return style("default", "default", reverse=True)
        return style("", mix(backdrop or self.background, self.accent, 0.16))


@lru_cache(4096)
def style(
    colour: str,
    background: str = "",
    *,
    bold: bool = False,
    italic: bool = False,
    underline: bool = False,
    strike: bool = False,
    reverse: bool = False,
) -> Style:
    """A cached Rich style; an empty colour leaves that side as it is."""
    return Style(
        color=colour or None,
        bgcolor=background or None,
        bold=bold or None,
        italic=italic or None,
        underline=underline or None,
        strike=strike or None,
        reverse=reverse or None,
    )


@lru_cache(4096)
def mix(low: str, high: str, amount: float) -> str:
    """The colour `amount` (0..1) of the way from `low` to `high`, both `#rrggbb`; anything else gives `high`."""
    if not (low.startswith("#") and high.startswith("#")):
        return high
    share = min(1.0, max(0.0, amount))
    parts = [round(int(low[at : at + 2], 16) * (1 - share) + int(high[at : at + 2], 16) * share) for at in (1, 3, 5)]
    return "#{:02x}{:02x}{:02x}".format(*parts)


def _rich_name(colour: str) -> str:
    """A CSS colour of a theme as Rich writes it: an alpha or unparsable colour becomes opaque or default."""
    from textual.color import Color, ColorParseError

    if colour.startswith("#") and len(colour) == 7:
        return colour.lower()
    if colour.startswith("ansi_"):
        return colour.removeprefix("ansi_")
    try:
        return Color.parse(colour).hex6.lower()
    except ColorParseError:
        return "default"


def build_palette(variables: Mapping[str, str], name: str, *, ansi: bool) -> Palette:
    """The palette of a theme's CSS variables. What a foreign theme lacks is taken from its own main colours."""

    def get(key: str, *others: str) -> str:
        for candidate in (key, *others):
            if candidate in variables:
                return _rich_name(variables[candidate])
        return _rich_name(DEFAULT_VARIABLES.get(key, "default"))

    text, background = get("foreground"), get("background")
    stand_in = {
        "red": "error",
        "orange": "warning",
        "amber": "warning",
        "green": "success",
        "cyan": "accent",
        "blue": "primary",
        "violet": "secondary",
        "teal": "success",
        "pink": "secondary",
    }
    own = "warroom-" in name
    hues = tuple(get(f"hue-{hue}") if own else get(stand_in[hue], f"hue-{hue}") for hue in HUES)
    by_name = dict(zip(HUES, hues, strict=True))
    if own:
        inks = tuple(get(ink) for ink in INKS)
        severities = (get("sev-unset"), *(get(f"sev{rank}") for rank in range(1, 6)))
        statuses = tuple(get(f"status-{status}") for status in STATUSES)
        people = tuple(get(f"person-{number}") for number in range(1, PEOPLE + 1))
        charts = tuple(get(f"chart-{number}") for number in range(1, CHARTS + 1))
    else:
        strengths = (0.78, 0.58, 0.4, 0.2, 0.32)
        inks = tuple(text if ansi else mix(background, text, strength) for strength in strengths)
        severities = (inks[1], *(by_name[hue] for hue in ("red", "orange", "amber", "cyan")), inks[0])
        phases = ("amber", "orange", "cyan", "blue", "green", "teal", "violet", "violet")
        statuses = tuple(by_name[hue] for hue in phases)
        people = charts = tuple(by_name[hue] for hue in ("cyan", "violet", "green", "orange", "blue", "pink"))
    soft, muted, faint, rule, rule_strong = inks
    return Palette(
        name=name,
        ansi=ansi,
        background=background,
        surface=get("surface"),
        panel=get("panel"),
        text=text,
        soft=soft,
        muted=muted,
        faint=faint,
        rule=rule,
        rule_strong=rule_strong,
        accent=get("accent", "primary"),
        hues=hues,
        severities=severities,
        statuses=statuses,
        people=people,
        charts=charts,
    )


_PALETTES: dict[tuple[str, str], Palette] = {}


def palette_of(widget: Widget) -> Palette:
    """The palette of the theme in use where this widget lives; cheap, one lookup once built."""
    app = widget.app
    variables: Mapping[str, str] = app.theme_variables
    key = (app.theme, variables.get("background", ""))
    found = _PALETTES.get(key)
    if found is None:
        found = _PALETTES[key] = build_palette(variables, app.theme, ansi=app.current_theme.ansi)
    return found


def backdrop_of(widget: Widget) -> str:
    """The colour behind this widget's content; the terminal's own with an ansi theme."""
    return "default" if palette_of(widget).ansi else widget.background_colors[1].hex6.lower()
