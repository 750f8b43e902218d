"""Transformations that make one frame of several: join by a field or by labels, merge, rows of series.

Invariant: total. Every value of every frame is in the outcome, except what an inner join drops.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from warroom.dashboards.said import Raw, text, texts
from warroom.dashboards.tables import Field, Frame, Item, kind_of
from warroom.dashboards.transform_rows import order_key
from warroom.dashboards.values import Scope

_MOST_ROWS: Final = 50_000


def join_by_field(frames: tuple[Frame, ...], options: Raw, _scope: Scope) -> tuple[Frame, ...]:
    """One table with a row for each value of the field that they share (the time, where none is named)."""
    wanted = text(options, "byField")
    keyed = []
    for one in frames:
        key = one.column(wanted) if wanted else one.time
        if key is not None:
            keyed.append((one, key))
    if not keyed:
        return frames
    if len(keyed) == 1 and len(frames) == 1:
        return frames
    mode = text(options, "mode", "outer")
    places = [_places(key) for _, key in keyed]
    values = list(dict.fromkeys(value for found in places for value in found))
    if mode == "inner":
        values = [value for value in values if all(value in found for found in places)]
    if all(not isinstance(value, str) for value in values):
        values.sort(key=order_key)
    rows: list[tuple[Item, tuple[int | None, ...]]] = []
    for value in values:
        deep = max(len(found.get(value, ())) for found in places) if mode != "outer" else 1
        for at in range(deep):
            row = tuple((found[value][min(at, len(found[value]) - 1)] if value in found else None) for found in places)
            rows.append((value, row))
    rows = rows[:_MOST_ROWS]
    fields = [replace(keyed[0][1], values=tuple(value for value, _ in rows))]
    for at, (frame, key) in enumerate(keyed):
        for each in frame.fields:
            if each is not key:
                joined = tuple(None if (place := row[at]) is None else each.values[place] for _, row in rows)
                fields.append(replace(each, values=joined))
    return (Frame(frames[0].ref, tuple(_apart(fields, keyed)), "table"),)


def _apart(fields: list[Field], keyed: list[tuple[Frame, Field]]) -> list[Field]:
    """Columns of the same name told apart by a number, as Grafana does: `node 1`, `node 2`."""
    times: dict[str, int] = {}
    for one in fields:
        times[one.shown] = times.get(one.shown, 0) + 1
    seen: dict[str, int] = {}
    made: list[Field] = []
    for one in fields:
        if times[one.shown] > 1 and len(keyed) > 1:
            seen[one.shown] = seen.get(one.shown, 0) + 1
            made.append(replace(one, title=f"{one.shown} {seen[one.shown]}"))
        else:
            made.append(one)
    return made


def _places(key: Field) -> dict[Item, list[int]]:
    found: dict[Item, list[int]] = {}
    for at, value in enumerate(key.values):
        found.setdefault(value, []).append(at)
    return found


def merge(frames: tuple[Frame, ...], _options: Raw, _scope: Scope) -> tuple[Frame, ...]:
    """One table of all: rows that agree in the columns they share become one."""
    tables = [one for one in frames if one.fields]
    if len(tables) <= 1:
        return tuple(tables) or frames
    names = list(dict.fromkeys(one.shown for table in tables for one in table.fields))
    shared = [
        name
        for name in names
        if all((found := table.column(name)) is not None and found.kind != "number" for table in tables)
    ]
    patterns = {one.shown: one for table in reversed(tables) for one in table.fields}
    rows: list[dict[str, Item]] = []
    index: dict[tuple[Item, ...], list[dict[str, Item]]] = {}
    for table in tables:
        for at in range(table.length):
            mine = {one.shown: one.values[at] for one in table.fields}
            key = tuple(mine[name] for name in shared)
            fellow = next((row for row in index.get(key, ()) if _agree(row, mine)), None) if shared else None
            if fellow is not None:
                fellow |= mine
            elif len(rows) < _MOST_ROWS:
                rows.append(mine)
                index.setdefault(key, []).append(mine)
    fields = tuple(replace(patterns[name], values=tuple(row.get(name) for row in rows)) for name in names)
    return (Frame(frames[0].ref, fields, "table"),)


def _agree(row: dict[str, Item], other: dict[str, Item]) -> bool:
    return all(row[name] == value for name, value in other.items() if name in row)


def series_to_rows(frames: tuple[Frame, ...], _options: Raw, _scope: Scope) -> tuple[Frame, ...]:
    """One table with time, metric and value of every sample, newest first."""
    rows: list[tuple[Item, str, Item]] = [
        (at, one.shown, value)
        for frame in frames
        if frame.time is not None
        for one in frame.fields
        if one is not frame.time
        for at, value in zip(frame.time.values, one.values, strict=True)
        if value is not None
    ]
    if not rows:
        return frames
    rows.sort(key=lambda row: order_key(row[0]), reverse=True)
    rows = rows[:_MOST_ROWS]
    values = tuple(value for _, _, value in rows)
    fields = (
        Field("Time", "time", tuple(at for at, _, _ in rows)),
        Field("Metric", "text", tuple(name for _, name, _ in rows)),
        Field("Value", kind_of(values), values),
    )
    return (Frame(frames[0].ref, fields, "table"),)


def join_by_labels(frames: tuple[Frame, ...], options: Raw, _scope: Scope) -> tuple[Frame, ...]:
    """A row for each set of labels; the values of one label become columns."""
    label, wanted = text(options, "value"), texts(options, "join")
    series = [(frame, one) for frame in frames for one in frame.numeric if one.labels]
    if not series or not label:
        return frames
    names = list(wanted) or sorted({key for _, one in series for key, _ in one.labels if key != label})
    columns = list(dict.fromkeys(dict(one.labels).get(label, one.name) for _, one in series))
    rows: dict[tuple[str, ...], dict[str, Item]] = {}
    for _, one in series:
        labels = dict(one.labels)
        key = tuple(labels.get(name, "") for name in names)
        last = next((value for value in reversed(one.values) if value is not None), None)
        rows.setdefault(key, {})[labels.get(label, one.name)] = last
    fields = [Field(name, "text", tuple(key[at] for key in rows)) for at, name in enumerate(names)]
    fields += [Field(name, "number", tuple(row.get(name) for row in rows.values())) for name in columns]
    return (Frame(frames[0].ref, tuple(fields), "table"),)
