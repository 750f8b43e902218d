"""The signs and short texts of the console: glyph tables, badges, clocks, big digits.

Invariant: every glyph is exactly one cell wide in the Basic Multilingual Plane, every sign that carries meaning
comes with a word, and both tables have the same members, so that no caller ever asks which one is in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

SEVERITIES: Final = ("SEV1", "SEV2", "SEV3", "SEV4", "SEV5")
"""The severities from worst to least, as they are written on screen."""

UNSET: Final = "unset"
"""The word for a severity nobody has set yet."""

STATUSES: Final = (
    "triage",
    "investigating",
    "identified",
    "monitoring",
    "resolved",
    "closed",
    "declined",
    "merged",
)
"""Every status an incident can have; the first six are the usual way, in order."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One complete set of signs. `ascii` tells whether the terminal can show nothing else."""

    ascii: bool
    dot: str
    ring: str
    half: str
    diamond: str
    hollow_diamond: str
    dotted: str
    up: str
    down: str
    level: str
    square: str
    small_square: str
    bullet: str
    tick: str
    cross: str
    arrow: str
    pointer: str
    cursor: str
    bar: str
    thin_bar: str
    ellipsis: str
    middot: str
    rule: str
    heavy_rule: str
    block: str
    rail: str
    branch: str
    dash: str
    dash_vertical: str
    deploy: str
    pin: str
    tip: str
    unknown: str
    spark: str
    thumb: str


UNICODE: Final = Glyphs(
    ascii=False,
    dot="●",
    ring="○",
    half="◐",
    diamond="◆",
    hollow_diamond="◇",
    dotted="◌",
    up="▲",
    down="▼",
    level="=",
    square="■",
    small_square="▪",
    bullet="•",
    tick="✓",
    cross="✗",
    arrow="→",
    pointer="▸",
    cursor="▌",
    bar="▍",
    thin_bar="▏",
    ellipsis="…",
    middot="·",
    rule="─",
    heavy_rule="━",
    block="█",
    rail="│",
    branch="└",
    dash="╌",
    dash_vertical="┊",
    deploy="▾",
    pin="◈",
    tip="╸",
    unknown="□",
    spark="▁▂▃▄▅▆▇",
    thumb="▐",
)

ASCII: Final = Glyphs(
    ascii=True,
    dot="*",
    ring="o",
    half="~",
    diamond="#",
    hollow_diamond="%",
    dotted=".",
    up="^",
    down="v",
    level="=",
    square="=",
    small_square="#",
    bullet="-",
    tick="+",
    cross="x",
    arrow=">",
    pointer=">",
    cursor=">",
    bar="|",
    thin_bar="|",
    ellipsis="~",
    middot="-",
    rule="-",
    heavy_rule="=",
    block="#",
    rail="|",
    branch="`",
    dash="-",
    dash_vertical=":",
    deploy="v",
    pin="@",
    tip="=",
    unknown="?",
    spark="_.-=+*#",
    thumb="|",
)


class _Selected:
    """Holds the one table in use, so that selecting it reaches modules that have already imported `glyphs`."""

    table: Glyphs = UNICODE


def select(encoding: str | None, environ: Mapping[str, str]) -> Glyphs:
    """The table a terminal can show.

    Args:
        encoding: what the output stream says of itself, for example `utf-8`; None means unknown.
        environ: the process environment; `WARROOM_ASCII` (non-empty) forces the ASCII table, and the Linux
            console (`TERM=linux`) has neither braille nor most of the shapes.
    """
    if environ.get("WARROOM_ASCII"):
        return ASCII
    if environ.get("TERM") in {"linux", "dumb", "vt100", "vt220"}:
        return ASCII
    if encoding is None or not encoding.lower().replace("-", "").startswith("utf"):
        return ASCII
    return UNICODE


def use(table: Glyphs) -> None:
    """Select the table for this process; called once, before the first widget is made."""
    _Selected.table = table


def glyphs() -> Glyphs:
    """The table in use."""
    return _Selected.table


def severity_rank(severity: str | None) -> int:
    """1 for SEV1 up to 5 for SEV5, 0 for unset or anything unknown. Accepts `SEV-1`, `sev1`, `1`."""
    if not severity:
        return 0
    bare = severity.strip().upper().replace("-", "").removeprefix("SEV")
    return int(bare) if bare in {"1", "2", "3", "4", "5"} else 0


def severity_badge(severity: str | None) -> str:
    """Sign and word, for example `▲ SEV1`; `◌ SEV unset` when nobody has set it."""
    table, rank = glyphs(), severity_rank(severity)
    signs = (table.dotted, table.up, table.diamond, table.square, table.dot, table.ring)
    return f"{signs[rank]} {SEVERITIES[rank - 1]}" if rank else f"{signs[0]} SEV {UNSET}"


def status_glyph(status: str) -> str:
    """The sign of a status; an unknown status gets the sign for unknown, never an error."""
    table = glyphs()
    signs = (
        table.hollow_diamond,
        table.half,
        table.diamond,
        table.dot,
        table.tick,
        table.square,
        table.cross,
        table.arrow,
    )
    return dict(zip(STATUSES, signs, strict=True)).get(status, table.unknown)


def age(seconds: float) -> str:
    """How long ago, in at most four cells for anything under 100 days: `12s`, `47m`, `5h`, `3d`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 48 * 3600:
        return f"{whole // 3600}h"
    return f"{whole // 86400}d"


def clock(seconds: float) -> str:
    """Elapsed time as `HH:MM:SS`; hours run on past 99 rather than turning into days."""
    whole = max(0, int(seconds))
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def short_clock(seconds: float) -> str:
    """Elapsed time as `MM:SS`, or `H:MM:SS` from an hour on."""
    whole = max(0, int(seconds))
    if whole < 3600:
        return f"{whole // 60:02}:{whole % 60:02}"
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def countdown(seconds: float) -> str:
    """Time to something due, in words: `in 04:12`, or `overdue 02:10` when `seconds` is negative."""
    return f"in {short_clock(seconds)}" if seconds >= 0 else f"overdue {short_clock(-seconds)}"


def time_of_day(epoch: float, *, seconds: bool = True) -> str:
    """An instant (epoch seconds) as UTC `09:42:32`, or `09:42` without seconds.

    An instant outside of the years 1 to 9999 reads `--:--:--`.
    """
    try:
        at = datetime.fromtimestamp(epoch, tz=UTC)
    except (OverflowError, OSError, ValueError):
        return "--:--:--" if seconds else "--:--"
    return at.strftime("%H:%M:%S" if seconds else "%H:%M")


_DIGITS: Final[dict[str, tuple[str, ...]]] = {
    "0": ("###", "# #", "# #", "# #", "###"),
    "1": ("## ", " # ", " # ", " # ", "###"),
    "2": ("###", "  #", "###", "#  ", "###"),
    "3": ("###", "  #", " ##", "  #", "###"),
    "4": ("# #", "# #", "###", "  #", "  #"),
    "5": ("###", "#  ", "###", "  #", "###"),
    "6": ("###", "#  ", "###", "# #", "###"),
    "7": ("###", "  #", "  #", " # ", " # "),
    "8": ("###", "# #", "###", "# #", "###"),
    "9": ("###", "# #", "###", "  #", "###"),
    ":": (" ", "#", " ", "#", " "),
    "-": ("   ", "   ", "###", "   ", "   "),
    " ": (" ", " ", " ", " ", " "),
}

_SEGMENTS: Final[dict[str, tuple[str, str, str]]] = {
    "0": (" _ ", "| |", "|_|"),
    "1": ("   ", "  |", "  |"),
    "2": (" _ ", " _|", "|_ "),
    "3": (" _ ", " _|", " _|"),
    "4": ("   ", "|_|", "  |"),
    "5": (" _ ", "|_ ", " _|"),
    "6": (" _ ", "|_ ", "|_|"),
    "7": (" _ ", "  |", "  |"),
    "8": (" _ ", "|_|", "|_|"),
    "9": (" _ ", "|_|", " _|"),
    ":": (" ", ".", "."),
    "-": ("   ", " _ ", "   "),
    " ": (" ", " ", " "),
}

_HALVES: Final = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def big_digit(char: str) -> tuple[str, str, str]:
    """One character of a big clock as three rows of equal width (3 cells; `:` and blank are 1).

    Digits are five pixels tall, two pixels to a cell. A character without a picture gives a blank of one cell.
    """
    if glyphs().ascii:
        return _SEGMENTS.get(char, _SEGMENTS[" "])
    pixels = (*_DIGITS.get(char, _DIGITS[" "]), " " * 3)
    rows = [
        "".join(_HALVES[top == "#", low == "#"] for top, low in zip(pixels[at], pixels[at + 1], strict=False))
        for at in (0, 2, 4)
    ]
    return rows[0], rows[1], rows[2]
