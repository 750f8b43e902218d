"""Spans that are made late of spans that are there, and tell whether somebody made them."""

from __future__ import annotations

from collections.abc import Iterable

from warroom.telemetry.traces import LateSpans, Link, Span, Trace, links_of, outline_of


class Late(LateSpans):
    """As a simulator's, but of spans that are given."""

    __slots__ = ("_given",)

    def __init__(self, given: tuple[Span, ...]) -> None:
        super().__init__(outline_of(given))
        self._given = given

    def make(self) -> tuple[Span, ...]:
        return self._given

    def links(self) -> Iterable[Link]:
        return links_of(self._given)

    def __len__(self) -> int:
        return len(self._given)


def late(trace: Trace) -> Trace:
    """The same trace with spans that nobody has made yet."""
    return Trace(trace.trace_id, Late(tuple(trace.spans)), trace.warnings)
