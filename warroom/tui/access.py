"""Whether a person may try an action at all, told before a command is sent that is sure to be refused.

Invariant: bars only what the server would refuse for certain; in doubt the command goes out and the server answers.
"""

from __future__ import annotations

from warroom.incident.state import IncidentState
from warroom.incident.words import Access
from warroom.tui.actions import Action


def barred(action: Action, access: str, me: str, state: IncidentState | None = None) -> str:
    """Why this person may not, in words; empty when they may try, or while their access is not known yet."""
    if access not in set(Access):
        return ""
    no = _not_here(action, me, state)
    if no:
        return no
    have, need = Access(access), Access(action.access)
    if have.covers(need):
        return ""
    if need is Access.COMMANDER and have.covers(Access.RESPONDER):
        leader = "" if state is None else state.commander
        if leader in ("", me):
            return ""
        return f"{action.title}: this is for the incident commander ({leader}) or commander access; yours is {have}"
    return f"{action.title}: this needs {need} access; yours is {have}"


_OF_EXERCISES = frozenset({"pane.open-actions", "pane.open-inbox", "pane.open-control", "app.stop-exercise"})


def _not_here(action: Action, me: str, state: IncidentState | None) -> str:
    """What only an exercise has, where there is none; and what is for its hosts alone."""
    if state is None or not (action.id in _OF_EXERCISES or action.id.startswith("exercise.")):
        return ""
    if state.exercise is None:
        return f"{action.title}: {state.id} is no exercise"
    if action.id == "pane.open-control" and me not in state.exercise.hosts:
        return f"{action.title}: this is for those who host the exercise ({', '.join(state.exercise.hosts)})"
    return ""
