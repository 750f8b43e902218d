"""The body of a table: one frame as columns and cells.

Invariant: pure. Series that the author did not make a table of are joined by time, or become a row each where they are
values of one time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from warroom.dashboards.calcs import calc_of
from warroom.dashboards.data import Cell, Column, Table
from warroom.dashboards.fields import Show, is_hidden
from warroom.dashboards.said import Raw, as_number, flag, part, parts, text, texts, whole
from warroom.dashboards.tables import Field, Frame, kind_of
from warroom.dashboards.transform_join import join_by_field
from warroom.dashboards.transform_rows import ordered
from warroom.dashboards.view import View

MOST_ROWS = 5_000
_STYLES: dict[str, Literal["tint", "background", "gauge"]] = {
    "color-text": "tint", "color-background": "background", "color-background-solid": "background",
    "gradient-gauge": "gauge", "lcd-gauge": "gauge", "basic": "gauge", "gauge": "gauge",
}  # fmt: skip
_ALIGNS: dict[str, Literal["left", "center", "right"]] = {"left": "left", "center": "center", "right": "right"}


def table(view: View) -> Table:
    """The table of a panel."""
    frame = _frame(view)
    if frame is None:
        return Table((), ())
    frame = _sorted(view, frame)
    if frame.length > MOST_ROWS:
        view.notes.append(f"shows the first {MOST_ROWS} of {frame.length} rows")
        frame = frame.picked(range(MOST_ROWS))
    pairs = [(one, view.show(frame, one)) for one in frame.fields]
    kept = [(one, show) for one, show in pairs if not is_hidden(show)]
    columns = tuple(_column(one, show) for one, show in kept)
    cells = [_cells(one, show) for one, show in kept]
    rows = tuple(zip(*cells, strict=True)) if cells else ()
    return Table(columns, rows, _footer(view, kept), flag(view.options, "showHeader", True))


def _frame(view: View) -> Frame | None:
    frames = [one for one in view.frames if one.fields]
    if not frames:
        return None
    series = [one for one in frames if one.kind in {"series", "heat"}]
    if len(series) == len(frames) and (len(frames) > 1 or frames[0].length <= 1):
        return _of_series(view, series)
    if len(frames) > 1:
        chosen = whole(view.options, "frameIndex", 0, 0, len(frames) - 1)
        view.notes.append(f"shows one of {len(frames)} tables")
        return frames[chosen]
    return frames[0]


def _of_series(view: View, series: Sequence[Frame]) -> Frame:
    if all(one.length <= 1 for one in series):
        values = [(one, each) for one in series for each in one.fields if each.kind != "time" and one.length]
        times = tuple(one.time.values[0] if one.time else None for one, _ in values)
        items = tuple(each.values[0] for _, each in values)
        names = tuple(view.show(one, each).name for one, each in values)
        fields = (Field("Time", "time", times), Field("Metric", "text", names), Field("Value", kind_of(items), items))
        return Frame(series[0].ref, fields, "table")
    joined = join_by_field(tuple(series), {}, view.scope)
    return joined[0]


def _sorted(view: View, frame: Frame) -> Frame:
    for _, one in reversed(parts(view.options, "sortBy")):
        name, at = text(one, "displayName"), as_number(one.get("column"))
        field = frame.column(name) if name else None
        if field is None and name:
            field = next((each for each in frame.fields if view.show(frame, each).name == name), None)
        if field is None and at is not None and 0 <= at < len(frame.fields):
            field = frame.fields[int(at)]
        if field is not None:
            frame = frame.picked(ordered(field, down=flag(one, "desc")))
    return frame


def _column(one: Field, show: Show) -> Column:
    custom = show.custom
    return Column(
        name=show.name,
        numeric=one.kind == "number",
        width=whole(custom, "width", 0, 0, 10_000),
        align=_ALIGNS.get(text(custom, "align"), "auto"),
        style=_STYLES.get(_style(custom), "text"),
        unit=show.unit,
    )


def _style(custom: Raw) -> str:
    return text(part(custom, "cellOptions"), "type") or text(custom, "displayMode")


def _cells(one: Field, show: Show) -> list[Cell]:
    kept = (
        [value for value in one.numbers if value is not None and math.isfinite(value)] if one.kind == "number" else []
    )
    low, high = (min(kept), max(kept)) if kept else (0.0, 100.0)
    gauge = _STYLES.get(_style(show.custom)) == "gauge"
    start = show.low if show.low is not None else min(0.0, low)
    end = show.high if show.high is not None else high
    plain = _STYLES.get(_style(show.custom)) is None
    made = []
    for value in one.values:
        cell = show.cell(value, one.kind, low, high)
        if plain:
            cell = Cell(cell.text, cell.value)
        if gauge and isinstance(cell.value, float) and math.isfinite(cell.value) and end > start:
            share = min(max((cell.value - start) / (end - start), 0.0), 1.0)
            cell = Cell(cell.text, cell.value, cell.mark, share)
        made.append(cell)
    return made


def _footer(view: View, kept: Sequence[tuple[Field, Show]]) -> tuple[str, ...]:
    footer: Any = view.option("footer")
    names = texts(footer, "reducer") or texts(footer, "reducers")
    calc = calc_of(names[0]) if names else None
    if calc is None or not flag(footer, "show", "reducers" in footer):
        return ()
    only = texts(footer, "fields")
    said = []
    for one, show in kept:
        counted = one.kind == "number" and (not only or one.shown in only or one.name in only)
        said.append(show.text_of(calc.of(one.numbers)) if counted else "")
    if said and not said[0]:
        said[0] = calc.name
    return tuple(said)
