"""The table of Grafana before 7: column styles become field overrides, `transform` becomes transformations.

Invariant: nothing here raises, whatever it is given. Of several styles that fit a column the first counts, as it did.
"""

from __future__ import annotations

import re
from typing import Any

from warroom.dashboards.legacy_values import has_old_mappings, old_mappings, old_thresholds
from warroom.dashboards.said import Raw, as_number, flag, listed, number, part, parts, text

_AGGREGATES = {"avg": "mean", "current": "lastNotNull", "total": "sum", "min": "min", "max": "max", "count": "count"}


def table_today(raw: Raw) -> Raw:
    """An old table panel as a table of today."""
    overrides = [_override(style) for _, style in reversed(parts(raw, "styles"))]
    options: dict[str, Any] = {"showHeader": flag(raw, "showHeader", True)}
    steps: list[dict[str, Any]] = []
    match text(raw, "transform"):
        case "timeseries_aggregations":
            calcs = [_AGGREGATES.get(text(one, "value"), text(one, "value")) for _, one in parts(raw, "columns")]
            steps.append({"id": "reduce", "options": {"reducers": calcs or ["mean"], "mode": "seriesToRows"}})
        case "timeseries_to_rows":
            steps.append({"id": "seriesToRows", "options": {}})
        case "timeseries_to_columns":
            steps.append({"id": "joinByField", "options": {"byField": "Time", "mode": "outer"}})
        case "table" | "json":
            steps.append({"id": "merge", "options": {}})
    sort = part(raw, "sort")
    column = number(sort, "col")
    if column is not None:
        options["sortBy"] = [{"column": int(column), "desc": flag(sort, "desc")}]
    rules = {"defaults": {}, "overrides": overrides}
    return {**raw, "type": "table", "options": options, "fieldConfig": rules, "transformations": steps}


def _override(style: Raw) -> dict[str, Any]:
    pattern = text(style, "pattern")
    if not pattern.startswith("/"):
        pattern = f"/^{re.escape(pattern)}$/"
    properties: list[tuple[str, Any]] = []
    kind = text(style, "type")
    if kind == "hidden":
        properties.append(("custom.hidden", True))
    if text(style, "alias"):
        properties.append(("displayName", text(style, "alias")))
    if kind == "number":
        properties.append(("unit", text(style, "unit", "none")))
        if (decimals := as_number(style.get("decimals"))) is not None:
            properties.append(("decimals", decimals))
    if kind == "date":
        properties.append(("unit", "time: " + text(style, "dateFormat", "YYYY-MM-DD HH:mm:ss")))
    steps = old_thresholds(listed(style, "thresholds"), listed(style, "colors"))
    mode = text(style, "colorMode")
    if steps and mode in {"cell", "value", "row"}:
        properties.append(("thresholds", {"mode": "absolute", "steps": steps}))
        cell = "color-text" if mode == "value" else "color-background"
        properties.append(("custom.cellOptions", {"type": cell}))
    if has_old_mappings(style):
        properties.append(("mappings", old_mappings(style)))
    if text(style, "align") not in {"", "auto"}:
        properties.append(("custom.align", text(style, "align")))
    said = [{"id": name, "value": value} for name, value in properties]
    return {"matcher": {"id": "byRegexp", "options": pattern}, "properties": said}
