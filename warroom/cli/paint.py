"""An incident as plain lines, for `show` and `follow`.

Invariant: pure; words carry everything, colour nothing alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

from warroom.cli.output import heading, severity_word
from warroom.client.view import RoomView
from warroom.incident.measures import measures
from warroom.incident.state import Entry, IncidentState
from warroom.incident.words import Milestone
from warroom.review.brief import EXERCISE, brief, duration
from warroom.review.exercise_words import exercise_line, now_in


def incident_lines(view: RoomView, now: datetime, zone: tzinfo) -> Iterator[str]:
    """All that is known, section by section."""
    state = view.state
    now = now_in(state, now)
    if state.exercise is not None:
        yield heading(exercise_line(state, now))
    yield f"{heading(state.id)}  {severity_word(state.severity.value)}  {state.status.value}  {state.title}"
    if state.private:
        yield f"private; members: {', '.join(sorted(state.members)) or 'none'}"
    if state.merged_into:
        yield f"merged into {state.merged_into}"
    for section in brief(state, now, zone):
        if section.title == EXERCISE and len(section.lines) == 1:
            continue
        yield ""
        yield heading(section.title)
        # What the first line of these two says stands above already.
        for line in section.lines[1:] if section.title in ("Now", EXERCISE) else section.lines:
            yield "  " + line.replace("\n", "\n  ")
    yield from _titled("Milestones", _milestones(state, zone))
    yield from _titled("Measures", _measures(state))
    yield from _titled("Playbooks", _playbooks(state))
    yield from _titled("Links", (f"{one.kind}: {one.title} {one.url}" for one in state.links))
    yield from _titled("Follow-ups", _follow_ups(state))
    here = [f"{one.name} ({one.access}, {one.state})" for one in view.people if one.kind != "cli"]
    yield from _titled("Here now", iter([", ".join(here)] if here else []))
    yield ""
    yield f"{state.seq} {'entry' if state.seq == 1 else 'entries'}; `warroom log {state.id}` prints them"


def _titled(title: str, lines: Iterator[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield ""
        yield heading(title)
        yield from ("  " + line for line in found)


def _milestones(state: IncidentState, zone: tzinfo) -> Iterator[str]:
    for milestone in Milestone:
        if milestone in state.milestones:
            corrected = " (corrected)" if milestone in state.corrected else ""
            name = milestone.value.removesuffix("_at").replace("_", " ")
            yield f"{name:15} {state.milestones[milestone].astimezone(zone):%Y-%m-%d %H:%M:%S}{corrected}"


def _measures(state: IncidentState) -> Iterator[str]:
    for one in measures(state):
        value = duration(one.value) if one.value is not None else one.reason
        yield f"{one.name}  {value}  ({one.formula})"


def _playbooks(state: IncidentState) -> Iterator[str]:
    for playbook in state.playbooks:
        yield f"{playbook.id} version {playbook.version}: {playbook.title}"
        for number, step in enumerate(playbook.steps, 1):
            by = f" by {step.by}" if step.by else f" for {step.assignee}" if step.assignee else ""
            words = f": {step.words}" if step.words else ""
            yield f"  {number:2}. [{step.status}{by}] {step.title}{words}"


def _follow_ups(state: IncidentState) -> Iterator[str]:
    for one in state.tasks:
        if one.follow_up:
            due = f", due {one.due_at:%Y-%m-%d}" if one.due_at else ""
            yield f"T{one.number} {one.title} ({one.assignee or 'nobody'}, {one.status}{due})"


def entry_line(entry: Entry, zone: tzinfo, *, dated: bool = False) -> str:
    """One entry on one line: number, time, who, words. Signs in words: pinned, corrected, redacted, back-dated."""
    at = entry.occurred_at.astimezone(zone)
    signs = [
        word
        for word, holds in (
            ("pinned", entry.pinned),
            ("corrected", bool(entry.correction)),
            ("redacted", entry.redacted),
            ("back-dated", (entry.recorded_at - entry.occurred_at).total_seconds() > 60),
        )
        if holds
    ]
    remarks = f" ({', '.join(signs)})" if signs else ""
    stamp = f"{at:%Y-%m-%d %H:%M:%S}" if dated else f"{at:%H:%M:%S}"
    who = f"{entry.actor} [{entry.duty}]" if entry.duty else entry.actor
    words = " / ".join(line for line in entry.words.splitlines() if line.strip())
    return f"{entry.seq:>4}  {stamp}  {who}: {words}{remarks}"
