"""Each measure with its formula, its milestones and the entries behind it; a reason where there is no number."""

from __future__ import annotations

from datetime import timedelta

from tests.incident.core_room import START, CoreRoom
from warroom.incident import commands as c
from warroom.incident.measures import measures, time_per_severity, time_per_status
from warroom.incident.words import Severity, Status


def by_name(room: CoreRoom):
    return {measure.name: measure for measure in measures(room.state)}


def test_the_four_measures():
    room = CoreRoom()
    began, detected = START - timedelta(minutes=20), START - timedelta(minutes=5)
    room.does(c.DeclareIncident(title="x", triage=True, impact_started_at=began, detected_at=detected))
    room.does(c.AcknowledgeIncident(), after=60)
    acknowledged = room.at
    room.does(c.ChangeStatus(status="monitoring"), after=60)
    mitigated = room.at
    room.does(c.ChangeStatus(status="resolved"), after=60)
    found = by_name(room)
    assert {name: m.formula for name, m in found.items()} == {
        "MTTD": "MTTD = detected - impact_started",
        "MTTA": "MTTA = acknowledged - detected",
        "MTTM": "MTTM = mitigated - detected",
        "MTTR": "MTTR = resolved - impact_started",
    }
    assert found["MTTD"].value == timedelta(minutes=15)
    assert found["MTTA"].value == acknowledged - detected
    assert found["MTTM"].value == mitigated - detected
    assert found["MTTR"].value == room.at - began
    assert found["MTTD"].seqs == (1,)
    assert found["MTTA"].seqs == (1, 2)
    assert found["MTTR"].seqs == (1, room.state.seq)
    assert not any(m.reason or m.corrected for m in found.values())


def test_no_number_without_its_milestones():
    room = CoreRoom.declared(triage=True)
    found = by_name(room)
    assert all(measure.value is None for measure in found.values())
    assert found["MTTD"].reason == "not known when the impact started"
    assert found["MTTA"].reason == "not known when it was acknowledged"
    assert found["MTTR"].reason == "not known when the impact started, nor when it was resolved"
    assert found["MTTA"].seqs == (1,)


def test_no_negative_number_and_a_correction_is_told():
    room = CoreRoom.declared()
    room.does(c.ChangeStatus(status="resolved"))
    room.does(c.CorrectMilestone(milestone="impact_started_at", at=room.at))
    measure = by_name(room)["MTTD"]
    assert (measure.value, measure.corrected) == (None, True)
    assert measure.reason == "detected lies before impact_started; correct one of the two"
    room.does(c.CorrectMilestone(milestone="impact_started_at", at=START))
    assert by_name(room)["MTTD"].value == timedelta(seconds=1)
    assert by_name(room)["MTTD"].seqs == (room.state.seq, 1)


def test_time_spent():
    room = CoreRoom.declared(severity="SEV3")
    room.does(c.ChangeSeverity(severity="SEV1"), after=60)
    room.does(c.ChangeSeverity(severity="SEV3"), after=120)
    now = room.at + timedelta(seconds=30)
    assert time_per_severity(room.state, now) == {
        Severity.SEV3: timedelta(seconds=90),
        Severity.SEV1: timedelta(seconds=120),
    }
    room.does(c.ChangeStatus(status="resolved"), after=30)
    later = room.at + timedelta(days=1)
    assert time_per_severity(room.state, later)[Severity.SEV3] == timedelta(seconds=90)
    assert time_per_status(room.state, later) == {Status.INVESTIGATING: timedelta(seconds=210)}
