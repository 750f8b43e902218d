"""Rules of the duties and of who may see: never two commanders, never a silent gap, private means private."""

from __future__ import annotations

from warroom.incident import commands as c
from warroom.incident import events as e
from warroom.incident.rules.rule import (
    ALREADY,
    Ask,
    Need,
    Rule,
    commands,
    conflict,
    events,
    invalid,
    known_as,
    leads,
    limit,
    refuse,
)
from warroom.incident.verdict import Reason, Verdict
from warroom.incident.words import Access, Duty

MOST_HOLDINGS = 100
MOST_MEMBERS = 200


def _assign(ask: Ask, command: c.AssignRole) -> Verdict:
    state, duty, who, me = ask.state, command.duty, known_as(ask, command.who), ask.actor.name
    if duty in state.duties_of(who):
        return ALREADY
    holder = "" if duty.is_shared else state.holder(duty)
    if duty is Duty.INCIDENT_COMMANDER and holder:
        return conflict(f"{holder} has command: it is offered and accepted, or taken")
    if not (leads(ask) or holder == me or (who == me and not holder)):
        return refuse(Reason.NOT_ALLOWED, f"{state.commander} gives duties to others, or whoever has commander access")
    if len(state.roles) >= MOST_HOLDINGS:
        return limit("duties held", MOST_HOLDINGS)
    if holder:
        return events(e.RoleHandedOver(duty=duty, giver=holder, taker=who))
    return events(e.RoleAssigned(duty=duty, who=who))


def _release(ask: Ask, command: c.ReleaseRole) -> Verdict:
    state, duty, who = ask.state, command.duty, known_as(ask, command.who)
    if duty not in state.duties_of(who):
        return ALREADY
    if who != ask.actor.name and not leads(ask):
        return refuse(Reason.NOT_ALLOWED, f"{who} gives this duty back, or {state.commander}, or commander access")
    if duty is Duty.INCIDENT_COMMANDER and state.status.is_live:
        return conflict("command is never dropped while the incident is live: offer it to somebody")
    return events(e.RoleReleased(duty=duty, who=who))


def _offer(ask: Ask, command: c.OfferCommand) -> Verdict:
    state = ask.state
    if state.commander != ask.actor.name:
        holder = f"{state.commander} has command" if state.commander else "nobody has command: take it"
        return conflict(f"only the incident commander offers command; {holder}")
    to = known_as(ask, command.to)
    if to == ask.actor.name:
        return invalid("command cannot be offered to oneself")
    if state.offer is not None:
        return conflict(f"command is offered to {state.offer.to} already; withdraw that first")
    return events(e.CommandOffered(to=to, brief=command.brief))


def _accept(ask: Ask, _: c.AcceptCommand) -> Verdict:
    state, me = ask.state, ask.actor.name
    offer = state.offer
    if offer is None:
        return ALREADY if state.commander == me else conflict("command is not on offer")
    if offer.to != me:
        return refuse(Reason.NOT_ALLOWED, f"command is offered to {offer.to}")
    if state.commander != offer.giver:
        return conflict(f"{offer.giver}, who offered command, no longer has it")
    return events(e.RoleHandedOver(duty=Duty.INCIDENT_COMMANDER, giver=offer.giver, taker=me, brief=offer.brief))


def _end_offer(ask: Ask, command: c.EndCommandOffer) -> Verdict:
    offer = ask.state.offer
    if offer is None:
        return ALREADY
    if ask.actor.name != offer.to and not commands(ask):
        return refuse(Reason.NOT_ALLOWED, f"{offer.to} declines it, or {offer.giver} withdraws it")
    return events(e.CommandOfferEnded(to=offer.to, reason=command.reason))


def _take(ask: Ask, command: c.TakeCommand) -> Verdict:
    holder, me = ask.state.commander, ask.actor.name
    if holder == me:
        return ALREADY
    if not holder:
        return events(e.RoleAssigned(duty=Duty.INCIDENT_COMMANDER, who=me))
    if not ask.actor.access.covers(Access.COMMANDER):
        return refuse(Reason.NOT_ALLOWED, f"{holder} has command; taking it over needs commander access")
    if not command.reason:
        return invalid(f"{holder} has command; say why it is taken over")
    return events(
        e.RoleHandedOver(duty=Duty.INCIDENT_COMMANDER, giver=holder, taker=me, brief=command.reason, forced=True)
    )


def _privacy(ask: Ask, command: c.ChangePrivacy) -> Verdict:
    state = ask.state
    members = tuple(dict.fromkeys(command.members)) if command.private else ()
    if command.private == state.private and state.members.issuperset(members):
        return ALREADY
    if len(state.members.union(members, {ask.actor.name})) > MOST_MEMBERS:
        return limit("members", MOST_MEMBERS)
    return events(e.PrivacyChanged(private=command.private, members=members, reason=command.reason))


def _add_member(ask: Ask, command: c.AddMember) -> Verdict:
    who = known_as(ask, command.who)
    if who in ask.state.members:
        return ALREADY
    if len(ask.state.members) >= MOST_MEMBERS:
        return limit("members", MOST_MEMBERS)
    return events(e.MemberAdded(who=who))


def _remove_member(ask: Ask, command: c.RemoveMember) -> Verdict:
    for who in (command.who, known_as(ask, command.who)):
        if who in ask.state.members:
            return events(e.MemberRemoved(who=who))
    return ALREADY


RULES: dict[type[c.Command], tuple[Need, Rule]] = {
    c.AssignRole: (Need.WORK, _assign),
    c.ReleaseRole: (Need.WORK, _release),
    c.OfferCommand: (Need.WORK, _offer),
    c.AcceptCommand: (Need.WORK, _accept),
    c.EndCommandOffer: (Need.WORK, _end_offer),
    c.TakeCommand: (Need.WORK, _take),
    c.ChangePrivacy: (Need.GUARD, _privacy),
    c.AddMember: (Need.GUARD, _add_member),
    c.RemoveMember: (Need.GUARD, _remove_member),
}
