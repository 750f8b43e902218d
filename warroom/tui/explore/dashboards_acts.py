"""What a panel of a dashboard becomes elsewhere: evidence, a panel of the room's board, a query of another pane.

Invariant: pure; made of what the panel shows and of the queries it was asked with.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from warroom.dashboards.data import Chart, Heat, Line, Logs, PanelData, Readings, States, Table
from warroom.dashboards.queries import Query

MOST_SERIES = 20
MOST_POINTS = 2000
_UNITS = {
    "percentunit": "ratio",
    "s": "seconds",
    "bytes": "bytes",
    "decbytes": "bytes",
    "reqps": "per_second",
    "ops": "per_second",
    "cps": "per_second",
    "rps": "per_second",
    "bool": "bool",
}


def board_unit(unit: str) -> str:
    """Grafana's unit in the words of the room's board; `none` for one it has no word for."""
    return _UNITS.get(unit, "none")


def unit_of(data: PanelData) -> str:
    """The unit that a panel's values are in, as Grafana calls it."""
    body = data.body
    if isinstance(body, Chart):
        return body.axes[0].unit if body.axes else ""
    return body.unit if isinstance(body, Readings | Heat) else ""


def evidence_of(data: PanelData, queries: Sequence[Query], start: float, end: float) -> dict[str, Any] | None:
    """The evidence of a `pin-evidence` command: what the panel shows, with its data; None with nothing to keep."""
    if not queries:
        return None
    common: dict[str, Any] = {
        "title": (data.title or data.kind)[:190],
        "query": "; ".join(dict.fromkeys(one.expr for one in queries))[:4000],
        "source": queries[0].kind,
        "start": datetime.fromtimestamp(start, UTC).isoformat(),
        "end": datetime.fromtimestamp(end, UTC).isoformat(),
    }
    if isinstance(data.body, Logs):
        kept = _logs(data.body)
        return {**common, "kind": "logs", "data": kept} if kept else None
    series = _series(data, end)
    if not series:
        return None
    return {**common, "unit": unit_of(data)[:40], "step_seconds": queries[0].step, "series": series}


def _series(data: PanelData, end: float) -> list[dict[str, Any]]:
    body = data.body
    if isinstance(body, Chart):
        return [_line(one) for one in body.lines[:MOST_SERIES]]
    if isinstance(body, Heat):
        rows = zip(body.buckets, body.cells, strict=False)
        return [_points(name, body.times, row) for name, row in list(rows)[-MOST_SERIES:]]
    if isinstance(body, Readings):
        return [
            _line(one.spark, one.reading.name) if one.spark else _points(one.reading.name, (end,), (one.reading.value,))
            for one in body.tiles[:MOST_SERIES]
        ]
    if isinstance(body, Table):
        return _cells(body, end)
    if isinstance(body, States):
        return [
            _points(f"{row.name}: {one.text}", (one.start, one.end), (1.0, 1.0))
            for row in body.rows
            for one in row.segments
        ][:MOST_SERIES]
    return []


def _cells(body: Table, end: float) -> list[dict[str, Any]]:
    """The numbers of a table, each under the words of its row and the name of its column."""
    found = []
    for row in body.rows:
        words = " ".join(cell.text for cell, column in zip(row, body.columns, strict=False) if not column.numeric)
        for cell, column in zip(row, body.columns, strict=False):
            if column.numeric and isinstance(cell.value, int | float):
                found.append(_points(f"{words} {column.name}".strip(), (end,), (float(cell.value),)))
    return found[:MOST_SERIES]


def _line(line: Line, name: str = "") -> dict[str, Any]:
    return _points(name or line.name, line.times, line.values)


def _points(name: str, times: Sequence[float], values: Sequence[float | None]) -> dict[str, Any]:
    kept = [value if value is not None and value - value == 0 else None for value in values[-MOST_POINTS:]]
    return {"label": name[:190] or "value", "times": list(times[-MOST_POINTS:]), "values": kept}


def _logs(body: Logs) -> str:
    """The lines as the logs pane reads them, as many as a piece of evidence holds."""
    from warroom.incident.observed import fitted
    from warroom.telemetry import shapes
    from warroom.telemetry.logs import LogLine, LogPage

    rows = sorted(body.rows, key=lambda row: row.at)
    lines = tuple(LogLine(round(row.at * 1e9), row.text, row.labels) for row in rows)
    return fitted("logs", shapes.plain(LogPage(lines))) if lines else ""


def board_panel(data: PanelData, query: Query, span: float) -> dict[str, Any]:
    """A query as a panel of the room's board."""
    return {
        "title": (data.title or query.expr)[:90],
        "query": query.expr,
        "source": query.kind,
        "unit": board_unit(unit_of(data)),
        "window": int(min(max(span, 60), 7 * 86_400)),
        "step": max(1, int(query.step)),
    }


def pane_of(queries: Sequence[Query], unit: str) -> tuple[str, dict[str, Any]]:
    """The pane that a panel's queries are explored in, and what it is to show, without the time."""
    if queries[0].kind == "loki" and queries[0].format == "logs":
        return "logs", {"pane": "logs", "query": queries[0].expr}
    shown = {
        "pane": "metrics",
        "queries": list(dict.fromkeys(one.expr for one in queries if one.kind == queries[0].kind))[:6],
        "source": queries[0].kind,
        "unit": {"none": "", "per_second": "per_second"}.get(board_unit(unit), board_unit(unit)),
    }
    return "metrics", shown
