"""Checkpoint and branch: the same past entry by entry, another decision, another outcome, both on record."""

from __future__ import annotations

import orjson
import pytest

from tests.tabletop.drill_house import QUIET, rules, runbook, scenario
from warroom.incident.chain import verify
from warroom.incident.words import Duty, Status
from warroom.tabletop.branch import BranchError, branch, resume
from warroom.tabletop.deeds import act
from warroom.tabletop.headless import Run, acts, run_headless
from warroom.tabletop.replay import replay_log

SECOND = 150


def first() -> Run:
    deeds = (
        (5, act("ana", "take-command")), (6, act("ana", "assign-role", duty="operations_lead", who="bo")),
        (100, act("ana", "accept-incident")), (200, act("bo", "request-action", action="scale-checkout")),
    )  # fmt: skip
    return run_headless(scenario(), 11, acts(deeds), telemetry=QUIET, runbook=runbook(), rules=rules(), seconds=500)


def other(run: Run) -> Run:
    deeds = (
        (200, act("bo", "request-action", action="rollback-checkout")), (210, act("ana", "approve-action", number=1)),
    )  # fmt: skip
    return branch(
        run.records, scenario(), SECOND, deeds, telemetry=QUIET, runbook=runbook(), rules=rules(), seconds=500
    )


def test_a_branch_has_the_same_past_and_another_outcome() -> None:
    one = first()
    two = other(one)
    assert verify(two.records) is None
    past = [record for record in one.records if (record.recorded_at - one.start).total_seconds() <= SECOND]
    for before, after in zip(past, two.records, strict=False):
        assert (before.tag, before.actor, before.recorded_at, before.occurred_at) == (
            after.tag, after.actor, after.recorded_at, after.occurred_at,
        )  # fmt: skip
        if before.tag == "exercise-started":
            told = orjson.loads(after.payload or b"")["exercise"]
            assert (told["branch_of"], told["branch_second"]) == (one.state.id, SECOND)
        else:
            assert before.payload == after.payload
    assert two.state.id != one.state.id
    assert one.curve.cut(SECOND) == two.curve.cut(SECOND)
    assert two.curve.cut(500).lost < one.curve.cut(500).lost


def test_a_branch_can_be_replayed_like_any_log() -> None:
    two = other(first())
    assert replay_log(two.scenario, two.records, seconds=500) == two.curve.cut(500)


def test_a_team_that_plays_on_takes_the_seats_of_those_who_are_gone() -> None:
    two = branch(
        first().records, scenario(), SECOND, "textbook", telemetry=QUIET, runbook=runbook(), rules=rules(),
        seconds=SECOND + 60,
    )  # fmt: skip
    assert two.state.commander == "iris"
    assert two.state.holder(Duty.OPERATIONS_LEAD) == "omar"
    assert not two.refused


def test_a_team_that_plays_on_after_it_was_mended_calls_it_over() -> None:
    mended = other(first())
    two = branch(
        mended.records, scenario(), 420, "textbook", telemetry=QUIET, runbook=runbook(), rules=rules(), seconds=1100
    )
    assert two.state.status is Status.RESOLVED
    assert [one.status for one in two.state.actions] == ["done"]


def test_the_same_decision_leads_to_the_same_outcome() -> None:
    one = first()
    same = ((200, act("bo", "request-action", action="scale-checkout")),)
    two = branch(one.records, scenario(), SECOND, same, telemetry=QUIET, runbook=runbook(), rules=rules(), seconds=500)
    assert two.curve == one.curve
    assert [record.payload for record in two.records if record.tag != "exercise-started"] == [
        record.payload for record in one.records if record.tag != "exercise-started"
    ]


def test_a_drill_is_taken_up_where_its_log_left_it() -> None:
    one = first()
    before = [record for record in one.records if (record.recorded_at - one.start).total_seconds() <= SECOND]
    drill = resume(before, scenario(), SECOND, telemetry=QUIET, runbook=runbook(), rules=rules())
    assert drill.second == SECOND
    fresh = run_headless(scenario(), 11, "nothing", telemetry=QUIET, runbook=runbook(), rules=rules(), seconds=SECOND)
    assert drill.production.active("F1")
    assert fresh.curve == one.curve.cut(SECOND)


@pytest.mark.parametrize("second", [0, 9999])
def test_a_second_that_is_not_in_the_exercise_is_refused(second: int) -> None:
    run = run_headless(
        scenario(), 11, acts([(30, act("ana", "post-chat", text="REAL INCIDENT"))]), telemetry=QUIET, runbook=runbook()
    )
    with pytest.raises(BranchError, match="is not within the exercise"):
        branch(run.records, scenario(), second, "nothing", telemetry=QUIET)


def test_a_log_without_an_exercise_cannot_be_branched() -> None:
    with pytest.raises(BranchError, match="no exercise"):
        branch((), scenario(), 10, "nothing", telemetry=QUIET)
