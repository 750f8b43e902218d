"""Declaring, triage, severity, status, milestones, merging: what each leads to and when it is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.incident.core_room import BEN, CHIEF, ID, JANA, MEI, START, CoreRoom, person
from warroom.incident import commands as c
from warroom.incident.verdict import Reason
from warroom.incident.words import Access, Milestone, Severity, Status

ALERT = {"fingerprint": "f1", "name": "HighErrorRate", "starts_at": START, "service": "checkout"}
LIVE = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING)


def at(room: CoreRoom, milestone: Milestone):
    return room.state.milestones.get(milestone)


def test_a_title_is_enough():
    room = CoreRoom()
    assert room.does(c.DeclareIncident(title="Checkout fails")) == ["incident-declared"]
    state = room.state
    assert (state.id, state.title, state.status, state.severity) == (ID, "Checkout fails", "investigating", "unset")
    assert state.milestones == dict.fromkeys((Milestone.DECLARED, Milestone.DETECTED, Milestone.ACKNOWLEDGED), room.at)
    assert state.milestone_seqs == dict.fromkeys(state.milestones, 1)
    assert state.acknowledged_by == state.declared_by == "jana"
    assert not state.commander
    assert room.refuses(c.DeclareIncident(title="Again")).reason is Reason.CONFLICT


def test_an_alert_opens_it_in_triage_and_it_waits_to_be_acknowledged():
    room = CoreRoom()
    assert room.does(c.DeclareIncident(title="x", triage=True, alert=ALERT)) == ["incident-declared", "alert-attached"]
    assert room.state.status is Status.TRIAGE
    assert at(room, Milestone.ACKNOWLEDGED) is None
    assert at(room, Milestone.DETECTED) == room.at
    assert room.does(c.AcknowledgeIncident(), BEN) == ["incident-acknowledged"]
    acknowledged = room.at
    assert room.does(c.AcknowledgeIncident(), MEI) == []
    assert room.does(c.AcceptIncident(), MEI) == ["incident-accepted"]
    assert (room.state.status, room.state.acknowledged_by) == (Status.INVESTIGATING, "ben")
    assert at(room, Milestone.ACKNOWLEDGED) == acknowledged
    assert room.does(c.AcceptIncident(), MEI) == []


def test_accepting_acknowledges():
    room = CoreRoom.declared(triage=True)
    room.does(c.AcceptIncident(), BEN)
    assert (room.state.acknowledged_by, at(room, Milestone.ACKNOWLEDGED)) == ("ben", room.at)


def test_a_false_alarm_is_declined_and_can_come_back():
    room = CoreRoom.declared(triage=True)
    room.does(c.DeclineIncident(reason="a test alert"))
    assert room.state.status is Status.DECLINED
    assert room.refuses(c.ChangeSeverity(severity="SEV1")).reason is Reason.OVER
    assert room.refuses(c.DeclineIncident(reason="again")).reason is Reason.OVER
    room.does(c.ReopenIncident(reason="it was none"))
    assert (room.state.status, room.state.reopened) == (Status.INVESTIGATING, 1)
    assert room.refuses(c.DeclineIncident(reason="again")).reason is Reason.CONFLICT


@pytest.mark.parametrize("first", LIVE)
@pytest.mark.parametrize("then", [*LIVE, Status.RESOLVED])
def test_live_statuses_go_in_any_direction(first, then):
    room = CoreRoom.declared()
    room.does(c.ChangeStatus(status=first))
    assert room.does(c.ChangeStatus(status=then)) == ([] if first is then else ["status-changed"])
    assert room.state.status is then


@pytest.mark.parametrize("status", [Status.TRIAGE, Status.DECLINED, Status.MERGED])
def test_some_statuses_are_not_changed_to(status):
    assert CoreRoom.declared().refuses(c.ChangeStatus(status=status)).reason is Reason.INVALID


def test_only_what_is_resolved_is_closed_and_only_a_reason_reopens():
    room = CoreRoom.declared()
    assert room.refuses(c.ChangeStatus(status="closed")).reason is Reason.CONFLICT
    room.does(c.ChangeStatus(status="resolved"))
    assert "reopen" in room.refuses(c.ChangeStatus(status="monitoring")).words
    room.does(c.ChangeStatus(status="closed"))
    assert room.refuses(c.ChangeStatus(status="investigating")).reason is Reason.OVER
    room.does(c.ReopenIncident(reason="it is back"))
    assert room.refuses(c.ReopenIncident(reason="twice")).reason is Reason.CONFLICT


def test_leaving_triage_by_a_status_accepts_first():
    room = CoreRoom.declared(triage=True)
    assert room.does(c.ChangeStatus(status="resolved"), BEN) == ["incident-accepted", "status-changed"]
    assert room.state.acknowledged_by == "ben"
    room = CoreRoom.declared(triage=True)
    assert room.does(c.ChangeStatus(status="investigating"), BEN) == ["incident-accepted"]


def test_a_skipped_phase_leaves_no_milestone():
    room = CoreRoom.declared()
    room.does(c.ChangeStatus(status="resolved"))
    assert at(room, Milestone.IDENTIFIED) is None
    assert at(room, Milestone.MITIGATED) == at(room, Milestone.RESOLVED) == room.at


def test_a_milestone_holds_while_the_incident_has_not_gone_back_behind_it():
    room = CoreRoom.declared()
    room.does(c.ChangeStatus(status="identified"))
    identified = room.at
    room.does(c.ChangeStatus(status="monitoring"))
    mitigated = room.at
    room.does(c.ChangeStatus(status="identified"))
    assert at(room, Milestone.IDENTIFIED) == identified
    assert at(room, Milestone.MITIGATED) is None
    room.does(c.ChangeStatus(status="monitoring"))
    assert at(room, Milestone.MITIGATED) == room.at > mitigated
    held = room.at
    room.does(c.ChangeStatus(status="resolved"))
    assert at(room, Milestone.MITIGATED) == held
    assert at(room, Milestone.RESOLVED) == room.at
    room.does(c.ChangeStatus(status="closed"))
    assert at(room, Milestone.CLOSED) == room.at
    room.does(c.ReopenIncident(reason="it is back"))
    gone = (Milestone.IDENTIFIED, Milestone.MITIGATED, Milestone.RESOLVED, Milestone.CLOSED)
    assert all(at(room, milestone) is None for milestone in gone)
    assert at(room, Milestone.DECLARED) is not None
    assert not set(gone) & set(room.state.milestone_seqs)


def test_a_corrected_milestone_never_moves_again():
    room = CoreRoom.declared()
    when = START - timedelta(minutes=5)
    room.does(c.ChangeStatus(status="monitoring"))
    room.does(c.CorrectMilestone(milestone="mitigated_at", at=when, reason="the graph says so"))
    assert room.does(c.CorrectMilestone(milestone="mitigated_at", at=when)) == []
    for status in ("investigating", "monitoring", "resolved"):
        room.does(c.ChangeStatus(status=status))
    room.does(c.ReopenIncident(reason="x"))
    assert at(room, Milestone.MITIGATED) == when
    assert room.state.milestone_seqs[Milestone.MITIGATED] == 3
    room.does(c.CorrectMilestone(milestone="mitigated_at", at=when + timedelta(seconds=1)))
    assert at(room, Milestone.MITIGATED) == when + timedelta(seconds=1)


def test_what_has_not_happened_has_no_milestone_to_correct():
    room = CoreRoom.declared()
    for milestone in ("resolved_at", "closed_at"):
        assert room.refuses(c.CorrectMilestone(milestone=milestone, at=START)).reason is Reason.CONFLICT
    room.does(c.ChangeStatus(status="resolved"))
    room.does(c.CorrectMilestone(milestone="resolved_at", at=START))
    assert room.refuses(c.CorrectMilestone(milestone="closed_at", at=START)).reason is Reason.CONFLICT


@pytest.mark.parametrize(("shift", "words"), [(timedelta(minutes=3), "future"), (timedelta(days=-4000), "ten years")])
def test_times_that_cannot_be_are_refused(shift, words):
    room = CoreRoom.declared()
    room.does(c.ChangeStatus(status="resolved"))
    room.does(c.ReopenIncident(reason="x"))
    when = room.at + shift
    for command in (
        c.AddNote(text="x", occurred_at=when),
        c.CorrectEntry(entry=1, occurred_at=when),
        c.RecordChange(text="x", occurred_at=when),
        c.ChangeStatus(status="identified", occurred_at=when),
        c.CorrectMilestone(milestone="detected_at", at=when),
    ):
        refusal = room.refuses(command)
        assert refusal.reason is Reason.INVALID
        assert words in refusal.words
    for field in ("impact_started_at", "detected_at"):
        refusal = CoreRoom().refuses(c.DeclareIncident(title="x", **{field: START + shift}))
        assert words in refusal.words


def test_a_clock_a_little_ahead_is_taken_as_now():
    room = CoreRoom.declared()
    room.does(c.AddNote(text="x", occurred_at=room.at + timedelta(seconds=90)))
    assert room.state.timeline[-1].occurred_at == room.at


def test_a_back_dated_status_back_dates_its_milestone():
    room = CoreRoom.declared()
    when = room.at - timedelta(minutes=2)
    room.does(c.ChangeStatus(status="monitoring", occurred_at=when))
    assert at(room, Milestone.MITIGATED) == when
    assert room.state.timeline[-1].occurred_at == when
    assert room.state.timeline[-1].recorded_at == room.at


def test_severity_moves_the_next_update():
    room = CoreRoom.declared(severity="SEV3")
    assert room.state.next_update_due == room.at + timedelta(hours=4)
    room.does(c.ChangeSeverity(severity="SEV1"))
    assert room.state.next_update_due == room.at + timedelta(minutes=30)
    assert room.does(c.ChangeSeverity(severity="SEV1")) == []
    room.does(c.ChangeSeverity(severity="SEV4"))
    assert room.state.next_update_due is None
    room.does(c.ChangeSeverity(severity="SEV2"))
    room.does(c.ChangeStatus(status="resolved"))
    assert room.state.next_update_due is None
    room.does(c.ChangeSeverity(severity="SEV1"))
    assert room.state.next_update_due is None
    room.does(c.ReopenIncident(reason="x"))
    assert room.state.next_update_due == room.at + timedelta(minutes=30)
    assert [severity for severity, _ in room.state.severities] == [
        Severity.SEV3, Severity.SEV1, Severity.SEV4, Severity.SEV2, Severity.SEV1,
    ]  # fmt: skip


def test_while_nobody_leads_any_responder_may_and_then_only_the_leader():
    room = CoreRoom.declared(triage=True)
    room.does(c.AcceptIncident(), BEN)
    room.does(c.ChangeSeverity(severity="SEV2"), MEI)
    room.does(c.ChangeStatus(status="identified"), BEN)
    assert room.refuses(c.MergeIncident(into="INC-0000"), BEN).reason is Reason.NOT_ALLOWED
    room.does(c.TakeCommand(), BEN)
    assert room.refuses(c.ChangeSeverity(severity="SEV1"), MEI).reason is Reason.NOT_ALLOWED
    room.does(c.ChangeSeverity(severity="SEV1"), BEN)
    room.does(c.ChangeSeverity(severity="SEV3"), CHIEF)
    assert room.refuses(c.RedactEntry(entry=1, reason="x"), BEN).reason is Reason.NOT_ALLOWED
    assert room.refuses(c.ChangePrivacy(private=True), BEN).reason is Reason.NOT_ALLOWED
    room.does(c.MergeIncident(into="INC-0000"), BEN)
    assert (room.state.status, room.state.merged_into) == (Status.MERGED, "INC-0000")


def test_merging():
    room = CoreRoom.declared()
    assert room.refuses(c.MergeIncident(into=ID), CHIEF).reason is Reason.INVALID
    assert room.refuses(c.AbsorbIncident(other=ID), CHIEF).reason is Reason.INVALID
    room.does(c.AbsorbIncident(other="INC-0000"), CHIEF)
    assert room.does(c.AbsorbIncident(other="INC-0000"), CHIEF) == []
    assert room.state.absorbed == ("INC-0000",)
    assert room.refuses(c.MergeIncident(into="INC-0000"), CHIEF).reason is Reason.CONFLICT
    room.does(c.MergeIncident(into="INC-1111", reason="the same"), CHIEF)
    assert room.refuses(c.MergeIncident(into="INC-2222"), CHIEF).reason is Reason.OVER
    room.does(c.ReopenIncident(reason="it is another one"), CHIEF)
    assert room.state.merged_into == ""


@pytest.mark.parametrize("over", ["closed", "declined", "merged"])
def test_after_the_end_the_record_goes_on_and_the_response_does_not(over):
    room = CoreRoom.declared(triage=over == "declined")
    room.does(c.AttachAlert(alert=ALERT))
    room.does(c.AddTask(title="before"))
    if over == "closed":
        room.does(c.ChangeStatus(status="resolved"))
        room.does(c.ChangeStatus(status="closed"))
    elif over == "declined":
        room.does(c.DeclineIncident(reason="no"))
    else:
        room.does(c.MergeIncident(into="INC-0000"), CHIEF)
    assert room.state.status == over
    for command in (
        c.AddNote(text="x"),
        c.PostChat(text="x"),
        c.CorrectEntry(entry=1, text="better"),
        c.PinEntry(entry=1),
        c.UnpinEntry(entry=1),
        c.AddTask(title="later", follow_up=True),
        c.FinishTask(task=1),
        c.AddLink(title="x", url="https://example.test"),
        c.CountImpact(counter="customers", value=3),
        c.CorrectMilestone(milestone="detected_at", at=START),
        c.ResolveAlert(fingerprint="f1"),
        c.RedactEntry(entry=room.state.seq + 1, reason="x"),
    ):
        room.does(command, CHIEF)
    for command in (
        c.AddTask(title="work"),
        c.ChangeSeverity(severity="SEV1"),
        c.ChangeStatus(status="identified"),
        c.AssignRole(duty="sme", who="ben"),
        c.TakeCommand(),
        c.AttachAlert(alert={**ALERT, "fingerprint": "f2"}),
        c.PublishUpdate(text="x"),
        c.ProposeHypothesis(text="x"),
    ):
        assert room.refuses(command, CHIEF).reason is Reason.OVER
    room.does(c.ReopenIncident(reason="more to do"), CHIEF)


def test_texts_and_services_repeat_without_a_trace():
    room = CoreRoom.declared(services=("db", "api", "db"))
    assert room.state.services == ("db", "api")
    assert room.does(c.ChangeServices(services=("db", "api", "db"))) == []
    assert room.does(c.ChangeServices(services=("api",))) == ["services-changed"]
    assert room.does(c.ChangeTitle(title="Checkout fails")) == []
    room.does(c.ChangeTitle(title="Checkout fails for one in five"))
    room.does(c.ChangeSummary(summary="The cache is cold."))
    assert room.does(c.ChangeSummary(summary="The cache is cold.")) == []
    assert (room.state.title, room.state.summary) == ("Checkout fails for one in five", "The cache is cold.")
    assert room.state.sources["summary"] == room.state.seq


def test_an_observer_cannot_lead_whatever_the_duty():
    watcher = person("watcher", Access.OBSERVER)
    room = CoreRoom.declared()
    room.does(c.AssignRole(duty="incident_commander", who="watcher"), JANA)
    assert room.refuses(c.ChangeSeverity(severity="SEV1"), watcher).reason is Reason.NOT_ALLOWED
    assert room.refuses(c.AddNote(text="x"), watcher).reason is Reason.NOT_ALLOWED
