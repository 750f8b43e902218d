"""What players can see, for those who play without a screen: the room, and questions to its telemetry.

Invariant: nothing reachable from a `PlayerView` holds what is withheld from players: no scenario, no imaginary
production, no drill. It answers from the same stores that the panes ask, with the same troubles.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from warroom.incident.state import Change, IncidentState
from warroom.tabletop.answers import Answer, Row
from warroom.tabletop.asked import AskedError, Wanted, matchers_of, matches, seconds, words_of
from warroom.tabletop.deeds import Whisper
from warroom.tabletop.runbook import Runbook
from warroom.tabletop.trace_rows import rows_of
from warroom.telemetry.alerts import ActiveAlert
from warroom.telemetry.logs import LogPage
from warroom.telemetry.prometheus_data import Vector
from warroom.telemetry.traces import Trace, TraceSearch

TOOLS: Mapping[str, str] = {"metrics": "prometheus", "logs": "loki", "traces": "jaeger", "alerts": "alertmanager"}
"""Which server each kind of question goes to; changes are in the room itself."""
LOG_WINDOW = 300.0
MOST_LINES = 500
_BILLION = 1_000_000_000
_OTHER_KIND = re.compile(r"^(CHG-\d+) \((\w+)\):")
_CHANGE_ID = re.compile(r"\bCHG-\d+\b")
_TRACE_WORDS = ("service", "operation", "errors", "min", "max", "last", "limit", "by", "tag.")
_CHANGE_WORDS = ("service", "kind", "version", "id", "text", "by", "last")
_BEFORE = timedelta(minutes=60)
_BY_ITSELF = "(by autoscaler)"


class LookError(Exception):
    """A question that was not answered, in one sentence. `wrong` when the question itself is at fault."""

    def __init__(self, words: str, *, wrong: bool = False) -> None:
        super().__init__(words)
        self.wrong = wrong


@dataclass(frozen=True, slots=True)
class Trouble:
    """What ails a tool: seconds that each answer takes longer, the share of questions that fail, or that it is down."""

    latency: float = 0.0
    error_rate: float = 0.0
    down: bool = False


class PromQL(Protocol):
    """What answers an instant query."""

    def instant(self, query: str, at: float) -> Vector: ...


class LogQueries(Protocol):
    """What answers LogQL. Times of lines are whole nanoseconds."""

    def query_range(
        self, query: str, start_ns: int, end_ns: int, limit: int = ..., direction: str = ...
    ) -> LogPage: ...
    def instant(self, query: str, at: float) -> Vector: ...


@dataclass(frozen=True, slots=True)
class Tools:
    """The telemetry of an exercise. `refusals` are the errors by which an engine refuses a query."""

    promql: PromQL
    logql: LogQueries
    traces: Callable[[TraceSearch], Sequence[Trace]]
    alerts: Callable[[], Sequence[ActiveAlert]]
    refusals: tuple[type[Exception], ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """Questions to the telemetry as of `now`, seconds since the epoch."""

    tools: Tools
    now: float
    changes: Sequence[Change] = ()
    alerted_at: datetime | None = None
    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    seed: int = 0

    def ask(self, ask: str, query: str, *, at: float | None = None) -> Answer:
        """The answer to a question of one of the kinds metrics, logs, traces, alerts and changes.

        Raises:
            LookError: the tool does not answer, or the question cannot be read.
        """
        when = self.now if at is None else at
        took = self._reached(ask, query)
        reader = _READERS.get(ask)
        if reader is None:
            raise LookError(f"{ask!r} cannot be asked; use {', '.join(_READERS)}", wrong=True)
        try:
            rows = reader(self, query, when)
        except (AskedError, ValueError) as error:
            raise LookError(f"{ask}: {error}", wrong=True) from None
        except self.tools.refusals as error:
            raise LookError(f"{ask}: {error}", wrong=True) from None
        return Answer(tuple(row for row in rows if row.value == row.value), took)

    def change_names(self, service: str) -> dict[str, str]:
        """What a runbook may name of changes: the latest on `service`, else the latest before the first alert."""
        found = self._suspicious(service)
        if found is None:
            return {"change": "nothing that is known", "change_id": "", "change_service": "", "change_kind": ""}
        name, kind = change_id(found), change_kind(found)
        text = _OTHER_KIND.sub(r"\1:", found.text)
        told = f"{kind} {text}".strip()
        return {
            "change": told, "change_id": name, "change_service": found.service, "change_kind": kind,
            "version": found.version,
        }  # fmt: skip

    def _suspicious(self, service: str) -> Change | None:
        now = datetime.fromtimestamp(self.now, tz=UTC)
        recent = [one for one in self.changes if now - _BEFORE <= one.at <= now]
        by_people = [one for one in recent if _BY_ITSELF not in one.text] or recent
        on_it = [one for one in by_people if one.service == service]
        before = [one for one in by_people if self.alerted_at is None or one.at <= self.alerted_at]
        return max(on_it or before or by_people, key=lambda one: (one.at, one.seq), default=None)

    def _reached(self, ask: str, query: str) -> float:
        """Seconds that the answer takes; raises when there will be none."""
        tool = TOOLS.get(ask, "")
        trouble = self.troubles.get(tool) or (self.troubles.get("dashboards") if ask == "metrics" else None)
        if trouble is None:
            return 1.0
        if trouble.down:
            raise LookError(f"{tool} does not answer")
        told = f"{self.seed}/{int(self.now)}/{tool}/{query}".encode()
        if int.from_bytes(hashlib.sha256(told).digest()[:4], "big") / 2**32 < trouble.error_rate:
            raise LookError(f"{tool} answered with an error")
        return 1.0 + trouble.latency


def _metrics(look: Look, query: str, when: float) -> list[Row]:
    answer = look.tools.promql.instant(query, when)
    return [Row(dict(sample.labels), sample.value, "", sample.at) for sample in answer.samples]


def _logs(look: Look, query: str, when: float) -> list[Row]:
    if not query.lstrip().startswith("{"):
        answer = look.tools.logql.instant(query, when)
        return [Row(dict(sample.labels), sample.value, "", sample.at) for sample in answer.samples]
    start, end = int((when - LOG_WINDOW) * _BILLION), int(when * _BILLION)
    page = look.tools.logql.query_range(query, start, end, limit=MOST_LINES, direction="backward")
    return [
        Row({**dict(line.labels), **dict(line.metadata)}, 1.0, line.text, line.ns / _BILLION) for line in page.lines
    ]


def _traces(look: Look, query: str, when: float) -> Sequence[Row]:
    words = words_of(query, _TRACE_WORDS)
    one = {word.name: word.value for word in words if not word.name.startswith("tag.")}
    search = TraceSearch(
        service=one.get("service", ""),
        start=when - seconds(one.get("last", "5m")),
        end=when,
        operation=one.get("operation", ""),
        tags=tuple(sorted((word.name[4:], word.value) for word in words if word.name.startswith("tag."))),
        shortest=seconds(one["min"]) if "min" in one else 0.0,
        longest=seconds(one["max"]) if "max" in one else 0.0,
        errors_only="errors" in one,
        limit=int(one.get("limit", "200")),
    )
    return rows_of(look.tools.traces(search), one.get("by", "trace"))


def _alerts(look: Look, query: str, when: float) -> list[Row]:
    wanted = matchers_of(query)
    rows = []
    for alert in look.tools.alerts():
        labels = dict(alert.labels)
        if alert.starts_at <= when and all(matches(one, labels.get(one.name, "")) for one in wanted):
            rows.append(Row(labels, when - alert.starts_at, alert.annotation("summary"), alert.starts_at))
    return sorted(rows, key=lambda row: (row.at, sorted(row.labels.items())))


def _changes(look: Look, query: str, when: float) -> list[Row]:
    words = words_of(query, _CHANGE_WORDS)
    since = when - seconds(next((word.value for word in words if word.name == "last"), "60m"))
    rest = [word for word in words if word.name != "last"]
    rows = []
    for one in look.changes:
        at = one.at.timestamp()
        labels = _told(one)
        if since <= at <= when and all(_fits(word, labels, one.text) for word in rest):
            rows.append(Row(labels, when - at, one.text, at))
    return rows


def _told(change: Change) -> dict[str, str]:
    return {
        "service": change.service, "kind": change_kind(change), "version": change.version, "id": change_id(change),
        "text": change.text, "by": change.recorded_by,
    }  # fmt: skip


def _fits(word: Wanted, labels: Mapping[str, str], text: str) -> bool:
    return word.fits(text if word.name == "text" else labels.get(word.name, ""))


def change_id(change: Change) -> str:
    """The change's number where its words name one, `CHG-118`."""
    found = _CHANGE_ID.search(f"{change.text} {change.version}")
    return found[0] if found else ""


def change_kind(change: Change) -> str:
    """What was done: in the room's words, or in those of the change itself where the room has none for it."""
    found = _OTHER_KIND.match(change.text)
    return found[2] if found else change.kind


_READERS: Mapping[str, Callable[[Look, str, float], Sequence[Row]]] = {
    "metrics": _metrics, "logs": _logs, "traces": _traces, "alerts": _alerts, "changes": _changes,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlayerView:
    """What a team knows at a second of an exercise. `whispers` are those that reached its people so far."""

    second: int
    now: float
    state: IncidentState
    look: Look
    runbook: Runbook | None = None
    whispers: tuple[Whisper, ...] = ()


def look_at(
    tools: Tools, state: IncidentState, now: float, troubles: Mapping[str, Trouble] | None = None, seed: int = 0
) -> Look:
    """The look of somebody in the room of `state`."""
    first = min((alert.starts_at for alert in state.alerts), default=None)
    return Look(tools, now, tuple(state.changes), first, dict(troubles or {}), seed)
