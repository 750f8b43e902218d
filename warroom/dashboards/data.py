"""What a panel shows, ready to draw and without a colour or a cell in it.

`PanelData` is the end of the pure pipeline: a title, and one `body` of one of the classes below. Whoever draws it
needs nothing else of this package, except `warroom.dashboards.units.shown` for the numbers on an axis.

Invariant: every text is final (units, decimals, value mappings and display names are applied), contains no control
character, and every class is a frozen value: equal data need no second drawing. Times are seconds since the epoch.

A body by panel type:

| body | Grafana panel types |
|---|---|
| `Chart` | timeseries, graph, trend, xychart over time |
| `Readings` | stat, singlestat, gauge, bargauge, piechart, barchart |
| `Table` | table, table-old |
| `Heat` | heatmap |
| `Histogram` | histogram |
| `States` | state-timeline, status-history |
| `Logs` | logs |
| `Words` | text |
| `Listing` | alertlist, annolist, dashlist, news: the caller has the rows, this says which |
| `RowTitle` | row |
| `Box` | everything that cannot be drawn, with the reason |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["", "ok", "warning", "critical"]
"""What thresholds or value mappings say about a value; empty where they say nothing."""

Hue: TypeAlias = Literal["", "red", "orange", "yellow", "green", "blue", "purple", "grey"]
"""The colour that the dashboard's author chose, as the nearest of seven names; empty is the drawer's own choice."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How a value is set off: by level for meaning, by hue for looks."""

    level: Level = ""
    hue: Hue = ""


PLAIN = Mark()


@dataclass(frozen=True, slots=True)
class Limit:
    """One threshold step: from `value` (None is below all others, the base) upwards values are marked so."""

    value: float | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class Reading:
    """One value under its name. `value` is None where there is none; `text` says it in its unit, or says `noValue`."""

    name: str
    value: float | None
    text: str
    mark: Mark = PLAIN


@dataclass(frozen=True, slots=True)
class Axis:
    """A value axis. `low` and `high` are None where the data decide; `log` is 0 (linear), 2 or 10.

    `unit` is a unit id and `decimals` the digits after the point (None: as many as it needs), both for
    `units.shown`.
    """

    unit: str = ""
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    log: int = 0
    label: str = ""
    right: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart: `values[i]` was at `times[i]` (ascending); None is a gap.

    `times` is one shared object for the series of one answer. `axis` is an index into `Chart.axes`. `stack` names
    the group whose members are drawn on top of each other; empty is not stacked. `fill` (0 to 1) is the strength of
    the area, `dashed` and `draw` say how the line looks. `joins_gaps`: draw through None. `below`: index in
    `Chart.lines` of the line down to which the area is filled, or None for the axis.
    `legend` has the values that the legend lists for it, such as `Mean` and `Max`.
    """

    name: str
    times: tuple[float, ...]
    values: tuple[float | None, ...]
    unit: str = ""
    decimals: int | None = None
    axis: int = 0
    draw: Literal["line", "steps", "bars", "points"] = "line"
    points: bool = False
    fill: float = 0.0
    dashed: bool = False
    stack: str = ""
    joins_gaps: bool = False
    below: int | None = None
    hue: Hue = ""
    in_legend: bool = True
    legend: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over time from `start` to `end`.

    `stacking` "percent": every stack is scaled to 1. `limits` are ascending, and empty where their author shows none;
    they are to be drawn as lines or areas only when `show_limits` is set, and say the level of a value anyway.
    `legend` is where the legend stands.
    """

    lines: tuple[Line, ...]
    axes: tuple[Axis, ...]
    start: float
    end: float
    stacking: Literal["", "normal", "percent"] = ""
    limits: tuple[Limit, ...] = ()
    show_limits: Literal["", "lines", "areas"] = ""
    legend: Literal["", "list", "table"] = "list"
    legend_side: Literal["bottom", "right"] = "bottom"


@dataclass(frozen=True, slots=True)
class Tile:
    """One number of a stat, gauge, bar or slice. `share` (0 to 1) is where it lies between low and high, or its part
    of the whole for slices; None where it has no value. `spark` is the line behind it (None: no graph asked for).
    """

    reading: Reading
    share: float | None = None
    spark: Line | None = None
    change: str = ""


@dataclass(frozen=True, slots=True)
class Readings:
    """A few numbers: `style` says in which shape. For `gauge` and `bars`, `low`/`high` are the ends of the scale.

    `text_is`: which of name and value to write; `tint`: what the mark colours. `upright`: bars stand.
    """

    style: Literal["stat", "gauge", "bars", "slices"]
    tiles: tuple[Tile, ...]
    limits: tuple[Limit, ...] = ()
    low: float | None = None
    high: float | None = None
    unit: str = ""
    decimals: int | None = None
    text_is: Literal["auto", "value", "value_and_name", "name", "none"] = "auto"
    tint: Literal["", "value", "background"] = "value"
    upright: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table. `value` is for sorting; `share` (0 to 1) for cells drawn as gauges."""

    text: str
    value: float | str | None = None
    mark: Mark = PLAIN
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column. `width` is in pixels as the author set it (0: none set). `style` says how cells are drawn."""

    name: str
    numeric: bool = False
    width: int = 0
    align: Literal["auto", "left", "center", "right"] = "auto"
    style: Literal["text", "tint", "background", "gauge"] = "text"
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, each as long as `columns`. `footer` is empty where none is asked for."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    footer: tuple[str, ...] = ()
    header: bool = True


@dataclass(frozen=True, slots=True)
class Heat:
    """`cells[bucket][time]` is how much fell into that bucket (None: no sample); `buckets` are named low to high.

    `bounds[i]` is the upper edge of bucket i (infinite for the last, None where the name is no number).
    `low` and `high` are the least and the greatest cell: the ends of the colour scale. `unit` is of the buckets.
    """

    times: tuple[float, ...]
    buckets: tuple[str, ...]
    bounds: tuple[float | None, ...]
    cells: tuple[tuple[float | None, ...], ...]
    low: float
    high: float
    start: float
    end: float
    unit: str = ""
    cell_unit: str = ""


@dataclass(frozen=True, slots=True)
class Bin:
    """A bar of a histogram: from `low` (inclusive) to `high` (exclusive), one count for each name."""

    low: float
    high: float
    text: str
    counts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often values occurred. `names` are the series, in the order of each bin's counts."""

    names: tuple[str, ...]
    bins: tuple[Bin, ...]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """A state that held from `start` to `end`."""

    start: float
    end: float
    text: str
    mark: Mark = PLAIN


@dataclass(frozen=True, slots=True)
class StateRow:
    """One series as the states it went through; times without a sample are in no segment."""

    name: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class States:
    """States over time. `merged` is false for a status history, where every sample is a box of its own."""

    rows: tuple[StateRow, ...]
    start: float
    end: float
    merged: bool = True
    show_text: bool = True


@dataclass(frozen=True, slots=True)
class LogRow:
    """A log line. `level` is one of trace, debug, info, warn, error, fatal, unknown."""

    at: float
    text: str
    level: str = "unknown"
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Logs:
    """Log lines in the order to show them."""

    rows: tuple[LogRow, ...]
    newest_first: bool = True
    show_time: bool = True
    show_labels: bool = False
    wrap: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """Text in lines. `markdown` is what the author wrote where it was Markdown, for a drawer that can do more."""

    text: str
    markdown: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """Which rows of its own the caller is to list: `states` and `labels` (name, operator, value) filter alerts,
    `tags` annotations and dashboards. `query` is a text to search for, `most` the number of rows.
    """

    what: Literal["alerts", "annotations", "dashboards", "news"]
    most: int = 20
    query: str = ""
    tags: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    labels: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RowTitle:
    """A row's heading. `hidden` panels lie under it while it is collapsed."""

    collapsed: bool = False
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Box:
    """What cannot be drawn, and why, in one sentence."""

    reason: str


Body: TypeAlias = Chart | Readings | Table | Heat | Histogram | States | Logs | Words | Listing | RowTitle | Box


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a panel or a dashboard, variables replaced."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class PanelData:
    """One panel, ready to draw.

    `kind` is Grafana's panel type. `empty` is set when the sources had nothing (the body is then an empty one), and
    `no_value` is the text for that. `errors` are the sentences of queries that failed; what the others answered is
    shown. `notes` say what of the panel is not done here, and the sources' own warnings. `time_note` is the panel's
    own window where it has one, such as `Last 2h` or `1d earlier`.
    """

    title: str
    kind: str
    body: Body
    description: str = ""
    links: tuple[Link, ...] = ()
    empty: bool = False
    no_value: str = "No data"
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    time_note: str = ""
    transparent: bool = False
