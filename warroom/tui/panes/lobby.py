"""The lobby: all incidents this person may see, the worst live one on top."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from rich.style import Style

from warroom.client.view import LobbyLine
from warroom.incident.words import Severity, Status
from warroom.tui.glyphs import age, countdown, glyphs, severity_badge, status_glyph
from warroom.tui.palette import Palette, style
from warroom.tui.panes.source import Rows
from warroom.tui.widgets.line import Line, Span, justify

MARK = "EXERCISE: "
"""What the title of an exercise begins with; here it is a sign of its own."""

_OVER = frozenset({Status.CLOSED.value, Status.DECLINED.value, Status.MERGED.value})


class LobbyRow(NamedTuple):
    key: str
    title: str
    severity: str
    status: str
    commander: str
    services: str
    age: str
    due: str
    overdue: bool
    firing: int
    here: int
    private: bool
    exercise: bool = False


class Lobby(Rows[LobbyRow]):
    """Two lines an incident: how bad, which, since when, who leads; then status, services, and what is owed."""

    row_lines: int | None = 2

    def __init__(
        self, lines: Iterable[LobbyLine], now: datetime, *, over: bool = False, previous: Lobby | None = None
    ) -> None:
        shown = [line for line in lines if over or line.status not in _OVER]
        shown.sort(key=lambda line: line.declared_at, reverse=True)
        shown.sort(key=lambda line: (line.status in _OVER, line.status == "resolved", _rank(line.severity)))
        super().__init__((self._row(line, now) for line in shown), previous)

    @staticmethod
    def _row(line: LobbyLine, now: datetime) -> LobbyRow:
        exercise = line.title.startswith(MARK)
        if exercise and line.updated_at:
            # This machine's clock knows nothing of an exercise's time; its newest entry does.
            now = datetime.fromisoformat(line.updated_at)
        left = (datetime.fromisoformat(line.next_update_due) - now).total_seconds() if line.next_update_due else None
        return LobbyRow(
            line.incident, line.title.removeprefix(MARK), line.severity, line.status, line.commander,
            ", ".join(line.services),
            age((now - datetime.fromisoformat(line.declared_at)).total_seconds()) if line.declared_at else "",
            "" if left is None else countdown(left), left is not None and left < 0, line.firing, line.here,
            line.private, exercise,
        )  # fmt: skip

    def render(self, row: LobbyRow, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """As the class says; the severity is a word on a colour, never a colour alone."""
        g, over = glyphs(), row.status in _OVER
        badge = palette.filled(palette.severity(row.severity))
        if palette.ansi or selected:
            # What marks the row as selected replaces a background, so the badge swaps the two colours instead.
            badge = style(palette.severity(row.severity), bold=True, reverse=True)
        muted, gap = style(palette.muted), (" ", Style.null())
        first: list[Span] = [
            (f" {severity_badge(row.severity)} ", muted if over else badge),
            gap,
            (f"{row.key} ", style(palette.accent)),
            (f"{g.dotted} private " if row.private else "", style(palette.hue("violet"))),
            (f" {g.diamond} EXERCISE " if row.exercise else "", style(palette.hue("orange"), bold=True, reverse=True)),
            (" " if row.exercise else "", Style.null()),
            (row.title, style(palette.muted if over else palette.text, bold=not over)),
        ]
        leads: Span = (row.commander, style(palette.person(row.commander)))
        if not row.commander:
            leads = ("" if over or row.status == "resolved" else "nobody leads", style(palette.warn, bold=True))
        second: list[Span] = [
            ("   ", Style.null()),
            (f"{status_glyph(row.status)} {row.status}", style(palette.status(row.status), bold=True)),
            (f"  {row.services}" if row.services else "", muted),
            (f"  {row.firing} firing" if row.firing else "", style(palette.bad)),
            (f"  {row.here} here" if row.here else "", style(palette.good)),
        ]
        due: Span = (
            f"update {row.due}  " if row.due and not over else "",
            style(palette.bad if row.overdue else palette.warn),
        )
        return [justify(first, [leads], width - 1), justify(second, [due, (f"{row.age} old", muted)], width - 1)]


def _rank(severity: str) -> int:
    try:
        return Severity(severity).ordinal
    except ValueError:
        return Severity.UNSET.ordinal
