"""LogQL over the lines of a store: every question that a Loki answers, answered at once and in this thread.

Invariant: a question is refused with a LogqlError and nothing else; an answer depends on the lines alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from warroom.embedded import log_fields, log_patterns
from warroom.embedded.log_store import SECOND, LogStore, Stream
from warroom.embedded.logql import ast, vectors
from warroom.embedded.logql.errors import LogqlError
from warroom.embedded.logql.evaluate import TOO_MUCH, Evaluation, Steps
from warroom.embedded.logql.filters import stream_test
from warroom.embedded.logql.parse import parse, parse_log, parse_loosely, parse_selector
from warroom.embedded.logql.pipeline import Found, pipeline_of
from warroom.embedded.logql.samples import size_of
from warroom.embedded.logql.text import query_text
from warroom.embedded.logql.units import go_duration_text, prometheus_duration_text
from warroom.embedded.logql.vectors import Vector
from warroom.telemetry.logs import LogField, LogLine, LogPage, LogPattern, LogVolume, Pairs
from warroom.telemetry.prometheus_data import Line, Matrix, Sample
from warroom.telemetry.prometheus_data import Vector as Instant

EARLIEST, LATEST = -(1 << 62), 1 << 62
_MS = 1_000_000
_FIRST_LOOK = SECOND


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """What a query may ask for, as a Loki has it: `entries` of a page, `series` and `points` of a metric query,
    `length` in seconds. `lines` and `values` bound the work of one query; what needs more is refused as one that takes
    too long.
    """

    entries: int = 5000
    series: int = 500
    points: int = 11_000
    length: float = 30 * 86_400.0 + 3600.0
    lines: int = 5_000_000
    values: int = 5_000_000


LIMITS = QueryLimits()


class LogQL:
    """Questions about the lines of a store. `*_ns` and `start_ns` are whole nanoseconds, other times are seconds."""

    def __init__(self, store: LogStore, limits: QueryLimits = LIMITS) -> None:
        self.store = store
        self.limits = limits

    # -- lines -------------------------------------------------------------------------------------------------------

    def query_range(
        self, query: str, start_ns: int, end_ns: int, limit: int = 1000, direction: str = "backward"
    ) -> LogPage:
        """Lines of a log query from `start_ns` up to and without `end_ns`, the newest first or the oldest (`forward`).

        Raises:
            LogqlError: the query is none, or asks for too much.
        """
        found = self.found(query, start_ns, end_ns, limit, direction)
        return LogPage(tuple(map(plain, found)), len(found) >= limit)

    def found(self, query: str, start_ns: int, end_ns: int, limit: int, direction: str) -> list[LogLine]:
        """As `query_range`; a line in which a parser found fields is a `Found`, which tells them apart.

        Raises:
            LogqlError: as `query_range`.
        """
        asked = parse_log(query)
        self.check_page(limit)
        self.check_length(start_ns, end_ns)
        if direction not in ("backward", "forward"):
            raise LogqlError(f"invalid direction '{direction}'")
        return self._page(asked, start_ns, end_ns, limit, direction == "forward")

    def newest(self, query: str, since_ns: int, limit: int) -> list[LogLine]:
        """The newest lines of a log query since a moment, the oldest of them first: what a tail begins with.

        Raises:
            LogqlError: the query is none.
        """
        limit = min(limit, self.limits.entries)
        return self._page(parse_log(query), since_ns, LATEST, limit, False)[::-1] if limit > 0 else []

    def _page(self, asked: ast.LogQuery, start: int, end: int, limit: int, forward: bool) -> list[LogLine]:
        picks, pipeline = stream_test(asked.matchers), pipeline_of(asked.stages)
        page: list[LogLine] = []
        left = self.limits.lines
        for low, high in _looks(self._clipped(start, end), forward):
            lines: list[LogLine] = []
            for stream, some in self.store.select(picks, low, high):
                left -= len(some)
                if left < 0:
                    raise LogqlError(TOO_MUCH, 504)
                lines += pipeline.passing(stream.base, some)
            lines.sort(key=_time)
            page += lines if forward else reversed(lines)
            if len(page) >= limit:
                return page[:limit]
        return page

    def _clipped(self, start: int, end: int) -> tuple[int, int]:
        """The part of a time span in which there are lines at all."""
        oldest, newest = self.store.span()
        return max(start, oldest), min(end, newest + 1)

    def matching(self, query: str) -> Callable[[Sequence[LogLine]], list[LogLine]]:
        """What a log query lets through of lines as the store keeps them, in their order. For tails.

        Raises:
            LogqlError: the query is none.
        """
        asked = parse_log(query)
        picks, pipeline = stream_test(asked.matchers), pipeline_of(asked.stages)
        known: dict[Pairs, Mapping[str, str] | None] = {}

        def through(lines: Sequence[LogLine]) -> list[LogLine]:
            out: list[LogLine] = []
            for line in lines:
                if line.labels not in known:
                    base = dict(line.labels)
                    known[line.labels] = base if picks(base) else None
                base_ = known[line.labels]
                if base_ is not None:
                    out += pipeline.passing(base_, [line])
            return out

        return through

    # -- metrics -----------------------------------------------------------------------------------------------------

    def matrix(self, query: str, start: float, end: float, step: float) -> Matrix:
        """Values of a metric query at every `step` seconds. Steps fall on multiples of their length, as Loki's front
        end moves them.

        Raises:
            LogqlError: the query is none, lists lines, or asks for too much.
        """
        return self.matrix_ns(query, _ns(start), _ns(end), _ns(step))

    def matrix_ns(self, query: str, start: int, end: int, step: int) -> Matrix:
        """As `matrix`, in whole nanoseconds."""
        asked = parse(query)
        if isinstance(asked, ast.LogQuery):
            raise LogqlError("the query lists lines and has no values to draw: count_over_time({…}[1m]) has")
        if step <= 0:
            raise LogqlError("zero or negative query resolution step widths are not accepted. Try a positive integer")
        self.check_length(start, end)
        if (end - start) // step > self.limits.points:
            raise LogqlError(
                f"exceeded maximum resolution of {self.limits.points:,} points per time series. Try increasing the "
                "value of the step parameter"
            )
        first, last = start - start % step, end + -end % step
        steps = Steps(first, step, (last - first) // step + 1)
        return self._as_matrix(self._evaluated(asked, steps), steps)

    def instant(self, query: str, at: float) -> Instant:
        """The value of every series of a metric query at one moment.

        Raises:
            LogqlError: the query is none, lists lines, or asks for too much.
        """
        return self.instant_ns(query, _ns(at))

    def instant_ns(self, query: str, at: int) -> Instant:
        """As `instant`, at a whole nanosecond."""
        asked = parse(query)
        if isinstance(asked, ast.LogQuery):
            raise LogqlError(
                "log queries are not supported as an instant query type, please change your query to a range query type"
            )
        vector = self._evaluated(asked, Steps(at, SECOND, 1))[0]
        if len(vector) > self.limits.series:
            raise LogqlError(_too_many_series(self.limits.series))
        if not (isinstance(asked, ast.VectorAggregation) and asked.operation in vectors.ORDERED):
            vector = sorted(vector, key=lambda one: one[0])
        seconds = at // _MS / 1000
        return Instant(tuple(Sample(labels, seconds, value) for labels, value in vector))

    def is_metric(self, query: str) -> bool:
        """Whether a query has values and lists no lines.

        Raises:
            LogqlError: it is none.
        """
        return not isinstance(parse(query), ast.LogQuery)

    def is_scalar(self, query: str) -> bool:
        """Whether a query is a bare number."""
        return isinstance(parse(query), ast.Number)

    def _evaluated(self, asked: ast.Metric, steps: Steps) -> list[Vector]:
        return Evaluation(self.store, steps, self.limits.lines, self.limits.values).of(asked)

    def _as_matrix(self, found: list[Vector], steps: Steps) -> Matrix:
        series: dict[Pairs, tuple[list[float], list[float]]] = {}
        for number, vector in enumerate(found):
            at = (steps.start + number * steps.step) // _MS / 1000
            for labels, value in vector:
                times, values = series.setdefault(labels, ([], []))
                times.append(at)
                values.append(value)
            if len(series) > self.limits.series:
                raise LogqlError(_too_many_series(self.limits.series))
        return Matrix(tuple(
            Line(labels, tuple(series[labels][0]), tuple(series[labels][1])) for labels in sorted(series)
        ))  # fmt: skip

    # -- what there is -----------------------------------------------------------------------------------------------

    def labels(self, start_ns: int = EARLIEST, end_ns: int = LATEST, query: str = "") -> tuple[str, ...]:
        """Names of stream labels, sorted."""
        streams = self.store.streams(self._picks(query), start_ns, end_ns)
        return tuple(sorted({name for stream in streams for name in stream.base}))

    def label_values(
        self, name: str, query: str = "", start_ns: int = EARLIEST, end_ns: int = LATEST
    ) -> tuple[str, ...]:
        """Values of a stream label, sorted."""
        streams = self.store.streams(self._picks(query), start_ns, end_ns)
        return tuple(sorted({stream.base[name] for stream in streams if name in stream.base}))

    def series(self, matchers: Sequence[str] = (), start_ns: int = EARLIEST, end_ns: int = LATEST) -> tuple[Pairs, ...]:
        """Label sets of the streams that any of the selectors picks; of all streams without one.

        Raises:
            LogqlError: a selector is none.
        """
        picks = [stream_test(parse_selector(one)) for one in matchers]
        streams = self.store.streams(lambda labels: not picks or any(pick(labels) for pick in picks), start_ns, end_ns)
        return tuple(stream.labels for stream in streams)

    def _picks(self, query: str) -> Callable[[Mapping[str, str]], bool]:
        return stream_test(parse_selector(query)) if query else lambda _labels: True

    def volume(
        self, query: str, start: float, end: float, step: float, by: Sequence[str] = ()
    ) -> tuple[LogVolume, ...]:
        """Bytes by step and by the labels `by`, those that the selector names when empty; the largest group first.

        Raises:
            LogqlError: the query is no plain selector.
        """
        return self.volume_ns(query, _ns(start), _ns(end), _ns(step), tuple(by))

    def volume_ns(
        self, query: str, start: int, end: int, step: int, by: Sequence[str] = (), named: bool = False
    ) -> tuple[LogVolume, ...]:
        """As `volume`, in whole nanoseconds. A step's bytes stand at its last millisecond, as in Loki. `named`: a group
        for each label that a stream has, whatever its value.
        """
        matchers = parse_selector(query)
        names = tuple(by) or tuple(matcher.name for matcher in matchers)
        sizes: dict[Pairs, dict[int, int]] = {}
        for stream, lines in self._selected(matchers, start, end):
            groups = [tuple(pair for pair in stream.labels if pair[0] in names)]
            if named:
                groups = [((name, ""),) for name in stream.base if not by or name in by]
            for group in groups:
                into = sizes.setdefault(group, {})
                for line in lines:
                    bucket = line.ns // step if step > 0 else 0
                    into[bucket] = into.get(bucket, 0) + size_of(line.text)
        last = -(-end // _MS) / 1000
        volumes = [
            LogVolume(group, tuple(
                (min(last, ((bucket + 1) * step // _MS - 1) / 1000) if step > 0 else last, float(size))
                for bucket, size in sorted(into.items())
            ))
            for group, into in sizes.items()
        ]  # fmt: skip
        return tuple(sorted(volumes, key=lambda one: (-sum(size for _, size in one.samples), one.labels)))

    def patterns(self, query: str, start: float, end: float, step: float | None = None) -> tuple[LogPattern, ...]:
        """Forms of lines, the most frequent first.

        Raises:
            LogqlError: the query is no plain selector.
        """
        every = max(10, math.ceil(step)) if step else 10
        miner = log_patterns.Miner(every)
        for _stream, lines in self._selected(parse_selector(query), _ns(start), _ns(end)):
            miner.add(lines)
        return miner.patterns()

    def detected_fields(self, query: str, start: float, end: float, line_limit: int = 1000) -> tuple[LogField, ...]:
        """Fields found in the newest `line_limit` lines, by name.

        Raises:
            LogqlError: the query is none.
        """
        return self.detected_fields_ns(query, _ns(start), _ns(end), line_limit)

    def detected_fields_ns(self, query: str, start: int, end: int, line_limit: int) -> tuple[LogField, ...]:
        """As `detected_fields`, in whole nanoseconds."""
        return log_fields.detected(self.found(query, start, end, line_limit, "backward"))

    def detected_field_values(
        self, name: str, query: str, start: float, end: float, limit: int = 1000, line_limit: int = 1000
    ) -> tuple[str, ...]:
        """Values of a field in the newest lines, as they come; none for an unknown field."""
        return self.detected_field_values_ns(name, query, _ns(start), _ns(end), limit, line_limit)

    def detected_field_values_ns(
        self, name: str, query: str, start: int, end: int, limit: int, line_limit: int
    ) -> tuple[str, ...]:
        """As `detected_field_values`, in whole nanoseconds."""
        return log_fields.values_of(name, self.found(query, start, end, line_limit, "backward"), limit)

    def detected_labels(self, query: str, start_ns: int, end_ns: int) -> tuple[tuple[str, int], ...]:
        """Stream labels that one would choose by, and how many values each has."""
        return log_fields.useful_labels(self.store.streams(self._picks(query), start_ns, end_ns))

    def index_stats(self, query: str, start_ns: int, end_ns: int) -> tuple[int, int, int]:
        """Streams, lines and bytes that a selector picks."""
        found = self._selected(parse_selector(query), start_ns, end_ns)
        texts = [line.text for _, lines in found for line in lines]
        return len(found), len(texts), sum(map(size_of, texts))

    def format_query(self, query: str) -> str:
        """The query as Loki writes it.

        Raises:
            LogqlError: it is none.
        """
        return query_text(parse_loosely(query))

    def _selected(self, matchers: tuple[ast.Matcher, ...], start: int, end: int) -> list[tuple[Stream, list[LogLine]]]:
        found = self.store.select(stream_test(matchers), start, end)
        if sum(len(lines) for _, lines in found) > self.limits.lines:
            raise LogqlError(TOO_MUCH, 504)
        return found

    # -- limits ------------------------------------------------------------------------------------------------------

    def check_page(self, limit: int) -> None:
        """Raises LogqlError when so many lines of a page are not granted."""
        if limit < 1:
            raise LogqlError("limit must be a positive value")
        if limit > self.limits.entries:
            raise LogqlError(
                "max entries limit per query exceeded, limit > max_entries_limit_per_query "
                f"({limit} > {self.limits.entries})"
            )

    def check_length(self, start: int, end: int) -> None:
        """Raises LogqlError when a time span is longer than is granted."""
        if end - start > self.limits.length * SECOND:
            limit = prometheus_duration_text(int(self.limits.length * SECOND))
            raise LogqlError(
                "the query time range exceeds the limit "
                f"(query length: {go_duration_text(end - start)}, limit: {limit})"
            )


def plain(line: LogLine) -> LogLine:
    """A line without knowing what of its metadata a parser found."""
    return LogLine(line.ns, line.text, line.labels, line.metadata) if isinstance(line, Found) else line


def _looks(span: tuple[int, int], forward: bool) -> Iterator[tuple[int, int]]:
    """Parts of a time span from one end to the other, each twice as long as the last: a full page is soon there."""
    start, end = span
    size = _FIRST_LOOK
    while start < end:
        low, high = (start, min(end, start + size)) if forward else (max(start, end - size), end)
        yield low, high
        start, end = (high, end) if forward else (start, low)
        size *= 2


def _time(line: LogLine) -> int:
    return line.ns


def _ns(seconds: float) -> int:
    return round(seconds * 1_000_000) * 1000


def _too_many_series(limit: int) -> str:
    return (
        f"maximum number of series ({limit}) reached for a single query; consider reducing query cardinality by adding "
        "more specific stream selectors, reducing the time range, or aggregating results with functions like sum(), "
        "count() or topk()"
    )
