"""Tasks, hypotheses, decisions, evidence, notes, corrections, pins, redaction."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.incident.core_room import BEN, CHIEF, JANA, MEI, START, CoreRoom
from warroom.incident import commands as c
from warroom.incident.rules import words, work
from warroom.incident.verdict import Reason

EVIDENCE = {
    "title": "Error rate",
    "query": "sum(rate(errors[5m]))",
    "start": START,
    "end": START + timedelta(hours=1),
    "step_seconds": 60.0,
    "series": ({"label": "checkout", "times": (1.0, 2.0), "values": (0.5, None)},),
}


def test_the_life_of_a_task():
    room = CoreRoom.declared()
    room.does(c.AddTask(title="Roll back", assignee="ben", time_box_minutes=15))
    task = room.state.tasks[0]
    assert (task.number, task.assignee, task.status, task.due_at) == (1, "ben", "open", room.at + timedelta(minutes=15))
    assert room.refuses(c.AcknowledgeTask(task=1), MEI).reason is Reason.NOT_ALLOWED
    room.does(c.AcknowledgeTask(task=1), BEN)
    assert room.does(c.AcknowledgeTask(task=1), BEN) == []
    room.does(c.AssignTask(task=1, assignee="mei"))
    assert room.does(c.AssignTask(task=1, assignee="mei")) == []
    assert (room.state.tasks[0].status, room.state.tasks[0].assignee) == ("open", "mei")
    room.does(c.FinishTask(task=1, result="rolled back to 41"), MEI)
    task = room.state.tasks[0]
    assert (task.status, task.result, task.ended_by, task.ended_at) == ("done", "rolled back to 41", "mei", room.at)
    for command in (
        c.FinishTask(task=1),
        c.DropTask(task=1),
        c.AssignTask(task=1, assignee="x"),
        c.AcknowledgeTask(task=1),
    ):
        assert room.refuses(command).reason is Reason.CONFLICT
    assert room.refuses(c.FinishTask(task=2)).reason is Reason.NOT_FOUND


def test_an_unassigned_task_is_whose_who_acknowledges_it():
    room = CoreRoom.declared()
    room.does(c.AddTask(title="Look at the cache"))
    room.does(c.AcknowledgeTask(task=1), BEN)
    assert room.state.tasks[0].assignee == "ben"
    room.does(c.DropTask(task=1, reason="not needed"), BEN)
    assert (room.state.tasks[0].status, room.state.tasks[0].result) == ("dropped", "not needed")


def test_a_task_is_not_due_in_the_past():
    room = CoreRoom.declared()
    assert room.refuses(c.AddTask(title="x", due=START)).reason is Reason.INVALID
    room.does(c.AddTask(title="x", due=START + timedelta(days=7), follow_up=True))
    assert room.state.tasks[0].due_at == START + timedelta(days=7)


def test_what_became_of_a_hypothesis():
    room = CoreRoom.declared()
    room.does(c.ProposeHypothesis(text="the cache is cold"))
    room.does(c.PinEvidence(evidence=EVIDENCE))
    room.does(c.SupportHypothesis(hypothesis=1, evidence="hit rate fell", pins=(1, 1)), BEN)
    assert room.state.hypotheses[0].status == "supported"
    assert room.state.hypotheses[0].evidence[0].pins == (1,)
    assert room.does(c.SupportHypothesis(hypothesis=1), BEN) == []
    room.does(c.RefuteHypothesis(hypothesis=1, evidence="it was warm"), MEI)
    room.does(c.ConfirmHypothesis(hypothesis=1), MEI)
    assert [(f.verdict, f.who) for f in room.state.hypotheses[0].evidence] == [
        ("supported", "ben"), ("refuted", "mei"), ("confirmed", "mei"),
    ]  # fmt: skip
    assert room.refuses(c.RefuteHypothesis(hypothesis=2)).reason is Reason.NOT_FOUND
    assert room.refuses(c.RefuteHypothesis(hypothesis=1, pins=(2,))).reason is Reason.NOT_FOUND


def test_a_decision_with_objections():
    room = CoreRoom.declared()
    room.does(c.OpenDecision(question="Roll back?", options=("yes", "no", "yes")))
    room.does(c.RaiseObjection(decision=1, text="the migration has run"), BEN)
    room.does(c.TakeDecision(decision=1, choice="no", reason="it cannot be undone"), JANA)
    made = room.state.decisions[0]
    assert (made.options, made.choice, made.decided_by, made.taken_seq) == (("yes", "no"), "no", "jana", room.state.seq)
    assert [o.text for o in made.objections] == ["the migration has run"]
    assert room.refuses(c.TakeDecision(decision=1, choice="yes")).reason is Reason.CONFLICT
    assert room.refuses(c.RaiseObjection(decision=1, text="x")).reason is Reason.CONFLICT
    assert room.refuses(c.TakeDecision(decision=2, choice="yes")).reason is Reason.NOT_FOUND
    assert room.refuses(c.TakeDecision(choice="yes")).reason is Reason.INVALID
    assert room.does(c.TakeDecision(question="Wake the DBA?", choice="yes")) == ["decision-opened", "decision-taken"]
    assert room.state.decisions[1].choice == "yes"


def test_evidence_holds_the_data():
    room = CoreRoom.declared()
    room.does(c.PinEvidence(evidence=EVIDENCE), BEN)
    pin = room.state.evidence[0]
    assert (pin.number, pin.title, pin.series) == (1, "Error rate", (("checkout", (1.0, 2.0), (0.5, None)),))
    crooked = {**EVIDENCE, "series": ({"label": "a", "times": (1.0,), "values": ()},)}
    assert "1 times and 0 values" in room.refuses(c.PinEvidence(evidence=crooked)).words
    backward = {**EVIDENCE, "end": START - timedelta(hours=1)}
    assert room.refuses(c.PinEvidence(evidence=backward)).reason is Reason.INVALID
    line = {"label": "a", "times": (1.0,) * 2000, "values": (1.0,) * 2000}
    assert room.refuses(c.PinEvidence(evidence={**EVIDENCE, "series": (line,) * 3})).reason is Reason.LIMIT


@pytest.mark.parametrize(
    ("bound", "command"),
    [
        ("MOST_TASKS", c.AddTask(title="x")),
        ("MOST_HYPOTHESES", c.ProposeHypothesis(text="x")),
        ("MOST_DECISIONS", c.OpenDecision(question="x")),
        ("MOST_DECISIONS", c.TakeDecision(question="x", choice="y")),
        ("MOST_EVIDENCE", c.PinEvidence(evidence=EVIDENCE)),
    ],
)
def test_numbers_are_bounded(monkeypatch, bound, command):
    monkeypatch.setattr(work, bound, 2)
    room = CoreRoom.declared()
    for _ in range(2):
        room.does(command)
    refusal = room.refuses(command)
    assert refusal.reason is Reason.LIMIT
    assert "at most 2" in refusal.words


def test_a_correction_supersedes_and_never_erases():
    room = CoreRoom.declared()
    room.does(c.AddNote(text="it began at nine"), BEN)
    when = room.at - timedelta(hours=1)
    room.does(c.CorrectEntry(entry=2, text="it began at eight", occurred_at=when), MEI)
    entry = room.state.entry(2)
    assert (entry.text, entry.words, entry.corrected_by) == ("it began at nine", "it began at eight", "mei")
    assert (entry.occurred_at, entry.correction_seq) == (when, 3)
    assert room.does(c.CorrectEntry(entry=2, text="it began at eight", occurred_at=when), MEI) == []
    assert room.refuses(c.CorrectEntry(entry=2)).reason is Reason.INVALID
    assert room.refuses(c.CorrectEntry(entry=99, text="x")).reason is Reason.NOT_FOUND


def test_pins(monkeypatch):
    room = CoreRoom.declared()
    room.does(c.AddNote(text="look"))
    room.does(c.PinEntry(entry=2))
    assert room.does(c.PinEntry(entry=2)) == []
    assert (room.state.pins, room.state.entry(2).pinned) == ((2,), True)
    monkeypatch.setattr(words, "MOST_PINS", 1)
    assert room.refuses(c.PinEntry(entry=1)).reason is Reason.LIMIT
    room.does(c.UnpinEntry(entry=2))
    assert room.does(c.UnpinEntry(entry=2)) == []
    assert room.state.pins == ()
    for command in (c.PinEntry(entry=99), c.UnpinEntry(entry=99), c.RedactEntry(entry=99, reason="x")):
        assert room.refuses(command, CHIEF).reason is Reason.NOT_FOUND


def test_what_can_be_redacted():
    room = CoreRoom.declared()
    room.does(c.AddNote(text="the password is hunter2"))
    room.does(c.RedactEntry(entry=2, reason="a password"), CHIEF)
    entry = room.state.entry(2)
    assert (entry.text, entry.redacted) == ("[redacted]", True)
    assert room.does(c.RedactEntry(entry=2, reason="again"), CHIEF) == []
    assert "stays" in room.refuses(c.RedactEntry(entry=3, reason="x"), CHIEF).words


def test_what_an_alert_says_on_declaring_can_be_erased():
    room = CoreRoom()
    alert = {"fingerprint": "f1", "name": "Down", "starts_at": START, "summary": "key=hunter2"}
    tags = room.does(c.DeclareIncident(title="Down", summary="key=hunter2", alert=alert))
    assert tags == ["incident-declared", "summary-changed", "alert-attached"]
    assert room.state.summary == "key=hunter2"
    for entry in (2, 3):
        room.does(c.RedactEntry(entry=entry, reason="a key"), CHIEF)
    assert room.state.summary == "[redacted]"
    assert not [entry for entry in room.state.timeline if "hunter2" in entry.text]
    kept = [record for record in room.log if b"hunter2" in (record.payload or b"")]
    assert [record.seq for record in kept] == [2, 3]
    assert room.state.alerts[0].name == "Down"


def test_notes_keep_both_times_and_lose_what_a_terminal_would_obey():
    room = CoreRoom.declared()
    when = room.at - timedelta(minutes=10)
    room.does(c.AddNote(text="\x1b[2Jred\u202ealert\r\nnext\x00", occurred_at=when))
    entry = room.state.timeline[-1]
    assert entry.text == "[2Jredalert\nnext"
    assert (entry.occurred_at, entry.recorded_at) == (when, room.at)


def test_chat_is_on_the_log():
    room = CoreRoom.declared()
    room.does(c.PostChat(text="anyone?"), BEN)
    assert list(room.state.chat) == [2]
    assert room.state.participants == {"jana": START + timedelta(seconds=1), "ben": room.at}
