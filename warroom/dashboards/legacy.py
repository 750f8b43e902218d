"""Panels and rows of older Grafanas, turned into what they are today: graph, singlestat, table-old, rows of spans.

Invariant: a panel of today's shape comes out as it went in; nothing here raises, whatever it is given.

The old options: https://grafana.com/docs/grafana/v6.7/features/panels/
"""

from __future__ import annotations

import re
from typing import Any

from warroom.dashboards.legacy_table import table_today
from warroom.dashboards.legacy_values import old_mappings, old_thresholds
from warroom.dashboards.said import Raw, as_number, flag, listed, number, part, parts, text

SAME_TODAY = {
    "graph": "timeseries",
    "singlestat": "stat",
    "grafana-singlestat-panel": "stat",
    "grafana-piechart-panel": "piechart",
    "heatmap-new": "heatmap",
    "natel-discrete-panel": "state-timeline",
    "flant-statusmap-panel": "status-history",
    "grafana-polystat-panel": "stat",
    "vonage-status-panel": "stat",
}
"""Panel types of the past, and plugins, that show what a type of today shows."""

_CALCS = {
    "current": "lastNotNull", "avg": "mean", "total": "sum", "min": "min", "max": "max", "first": "firstNotNull",
    "delta": "delta", "diff": "diff", "range": "range", "name": "lastNotNull", "last_time": "lastNotNull",
}  # fmt: skip
_ROW_PIXELS = re.compile(r"(\d{1,5})(?:px)?")


def today(raw: Raw) -> Raw:
    """A panel as it would be written today; its type is the new one."""
    kind = text(raw, "type")
    if kind == "table" and (listed(raw, "styles") or "columns" in raw) and "fieldConfig" not in raw:
        kind = "table-old"
    if kind == "graph":
        return _graph(raw)
    if kind in {"singlestat", "grafana-singlestat-panel"} or (kind == "stat" and "valueName" in raw):
        return _singlestat(raw)
    if kind == "table-old":
        return table_today(raw)
    if kind == "text" and "content" in raw and not part(raw, "options"):
        return {**raw, "options": {"mode": text(raw, "mode", "markdown"), "content": text(raw, "content")}}
    if kind == "heatmap" and "dataFormat" in raw and not part(raw, "options"):
        return _heatmap(raw)
    if kind in {"grafana-piechart-panel", "grafana-polystat-panel", "vonage-status-panel"}:
        return _plugin(raw, kind)
    if kind in SAME_TODAY:
        return {**raw, "type": SAME_TODAY[kind]}
    if part(raw, "options", "fieldOptions") or part(raw, "options", "valueOptions"):
        return _gauge(raw)
    return raw


def flattened(rows: list[tuple[int, Raw]]) -> list[tuple[str, Raw]]:
    """Path and panel for the rows of a schema before 16, whose panels have a `span` of twelfths and no place."""
    found: list[tuple[str, Raw]] = []
    y = 0
    titled = any(flag(row, "showTitle") or flag(row, "collapse") or text(row, "repeat") for _, row in rows)
    for at, row in rows:
        path = f"$.rows[{at}]"
        height = _units(row.get("height"), 7)
        inner: list[tuple[str, Raw]] = []
        x = 0
        top = y + 1 if titled else y
        tallest = 0
        for number_, panel in parts(row, "panels"):
            wide = int(min(max((number(panel, "span") or 4) * 2, 1), 24))
            tall = _units(panel.get("height"), height) if panel.get("height") else height
            if x + wide > 24:
                x, top, tallest = 0, top + tallest, 0
            place = {"x": x, "y": top, "w": wide, "h": tall}
            inner.append((f"{path}.panels[{number_}]", {**panel, "gridPos": place}))
            x += wide
            tallest = max(tallest, tall)
        if titled:
            title = text(row, "title") if flag(row, "showTitle") or flag(row, "collapse") else ""
            head: dict[str, Any] = {"type": "row", "title": title, "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}}
            if text(row, "repeat"):
                head["repeat"] = text(row, "repeat")
            if flag(row, "collapse"):
                head |= {"collapsed": True, "panels": [panel for _, panel in inner]}
                head["paths"] = [where for where, _ in inner]
                inner, tallest, top = [], 0, y + 1
            found.append((path, head))
        found += inner
        y = top + tallest
    return found


def _units(height: Any, default: int) -> int:
    if isinstance(height, str):
        match = _ROW_PIXELS.fullmatch(height.strip())
        height = int(match[1]) if match else None
    pixels = as_number(height)
    return default if pixels is None else int(min(max(round(pixels / 38), 2), 60))


def _graph(raw: Raw) -> Raw:
    """graph: options of lines, axes, legend and series overrides."""
    axes = [one for _, one in parts(raw, "yaxes")] or [{}]
    mode = text(part(raw, "xaxis"), "mode")
    bars, lines = flag(raw, "bars"), flag(raw, "lines", True)
    custom: dict[str, Any] = {
        "drawStyle": "bars" if bars else "line" if lines else "points",
        "lineWidth": raw.get("linewidth", 1),
        "fillOpacity": (number(raw, "fill") or 0) * 10,
        "showPoints": "always" if flag(raw, "points") else "never",
        "spanNulls": text(raw, "nullPointMode") == "connected",
        "nullAsZero": text(raw, "nullPointMode") == "null as zero",
        "lineInterpolation": "stepAfter" if flag(raw, "steppedLine") else "linear",
        "axisLabel": text(axes[0], "label"),
    }
    if flag(raw, "stack"):
        custom["stacking"] = {"mode": "percent" if flag(raw, "percentage") else "normal", "group": "A"}
    lines_of, shown = _graph_limits(raw)
    custom["thresholdsStyle"] = {"mode": shown}
    defaults = {"custom": custom, **_graph_axis(axes[0], custom), **lines_of, **part(raw, "fieldConfig", "defaults")}
    if number(raw, "decimals") is not None:
        defaults.setdefault("decimals", raw["decimals"])
    legend = part(raw, "legend")
    calcs = [calc for word, calc in _CALCS.items() if word in _LEGEND and flag(legend, word)]
    options = {
        "legend": {
            "showLegend": flag(legend, "show", True),
            "displayMode": "table" if flag(legend, "alignAsTable") else "list",
            "placement": "right" if flag(legend, "rightSide") else "bottom",
            "calcs": calcs if flag(legend, "values") else [],
        },
        "reduceOptions": {"calcs": [_CALCS.get(next(iter(listed(part(raw, "xaxis"), "values")), ""), "sum")]}
        if mode == "series"
        else {},
    }
    overrides = _graph_overrides(raw, axes[1] if len(axes) > 1 else {})
    kind = {"series": "bargauge", "histogram": "histogram"}.get(mode, "timeseries")
    rules = {"defaults": defaults, "overrides": overrides + listed(part(raw, "fieldConfig"), "overrides")}
    return {**raw, "type": kind, "options": options, "fieldConfig": rules}


_LEGEND = ("min", "max", "avg", "current", "total")


def _graph_axis(axis: Raw, custom: dict[str, Any]) -> dict[str, Any]:
    """Field properties of a y axis; what belongs to `custom` is put there."""
    if (base := number(axis, "logBase")) and base > 1:
        custom["scaleDistribution"] = {"type": "log", "log": base}
    said: dict[str, Any] = {"unit": text(axis, "format", "short")}
    said |= {key: axis[key] for key in ("min", "max", "decimals") if number(axis, key) is not None}
    return said


def _graph_limits(raw: Raw) -> tuple[dict[str, Any], str]:
    """Thresholds of a graph: with `lt` what lies below is of that colour."""
    colours = {"critical": "red", "warning": "orange", "ok": "green"}
    steps: list[dict[str, Any]] = [{"value": None, "color": "transparent"}]
    for _, one in parts(raw, "thresholds"):
        value, colour = number(one, "value"), colours.get(text(one, "colorMode"), text(one, "lineColor", "red"))
        if value is None:
            continue
        if text(one, "op") == "lt":
            steps[0]["color"] = colour
            steps.append({"value": value, "color": "transparent"})
        else:
            steps.append({"value": value, "color": colour})
    if len(steps) == 1:
        return {}, "off"
    return {"thresholds": {"mode": "absolute", "steps": steps}}, "line"


def _graph_overrides(raw: Raw, right: Raw) -> list[Any]:
    found: list[Any] = []
    for name, colour in part(raw, "aliasColors").items():
        found.append(_override("byName", name, [("color", {"mode": "fixed", "fixedColor": colour})]))
    for _, one in parts(raw, "seriesOverrides"):
        alias = text(one, "alias")
        properties: list[tuple[str, Any]] = []
        custom: dict[str, Any] = {}
        if number(one, "yaxis") == 2:
            properties += [*_graph_axis(right, custom).items(), ("custom.axisPlacement", "right")]
            properties += [(f"custom.{key}", value) for key, value in custom.items()]
            properties.append(("custom.axisLabel", text(right, "label")))
        if text(one, "transform") == "negative-Y":
            properties.append(("custom.transform", "negative-Y"))
        if text(one, "color"):
            properties.append(("color", {"mode": "fixed", "fixedColor": text(one, "color")}))
        if "stack" in one:
            stacked = bool(one["stack"])
            group = one["stack"] if isinstance(one["stack"], str) else "A"
            properties.append(("custom.stacking", {"mode": "normal" if stacked else "none", "group": group}))
        if number(one, "fill") is not None:
            properties.append(("custom.fillOpacity", (number(one, "fill") or 0) * 10))
        if flag(one, "bars"):
            properties.append(("custom.drawStyle", "bars"))
        if flag(one, "dashes"):
            properties.append(("custom.lineStyle", {"fill": "dash"}))
        if one.get("legend") is False or one.get("hiddenSeries") is True:
            hidden = {"viz": bool(one.get("hiddenSeries")), "legend": one.get("legend") is False}
            properties.append(("custom.hideFrom", hidden))
        found.append(_override("byRegexp" if alias.startswith("/") else "byName", alias, properties))
    return found


def _override(matcher: str, options: Any, properties: list[tuple[str, Any]]) -> dict[str, Any]:
    said = [{"id": name, "value": value} for name, value in properties]
    return {"matcher": {"id": matcher, "options": options}, "properties": said}


def _singlestat(raw: Raw) -> Raw:
    gauge, spark = part(raw, "gauge"), part(raw, "sparkline")
    defaults: dict[str, Any] = {"unit": text(raw, "format", "none"), "mappings": old_mappings(raw)}
    if number(raw, "decimals") is not None:
        defaults["decimals"] = raw["decimals"]
    steps = old_thresholds(text(raw, "thresholds"), listed(raw, "colors"))
    coloured = flag(raw, "colorValue") or flag(raw, "colorBackground") or flag(gauge, "show")
    if steps and coloured:
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    if text(raw, "nullText"):
        defaults["noValue"] = text(raw, "nullText")
    options: dict[str, Any] = {
        "reduceOptions": {"calcs": [_CALCS.get(text(raw, "valueName"), "mean")], "values": False},
        "graphMode": "area" if flag(spark, "show") else "none",
        "colorMode": "background" if flag(raw, "colorBackground") else "value" if coloured else "none",
        "textMode": "name" if text(raw, "valueName") == "name" else "auto",
        "prefix": text(raw, "prefix"),
        "postfix": text(raw, "postfix"),
    }
    if text(raw, "tableColumn"):
        options["reduceOptions"]["fields"] = f"/^{re.escape(text(raw, 'tableColumn'))}$/"
    if flag(gauge, "show"):
        defaults |= {"min": number(gauge, "minValue") or 0, "max": number(gauge, "maxValue") or 100}
    rules = {"defaults": defaults | dict(part(raw, "fieldConfig", "defaults")), "overrides": []}
    return {**raw, "type": "gauge" if flag(gauge, "show") else "stat", "options": options, "fieldConfig": rules}


def _plugin(raw: Raw, kind: str) -> Raw:
    """Plugins that show one number for each series."""
    calc = _CALCS.get(text(raw, "valueName"), "lastNotNull")
    unit = text(raw, "format") or text(part(raw, "polystat"), "globalUnitFormat") or "short"
    defaults = {"unit": unit, **part(raw, "fieldConfig", "defaults")}
    options = {"reduceOptions": {"calcs": [calc]}, **part(raw, "options")}
    rules = {"defaults": defaults, "overrides": listed(part(raw, "fieldConfig"), "overrides")}
    return {**raw, "type": SAME_TODAY[kind], "options": options, "fieldConfig": rules}


def _heatmap(raw: Raw) -> Raw:
    axis = part(raw, "yAxis")
    options = {
        "calculate": text(raw, "dataFormat") != "tsbuckets",
        "yAxis": {"unit": text(axis, "format", "short"), "decimals": axis.get("decimals"),
                  "reverse": flag(raw, "reverseYBuckets")},
    }  # fmt: skip
    return {**raw, "options": options, "fieldConfig": {"defaults": {}, "overrides": []}}


def _gauge(raw: Raw) -> Raw:
    """gauge, bargauge and stat of Grafana 6: their field options lay in the panel's options."""
    options = dict(part(raw, "options"))
    old, oldest = part(options, "fieldOptions"), part(options, "valueOptions")
    defaults = {**part(old, "defaults")}
    for key in ("unit", "decimals"):
        if key in oldest:
            defaults.setdefault(key, oldest[key])
    for key, places in {
        "thresholds": (old, options),
        "mappings": (old, {}),
        "min": (options,),
        "max": (options,),
    }.items():
        said = next((place[key] for place in places if place.get(key) not in (None, [])), None)
        if said is not None:
            defaults.setdefault(key, {"mode": "absolute", "steps": said} if key == "thresholds" else said)
    calcs = listed(old, "calcs") or [_CALCS.get(text(oldest, "stat"), text(oldest, "stat") or "lastNotNull")]
    options["reduceOptions"] = {"calcs": calcs, "values": flag(old, "values"), "limit": old.get("limit")}
    options |= {"prefix": text(oldest, "prefix"), "postfix": text(oldest, "suffix")}
    new = part(raw, "fieldConfig")
    merged = {"defaults": {**defaults, **part(new, "defaults")},
              "overrides": listed(old, "overrides") + listed(new, "overrides")}  # fmt: skip
    return {**raw, "options": options, "fieldConfig": merged}
