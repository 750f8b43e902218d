"""What holds for the score of any exercise, whatever a team did."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tabletop.exercise_tape import FULL, Tape, curves, quiet, terms
from warroom.tabletop.score.judged import judged
from warroom.tabletop.score.shapes import Score, encode

PEOPLE = st.sampled_from(["ana", "ben", "cleo"])
DEEDS = st.one_of(
    st.tuples(st.just("take-command"), st.just({"reason": "nobody answers"})),
    st.tuples(st.just("accept-incident"), st.just({})),
    st.tuples(st.just("decline-incident"), st.just({"reason": "false alarm"})),
    st.tuples(st.just("post-chat"), st.fixed_dictionaries({"text": st.sampled_from(["hello", "CPU is up"])})),
    st.tuples(st.just("assign-role"), st.fixed_dictionaries(
        {"duty": st.sampled_from(["scribe", "communications_lead"]), "who": PEOPLE})),
    st.tuples(st.just("publish-update"), st.fixed_dictionaries(
        {"text": st.sampled_from([FULL, "looking"]), "next_in_minutes": st.sampled_from([0, 5, 30])})),
    st.tuples(st.just("propose-hypothesis"), st.fixed_dictionaries(
        {"text": st.sampled_from(["the waf rule", "an attack", "false alarm"]),
         "probability": st.one_of(st.none(), st.floats(0, 1))})),
    st.tuples(st.just("refute-hypothesis"), st.fixed_dictionaries({"hypothesis": st.integers(1, 3)})),
    st.tuples(st.just("confirm-hypothesis"), st.fixed_dictionaries({"hypothesis": st.integers(1, 3)})),
    st.tuples(st.just("change-status"), st.fixed_dictionaries(
        {"status": st.sampled_from(["identified", "monitoring", "resolved"])})),
    st.tuples(st.just("add-task"), st.fixed_dictionaries({"title": st.just("follow up"), "follow_up": st.booleans()})),
    st.tuples(st.just("act"), st.fixed_dictionaries({"action": st.sampled_from(["rollback", "scale", "restart"])})),
)  # fmt: skip
LOGS = st.lists(st.tuples(st.integers(30, 120), PEOPLE, DEEDS), max_size=25)


END = 3500


def played(steps: list[tuple[int, str, tuple[str, dict[str, Any]]]], *, harm_at: int | None = None) -> Tape:
    """What of the steps the core allows, and a harmful action more before one of them where it is asked for."""
    tape, second = Tape(), 0
    for place, (after, who, (what, fields)) in enumerate([*steps, (30, "ana", ("", {}))]):
        second += after
        if place == harm_at:
            harm(tape, second - 20)
        try:
            if what == "act":
                tape.act(second, fields["action"], who=who, takes=6)
                second += 7
            elif what:
                tape.tell(second, who, what, **fields)
        except ValueError:
            continue
    tape.stop(END)
    return tape


def harm(tape: Tape, second: int) -> None:
    with suppress(ValueError):
        tape.act(second, "restart", who="ben", takes=6)


def each(tape: Tape, ended: int | None = 900) -> list[Score]:
    return [judged(tape.log(), about, curves(ended)) for about in (terms(), quiet(harmful=frozenset({"restart"})))]


@settings(max_examples=120, deadline=None)
@given(LOGS)
def test_points_are_within_what_can_be_had_and_the_same_each_time(steps: Any) -> None:
    tape = played(steps)
    for score, again in zip(each(tape), each(tape), strict=True):
        assert encode(score) == encode(again)
        assert 0.0 <= score.total <= 100.0
        for category in score.categories:
            assert 0.0 <= category.points <= category.of
            assert all(0.0 <= item.points <= item.of for item in category.items)


@settings(max_examples=120, deadline=None)
@given(LOGS, st.integers(0, 25))
def test_a_harmful_action_more_never_raises_the_score(steps: Any, place: int) -> None:
    # What a restart leaves users is for the simulator; here it leaves them as they were.
    worse, before = played(steps, harm_at=min(place, len(steps))), played(steps)
    for better, bad in zip(each(before), each(worse), strict=True):
        assert bad.total <= better.total


@settings(max_examples=60, deadline=None)
@given(st.integers(200, 3500), st.integers(1, 2000))
def test_an_earlier_right_mitigation_never_lowers_the_outcome(second: int, sooner: int) -> None:
    late, early = Tape(), Tape()
    for tape in (late, early):
        tape.tell(150, "ana", "take-command")
    first = max(160, second - sooner)
    late.act(second, "rule-off", by="ana")
    early.act(first, "rule-off", by="ana")
    slow = judged(late.log(), terms(), curves(second + 60)).item("outcome.users")
    fast = judged(early.log(), terms(), curves(first + 60)).item("outcome.users")
    assert fast.points >= slow.points
