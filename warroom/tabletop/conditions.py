"""What the conditions of a scenario are asked against: the imaginary production, and what the room's log says.

Invariant: a fact at second n rests on what was recorded before n, so that the drill and a replay of its log agree.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from warroom.incident.state import Entry, IncidentState
from warroom.incident.words import Duty
from warroom.tabletop.happenings import Happenings
from warroom.tabletop.model import Scenario
from warroom.tabletop.truth import names_truth
from warroom.tabletop.vocabulary import OUTSIDE

_PLAIN: Mapping[str, str] = {
    "incident-accepted": "incident.declared", "incident-declined": "incident.declined",
    "incident-acknowledged": "incident.acknowledged", "incident-reopened": "incident.reopened",
    "note-added": "note.added", "chat-posted": "chat.posted", "hypothesis-proposed": "hypothesis.proposed",
    "hypothesis-supported": "hypothesis.supported", "hypothesis-refuted": "hypothesis.refuted",
    "hypothesis-confirmed": "hypothesis.confirmed", "decision-opened": "decision.opened",
    "decision-taken": "decision.taken", "task-finished": "task.finished", "impact-described": "impact.described",
    "playbook-attached": "playbook.attached", "hint-asked": "hint.asked",
}  # fmt: skip
_ACTION: Mapping[str, str] = {
    "action-requested": "requested", "action-approved": "approved", "action-rejected": "rejected",
    "action-started": "started",
}  # fmt: skip


class LogFacts(Protocol):
    """What a log says, as of the last look."""

    @property
    def players(self) -> int: ...
    @property
    def hints(self) -> float: ...

    def happened(self, name: str, arguments: tuple[str, ...]) -> Sequence[int]: ...
    def action_state(self, action: str) -> str: ...
    def delivered(self, inject: str) -> bool: ...
    def holds_duty(self, duty: str) -> bool: ...


class NoLog:
    """A log in which nobody did anything."""

    players: int = 2
    hints: float = 0.0

    def happened(self, name: str, arguments: tuple[str, ...]) -> Sequence[int]:  # noqa: ARG002
        """Nothing did."""
        return ()

    def action_state(self, action: str) -> str:  # noqa: ARG002
        """Not said."""
        return ""

    def delivered(self, inject: str) -> bool:  # noqa: ARG002
        """Nothing was."""
        return False

    def holds_duty(self, duty: str) -> bool:  # noqa: ARG002
        """Nobody does."""
        return False


class RecordLog:
    """A log that is over, told up to the second it is asked about. The replay of a score stands on it."""

    players: int = 2
    hints: float = 0.0

    def __init__(self, happenings: Happenings) -> None:
        self._happenings = happenings
        self.second = 0

    def happened(self, name: str, arguments: tuple[str, ...]) -> Sequence[int]:
        """The seconds at which it happened, before the present one."""
        seconds = self._happenings.seconds(name, arguments)
        return seconds[: bisect_left(seconds, self.second)]

    def action_state(self, action: str) -> str:
        """What became of an action last."""
        words = ("requested", "approved", "rejected", "started", "done", "failed", "cancelled")
        last = [(seconds[-1], place, word) for place, word in enumerate(words)
                if (seconds := self.happened(f"action.{word}", (action,)))]  # fmt: skip
        if not last:
            return "idle"
        word = max(last)[2]
        return "running" if word == "started" else word

    def delivered(self, inject: str) -> bool:
        """Whether an inject reached the players."""
        return bool(self.happened("inject.delivered", (inject,)))

    def holds_duty(self, duty: str) -> bool:
        """Whether somebody held it."""
        taken = self.happened("role.assigned", (duty,))
        given = self.happened("role.released", (duty,))
        return bool(taken) and (not given or given[-1] < taken[-1])


class RoomLog:
    """The log of a running room, read from its state look by look."""

    def __init__(self, scenario: Scenario, started_at: datetime) -> None:
        self._scenario = scenario
        self._started_at = started_at
        self._seconds: dict[str, dict[str, list[int]]] = {}
        self._state = IncidentState()
        self.present: int | None = None

    def update(self, state: IncidentState) -> None:
        """Take in what was recorded since the last look."""
        before, self._state = self._state, state
        for seq in range(before.seq + 1, state.seq + 1):
            entry = state.entry(seq)
            if entry is not None:
                for name, argument in self._told(before, state, entry):
                    self._add(name, argument, self._second(entry.recorded_at))

    @property
    def players(self) -> int:
        """Who plays: as the live runner counts them, else those who said something."""
        if self.present is not None:
            return self.present
        exercise = self._state.exercise
        hosts = set(exercise.hosts) if exercise else set()
        return max(2, len(set(self._state.participants) - hosts - (exercise.withheld if exercise else frozenset())))

    @property
    def hints(self) -> float:
        """What hints cost so far."""
        return self._state.exercise.hints if self._state.exercise else 0.0

    def happened(self, name: str, arguments: tuple[str, ...]) -> Sequence[int]:
        """The seconds at which it happened, ascending."""
        told = self._seconds.get(name, {})
        wanted = arguments or tuple(told)
        return sorted(second for argument in wanted for second in told.get(argument, ()))

    def action_state(self, action: str) -> str:
        """What became of the last time that an action was asked for."""
        for asked in reversed(self._state.actions):
            if asked.action == action:
                return asked.status
        return "idle"

    def delivered(self, inject: str) -> bool:
        """Whether an inject reached the players."""
        return self._state.exercise is not None and inject in self._state.exercise.injects

    def holds_duty(self, duty: str) -> bool:
        """Whether somebody holds it who is in reach."""
        holder = self._state.holder(Duty(duty))
        withheld = self._state.exercise.withheld if self._state.exercise else frozenset()
        return bool(holder) and holder not in withheld

    def _second(self, moment: datetime) -> int:
        return int((moment - self._started_at).total_seconds())

    def _add(self, name: str, argument: str, second: int) -> None:
        self._seconds.setdefault(name, {}).setdefault(argument, []).append(second)

    def _told(self, before: IncidentState, state: IncidentState, entry: Entry) -> Iterable[tuple[str, str]]:
        """What one entry means in the words of conditions."""
        kind = entry.kind
        if kind in _PLAIN:
            yield _PLAIN[kind], ""
            proposed = state.hypotheses[entry.ref - 1].text if kind == "hypothesis-proposed" and entry.ref else ""
            if proposed and names_truth(proposed, self._scenario.sealed):
                yield "hypothesis.names", "GT"
        elif kind in _ACTION and entry.ref and entry.ref <= len(state.actions):
            yield f"action.{_ACTION[kind]}", state.actions[entry.ref - 1].action
        elif kind == "action-finished" and entry.ref and entry.ref <= len(state.actions):
            asked = state.actions[entry.ref - 1]
            yield f"action.{asked.status}", asked.action
        else:
            yield from self._from_slices(before, state, entry)

    def _from_slices(self, before: IncidentState, state: IncidentState, entry: Entry) -> Iterable[tuple[str, str]]:
        kind = entry.kind
        if kind in ("role-assigned", "role-handed-over", "role-released"):
            return self._duties(state, entry)
        if kind.startswith("alert-"):
            return self._alerts(before, state, entry)
        if kind in ("inject-delivered", "hint-given"):
            return self._reached(before, state, kind)
        reader = _SLICES.get(kind)
        return reader(state, entry) if reader is not None else ()

    def _duties(self, state: IncidentState, entry: Entry) -> Iterable[tuple[str, str]]:
        at = entry.recorded_at
        if entry.kind != "role-released":
            for held in (*state.roles, *state.past_roles):
                if held.since == at:
                    yield "role.assigned", held.duty.value
        else:
            yield from (("role.released", held.duty.value) for held in state.past_roles if held.until == at)

    def _alerts(self, before: IncidentState, state: IncidentState, entry: Entry) -> Iterable[tuple[str, str]]:
        verb = entry.kind.removeprefix("alert-")
        for place, alert in enumerate(state.alerts):
            known = before.alerts[place] if place < len(before.alerts) else None
            if alert is not known and alert.name in entry.text:
                yield f"alert.{verb}", alert.name
                return

    def _reached(self, before: IncidentState, state: IncidentState, kind: str) -> Iterable[tuple[str, str]]:
        known = before.exercise.injects if before.exercise else ()
        told = state.exercise.injects[len(known) :] if state.exercise else ()
        name = "inject.delivered" if kind == "inject-delivered" else "hint.given"
        for inject in told:
            if not self._seconds.get(name, {}).get(inject):
                yield name, inject


def _status(state: IncidentState, entry: Entry) -> Iterable[tuple[str, str]]:
    for status, since in state.statuses:
        if since == entry.occurred_at:
            yield "status.set", status.value
            if status.value in ("resolved", "closed"):
                yield f"incident.{status.value}", ""
            return


def _severity(state: IncidentState, entry: Entry) -> Iterable[tuple[str, str]]:
    found = next((what for what, at in state.severities if at >= entry.recorded_at), state.severity)
    yield "severity.set", found.value


def _update(state: IncidentState, entry: Entry) -> Iterable[tuple[str, str]]:
    for update in state.updates:
        if update.seq == entry.seq:
            audience = update.audience.strip().lower() or "everyone"
            yield "update.posted", audience
            if audience in OUTSIDE and audience != "external":
                yield "update.posted", "external"


def _task(state: IncidentState, entry: Entry) -> Iterable[tuple[str, str]]:
    yield "task.added", ""
    if entry.ref and entry.ref <= len(state.tasks) and state.tasks[entry.ref - 1].follow_up:
        yield "follow_up.added", ""


def _evidence(state: IncidentState, entry: Entry) -> Iterable[tuple[str, str]]:
    if entry.ref and entry.ref <= len(state.evidence):
        yield "evidence.pinned", state.evidence[entry.ref - 1].kind


def _change(state: IncidentState, entry: Entry) -> Iterable[tuple[str, str]]:
    return (("change.recorded", one.kind) for one in state.changes if one.seq == entry.seq)


_SLICES: Mapping[str, Callable[[IncidentState, Entry], Iterable[tuple[str, str]]]] = {
    "status-changed": _status, "severity-changed": _severity, "update-published": _update, "task-added": _task,
    "evidence-pinned": _evidence, "change-recorded": _change,
}  # fmt: skip
