"""What a waterfall relies on: every span once, self times that add up, and a critical path that covers the root."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from warroom.telemetry.trace_shape import FEWEST_REPEATS, shape_of, waterfall
from warroom.telemetry.traces import Span, Trace


def span(name: str, parent: str, start: int, duration: int, **more: object) -> Span:
    defaults: dict[str, object] = {"service": "shop", "operation": f"op {name}"}
    return Span(span_id=name, parent=parent, start=start, duration=duration, **(defaults | more))  # type: ignore[arg-type]


def trace(*spans: Span) -> Trace:
    return Trace("0" * 32, spans)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Any references at all: to missing parents, to oneself, in circles, with ids that occur twice."""
    names = draw(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=12))
    return trace(
        *(
            span(
                name,
                draw(st.sampled_from(["", "z", *names])),
                draw(st.integers(0, 1000)),
                draw(st.integers(0, 1000)),
                operation=draw(st.sampled_from(["get", "put"])),
                error=draw(st.booleans()),
            )
            for name in names
        )
    )


@given(traces())
def test_every_span_is_drawn_once_or_counted_in_the_line_that_stands_for_it(one: Trace) -> None:
    shape = shape_of(one)
    rows = waterfall(shape)
    assert sum(row.repeats + row.inside for row in rows) == len(one.spans)
    everything = waterfall(shape, folded=frozenset(span.span_id for span in shape.roots))
    assert sum(row.repeats + row.inside for row in everything) == len(one.spans)
    assert sum(row.errors for row in everything) == sum(span.error for span in one.spans)


@given(traces())
def test_the_critical_path_covers_the_longest_root_without_overlap(one: Trace) -> None:
    shape = shape_of(one)
    root = max(shape.roots, key=lambda span: span.duration)
    reached = root.start
    for part in shape.critical:
        assert part.start == reached < part.end
        reached = part.end
    assert reached == root.end


@given(traces())
def test_self_time_is_between_nothing_and_all_of_the_span(one: Trace) -> None:
    shape = shape_of(one)
    by_id = {span.span_id: span for root in shape.roots for span in [root]}
    for below in shape.children.values():
        by_id |= {span.span_id: span for span in below}
    assert len(by_id) == len(one.spans)
    assert all(0 <= shape.self_time[name] <= span.duration for name, span in by_id.items())


def test_the_last_child_to_finish_decides_and_parallel_work_does_not() -> None:
    shape = shape_of(
        trace(
            span("root", "", 0, 100),
            span("fast", "root", 10, 20),
            span("slow", "root", 10, 70),
            span("inner", "slow", 30, 40),
        )
    )
    assert [(part.span_id, part.start, part.end) for part in shape.critical] == [
        ("root", 0, 10),
        ("slow", 10, 30),
        ("inner", 30, 70),
        ("slow", 70, 80),
        ("root", 80, 100),
    ]
    assert shape.critical_time == {"root": 30, "slow": 30, "inner": 40}
    assert shape.self_time == {"root": 30, "fast": 20, "slow": 30, "inner": 40}


def test_children_that_outlive_their_parent_are_counted_only_within_it() -> None:
    shape = shape_of(trace(span("root", "", 0, 50), span("late", "root", 40, 100)))
    assert shape.self_time["root"] == 40
    assert [(part.span_id, part.start, part.end) for part in shape.critical] == [("root", 0, 40), ("late", 40, 50)]


def test_like_siblings_are_one_line_and_a_failed_one_stays_in_sight() -> None:
    queries = [span(f"q{n}", "root", n * 10, 5, operation="SELECT") for n in range(FEWEST_REPEATS + 2)]
    failed = span("bad", "root", 200, 5, operation="SELECT", error=True)
    shape = shape_of(trace(span("root", "", 0, 300), *queries, failed))
    rows = waterfall(shape)
    assert [(row.span.operation, row.repeats, row.errors) for row in rows] == [
        ("op root", 1, 0),
        ("SELECT", FEWEST_REPEATS + 2, 0),
        ("SELECT", 1, 1),
    ]
    assert (rows[1].start, rows[1].end, rows[1].self_time) == (0, 55, 30)
    assert len(waterfall(shape, unfolded=frozenset({"q0"}))) == 1 + len(queries) + 1
    folded = waterfall(shape, folded=frozenset({"root"}))
    assert [(row.inside, row.errors) for row in folded] == [(len(queries) + 1, 1)]


def test_a_span_whose_parent_never_came_is_a_root_of_its_own() -> None:
    shape = shape_of(trace(span("root", "", 0, 10), span("lost", "gone", 3, 4, orphan=True)))
    assert [one.span_id for one in shape.roots] == ["root", "lost"]


def test_no_spans_are_no_rows() -> None:
    shape = shape_of(trace())
    assert (shape.roots, shape.critical, waterfall(shape)) == ((), (), ())
