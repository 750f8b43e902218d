"""The dashboard schema v2 (`elements` and `layout`), turned into the classic model that everything here reads.

Invariant: nothing here raises, whatever it is given. Each panel keeps the path of its element in the file.

Schema: https://github.com/grafana/grafana/tree/main/packages/grafana-schema/src/schema/dashboard/v2beta1
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from warroom.dashboards.said import Raw, flag, listed, number, part, parts, text, whole

_DEEPEST = 4
_KINDS = {
    "QueryVariable": "query", "CustomVariable": "custom", "IntervalVariable": "interval", "TextVariable": "textbox",
    "ConstantVariable": "constant", "DatasourceVariable": "datasource", "AdhocVariable": "adhoc",
    "GroupByVariable": "groupby", "SwitchVariable": "switch",
}  # fmt: skip


def is_newer(spec: Raw) -> bool:
    """Whether a dashboard is of the schema v2."""
    return isinstance(spec.get("elements"), dict) and isinstance(spec.get("layout"), dict)


def classic(spec: Raw) -> tuple[dict[str, Any], list[tuple[str, Raw]]]:
    """The dashboard without its panels in the classic model, and (path, panel) of each panel."""
    time = part(spec, "timeSettings")
    whole_: dict[str, Any] = {
        "title": text(spec, "title"),
        "description": text(spec, "description"),
        "tags": listed(spec, "tags"),
        "timezone": text(time, "timezone"),
        "time": {"from": text(time, "from", "now-6h"), "to": text(time, "to", "now")},
        "refresh": text(time, "autoRefresh"),
        "links": listed(spec, "links"),
        "templating": {"list": [_variable(one) for _, one in parts(spec, "variables")]},
        "annotations": {"list": [_annotation(one) for _, one in parts(spec, "annotations")]},
        "schemaVersion": 42,
    }
    return whole_, list(_laid(part(spec, "layout"), part(spec, "elements"), 0, 0))


def _laid(layout: Raw, elements: Raw, y: int, depth: int) -> Iterator[tuple[str, Raw]]:
    """Panels of a layout, those of rows and tabs under a row of their title."""
    spec = part(layout, "spec")
    if depth > _DEEPEST:
        return
    for _, row in [*parts(spec, "rows"), *parts(spec, "tabs")]:
        inner = part(row, "spec")
        panels = list(_laid(part(inner, "layout"), elements, y + 1, depth + 1))
        head: dict[str, Any] = {"type": "row", "title": text(inner, "title")}
        head["gridPos"] = {"x": 0, "y": y, "w": 24, "h": 1}
        head["repeat"] = text(part(inner, "repeat"), "value")
        if flag(inner, "collapse"):
            head |= {"collapsed": True, "panels": [one for _, one in panels], "paths": [path for path, _ in panels]}
            panels = []
        if not flag(inner, "hideHeader"):
            yield "$.layout", head
        yield from panels
        y = max([y + 1, *(_bottom(panel) for _, panel in panels)])
    automatic = text(layout, "kind") == "AutoGridLayout"
    across = whole(spec, "maxColumnCount", 3, 1, 8)
    for at, item in parts(spec, "items"):
        yield from _item(item, elements, y, (at, across) if automatic else None, depth)


def _item(item: Raw, elements: Raw, y: int, automatic: tuple[int, int] | None, depth: int) -> Iterator[tuple[str, Raw]]:
    spec = part(item, "spec")
    if text(item, "kind") == "GridLayoutRow":
        row = {
            "kind": "RowsLayout",
            "spec": {"rows": [{"spec": {**spec, "layout": {"spec": {"items": spec.get("elements")}}}}]},
        }
        yield from _laid(row, elements, y + whole(spec, "y", 0, 0, 100_000), depth + 1)
        return
    name = text(part(spec, "element"), "name")
    found = part(elements, name)
    if not found:
        return
    if automatic:
        at, across = automatic
        wide = 24 // across
        place = {"x": at % across * wide, "y": y + at // across * 8, "w": wide, "h": 8}
    else:
        place = {
            "x": whole(spec, "x", 0, 0, 23), "y": y + whole(spec, "y", 0, 0, 100_000),
            "w": whole(spec, "width", 12, 1, 24), "h": whole(spec, "height", 8, 1, 100),
        }  # fmt: skip
    repeat = part(spec, "repeat")
    panel = {**_panel(found), "gridPos": place, "repeat": text(repeat, "value")}
    panel |= {"repeatDirection": text(repeat, "direction", "h"), "maxPerRow": number(repeat, "maxPerRow")}
    yield f"$.elements[{name!r}]", panel


def _bottom(panel: Raw) -> int:
    place = part(panel, "gridPos")
    return int(number(place, "y") or 0) + int(number(place, "h") or 0)


def _panel(element: Raw) -> dict[str, Any]:
    spec = part(element, "spec")
    said: dict[str, Any] = {
        "id": spec.get("id"),
        "title": text(spec, "title"),
        "description": text(spec, "description"),
    }
    if text(element, "kind") == "LibraryPanel":
        return said | {"libraryPanel": {"name": text(part(spec, "libraryPanel"), "name") or text(spec, "title")}}
    drawn = part(spec, "vizConfig")
    data = part(spec, "data", "spec")
    choices = part(data, "queryOptions")
    queries = [part(one, "spec") for _, one in parts(data, "queries")]
    steps = [one for _, one in parts(data, "transformations")]
    return said | {
        "type": text(drawn, "group") or text(drawn, "kind"),
        "options": part(drawn, "spec", "options"),
        "fieldConfig": part(drawn, "spec", "fieldConfig"),
        "links": listed(spec, "links"),
        "transparent": flag(spec, "transparent"),
        "targets": [_target(one) for one in queries],
        "transformations": [
            {"id": text(one, "group") or text(part(one, "spec"), "id") or text(one, "kind"), **part(one, "spec")}
            for one in steps
        ],
        "maxDataPoints": choices.get("maxDataPoints"),
        "interval": text(choices, "interval"),
        "timeFrom": text(choices, "timeFrom"),
        "timeShift": text(choices, "timeShift"),
    }


def _target(spec: Raw) -> dict[str, Any]:
    query = part(spec, "query")
    return {**part(query, "spec"), "refId": text(spec, "refId"), "hide": flag(spec, "hidden"),
            "datasource": _source(query, spec)}  # fmt: skip


def _source(query: Raw, spec: Raw) -> dict[str, Any]:
    kind = text(query, "group") or text(query, "kind")
    named = part(query, "datasource") or part(spec, "datasource")
    return {"type": "" if kind == "DataQuery" else kind, "uid": text(named, "uid") or text(named, "name")}


def _variable(raw: Raw) -> dict[str, Any]:
    spec = dict(part(raw, "spec"))
    spec["type"] = _KINDS.get(text(raw, "kind"), text(raw, "kind"))
    spec["hide"] = {"hideLabel": 1, "hideVariable": 2}.get(text(spec, "hide"), 0)
    query = part(spec, "query")
    if query:
        spec["query"] = part(query, "spec")
        spec["datasource"] = _source(query, spec)
    if spec["type"] == "datasource":
        spec["query"] = text(spec, "pluginId")
    spec["sort"] = _SORTS.get(text(spec, "sort"), 0)
    return spec


_SORTS = {
    "alphabeticalAsc": 1, "alphabeticalDesc": 2, "numericalAsc": 3, "numericalDesc": 4,
    "alphabeticalCaseInsensitiveAsc": 5, "alphabeticalCaseInsensitiveDesc": 6, "naturalAsc": 7, "naturalDesc": 8,
}  # fmt: skip


def _annotation(raw: Raw) -> dict[str, Any]:
    spec = part(raw, "spec")
    query = part(spec, "query")
    return {**spec, **part(query, "spec"), "datasource": _source(query, spec), "builtIn": int(flag(spec, "builtIn"))}
