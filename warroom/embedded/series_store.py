"""The samples of an embedded Prometheus: appended in blocks or series by series, picked by label matchers.

Invariant: within a series times rise. What a series may not take is refused in Prometheus's words. One thread
writes; others may read meanwhile.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np

from warroom.embedded.series_index import SeriesIndex, matches
from warroom.embedded.series_table import ABSENT, ABSENT_BITS, STALE, STALE_BITS, Rows, Table, Times, Values, bits
from warroom.telemetry.alerts import Exemplar, Matcher
from warroom.telemetry.block import Block, SeriesKey
from warroom.telemetry.prometheus_data import MetricInfo

__all__ = ["STALE", "Part", "SampleRefused", "SeriesStore"]

_LEAST = int(np.iinfo(np.int64).min)
_KNOWN_BLOCKS = 64
_KNOWN_PICKS = 512


class SampleRefused(Exception):
    """Why a sample cannot be taken, in the words that a Prometheus answers remote write with."""


@dataclass(slots=True, eq=False)
class Kept:
    """A series: its number, its labels, and where its samples are (a table and a row; nearly always one place)."""

    number: int
    key: SeriesKey
    homes: list[tuple[Table, int]] = field(default_factory=list)
    last: int = _LEAST

    @property
    def newest(self) -> int:
        """Time of its newest sample."""
        return max([int(table.last[row]) for table, row in self.homes], default=_LEAST)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Series of a selection that lie in one table: `places` are their positions in the selection."""

    table: Table
    rows: Rows
    places: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Pick:
    """What a selector picks, whatever the time: labels in order, and where the samples are. `split` says that a series
    is in more than one part.
    """

    keys: tuple[SeriesKey, ...]
    parts: tuple[Part, ...]
    split: bool


class SeriesStore:
    """The metrics half of a `Sink`, and what the engine reads. `retention` is seconds, 0 for ever."""

    def __init__(self, retention: float = 86_400.0, most_exemplars: int = 100_000) -> None:
        self.retention = retention
        self._lock = threading.RLock()
        self._index = SeriesIndex()
        self._series: dict[int, Kept] = {}
        self._by_key: dict[SeriesKey, Kept] = {}
        self._by_identity: dict[int, tuple[SeriesKey, Kept]] = {}
        self._tables: list[Table] = []
        self._ends: dict[int, Table] = {}
        self._blocks: OrderedDict[int, tuple[tuple[SeriesKey, ...], Table, Rows | slice]] = OrderedDict()
        self._picks: OrderedDict[tuple[Matcher, ...], Pick] = OrderedDict()
        self._exemplars: deque[Exemplar] = deque(maxlen=most_exemplars)
        self._infos: dict[str, MetricInfo] = {}
        self._numbers = 0
        self._newest = _LEAST

    @property
    def newest(self) -> float:
        """Time of the newest sample, seconds since the epoch; 0 when there is none."""
        return 0.0 if self._newest == _LEAST else self._newest / 1000

    @property
    def oldest(self) -> float:
        """Time of the oldest sample; 0 when there is none."""
        firsts = [int(table.data[0][0]) for table in self._tables if table.count]
        return min(firsts) / 1000 if firsts else 0.0

    @property
    def count(self) -> int:
        """Number of series."""
        return len(self._series)

    # -- writing -----------------------------------------------------------------------------------------------------

    def append(self, block: Block) -> None:
        """Take a block; NaN is no sample in it. Raises SampleRefused when times go back within a series."""
        times = _millis(block.times)
        if not len(times) or not block.keys:
            return
        values = np.array(block.values.T, np.float64, order="C")
        odd = np.isnan(values)
        if odd.any():
            values[odd] = ABSENT
        with self._lock:
            known = self._blocks.get(id(block.keys))
            if known is None or known[0] is not block.keys:
                known = self._place(block.keys, times)
            if known is not None and int(times[0]) > known[1].newest:
                self._extend(known[1], known[2], times, values)
                return
            for key, row, gaps in zip(block.keys, values, odd, strict=True):
                there = ~gaps
                if there.any():
                    self._take(key, times[there], row[there])

    def append_samples(self, key: SeriesKey, times: Sequence[float], values: Sequence[float]) -> None:
        """Samples of one series, times rising; a NaN is a sample here. Raises SampleRefused; what came before the
        sample that is refused is kept.
        """
        if len(times):
            with self._lock:
                self._take(key, _millis(np.asarray(times, np.float64)), np.array(values, np.float64))

    def mark_stale(self, keys: Iterable[SeriesKey], at: float) -> None:
        """Say that these series have ended: queries do not look back beyond this moment."""
        time = round(at * 1000)
        with self._lock:
            for key in keys:
                kept = self._by_key.get(key)
                if kept is not None and kept.newest < time:
                    self._take(key, np.array([time], np.int64), np.array([STALE]))

    def exemplars(self, exemplars: Sequence[Exemplar]) -> None:
        """Keep exemplars; the oldest go when there are too many."""
        self._exemplars.extend(exemplars)

    def metadata(self, infos: Sequence[MetricInfo]) -> None:
        """Keep what metrics say of themselves; the last word counts."""
        self._infos.update((info.name, info) for info in infos)

    def trim(self, now: float) -> None:
        """Drop samples, series and exemplars that are older than the retention."""
        if not self.retention:
            return
        limit = round((now - self.retention) * 1000)
        with self._lock:
            for table in self._tables:
                times, _, count = table.data
                # Moving what stays costs; it is worth it when much goes.
                if count and np.searchsorted(times[:count], limit) * 4 >= count:
                    table.drop_before(limit)
            for kept in [one for one in self._series.values() if one.newest < limit]:
                self._forget(kept)
            self._tables = [table for table in self._tables if table.count]
            self._ends = {table.newest: table for table in self._tables}
            while self._exemplars and self._exemplars[0].at * 1000 < limit:
                self._exemplars.popleft()

    # -- reading -----------------------------------------------------------------------------------------------------

    def pick(self, matchers: Sequence[Matcher]) -> Pick:
        """The series of a selector, with or without samples. Raises ValueError for a pattern that is none."""
        wanted = tuple(matchers)
        with self._lock:
            found = self._picks.get(wanted)
            if found is None:
                found = self._picked([self._series[number] for number in self._index.pick(wanted)])
                self._picks[wanted] = found
                if len(self._picks) > _KNOWN_PICKS:
                    self._picks.popitem(last=False)
            else:
                self._picks.move_to_end(wanted)
            return found

    def select(self, matchers: Sequence[Matcher], start: float = -inf, end: float = inf) -> list[SeriesKey]:
        """Series with a sample between two times, both in. Raises ValueError for a pattern that is none."""
        found = self.pick(matchers)
        if start == -inf and end == inf:
            return list(found.keys)
        there = np.zeros(len(found.keys), bool)
        for part in found.parts:
            times, values, count = part.table.data
            low = int(np.searchsorted(times[:count], _bound(start)))
            high = int(np.searchsorted(times[:count], _bound(end), "right"))
            if low < high:
                some = bits(np.ascontiguousarray(values[part.rows, low:high]))
                there[part.places] |= ((some != ABSENT_BITS) & (some != STALE_BITS)).any(axis=1)
        return [key for key, seen in zip(found.keys, there, strict=True) if seen]

    def label_names(
        self, matching: Sequence[Sequence[Matcher]] = (), start: float = -inf, end: float = inf
    ) -> list[str]:
        """Label names of series that any of the selectors picks (all without one), sorted."""
        if not matching and start == -inf and end == inf:
            return self._index.names()
        return sorted({name for key in self._any(matching, start, end) for name, _ in key})

    def label_values(
        self, label: str, matching: Sequence[Sequence[Matcher]] = (), start: float = -inf, end: float = inf
    ) -> list[str]:
        """Values of a label, as `label_names`."""
        if not matching and start == -inf and end == inf:
            return self._index.values(label)
        return sorted({value for key in self._any(matching, start, end) for name, value in key if name == label})

    def exemplars_of(self, matchers: Sequence[Matcher], start: float, end: float) -> list[Exemplar]:
        """Exemplars of the series that a selector picks, between two times, in order of series and time."""
        found = [one for one in list(self._exemplars)
                 if start <= one.at <= end and _is_picked(dict(one.series), matchers)]  # fmt: skip
        return sorted(found, key=lambda one: (one.series, one.at))

    def known(self, metric: str | None = None) -> list[MetricInfo]:
        """What metrics say of themselves, sorted by name."""
        return [self._infos[name] for name in sorted(self._infos) if metric in (None, name)]

    def sizes(self) -> dict[str, dict[str, int]]:
        """How many series have each value of each label."""
        with self._lock:
            return self._index.sizes()

    # -- within ------------------------------------------------------------------------------------------------------

    def _any(self, matching: Sequence[Sequence[Matcher]], start: float, end: float) -> set[SeriesKey]:
        return {key for matchers in matching or [()] for key in self.select(matchers, start, end)}

    def _picked(self, series: Sequence[Kept]) -> Pick:
        places: dict[int, tuple[Table, list[int], list[int]]] = {}
        for place, kept in enumerate(series):
            for table, row in kept.homes:
                _, rows, at = places.setdefault(id(table), (table, [], []))
                rows.append(row)
                at.append(place)
        parts = tuple(
            Part(table, np.array(rows, np.intp), np.array(at, np.intp)) for table, rows, at in places.values()
        )
        return Pick(tuple(kept.key for kept in series), parts, any(len(kept.homes) > 1 for kept in series))

    def _kept(self, key: SeriesKey) -> Kept:
        seen = self._by_identity.get(id(key))
        if seen is not None and seen[0] is key:
            return seen[1]
        kept = self._by_key.get(key)
        if kept is None:
            kept = Kept(self._numbers, key)
            self._numbers += 1
            self._series[kept.number] = self._by_key[key] = kept
            self._index.add(kept.number, key)
            self._picks.clear()
            self._by_identity[id(key)] = (key, kept)
        return kept

    def _place(
        self, keys: tuple[SeriesKey, ...], times: Times
    ) -> tuple[tuple[SeriesKey, ...], Table, Rows | slice] | None:
        """Where the columns of a block go when all of them can go to one table; remembered for the next such block."""
        series = [self._kept(key) for key in keys]
        tables = {id(table): table for kept in series for table, _ in kept.homes}
        if len(tables) > 1 or any(len(kept.homes) > 1 for kept in series):
            return None
        table = next(iter(tables.values()), None)
        fresh = [kept for kept in series if not kept.homes]
        if table is None:
            table = Table()
            self._tables.append(table)
        elif len(keys) * 2 < table.rows or int(times[0]) <= table.newest:
            return None
        first = table.add_rows(len(fresh))
        for number, kept in enumerate(fresh):
            kept.homes.append((table, first + number))
        if fresh:
            self._picks.clear()
        rows = np.array([kept.homes[0][1] for kept in series], np.intp)
        straight = len(rows) == table.rows and np.array_equal(rows, np.arange(len(rows)))
        known = (keys, table, slice(0, len(rows)) if straight else rows)
        self._blocks[id(keys)] = known
        if len(self._blocks) > _KNOWN_BLOCKS:
            self._blocks.popitem(last=False)
        return known

    def _extend(self, table: Table, rows: Rows | slice, times: Times, values: Values) -> None:
        if self._ends.get(table.newest) is table:
            del self._ends[table.newest]
        table.extend(rows, times, values)
        self._ends[table.newest] = table
        self._newest = max(self._newest, int(times[-1]))

    def _take(self, key: SeriesKey, times: Times, values: Values) -> None:
        """Samples of one series, wherever they fit."""
        if self.retention and int(times[0]) < self._newest - self.retention * 1000:
            raise SampleRefused("out of bounds")
        kept = self._kept(key)
        newest = kept.newest
        refusal = None
        if int(times[0]) <= newest or (len(times) > 1 and (np.diff(times) <= 0).any()):
            times, values, refusal = self._sifted(kept, times, values, newest)
        if len(times):
            self._put(kept, times, values)
            self._newest = max(self._newest, int(times[-1]))
        if refusal:
            raise SampleRefused(refusal)

    def _sifted(self, kept: Kept, times: Times, values: Values, newest: int) -> tuple[Times, Values, str | None]:
        """Samples that may be taken, and why the first of the others may not; the same sample twice is no fault."""
        good: list[int] = []
        value = self._value_at(kept, newest)
        refusal = None
        for at, time in enumerate(times.tolist()):
            fresh = float(values[at])
            if time > newest:
                good.append(at)
                newest, value = time, fresh
            elif time < newest:
                refusal = "out of order sample"
                break
            elif value is None or bits(np.array([value]))[0] != bits(np.array([fresh]))[0]:
                refusal = (f"duplicate sample for timestamp {time}; overrides not allowed: "
                           f"existing {_said(value)}, new value {_said(fresh)}")  # fmt: skip
                break
        return times[good], values[good], refusal

    def _value_at(self, kept: Kept, time: int) -> float | None:
        for table, row in kept.homes:
            times, values, count = table.data
            at = int(np.searchsorted(times[:count], time))
            if at < count and times[at] == time and int(table.last[row]) == time:
                return float(values[row, at])
        return None

    def _put(self, kept: Kept, times: Times, values: Values) -> None:
        for table, row in kept.homes:
            if int(times[0]) > table.newest:
                self._extend(table, np.array([row], np.intp), times, values[np.newaxis])
                return
            if table.fill(row, times, values):
                return
        near, row = self._neighbour(times) if not kept.homes else (None, 0)
        if near is None:
            near = Table()
            self._tables.append(near)
            row = near.add_rows(1)
            self._extend(near, slice(0, 1), times, values[np.newaxis])
        else:
            near.fill(row, times, values)
        kept.homes.append((near, row))
        self._picks.clear()

    def _neighbour(self, times: Times) -> tuple[Table | None, int]:
        """A table whose axis ends with the same times, with a fresh row in it: series are often written so, one by
        one.
        """
        table = self._ends.get(int(times[-1]))
        if table is None:
            return None, 0
        axis, _, count = table.data
        if count < len(times) or not np.array_equal(axis[count - len(times) : count], times):
            return None, 0
        if len(times) * 2 < count:
            return None, 0
        return table, table.add_rows(1)

    def _forget(self, kept: Kept) -> None:
        self._index.remove(kept.number, kept.key)
        del self._series[kept.number], self._by_key[kept.key]
        self._by_identity.pop(id(kept.key), None)
        self._picks.clear()
        self._blocks.clear()


def _millis(times: Values) -> Times:
    return np.rint(np.asarray(times, np.float64) * 1000).astype(np.int64)


def _bound(at: float) -> int:
    return round(max(min(at, 9e15), -9e15) * 1000)


def _said(value: float | None) -> str:
    return "NaN" if value is None or value != value else f"{value:g}" if value != int(value) else str(int(value))


def _is_picked(labels: dict[str, str], matchers: Sequence[Matcher]) -> bool:
    return all(matches(one, labels.get(one.name, "")) for one in matchers)
