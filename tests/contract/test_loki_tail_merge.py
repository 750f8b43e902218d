"""Whatever a tail drops, repeats or interrupts: with queries that answer, each line is given out once."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from warroom.telemetry.logs import LogLine
from warroom.telemetry.loki_read import Frame
from warroom.telemetry.loki_tail_merge import Merge, Pace, key_of

BASE = 1_795_247_417_000_000_000
LABELS = (("service", "a"),)
PACE = Pace()

STEPS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), max_size=8),
        st.sampled_from(["go on", "settle", "settle, and be late", "fail", "cut", "cut and repeat"]),
    ),
    max_size=12,
)
"""Lines as (text, whether the tail delivers it, whether it names it as dropped), and what happens then."""


def settle(merge: Merge, stored: list[LogLine], given_out: list[LogLine]) -> None:
    if merge.doubt is None:
        return
    start, end = merge.window(merge.doubt, BASE + 10**12)
    found = sorted((line for line in stored if start <= line.ns < end), key=lambda line: line.ns)
    settled = merge.settled(merge.doubt, found)
    assert [line.ns for line in settled.lines] == sorted(line.ns for line in settled.lines)
    assert settled.lost == 0
    given_out += settled.lines


@given(STEPS)
def test_each_line_is_given_out_once(steps):
    first = LogLine(BASE, "first", LABELS)
    stored, given_out = [first], []
    merge = Merge(BASE, PACE)
    merge.connected(0.0)
    given_out += merge.take(Frame((first,)), 0.0)
    at = 0.0
    for number, (lines, then) in enumerate(steps):
        at += 0.1
        new = [
            (LogLine(BASE + number * 1_000_000 + text, str(text), LABELS), heard, named) for text, heard, named in lines
        ]
        stored += [line for line, _, _ in new]
        heard = tuple(sorted((line for line, delivered, _ in new if delivered), key=lambda line: line.ns))
        missed = [line.ns for line, delivered, named in new if named and not delivered]
        pressed = any(not delivered for _, delivered, _ in new)
        given_out += merge.take(Frame(heard, tuple(missed), pressed), at)
        if then.startswith("settle") and merge.doubt is not None:
            settle(merge, stored, given_out)
            if "late" in then:
                late = tuple(line for line, delivered, _ in new if not delivered)
                given_out += merge.take(Frame(tuple(sorted(late, key=lambda line: line.ns))), at)
        elif then == "fail" and merge.doubt is not None and merge.doubt.tries < PACE.tries - 1:
            given_out += merge.put_off(merge.doubt, at).lines
        elif then.startswith("cut"):
            given_out += merge.dropped()
            merge.connected(at)
            again = tuple(sorted(heard, key=lambda line: line.ns)) if "repeat" in then else ()
            given_out += merge.take(Frame(again), at)
        assert not Counter(map(key_of, given_out)) - Counter(map(key_of, stored))
    settle(merge, stored, given_out)
    given_out += merge.dropped()
    assert Counter(map(key_of, given_out)) == Counter(map(key_of, stored))


def test_a_detected_level_in_the_labels_makes_no_other_line():
    """History frames of a tail that keeps metadata in the labels have it, live ones do not."""
    old = LogLine(BASE, "x", (("detected_level", "info"), ("service", "a")))
    assert key_of(old) == key_of(LogLine(BASE, "x", LABELS))


def test_what_is_remembered_is_bounded_and_what_no_window_reaches_is_forgotten():
    merge = Merge(BASE, Pace(keys=1000, burst=10**9))
    merge.connected(0.0)
    for number in range(30_000):
        merge.take(Frame((LogLine(BASE + number * 10_000_000, str(number), LABELS),)), number * 0.01)
    assert len(merge._seen) <= 12_000
    merge.dropped()
    merge.connected(400.0)
    assert merge.doubt is not None
    assert merge.doubt.start >= merge.newest - 10_000_000_000
    assert all(key[0] >= merge.doubt.start for key in list(merge._seen)[-900:])
