"""Traces as everybody sees them: data only, no network.

Times are whole microseconds since the epoch, durations whole microseconds, as Jaeger keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Pairs: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SpanLog:
    """Something that happened within a span."""

    at: int
    fields: Pairs


@dataclass(frozen=True, slots=True)
class SpanLink:
    """Another span this one follows from, possibly of another trace."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class Span:
    """One piece of work. `parent` is a span id of the same trace, empty for a root or where the parent is missing
    (`orphan` then says so). `kind` is server, client, producer, consumer, internal or empty. A tag may occur twice.
    """

    span_id: str
    parent: str
    service: str
    operation: str
    start: int
    duration: int
    kind: str = ""
    error: bool = False
    orphan: bool = False
    tags: Pairs = ()
    process: Pairs = ()
    logs: tuple[SpanLog, ...] = ()
    links: tuple[SpanLink, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        """When it was over, microseconds since the epoch."""
        return self.start + self.duration

    def tag(self, name: str) -> str:
        """The first value of a tag; empty when there is none."""
        return next((value for key, value in self.tags if key == name), "")


@dataclass(frozen=True, slots=True)
class Trace:
    """All spans known of one trace, by start time. `trace_id` has 32 hex digits in lower case."""

    trace_id: str
    spans: tuple[Span, ...]
    warnings: tuple[str, ...] = ()

    @property
    def start(self) -> int:
        """When its first span began, microseconds since the epoch; 0 without spans."""
        return min((span.start for span in self.spans), default=0)

    @property
    def duration(self) -> int:
        """From the first start to the last end, microseconds."""
        return max((span.end for span in self.spans), default=0) - self.start


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One line of a search. `services` are (name, spans), most spans first."""

    trace_id: str
    service: str
    operation: str
    start: int
    duration: int
    spans: int
    errors: int
    services: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class TraceSearch:
    """What to look for. `start` and `end` are seconds since the epoch; durations are seconds, 0 for no bound."""

    service: str
    start: float
    end: float
    operation: str = ""
    tags: Pairs = ()
    shortest: float = 0.0
    longest: float = 0.0
    errors_only: bool = False
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Operation:
    """Something a service does."""

    name: str
    kind: str = ""
