"""A dashboard on paper: the whole board as lines of text, coloured or not, for a command that prints and ends.

Invariant: without colour every line is plain text; with it every line resets what it set.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.color import ColorSystem
from rich.style import Style

from warroom.tui.dashboards.cells import Rows
from warroom.tui.dashboards.panel import Look, draw_panel, wanted_height
from warroom.tui.dashboards.sheet import Sheet
from warroom.tui.palette import Palette, build_palette, style
from warroom.tui.themes import LIGHT, NIGHT
from warroom.tui.widgets.chart_overlay import Ink
from warroom.tui.widgets.line import Span


def paper_ink(*, light: bool = False) -> Ink:
    """The ink of the shipped dark theme, or of the light one, without an app."""
    theme = LIGHT if light else NIGHT
    names = ("primary", "secondary", "accent", "foreground", "background", "surface", "panel")
    variables = {name: str(getattr(theme, name)) for name in names} | dict(theme.variables)
    palette: Palette = build_palette(variables, theme.name, ansi=False)
    return Ink(palette, palette.background)


def board_rows(sheet: Sheet, ink: Ink) -> Rows:
    """Every panel of the sheet at its place."""
    rows: list[list[tuple[int, list[Span]]]] = [[] for _ in range(sheet.height)]
    for key in sheet.keys:
        placed = sheet.placed(key)
        look = Look(sheet.zone, waiting=sheet.is_waiting(key), rows=sheet.rows(key))
        drawn = draw_panel(sheet.data(key), placed.w, placed.h, ink, look)
        for at, row in enumerate(drawn):
            rows[placed.y + at].append((placed.x, row))
    return [joined(parts, sheet.width, ink) for parts in rows]


def joined(parts: Sequence[tuple[int, list[Span]]], width: int, ink: Ink) -> list[Span]:
    """Runs of panels that stand beside each other, with blanks where none stands."""
    blank = style(ink.palette.text, ink.backdrop)
    line: list[Span] = []
    at = 0
    for x, row in sorted(parts, key=lambda part: part[0]):
        if x > at:
            line.append((" " * (x - at), blank))
        line += row
        at = max(at, x) + sum(_size(text) for text, _ in row)
    if at < width:
        line.append((" " * (width - at), blank))
    return line


def _size(text: str) -> int:
    from rich.cells import cell_len

    return len(text) if text.isascii() else cell_len(text)


def panel_rows(sheet: Sheet, key: str, width: int, ink: Ink) -> Rows:
    """One panel alone, as high as it needs."""
    data = sheet.data(key)
    height = wanted_height(data, width, max(sheet.placed(key).h, min(24, width // 5)))
    look = Look(sheet.zone, waiting=sheet.is_waiting(key), rows=sheet.rows(key), full=True)
    return draw_panel(data, width, height, ink, look)


def as_text(row: Sequence[Span], backdrop: str, *, coloured: bool) -> str:
    """A row as text for a terminal; the ground is the terminal's own where nothing else was laid on it."""
    if not coloured:
        return "".join(text for text, _ in row).rstrip()
    return "".join(_bare(paint, backdrop).render(text, color_system=ColorSystem.TRUECOLOR) for text, paint in row)


def _bare(paint: Style, backdrop: str) -> Style:
    ground = paint.bgcolor
    if ground is None or ground.name != backdrop:
        return paint
    return Style(color=paint.color, bold=paint.bold, italic=paint.italic)
