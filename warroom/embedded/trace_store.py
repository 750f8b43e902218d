"""Traces in memory, found as a Jaeger finds them.

Invariant: spans keep the parent they came with, so that a trace may arrive in parts and in any order; whether a parent
is missing is told only when the trace is asked for.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from warroom.telemetry.graph import ServiceEdge
from warroom.telemetry.traces import Operation, Span, Trace, TraceSearch

Place = tuple[int, str]
"""A trace by its start (microseconds) and id: what traces are ordered by."""

_TRUE = ("true", "1")


class TagText(str):
    """The text of a tag that was not one: `kind` is int64, float64, bool or binary, as Jaeger's JSON calls it."""

    __slots__ = ("kind",)

    kind: str

    def __new__(cls, text: str, kind: str) -> TagText:
        made = super().__new__(cls, text)
        made.kind = kind
        return made


class TraceStore:
    """At most `most` traces and none that began `seconds` before the newest one; the oldest go first.

    Not for several threads at a time.
    """

    def __init__(self, most: int = 20_000, seconds: float = 7200.0) -> None:
        if most < 1 or seconds <= 0:
            raise ValueError("a trace store keeps at least one trace, for more than 0 seconds")
        self._most, self._microseconds = most, round(seconds * 1_000_000)
        self._traces: dict[str, Trace] = {}
        self._order: list[Place] = []
        self._by_service: dict[str, list[Place]] = {}
        self._operations: dict[tuple[str, str, str], int] = {}
        """Spans by service, operation and kind."""

    def __len__(self) -> int:
        return len(self._traces)

    def __contains__(self, trace_id: str) -> bool:
        return trace_id in self._traces

    def add(self, traces: Sequence[Trace]) -> None:
        """Keep them; spans of a trace that is known already join it, and a span that came twice counts once."""
        for trace in traces:
            if not trace.spans:
                continue
            known = self._traces.get(trace.trace_id)
            if known is not None:
                self._take_out(known)
                trace = _merged(known, trace)
            self._put(trace)
        self._trim()

    def raw(self, trace_id: str) -> Trace | None:
        """A trace as it came: a span may name a parent that is not there."""
        return self._traces.get(trace_id)

    def trace(self, trace_id: str) -> Trace | None:
        """A trace by its 32 digits; spans whose parent is missing are marked as orphans."""
        found = self._traces.get(trace_id)
        return resolved(found) if found is not None else None

    def search(self, wanted: TraceSearch) -> tuple[Trace, ...]:
        """The newest traces that fit, newest first, at most `wanted.limit`; as `trace` gives them.

        One span of the service must fit in all: operation, duration, start, and every tag as an exact text among its
        tags, its process and its events.
        """
        found = []
        for trace in self.matching(wanted):
            found.append(resolved(trace))
            if len(found) >= wanted.limit:
                break
        return tuple(found)

    def matching(self, wanted: TraceSearch) -> Iterator[Trace]:
        """All traces that fit, newest first, as they came."""
        start, end = round(wanted.start * 1_000_000), round(wanted.end * 1_000_000)
        places = self._by_service.get(wanted.service, [])
        # A trace that began after the end has no span before it.
        for index in range(bisect_left(places, (end + 1, "")) - 1, -1, -1):
            trace = self._traces[places[index][1]]
            if any(_fits(span, wanted, start, end) for span in trace.spans):
                yield trace

    def services(self) -> tuple[str, ...]:
        """Names of services, sorted."""
        return tuple(sorted(self._by_service))

    def operations(self, service: str, kind: str = "") -> tuple[Operation, ...]:
        """What a service does, by name; only spans of that kind when it is given."""
        found = [(name, of) for who, name, of in self._operations if who == service and kind in ("", of)]
        return tuple(Operation(name, of) for name, of in sorted(found))

    def dependencies(self, end: float, lookback: float) -> tuple[ServiceEdge, ...]:
        """Who called whom in traces with a span that began in the `lookback` seconds before `end`, and how often.

        A service that calls itself is counted too, as Jaeger's memory store does.
        """
        last, first = round(end * 1_000_000), round((end - lookback) * 1_000_000)
        calls: Counter[tuple[str, str]] = Counter()
        for index in range(bisect_left(self._order, (last, "")) - 1, -1, -1):
            trace = self._traces[self._order[index][1]]
            if not any(first < span.start < last for span in trace.spans):
                continue
            services = {span.span_id: span.service for span in trace.spans}
            calls.update((services[span.parent], span.service) for span in trace.spans if span.parent in services)
        return tuple(ServiceEdge(parent, child, count) for (parent, child), count in sorted(calls.items()))

    def _put(self, trace: Trace) -> None:
        self._traces[trace.trace_id] = trace
        place = trace.start, trace.trace_id
        _insert(self._order, place)
        services = set()
        counts = self._operations
        for span in trace.spans:
            service = span.service
            services.add(service)
            operation = service, span.operation, span.kind
            counts[operation] = counts.get(operation, 0) + 1
        for service in services:
            places = self._by_service.get(service)
            if places is None:
                self._by_service[service] = [place]
            else:
                _insert(places, place)

    def _take_out(self, trace: Trace) -> None:
        del self._traces[trace.trace_id]
        place = trace.start, trace.trace_id
        del self._order[bisect_left(self._order, place)]
        for service in {span.service for span in trace.spans}:
            places = self._by_service[service]
            del places[bisect_left(places, place)]
            if not places:
                del self._by_service[service]
        for span in trace.spans:
            operation = span.service, span.operation, span.kind
            self._operations[operation] -= 1
            if not self._operations[operation]:
                del self._operations[operation]

    def _trim(self) -> None:
        while self._order and (
            len(self._order) > self._most or self._order[0][0] < self._order[-1][0] - self._microseconds
        ):
            self._take_out(self._traces[self._order[0][1]])


def _insert(places: list[Place], place: Place) -> None:
    # Nearly every trace is newer than all others.
    if not places or places[-1] < place:
        places.append(place)
    else:
        insort(places, place)


def resolved(trace: Trace) -> Trace:
    """The trace with its spans by start, and those marked whose parent is not there."""
    known = {span.span_id for span in trace.spans}
    spans = [
        replace(span, parent="", orphan=True) if span.parent and span.parent not in known else span
        for span in trace.spans
    ]
    spans.sort(key=lambda span: (span.start, -span.duration, span.span_id))
    return replace(trace, spans=tuple(spans))


def _merged(known: Trace, more: Trace) -> Trace:
    spans = dict.fromkeys(known.spans)
    spans.update(dict.fromkeys(more.spans))
    return replace(known, spans=tuple(spans), warnings=tuple(dict.fromkeys((*known.warnings, *more.warnings))))


def _fits(span: Span, wanted: TraceSearch, start: int, end: int) -> bool:
    """`start` and `end` are microseconds, both inside."""
    if span.service != wanted.service or not start <= span.start <= end:
        return False
    if wanted.operation and span.operation != wanted.operation:
        return False
    if wanted.shortest and span.duration < round(wanted.shortest * 1_000_000):
        return False
    if wanted.longest and span.duration > round(wanted.longest * 1_000_000):
        return False
    return (span.error or not wanted.errors_only) and all(_has(span, name, value) for name, value in wanted.tags)


def _has(span: Span, name: str, value: str) -> bool:
    if name == "error":
        return span.error == (value in _TRUE)
    if name == "span.kind" and span.kind:
        return span.kind == value
    pair = (name, value)
    return pair in span.tags or pair in span.process or any(pair in log.fields for log in span.logs)
