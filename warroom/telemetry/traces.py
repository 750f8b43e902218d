"""Traces as everybody sees them: data only, no network.

Times are whole microseconds since the epoch, durations whole microseconds, as Jaeger keeps them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, overload

Pairs: TypeAlias = tuple[tuple[str, str], ...]

Act: TypeAlias = tuple[str, str, str]
"""Service, operation and kind of a span."""

Link: TypeAlias = tuple[str, str, str, int]
"""Id, parent, service and start of a span: how it hangs together with others."""


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


class Outline(NamedTuple):
    """What some spans are together: the first began at `first`, and all were over at `end`."""

    first: int
    end: int
    failed: bool
    acts: frozenset[Act]

    def joined(self, other: Outline) -> Outline:
        """That of both together."""
        return Outline(
            min(self.first, other.first), max(self.end, other.end), self.failed or other.failed, self.acts | other.acts
        )


class LateSpans(Sequence[Span]):
    """Spans that are made when somebody reads one: of most traces nobody ever does. At least one.

    It equals the tuple of its spans, and is pickled as that.
    """

    __slots__ = ("_made", "outline")

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self._made: tuple[Span, ...] | None = None

    @abstractmethod
    def make(self) -> tuple[Span, ...]:
        """Make them; who reads them asks only once for it."""

    @abstractmethod
    def links(self) -> Iterable[Link]:
        """How they hang together, without making them."""

    @property
    def made(self) -> bool:
        """Whether somebody has read them."""
        return self._made is not None

    def _all(self) -> tuple[Span, ...]:
        if self._made is None:
            self._made = self.make()
        return self._made

    @overload
    def __getitem__(self, place: int) -> Span: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Span, ...]: ...

    def __getitem__(self, place: int | slice) -> Span | tuple[Span, ...]:
        return self._all()[place]

    def __iter__(self) -> Iterator[Span]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, LateSpans):
            return self is other or self._all() == other._all()
        return self._all() == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (self._all(),)


def outline_of(spans: Sequence[Span]) -> Outline:
    """What those spans are together. Raises ValueError where there are none."""
    if isinstance(spans, LateSpans):
        return spans.outline
    return Outline(
        min(span.start for span in spans),
        # A span that was told badly may end before it starts.
        max(max(span.start, span.end) for span in spans),
        any(span.error for span in spans),
        frozenset((span.service, span.operation, span.kind) for span in spans),
    )


def links_of(spans: Sequence[Span]) -> Iterable[Link]:
    """How those spans hang together."""
    if isinstance(spans, LateSpans):
        return spans.links()
    return [(span.span_id, span.parent, span.service, span.start) for span in spans]


@dataclass(frozen=True, slots=True)
class Trace:
    """All spans known of one trace, by start time. `trace_id` has 32 hex digits in lower case."""

    trace_id: str
    spans: Sequence[Span]
    warnings: tuple[str, ...] = ()

    @property
    def start(self) -> int:
        """When its first span began, microseconds since the epoch; 0 without spans."""
        if isinstance(self.spans, LateSpans):
            return self.spans.outline.first
        return min((span.start for span in self.spans), default=0)

    @property
    def duration(self) -> int:
        """From the first start to the last end, microseconds."""
        if isinstance(self.spans, LateSpans):
            return self.spans.outline.end - self.spans.outline.first
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
