"""The brief: everything somebody who joins now has to know, and what happened since they last looked.

Invariant: pure, and complete without scrolling back: how bad, since when, who leads, what was tried, what is next.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from warroom.incident.state import Entry, IncidentState
from warroom.incident.words import Duty, Milestone, Severity
from warroom.review.exercise_words import exercise_line, exercise_lines, now_in

_QUIET = frozenset({"chat-posted", "entry-pinned", "entry-unpinned"})


EXERCISE = "EXERCISE"
"""The title of the first section of an exercise; an ordinary incident has none."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines; never without a line."""

    title: str
    lines: tuple[str, ...]


def brief(state: IncidentState, now: datetime, zone: tzinfo, *, since_seq: int = 0) -> tuple[Section, ...]:
    """The brief in sections, the most urgent first. `since_seq` is the last entry the reader has seen (0: none)."""
    now = now_in(state, now)
    told = exercise_line(state, now)
    sections = [
        Section(EXERCISE, (told, *exercise_lines(state)) if told else ()),
        Section("Now", tuple(_now(state, now, zone))),
        Section("Who does what", tuple(_who(state))),
        Section("What is known", tuple(_known(state))),
        Section("What was decided", tuple(_decided(state))),
        Section("What was tried", tuple(_tried(state, zone))),
        Section("What is next", tuple(_next(state, now))),
        Section("Alerts", tuple(_alerts(state, now))),
    ]
    if since_seq:
        sections.insert(2, Section("Since you left", tuple(_since(state, since_seq, zone)) or ("nothing new",)))
    return tuple(section for section in sections if section.lines)


def duration(length: timedelta) -> str:
    """`1 h 23 min`, `47 min`, `30 s`: in the two largest units that matter."""
    seconds = max(0, round(length.total_seconds()))
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes} min" if minutes >= 5 or not seconds else f"{minutes} min {seconds} s"
    return f"{seconds} s"


def _now(state: IncidentState, now: datetime, zone: tzinfo) -> list[str]:
    known = state.milestones
    began = known.get(Milestone.IMPACT_STARTED) or known.get(Milestone.DECLARED)
    lines = [f"{state.id}: {state.title}"]
    if began is not None:
        end = known.get(Milestone.RESOLVED) if not state.status.is_live else None
        word = "lasted" if end is not None else "for"
        severity = "severity unset" if state.severity is Severity.UNSET else state.severity.value
        lines.append(
            f"{severity}, {state.status.value}, since {began.astimezone(zone):%H:%M}, "
            f"{word} {duration((end or now) - began)}"
        )
    if state.services:
        lines.append(f"Services: {', '.join(state.services)}")
    if state.summary:
        lines.append(state.summary)
    if state.impact:
        lines.append(f"Impact: {state.impact}")
    lines += [f"Impact: {one.value:,} {one.name} (peak {one.peak:,})" for one in state.counters]
    if state.updates:
        last = state.updates[-1]
        lines.append(f"Last update {last.published_at.astimezone(zone):%H:%M} by {last.published_by}: {last.text}")
    return lines


def _who(state: IncidentState) -> list[str]:
    lines = [] if state.commander else ["Nobody leads: take command, or assign an incident commander"]
    lines += [f"{held.duty.label}: {held.who}" for held in state.roles]
    if state.offer is not None:
        lines.append(f"Command is offered to {state.offer.to}, not yet accepted: {state.offer.brief}")
    if state.commander and not state.holder(Duty.COMMUNICATIONS_LEAD) and state.severity.ordinal <= 2:
        lines.append("Communications lead: open")
    return lines


def _known(state: IncidentState) -> list[str]:
    lines = [
        f"H{one.number} {one.status}{_likely(one.probability)}: {one.text}"
        for one in state.hypotheses
        if one.status != "refuted"
    ]
    lines += [f"H{one.number} ruled out: {one.text}" for one in state.hypotheses if one.status == "refuted"]
    pinned = (state.entry(seq) for seq in state.pins)
    lines += [f"Pinned: {entry.words} ({entry.actor})" for entry in pinned if entry is not None]
    return lines


def _decided(state: IncidentState) -> list[str]:
    lines = []
    for one in state.decisions:
        if one.choice:
            because = f", because {one.reason}" if one.reason else ""
            about = f"{one.question}: " if one.question and one.question != one.choice else ""
            lines.append(f"D{one.number} {about}{one.choice}{because} ({one.decided_by})")
        else:
            options = f" ({' | '.join(one.options)})" if one.options else ""
            lines.append(f"D{one.number} open: {one.question}{options}")
    return lines


def _tried(state: IncidentState, zone: tzinfo) -> list[str]:
    lines = [
        f"{one.at.astimezone(zone):%H:%M} {' '.join(part for part in (one.kind, one.service, one.version) if part)}"
        + (f": {one.text}" if one.text else "")
        for one in state.changes
    ]
    lines += [f"T{one.number} done: {one.title}" + (f": {one.result}" if one.result else "") for one in state.tasks
              if one.status == "done"]  # fmt: skip
    return lines


def _next(state: IncidentState, now: datetime) -> list[str]:
    lines = []
    for one in state.tasks:
        if one.status in ("open", "acknowledged") and not one.follow_up:
            left = "" if one.due_at is None else f", {_left(one.due_at, now)}"
            lines.append(f"T{one.number} {one.title} ({one.assignee or 'nobody'}, {one.status}{left})")
    for playbook in state.playbooks:
        done = sum(step.status != "open" for step in playbook.steps)
        step = next((step for step in playbook.steps if step.status == "open"), None)
        if step is not None:
            lines.append(f"Playbook {playbook.title}, {done} of {len(playbook.steps)} steps: next is {step.title}")
    if state.next_update_due is not None:
        lines.append(f"Next update {_left(state.next_update_due, now)}")
    return lines


def _left(due: datetime, now: datetime) -> str:
    return f"due in {duration(due - now)}" if due >= now else f"overdue by {duration(now - due)}"


def _alerts(state: IncidentState, now: datetime) -> list[str]:
    firing = [one for one in state.alerts if one.status != "resolved"]
    lines = [
        f"{one.name} {one.status} for {duration(now - one.starts_at)}{f': {one.summary}' if one.summary else ''}"
        for one in firing
    ]
    resolved = len(state.alerts) - len(firing)
    return [*lines, f"{resolved} resolved"] if resolved else lines


def _likely(probability: float | None) -> str:
    return "" if probability is None else f" ({probability:.0%} likely)"


def _since(state: IncidentState, seq: int, zone: tzinfo) -> list[str]:
    fresh: list[Entry] = [entry for entry in state.timeline[seq:] if entry.kind not in _QUIET]
    shown = [f"{entry.occurred_at.astimezone(zone):%H:%M} {entry.actor}: {entry.words}" for entry in fresh[-12:]]
    chats = sum(entry.kind == "chat-posted" for entry in state.timeline[seq:])
    if len(fresh) > len(shown):
        shown.insert(0, f"{len(fresh) - len(shown)} entries before these")
    return [*shown, f"{chats} chat messages"] if chats else shown
