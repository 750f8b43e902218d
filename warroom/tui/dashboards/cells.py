"""What every panel's drawing is made with: rows of an exact width, marks as colour and sign, bars of any length.

Invariant: a row that comes from `fitted` fills exactly its width, has a background on every cell and carries no
control character, whatever text came in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final, TypeAlias

from rich.style import Style

from warroom.dashboards.data import Hue, Level, Mark
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, mix
from warroom.tui.widgets.chart_overlay import Ink
from warroom.tui.widgets.line import Line, Span, crop, safe, width_of, wrap

Rows: TypeAlias = list[list[Span]]
"""Rows of runs, each as wide as the panel."""

_HUES: Final = {
    "red": "red",
    "orange": "orange",
    "yellow": "amber",
    "green": "green",
    "blue": "blue",
    "purple": "violet",
}
_EIGHTHS: Final = "▏▎▍▌▋▊▉█"
_PARTS: Final = " ▁▂▃▄▅▆▇█"


def fitted(line: Line, width: int, ink: Ink) -> list[Span]:
    """The line in exactly `width` cells, printable, with the backdrop behind each."""
    plain = ink.of(ink.palette.text)
    back = ink.backdrop
    out = [
        (safe(text), paint if paint.bgcolor is not None else paint + Style(bgcolor=back or None))
        for text, paint in line
        if text
    ]
    missing = width - width_of(out)
    if missing < 0:
        out = crop(out, width)
        missing = width - width_of(out)
    return [*out, (" " * missing, plain)] if missing > 0 else out


def filled(lines: Sequence[Line], width: int, height: int, ink: Ink) -> Rows:
    """The lines as exactly `height` rows; blank ones follow, and what is too much is cut."""
    rows = [fitted(line, width, ink) for line in lines[:height]]
    blank = [(" " * width, ink.of(ink.palette.text))] if width > 0 else []
    return rows + [blank] * (height - len(rows))


def middled(lines: Sequence[Line], width: int, height: int, ink: Ink) -> Rows:
    """The lines in the middle of the panel, each centred."""
    shown = [crop(line, width) for line in lines[:height]]
    above = (height - len(shown)) // 2
    centred: list[Line] = [[(" " * ((width - width_of(line)) // 2), ink.of(ink.palette.text)), *line] for line in shown]
    return filled([*([[]] * above), *centred], width, height, ink)


def worded(words: str, width: int, height: int, ink: Ink, colour: str = "") -> Rows:
    """A sentence in the middle, on as many rows as it needs."""
    paint = ink.of(colour or ink.palette.muted)
    return middled([[(line, paint)] for line in wrap(safe(words), max(1, width - 2))], width, height, ink)


def colour_of(hue: Hue, palette: Palette) -> str:
    """The palette's colour for an author's; empty for none."""
    return palette.muted if hue == "grey" else palette.hue(_HUES[hue]) if hue in _HUES else ""


def level_colour(level: Level, palette: Palette) -> str:
    """The colour of a level; empty for none."""
    return {"critical": palette.bad, "warning": palette.warn, "ok": palette.good}.get(level, "")


def mark_colour(mark: Mark, palette: Palette, default: str = "") -> str:
    """What a value is coloured in: the author's hue first, for it is what the level was read from."""
    return colour_of(mark.hue, palette) or level_colour(mark.level, palette) or default or palette.text


def level_sign(level: Level) -> str:
    """The sign that says the same as the colour; each level has another shape, none is empty."""
    g = glyphs()
    return {"critical": g.up, "warning": g.diamond, "ok": g.dot}.get(level, "")


def bar(share: float, width: int) -> tuple[str, str]:
    """A bar of `share` (0 to 1) over `width` cells, as what is filled and what is not; to an eighth of a cell."""
    share = min(max(share, 0.0), 1.0) if share == share else 0.0
    table, width = glyphs(), max(0, width)
    if not width:
        return "", ""
    if table.ascii:
        whole = round(share * width)
        return "#" * whole, "." * (width - whole)
    eighths = round(share * width * 8)
    whole, rest = divmod(eighths, 8)
    if share > 0 and eighths == 0:
        rest = 1
    text = "█" * whole + (_EIGHTHS[rest - 1] if rest else "")
    return text, "·" * (width - len(text))


def column(share: float, height: int) -> list[str]:
    """A standing bar of `share` over `height` cells, one sign for each cell from above."""
    share = min(max(share, 0.0), 1.0) if share == share else 0.0
    if glyphs().ascii:
        whole = round(share * height)
        return [" "] * (height - whole) + ["#"] * whole
    eighths = round(share * height * 8) or (1 if share > 0 else 0)
    return [_PARTS[min(8, max(0, eighths - 8 * (height - 1 - row)))] for row in range(height)]


def shade(share: float) -> str:
    """A cell's fill by its share, from blank to full."""
    steps = " .:-=+*#%@" if glyphs().ascii else " ░▒▓█"
    if share <= 0:
        return steps[0]
    return steps[min(len(steps) - 1, 1 + int(share * (len(steps) - 1)))]


def tinted(ink: Ink, colour: str, amount: float = 0.22) -> Ink:
    """The same ink over a ground of this colour; a terminal's own colours cannot be mixed and stay."""
    if ink.palette.ansi or not colour.startswith("#"):
        return ink
    return Ink(ink.palette, mix(ink.backdrop, colour, amount), ink.hue)


def clock(at: float, span: float, zone: tzinfo | None) -> str:
    """A time on an axis of `span` seconds: with seconds on a short one, with the day on a long one."""
    form = "%H:%M:%S" if span < 600 else "%H:%M" if span < 86_400 else "%m-%d %H:%M"
    try:
        return datetime.fromtimestamp(at, zone).strftime(form)
    except (OverflowError, OSError, ValueError):
        return "--:--"


def time_axis(start: float, end: float, width: int, zone: tzinfo | None) -> str:
    """Clock times under a plot of `width` cells, the ends first, as many as leave room between them."""
    span = end - start
    line = [" "] * max(0, width)
    size = len(clock(end, span, zone))
    if size * 2 + 2 > width:
        return "".join(line)
    count = max(2, min(9, width // (size * 2 + 2)))
    for place in range(count):
        share = place / (count - 1)
        text = clock(start + span * share, span, zone)
        at = min(width - size, max(0, round((width - 1) * share) - size // 2))
        line[at : at + len(text)] = text
    return "".join(line[:width])


def merged(cells: Sequence[tuple[str, Style]]) -> list[Span]:
    """Cells as runs of one style."""
    out: list[Span] = []
    start = 0
    for at in range(1, len(cells) + 1):
        if at == len(cells) or cells[at][1] is not cells[start][1]:
            out.append(("".join(char for char, _ in cells[start:at]), cells[start][1]))
            start = at
    return out


def letter(index: int) -> str:
    """`a` to `z`, then `A` to `Z`, then a dot: what tells lines and states apart without a colour."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return letters[index] if index < len(letters) else "."
