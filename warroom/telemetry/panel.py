"""What a panel asks for: one expression of one source, over one window, on one grid of times.

Invariant: a panel's id is derived from all of its content, so two panels are the same exactly when they are
equal, on every server and after every restart; and so is its grid, so that everybody sees the same columns.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Level = Literal["warning", "critical"]
Unit = Literal["none", "ratio", "seconds", "per_second", "bytes", "cores", "bool", "count"]

UNITS: tuple[Unit, ...] = ("none", "ratio", "seconds", "per_second", "bytes", "cores", "bool", "count")
MAX_COLUMNS = 11_000
"""Points per series that Prometheus grants to one range query (its own fixed limit)."""

_LEGEND_SLOT = re.compile(r"\{\{\s*([^\s{}]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Threshold:
    """A line across the chart: crossing `value` in the direction of `above` is of that level."""

    value: float
    level: Level = "critical"
    above: bool = True


@dataclass(frozen=True)
class Panel:
    """One chart: what to ask, of whom, how often and how to name the answer.

    `step` (seconds between two columns, and between two questions) and `window` (seconds shown) are positive;
    the window is rounded down to whole steps. `legend` is a template such as `{{instance}}`; empty means all
    labels.
    Raises ValueError with one sentence when a number cannot work.
    """

    title: str
    expr: str
    legend: str = ""
    unit: Unit = "none"
    step: float = 15.0
    window: float = 3600.0
    thresholds: tuple[Threshold, ...] = ()
    source: str = "prometheus"
    description: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.expr.strip():
            raise ValueError("a panel needs an expression to ask for")
        if not (math.isfinite(self.step) and self.step > 0):
            raise ValueError(f"step is {self.step}; it must be a positive number of seconds")
        if abs(self.step * 1000 - round(self.step * 1000)) > 1e-6:
            raise ValueError(f"step is {self.step}; it must be whole milliseconds, which is what Prometheus keeps")
        if not (math.isfinite(self.window) and self.window >= self.step):
            raise ValueError(f"window is {self.window}; it must be at least one step ({self.step} s)")
        if self.columns > MAX_COLUMNS:
            raise ValueError(
                f"window / step is {self.columns} points and Prometheus answers at most {MAX_COLUMNS}; "
                "use a longer step"
            )

    @property
    def columns(self) -> int:
        """How many grid times the window holds."""
        return int(self.window / self.step + 1e-9)

    @cached_property
    def id(self) -> str:
        """`p-` and 16 hex digits of the SHA-256 over the content (`description` is no content)."""
        content = [
            self.title,
            self.expr,
            self.legend,
            self.unit,
            float(self.step),
            float(self.window),
            [[float(line.value), line.level, line.above] for line in self.thresholds],
            self.source,
        ]
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return "p-" + hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def phase(self) -> float:
        """Seconds (0 <= phase < step, whole milliseconds) by which this grid lies after multiples of step.

        Panels with the same step are thereby asked at different moments, and each is asked at the very time
        of its newest column: a sample is on the chart at most one step after Prometheus has it.
        """
        return (int(self.id[2:10], 16) % round(self.step * 1000)) / 1000

    def column_at(self, at: float) -> int:
        """Number of the newest column at or before `at` (seconds since the epoch)."""
        return math.floor((at - self.phase) / self.step + 1e-6)

    def time_of(self, column: int) -> float:
        """Time of a column in seconds since the epoch, rounded to the milliseconds that Prometheus keeps."""
        return round(column * self.step + self.phase, 3)

    def legend_of(self, labels: Mapping[str, str]) -> str:
        """Name of a series on the chart; a label that the series lacks leaves its slot empty."""
        if self.legend:
            return _LEGEND_SLOT.sub(lambda slot: labels.get(slot[1], ""), self.legend)
        name = labels.get("__name__", "")
        rest = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()) if key != "__name__")
        if not rest:
            return name or self.title
        return f"{name}{{{rest}}}" if name else rest
