"""Alerts in their groups, and silences, as lines of a list.

Invariant: firing, silenced and taken are told by a word; the colour is the severity's.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from rich.style import Style

from warroom.incident.words import Severity
from warroom.telemetry.alerts import ActiveAlert, AlertGroup, Silence
from warroom.tui.explore.range import span_text
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.line import Line, Span, justify, safe

SPARK = 16
"""Cells of the course of an alert."""


@dataclass(frozen=True, slots=True)
class GroupRow:
    """The head of a group: how many of it fire."""

    key: str
    words: str
    firing: int
    all: int


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert. `by` has taken it on the incident's log, empty when nobody has; `fired` is its course, 0 or 1."""

    key: str
    alert: ActiveAlert
    age: str
    by: str
    attached: bool
    fired: tuple[float, ...]

    @property
    def words(self) -> str:
        """For copying."""
        return f"{self.alert.label('alertname')}: {self.alert.annotation('summary')}"


def alert_rows(
    groups: Sequence[AlertGroup],
    taken: Mapping[str, str],
    fired: Mapping[str, tuple[float, ...]],
    now: float,
) -> list[GroupRow | AlertRow]:
    """Groups with their alerts, those with firing ones first. `taken` names who acknowledged, by fingerprint; an
    attached alert that nobody has taken is there with an empty name. `fired` is by `course_key`.
    """
    rows: list[GroupRow | AlertRow] = []
    for number, group in enumerate(sorted(groups, key=_order)):
        words = ", ".join(f"{name}={value}" for name, value in group.labels) or "without a group"
        key = f"group {number} {words} {group.receiver}"
        rows.append(GroupRow(key, words, _firing(group), len(group.alerts)))
        order = sorted(group.alerts, key=lambda one: (one.state != "active", one.starts_at))
        for one in order:
            age = span_text(max(0.0, now - one.starts_at))
            found = fired.get(course_key(one.labels), ())
            by = taken.get(one.fingerprint, "")
            rows.append(AlertRow(f"{key} {one.fingerprint}", one, age, by, one.fingerprint in taken, found))
    return rows


def _order(group: AlertGroup) -> tuple[bool, int, str]:
    """Firing before quiet, the worst severity first, then by name."""
    worst = min((Severity(_severity(one.label("severity"))).ordinal for one in group.alerts), default=99)
    return not _firing(group), worst, str(group.labels)


def _firing(group: AlertGroup) -> int:
    return sum(one.state == "active" for one in group.alerts)


def course_key(labels: Sequence[tuple[str, str]]) -> str:
    """What an alert and its series of ALERTS have in common; the server's own external labels may differ."""
    kept = sorted((name, value) for name, value in labels if name in _IDENTITY)
    return str(kept)


_IDENTITY = frozenset({"alertname", "service", "job", "instance", "severity", "namespace", "pod", "cluster"})


class AlertList:
    """Groups and alerts, one line each."""

    row_lines: int | None = 1

    def __init__(self, rows: Sequence[GroupRow | AlertRow]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> GroupRow | AlertRow:
        return self.rows[index]

    def key(self, row: GroupRow | AlertRow) -> Hashable:
        return row.key

    def render(self, row: GroupRow | AlertRow, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """A heading, or name and summary at the left, course, age and state at the right."""
        if isinstance(row, GroupRow):
            right: list[Span] = [(f"{row.firing} of {row.all} firing ", style(palette.muted))]
            return [justify([(safe(row.words), style(palette.accent, bold=True))], right, width)]
        alert, bar = row.alert, palette.severity(_severity(row.alert.label("severity")))
        left: list[Span] = [
            (f" {glyphs().bar} ", style(bar)),
            (safe(alert.label("alertname")), style(palette.text, bold=alert.state == "active")),
        ]
        if alert.label("severity"):
            left.append((f" {safe(alert.label('severity'))}", style(bar)))
        if width >= 70:
            left.append((f"  {safe(alert.annotation('summary'))}", style(palette.soft)))
        state, paint = self._state(row, palette)
        ending: list[Span] = [(f" {row.age:>7} ", style(palette.muted)), (f"{state:<9}", paint)]
        if width >= 90:
            ending.insert(0, _course(row.fired, bar))
        return [justify(left, ending, width)]

    @staticmethod
    def _state(row: AlertRow, palette: Palette) -> tuple[str, Style]:
        if row.alert.silenced_by:
            return "SILENCED", style(palette.muted)
        if row.alert.inhibited_by:
            return "INHIBITED", style(palette.muted)
        if row.by:
            return f"ACK {row.by}", style(palette.soft)
        return "FIRING", style(palette.bad, bold=True)


def _course(fired: Sequence[float], colour: str) -> Span:
    """When it fired, in a row of blocks; empty where that is not known."""
    if not fired:
        return " " * SPARK, Style.null()
    signs = glyphs().spark
    size = len(fired) / SPARK
    cells = [max(fired[int(at * size) : max(int(at * size) + 1, int((at + 1) * size))]) for at in range(SPARK)]
    return "".join(signs[-1] if value else signs[0] for value in cells), style(colour)


def _severity(label: str) -> str:
    try:
        return Severity.parse(label).value if label else "unset"
    except ValueError:
        return "unset"


class SilenceList:
    """Silences, those in force first."""

    row_lines: int | None = 2

    def __init__(self, silences: Sequence[Silence], zone: tzinfo, now: float) -> None:
        order = {"active": 0, "pending": 1, "expired": 2}
        self.silences = sorted(silences, key=lambda one: (order.get(one.state, 3), -one.ends_at))
        self._zone, self._now = zone, now

    def __len__(self) -> int:
        return len(self.silences)

    def row(self, index: int) -> Silence:
        return self.silences[index]

    def key(self, row: Silence) -> Hashable:
        return row.id

    def render(self, row: Silence, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """What is silenced and until when; below, who did and why."""
        over = row.state == "expired"
        ends = datetime.fromtimestamp(row.ends_at, self._zone)
        left = span_text(max(0.0, row.ends_at - self._now))
        word = "expired" if over else f"until {ends:%H:%M}, {left} left" if row.state == "active" else row.state
        paint = style(palette.muted if over else palette.text, bold=not over)
        matchers = ", ".join(str(one) for one in row.matchers)
        right = [(f"{word} ", style(palette.muted if over else palette.warn))]
        below = f"   {row.created_by}: {row.comment}"
        return [
            justify([(f" {safe(matchers)}", paint)], right, width),
            [(safe(below), style(palette.faint if over else palette.soft))],
        ]
