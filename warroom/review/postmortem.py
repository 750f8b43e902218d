"""The post-mortem: a Markdown document that the log fills, for people to complete with what only people know.

Invariant: pure but for reading the template. Whatever the log knows stands in it; what it does not know is said
to be missing, with the command that would supply it. Foreign words are escaped and can be no markup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from warroom.data import data_dirs
from warroom.incident.measures import Measure, measures, time_per_severity, time_per_status
from warroom.incident.record import stamp
from warroom.incident.state import Entry, EvidencePin, IncidentState
from warroom.incident.words import Milestone, Status
from warroom.review.brief import duration
from warroom.review.evidence_text import chart_text, evidence_text
from warroom.review.exercise_words import exercise_line, now_in
from warroom.review.text_chart import number

TEMPLATE = "postmortem.md.j2"

_WIDEST = 160
_MOST_ROWS = 40
"""Lines, spans, alerts or services of one piece of evidence; the log keeps all."""

_QUIET = frozenset({"chat-posted", "entry-pinned", "entry-unpinned", "next-update-set"})
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


class PostmortemError(Exception):
    """The document cannot be written; the message names the template and the line."""


@dataclass(frozen=True, slots=True)
class Person:
    """One who took part: duties held, first and last act on the log, and how many acts."""

    name: str
    duties: tuple[str, ...]
    first: datetime
    last: datetime
    acts: int


def render(
    state: IncidentState,
    *,
    at: datetime,
    signature: str = "",
    template_dirs: tuple[Path, ...] | None = None,
    template: str = TEMPLATE,
) -> str:
    """The document as of `at` (aware). `signature` is a signed head to print beside the log's hash.

    Raises:
        PostmortemError: the template is missing or broken.
    """
    directories = template_dirs if template_dirs is not None else tuple(reversed(data_dirs("templates")))
    environment = SandboxedEnvironment(
        loader=FileSystemLoader([str(one) for one in directories]),
        undefined=StrictUndefined,
        autoescape=False,  # Markdown, not HTML: `words` escapes what people wrote
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        words=words, line=one_line, clock=_clock, day=_day, span=duration, chart=_chart, shown=_shown, number=number
    )
    try:
        text = environment.get_template(template).render(_known(state, at, signature))
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f"{template}:{line}" if line else template
        raise PostmortemError(f"{where}: {error.message or type(error).__name__}") from error
    return re.sub(r"\n{3,}", "\n\n", text)


def words(text: str) -> str:
    """What people wrote, with nothing left that Markdown or HTML would read as markup; line breaks stay."""
    return "\n".join(_SPECIAL.sub(r"\\\1", part) for part in text.splitlines())


def one_line(text: str) -> str:
    """As `words`, folded to one line, for table cells."""
    return words(" ".join(text.split()))


def _known(state: IncidentState, at: datetime, signature: str) -> Mapping[str, Any]:
    at = now_in(state, at)
    milestones = [(one, state.milestones.get(one), one in state.corrected) for one in Milestone]
    entries = [entry for entry in state.timeline if entry.kind not in _QUIET]
    began = state.milestones.get(Milestone.IMPACT_STARTED) or state.milestones.get(Milestone.DECLARED)
    ended = state.milestones.get(Milestone.RESOLVED)
    return {
        "incident": state,
        "exercise": exercise_line(state, now_in(state, at)),
        "at": at,
        "summary": _summary(state),
        "began": began,
        "ended": ended,
        "lasted": (ended or at) - began if began is not None else None,
        "is_over": ended is not None or state.status in (Status.CLOSED, Status.DECLINED, Status.MERGED),
        "milestones": milestones,
        "measures": measures(state),
        "severity_times": [(one.value, spent) for one, spent in time_per_severity(state, at).items() if spent],
        "status_times": [(one.value, spent) for one, spent in time_per_status(state, at).items() if spent],
        "peak_severity": min((one for one, _ in state.severities), key=lambda one: one.ordinal, default=state.severity),
        "entries": sorted(entries, key=lambda entry: (entry.occurred_at, entry.seq)),
        "chat_count": len(state.chat),
        "confirmed": [one for one in state.hypotheses if one.status == "confirmed"],
        "standing": [one for one in state.hypotheses if one.status in ("proposed", "supported")],
        "follow_ups": [one for one in state.tasks if one.follow_up],
        "tasks": [one for one in state.tasks if not one.follow_up],
        "people": _people(state),
        "mitigations": [one for one in state.changes if one.kind != "deploy"],
        "promised": _promises(state),
        "head": state.head_hash.hex(),
        "signature": signature,
        "explain": _explain,
        "stamp": stamp,
    }


def _summary(state: IncidentState) -> str:
    """What people wrote last; without that the words it was declared with, which an alert may have made."""
    written = any(entry.kind == "summary-changed" for entry in state.timeline)
    last = state.updates[-1].text if state.updates else ""
    return state.summary if written else last or state.summary


def _explain(measure: Measure) -> str:
    """The times a measure was computed from, or why there is none."""
    if measure.value is None or measure.start_at is None or measure.end_at is None:
        return measure.reason
    rests = ", ".join(str(seq) for seq in measure.seqs)
    return f"{_clock(measure.end_at)} - {_clock(measure.start_at)} (entries {rests})" if rests else ""


def _people(state: IncidentState) -> list[Person]:
    acts: dict[str, list[Entry]] = {}
    for entry in state.timeline:
        acts.setdefault(entry.actor, []).append(entry)
    held: dict[str, list[str]] = {}
    for holding in (*state.past_roles, *state.roles):
        until = f" to {_clock(holding.until)}" if holding.until else ""
        held.setdefault(holding.who, []).append(f"{holding.duty.label} from {_clock(holding.since)}{until}")
        acts.setdefault(holding.who, [])
    found = []
    for name, entries in acts.items():
        times = [entry.recorded_at for entry in entries]
        first = min(times, default=state.timeline[0].recorded_at)
        found.append(Person(name, tuple(held.get(name, ())), first, max(times, default=first), len(entries)))
    return sorted(found, key=lambda person: (not person.duties, person.first))


def _promises(state: IncidentState) -> list[tuple[datetime, str, timedelta | None]]:
    """Each update with how long after the one before it came."""
    found: list[tuple[datetime, str, timedelta | None]] = []
    for update in state.updates:
        before = found[-1][0] if found else None
        found.append((update.published_at, update.text, update.published_at - before if before else None))
    return found


def _chart(pin: EvidencePin) -> str:
    """All series of an evidence pin as text charts, for within a fence of three backticks."""
    return chart_text(pin).replace("```", "'''")


def _shown(pin: EvidencePin) -> str:
    """What was pinned as a block of verbatim text; nothing when it holds none.

    The fence is longer than any run of backticks within, so that no line of a log can end it.
    """
    rows = evidence_text(pin, width=_WIDEST, most=_MOST_ROWS)
    if not rows:
        return ""
    runs = (len(run) for row in rows for run in re.findall("`+", row))
    fence = "`" * max(3, max(runs, default=0) + 1)
    return "\n".join([f"{fence}text", *rows, fence])


def _clock(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%H:%M:%S")


def _day(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
