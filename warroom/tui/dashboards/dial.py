"""A gauge as an arc of dots, with its value in the middle; as a bar where there is no room for an arc.

Invariant: total. The filled part of the arc is the share, thresholds are gaps of their own colour on the rim.
"""

from __future__ import annotations

import math
from functools import lru_cache

from rich.style import Style

from warroom.dashboards.data import Mark, Readings, Tile
from warroom.tui.dashboards.cells import Rows, bar, filled, fitted, level_sign, mark_colour, merged
from warroom.tui.dashboards.digits import big_rows, big_width
from warroom.tui.glyphs import glyphs
from warroom.tui.widgets.braille import BRAILLE
from warroom.tui.widgets.chart_overlay import Ink
from warroom.tui.widgets.line import Span, crop, safe, width_of

_SWEEP = math.radians(240)
_LEAST = (13, 5)
_THICK = 0.26
_WHOLE = 19
"""A gauge has big digits only where `100.0%` has the room too, so that gauges beside each other look alike."""
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


def draw_dial(body: Readings, tile: Tile, colour: str, width: int, height: int, ink: Ink, *, named: bool) -> Rows:
    """One gauge in `width` x `height` cells."""
    name = safe(tile.reading.name) if named else ""
    room = height - bool(name)
    sign = level_sign(tile.reading.mark.level)
    value: list[Span] = [
        (f"{sign} " if sign else "", ink.of(colour)),
        (safe(tile.reading.text), ink.of(colour, bold=True)),
    ]
    if glyphs().ascii or width < _LEAST[0] or room < _LEAST[1]:
        rows = _flat(tile, value, colour, width, room, ink)
    else:
        rows = _arc(body, tile, value, colour, width, room, ink)
    if name:
        rows.append(_centred([(name, ink.of(ink.palette.soft))], width, ink))
    return filled(rows, width, height, ink)


def _centred(line: list[Span], width: int, ink: Ink) -> list[Span]:
    shown = crop(line, width)
    return fitted([(" " * ((width - width_of(shown)) // 2), ink.of(ink.palette.text)), *shown], width, ink)


def _flat(tile: Tile, value: list[Span], colour: str, width: int, height: int, ink: Ink) -> Rows:
    """The value, in big digits where there is the room, and a bar below it."""
    text = safe(tile.reading.text)
    sign = level_sign(tile.reading.mark.level)
    if height >= 4 and max(big_width(text), _WHOLE) + 3 <= width:
        lines = [_centred(row, width, ink) for row in big_rows(text, sign, colour, ink)]
    else:
        lines = [_centred(value, width, ink)]
    if height > len(lines) and width >= 4:
        done, rest = bar(tile.share or 0.0, width - 2)
        lines.append([(" ", ink.of(colour)), (done, ink.of(colour)), (rest, ink.of(ink.palette.faint))])
    above = max(0, (height - len(lines)) // 2)
    return filled([*([[]] * above), *lines], width, max(0, height), ink)


@lru_cache(64)
def _pixels(width: int, height: int) -> tuple[tuple[int, int, int, float, bool], ...]:
    """The dots of the arc: cell row, cell column, bit, place along the arc (0 to 1), and whether on the rim."""
    across, down = width * 2, height * 4
    radius = min(across / 2 - 1, (down - 1) / 1.5)
    centre_x, centre_y = (across - 1) / 2, radius + (down - 1.5 * radius) / 2
    thick = max(2.5, radius * _THICK)
    found = []
    for y in range(down):
        for x in range(across):
            away = math.hypot(x - centre_x, y - centre_y)
            if not radius - thick <= away <= radius:
                continue
            angle = math.atan2(x - centre_x, centre_y - y)
            share = (angle + _SWEEP / 2) / _SWEEP
            if 0 <= share <= 1:
                found.append((y // 4, x // 2, _BITS[x & 1][y & 3], share, away > radius - 1.0))
    return tuple(found)


def _arc(body: Readings, tile: Tile, value: list[Span], colour: str, width: int, height: int, ink: Ink) -> Rows:
    full, rest = ink.of(colour), ink.of(ink.palette.faint)
    share = tile.share if tile.share is not None else -1.0
    masks: dict[tuple[int, int], list[int]] = {}
    for row, column, bit, place, _ in _pixels(width, height):
        cell = masks.setdefault((row, column), [0, 0, 0])
        cell[0] |= bit
        cell[1 if place <= share else 2] += 1
    blank = ink.of(ink.palette.text)
    cells: list[list[tuple[str, Style]]] = [[(" ", blank)] * width for _ in range(height)]
    for (row, column), (mask, done, open_) in masks.items():
        paint = full if done >= open_ and done else rest
        cells[row][column] = (BRAILLE[mask], paint)
    rows: Rows = [merged(line) for line in cells]
    text = crop(value, width - 2)
    middle = min(height - 1, round(height * 0.62))
    reading = tile.reading
    inner = round(min(width - 1, (height * 4 - 1) / 1.5) * (1 - _THICK))
    if big_width(safe(reading.text)) + 6 <= inner:
        big = big_rows(safe(reading.text), level_sign(reading.mark.level), colour, ink)
        for at, line in enumerate(big):
            rows[middle - 1 + at] = _over(cells[middle - 1 + at], line, width)
    else:
        rows[middle] = _over(cells[middle], text, width)
    ends = _ends(body, ink)
    if ends and height >= 6 and width_of(ends[0]) + width_of(ends[1]) + 4 < width:
        low, high = ends
        gap = width - width_of(low) - width_of(high) - 2
        rows[-1] = [(" ", blank), *low, (" " * gap, blank), *high, (" ", blank)]
    return [fitted(row, width, ink) for row in rows]


def _over(cells: list[tuple[str, Style]], text: list[Span], width: int) -> list[Span]:
    """A row of the arc with the value laid over its middle."""
    size = width_of(text)
    left = (width - size) // 2
    return [*merged(cells[:left]), *text, *merged(cells[left + size :])] if left > 0 else text


def _ends(body: Readings, ink: Ink) -> tuple[list[Span], list[Span]] | None:
    from warroom.dashboards.units import shown

    if body.low is None or body.high is None:
        return None
    ends = []
    for value in (body.low, body.high):
        mark = Mark()
        for limit in body.limits:
            if limit.value is None or value >= limit.value:
                mark = limit.mark
        ends.append(
            [(shown(value, body.unit, body.decimals), ink.of(mark_colour(mark, ink.palette, ink.palette.muted)))]
        )
    return ends[0], ends[1]
