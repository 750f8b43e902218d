"""Transformations that make other rows of a frame: reduce, group, sort, limit, turn around.

Invariant: total. The order of rows is that of the frame unless the step is to order them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from warroom.dashboards.calcs import calc_of
from warroom.dashboards.fields import fits
from warroom.dashboards.said import Raw, as_number, flag, part, parts, text, texts
from warroom.dashboards.tables import Field, Frame, Item, word
from warroom.dashboards.values import Scope, fill_text

_MOST: Final = 200


def reduce_frames(frames: tuple[Frame, ...], options: Raw, scope: Scope) -> tuple[Frame, ...]:
    """Each numeric column to a row of its numbers, or (reduceFields) each column of a frame to one number."""
    calcs = [name for name in texts(options, "reducers") if calc_of(name)] or ["max"]
    if text(options, "mode") == "reduceFields":
        return tuple(_reduced_fields(one, calcs, options) for one in frames)
    matcher = part(options, "fields")
    columns = [
        (frame, one)
        for frame in frames
        for one in frame.fields
        if one.kind != "time"
        and (not text(matcher, "id") or fits(text(matcher, "id"), matcher.get("options"), frame, one, scope))
        and (one.kind in {"number", "bool"} or flag(options, "includeText"))
    ]
    if not columns:
        return ()
    with_labels = flag(options, "labelsToFields")
    names = sorted({key for _, one in columns for key, _ in one.labels}) if with_labels else []
    shown = tuple("" if with_labels and one.labels and not one.title else one.shown for _, one in columns)
    fields = [Field("Field", "text", shown)]
    fields += [Field(name, "text", tuple(dict(one.labels).get(name, "") for _, one in columns)) for name in names]
    for name in calcs:
        calc = calc_of(name)
        if calc:
            fields.append(Field(calc.name, "number", tuple(calc.of(one.numbers) for _, one in columns)))
    if with_labels and not any(shown):
        fields = fields[1:]
    return (Frame(frames[0].ref, tuple(fields), "table"),)


def _reduced_fields(frame: Frame, calcs: Sequence[str], options: Raw) -> Frame:
    fields: list[Field] = []
    for one in frame.fields:
        if one.kind == "time" and not flag(options, "includeTimeField"):
            continue
        if one.kind not in {"number", "bool", "time"}:
            continue
        for name in calcs:
            calc = calc_of(name)
            if calc:
                title = one.shown if len(calcs) == 1 else f"{one.shown} {calc.name}"
                fields.append(replace(one, title=title, values=(calc.of(one.numbers),)))
    return replace(frame, fields=tuple(fields), kind="table")


def group_by(frame: Frame, options: Raw, _scope: Scope) -> Frame:
    """Rows with equal values in the grouping columns become one; the others are calculated over the group."""
    rules = part(options, "fields")
    keys = [one for one in frame.fields if text(part(rules, one.shown), "operation") == "groupby"]
    if not keys:
        return frame
    groups: dict[tuple[Item, ...], list[int]] = {}
    for at in range(frame.length):
        groups.setdefault(tuple(one.values[at] for one in keys), []).append(at)
    fields = [replace(one, values=tuple(key[at] for key in groups)) for at, one in enumerate(keys)]
    for one in frame.fields:
        rule = part(rules, one.shown)
        if text(rule, "operation") != "aggregate":
            continue
        for name in texts(rule, "aggregations"):
            values = tuple(_aggregate(one, places, name) for places in groups.values())
            calc = calc_of(name)
            if calc:
                kind = one.kind if calc.keeps_unit else "number"
                fields.append(Field(f"{one.shown} ({name})", kind, values, one.labels, config=one.config))
    return replace(frame, fields=tuple(fields), kind="table")


def _aggregate(one: Field, places: Sequence[int], name: str) -> Item:
    if one.kind == "text" and name in {"last", "lastNotNull", "first", "firstNotNull"}:
        return one.values[places[-1 if name.startswith("last") else 0]]
    if one.kind == "text" and name in {"distinctCount", "uniqueValues"}:
        return float(len({one.values[at] for at in places}))
    calc = calc_of(name)
    return calc.of([one.numbers[at] for at in places]) if calc else None


def grouping_to_matrix(frame: Frame, options: Raw, _scope: Scope) -> Frame:
    """One column's values as rows, another's as columns, a third in the cells."""
    row, column = frame.column(text(options, "rowField", "Time")), frame.column(text(options, "columnField", "Time"))
    value = frame.column(text(options, "valueField", "Value"))
    if row is None or column is None or value is None:
        return frame
    cells: dict[tuple[str, str], Item] = {}
    rows: dict[str, Item] = {}
    columns: dict[str, None] = {}
    for at in range(frame.length):
        across, down = word(column.values[at]), word(row.values[at])
        if len(columns) < _MOST or across in columns:
            columns[across] = None
            rows.setdefault(down, row.values[at])
            cells[down, across] = value.values[at]
    empty: Item = None if text(options, "emptyValue") in {"", "null", "empty"} else text(options, "emptyValue")
    made = [replace(row, title=f"{row.shown}\\{column.shown}", values=tuple(rows.values()))]
    made += [
        replace(value, name=name, title="", labels=(), values=tuple(cells.get((down, name), empty) for down in rows))
        for name in columns
    ]
    return replace(frame, fields=tuple(made), kind="table")


def order_key(value: Item) -> tuple[int, Any]:
    """What to order values by: numbers, then texts, then what is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return 2, 0.0
    return (1, value.casefold()) if isinstance(value, str) else (0, float(value))


def ordered(one: Field, *, down: bool) -> list[int]:
    """The places of a column's values in their order; what is missing stays last."""
    keys = [order_key(value) for value in one.values]
    places = sorted((at for at, key in enumerate(keys) if key[0] < 2), key=lambda at: keys[at], reverse=down)
    return places + [at for at, key in enumerate(keys) if key[0] == 2]


def sort_by(frame: Frame, options: Raw, scope: Scope) -> Frame:
    """The rows in the order of one column."""
    said = next((one for _, one in parts(options, "sort")), part(options, "sort"))
    field = frame.column(fill_text(text(said, "field"), scope))
    return frame if field is None else frame.picked(ordered(field, down=flag(said, "desc")))


def limit(frame: Frame, options: Raw, scope: Scope) -> Frame:
    """The first rows, or (a negative number) the last."""
    said = options.get("limitField")
    count = as_number(fill_text(said, scope) if isinstance(said, str) else said)
    size = 10 if count is None else int(min(max(count, -100_000), 100_000))
    every = range(frame.length)
    return frame.picked(every[:size] if size >= 0 else every[size:])


def time_series_table(frames: tuple[Frame, ...], options: Raw, _scope: Scope) -> tuple[Frame, ...]:
    """Each series as a row: its labels, and one number of it (the last one unless told otherwise)."""
    made: list[Frame] = []
    for ref in dict.fromkeys(one.ref for one in frames):
        mine = [(one, field) for one in frames if one.ref == ref for field in one.numeric if one.time is not None]
        if not mine:
            made += [one for one in frames if one.ref == ref]
            continue
        calc = calc_of(text(part(options, ref), "stat") or "lastNotNull") or calc_of("lastNotNull")
        names = sorted({key for _, field in mine for key, _ in field.labels})
        fields = [Field(name, "text", tuple(dict(field.labels).get(name, "") for _, field in mine)) for name in names]
        values = tuple(calc.of(field.numbers) if calc else None for _, field in mine)
        made.append(Frame(ref, (*fields, Field(f"Trend #{ref}", "number", values)), "table"))
    return tuple(made)


def transpose(frame: Frame, options: Raw, _scope: Scope) -> Frame:
    """Rows as columns: the first column names them."""
    if not frame.fields:
        return frame
    head, *rest = frame.fields
    names = tuple(one.shown for one in rest)
    first = Field(text(options, "firstFieldName") or head.shown, "text", names)
    numeric = all(one.kind == "number" for one in rest)
    columns = [
        Field(word(value), "number" if numeric else "text",
              tuple(one.values[at] if numeric else word(one.values[at]) for one in rest))
        for at, value in enumerate(head.values[:_MOST])
    ]  # fmt: skip
    return replace(frame, fields=(first, *columns), kind="table")
