"""Followed requests: what is known of a trace before its spans are made is what they say afterwards."""

from __future__ import annotations

import gc

import pytest

from tests.simulator.emitted import START, Run
from warroom.embedded.trace_store import TraceStore
from warroom.simulator.dice import ID, Dice
from warroom.simulator.laws import Laws
from warroom.simulator.spans import WalkedSpans
from warroom.simulator.tick import Tick
from warroom.simulator.walk import Node
from warroom.simulator.world import World
from warroom.telemetry.traces import LateSpans, Trace, TraceSearch, links_of, outline_of


def followed(topology: str) -> list[Trace]:
    """Traces of a production in which something fails."""
    run = Run(topology, traces=12.0, logs=False)
    run.wrong("error_rate", {"service": run.world.topology.journeys[0].entry}, rate=0.2)
    run.wrong("packet_loss", {"service": run.world.topology.edges[-1].target}, loss=0.2)
    return run.live(90).followed


@pytest.mark.parametrize("topology", ["shop", "payments", "ml-platform"])
def test_what_is_known_beforehand_is_what_the_spans_say(topology: str) -> None:
    traces = followed(topology)
    assert len(traces) > 500
    for one in traces:
        assert isinstance(one.spans, LateSpans)
        before, links, count = one.spans.outline, list(one.spans.links()), len(one.spans)
        assert not one.spans.made
        plain = tuple(one.spans)
        assert before == outline_of(plain)
        assert (one.start, one.duration) == (Trace("", plain).start, Trace("", plain).duration)
        assert sorted(links) == sorted(links_of(plain))
        assert count == len(plain)
        assert sorted(plain, key=lambda span: (span.start, span.span_id)) == list(plain)
    assert any(outline_of(one.spans).failed for one in traces)
    # Whoever does the same shares what is known of it.
    assert len({id(outline_of(one.spans).acts) for one in traces}) == len(
        {outline_of(one.spans).acts for one in traces}
    )


def test_a_store_finds_the_same_in_them() -> None:
    plain, lazy = TraceStore(), TraceStore()
    for one in followed("payments"):
        lazy.add([one])
        plain.add([Trace(one.trace_id, tuple(one.spans))])
    assert lazy.dependencies(START + 120, 200) == plain.dependencies(START + 120, 200) != ()
    for service in plain.services():
        assert lazy.operations(service) == plain.operations(service) != ()
        for more in ({}, {"errors_only": True}, {"shortest": 0.2}, {"longest": 0.02}, {"operation": "query"}):
            wanted = TraceSearch(service, START, START + 120, limit=1000, **more)  # type: ignore[arg-type]
            assert lazy.search(wanted) == plain.search(wanted)


def test_they_keep_nothing_of_their_second_alive() -> None:
    (*_, one) = followed("shop")
    seen: set[int] = set()
    todo: list[object] = [one.spans]
    while todo:
        found = todo.pop()
        if id(found) in seen or isinstance(found, type):
            continue
        seen.add(id(found))
        assert not isinstance(found, World | Tick | Laws | Node | Dice)
        if isinstance(found, WalkedSpans) or type(found).__module__.startswith(("warroom", "builtins")):
            todo += gc.get_referents(found)
        assert len(seen) < 200_000


def test_ids_are_the_same_however_many_are_taken_at_once() -> None:
    one, other = Dice(3, 1), Dice(3, 1)
    taken = "".join(one.ids(count) for count in (1, 2, 4000, 300, 9000, 5))
    ids = [other.ids(1) for _ in range(13_308)]
    assert taken == "".join(ids)
    assert len(set(ids)) == len(ids)
    assert {len(each) for each in ids} == {ID}
