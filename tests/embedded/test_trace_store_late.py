"""The trace store answers the same whether spans are there or made late, and makes none that nobody may want."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tests.telemetry.late import Late, late
from warroom.embedded.trace_store import TraceStore
from warroom.telemetry.traces import LateSpans, Span, Trace, TraceSearch

START = 1_800_000_000
SERVICES, OPERATIONS, KINDS = ("web", "api", "db"), ("get", "put"), ("server", "client")
AROUND = {"start": START - 1.0, "end": START + 60.0}


@st.composite
def parts(draw: st.DrawFn) -> list[Trace]:
    """Parts of a few traces: some come twice, some spans have parents in other parts or nowhere."""
    found: list[Trace] = []
    for number in range(draw(st.integers(1, 12))):
        spans = []
        for _ in range(draw(st.integers(1, 4))):
            parent = draw(st.integers(0, 9))
            spans.append(
                Span(
                    f"{draw(st.integers(1, 9)):016x}", f"{parent:016x}" if parent else "",
                    draw(st.sampled_from(SERVICES)), draw(st.sampled_from(OPERATIONS)),
                    (START + draw(st.integers(0, 40))) * 1_000_000, draw(st.sampled_from((1_000, 50_000, 2_000_000))),
                    draw(st.sampled_from(KINDS)), error=draw(st.booleans()), tags=(("number", str(number)),),
                )
            )  # fmt: skip
        one = Trace(f"{draw(st.integers(1, 4)):032x}", tuple(spans), draw(st.sampled_from(((), ("odd",)))))
        found += [one] * draw(st.integers(1, 2))
    return found


searches = st.builds(
    TraceSearch,
    service=st.sampled_from(SERVICES), start=st.sampled_from((START - 1.0, START + 10.0)),
    end=st.sampled_from((START + 9.5, START + 60.0)), operation=st.sampled_from(("", *OPERATIONS)),
    tags=st.sampled_from(((), (("error", "true"),), (("error", "false"),), (("number", "1"),))),
    shortest=st.sampled_from((0.0, 0.05, 1.0)), longest=st.sampled_from((0.0, 0.05)), errors_only=st.booleans(),
    limit=st.integers(1, 5),
)  # fmt: skip


@given(parts(), st.lists(st.booleans(), min_size=24, max_size=24), searches)
def test_it_answers_the_same(given_parts: Sequence[Trace], lates: Sequence[bool], wanted: TraceSearch) -> None:
    plain, mixed = TraceStore(3, 30.0), TraceStore(3, 30.0)
    for one, is_late in zip(given_parts, lates, strict=False):
        # Two spans of one id that differ are of no simulator: the same id is the same span.
        one = Trace(one.trace_id, tuple({span.span_id: span for span in one.spans}.values()), one.warnings)
        plain.add([one])
        mixed.add([late(one) if is_late else one])
    assert mixed.search(wanted) == plain.search(wanted)
    assert list(mixed.matching(wanted)) == list(plain.matching(wanted))
    assert (mixed.services(), len(mixed)) == (plain.services(), len(plain))
    for service in SERVICES:
        for kind in ("", *KINDS):
            assert mixed.operations(service, kind) == plain.operations(service, kind)
    for one in given_parts:
        assert (one.trace_id in mixed) == (one.trace_id in plain)
        assert mixed.raw(one.trace_id) == plain.raw(one.trace_id)
        assert mixed.trace(one.trace_id) == plain.trace(one.trace_id)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 40), st.sampled_from(SERVICES)), min_size=1, max_size=30))
def test_it_counts_the_same_calls(arrivals: Sequence[tuple[int, int, str]]) -> None:
    plain, lazy = TraceStore(), TraceStore()
    for number, (which, at, service) in enumerate(arrivals, start=1):
        parent = f"{number // 2:016x}" if number > 1 else ""
        span = Span(f"{number:016x}", parent, service, "get", (START + at) * 1_000_000, 1_000)
        for _ in range(1 + number % 2):
            plain.add([Trace(f"{which:032x}", (span,))])
            lazy.add([late(Trace(f"{which:032x}", (span,)))])
        # What was found for an earlier question is not told when more has come.
        lazy.dependencies(START + 60, 120)
    for end, lookback in ((60, 120), (20, 10), (5, 1), (41, 1)):
        assert lazy.dependencies(START + end, lookback) == plain.dependencies(START + end, lookback)
    assert not any(made(lazy, f"{which:032x}") for which in (1, 2, 3) if f"{which:032x}" in lazy)


def made(store: TraceStore, trace_id: str) -> bool:
    kept = store.raw(trace_id)
    assert kept is not None
    assert isinstance(kept.spans, LateSpans)
    return kept.spans.made


def test_only_what_may_fit_is_made() -> None:
    store = TraceStore()
    wanted = {"web": (2_000_000, False), "api": (1_000, False), "db": (1_000, True)}
    spans = [
        Span("1" * 16, "", service, f"{service} {number}", (START + number) * 1_000_000, lasting, error=failed)
        for number, (service, (lasting, failed)) in enumerate(wanted.items(), start=1)
    ]
    own = Span("2" * 16, "", "web", "other", (START + 30) * 1_000_000, 1_000)
    ids = [f"{number:032x}" for number in range(1, 5)]
    store.add([late(Trace(name, (span,))) for name, span in zip(ids, [*spans, own], strict=True)])
    # A message's part joins later.
    store.add([late(Trace(ids[1], (Span("3" * 16, "1" * 16, "web", "take", (START + 5) * 1_000_000, 1_000),)))])
    assert (store.services(), len(store.operations("web"))) == (("api", "db", "web"), 3)
    assert not any(made(store, one) for one in ids)
    assert store.search(TraceSearch("web", **AROUND, errors_only=True)) == ()
    assert store.search(TraceSearch("web", **AROUND, tags=(("error", "true"),))) == ()
    assert store.search(TraceSearch("web", **AROUND, operation="get")) == ()
    assert store.search(TraceSearch("web", START + 50, START + 60)) == ()
    assert not any(made(store, one) for one in ids)
    assert [one.trace_id for one in store.search(TraceSearch("db", **AROUND, errors_only=True))] == [ids[2]]
    assert [made(store, one) for one in ids] == [False, False, True, False]
    assert [one.trace_id for one in store.search(TraceSearch("web", **AROUND, shortest=1.5))] == [ids[0]]
    assert [made(store, one) for one in ids[:2]] == [True, True]
    assert not made(store, ids[3])


def test_spans_are_made_once() -> None:
    class Counted(Late):
        __slots__ = ("times",)

        def make(self) -> tuple[Span, ...]:
            self.times = getattr(self, "times", 0) + 1
            return super().make()

    spans = Counted((Span("1" * 16, "", "web", "get", START * 1_000_000, 1_000),))
    store = TraceStore()
    store.add([Trace("1" * 32, spans)])
    for _ in range(3):
        assert len(store.search(TraceSearch("web", **AROUND))) == 1
    assert spans.times == 1
