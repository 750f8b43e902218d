"""decide: what a command leads to, or why not. Every rule stands behind this one function, authorisation included.

Invariant: pure and total. It reads no clock, and whoever may not see an incident cannot tell it from none.
"""

from __future__ import annotations

from datetime import datetime

from warroom.incident import commands as c
from warroom.incident.rules import duties, exercise, lifecycle, redaction, signals, words, work
from warroom.incident.rules.rule import Ask, Need, Rule, lacking
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Reason, Refusal, Verdict
from warroom.incident.words import Access

DECLARE_SCOPE = "declare"
"""The scope that lets a scoped token declare."""

RULES: dict[type[c.Command], tuple[Need, Rule]] = {
    c.DeclareIncident: (Need.WORK, lifecycle.declare),
    **lifecycle.RULES,
    **duties.RULES,
    **words.RULES,
    **redaction.RULES,
    **work.RULES,
    **signals.RULES,
    **exercise.RULES,
}

AFTER_THE_END = frozenset(
    {
        c.ReopenIncident, c.CorrectMilestone, c.AddNote, c.PostChat, c.CorrectEntry, c.PinEntry, c.UnpinEntry,
        c.RedactEntry, c.AddTask, c.AssignTask, c.AcknowledgeTask, c.FinishTask, c.DropTask, c.AddLink, c.CountImpact,
        c.DescribeImpact, c.PinEvidence, c.ResolveAlert, c.ChangePrivacy, c.AddMember, c.RemoveMember, c.AbsorbIncident,
        c.ReleaseRole, c.ChangeSummary, c.DeliverInject, c.ReturnPerson, c.SetPace, c.FinishAction, c.MarkExercise,
        c.RevealTruth, c.StopExercise,
    }
)  # fmt: skip
"""What is still possible when an incident is closed, declined or merged: the record goes on, the response does not."""


def decide(state: IncidentState, command: c.Command, actor: Actor, at: datetime) -> Verdict:
    """The events that `command` by `actor` at `at` leads to (none: it is so already), or the refusal.

    To declare, `state` is `IncidentState()` or one with nothing but its id.
    """
    ask = Ask(state, actor, at)
    need, rule = RULES[type(command)]
    if isinstance(command, c.DeclareIncident):
        if actor.scopes and DECLARE_SCOPE not in actor.scopes:
            return Refusal(Reason.NOT_ALLOWED, "this token may not declare incidents")
        return lacking(ask, need) or rule(ask, command)
    if not may_see(state, actor):
        return Refusal(
            Reason.NOT_FOUND, f"there is no incident {state.id}" if state.id else "there is no such incident"
        )
    if state.opaque:
        return Refusal(
            Reason.UNREADABLE,
            f"{state.id} holds events that only a newer version of warroom understands, so it cannot be changed here",
        )
    refusal = lacking(ask, need) or exercise.withheld(ask, command)
    if refusal is not None:
        return refusal
    if state.status.is_over and type(command) not in AFTER_THE_END:
        return Refusal(Reason.OVER, f"{state.id} is {state.status}; reopen it first")
    return rule(ask, command)


def may_see(state: IncidentState, actor: Actor) -> bool:
    """Whether `actor` may know that this incident is there. Private ones are for their members, whoever holds a duty
    in them or is offered command, and commander access; a token's scopes bound it whatever its access."""
    if not state.seq or (actor.scopes and state.id not in actor.scopes):
        return False
    if not state.private or actor.access.covers(Access.COMMANDER):
        return True
    offered = state.offer is not None and state.offer.to == actor.name
    return offered or actor.name in state.members or bool(state.duties_of(actor.name))
