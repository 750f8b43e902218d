"""Duties and command: offered, briefed, accepted; and the ways it must not change hands."""

from __future__ import annotations

import pytest

from tests.incident.core_room import BEN, CHIEF, JANA, MEI, CoreRoom
from warroom.incident import commands as c
from warroom.incident.verdict import Reason
from warroom.incident.words import Duty

IC = Duty.INCIDENT_COMMANDER


def led() -> CoreRoom:
    room = CoreRoom.declared()
    room.does(c.TakeCommand(), JANA)
    return room


def test_command_is_offered_with_a_brief_and_accepted():
    room = led()
    room.does(c.OfferCommand(to="ben", brief="We roll back; next update at half past."), JANA)
    assert room.state.commander == "jana"
    assert room.state.offer is not None
    assert room.refuses(c.AcceptCommand(), MEI).reason is Reason.NOT_ALLOWED
    assert room.does(c.AcceptCommand(), BEN) == ["role-handed-over"]
    handed_at = room.at
    assert (room.state.commander, room.state.offer) == ("ben", None)
    assert room.does(c.AcceptCommand(), BEN) == []
    (ended,) = room.state.past_roles
    assert (ended.who, ended.until) == ("jana", handed_at)
    assert "We roll back" in room.state.timeline[-1].text


def test_one_offer_at_a_time_and_it_can_be_declined_or_withdrawn():
    room = led()
    room.does(c.OfferCommand(to="ben", brief="x"), JANA)
    assert "ben" in room.refuses(c.OfferCommand(to="mei", brief="x"), JANA).words
    assert room.refuses(c.EndCommandOffer(), MEI).reason is Reason.NOT_ALLOWED
    room.does(c.EndCommandOffer(reason="in a train"), BEN)
    assert room.refuses(c.AcceptCommand(), BEN).reason is Reason.CONFLICT
    room.does(c.OfferCommand(to="mei", brief="x"), JANA)
    room.does(c.EndCommandOffer(), JANA)
    assert room.does(c.EndCommandOffer(), JANA) == []


def test_who_may_offer_and_to_whom():
    room = CoreRoom.declared()
    assert "nobody has command" in room.refuses(c.OfferCommand(to="ben", brief="x"), JANA).words
    room.does(c.TakeCommand(), JANA)
    assert room.refuses(c.OfferCommand(to="jana", brief="x"), JANA).reason is Reason.INVALID
    assert "jana has command" in room.refuses(c.OfferCommand(to="mei", brief="x"), CHIEF).words


def test_an_offer_is_void_when_the_giver_has_lost_command():
    room = led()
    room.does(c.OfferCommand(to="ben", brief="x"), JANA)
    room.does(c.TakeCommand(reason="jana does not answer"), CHIEF)
    assert room.state.offer is None
    assert room.refuses(c.AcceptCommand(), BEN).reason is Reason.CONFLICT
    assert room.state.commander == "chief"


def test_taking_command():
    room = CoreRoom.declared()
    room.does(c.TakeCommand(), BEN)
    assert room.does(c.TakeCommand(), BEN) == []
    assert room.refuses(c.TakeCommand(reason="I know better"), MEI).reason is Reason.NOT_ALLOWED
    assert room.refuses(c.TakeCommand(), CHIEF).reason is Reason.INVALID
    room.does(c.TakeCommand(reason="ben does not answer"), CHIEF)
    assert "taken by chief from ben: ben does not answer" in room.state.timeline[-1].text


def test_command_is_not_assigned_over_somebody_nor_dropped_while_live():
    room = led()
    assert room.refuses(c.AssignRole(duty=IC, who="ben"), CHIEF).reason is Reason.CONFLICT
    assert room.refuses(c.ReleaseRole(duty=IC, who="jana"), JANA).reason is Reason.CONFLICT
    assert room.does(c.AssignRole(duty=IC, who="jana"), JANA) == []
    room.does(c.ChangeStatus(status="resolved"), JANA)
    room.does(c.ReleaseRole(duty=IC, who="jana"), JANA)
    assert room.state.commander == ""
    room.does(c.ReopenIncident(reason="it is back"), BEN)
    assert room.state.commander == ""
    room.does(c.AssignRole(duty=IC, who="mei"), BEN)
    assert room.state.commander == "mei"


def test_resolving_ends_an_open_offer():
    room = led()
    room.does(c.OfferCommand(to="ben", brief="x"), JANA)
    room.does(c.ChangeStatus(status="resolved"), JANA)
    assert room.state.offer is None


def test_a_duty_passes_on_when_given_to_another():
    room = led()
    room.does(c.AssignRole(duty="scribe", who="ben"), JANA)
    assert room.does(c.AssignRole(duty="scribe", who="mei"), JANA) == ["role-handed-over"]
    assert room.state.holder(Duty.SCRIBE) == "mei"
    assert room.does(c.AssignRole(duty="scribe", who="ben"), MEI) == ["role-handed-over"]


def test_shared_duties_have_several_holders_in_the_order_of_duties():
    room = led()
    for who in ("ben", "mei"):
        room.does(c.AssignRole(duty="sme", who=who), JANA)
    room.does(c.AssignRole(duty="deputy", who="mei"), JANA)
    assert [(held.duty, held.who) for held in room.state.roles] == [
        (IC, "jana"), (Duty.DEPUTY, "mei"), (Duty.SME, "ben"), (Duty.SME, "mei"),
    ]  # fmt: skip
    room.does(c.ReleaseRole(duty="sme", who="ben"), BEN)
    assert room.state.duties_of("ben") == ()
    assert room.does(c.ReleaseRole(duty="sme", who="ben"), BEN) == []


def test_what_a_responder_may_do_with_duties_while_another_leads():
    room = led()
    room.does(c.AssignRole(duty="scribe", who="ben"), BEN)
    assert room.refuses(c.AssignRole(duty="scribe", who="mei"), MEI).reason is Reason.NOT_ALLOWED
    assert room.refuses(c.AssignRole(duty="deputy", who="mei"), BEN).reason is Reason.NOT_ALLOWED
    assert room.refuses(c.ReleaseRole(duty="scribe", who="ben"), MEI).reason is Reason.NOT_ALLOWED
    room.does(c.ReleaseRole(duty="scribe", who="ben"), JANA)


@pytest.mark.parametrize("private", [True, False])
def test_privacy_repeats_without_a_trace(private):
    room = CoreRoom.declared(private=private)
    assert room.does(c.ChangePrivacy(private=private), CHIEF) == []
    assert room.does(c.ChangePrivacy(private=not private, members=("ben",)), CHIEF) == ["privacy-changed"]
    if not private:
        assert room.state.members == {"ben", "chief"}
        assert room.does(c.AddMember(who="ben"), CHIEF) == []
        assert room.does(c.RemoveMember(who="mei"), CHIEF) == []


def test_members_are_bounded():
    room = CoreRoom.declared(private=True)
    for batch in range(2):
        room.does(c.ChangePrivacy(private=True, members=[f"p{batch}-{i}" for i in range(99)]), CHIEF)
    assert len(room.state.members) == 200
    assert room.refuses(c.AddMember(who="too many"), CHIEF).reason is Reason.LIMIT
    assert room.refuses(c.ChangePrivacy(private=True, members=("too many",)), CHIEF).reason is Reason.LIMIT


def test_people_are_known_by_the_name_they_act_under():
    room = led()
    room.does(c.AddNote(text="here"), BEN)
    room.does(c.OfferCommand(to="Ben", brief="x"), JANA)
    room.does(c.AcceptCommand(), BEN)
    room.does(c.AssignRole(duty="scribe", who="JANA"), BEN)
    assert room.does(c.AssignRole(duty="scribe", who="Jana"), BEN) == []
    room.does(c.AddTask(title="x", assignee="BEN"), JANA)
    assert (room.state.commander, room.state.holder(Duty.SCRIBE), room.state.tasks[0].assignee) == (
        "ben",
        "jana",
        "ben",
    )
    assert room.refuses(c.OfferCommand(to="BEN", brief="x"), BEN).reason is Reason.INVALID
    room.does(c.AssignRole(duty="sme", who="Newcomer"), BEN)
    assert room.state.holder(Duty.SME) == "Newcomer"


def test_whoever_is_offered_command_of_a_private_incident_can_accept_it():
    room = CoreRoom.declared(private=True)
    room.does(c.TakeCommand(), JANA)
    assert room.refuses(c.AcceptCommand(), BEN).reason is Reason.NOT_FOUND
    room.does(c.OfferCommand(to="ben", brief="x"), JANA)
    room.does(c.AcceptCommand(), BEN)
    assert room.state.commander == "ben"
