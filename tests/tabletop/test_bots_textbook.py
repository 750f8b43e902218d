"""Who goes by the book: seats and alerts, a theory with evidence, one action, verified before it is called over."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.tabletop.bots_stage import Stage
from warroom.incident.exercise_state import OfferedAction
from warroom.incident.words import Duty, Status
from warroom.tabletop.bots import NAMES, make
from warroom.tabletop.bots.remedy import HELD, fits
from warroom.tabletop.bots.textbook import Textbook
from warroom.tabletop.deeds import FACILITATOR, Whisper
from warroom.tabletop.look import Trouble
from warroom.tabletop.runbook import Step

CALM = {"users_well": 1.0, "cpu": 0.4, "traffic": 100.0, "wobble": 0.1}


def calm(_: Stage, __: int) -> dict[str, float]:
    return dict(CALM)


def broken(cure: str) -> object:
    """From second 100 edge is short of CPU and users suffer, until `cure` is done."""

    def figures(stage: Stage, second: int) -> dict[str, float]:
        bad = second >= 100 and cure not in stage.done
        return {**CALM, "users_well": 0.6, "cpu": 0.97} if bad else dict(CALM)

    return figures


def test_the_seats_are_taken_within_two_minutes() -> None:
    stage = Stage(Textbook(), calm).until(100)
    assert stage.state.commander == "iris"
    for duty in (Duty.OPERATIONS_LEAD, Duty.COMMUNICATIONS_LEAD, Duty.SCRIBE):
        assert stage.state.holder(duty)
    assert stage.refused == []


def test_a_fault_is_found_ended_and_verified_before_it_is_called_over() -> None:
    stage = Stage(Textbook(), broken("back")).until(1200)
    state = stage.state
    assert state.status is Status.RESOLVED
    assert [one.action for one in state.actions] == ["back"]
    truth = state.hypotheses[0]
    assert (truth.status, "edge is short of CPU" in truth.text) == ("confirmed", True)
    assert truth.probability is not None
    assert truth.probability > 0.8
    assert truth.evidence[0].pins
    resolved = next(e for e in state.timeline if e.kind == "status-changed" and "resolved" in e.text.lower())
    assert (resolved.recorded_at.timestamp() - stage.moment.timestamp() + stage.second) - stage.done["back"] >= HELD
    assert [task.follow_up and task.assignee != "" and task.due_at is not None for task in state.tasks] == [True] * 3
    assert stage.refused == []


def test_a_theory_that_a_look_refutes_is_closed() -> None:
    state = Stage(Textbook(), broken("back")).until(600).state
    asked = next(one for one in state.hypotheses if "asked too much" in one.text)
    assert asked.status == "refuted"
    assert asked.probability is not None
    assert asked.probability < 0.1


def test_what_did_not_help_is_followed_by_the_next_thing() -> None:
    stage = Stage(Textbook(), broken("more")).until(1500)
    assert [one.action for one in stage.state.actions] == ["back", "more"]
    assert stage.state.status is Status.RESOLVED


def test_when_nothing_is_wrong_it_is_said_within_ten_minutes_and_nothing_is_done() -> None:
    def wobbling(_: Stage, second: int) -> dict[str, float]:
        return {**CALM, "wobble": 0.9 if second % 120 > 60 else 0.1}

    stage = Stage(Textbook(), wobbling).until(600)
    assert stage.state.status is Status.DECLINED
    assert len(stage.state.actions) == 0
    assert any("nothing is wrong" in one.text.casefold() for one in stage.state.hypotheses)


def test_a_check_that_holds_is_acted_on_before_users_notice() -> None:
    def early(stage: Stage, second: int) -> dict[str, float]:
        return {**CALM, "cpu": 0.95 if second > 60 and "back" not in stage.done else 0.4}

    stage = Stage(Textbook(), early).until(900)
    assert [one.action for one in stage.state.actions] == ["back"]
    assert stage.state.status is Status.RESOLVED


def test_updates_come_on_time_and_hold_what_users_need() -> None:
    stage = Stage(Textbook(), broken("never")).until(1500)
    outside = [one for one in stage.state.updates if one.audience == "external"]
    gaps = [b.published_at - a.published_at for a, b in pairwise(outside)]
    assert len(outside) >= 3
    assert all(gap.total_seconds() <= 600 for gap in gaps)
    for field in ("Impact:", "Scope:", "We know:", "We do:", "Next update:"):
        assert field in outside[0].text


def test_whoever_asks_gets_an_update_for_them() -> None:
    stage = Stage(Textbook(), broken("never")).until(200)
    before = sum(1 for one in stage.state.updates if one.audience == "exec")
    stage.whispers.append(Whisper("communications_lead", "CEO", "What do I tell the board?", "I1"))
    stage.until(300)
    assert sum(1 for one in stage.state.updates if one.audience == "exec") == before + 1


def test_somebody_out_of_reach_is_replaced_and_nothing_is_asked_in_their_name() -> None:
    def out(stage: Stage) -> None:
        if stage.second == 120:
            stage.say(FACILITATOR, "withhold-person", who="iris")

    stage = Stage(Textbook(), broken("back")).until(1400, out)
    assert stage.state.commander not in ("", "iris")
    assert stage.refused == []
    assert stage.state.status is Status.RESOLVED


def test_a_tool_that_does_not_answer_is_asked_again() -> None:
    def down(stage: Stage) -> None:
        stage.troubles = {"prometheus": Trouble(down=True)} if stage.second < 300 else {}

    stage = Stage(Textbook(), broken("back")).until(1400, down)
    assert stage.state.status is Status.RESOLVED


@pytest.mark.parametrize("name", NAMES)
def test_no_bot_asks_for_what_the_room_refuses_in_a_quiet_hour(name: str) -> None:
    stage = Stage(make(name, 4), calm).until(900)
    assert [words for _, _, words in stage.refused] == []


def test_a_bot_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="use nothing, guess, textbook"):
        make("clever", 1)


def test_nobody_leaves_no_trace() -> None:
    assert Stage(make("nothing", 1), calm).until(300).state.participants.keys() == {FACILITATOR}


@pytest.mark.parametrize(
    ("kind", "target", "expected"),
    [
        ("rollback", "edge", True), ("rollback", "Edge", True), ("rollback", "edg", False), ("scale", "edge", False),
        ("rollback", "*", True), ("rollback", "CHG-118", True), ("rollback", "web", False),
    ],
)  # fmt: skip
def test_an_action_fits_by_kind_and_by_what_it_acts_on(kind: str, target: str, *, expected: bool) -> None:
    action = OfferedAction("back", "Undo CHG-118", "rollback", "edge")
    assert fits(Step(kind=kind, target=target), action) is expected
