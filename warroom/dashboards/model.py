"""A dashboard as it was read: panels, variables, targets, and where in the file each stood.

Invariant: everything here is a value in the classic model of the newest schema; older and newer shapes were turned
into it when they were read. What the author wrote beyond that is kept raw in `options` and `fields`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from warroom.dashboards.said import Raw

GRID: int = 24
"""Columns of Grafana's grid."""

Hiding: TypeAlias = Literal["", "label", "variable"]
VariableKind: TypeAlias = Literal[
    "query", "custom", "interval", "constant", "datasource", "textbox", "adhoc", "groupby", "switch", "unsupported"
]


class DashboardError(ValueError):
    """A file that is no dashboard that can be read: one sentence that says what it is instead."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a target or a variable asks, as the author named it: any part may be empty or hold a variable."""

    kind: str = ""
    uid: str = ""

    @property
    def is_set(self) -> bool:
        """Whether it names anything."""
        return bool(self.kind or self.uid)


@dataclass(frozen=True, slots=True)
class Target:
    """One query of a panel. `raw` is all of it, for what belongs to one kind of source only."""

    ref: str
    expr: str
    source: Source
    path: str
    instant: bool = False
    ranged: bool = True
    format: Literal["time_series", "table", "heatmap", "logs"] = "time_series"
    legend: str = ""
    hidden: bool = False
    interval: str = ""
    factor: int = 1
    limit: int = 0
    raw: Raw = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Override:
    """Properties (id and value, in order) for the fields that a matcher picks."""

    matcher: str
    options: Any
    properties: tuple[tuple[str, Any], ...]
    path: str


@dataclass(frozen=True, slots=True)
class FieldRules:
    """How the fields of a panel are shown: Grafana's `fieldConfig`, the defaults raw."""

    defaults: Raw = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True)
class Transformation:
    """One step from answers to what is shown."""

    kind: str
    options: Raw
    path: str
    disabled: bool = False
    refs: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where a panel lies on the grid of 24 columns. A unit of height is 38 pixels in Grafana."""

    x: int = 0
    y: int = 0
    w: int = 12
    h: int = 8


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `kind` is its type today, `written` the type in the file. `panels` are those of a collapsed row.

    `repeat` names the variable for each of whose values the panel is shown. `raw_links` are title and address.
    `library` is the name of a library panel that is not in the file.
    """

    id: int
    kind: str
    written: str
    title: str
    path: str
    grid: Grid = Grid()
    description: str = ""
    targets: tuple[Target, ...] = ()
    source: Source = Source()
    fields: FieldRules = FieldRules()
    options: Raw = field(default_factory=dict)
    transformations: tuple[Transformation, ...] = ()
    repeat: str = ""
    repeat_down: bool = False
    max_per_row: int = 0
    time_from: str = ""
    time_shift: str = ""
    max_points: int = 0
    interval: str = ""
    raw_links: tuple[tuple[str, str], ...] = ()
    transparent: bool = False
    collapsed: bool = False
    panels: tuple[Panel, ...] = ()
    library: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One value that a variable can have, and what people see for it."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable. `query` is what it asks or its list as written; `current` what was chosen when it was saved."""

    name: str
    kind: VariableKind
    path: str
    label: str = ""
    hiding: Hiding = ""
    query: str = ""
    raw_query: Raw = field(default_factory=dict)
    regex: str = ""
    sort: int = 0
    multi: bool = False
    has_all: bool = False
    all_value: str = ""
    current: tuple[Option, ...] = ()
    options: tuple[Option, ...] = ()
    source: Source = Source()
    auto: bool = False
    auto_count: int = 30
    auto_least: str = "10s"
    filters: tuple[tuple[str, str, str], ...] = ()
    written: str = ""


@dataclass(frozen=True, slots=True)
class Annotation:
    """A query for event markers across the dashboard."""

    name: str
    source: Source
    expr: str
    enabled: bool
    hidden: bool
    hue: str
    title: str
    text: str
    tags: tuple[str, ...]
    path: str
    step: str = ""
    built_in: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A whole dashboard. `inputs` maps the names of an export's `__inputs` to the type of source they stand for."""

    title: str
    uid: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    schema: int = 0
    timezone: str = ""
    time_from: str = "now-6h"
    time_to: str = "now"
    refresh: str = ""
    panels: tuple[Panel, ...] = ()
    variables: tuple[Variable, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    raw_links: tuple[tuple[str, str], ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)

    def every_panel(self) -> tuple[Panel, ...]:
        """All panels, those of collapsed rows after their row."""
        return tuple(one for panel in self.panels for one in (panel, *panel.panels))

    def variable(self, name: str) -> Variable | None:
        """The variable of that name."""
        return next((one for one in self.variables if one.name == name), None)
