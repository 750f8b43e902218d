"""The header: how bad, since when, who leads, what phase, what impact, and when the next update is due.

Invariant: at every size it names the incident commander, or says in a warning colour that nobody leads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from warroom.client.view import Link, Person
from warroom.incident.state import IncidentState
from warroom.incident.words import PHASES, Milestone, Status
from warroom.tui.glyphs import clock, countdown, glyphs, severity_badge, status_glyph
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.gauges import Phase, phases
from warroom.tui.widgets.line import Line, Span, justify, width_of


@dataclass(frozen=True, slots=True)
class Header:
    """What the header shows; a painter for a `LineBar` of two rows (narrow) or three."""

    state: IncidentState
    link: Link
    people: tuple[Person, ...]
    now: datetime
    zone: tzinfo

    def __call__(self, width: int, height: int, palette: Palette) -> Sequence[Line]:
        rows = self._narrow(width, palette) if height < 3 else self._wide(width, palette)
        return [[(" ", style(palette.text)), *row] for row in rows]

    @property
    def elapsed(self) -> str:
        """How long it lasts, or lasted: `01:23:47`, from the start of the impact, or from when it was declared."""
        known = self.state.milestones
        start = known.get(Milestone.IMPACT_STARTED) or known.get(Milestone.DECLARED)
        if start is None:
            return clock(0)
        over = known.get(Milestone.RESOLVED) if not self.state.status.is_live else None
        return clock(max(0.0, ((over or self.now) - start).total_seconds()))

    def _narrow(self, width: int, palette: Palette) -> list[Line]:
        state = self.state
        first: list[Span] = [*self._name(palette), *self._status_badge(palette)]
        if state.private:
            first.append((self._private, style(palette.hue("violet"))))
        right: list[Span] = [
            *self._liveness(palette, short=True),
            ("  ", style("")),
            (self.elapsed, style(palette.text, bold=True)),
        ]
        second: list[Span] = [(state.title, style(palette.text))]
        owed = [*self._leads(palette), ("  ", style("")), *self._due(palette, short=True)]
        return [justify(first, right, width - 2), justify(second, owed, width - 2)]

    def _wide(self, width: int, palette: Palette) -> list[Line]:
        state = self.state
        first: list[Span] = [
            *self._name(palette),
            (self._private, style(palette.hue("violet"))),
            (state.title, style(palette.text, bold=True)),
        ]
        crowd = [*self._crowd(palette), *self._liveness(palette)]
        if width_of(first) + width_of(crowd) + 1 > width - 2:
            crowd = self._liveness(palette, short=True)
        way = phases(self._way(), width - 2 - width_of(self._leads(palette)) - 2, palette)
        if state.status in (Status.DECLINED, Status.MERGED):
            word = f"merged into {state.merged_into}" if state.status is Status.MERGED else "declined"
            way = [(f"{glyphs().cross} {word}", style(palette.muted, bold=True))]
        return [
            justify(first, crowd, width - 2),
            justify(way, self._leads(palette), width - 2),
            justify(self._impact(palette), self._due(palette), width - 2),
        ]

    def _name(self, palette: Palette) -> list[Span]:
        severity = self.state.severity.value
        ink = palette.filled(palette.severity(severity))
        if palette.ansi:
            ink = style(palette.severity(severity), bold=True, reverse=True)
        return [
            (f"{glyphs().diamond} ", style(palette.accent)),
            (f"{self.state.id} ", style(palette.text, bold=True)),
            (f" {severity_badge(severity)} ", ink),
        ]

    @property
    def _private(self) -> str:
        return f" {glyphs().dotted} private " if self.state.private else " "

    def _status_badge(self, palette: Palette) -> list[Span]:
        word = self.state.status.value
        return [(f" {status_glyph(word)} {word}", style(palette.status(word), bold=True))]

    def _leads(self, palette: Palette) -> list[Span]:
        state = self.state
        leader: list[Span] = [("IC ", style(palette.muted))]
        if state.commander:
            leader.append((state.commander, style(palette.person(state.commander), bold=True)))
        elif state.status.is_live:
            leader.append((f"{glyphs().ring} nobody leads", style(palette.warn, bold=True)))
        else:
            leader.append(("none", style(palette.muted)))
        if state.offer is not None:
            leader.append((f" {glyphs().arrow} {state.offer.to}?", style(palette.warn)))
        return leader

    def _crowd(self, palette: Palette) -> list[Span]:
        here = [person for person in self.people if person.state != "lost"]
        runs: list[Span] = []
        for person in here[:6]:
            sign = "".join(part[0] for part in person.name.replace("-", " ").replace(".", " ").split()[:2]) or "?"
            initials = sign.upper() if len(sign) > 1 else person.name[:2].upper()
            runs.append((f"{initials} ", style(palette.person(person.name), bold=person.state == "here")))
        if len(here) > 6:
            runs.append((f"+{len(here) - 6} ", style(palette.muted)))
        return runs

    def _liveness(self, palette: Palette, *, short: bool = False) -> list[Span]:
        g = glyphs()
        if self.link.is_live:
            here = len([person for person in self.people if person.state != "lost"])
            runs: list[Span] = [(f"{g.dot} ", style(palette.good)), ("live", style(palette.soft))]
            if self.link.latency_ms is not None and not short:
                runs.append((f" {self.link.latency_ms:.0f} ms", style(palette.muted)))
            if short and here:
                runs.append((f" {here} here", style(palette.muted)))
            return runs
        return [(f"{g.ring} {self.link.status}", style(palette.warn, bold=True))]

    def _due(self, palette: Palette, *, short: bool = False) -> list[Span]:
        due = self.state.next_update_due
        if due is None:
            return [] if short else [("no update owed", style(palette.faint))]
        left = (due - self.now).total_seconds()
        colour = palette.bad if left < 0 else palette.warn if left < 300 else palette.text
        word = "update " if short else "next update "
        return [(word, style(palette.muted)), (countdown(left), style(colour, bold=True))]

    def _impact(self, palette: Palette) -> list[Span]:
        state = self.state
        runs: list[Span] = [("IMPACT ", style(palette.muted))]
        for counter in state.counters[:3]:
            number = f"{counter.value:,}".replace(",", " ")
            peak = f" (peak {counter.peak:,})".replace(",", " ") if counter.peak > counter.value else ""
            runs += [
                (number, style(palette.hue("orange"), bold=True)),
                (f" {counter.name}{peak}  ", style(palette.soft)),
            ]
        if state.impact:
            runs.append((state.impact, style(palette.soft)))
        elif not state.counters:
            runs.append(("not described yet", style(palette.faint)))
        return runs

    def _way(self) -> list[Phase]:
        reached = dict(self.state.statuses)
        place = PHASES.index(self.state.status) if self.state.status in PHASES else -1
        way = []
        for number, status in enumerate(PHASES):
            if status is Status.CLOSED and status is not self.state.status:
                # Closing is paperwork; its name would cost the room that the others' names need.
                continue
            when = reached.get(status)
            at = when.astimezone(self.zone).strftime("%H:%M") if when is not None and number <= place else ""
            if number < place and when is None:
                continue
            way.append(Phase(status.value, "past" if number < place else "now" if number == place else "ahead", at))
        return way
