"""A table in cells: columns fitted to the width, numbers at the right, levels with their sign.

Invariant: total; what does not fit is counted in words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

from warroom.dashboards.data import Cell, Column, Table
from warroom.tui.dashboards.cells import Rows, bar, filled, level_sign, mark_colour, worded
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import mix, style
from warroom.tui.widgets.chart_overlay import Ink
from warroom.tui.widgets.line import Span, crop, safe, width_of

_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d.*")
_MEASURED = 200
_LEAST = 5
_WIDEST = 60


def draw_table(body: Table, width: int, height: int, ink: Ink, no_value: str = "No data") -> Rows:
    """The table in `width` x `height` cells."""
    if not body.columns or not body.rows:
        return worded(no_value, width, height, ink)
    widths = fitted_widths(body, width)
    cut = len(body.columns) - len(widths)
    lines: Rows = []
    if body.header and height > 1:
        lines.append(_heading(body.columns, widths, cut, width, ink))
    footer = bool(body.footer) and height > 3
    room = height - len(lines) - footer
    rows = body.rows if len(body.rows) <= room else body.rows[: max(1, room - 1)]
    lines += [_row(row, body.columns, widths, ink) for row in rows]
    if len(rows) < len(body.rows) and len(lines) < height:
        lines.append([(f"{glyphs().ellipsis} {len(body.rows) - len(rows)} more rows", ink.of(ink.palette.muted))])
    if footer:
        texts = [_placed(safe(text), size, column) for text, size, column in zip(body.footer, widths, body.columns)]  # noqa: B905 - a footer may be shorter
        lines.append([("  ".join(texts), ink.of(ink.palette.text, bold=True))])
    return filled(lines, width, height, ink)


def fitted_widths(body: Table, width: int) -> list[int]:
    """How wide each column is; fewer than there are columns where not all have room."""
    natural = []
    for at, column in enumerate(body.columns):
        cells = [_size(row[at], column) for row in body.rows[:_MEASURED] if at < len(row)]
        natural.append(max(1, min(_WIDEST, max([cell_len(safe(column.name)), *cells]))))
    count = len(natural)
    while count > 1 and sum(min(one, _LEAST) for one in natural[:count]) + 2 * (count - 1) > width:
        count -= 1
    kept = natural[:count]
    room = width - 2 * (count - 1)
    while sum(kept) > room and max(kept) > 1:
        widest = max(kept)
        second = max((one for one in kept if one < widest), default=1)
        several = kept.count(widest)
        drop = max(1, min(widest - second, -(-(sum(kept) - room) // several)))
        for at, one in enumerate(kept):
            if one == widest and sum(kept) > room:
                kept[at] = max(1, one - drop)
    if count == len(natural) and sum(kept) < room and kept:
        spare = (room - sum(kept)) // (count + 1)
        kept = [one + min(spare, 6) for one in kept]
    return kept


def _size(cell: Cell, column: Column) -> int:
    sign = 2 if cell.mark.level and column.style != "gauge" else 0
    return cell_len(safe(cell.text)) + sign + (8 if column.style == "gauge" else 0)


def _heading(columns: Sequence[Column], widths: Sequence[int], cut: int, width: int, ink: Ink) -> list[Span]:
    paint = ink.of(ink.palette.muted, bold=True)
    texts = [_placed(safe(column.name), size, column) for column, size in zip(columns, widths, strict=False)]
    line: list[Span] = [("  ".join(texts), paint)]
    if cut:
        more: Span = (f" +{cut} columns", ink.of(ink.palette.muted))
        line = [*crop(line, max(0, width - width_of([more]))), more]
    return line


def _placed(text: str, width: int, column: Column) -> str:
    """The text in exactly its column: at the right for numbers. Of a time that is cut the clock is kept."""
    if cell_len(text) > width >= 8 and _TIME.fullmatch(text):
        text = text[11:19]
    shown = "".join(part for part, _ in crop([(text, style(""))], width))
    space = width - cell_len(shown)
    right = column.align == "right" or (column.align == "auto" and column.numeric)
    if column.align == "center":
        return " " * (space // 2) + shown + " " * (space - space // 2)
    return " " * space + shown if right else shown + " " * space


def _row(row: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int], ink: Ink) -> list[Span]:
    palette = ink.palette
    line: list[Span] = []
    for cell, column, size in zip(row, columns, widths, strict=False):
        if line:
            line.append(("  ", ink.of(palette.text)))
        colour = mark_colour(cell.mark, palette)
        sign = level_sign(cell.mark.level)
        text = f"{sign} {safe(cell.text)}" if sign else safe(cell.text)
        if column.style == "gauge" and cell.share is not None and size >= 10:
            number = _placed(text, min(cell_len(text), size - 4), column)
            done, rest = bar(cell.share, size - cell_len(number) - 1)
            line += [(done, ink.of(colour)), (rest, ink.of(palette.faint)), (f" {number}", ink.of(colour, bold=True))]
        elif column.style == "background" and (cell.mark.level or cell.mark.hue):
            ground = style(palette.text, ink.backdrop if palette.ansi else mix(ink.backdrop, colour, 0.28), bold=True)
            line.append((_placed(text, size, column), ground))
        elif cell.mark.level or (cell.mark.hue and column.style == "tint"):
            line.append((_placed(text, size, column), ink.of(colour, bold=cell.mark.level == "critical")))
        else:
            line.append((_placed(text, size, column), ink.of(palette.text if column.numeric else palette.soft)))
    return line
