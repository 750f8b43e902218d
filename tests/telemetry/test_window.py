"""A window and its deltas equal the window asked for at once."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from warroom.telemetry.panel import Panel
from warroom.telemetry.prometheus import Line, Matrix
from warroom.telemetry.series import Full, apply, decode, encode
from warroom.telemetry.window import delta_of, full_of, without_dead

PANEL = Panel("x", "up", step=1.0, window=8.0)
NAMES = ("a", "b", "c", "d")
cells = st.none() | st.sampled_from([0.0, 1.0, 2.5, math.nan, math.inf])
Truth = dict[str, dict[int, float | None]]


def answer(truth: Truth, oldest: int, newest: int) -> Matrix:
    lines = []
    for name, row in truth.items():
        points = [
            (PANEL.time_of(column), value)
            for column in range(oldest, newest + 1)
            if (value := row.get(column)) is not None
        ]
        if points:
            lines.append(Line((("name", name),), *zip(*points, strict=True)))
    return Matrix(tuple(lines))


def table(full: Full) -> dict[str, list[str]]:
    """What is seen, by series; as text, so that NaN equals NaN."""
    return {dict(series.labels)["name"]: [str(value) for value in series.values] for series in full.series}


@settings(max_examples=300)
@given(st.data())
def test_folding_deltas_equals_asking_for_everything(data):
    truth: Truth = {
        name: {column: data.draw(cells) for column in range(8)} for name in data.draw(st.sets(st.sampled_from(NAMES)))
    }
    newest, full = 7, full_of(PANEL, answer(truth, 0, 7), 7, 1, 50)
    for _ in range(data.draw(st.integers(1, 4))):
        ahead = data.draw(st.integers(0, 7))
        oldest = max(data.draw(st.integers(newest - 3, newest + 1)), newest + ahead - 7)
        for name in data.draw(st.sets(st.sampled_from(NAMES))):
            row = truth.setdefault(name, {})
            for column in range(oldest, newest + ahead + 1):
                row[column] = data.draw(cells)
        newest += ahead
        if newest < oldest:
            continue
        delta = delta_of(PANEL, full, answer(truth, oldest, newest), oldest, newest, 50)
        if delta is not None:
            assert delta.count <= newest - oldest + 1
            full = without_dead(apply(full, decode(encode(delta))))
    everything = full_of(PANEL, answer(truth, newest - 7, newest), newest, 1, 50)
    assert table(full) == table(everything)
    assert (full.start, full.count, full.newest) == (everything.start, 8, PANEL.time_of(newest))


def test_only_what_changed_is_sent():
    truth: Truth = {"a": dict.fromkeys(range(20), 1.0), "b": dict.fromkeys(range(20), math.nan)}
    full = full_of(PANEL, answer(truth, 0, 7), 7, 1, 50)
    delta = delta_of(PANEL, full, answer(truth, 3, 8), 3, 8, 50)
    assert delta is not None
    assert (delta.start, delta.count) == (PANEL.time_of(8), 1)
    truth["a"][6] = 5.0
    delta = delta_of(PANEL, full, answer(truth, 3, 8), 3, 8, 50)
    assert delta is not None
    assert (delta.start, delta.count) == (PANEL.time_of(6), 3)


def test_nothing_new_is_no_delta():
    truth: Truth = {"a": dict.fromkeys(range(8), math.nan)}
    full = full_of(PANEL, answer(truth, 0, 7), 7, 1, 50)
    assert delta_of(PANEL, full, answer(truth, 0, 7), 0, 7, 50) is None


def test_of_too_many_series_the_largest_are_shown_and_that_is_said():
    truth: Truth = {f"s{index}": {7: float(index)} for index in range(30)} | {"nan": {7: math.nan}}
    full = full_of(PANEL, answer(truth, 0, 7), 7, 1, 3)
    assert set(table(full)) == {"s27", "s28", "s29"}
    assert "3 largest of 31 series" in full.warnings[0]
    truth["s99"] = {8: 1000.0}
    delta = delta_of(PANEL, full, answer(truth, 8, 8), 8, 8, 3)
    assert delta is not None
    assert delta.added == ()


def test_a_remark_is_told_once_and_stays():
    truth: Truth = {"a": dict.fromkeys(range(20), 1.0)}
    full = full_of(PANEL, answer(truth, 0, 7), 7, 1, 50)
    noted = Matrix(answer(truth, 8, 8).lines, ("careful",), ("hm",))
    delta = delta_of(PANEL, full, noted, 8, 8, 50)
    assert delta is not None
    assert (delta.warnings, delta.infos) == (("careful",), ("hm",))
    full = apply(full, delta)
    noted = Matrix(answer(truth, 9, 9).lines, ("careful",), ("hm",))
    delta = delta_of(PANEL, full, noted, 9, 9, 50)
    assert delta is not None
    assert (delta.warnings, delta.infos) == (None, None)
    assert apply(full, delta).warnings == ("careful",)
