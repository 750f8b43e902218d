"""Samples out of the store, many series at once: series whose samples have the same times lie in one batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warroom.embedded.promql.grid import Mask, Times, Values
from warroom.embedded.series_store import Pick
from warroom.embedded.series_table import ABSENT_BITS, STALE_BITS, Rows, bits

Spend = Callable[[int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Series with samples at the same times, none missing. `rows` are their positions in the selection."""

    rows: Rows
    times: Times
    values: Values


def batches(pick: Pick, after: int, until: int, *, markers: bool, spend: Spend) -> Iterator[Batch]:
    """The samples of a selection with `after < time <= until`; with `markers` of staleness, or without."""
    split = _split_rows(pick)
    for part in pick.parts:
        times, values, count = part.table.data
        low = int(np.searchsorted(times[:count], after, "right"))
        high = int(np.searchsorted(times[:count], until, "right"))
        if low >= high:
            continue
        kept = slice(None) if split is None else ~split[part.places]
        rows, places = part.rows[kept], part.places[kept]
        if len(rows):
            spend(len(rows) * (high - low))
            whole = part.table.whole(rows)
            yield from _apart(places, times[low:high], _rows(values, rows, low, high), whole, markers)
    if split is not None:
        for place in np.nonzero(split)[0]:
            yield from _woven(pick, int(place), after, until, markers)


def latest(pick: Pick, at: Times, lookback: int, spend: Spend) -> tuple[Values, Mask, Times]:
    """The newest sample of each series at each moment that is at most `lookback` old: values, whether there is one,
    and its time, each (series, moments).
    """
    shape = (len(pick.keys), len(at))
    values, there = np.zeros(shape), np.zeros(shape, bool)
    stamps = np.zeros(shape, np.int64)
    if not len(at):
        return values, there, stamps
    for batch in batches(pick, int(at.min()) - lookback, int(at.max()), markers=True, spend=spend):
        place = np.searchsorted(batch.times, at, "right") - 1
        good = (place >= 0) & (batch.times[place] > at - lookback)
        found = np.take(batch.values, np.maximum(place, 0), axis=1)
        values[batch.rows] = found
        there[batch.rows] = good & (bits(found) != STALE_BITS)
        stamps[batch.rows] = batch.times[place]
    return values, there, stamps


def apart(rows: Rows, times: Times, values: Values, missing: Mask) -> Iterator[Batch]:
    """Batches of a block of which some cells are no samples."""
    broken = missing.any(axis=1)
    if not broken.any():
        yield Batch(rows, times, values)
        return
    if not broken.all():
        yield Batch(rows[~broken], times, values[~broken])
    groups: dict[bytes, list[int]] = {}
    for row, packed in zip(np.nonzero(broken)[0], np.packbits(missing[broken], axis=1), strict=True):
        groups.setdefault(packed.tobytes(), []).append(int(row))
    for members in groups.values():
        kept = ~missing[members[0]]
        if kept.any():
            yield Batch(rows[members], times[kept], values[members][:, kept])


def _rows(values: Values, rows: Rows, low: int, high: int) -> Values:
    if len(rows) > 1 and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return values[rows[0] : rows[-1] + 1, low:high]
    return np.take(values[:, low:high], rows, axis=0)


def _apart(rows: Rows, times: Times, values: Values, whole: bool, markers: bool) -> Iterator[Batch]:
    if whole:
        yield Batch(rows, times, values)
        return
    values = np.ascontiguousarray(values)
    kinds = bits(values)
    missing = kinds == ABSENT_BITS
    if not markers:
        missing |= kinds == STALE_BITS
    yield from apart(rows, times, values, missing)


def _split_rows(pick: Pick) -> NDArray[np.bool_] | None:
    if not pick.split:
        return None
    homes = np.zeros(len(pick.keys), np.int64)
    for part in pick.parts:
        homes[part.places] += 1
    return homes > 1


def _woven(pick: Pick, place: int, after: int, until: int, markers: bool) -> Iterator[Batch]:
    """The samples of one series that lies in several tables, in order of time."""
    found_times, found_values = [], []
    for part in pick.parts:
        for row in part.rows[part.places == place]:
            times, values, count = part.table.data
            kinds = bits(values[row, :count])
            good = (kinds != ABSENT_BITS) & (times[:count] > after) & (times[:count] <= until)
            if not markers:
                good &= kinds != STALE_BITS
            found_times.append(times[:count][good])
            found_values.append(values[row, :count][good])
    joined = np.concatenate(found_times)
    if len(joined):
        order = np.argsort(joined, kind="stable")
        yield Batch(np.array([place], np.intp), joined[order], np.concatenate(found_values)[order][np.newaxis])
