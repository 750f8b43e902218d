"""From answers of a source to frames: pure, no clock, no network.

Invariant: the window after a delta equals the window that asking for all of it at once would give.
"""

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

from warroom.telemetry.panel import Panel
from warroom.telemetry.prometheus_data import Line, Matrix
from warroom.telemetry.series import Delta, Full, Labels, Points, Series, Value

LegendOf: TypeAlias = Callable[[Mapping[str, str]], str]


def full_of(panel: Panel, matrix: Matrix, newest: int, rev: int, max_series: int) -> Full:
    """The window of `panel.columns` columns that ends with column `newest`.

    Of more than `max_series` series those with the largest newest values are kept, and a warning says so.
    """
    oldest = newest - panel.columns + 1
    return on_grid(
        matrix,
        panel_id=panel.id,
        rev=rev,
        start=panel.time_of(oldest),
        step=panel.step,
        count=panel.columns,
        max_series=max_series,
        legend_of=panel.legend_of,
    )


def on_grid(
    matrix: Matrix,
    *,
    panel_id: str,
    rev: int,
    start: float,
    step: float,
    count: int,
    max_series: int,
    legend_of: LegendOf,
) -> Full:
    """An answer laid on the times `start + i * step`, with explicit gaps."""
    lines = sorted(matrix.lines, key=lambda line: line.labels)
    warnings = matrix.warnings
    if len(lines) > max_series:
        largest = sorted(lines, key=_newest_value, reverse=True)[:max_series]
        kept = {line.labels for line in largest}
        warnings = (*warnings, f"the {max_series} largest of {len(lines)} series are shown; aggregate them to see all")
        lines = [line for line in lines if line.labels in kept]
    series = tuple(
        Series(line.labels, legend_of(dict(line.labels)), start, step, _columns(line, start, step, count))
        for line in lines
    )
    return Full(panel_id, rev, start, step, count, series, warnings, matrix.infos)


def delta_of(panel: Panel, full: Full, matrix: Matrix, oldest: int, newest: int, max_series: int) -> Delta | None:
    """What `matrix`, the answer for the columns `oldest` to `newest`, changes in `full`; None when nothing.

    `oldest` is at most one column after the newest of `full`; columns that did not change are left out.
    """
    start = panel.time_of(oldest)
    count = newest - oldest + 1
    have = round((full.newest - start) / panel.step) + 1
    answered = {line.labels: _columns(line, start, panel.step, count) for line in matrix.lines}
    known = {series.labels: index for index, series in enumerate(full.series)}
    room = max(0, max_series - len(known))
    added = sorted(labels for labels in answered if labels not in known)[:room]
    gaps: tuple[Value, ...] = (None,) * count
    before = {series.labels: series.values[full.count - have :] for series in full.series}
    rows = [(index, answered.get(labels, gaps), before[labels]) for labels, index in known.items()]
    rows += [(len(known) + place, answered[labels], gaps[:have]) for place, labels in enumerate(added)]
    same = min((_same_columns(now, then) for _, now, then in rows), default=have)
    warnings, infos = _remarks(full, matrix)
    if same == count and not added and warnings is None and infos is None:
        return None
    return Delta(
        panel_id=panel.id,
        rev=full.rev + 1,
        start=round(start + same * panel.step, 3),
        count=count - same,
        points=tuple(
            Points(index, now[same:]) for index, now, _ in rows if any(value is not None for value in now[same:])
        ),
        trimmed_before=panel.time_of(newest - panel.columns + 1),
        added=tuple((labels, panel.legend_of(dict(labels))) for labels in added),
        warnings=warnings,
        infos=infos,
    )


def without_dead(full: Full) -> Full:
    """The window without the series that have no sample left in it; the same object when there are none."""
    living = tuple(series for series in full.series if any(value is not None for value in series.values))
    if len(living) == len(full.series):
        return full
    return Full(full.panel_id, full.rev, full.start, full.step, full.count, living, full.warnings, full.infos)


def _remarks(full: Full, matrix: Matrix) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """The remarks that are new; a tail has fewer than its window, so none are taken back."""
    warnings = tuple(text for text in matrix.warnings if text not in full.warnings)
    infos = tuple(text for text in matrix.infos if text not in full.infos)
    return (full.warnings + warnings) if warnings else None, (full.infos + infos) if infos else None


def _columns(line: Line, start: float, step: float, count: int) -> tuple[Value, ...]:
    if len(line.values) == count and abs(line.times[0] - start) < step / 2:
        return line.values
    values: list[Value] = [None] * count
    for at, value in zip(line.times, line.values, strict=True):
        column = round((at - start) / step)
        if 0 <= column < count:
            values[column] = value
    return tuple(values)


def _same_columns(now: tuple[Value, ...], then: tuple[Value, ...]) -> int:
    """How many leading columns are the same; NaN is the same as NaN."""
    for index, (new, old) in enumerate(zip(now, then, strict=False)):
        if new != old and not (new is not None and old is not None and math.isnan(new) and math.isnan(old)):
            return index
    return min(len(now), len(then))


def _newest_value(line: Line) -> tuple[float, Labels]:
    value = line.values[-1]
    return (-math.inf if math.isnan(value) else value), line.labels
