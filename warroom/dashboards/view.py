"""What every body is made of: a panel, its frames, the time shown, and how its fields are shown.

Invariant: pure; made once for a panel's answers and asked by the body that fits the panel's type.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from warroom.dashboards.fields import Show, is_hidden, show_of, with_affixes
from warroom.dashboards.model import Panel
from warroom.dashboards.said import Raw, part
from warroom.dashboards.tables import Field, Frame
from warroom.dashboards.units import HERE, Locale
from warroom.dashboards.values import Scope

_COLOURING = dict.fromkeys(
    ("timeseries", "trend", "xychart", "candlestick", "piechart", "histogram", "barchart"), "palette-classic"
)
"""The colour mode of panel types where each series has a colour of its own, whatever its value."""


@dataclass(frozen=True)
class Column:
    """A field with its frame and with how it is shown."""

    frame: Frame
    field: Field
    show: Show


@dataclass(frozen=True)
class View:
    """A panel with what it shows. `start` and `end` are the window in seconds since the epoch, shifted back."""

    panel: Panel
    scope: Scope
    frames: tuple[Frame, ...]
    start: float
    end: float
    here: Locale = HERE
    notes: list[str] = field(default_factory=list)

    @property
    def options(self) -> Raw:
        """The panel's own options."""
        return self.panel.options

    def option(self, *keys: str) -> Raw:
        """An object within the options."""
        return part(self.panel.options, *keys)

    def show(self, frame: Frame, one: Field) -> Show:
        """How a field is shown."""
        return with_affixes(
            show_of(
                self.panel.fields, frame, one, self.scope, self.here, _COLOURING.get(self.panel.kind, "thresholds")
            ),
            self.options,
        )

    def columns(self, *, numeric: bool = True, times: bool = False) -> Iterator[Column]:
        """The fields to draw, without those that the author hid, and without times where they are not asked for."""
        for frame in self.frames:
            for one in frame.fields:
                if one.kind == "time" and not times:
                    continue
                if numeric and one.kind not in {"number", "bool"}:
                    continue
                show = self.show(frame, one)
                if not is_hidden(show):
                    yield Column(frame, one, show)

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest of all numbers; 0 and 100 where there is none."""
        low, high = math.inf, -math.inf
        for frame in self.frames:
            for one in frame.numeric:
                kept = [value for value in one.numbers if value is not None and math.isfinite(value)]
                if kept:
                    low, high = min(low, *kept), max(high, *kept)
        return (low, high) if low <= high else (0.0, 100.0)
