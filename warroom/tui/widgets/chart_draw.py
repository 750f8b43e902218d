"""Drawing of a chart into rows of styled text, apart from any widget.

Invariant: `draw` gives exactly `height` rows of exactly `width` printable cells with a background, never raises for
any data and size, and shows the last value of the first series in its first row whenever there is the room for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.style import Style

from warroom.tui.glyphs import Glyphs, glyphs, time_of_day
from warroom.tui.palette import Palette
from warroom.tui.widgets.braille import (
    BRAILLE,
    PLAIN,
    Masks,
    area_masks,
    columns,
    line_masks,
    pixel,
    step_of,
    time_cell,
)
from warroom.tui.widgets.chart_data import (
    ChartData,
    Marker,
    Series,
    Threshold,
    finite_range,
    is_breached,
    last_sample,
    sample_before,
)
from warroom.tui.widgets.chart_overlay import Ink, clock_labels, overlaid
from warroom.tui.widgets.line import Span, crop, justify, safe, width_of, wrap
from warroom.tui.widgets.units import Axis, axis_label, canonical, duration, nice_axis, shown

_MARKER_HUES: Final = {
    "deploy": "violet",
    "incident": "amber",
    "declared": "amber",
    "status": "teal",
    "note": "blue",
    "alert": "red",
}
_LABELLED: Final = 60
"""From this many cells on a plot has room to write what its markers are."""

_STATE_WORDS: Final = {
    "ok": "no samples in this window",
    "loading": "waiting for the first samples",
    "empty": "no data: the query gave no series",
    "stale": "not current: the backend does not answer",
    "error": "the query failed",
}


def marker_glyph(kind: str, table: Glyphs) -> str:
    """The sign of a kind of event; each kind has its own."""
    return {
        "deploy": table.deploy,
        "incident": table.dash_vertical,
        "declared": table.diamond,
        "status": table.pointer,
        "note": table.pin,
        "alert": table.up,
    }.get(kind, table.dash_vertical)


def draw(data: ChartData, width: int, height: int, ink: Ink) -> list[list[Span]]:
    """The inside of a chart: value line, message if there is one, plot with axes. `width` x `height` cells."""
    if width <= 0 or height <= 0:
        return [[] for _ in range(max(0, height))]
    rows = [_fit(_value_line(data, width, ink), width, ink)]
    left = height - 1
    if left:
        notes = _message(data, width, max(1, left // 3), ink)
        rows.extend(_fit(note, width, ink) for note in notes[:left])
        left -= min(left, len(notes))
    if left and width >= 4:
        rows.extend(_plot(data, width, left, ink))
    blank = [(" " * width, ink.of(ink.palette.text))]
    rows.extend(blank for _ in range(height - len(rows)))
    return rows[:height]


def _fit(line: list[Span], width: int, ink: Ink) -> list[Span]:
    """The line in exactly `width` cells, printable, and with the backdrop behind each."""
    plain = ink.of(ink.palette.text)
    out = [(safe(text), paint if paint.bgcolor is not None else plain) for text, paint in line if text]
    missing = width - width_of(out)
    if missing < 0:
        out = crop(out, width)
        missing = width - width_of(out)
    return [*out, (" " * missing, plain)] if missing > 0 else out


def main_colour(data: ChartData, ink: Ink) -> str:
    """The colour of the first series: grey when not current, the bad one when it breaches a threshold."""
    palette = ink.palette
    if data.state in {"stale", "error"}:
        return palette.muted
    if is_breached(data):
        return palette.bad
    hue = data.series[0].hue if data.series and data.series[0].hue else ink.hue
    return palette.hue(hue) if hue else palette.chart(0)


def _value_line(data: ChartData, width: int, ink: Ink) -> list[Span]:
    last = last_sample(data.series[0]) if data.series else None
    number = shown(last[1] if last else None, data.unit)
    big = [(number.digits, ink.of(main_colour(data, ink) if last else ink.palette.muted, bold=True))]
    unit = [(f" {number.unit}", ink.of(ink.palette.muted))] if number.unit else []
    whole, deltas = [*big, *unit], _deltas(data, ink)
    choices = [(whole, right) for right in deltas] + [(big, right) for right in deltas[-1:]]
    for left, right in (*choices, (whole, [])):
        if width_of(left) + (1 + width_of(right) if right else 0) <= width:
            return justify(left, right, width)
    return crop(big, width)


def _deltas(data: ChartData, ink: Ink) -> list[list[Span]]:
    """What to say at the right of the value, the longest wording first."""
    palette, first = ink.palette, data.series[0] if data.series else None
    last = last_sample(first) if first else None
    if first is None or last is None:
        return []
    if data.state in {"stale", "error"}:
        word = f"at {time_of_day(last[0], seconds=False)}"
        return [[(f"last value {word}", ink.of(palette.muted))], [(word, ink.of(palette.muted))]]
    silent = data.end - last[0]
    if silent > max(step_of(first.times) * 3.5, 1.0) and math.isfinite(silent):
        word = f"no sample for {duration(silent)}"
        return [[(word, ink.of(palette.warn))], [(f"gap {duration(silent)}", ink.of(palette.warn))]]
    back = (data.end - data.start) / 6
    before = sample_before(first, last[0] - back) if back > 0 else None
    if before is None or not math.isfinite(last[1]):
        return []
    change = _change(before, last[1], data.unit)
    if change is None:
        return [[("steady", ink.of(palette.muted))]]
    rising = last[1] > before
    text = f"{glyphs().up if rising else glyphs().down} {change}"
    colour = palette.soft
    if data.thresholds:
        colour = palette.bad if rising == data.thresholds[0].upper else palette.good
    paint = ink.of(colour)
    return [[(f"{text} in {duration(back)}", paint)], [(text, paint)]]


def _change(before: float, now: float, unit: str) -> str | None:
    """The size of a change in words, or None when it is too small to speak of."""
    known, difference = canonical(unit), abs(now - before)
    if not math.isfinite(difference):
        return None
    if known in {"percent", "ratio"}:
        points = difference * (100 if known == "ratio" else 1)
        return None if points < 0.05 else f"{points:.1f} pt" if points < 10 else f"{points:.0f} pt"
    share = difference / abs(before) if before else math.inf
    if share < 0.005:
        return None
    if share >= 10:
        return shown(difference, unit).text.replace(" ", "")
    return f"{share * 100:.0f}%"


def _message(data: ChartData, width: int, most: int, ink: Ink) -> list[list[Span]]:
    """The state in words, on as many rows as it needs and may have; nothing for current data."""
    empty = not any(last_sample(series) for series in data.series)
    if data.state == "ok" and not empty:
        return []
    words = data.message or _STATE_WORDS[data.state]
    colour = ink.palette.bad if data.state == "error" else ink.palette.warn
    if data.state in {"loading", "empty", "ok"}:
        colour = ink.palette.muted
    lines = wrap(words, width)
    shown_lines = [*lines[: most - 1], " ".join(lines[most - 1 :])] if len(lines) > most else lines
    return [crop([(line, ink.of(colour))], width) for line in shown_lines]


@dataclass(slots=True)
class _Canvas:
    """The plot while it is drawn: its size in cells, its value axis, its colours."""

    width: int
    height: int
    axis: Axis
    ink: Ink
    colour: str
    calm: str
    limit: Threshold | None
    well: list[bool]
    """By column, whether it is on the right side of a limit that it has to stay above; empty for any other."""


def _plot(data: ChartData, width: int, height: int, ink: Ink) -> list[list[Span]]:
    bounds = finite_range(data.series, data.start, data.end)
    if bounds is None:
        return []
    rows_for_time = 1 if height >= 5 else 0
    plot_height = height - rows_for_time
    axis = _axis(data, bounds, plot_height)
    labels = {mark: axis_label(mark, data.unit) for mark in axis.ticks}
    gutter = min(7, max(len(text) for text in labels.values()) + 1) if width >= 20 else 0
    plot_width = width - gutter
    canvas = _Canvas(plot_width, plot_height, axis, ink, main_colour(data, ink), "", None, [])
    canvas.limit = next((one for one in data.thresholds if axis.low <= one.value <= axis.high), None)
    canvas.calm = canvas.colour
    if canvas.limit is not None and data.state not in {"stale", "error"}:
        canvas.calm = ink.palette.hue("blue")
    cells = _cells(data, canvas)
    if data.points or data.cursor is not None:
        cells = overlaid(cells, data, axis, ink)
    if plot_width >= _LABELLED and cells:
        cells[0] = _label_markers(data, cells[0], plot_width, ink)
    faint = ink.of(ink.palette.faint)
    ticks = _tick_rows(labels, axis, plot_height)
    rows = []
    for at, line in enumerate(cells):
        label = [(f"{ticks.get(at, '')[: gutter - 1]:>{gutter - 1}} ", faint)] if gutter else []
        rows.append([*label, *line])
    if rows_for_time:
        labels_of = clock_labels if data.zone is not None else _time_labels
        rows.append([(" " * gutter + labels_of(data, plot_width), faint)])
    return rows


def _axis(data: ChartData, bounds: tuple[float, float], height: int) -> Axis:
    """The value axis; a threshold is on it unless that would flatten the data."""
    low, high = bounds
    if high > 0 and canonical(data.unit) not in {"percent", "ratio"}:
        high = min(high * 1.02, 1e308)
    for threshold in data.thresholds:
        if high < threshold.value <= max(high, 0.0) * 4:
            high = threshold.value * 1.08
        if low > threshold.value:
            low = threshold.value
    return nice_axis(low, high, max(2 if height >= 5 else 1, min(5, height // 3)), data.unit)


def _tick_rows(labels: dict[float, str], axis: Axis, height: int) -> dict[int, str]:
    """Tick labels by cell row, the ends first so that neighbours give way to them."""
    rows: dict[int, str] = {}
    marks = sorted(labels)
    for mark in (marks[0], marks[-1], *marks[1:-1]):
        row = height - 1 - pixel(mark, axis.low, axis.high, height * 4) // 4
        if all(abs(row - taken) >= 2 for taken in rows) or not rows:
            rows[row] = labels[mark]
    return rows


def _time_labels(data: ChartData, width: int) -> str:
    span = data.end - data.start
    line = [" "] * width

    def put(at: int, text: str) -> None:
        if at >= 0 and at + len(text) <= width:
            line[at : at + len(text)] = text

    first, middle, last = f"-{duration(span)}", f"-{duration(span / 2)}", "now"
    put(width - len(last), last)
    if len(first) + len(last) + 1 <= width:
        put(0, first)
    at = width // 2 - len(middle) // 2
    if at > len(first) and at + len(middle) < width - len(last):
        put(at, middle)
    return "".join(line)


def _cells(data: ChartData, canvas: _Canvas) -> list[list[Span]]:
    """The plot's cells, row by row, as runs of equal style."""
    width, height, axis = canvas.width, canvas.height, canvas.axis
    masks: Masks = [[0] * width for _ in range(height)]
    edges = [height] * width
    lines: list[dict[int, tuple[int, Style]]] = [{} for _ in range(height)]
    for index, series in enumerate(data.series):
        column = columns(series.times, series.values, data.start, data.end, width * 2)
        if index == 0 and data.area:
            masks, edges = area_masks(column, axis.low, axis.high, width, height)
            if canvas.limit is not None and not canvas.limit.upper:
                canvas.well = _well(column.low, canvas.limit)
            continue
        paint = canvas.ink.of(line_colour(data.series, index, canvas))
        for row, bits in zip(lines, line_masks(column, axis.low, axis.high, height), strict=True):
            for at, mask in bits.items():
                shared = row.get(at)
                row[at] = (mask, paint) if shared is None else (shared[0] | mask, shared[1])
    markers = _marker_cells(data.markers, data, width)
    return [_row(at, masks[at], edges, lines[at], markers, canvas) for at in range(height)]


def _well(lowest: Sequence[float | None], limit: Threshold) -> list[bool]:
    """By cell, each of which has two pixel columns."""
    broken = [value is not None and limit.breached(value) for value in lowest]
    return [not (one or other) for one, other in zip(broken[::2], broken[1::2], strict=True)]


def _marker_cells(markers: tuple[Marker, ...], data: ChartData, width: int) -> dict[int, Marker]:
    """Markers by cell column; of two in one column the later one is shown."""
    found = {}
    for marker in markers:
        column = time_cell(marker.time, data.start, data.end, width)
        if column is not None:
            found[column] = marker
    return found


def _label_markers(data: ChartData, line: list[Span], width: int, ink: Ink) -> list[Span]:
    """The top row of the plot with each marker's label behind its sign, as far as blank cells reach."""
    cells = [(char, paint) for text, paint in line for char in text]
    for column, marker in _marker_cells(data.markers, data, width).items():
        room = 0
        while column + 1 + room < width and cells[column + 1 + room][0] == " ":
            room += 1
        text = f" {safe(marker.label)} "
        if not marker.label or cell_len(text) != len(text) or len(text) > room:
            continue
        paint = ink.of(_marker_colour(marker, ink.palette))
        cells[column + 1 : column + 1 + len(text)] = [(char, paint) for char in text]
    return cells


def _row(
    row: int,
    masks: list[int],
    edges: list[int],
    lines: dict[int, tuple[int, Style]],
    markers: dict[int, Marker],
    canvas: _Canvas,
) -> list[Span]:
    ink, palette, table = canvas.ink, canvas.ink.palette, glyphs()
    height, axis = canvas.height, canvas.axis
    limit_row, colour = -1, canvas.colour
    if canvas.limit is not None:
        limit_row = height - 1 - pixel(canvas.limit.value, axis.low, axis.high, height * 4) // 4
        colour = canvas.calm if row > limit_row and not canvas.well else canvas.colour
    share = (height - 1 - row) / max(1, height - 1)
    edge, fill, blank = ink.of(colour), ink.of(colour, 0.30 + 0.42 * share), ink.of(palette.text)
    signs = PLAIN if table.ascii else BRAILLE
    chars = [signs[mask] for mask in masks]
    paints = [(edge if top == row else fill) if mask else blank for mask, top in zip(masks, edges, strict=True)]
    if canvas.well:
        calm_edge, calm_fill = ink.of(canvas.calm), ink.of(canvas.calm, 0.30 + 0.42 * share)
        for column, (mask, well) in enumerate(zip(masks, canvas.well, strict=True)):
            if mask and well:
                paints[column] = calm_edge if edges[column] == row else calm_fill
    if limit_row == row:
        dash, paint = table.dash, ink.of(palette.bad, 0.6)
        for column, mask in enumerate(masks):
            if not mask:
                chars[column], paints[column] = dash, paint
    for column, marker in markers.items():
        shade = _marker_colour(marker, palette)
        if masks[column] and row:
            paints[column] = ink.of(shade, 0.5)
        else:
            chars[column] = table.dash_vertical if row else marker_glyph(marker.kind, table)
            paints[column] = ink.of(shade, 0.65 if row else 1.0)
    for column, (mask, paint) in lines.items():
        chars[column] = "o" if table.ascii else BRAILLE[mask]
        paints[column] = paint
    return _runs(chars, paints)


def _runs(chars: list[str], paints: list[Style]) -> list[Span]:
    """Cells as runs of one style."""
    out: list[Span] = []
    start, current = 0, paints[0]
    for at, paint in enumerate(paints):
        if paint is not current:
            out.append(("".join(chars[start:at]), current))
            start, current = at, paint
    out.append(("".join(chars[start:]), current))
    return out


def line_colour(series: tuple[Series, ...], index: int, canvas: _Canvas) -> str:
    """The colour of a series drawn as a line: never that of the area."""
    palette = canvas.ink.palette
    if index == 0:
        return canvas.colour
    hue = series[index].hue
    colour = palette.hue(hue) if hue else palette.chart(index)
    return palette.chart(index + 2) if colour == canvas.colour else colour


def _marker_colour(marker: Marker, palette: Palette) -> str:
    return palette.hue(_MARKER_HUES.get(marker.kind, "amber"))
