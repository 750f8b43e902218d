"""An exercise on its log: unmistakable, run by its hosts, played by everybody else, stopped by anybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.incident.core_room import BEN, CHIEF, JANA, MEI, CoreRoom, person
from warroom.incident import commands as c
from warroom.incident.fields import Exercise, ExerciseAction
from warroom.incident.snapshot import decode, encode
from warroom.incident.verdict import Reason, Refusal
from warroom.incident.words import Duty, Status

HOST = person("facilitator")
ACTIONS = (
    ExerciseAction(id="rollback:CHG-1", title="Roll back CHG-1", kind="rollback", target="edge", takes_seconds=60,
                   needs=Duty.OPERATIONS_LEAD, approval=Duty.INCIDENT_COMMANDER),
    ExerciseAction(id="look", title="Call the provider"),
)  # fmt: skip


def drill(**changes: Any) -> CoreRoom:
    told = {"scenario": "edge", "title": "Edge", "seed": 7, "truth": "ab" * 32, "hosts": ("facilitator",),
            "actions": ACTIONS, "roles": (Duty.INCIDENT_COMMANDER,), **changes}  # fmt: skip
    room = CoreRoom()
    room.does(c.DeclareIncident(title="Edge is slow", triage=True, exercise=Exercise(**told)), HOST)
    return room


def refusal(room: CoreRoom, command: c.Command, actor: Any = JANA) -> Refusal:
    verdict = room.say(command, actor)
    assert isinstance(verdict, Refusal), verdict
    return verdict


def staffed() -> CoreRoom:
    room = drill()
    room.does(c.TakeCommand(), JANA)
    room.does(c.AssignRole(duty=Duty.OPERATIONS_LEAD, who="ben"), JANA)
    return room


def test_its_title_says_that_it_is_one_whatever_it_is_changed_to():
    room = drill()
    assert room.state.title == "EXERCISE: Edge is slow"
    room.does(c.ChangeTitle(title="Payments are down"), JANA)
    assert room.state.title == "EXERCISE: Payments are down"
    room.does(c.ChangeTitle(title="x" * 200), JANA)
    assert room.state.title.startswith("EXERCISE: ")
    assert len(room.state.title) == 200
    assert "EXERCISE" in room.state.timeline[1].words


def test_a_real_incident_has_no_exercise_and_takes_none_of_its_commands():
    room = CoreRoom.declared()
    assert room.state.exercise is None
    for command in (c.AskForHint(), c.RequestAction(action="look"), c.StopExercise(reason="safe_word")):
        assert refusal(room, command).reason == Reason.CONFLICT


@pytest.mark.parametrize(
    "command",
    [
        c.DeliverInject(inject="I1", text="What do I tell the board?"),
        c.GiveHint(inject="H1", text="Look at the changes", cost=4),
        c.WithholdPerson(who="ben"),
        c.SetPace(speed=0),
        c.ChangeWorld(sealed="c2VhbGVk"),
        c.MarkExercise(rubric="calm", points=2),
        c.RevealTruth(stage=1, text="CHG-1"),
        c.StopExercise(reason="finished"),
    ],
    ids=lambda command: command.TAG,
)
def test_only_hosts_let_things_happen_whatever_their_access(command):
    room = drill()
    assert refusal(room, command, CHIEF).reason == Reason.NOT_ALLOWED
    assert room.does(command, HOST)


def test_an_action_waits_for_its_duty_begins_and_is_felt():
    room = staffed()
    assert "operations lead" in refusal(room, c.RequestAction(action="rollback:CHG-1"), MEI).words
    room.does(c.RequestAction(action="rollback:CHG-1", note="CPU went up with it"), BEN)
    begin = c.StartAction(number=1, second=30, ends=room.at + timedelta(seconds=60))
    assert refusal(room, begin, HOST).reason == Reason.CONFLICT
    assert "incident commander" in refusal(room, c.ApproveAction(number=1), BEN).words
    assert "asked for already" in refusal(room, c.RequestAction(action="rollback:CHG-1"), BEN).words
    room.does(c.ApproveAction(number=1), JANA)
    room.does(begin, HOST)
    assert room.state.actions[0].status == "running"
    room.does(c.FinishAction(number=1, outcome="done", second=90, result="rolled back"), HOST)
    done = room.state.actions[0]
    assert (done.status, done.second, done.approved_by, done.requested_by) == ("done", 90, "jana", "ben")
    assert room.state.exercise is not None
    # The same may be done again, and what was said with it stands as a note that can be redacted.
    room.does(c.RequestAction(action="rollback:CHG-1"), BEN)
    assert [entry.kind for entry in room.state.timeline if entry.actor == "ben"][1] == "note-added"


def test_commander_access_alone_approves_nothing():
    room = staffed()
    room.does(c.RequestAction(action="rollback:CHG-1"), BEN)
    assert refusal(room, c.ApproveAction(number=1), CHIEF).reason == Reason.NOT_ALLOWED


def test_an_action_without_rules_begins_at_once_and_one_unknown_is_named():
    room = drill()
    assert "it offers rollback:CHG-1, look" in refusal(room, c.RequestAction(action="lok")).words
    room.does(c.RequestAction(action="look"), MEI)
    room.does(c.StartAction(number=1, second=5, ends=room.at), HOST)
    room.does(c.FinishAction(number=1, outcome="failed", second=9, result="nobody answers"), HOST)
    assert room.state.actions[0].status == "failed"


def test_whoever_is_withheld_can_do_nothing_but_stop_until_returned():
    room = drill()
    room.does(c.PostChat(text="here"), MEI)
    room.does(c.WithholdPerson(who="Mei", reason="on a flight"), HOST)
    assert "out of reach" in refusal(room, c.PostChat(text="hello?"), MEI).words
    room.does(c.ReturnPerson(who="mei"), HOST)
    room.does(c.PostChat(text="landed"), MEI)
    room.does(c.WithholdPerson(who="mei"), HOST)
    room.does(c.StopExercise(reason="safe_word"), MEI)
    assert room.state.exercise is not None
    assert room.state.exercise.stop_reason == "safe_word"
    room.does(c.PostChat(text="I am needed elsewhere"), MEI)


def test_a_whisper_leaves_no_words_on_the_log():
    room = drill()
    whisper = {"inject": "B1", "to": "support", "method": "dm", "whispered": True}
    assert refusal(room, c.DeliverInject(**whisper, text="EU only"), HOST).reason == Reason.INVALID
    room.does(c.DeliverInject(**whisper), HOST)
    assert "in private" in room.state.timeline[-1].words


def test_after_the_safe_word_the_host_says_the_key_and_nothing_else_starts():
    room = drill()
    room.does(c.StopExercise(reason="safe_word"), BEN)
    assert refusal(room, c.StopExercise(reason="safe_word", key="0f" * 32), BEN).reason == Reason.NOT_ALLOWED
    room.does(c.StopExercise(reason="safe_word", key="0f" * 32), HOST)
    exercise = room.state.exercise
    assert exercise is not None
    assert (exercise.running, exercise.key) == (False, "0f" * 32)
    assert "is over" in refusal(room, c.RequestAction(action="look")).words
    room.does(c.RevealTruth(stage=1, text="it was CHG-1"), HOST)


def test_declined_or_closed_it_can_still_be_ended_and_marked_by_its_hosts():
    room = drill()
    room.does(c.DeclineIncident(reason="all within bounds"), JANA)
    assert room.state.status is Status.DECLINED
    room.does(c.MarkExercise(rubric="calm", points=3), HOST)
    room.does(c.StopExercise(reason="finished", key="0f" * 32), HOST)


def test_a_hypothesis_carries_how_likely_it_is_held_to_be():
    room = drill()
    tags = room.does(c.ProposeHypothesis(text="the WAF rule", probability=0.6))
    assert tags == ["hypothesis-proposed", "hypothesis-rated"]
    room.does(c.RateHypothesis(hypothesis=1, probability=0.9), BEN)
    assert room.say(c.RateHypothesis(hypothesis=1, probability=0.9), BEN) == ()
    assert room.state.hypotheses[0].probability == 0.9
    assert refusal(room, c.RateHypothesis(hypothesis=2, probability=0.1)).reason == Reason.NOT_FOUND


def test_a_newcomer_gets_all_of_it():
    room = staffed()
    room.does(c.RequestAction(action="rollback:CHG-1"), BEN)
    room.does(c.GiveHint(inject="H1", text="changes", cost=4), HOST)
    room.does(c.MarkExercise(rubric="calm", points=2), HOST)
    room.does(c.WithholdPerson(who="mei"), HOST)
    again = decode(encode(room.state))
    assert encode(again) == encode(room.state)
    assert again.exercise is not None
    assert again.exercise.hints == 4
    assert again.exercise.offered("look") is not None
    assert again.actions[0].status == "requested"
