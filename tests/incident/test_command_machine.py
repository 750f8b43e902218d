"""Never two commanders, never a silent gap: over any sequence of commands by several people."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.incident.core_room import BEN, CHIEF, JANA, MEI, WATCHER, CoreRoom
from warroom.incident import commands as c
from warroom.incident.state import Actor
from warroom.incident.verdict import Refusal
from warroom.incident.words import Duty, Status

PEOPLE = (JANA, BEN, MEI, CHIEF, WATCHER)
people = st.sampled_from(PEOPLE)
IC = Duty.INCIDENT_COMMANDER


class CommandOfTheIncident(RuleBasedStateMachine):
    """`led` remembers who had command after the step before."""

    def __init__(self) -> None:
        super().__init__()
        self.room = CoreRoom()
        self.led = ""
        self.was_live = True
        self.tag = ""

    def _say(self, command: c.Command, actor: Actor) -> None:
        self.led = self.room.state.commander
        self.was_live = self.room.state.status.is_live
        self.tag = command.TAG
        verdict = self.room.say(command, actor)
        if actor is WATCHER:
            assert isinstance(verdict, Refusal)

    @initialize(triage=st.booleans())
    def declare(self, triage: bool) -> None:
        self._say(c.DeclareIncident(title="Checkout fails", triage=triage), JANA)

    @rule(actor=people, who=people, duty=st.sampled_from((IC, Duty.SCRIBE, Duty.SME)))
    def assign(self, actor: Actor, who: Actor, duty: Duty) -> None:
        self._say(c.AssignRole(duty=duty, who=who.name), actor)

    @rule(actor=people, who=people, duty=st.sampled_from((IC, Duty.SCRIBE, Duty.SME)))
    def release(self, actor: Actor, who: Actor, duty: Duty) -> None:
        self._say(c.ReleaseRole(duty=duty, who=who.name), actor)

    @rule(actor=people, to=people)
    def offer(self, actor: Actor, to: Actor) -> None:
        self._say(c.OfferCommand(to=to.name, brief="all quiet"), actor)

    @rule(actor=people)
    def accept(self, actor: Actor) -> None:
        offered = self.room.state.offer
        self._say(c.AcceptCommand(), actor)
        if self.led != self.room.state.commander:
            assert offered is not None
            assert offered.to == actor.name == self.room.state.commander
            assert offered.giver == self.led

    @rule(actor=people)
    def end_offer(self, actor: Actor) -> None:
        self._say(c.EndCommandOffer(), actor)

    @rule(actor=people, reason=st.sampled_from(("", "does not answer")))
    def take(self, actor: Actor, reason: str) -> None:
        self._say(c.TakeCommand(reason=reason), actor)
        if self.led and self.led != self.room.state.commander:
            assert actor is CHIEF
            assert reason

    @rule(actor=people, status=st.sampled_from(Status))
    def move(self, actor: Actor, status: Status) -> None:
        self._say(c.ChangeStatus(status=status), actor)

    @rule(actor=people)
    def reopen(self, actor: Actor) -> None:
        self._say(c.ReopenIncident(reason="it is back"), actor)

    @rule(actor=people)
    def decline(self, actor: Actor) -> None:
        self._say(c.DeclineIncident(reason="a false alarm"), actor)

    @invariant()
    def one_commander_at_most(self) -> None:
        roles = self.room.state.roles
        for duty in Duty:
            holders = [held.who for held in roles if held.duty is duty]
            assert len(holders) == len(set(holders))
            assert duty.is_shared or len(holders) <= 1

    @invariant()
    def no_silent_gap(self) -> None:
        now = self.room.state.commander
        if self.led and not now:
            assert self.tag == "release-role"
            assert not self.was_live
        if self.led and now and self.led != now:
            assert self.tag in {"accept-command", "take-command"}
            assert self.room.log[-1].tag == "role-handed-over"

    @invariant()
    def an_offer_is_the_commanders(self) -> None:
        offer = self.room.state.offer
        if offer is not None:
            assert offer.giver == self.room.state.commander
            assert offer.to != offer.giver
            assert not self.room.state.status.is_over

    @invariant()
    def tenures_do_not_overlap(self) -> None:
        tenures = [h for h in (*self.room.state.past_roles, *self.room.state.roles) if h.duty is IC]
        for earlier, later in pairwise(tenures):
            assert earlier.until is not None
            assert earlier.until <= later.since


CommandOfTheIncident.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestCommandOfTheIncident = CommandOfTheIncident.TestCase
