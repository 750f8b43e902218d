"""Pinned series in the metrics pane: drawn from the log, to be zoomed and read like any others.

Invariant: while evidence is shown nothing is asked and nothing is watched; going live, or another query, ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warroom.tui.explore.exemplars import ExemplarKeys
from warroom.tui.explore.range import TimeRange
from warroom.tui.widgets.chart import Series


@dataclass(frozen=True, slots=True)
class Pinned:
    """`range` is the part that is looked at; `step` in seconds."""

    number: int
    title: str
    series: tuple[Series, ...]
    range: TimeRange
    step: float


def pinned_of(shown: Mapping[str, Any]) -> Pinned:
    """The evidence that a `shown` brings. Raises KeyError, TypeError or ValueError where it brings none."""
    start, end = float(shown["start"]), float(shown["end"])
    return Pinned(
        number=int(shown.get("evidence") or 0),
        title=str(shown.get("title") or shown["query"]),
        series=tuple(Series(str(label), tuple(times), tuple(values)) for label, times, values in shown["series"]),
        range=TimeRange(max(1.0, end - start), end),
        step=float(shown.get("step") or 15.0),
    )


class PinnedSeries(ExemplarKeys):
    """The part of the metrics pane that shows evidence."""

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.pinned: Pinned | None = None

    @property
    def range(self) -> TimeRange:
        return self.pinned.range if self.pinned is not None else super().range

    def set_range(self, new: TimeRange) -> None:
        pinned = self.pinned
        if pinned is None:
            super().set_range(new)
        elif not new.live:
            self.pinned = Pinned(pinned.number, pinned.title, pinned.series, new, pinned.step)
            self._draw()
            self.redraw_head()
        else:
            self.unpin()
            if new == self.range:
                self.range_changed()
            else:
                super().set_range(new)

    def unpin(self) -> None:
        """Show what the server says again."""
        self.pinned, self.opened = None, None
