"""The head of a telemetry pane: which pane, which incident, the query, and the time range with its state.

Invariant: the range and whether it is live are never cut; the query gives way first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.line import Line, Span, crop, justify, safe, width_of

_LEAST_NOTE = 12
"""Cells below which a note says nothing."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the head says; two rows."""

    title: str
    incident: str
    severity: str
    query: str
    range_label: str
    live: bool
    linked: bool
    zone: str
    busy: bool
    note: str = ""

    def paint(self, width: int, palette: Palette) -> Sequence[Line]:
        """The rows for a width."""
        g = glyphs()
        left: list[Span] = [
            (f" {g.diamond} ", style(palette.accent)),
            (f"{self.incident} ", style(palette.text, bold=True)),
        ]
        if self.severity and self.severity != "unset":
            left.append((f" {self.severity} ", palette.filled(palette.severity(self.severity))))
        left.append((f"  {self.title}", style(palette.accent, bold=True)))
        right = self._range(palette)
        room = width - width_of(left) - width_of(right) - 1
        if self.note and room >= _LEAST_NOTE:
            left += crop([(f"  {safe(self.note)}", style(palette.soft))], room)
        return [justify(left, right, width), self._query(width, palette)]

    def _range(self, palette: Palette) -> list[Span]:
        g = glyphs()
        state, colour = ("live", palette.good) if self.live else ("paused", palette.warn)
        right: list[Span] = []
        if self.busy:
            right.append((f"asking{g.ellipsis}  ", style(palette.muted)))
        right += [
            (f"{self.range_label} ", style(palette.text, bold=True)),
            (f"{self.zone} ", style(palette.muted)),
            (f"{g.dot if self.live else g.ring} {state} ", style(colour)),
        ]
        if not self.linked:
            right.append(("own range ", style(palette.warn)))
        return right

    def _query(self, width: int, palette: Palette) -> Line:
        if not self.query:
            return []
        room = max(4, width - 4)
        text = safe(self.query)
        if len(text) > room:
            text = text[: room - 1] + glyphs().ellipsis
        return [(" > ", style(palette.muted)), (text, style(palette.text))]
