"""Traces in memory, found as a Jaeger finds them.

Invariant: spans keep the parent they came with, so that a trace may arrive in parts and in any order; whether a parent
is missing is told only when the trace is asked for. Spans that are made late are not made before they may fit.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from warroom.telemetry.graph import ServiceEdge
from warroom.telemetry.traces import (
    Act,
    LateSpans,
    Link,
    Operation,
    Outline,
    Span,
    Trace,
    TraceSearch,
    links_of,
    outline_of,
)

Place = tuple[int, str]
"""A trace by its start (microseconds) and id: what traces are ordered by."""

Calls = tuple[tuple[tuple[str, str], int], ...]
"""How often which service called which."""

_TRUE = ("true", "1")


class TagText(str):
    """The text of a tag that was not one: `kind` is int64, float64, bool or binary, as Jaeger's JSON calls it."""

    __slots__ = ("kind",)

    kind: str

    def __new__(cls, text: str, kind: str) -> TagText:
        made = super().__new__(cls, text)
        made.kind = kind
        return made


class _Kept(NamedTuple):
    trace: Trace
    outline: Outline


class TraceStore:
    """At most `most` traces and none that began `seconds` before the newest one; the oldest go first.

    Not for several threads at a time.
    """

    def __init__(self, most: int = 20_000, seconds: float = 7200.0) -> None:
        if most < 1 or seconds <= 0:
            raise ValueError("a trace store keeps at least one trace, for more than 0 seconds")
        self._most, self._microseconds = most, round(seconds * 1_000_000)
        self._traces: dict[str, _Kept] = {}
        self._order: list[Place] = []
        self._acts: dict[frozenset[Act], int] = {}
        """How many traces do just these."""
        self._calls: dict[str, Calls] = {}
        """By trace, what `dependencies` found when it was last asked for them."""

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
                trace = _merged(known.trace, trace)
            self._put(trace)
        self._trim()

    def raw(self, trace_id: str) -> Trace | None:
        """A trace as it came: a span may name a parent that is not there."""
        found = self._traces.get(trace_id)
        return found.trace if found is not None else None

    def trace(self, trace_id: str) -> Trace | None:
        """A trace by its 32 digits; spans whose parent is missing are marked as orphans."""
        found = self._traces.get(trace_id)
        return resolved(found.trace) if found is not None else None

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
        able = {acts for acts in self._acts if _able(acts, wanted)}
        # A trace that began after the end has no span before it.
        for index in range(bisect_left(self._order, (end + 1, "")) - 1, -1, -1):
            kept = self._traces[self._order[index][1]]
            if kept.outline.acts not in able or not _may_fit(kept.outline, wanted, start):
                continue
            if any(_fits(span, wanted, start, end) for span in kept.trace.spans):
                yield kept.trace

    def services(self) -> tuple[str, ...]:
        """Names of services, sorted."""
        return tuple(sorted({service for acts in self._acts for service, _, _ in acts}))

    def operations(self, service: str, kind: str = "") -> tuple[Operation, ...]:
        """What a service does, by name; only spans of that kind when it is given."""
        found = {(name, of) for acts in self._acts for who, name, of in acts if who == service and kind in ("", of)}
        return tuple(Operation(name, of) for name, of in sorted(found))

    def dependencies(self, end: float, lookback: float) -> tuple[ServiceEdge, ...]:
        """Who called whom in traces with a span that began in the `lookback` seconds before `end`, and how often.

        A service that calls itself is counted too, as Jaeger's memory store does.
        """
        last, first = round(end * 1_000_000), round((end - lookback) * 1_000_000)
        traces: Counter[Calls] = Counter()
        for index in range(bisect_left(self._order, (last, "")) - 1, -1, -1):
            begun, trace_id = self._order[index]
            kept = self._traces[trace_id]
            if begun > first or _begins_between(kept, first, last):
                traces[self._calls_of(trace_id, kept)] += 1
        calls: Counter[tuple[str, str]] = Counter()
        for each, times in traces.items():
            for pair, count in each:
                calls[pair] += count * times
        return tuple(ServiceEdge(parent, child, count) for (parent, child), count in sorted(calls.items()))

    def _calls_of(self, trace_id: str, kept: _Kept) -> Calls:
        found = self._calls.get(trace_id)
        if found is None:
            links = list(links_of(kept.trace.spans))
            services = {span_id: service for span_id, _, service, _ in links}
            counts = Counter((services[parent], service) for _, parent, service, _ in links if parent in services)
            found = self._calls[trace_id] = _shared(tuple(sorted(counts.items())))
        return found

    def _put(self, trace: Trace) -> None:
        outline = outline_of(trace.spans)
        self._traces[trace.trace_id] = _Kept(trace, outline)
        _insert(self._order, (outline.first, trace.trace_id))
        self._acts[outline.acts] = self._acts.get(outline.acts, 0) + 1

    def _take_out(self, kept: _Kept) -> None:
        del self._traces[kept.trace.trace_id]
        del self._order[bisect_left(self._order, (kept.outline.first, kept.trace.trace_id))]
        self._calls.pop(kept.trace.trace_id, None)
        acts = kept.outline.acts
        self._acts[acts] -= 1
        if not self._acts[acts]:
            del self._acts[acts]

    def _trim(self) -> None:
        while self._order and (
            len(self._order) > self._most or self._order[0][0] < self._order[-1][0] - self._microseconds
        ):
            self._take_out(self._traces[self._order[0][1]])


def _begins_between(kept: _Kept, first: int, last: int) -> bool:
    """Whether a span of it begins there; both are microseconds, neither is inside."""
    return kept.outline.end > first and any(first < start < last for _, _, _, start in links_of(kept.trace.spans))


@lru_cache(4096)
def _shared(calls: Calls) -> Calls:
    """The one object for all traces in which the same is called: most of them are like many others."""
    return calls


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


class _Joined(LateSpans):
    """The spans of two parts of a trace."""

    __slots__ = ("_parts",)

    def __init__(self, known: LateSpans, more: LateSpans) -> None:
        super().__init__(known.outline.joined(more.outline))
        self._parts = known, more

    def make(self) -> tuple[Span, ...]:
        return tuple(dict.fromkeys(chain(*self._parts)))

    def links(self) -> Iterable[Link]:
        return dict.fromkeys(chain.from_iterable(part.links() for part in self._parts))

    def __len__(self) -> int:
        return sum(1 for _ in self.links())


def _merged(known: Trace, more: Trace) -> Trace:
    spans: Sequence[Span]
    if isinstance(known.spans, LateSpans) and isinstance(more.spans, LateSpans):
        spans = _Joined(known.spans, more.spans)
    else:
        spans = tuple(dict.fromkeys(chain(known.spans, more.spans)))
    return Trace(known.trace_id, spans, tuple(dict.fromkeys((*known.warnings, *more.warnings))))


def _able(acts: frozenset[Act], wanted: TraceSearch) -> bool:
    """Whether who does these has a span of that service and operation."""
    return any(who == wanted.service and wanted.operation in ("", name) for who, name, _ in acts)


def _may_fit(outline: Outline, wanted: TraceSearch, start: int) -> bool:
    """Whether a span of such a trace can fit, as far as one sees without looking at them."""
    errors_only = wanted.errors_only or any(name == "error" and value in _TRUE for name, value in wanted.tags)
    if outline.end < start or (errors_only and not outline.failed):
        return False
    # None lasts longer than all together.
    return outline.end - outline.first >= round(wanted.shortest * 1_000_000)


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
