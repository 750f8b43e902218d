"""A few numbers: big ones with their trend, gauges, bars, slices.

Invariant: total. A level is said by its sign beside the value, a share by the bar's length or a percentage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len

from warroom.dashboards.data import Line, Readings, Tile
from warroom.tui.dashboards.cells import (
    Rows,
    bar,
    column,
    filled,
    fitted,
    level_sign,
    mark_colour,
    tinted,
    worded,
)
from warroom.tui.dashboards.dial import draw_dial
from warroom.tui.dashboards.digits import big_rows, big_width
from warroom.tui.glyphs import glyphs
from warroom.tui.widgets.braille import BRAILLE, PLAIN, area_masks, columns
from warroom.tui.widgets.chart_data import Series, finite_range
from warroom.tui.widgets.chart_overlay import Ink
from warroom.tui.widgets.line import Span, crop, safe, width_of

_LEAST_TILE = 12
_LEAST_BAR = 3


def draw_readings(body: Readings, width: int, height: int, ink: Ink, no_value: str = "No data") -> Rows:
    """The numbers in `width` x `height` cells, in the shape that the author chose."""
    if not body.tiles:
        return worded(no_value, width, height, ink)
    if body.style == "slices":
        return _slices(body, width, height, ink)
    if body.style == "bars":
        standing = body.upright and height >= 5 and width >= len(body.tiles) * 7
        return _standing(body, width, height, ink) if standing else _bars(body, width, height, ink)
    return _tiles(body, width, height, ink)


def _tiles(body: Readings, width: int, height: int, ink: Ink) -> Rows:
    """Stats and gauges side by side, and in rows where there are too many."""
    across, down = _grid(len(body.tiles), width, height)
    shown_tiles = body.tiles[: across * down]
    left = len(body.tiles) - len(shown_tiles)
    rows: Rows = []
    for place in range(down):
        group = shown_tiles[place * across : (place + 1) * across]
        if not group:
            break
        tall = height * (place + 1) // down - height * place // down
        parts = []
        for at in range(across):
            wide = width * (at + 1) // across - width * at // across
            parts.append(_tile(body, group[at], wide, tall, ink) if at < len(group) else filled([], wide, tall, ink))
        rows += [[run for part in parts for run in part[line]] for line in range(tall)]
    if left and rows:
        rows[-1] = fitted([*crop(rows[-1], width - 9), (f" +{left} more", ink.of(ink.palette.muted))], width, ink)
    return filled(rows, width, height, ink)


def _grid(count: int, width: int, height: int) -> tuple[int, int]:
    """How many tiles across and down: as wide as they can be while all have room."""
    most = max(1, width // _LEAST_TILE)
    for down in range(1, max(1, height // 2) + 1):
        across = math.ceil(count / down)
        if across <= most and (width // across >= 16 or across <= 2 or down >= height // 2):
            return across, down
    return most, max(1, height // 2)


def _tile(body: Readings, tile: Tile, width: int, height: int, ink: Ink) -> Rows:
    reading = tile.reading
    colour = mark_colour(reading.mark, ink.palette, ink.palette.accent)
    if body.style == "gauge":
        return draw_dial(body, tile, colour, width, height, ink, named=_is_named(body))
    plain = colour if body.tint else ink.palette.text
    ground = tinted(ink, colour) if body.tint == "background" else ink
    return _stat(body, tile, plain, width, height, ground)


def _is_named(body: Readings) -> bool:
    """Whether a tile says its name."""
    return body.text_is in {"name", "value_and_name"} or (body.text_is == "auto" and len(body.tiles) > 1)


def _stat(body: Readings, tile: Tile, colour: str, width: int, height: int, ink: Ink) -> Rows:
    reading = tile.reading
    sign = level_sign(reading.mark.level) if body.tint else ""
    text = "" if body.text_is in {"none"} else safe(reading.name if body.text_is == "name" else reading.text)
    named = _is_named(body) and body.text_is != "name" and height >= 2 and bool(reading.name)
    room = height - named
    big = body.text_is not in {"name", "none"} and room >= 4 and big_width(text) + 3 <= width
    sparks = 0 if tile.spark is None else room - (3 if big else 1) - (room > 6)
    lines: Rows = []
    if named:
        lines.append(_centred([(safe(reading.name), ink.of(ink.palette.soft))], width, ink))
    if big:
        lines += [_centred(row, width, ink) for row in big_rows(text, sign, colour, ink)]
    else:
        runs: list[Span] = [(f"{sign} " if sign else "", ink.of(colour, bold=True)), (text, ink.of(colour, bold=True))]
        if tile.change:
            runs.append((f"  {safe(tile.change)}", ink.of(ink.palette.muted)))
        lines.append(_centred(runs, width, ink))
    if sparks > 0 and tile.spark is not None:
        lines += _spark(tile.spark, width, min(sparks, 6), colour, ink)
    above = (height - len(lines)) // 2 if height > len(lines) else 0
    return filled([*([[]] * above), *lines], width, height, ink)


def _centred(line: Sequence[Span], width: int, ink: Ink) -> list[Span]:
    shown_line = crop(line, width)
    return fitted([(" " * ((width - width_of(shown_line)) // 2), ink.of(ink.palette.text)), *shown_line], width, ink)


def _spark(line: Line, width: int, height: int, colour: str, ink: Ink) -> Rows:
    """The trend as an area without axes, from its own least to its own greatest value."""
    start, end = (line.times[0], line.times[-1]) if line.times else (0.0, 0.0)
    bounds = finite_range([Series(line.name, line.times, line.values)], start, end)
    if bounds is None or not end > start:
        return []
    low, high = bounds
    room = (high - low) or abs(high) or 1.0
    column_ = columns(line.times, line.values, start, end, width * 2)
    masks, edges = area_masks(column_, low - room * 0.15, high + room * 0.05, width, height)
    signs = PLAIN if glyphs().ascii else BRAILLE
    rows: Rows = []
    for at, row in enumerate(masks):
        edge, body = ink.of(colour, 0.8), ink.of(colour, 0.28 + 0.2 * (height - at) / height)
        runs: list[Span] = []
        for cell, mask in enumerate(row):
            paint = edge if edges[cell] == at else body
            if runs and runs[-1][1] is paint:
                runs[-1] = (runs[-1][0] + signs[mask], paint)
            else:
                runs.append((signs[mask], paint))
        rows.append(runs)
    return rows


def _bars(body: Readings, width: int, height: int, ink: Ink) -> Rows:
    """Lying bars: name, bar, value; the name on a row of its own where that leaves the bar more room."""
    palette = ink.palette
    names = [safe(one.reading.name) for one in body.tiles]
    texts = [_signed(one) for one in body.tiles]
    most = max(cell_len(text) for text in texts)
    longest = max(cell_len(name) for name in names)
    stacked = width < 40 and height >= len(names) * 2 and longest > width // 3
    room_name = 0 if stacked else min(longest, max(4, width // 3), max(0, width - most - 1))
    if not stacked and width - room_name - most - 2 < _LEAST_BAR:
        room_name = min(longest, max(0, width - most - 1))
    each = 2 if stacked else 1
    tiles = list(zip(body.tiles, names, texts, strict=True))
    fit = max(1, height // each)
    kept = tiles if len(tiles) <= fit else tiles[: max(1, fit - 1)]
    roomy = len(kept) * each * 2 <= height + 1
    lines: list[list[Span]] = []
    for tile, name, text in kept:
        colour = mark_colour(tile.reading.mark, palette, palette.accent)
        label: list[Span] = [(name, ink.of(palette.soft))]
        across = width - (room_name + 1 if room_name else 0) - most - 1
        across = across if across >= _LEAST_BAR else 0
        done, rest = bar(tile.share or 0.0, across)
        gap = " " if across or not room_name else ""
        value: Span = (f"{gap}{' ' * (most - cell_len(text))}{text}", ink.of(colour, bold=True))
        drawn: list[Span] = [(done, ink.of(colour)), (rest, ink.of(palette.faint)), value]
        if stacked:
            lines += [label, drawn]
        else:
            shown_name = crop(label, room_name)
            pad: Span = (" " * (room_name - width_of(shown_name) + bool(room_name)), ink.of(palette.text))
            lines.append([*shown_name, pad, *drawn])
        if roomy:
            lines.append([])
    if len(kept) < len(tiles):
        lines.append([(f"+{len(tiles) - len(kept)} more", ink.of(palette.muted))])
    above = (height - len(lines)) // 2 if roomy and height > len(lines) else 0
    return filled([*([[]] * above), *lines], width, height, ink)


def _signed(tile: Tile) -> str:
    sign = level_sign(tile.reading.mark.level)
    return f"{sign} {safe(tile.reading.text)}" if sign else safe(tile.reading.text)


def _standing(body: Readings, width: int, height: int, ink: Ink) -> Rows:
    """Standing bars with the value above and the name below."""
    palette, count = ink.palette, len(body.tiles)
    tall = height - 2
    wide = width // count
    parts: list[Rows] = []
    for tile in body.tiles:
        colour = mark_colour(tile.reading.mark, palette, palette.accent)
        body_rows: list[list[Span]] = [_centred([(_signed(tile), ink.of(colour, bold=True))], wide, ink)]
        for sign in column(tile.share or 0.0, tall):
            body_rows.append(_centred([(sign * max(1, wide - 2), ink.of(colour))], wide, ink))
        body_rows.append(_centred([(safe(tile.reading.name), ink.of(palette.soft))], wide, ink))
        parts.append(body_rows)
    rows = [[run for part in parts for run in part[line]] for line in range(height)]
    return filled(rows, width, height, ink)


def _slices(body: Readings, width: int, height: int, ink: Ink) -> Rows:
    """Parts of a whole as bars with their percentage, the greatest first."""
    palette = ink.palette
    ordered = sorted(enumerate(body.tiles), key=lambda one: -(one[1].share or 0.0))
    kept = ordered if len(ordered) <= height else ordered[: max(1, height - 1)]
    longest = min(max(cell_len(safe(one.reading.name)) for _, one in kept), max(4, width // 3))
    most = max(cell_len(safe(one.reading.text)) for _, one in kept)
    valued = width >= longest + most + 16
    lines: list[list[Span]] = []
    for at, tile in kept:
        colour = mark_colour(tile.reading.mark, palette, palette.chart(at))
        name = crop([(safe(tile.reading.name), ink.of(palette.soft))], longest)
        percent = "    -" if tile.share is None else f"{tile.share * 100:4.0f}%"
        across = max(2, width - longest - 1 - 6 - (most + 1 if valued else 0))
        done, rest = bar(tile.share or 0.0, across)
        line: list[Span] = [
            *name,
            (" " * (longest - width_of(name) + 1), ink.of(palette.text)),
            (done, ink.of(colour)),
            (rest, ink.of(palette.faint)),
            (f" {percent}", ink.of(palette.text, bold=True)),
        ]
        if valued:
            line.append((f" {safe(tile.reading.text):>{most}}", ink.of(palette.soft)))
        lines.append(line)
    if len(kept) < len(ordered):
        lines.append([(f"+{len(ordered) - len(kept)} more", ink.of(palette.muted))])
    return filled(lines, width, height, ink)
