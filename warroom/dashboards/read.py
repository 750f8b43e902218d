"""Reading a dashboard: JSON of any Grafana since 4, with or without an envelope around it.

Invariant: whatever the bytes are, the outcome is a `Dashboard` or one `DashboardError` with one sentence. Fields that
nobody knows are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from warroom.dashboards.legacy import SAME_TODAY, flattened, today
from warroom.dashboards.model import (
    Annotation,
    Dashboard,
    DashboardError,
    FieldRules,
    Grid,
    Override,
    Panel,
    Source,
    Target,
    Transformation,
)
from warroom.dashboards.newer import classic, is_newer
from warroom.dashboards.read_variables import named_source, read_variables
from warroom.dashboards.said import Raw, flag, line, listed, number, part, parts, text, texts, whole

LARGEST_FILE = 8_000_000
MOST_PANELS = 2_000


def load_dashboard(path: Path) -> Dashboard:
    """The dashboard of a file. Raises DashboardError with the file's name in its sentence."""
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST_FILE + 1)
    except OSError as failed:
        raise DashboardError(f"{path}: cannot be read: {failed.strerror}") from None
    return parse_dashboard(body, str(path))


def parse_dashboard(body: bytes | str, name: str = "the dashboard") -> Dashboard:
    """The dashboard of a file's content; `name` is what errors call it. Raises DashboardError."""
    if len(body) > LARGEST_FILE:
        raise DashboardError(f"{name}: is larger than {LARGEST_FILE // 1_000_000} MB")
    try:
        said = orjson.loads(body)
    except (ValueError, RecursionError) as wrong:
        problem = line(str(wrong).partition(": line")[0])
        where = f" at line {wrong.lineno}, column {wrong.colno}" if isinstance(wrong, orjson.JSONDecodeError) else ""
        raise DashboardError(f"{name}: is not JSON{where}: {problem}") from None
    return read_dashboard(said, name)


def read_dashboard(said: Any, name: str = "the dashboard") -> Dashboard:
    """The dashboard of parsed JSON. Raises DashboardError."""
    raw = _opened(said, name)
    if is_newer(raw):
        raw, placed = classic(raw)
    elif listed(raw, "panels") or not listed(raw, "rows"):
        if not isinstance(raw.get("panels"), list):
            raise DashboardError(f"{name}: is no dashboard: it has neither `panels` nor `rows` nor `elements`")
        placed = [(f"$.panels[{at}]", one) for at, one in parts(raw, "panels")]
    else:
        placed = flattened(parts(raw, "rows"))
    panels = tuple(_panel(one, path) for path, one in placed)
    count = sum(1 + len(panel.panels) for panel in panels)
    if count > MOST_PANELS:
        raise DashboardError(f"{name}: has {count} panels; at most {MOST_PANELS} are read")
    time = part(raw, "time")
    return Dashboard(
        title=line(text(raw, "title")) or "Untitled",
        uid=line(text(raw, "uid")),
        description=text(raw, "description"),
        tags=texts(raw, "tags"),
        schema=whole(raw, "schemaVersion", 0, 0, 10_000),
        timezone=line(text(raw, "timezone")),
        time_from=text(time, "from", "now-6h"),
        time_to=text(time, "to", "now"),
        refresh=line(text(raw, "refresh")),
        panels=panels,
        variables=read_variables(part(raw, "templating")),
        annotations=tuple(_annotation(one, at) for at, one in parts(part(raw, "annotations"), "list")),
        raw_links=_links(raw),
        inputs={text(one, "name"): text(one, "pluginId") for _, one in parts(raw, "__inputs") if text(one, "name")},
    )


def _opened(said: Any, name: str) -> Raw:
    """The dashboard inside of the API's envelope or of a Kubernetes object."""
    if not isinstance(said, dict):
        raise DashboardError(f"{name}: is no dashboard: it must be a JSON object, not {_kind(said)}")
    if isinstance(said.get("dashboard"), dict):
        return part(said, "dashboard")
    if isinstance(said.get("spec"), dict) and "kind" in said:
        kind = text(said, "kind")
        if kind not in {"Dashboard", "DashboardWithAccessInfo", "GrafanaDashboard"}:
            raise DashboardError(f"{name}: is a {kind or 'nameless'} object; a Dashboard is what can be read")
        spec = part(said, "spec")
        if isinstance(spec.get("json"), str):
            return _opened(_inner(spec["json"], name), name)
        uid = text(part(said, "metadata"), "name")
        return {"uid": uid, **spec}
    return said


def _inner(body: str, name: str) -> Any:
    try:
        return orjson.loads(body)
    except (ValueError, RecursionError):
        raise DashboardError(f"{name}: `spec.json` is not JSON") from None


def _kind(said: Any) -> str:
    return {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(said), "a number")


def _panel(written: Raw, path: str) -> Panel:
    raw = today(written)
    kind = text(raw, "type")
    library = part(raw, "libraryPanel")
    source = named_source(raw.get("datasource"))
    inner: tuple[Panel, ...] = ()
    if kind == "row":
        paths = listed(raw, "paths")
        inner = tuple(
            _panel({**one, "panels": []}, paths[at] if at < len(paths) else f"{path}.panels[{at}]")
            for at, one in parts(raw, "panels")
        )
    name = line(text(raw, "title"))
    return Panel(
        id=whole(raw, "id", 0, 0, 2**53),
        kind=SAME_TODAY.get(kind, kind),
        written=text(written, "type"),
        title=name,
        path=path,
        grid=_grid(raw, kind),
        description=text(raw, "description"),
        targets=_targets(raw, path, source),
        source=source,
        fields=_fields(part(raw, "fieldConfig"), path),
        options=part(raw, "options"),
        transformations=_transformations(raw, path),
        repeat=text(raw, "repeat"),
        repeat_down=text(raw, "repeatDirection", "h") == "v",
        max_per_row=whole(raw, "maxPerRow", 0, 0, 24),
        time_from=text(raw, "timeFrom"),
        time_shift=text(raw, "timeShift"),
        max_points=whole(raw, "maxDataPoints", 0, 0, 100_000),
        interval=text(raw, "interval"),
        raw_links=_links(raw),
        transparent=flag(raw, "transparent"),
        collapsed=flag(raw, "collapsed"),
        panels=inner,
        library=(line(text(library, "name")) or "?") if library and not kind else "",
    )


def _grid(raw: Raw, kind: str) -> Grid:
    place = part(raw, "gridPos")
    wide = whole(place, "w", 12, 1, 24)
    x, y = whole(place, "x", 0, 0, 23), whole(place, "y", 0, 0, 1_000_000)
    return Grid(min(x, 24 - wide), y, wide, whole(place, "h", 1 if kind == "row" else 8, 1, 200))


def _transformations(raw: Raw, path: str) -> tuple[Transformation, ...]:
    return tuple(
        Transformation(
            kind=text(one, "id"),
            options=part(one, "options"),
            path=f"{path}.transformations[{at}]",
            disabled=flag(one, "disabled"),
            refs=text(part(one, "filter"), "options"),
        )
        for at, one in parts(raw, "transformations")
    )


def _targets(raw: Raw, path: str, source: Source) -> tuple[Target, ...]:
    used: set[str] = set()
    found = []
    for at, one in parts(raw, "targets"):
        ref = text(one, "refId")
        if not ref or ref in used:
            ref = next(name for name in _letters() if name not in used)
        used.add(ref)
        found.append(_target(one, ref, f"{path}.targets[{at}]", source))
    return tuple(found)


def _letters() -> Iterator[str]:
    for number_ in range(MOST_PANELS * 10):
        yield chr(65 + number_ % 26) + (str(number_ // 26) if number_ >= 26 else "")


def _target(raw: Raw, ref: str, path: str, panel: Source) -> Target:
    own = named_source(raw.get("datasource"))
    said = text(raw, "format", "time_series")
    kind = text(raw, "queryType")
    instant = flag(raw, "instant") or kind == "instant"
    return Target(
        ref=ref,
        expr=text(raw, "expr"),
        source=own if own.is_set else panel,
        path=path,
        instant=instant,
        ranged=flag(raw, "range", not instant) if kind not in {"instant", "range"} else kind == "range",
        format="table" if said == "table" else "heatmap" if said == "heatmap" else "time_series",
        legend=text(raw, "legendFormat"),
        hidden=flag(raw, "hide"),
        interval=text(raw, "interval"),
        factor=whole(raw, "intervalFactor", 1, 1, 1000),
        limit=whole(raw, "maxLines", 0, 0, 100_000),
        raw=raw,
    )


def _fields(raw: Raw, path: str) -> FieldRules:
    overrides = tuple(
        Override(
            text(part(one, "matcher"), "id"),
            part(one, "matcher").get("options"),
            tuple((text(each, "id"), each.get("value")) for _, each in parts(one, "properties")),
            f"{path}.fieldConfig.overrides[{at}]",
        )
        for at, one in parts(raw, "overrides")
    )
    return FieldRules(part(raw, "defaults"), overrides)


def _links(raw: Raw) -> tuple[tuple[str, str], ...]:
    found = [(line(text(one, "title")), line(text(one, "url"))) for _, one in parts(raw, "links")]
    return tuple((title or url, url) for title, url in found if url)


def _annotation(raw: Raw, at: int) -> Annotation:
    target = part(raw, "target")
    return Annotation(
        name=line(text(raw, "name")),
        source=named_source(raw.get("datasource")),
        expr=text(raw, "expr") or text(target, "expr"),
        enabled=flag(raw, "enable", True),
        hidden=flag(raw, "hide"),
        hue=text(raw, "iconColor"),
        title=text(raw, "titleFormat"),
        text=text(raw, "textFormat"),
        tags=tuple(one.strip() for one in text(raw, "tagKeys").split(",") if one.strip()),
        path=f"$.annotations.list[{at}]",
        step=text(raw, "step"),
        built_in=bool(number(raw, "builtIn")) or flag(raw, "builtIn"),
    )
