"""The queries of a panel: which expressions, over which time, on which grid, of whom.

Invariant: pure; the times are given. Queries of hidden targets are made only when an expression needs them.

Steps: https://grafana.com/docs/grafana/latest/datasources/prometheus/query-editor/#min-step
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from warroom.dashboards.adhoc import with_filters
from warroom.dashboards.model import Dashboard, Panel, Target
from warroom.dashboards.moments import moment, span
from warroom.dashboards.said import part, text
from warroom.dashboards.sources import NO_BOOK, Book, source_of
from warroom.dashboards.support import NEEDS_NO_QUERY, support_of
from warroom.dashboards.values import Scope, fill_query, fill_text, variables_in

MOST_POINTS: Final = 11_000
DEFAULT_COLUMNS: Final = 240
_ROUND_STEPS: Final = (
    0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600,
    7200, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000, 31_536_000,
)  # fmt: skip
_REFERENCE: Final = re.compile(r"\$\{?([A-Za-z]\w*)\}?")


@dataclass(frozen=True, slots=True)
class Query:
    """One question to a source.

    `ref` names it within the panel; `source` is what the author called the source (may hold a variable, empty for the
    default). `range`: from `start` to `end` (seconds since the epoch, whole steps) every `step` seconds; `instant`:
    at `end`. Loki queries give lines (`format` logs) or numbers; `limit` is the number of lines, 0 the default.
    `shift` (seconds) was already taken off the times: what comes back has to be shown that much later.
    """

    ref: str
    kind: Literal["prometheus", "loki"]
    source: str
    expr: str
    mode: Literal["instant", "range"]
    start: float
    end: float
    step: float
    legend: str
    format: Literal["time_series", "table", "heatmap", "logs"]
    limit: int = 0
    hidden: bool = False
    shift: float = 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What a panel needs: its queries, and why others of its targets cannot be asked."""

    queries: tuple[Query, ...]
    refused: tuple[str, ...] = ()


def panel_span(panel: Panel, scope: Scope) -> tuple[float, float, float]:
    """Start and end of a panel's own window and by how much it was shifted back, in seconds."""
    start, end = scope.start, scope.end
    own = fill_text(panel.time_from, scope).strip()
    if own:
        length = span(own.removeprefix("now-"))
        begin = moment(own, end) if own.startswith("now") else None
        if length is not None:
            start = end - length
        elif begin is not None and begin < end:
            start = begin
    shift = span(fill_text(panel.time_shift, scope).strip().removeprefix("-")) or 0.0
    return start - shift, end - shift, shift


def step_of(panel: Panel, target: Target, scope: Scope, columns: int = DEFAULT_COLUMNS) -> float:
    """Seconds between two points: a round step that fills `columns` (or the panel's own number of points), not below
    the panel's and the target's own least one, nor below what the source answers at once.
    """
    start, end, _ = panel_span(panel, scope)
    length = max(end - start, 1.0)
    points = min(panel.max_points or columns, MOST_POINTS)
    least = max(span(fill_text(panel.interval, scope)) or 0.0, 0.0) or scope.scrape
    own = span(fill_text(target.interval, scope)) or 0.0
    step = max(round_step(length / max(points, 1)), own or least)
    return max(step * target.factor, math.ceil(length / MOST_POINTS))


def round_step(seconds: float) -> float:
    """The round step nearest to a length (in a sense of ratios): 7 s is 5 s, 8 s is 10 s."""
    for at, one in enumerate(_ROUND_STEPS[:-1]):
        if seconds < (one + _ROUND_STEPS[at + 1]) / 2:
            return one
    return _ROUND_STEPS[-1]


def queries(
    dashboard: Dashboard, panel: Panel, scope: Scope, *, columns: int = DEFAULT_COLUMNS, book: Book = NO_BOOK
) -> Asked:
    """What to ask for a panel. `columns` is the number of points that it has room for."""
    if panel.kind in NEEDS_NO_QUERY or not support_of(panel.kind).drawn or panel.library:
        return Asked(())
    shared = _shared(dashboard, panel)
    if shared is not None:
        panel = replace(panel, targets=shared.targets, source=shared.source)
    needed = _needed(dashboard, panel, book)
    asked: list[Query] = []
    refused: list[str] = []
    for target in panel.targets:
        found = source_of(dashboard, panel, target, book)
        if (target.hidden and target.ref not in needed) or found.kind in {"expression", "dashboard"}:
            continue
        if found.kind not in {"prometheus", "loki"}:
            refused.append(f"query {target.ref} asks {found.type or 'a source'}, which is not supported")
            continue
        try:
            asked += _queries_of(dashboard, panel, target, scope, found.kind == "loki", columns)
        except ValueError as wrong:
            refused.append(f"query {target.ref}: {wrong}")
    return Asked(tuple(asked), tuple(refused))


def _shared(dashboard: Dashboard, panel: Panel) -> Panel | None:
    """The panel whose queries a panel uses (`-- Dashboard --`)."""
    for target in panel.targets:
        wanted = target.raw.get("panelId")
        if target.source.uid.startswith("-- Dashboard --") and isinstance(wanted, int):
            return next((one for one in dashboard.every_panel() if one.id == wanted and one is not panel), None)
    return None


def _needed(dashboard: Dashboard, panel: Panel, book: Book) -> frozenset[str]:
    """The refs that expressions of the panel work on."""
    found: set[str] = set()
    for target in panel.targets:
        if source_of(dashboard, panel, target, book).kind == "expression":
            found |= set(_REFERENCE.findall(text(target.raw, "expression")))
            found.add(text(target.raw, "expression"))
    found |= {name for one in panel.transformations for name in (text(part(one.options), "refId"),) if name}
    return frozenset(found)


def _queries_of(
    dashboard: Dashboard, panel: Panel, target: Target, scope: Scope, loki: bool, columns: int
) -> list[Query]:
    if not target.expr.strip():
        return []
    start, end, shift = panel_span(panel, scope)
    step = step_of(panel, target, scope, columns)
    own = replace(scope, step=step, start=start, end=end)
    expr = with_filters(fill_query(target.expr, own), filters_of(dashboard, scope))
    lines = loki and is_log_query(expr)
    begin, last = math.floor(start / step) * step, math.floor(end / step) * step
    if lines:
        begin, last = start, end
    instant = target.instant and not (target.ranged and panel.kind not in _ONE_TIME)
    return [
        Query(
            ref=target.ref,
            kind="loki" if loki else "prometheus",
            source=target.source.uid or panel.source.uid,
            expr=expr,
            mode="instant" if instant and not lines else "range",
            start=begin,
            end=end if instant else last,
            step=step,
            legend=fill_text(target.legend, own),
            format="logs" if lines else target.format,
            limit=target.limit,
            hidden=target.hidden,
            shift=shift,
        )
    ]


_ONE_TIME: Final = frozenset({"table", "gauge", "bargauge", "piechart", "barchart"})
"""Types for which, of a query asked both ways, the newest values alone are enough."""

_AGGREGATES: Final = re.compile(
    r"\b(rate|bytes_rate|count_over_time|bytes_over_time|absent_over_time|rate_counter|\w+_over_time|sum|avg|min|max"
    r"|count|stddev|stdvar|topk|bottomk|quantile|vector|label_replace|sort|sort_desc)\s*(?:\(|by\b|without\b)"
)


def is_log_query(expr: str) -> bool:
    """Whether a LogQL expression gives lines and not numbers: it starts with its stream selector."""
    said = expr.lstrip("( \t\n")
    return said.startswith("{") and not _AGGREGATES.match(said)


def filters_of(dashboard: Dashboard, scope: Scope) -> tuple[tuple[str, str, str], ...]:
    """The ad hoc filters in force: those saved with the dashboard's ad hoc variables."""
    return tuple(
        (name, sign, fill_text(value, scope))
        for variable in dashboard.variables
        if variable.kind == "adhoc"
        for name, sign, value in variable.filters
    )


def unknown_variables(dashboard: Dashboard, said: str, more: Mapping[str, object] | None = None) -> tuple[str, ...]:
    """The names in a text that are neither variables of the dashboard nor Grafana's own."""
    scope = Scope({}, 0.0, 3600.0)
    known = {one.name for one in dashboard.variables} | set(more or {})
    return tuple(
        name
        for name in variables_in(said)
        if name not in known and scope.built_in(name) is None and not name.isdigit() and not name.startswith("__")
    )
