"""A trace whose spans are made late is the trace with these spans, and nothing is made before somebody reads it."""

from __future__ import annotations

import pickle
from dataclasses import replace

from tests.telemetry.late import Late, late
from warroom.telemetry.traces import Outline, Span, Trace, links_of, outline_of

ROOT = Span("1" * 16, "", "web", "GET /", 1_000, 500, "server")
CALL = Span("2" * 16, "1" * 16, "web", "db call", 1_100, 700, "client", error=True)
PLAIN = Trace("a" * 32, (ROOT, CALL), ("cut short",))


def test_it_is_as_the_tuple_of_its_spans() -> None:
    one = late(PLAIN)
    assert one == PLAIN
    assert (PLAIN == one) is True  # noqa: SIM300
    assert one == late(PLAIN)
    assert (hash(one), repr(one)) == (hash(PLAIN), repr(PLAIN))
    assert one != Trace(PLAIN.trace_id, (ROOT,), PLAIN.warnings)
    assert one.spans != [ROOT, CALL]
    assert (one.spans[0], one.spans[-1:], list(one.spans), CALL in one.spans) == (ROOT, (CALL,), [ROOT, CALL], True)


def test_it_can_be_changed_and_carried_away() -> None:
    one = late(PLAIN)
    assert replace(one, warnings=()) == Trace(PLAIN.trace_id, (ROOT, CALL))
    assert replace(one, spans=(ROOT,)).spans == (ROOT,)
    carried = pickle.loads(pickle.dumps(one))
    assert carried == PLAIN
    assert isinstance(carried.spans, tuple)


def test_what_is_known_beforehand_makes_nothing() -> None:
    one = late(PLAIN)
    acts = frozenset({("web", "GET /", "server"), ("web", "db call", "client")})
    assert outline_of(one.spans) == outline_of(PLAIN.spans) == Outline(1_000, 1_800, True, acts)
    assert (one.start, one.duration, len(one.spans)) == (PLAIN.start, PLAIN.duration, 2)
    assert list(links_of(one.spans)) == list(links_of(PLAIN.spans))
    assert isinstance(one.spans, Late)
    assert not one.spans.made
    assert one.spans[0] is ROOT
    assert one.spans.made
