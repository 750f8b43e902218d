"""The demo's incident, played by its team without a screen: with nobody else, and with somebody who joins in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from warroom.data import shipped_data_dir
from warroom.demo.crew import CAST, LEAD, Crew
from warroom.demo.exercise import HEAD_START, SCENARIO, SEED
from warroom.incident.words import Duty, Status
from warroom.tabletop.deeds import Act, act
from warroom.tabletop.drill import Telemetry
from warroom.tabletop.headless import Run, run_headless
from warroom.tabletop.load import load_file
from warroom.tabletop.look import PlayerView
from warroom.tabletop.truth import names_truth

DEMO = load_file(shipped_data_dir("scenarios") / f"{SCENARIO}.yaml").scenario
BLIND = Telemetry(traces_per_second=0.0, logs=False)
"""The team asks metrics and changes; without the rest it is played faster."""
BACK = "rollback_checkout"
Deed = Callable[[PlayerView], Act | None]


@dataclass
class Beside:
    """The team, and somebody beside it who does each deed once, as soon as it makes sense."""

    crew: Crew
    deeds: list[Deed] = field(default_factory=list)
    name = "beside"

    @property
    def team(self) -> tuple[str, ...]:
        return (*CAST, "jana")

    def act(self, view: PlayerView) -> Sequence[Act]:
        theirs = list(self.crew.act(view))
        done = self.deeds[0](view) if self.deeds and view.second > HEAD_START else None
        if done is not None:
            self.deeds.pop(0)
            theirs.append(done)
        return theirs


def played(*deeds: Deed, seconds: int | None = None, seed: int = SEED) -> Run:
    bot = Beside(Crew(seed, "jana", HEAD_START), list(deeds))
    return run_headless(DEMO, seed, bot, telemetry=BLIND, seconds=seconds, start=datetime(2026, 11, 27, 9, tzinfo=UTC))


def at(second: int, type_: str, /, **fields: object) -> Deed:
    return lambda view: act("jana", type_, **fields) if view.second >= second else None


def chats(run: Run, who: str = "") -> list[str]:
    said = [one for one in run.state.timeline if one.kind == "chat-posted"]
    return [one.text for one in said if not who or one.actor == who]


def second_of(run: Run, kind: str, words: str = "") -> int | None:
    found = (one for one in run.state.timeline if one.kind == kind and words in one.words)
    first = next(found, None)
    return None if first is None else int((first.occurred_at - run.start).total_seconds())


@pytest.fixture(scope="module")
def alone() -> Run:
    """The demo with nobody who acts."""
    return played()


def test_whoever_comes_in_finds_an_incident_under_way() -> None:
    state = played(seconds=HEAD_START).state
    assert state.status is Status.INVESTIGATING
    assert (state.severity, state.commander) == ("SEV2", LEAD)
    assert {Duty.OPERATIONS_LEAD, Duty.COMMUNICATIONS_LEAD, Duty.SCRIBE} <= {held.duty for held in state.roles}
    assert any(one.status != "resolved" for one in state.alerts)
    assert state.next_update_due is not None
    assert state.impact
    assert state.summary
    assert state.hypotheses
    assert state.tasks
    assert len(state.board) == len(DEMO.world.slo)
    assert any(step.status == "done" for step in state.playbooks[0].steps)
    assert not state.actions


def test_nobody_has_to_act_for_it_to_end_well_within_ten_minutes(alone: Run) -> None:
    exercise = alone.state.exercise
    assert exercise is not None
    assert exercise.stop_reason == "finished"
    assert alone.state.status is Status.RESOLVED
    assert alone.seconds - HEAD_START < 600
    assert alone.refused == ()
    done = [one for one in alone.state.actions if one.status == "done"]
    assert [(one.action, one.requested_by in CAST) for one in done] == [(BACK, True)]
    assert all(one.status == "resolved" for one in alone.state.alerts)
    assert not any(one.status in ("proposed", "supported") for one in alone.state.hypotheses)
    confirmed = [one for one in alone.state.hypotheses if one.status == "confirmed"]
    assert [names_truth(one.text, DEMO.sealed) for one in confirmed] == [True]
    assert len(alone.state.updates) >= 2
    assert any(task.follow_up for task in alone.state.tasks)
    assert second_of(alone, "truth-revealed")


def test_nobody_is_silent_for_long_while_it_lasts(alone: Run) -> None:
    told = [(one.occurred_at - alone.start).total_seconds() for one in alone.state.timeline if one.actor in CAST]
    pauses = [after - before for before, after in pairwise(told)]
    assert max(pauses) < 90


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_ends_well_with_other_details(seed: int) -> None:
    run = played(seed=seed)
    assert run.state.status is Status.RESOLVED
    assert run.refused == ()


def test_what_you_do_mends_it_sooner_and_the_team_goes_along(alone: Run) -> None:
    run = played(at(HEAD_START + 20, "request-action", action=BACK))
    mine = [one for one in run.state.actions if one.requested_by == "jana"]
    assert [one.status for one in mine] == ["done"]
    assert len(run.state.actions) == 1
    assert any("jana does it" in text for text in chats(run, LEAD))
    assert run.state.status is Status.RESOLVED
    assert run.seconds < alone.seconds
    assert run.curve.lost < alone.curve.lost
    assert run.refused == ()


def test_they_wait_when_asked_and_go_on_when_told() -> None:
    run = played(
        at(HEAD_START + 60, "post-chat", text="wait, I want to look first"),
        at(HEAD_START + 500, "post-chat", text="go ahead"),
    )
    requested = second_of(run, "action-requested")
    assert requested is not None
    assert requested > HEAD_START + 500
    assert any("we wait" in text for text in chats(run, LEAD))
    assert run.state.status is Status.RESOLVED


def test_whoever_takes_command_decides() -> None:
    def resolve(view: PlayerView) -> Act | None:
        mended = view.state.actions and all(one.status == "resolved" for one in view.state.alerts)
        return act("jana", "change-status", status="resolved", reason="all is well") if mended else None

    run = played(
        at(HEAD_START + 1, "take-command", reason="I am on call"),
        at(HEAD_START + 30, "request-action", action=BACK),
        resolve,
    )
    by_them = [
        one.kind
        for one in run.state.timeline
        if one.actor == LEAD and one.kind in ("status-changed", "decision-taken", "severity-changed")
        and (one.occurred_at - run.start).total_seconds() > HEAD_START + 1
    ]  # fmt: skip
    assert by_them == []
    assert any("s sets the status" in text for text in chats(run, LEAD))
    assert run.state.status is Status.RESOLVED
    assert run.refused == ()


def test_questions_are_answered_by_whoever_is_named_and_else_by_whoever_leads() -> None:
    run = played(
        at(HEAD_START + 1, "post-chat", text="who leads?"),
        at(HEAD_START + 3, "post-chat", text="@june how are users?"),
        seconds=HEAD_START + 60,
    )
    assert any(text == f"@jana I lead; {text.partition('; ')[2]}" for text in chats(run, LEAD)), chats(run, LEAD)
    assert any("% of users are served well" in text for text in chats(run, "june"))


def test_they_do_what_somebody_asks_them_to() -> None:
    run = played(
        at(HEAD_START + 5, "post-chat", text="marek, please: Roll checkout back to v655"), seconds=HEAD_START + 90
    )
    assert [(one.action, one.requested_by) for one in run.state.actions] == [(BACK, "marek")]
