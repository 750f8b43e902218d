"""Alerts, links, changes, impact, updates and their cadence, playbooks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.incident.core_room import BEN, START, CoreRoom
from warroom.incident import commands as c
from warroom.incident.lobby import lobby_line
from warroom.incident.rules import signals
from warroom.incident.verdict import Reason

ALERT = {"fingerprint": "f1", "name": "HighErrorRate", "starts_at": START, "labels": {"team": "pay"}}
BOOK = {
    "id": "db",
    "title": "Database",
    "version": 3,
    "steps": ({"id": "a", "title": "Look"}, {"id": "b", "title": "Do"}),
}


def test_the_life_of_an_alert():
    room = CoreRoom.declared()
    room.does(c.AttachAlert(alert=ALERT))
    assert room.does(c.AttachAlert(alert=ALERT)) == []
    assert lobby_line(room.state)["firing"] == 1
    room.does(c.AcknowledgeAlert(fingerprint="f1"), BEN)
    assert room.does(c.AcknowledgeAlert(fingerprint="f1"), BEN) == []
    assert room.state.alert("alertmanager", "f1").acknowledged_by == "ben"
    room.does(c.ResolveAlert(fingerprint="f1", ended_at=room.at))
    assert room.does(c.ResolveAlert(fingerprint="f1")) == []
    assert room.refuses(c.AcknowledgeAlert(fingerprint="f1")).reason is Reason.CONFLICT
    assert lobby_line(room.state)["firing"] == 0
    room.does(c.AttachAlert(alert=ALERT))
    alert = room.state.alert("alertmanager", "f1")
    assert (alert.status, alert.times_fired, alert.labels) == ("firing", 2, (("team", "pay"),))
    assert len(room.state.alerts) == 1
    for command in (c.ResolveAlert(fingerprint="f9"), c.AcknowledgeAlert(source="pagerduty", fingerprint="f1")):
        assert room.refuses(command).reason is Reason.NOT_FOUND
    assert (
        room.refuses(c.ResolveAlert(fingerprint="f1", ended_at=room.at + timedelta(hours=1))).reason is Reason.INVALID
    )


def test_links_and_changes():
    room = CoreRoom.declared()
    room.does(c.AddLink(title="Ticket", url="https://example.test/1", kind="ticket"))
    assert room.does(c.AddLink(title="Ticket", url="https://example.test/1")) == []
    when = room.at - timedelta(minutes=9)
    room.does(c.RecordChange(kind="rollback", service="api", version="41", occurred_at=when), BEN)
    change = room.state.changes[0]
    assert (change.kind, change.at, change.recorded_by) == ("rollback", when, "ben")
    assert room.state.timeline[-1].text == "Rollback api 41"
    assert room.refuses(c.RecordChange()).reason is Reason.INVALID


def test_impact_counters_keep_their_peak():
    room = CoreRoom.declared()
    for value in (3, 1200, 40):
        room.does(c.CountImpact(counter="customers", value=value))
    assert room.does(c.CountImpact(counter="customers", value=40)) == []
    room.does(c.CountImpact(counter="tickets", value=2, source="zendesk"))
    assert [(n.name, n.value, n.peak) for n in room.state.counters] == [("customers", 40, 1200), ("tickets", 2, 2)]
    room.does(c.DescribeImpact(text="One in five cannot pay."))
    assert room.does(c.DescribeImpact(text="One in five cannot pay.")) == []
    assert room.state.impact == "One in five cannot pay."


def test_the_next_update_falls_due_by_severity_or_as_said():
    room = CoreRoom.declared(severity="SEV1")
    room.does(c.PublishUpdate(text="We are looking."), after=600)
    assert room.state.next_update_due == room.at + timedelta(minutes=30)
    room.does(c.PublishUpdate(text="Still looking.", next_in_minutes=10))
    assert room.state.next_update_due == room.at + timedelta(minutes=10)
    room.does(c.PublishUpdate(text="Enough.", next_in_minutes=0))
    assert room.state.next_update_due is None
    assert room.does(c.SetNextUpdate(in_minutes=None)) == []
    room.does(c.SetNextUpdate(in_minutes=5))
    assert room.state.next_update_due == room.at + timedelta(minutes=5)
    room.does(c.ChangeStatus(status="resolved"))
    room.does(c.PublishUpdate(text="Resolved.", next_in_minutes=10))
    assert room.state.next_update_due is None
    assert room.refuses(c.SetNextUpdate(in_minutes=5)).reason is Reason.CONFLICT
    assert [update.text for update in room.state.updates][-1] == "Resolved."


def test_the_steps_of_a_playbook():
    room = CoreRoom.declared()
    room.does(c.AttachPlaybook(playbook=BOOK))
    assert room.does(c.AttachPlaybook(playbook=BOOK)) == []
    room.does(c.AssignStep(playbook="db", step="a", assignee="ben"))
    assert room.does(c.AssignStep(playbook="db", step="a", assignee="ben")) == []
    room.does(c.CompleteStep(playbook="db", step="a", result="slow queries"), BEN)
    assert room.does(c.CompleteStep(playbook="db", step="a"), BEN) == []
    assert room.refuses(c.SkipStep(playbook="db", step="a", reason="x")).reason is Reason.CONFLICT
    room.does(c.SkipStep(playbook="db", step="b", reason="not needed"))
    assert room.does(c.SkipStep(playbook="db", step="b", reason="not needed")) == []
    first, second = room.state.playbooks[0].steps
    assert (first.status, first.words, first.by, first.assignee) == ("done", "slow queries", "ben", "ben")
    assert (second.status, second.words) == ("skipped", "not needed")
    room.does(c.ReopenStep(playbook="db", step="b"))
    assert room.does(c.ReopenStep(playbook="db", step="b")) == []
    room.does(c.CompleteStep(playbook="db", step="b"))
    for command in (
        c.CompleteStep(playbook="db", step="z"),
        c.SkipStep(playbook="zz", step="a", reason="x"),
        c.AssignStep(playbook="db", step="z", assignee="x"),
        c.ReopenStep(playbook="db", step="z"),
    ):
        assert room.refuses(command).reason is Reason.NOT_FOUND
    twins = {**BOOK, "id": "twins", "steps": (BOOK["steps"][0],) * 2}
    assert room.refuses(c.AttachPlaybook(playbook=twins)).reason is Reason.INVALID


@pytest.mark.parametrize(
    ("bound", "make"),
    [
        ("MOST_ALERTS", lambda n: c.AttachAlert(alert={**ALERT, "fingerprint": f"f{n}"})),
        ("MOST_LINKS", lambda n: c.AddLink(title="x", url=f"https://example.test/{n}")),
        ("MOST_CHANGES", lambda n: c.RecordChange(text="x")),
        ("MOST_COUNTERS", lambda n: c.CountImpact(counter=f"c{n}", value=1)),
        ("MOST_UPDATES", lambda n: c.PublishUpdate(text="x")),
        ("MOST_PLAYBOOKS", lambda n: c.AttachPlaybook(playbook={**BOOK, "id": f"book-{n}"})),
    ],
)
def test_numbers_are_bounded(monkeypatch, bound, make):
    monkeypatch.setattr(signals, bound, 2)
    room = CoreRoom.declared()
    for number in range(2):
        room.does(make(number))
    refusal = room.refuses(make(2))
    assert refusal.reason is Reason.LIMIT
    assert "at most 2" in refusal.words
