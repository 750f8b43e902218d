"""What the trace store keeps, merges, finds and lets go of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.embedded.trace_store import TraceStore
from warroom.telemetry.graph import ServiceEdge
from warroom.telemetry.traces import Operation, Span, SpanLog, Trace, TraceSearch

START = 1_800_000_000


def span(number: int, parent: int = 0, service: str = "web", at: int = 0, lasting: int = 1000, **more: object) -> Span:
    begun = (START + at) * 1_000_000
    return Span(f"{number:016x}", f"{parent:016x}" if parent else "", service, f"op-{service}", begun, lasting, **more)  # type: ignore[arg-type]


def trace(number: int, *spans: Span) -> Trace:
    return Trace(f"{number:032x}", spans)


def found(store: TraceStore, **wanted: object) -> list[int]:
    search = TraceSearch(**{"service": "web", "start": START, "end": START + 3600, **wanted})  # type: ignore[arg-type]
    return [int(one.trace_id, 16) for one in store.search(search)]


def test_parts_of_a_trace_in_any_order_are_one_trace() -> None:
    store = TraceStore()
    root, child, leaf = span(1), span(2, 1, "api", kind="server"), span(3, 2, "db")
    store.add([trace(7, leaf)])
    store.add([trace(7, child)])
    one = store.trace(f"{7:032x}")
    assert one is not None
    assert [each.orphan for each in one.spans if each.service == "api"] == [True]
    store.add([trace(7, root), trace(7, leaf)])
    whole = store.trace(f"{7:032x}")
    assert whole is not None
    assert [(each.service, each.parent, each.orphan) for each in whole.spans] == [
        ("web", "", False), ("api", root.span_id, False), ("db", child.span_id, False),
    ]  # fmt: skip
    assert store.operations("api") == (Operation("op-api", "server"),)
    assert store.dependencies(START + 60, 120) == (ServiceEdge("api", "db", 1), ServiceEdge("web", "api", 1))


def test_one_span_of_the_service_must_fit_in_all() -> None:
    store = TraceStore()
    store.add([
        trace(1, span(1, at=1, lasting=200_000, tags=(("code", "500"),), process=(("zone", "a"),), error=True)),
        trace(2, span(1, at=2, lasting=10_000, tags=(("code", "200"),)),
              span(2, 1, "web", 2, 300_000, tags=(("x", "y"),))),
        trace(3, span(1, at=3, logs=(SpanLog(5, (("event", "retry"),)),)),
              span(2, 1, "api", 3, tags=(("code", "500"),))),
    ])  # fmt: skip
    assert found(store) == [3, 2, 1]
    assert found(store, limit=2) == [3, 2]
    assert found(store, tags=(("code", "500"),)) == [1]
    assert found(store, tags=(("code", "500"), ("zone", "a"))) == [1]
    assert found(store, tags=(("code", "200"), ("x", "y"))) == []
    assert found(store, tags=(("event", "retry"),)) == [3]
    assert found(store, tags=(("error", "true"),)) == found(store, errors_only=True) == [1]
    assert found(store, shortest=0.25) == [2]
    assert found(store, longest=0.001) == [3]
    assert found(store, operation="op-api") == []
    assert found(store, service="api", operation="op-api") == [3]
    assert found(store, start=START + 2, end=START + 2) == [2]


def test_the_oldest_go_by_number_and_by_age() -> None:
    store = TraceStore(most=3, seconds=100)
    store.add([trace(number, span(1, at=number * 10)) for number in (1, 4, 2, 3)])
    assert found(store) == [4, 3, 2]
    store.add([trace(9, span(1, service="late", at=135))])
    assert found(store) == [4]
    assert store.services() == ("late", "web")
    store.add([trace(10, span(1, service="late", at=300))])
    assert (store.services(), len(store)) == (("late",), 1)


@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.integers(1, 5), st.sampled_from(["web", "api"]), st.integers(0, 50)),
        max_size=40,
    )
)
def test_what_is_asked_and_what_is_kept_agree(arrivals: list[tuple[int, int, str, int]]) -> None:
    store, model = TraceStore(), dict[int, set[Span]]()
    for number, which, service, at in arrivals:
        one = span(which, service=service, at=at)
        store.add([trace(number, one)])
        model.setdefault(number, set()).add(one)
    for service in ("web", "api"):
        wanted = [number for number, spans in model.items() if any(one.service == service for one in spans)]
        assert sorted(found(store, service=service)) == sorted(wanted)
        assert (service in store.services()) == bool(wanted)
    for number, spans in model.items():
        kept = store.raw(f"{number:032x}")
        assert kept is not None
        assert set(kept.spans) == spans


def test_a_store_that_keeps_nothing_is_refused() -> None:
    with pytest.raises(ValueError):
        TraceStore(most=0)
