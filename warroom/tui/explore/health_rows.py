"""Health checks and the stack's services as lines of a list.

Invariant: how something fares is told by a sign and its word, and the colour only repeats it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime, tzinfo

from rich.style import Style

from warroom.bundle.state import ServiceState
from warroom.ops.health import Past, Result, Status
from warroom.tui.explore.trace_rows import DetailLine, micros_text
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.line import Line, Span, justify, safe, width_of
from warroom.tui.widgets.units import shown

COURSE = 30
"""Cells of the course of a check."""


def sign_of(status: Status, palette: Palette) -> Span:
    """The sign of a status; each has another shape."""
    g = glyphs()
    sign = {Status.HEALTHY: g.dot, Status.DEGRADED: g.diamond}.get(status, g.up)
    return sign, style(colour_of(status, palette), bold=status is Status.UNHEALTHY)


def colour_of(status: Status, palette: Palette) -> str:
    """The colour of a status."""
    return {Status.HEALTHY: palette.good, Status.DEGRADED: palette.warn}.get(status, palette.bad)


class Checks:
    """One line for each check, worst first, with how it was before."""

    row_lines: int | None = 1

    def __init__(self, results: Sequence[Result], history: Mapping[str, Sequence[Past]]) -> None:
        self.results = sorted(results, key=lambda one: (-one.status.badness, one.name))
        self._history = history

    def __len__(self) -> int:
        return len(self.results)

    def row(self, index: int) -> Result:
        return self.results[index]

    def key(self, row: Result) -> Hashable:
        return row.name

    def render(self, row: Result, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """Sign, word, name and message; the course and the time the look took at the right."""
        colour = colour_of(row.status, palette)
        bad = row.status is not Status.HEALTHY
        left: list[Span] = [
            sign_of(row.status, palette),
            (f" {row.status:<10}", style(colour, bold=bad)),
            (f"{safe(row.name):<14} ", style(palette.text, bold=True)),
            (safe(row.message), style(palette.text if bad else palette.soft)),
        ]
        took = micros_text(round(row.response_time_ms * 1000)) if row.response_time_ms else ""
        right: list[Span] = [(f" {took:>9}", style(palette.muted))]
        course = _course(self._history.get(row.name, ()), palette)
        # The words of what is ill go before the picture of how it was.
        if width >= 90 and not (bad and width_of([*left, *course, *right]) >= width):
            right = [*course, *right]
        return [justify(left, right, width)]


def _course(past: Sequence[Past], palette: Palette) -> list[Span]:
    """The last results, oldest first: higher is worse."""
    signs = glyphs().spark
    height = {Status.HEALTHY: signs[0], Status.DEGRADED: signs[len(signs) // 2], Status.UNHEALTHY: signs[-1]}
    cells = [(height[one.status], style(colour_of(one.status, palette))) for one in past[-COURSE:]]
    return [(" " * (COURSE - len(cells)), Style.null()), *cells]


def check_detail(row: Result, history: Sequence[Past], zone: tzinfo) -> list[DetailLine]:
    """All that a check says, and when it changed."""
    facts = [("", f"{row.name}: {row.status}", "title"), ("message", row.message, "")]
    facts += [(name.replace("_", " "), str(value), "") for name, value in row.details.items()]
    before: Status | None = None
    changes = []
    for past in history:
        if past.status is not before:
            at = datetime.fromtimestamp(past.at, zone)
            changes.append((f"{at:%H:%M:%S}", str(past.status), "" if past.status is Status.HEALTHY else "warn"))
        before = past.status
    facts += [("", "how it was", "title")] * bool(changes) + changes[::-1][:20]
    return [DetailLine(number, *fact) for number, fact in enumerate(facts)]


class StackList:
    """One line for each service of the bundled stack, in the file's order."""

    row_lines: int | None = 1

    def __init__(self, services: Sequence[ServiceState]) -> None:
        self.services = services

    def __len__(self) -> int:
        return len(self.services)

    def row(self, index: int) -> ServiceState:
        return self.services[index]

    def key(self, row: ServiceState) -> Hashable:
        return row.name

    def render(self, row: ServiceState, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """Sign, name, what it is doing; processor, memory and ports at the right."""
        g = glyphs()
        sign, colour = (g.dot, palette.good) if row.well else (g.up, palette.bad)
        if row.absent:
            sign, colour = g.ring, palette.muted
        elif row.health == "starting":
            sign, colour = g.half, palette.warn
        left: list[Span] = [
            (f"{sign} ", style(colour, bold=not row.well)),
            (f"{row.name:<14}", style(palette.text, bold=not row.absent)),
            (f"{row.state:<11}", style(colour)),
            (safe(row.words), style(palette.soft)),
        ]
        right: list[Span] = []
        if width >= 84 and row.cpu is not None:
            right.append((f"{row.cpu:>6.1f} % ", style(palette.muted)))
        if width >= 84 and row.memory is not None:
            right.append((f"{shown(row.memory, 'bytes').text:>9} ", style(palette.muted)))
        if width >= 110:
            again = f"{row.restarts} {'restart' if row.restarts == 1 else 'restarts'}" if row.restarts else ""
            right.append((f"{again:>12} ", style(palette.warn)))
        if width >= 60:
            right.append((f"{','.join(map(str, row.ports)):>14}", style(palette.muted)))
        return [justify(left, right, width)]
