"""What all telemetry panes of one incident share: the time range, the cursor, and how times are told.

Invariant: a pane that is linked shows the shared range; one that is not has a range of its own and changes no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from warroom.tui.explore.range import TimeRange

MOST_QUERIES = 100
"""Queries remembered for each pane."""


@dataclass
class Shared:
    """One for each incident and console. `cursor` is seconds since the epoch, or None.

    `queries` are what was asked in each pane, newest last; `last` is what each pane showed when it was left.
    """

    range: TimeRange = field(default_factory=TimeRange)
    cursor: float | None = None
    utc: bool = False
    own_ranges: dict[str, TimeRange] = field(default_factory=dict)
    queries: dict[str, list[str]] = field(default_factory=dict)
    last: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def range_of(self, pane: str) -> TimeRange:
        """The range this pane shows."""
        return self.own_ranges.get(pane, self.range)

    def set_range(self, pane: str, new: TimeRange) -> None:
        """Another range for this pane, and for all that are linked if it is."""
        if pane in self.own_ranges:
            self.own_ranges[pane] = new
        else:
            self.range = new

    def is_linked(self, pane: str) -> bool:
        """Whether the pane goes with the others."""
        return pane not in self.own_ranges

    def toggle_link(self, pane: str) -> bool:
        """Give the pane a range of its own, or take it back; returns whether it is linked now."""
        if pane in self.own_ranges:
            del self.own_ranges[pane]
            return True
        self.own_ranges[pane] = self.range
        return False

    def asked(self, pane: str, query: str) -> None:
        """Remember a query of this pane; the same one again moves to the end."""
        known = self.queries.setdefault(pane, [])
        if query in known:
            known.remove(query)
        known.append(query)
        del known[:-MOST_QUERIES]
