"""What of an exercise asks for this very person: an approval, a word in private, an action of theirs that is over."""

from __future__ import annotations

from collections.abc import Iterable

from warroom.client.view import RoomView
from warroom.incident.folds.change import at_number
from warroom.incident.state import Entry, IncidentState
from warroom.tui.exercise import mail
from warroom.tui.exercise.forms import duty_word

EXERCISE_CALLS = frozenset({
    "action-requested", "action-finished", "action-rejected", "inject-delivered", "hint-asked", "exercise-stopped",
})  # fmt: skip


def exercise_call(entry: Entry, state: IncidentState, me: str) -> str:
    """The sentence for this person, empty when it does not concern them."""
    exercise = state.exercise
    if exercise is None:
        return ""
    hosting = me in exercise.hosts
    if entry.kind == "exercise-stopped":
        return f"EXERCISE: {entry.words}"
    if entry.kind == "hint-asked":
        return f"{entry.actor} asks for a hint" if hosting else ""
    if entry.kind == "inject-delivered":
        if hosting or not mail.is_private(entry) or not mail.is_for(entry, state, me):
            return ""
        sender = entry.text.partition(" spoke to ")[0]
        return f"{sender} has a word for you in private; I opens the inbox"
    action = at_number(state.actions, entry.ref or 0)
    if action is None:
        return ""
    if entry.kind == "action-requested":
        duties = {duty.value for duty in state.duties_of(me)}
        if action.status != "requested" or action.approval not in duties:
            return ""
        return f"{entry.actor} asks for {action.title!r}: you approve, as {duty_word(action.approval).lower()} (X)"
    return entry.words if action.requested_by == me else ""


class Calls:
    """Follows every exercise that is; what is there when somebody comes is no news."""

    def __init__(self) -> None:
        self._heard: dict[str, int] = {}

    def take(self, rooms: Iterable[RoomView], me: str) -> list[str]:
        """What is new to this person, a sentence each; never what they did themselves."""
        found = []
        for room in rooms:
            state = room.state
            if state.exercise is None or not room.caught_up:
                continue
            heard = self._heard.get(state.id, state.seq)
            self._heard[state.id] = state.seq
            for seq in range(heard + 1, state.seq + 1):
                entry = state.entry(seq)
                if entry is not None and entry.actor != me and entry.kind in EXERCISE_CALLS:
                    found.append(exercise_call(entry, state, me))
        return [words for words in found if words]
