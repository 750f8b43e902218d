"""The bodies that count: heatmaps and histograms.

Invariant: pure. Buckets are ordered by their upper edge where their names are numbers, else as the source gave them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from warroom.dashboards.answers import numbers_of_names
from warroom.dashboards.data import Bin, Heat, Histogram
from warroom.dashboards.said import flag, number, part, text, whole
from warroom.dashboards.units import shown
from warroom.dashboards.view import View

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
_MOST_COLUMNS = 240
_MOST_BUCKETS = 200


def heat(view: View) -> Heat:
    """The heatmap of a panel: of buckets as the source has them, or made of the values of all series."""
    if flag(view.options, "calculate"):
        return _calculated(view)
    columns = [one for one in view.columns() if one.frame.time is not None][:_MOST_BUCKETS]
    names = [one.show.name for one in columns]
    edges = numbers_of_names(names)
    order = sorted(range(len(columns)), key=lambda at: edges[at]) if edges else range(len(columns))
    times = sorted({at for one in columns if one.frame.time for at in one.frame.time.numbers if at is not None})
    place = {at: index for index, at in enumerate(times)}
    cells: list[tuple[float | None, ...]] = []
    for index in order:
        row: list[float | None] = [None] * len(times)
        time = columns[index].frame.time
        for at, value in zip(time.numbers if time else (), columns[index].field.numbers, strict=True):
            if at is not None:
                row[place[at]] = value
        cells.append(tuple(row))
    unit, decimals = _bucket_unit(view)
    bounds: list[float | None] = [edges[at] for at in order] if edges else [None] * len(columns)
    buckets = [_edge(bounds[at], names[index], unit, decimals) for at, index in enumerate(order)]
    return _heat(view, times, buckets, bounds, cells, unit)


def _bucket_unit(view: View) -> tuple[str, int | None]:
    axis = view.option("yAxis")
    decimals = number(axis, "decimals")
    default = text(view.panel.fields.defaults, "unit")
    return text(axis, "unit") or default, None if decimals is None else int(min(max(decimals, 0), 20))


def _edge(bound: float | None, name: str, unit: str, decimals: int | None) -> str:
    return name if bound is None or math.isinf(bound) else shown(bound, unit, decimals)


def _heat(
    view: View, times: Sequence[float], buckets: Sequence[str], bounds: Sequence[float | None],
    cells: Sequence[tuple[float | None, ...]], unit: str,
) -> Heat:  # fmt: skip
    kept = [one for row in cells for one in row if one is not None and math.isfinite(one)]
    return Heat(
        times=tuple(times),
        buckets=tuple(buckets),
        bounds=tuple(bounds),
        cells=tuple(cells),
        low=min(kept, default=0.0),
        high=max(kept, default=0.0),
        start=view.start,
        end=view.end,
        unit=unit,
        cell_unit=text(view.option("cellValues"), "unit"),
    )


def _calculated(view: View) -> Heat:
    samples = [
        (at, value)
        for one in view.columns()
        if one.frame.time is not None
        for at, value in zip(one.frame.time.numbers, one.field.numbers, strict=True)
        if at is not None and value is not None and math.isfinite(value)
    ]
    unit, decimals = _bucket_unit(view)
    if not samples:
        return _heat(view, (), (), (), (), unit)
    how = part(view.option("calculation"), "yBuckets")
    size = (number(how, "value") or 0.0) if text(how, "mode") == "size" else 0.0
    count = whole(how, "value", 12, 1, 60) if text(how, "mode") == "count" else 12
    edges = _edges([value for _, value in samples], size, count)
    times = sorted({at for at, _ in samples})
    if len(times) > _MOST_COLUMNS:
        wide = (times[-1] - times[0]) / _MOST_COLUMNS
        columns = [times[0] + index * wide for index in range(_MOST_COLUMNS)]
    else:
        wide, columns = 0.0, times
    place = {at: index for index, at in enumerate(columns)}
    counts = [[0.0] * len(columns) for _ in edges[1:]]
    for at, value in samples:
        across = min(int((at - times[0]) / wide), len(columns) - 1) if wide else place[at]
        counts[_bin(edges, value)][across] += 1
    names = [shown(edge, unit, decimals) for edge in edges[1:]]
    return _heat(view, columns, names, edges[1:], [tuple(row) for row in counts], unit)


def _bin(edges: Sequence[float], value: float) -> int:
    width = edges[1] - edges[0]
    return min(max(int((value - edges[0]) / width), 0), len(edges) - 2)


def _edges(values: Sequence[float], size: float, count: int) -> list[float]:
    """Edges of equal bins around all values, of a round size where none is given."""
    low, high = min(values), max(values)
    if not (size > 0 and (high - low) / size <= _MOST_BUCKETS):
        size = _round_size((high - low) / count if high > low else abs(low) or 1.0)
    first = math.floor(low / size)
    last = max(math.floor(high / size) + 1, first + 1)
    edges = [at * size for at in range(first, min(last, first + _MOST_BUCKETS) + 1)]
    rising = all(after > before for before, after in pairwise(edges))
    return edges if rising else [low, math.nextafter(max(high, low), math.inf) if high <= low else high]


def _round_size(raw: float) -> float:
    if not (math.isfinite(raw) and raw > 1e-300):
        return 1.0
    scale = 10.0 ** math.floor(math.log10(raw))
    return next((scale * one for one in _ROUND if scale * one >= raw * (1 - 1e-9)), raw)


def histogram(view: View) -> Histogram:
    """How often the values of each series lie where; all in one where the author combined them."""
    columns = [(one, [v for v in one.field.numbers if v is not None and math.isfinite(v)]) for one in view.columns()]
    columns = [(one, values) for one, values in columns if values][:50]
    if not columns:
        return Histogram((), ())
    show = columns[0][0].show
    together = flag(view.options, "combine")
    edges = _edges(
        [value for _, values in columns for value in values],
        number(view.options, "bucketSize") or 0.0,
        whole(view.options, "bucketCount", 30, 1, _MOST_BUCKETS),
    )
    names = ["all"] if together else [one.show.name for one, _ in columns]
    counts = [[0.0] * len(names) for _ in edges[1:]]
    for at, (_, values) in enumerate(columns):
        for value in values:
            counts[_bin(edges, value)][0 if together else at] += 1
    bins = tuple(
        Bin(low, high, show.text_of(low), tuple(row)) for (low, high), row in zip(pairwise(edges), counts, strict=True)
    )
    return Histogram(tuple(names), bins, show.unit)
