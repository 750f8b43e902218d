"""Transformations that work on the columns of one frame: names, order, types, parts of texts.

Invariant: total; rows stay as many as they were.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from warroom.dashboards.model import GRID
from warroom.dashboards.moments import ISO, date_text, moment
from warroom.dashboards.patterns import compiled, finds
from warroom.dashboards.said import Raw, as_number, clean, flag, part, parts, text, texts
from warroom.dashboards.tables import Field, Frame, Item, kind_of, word
from warroom.dashboards.values import Scope, fill_text

_PAIR: Final = re.compile(r'([\w.]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,;]*))')
_MOST_COLUMNS: Final = 8 * GRID


def organize(frame: Frame, options: Raw, scope: Scope) -> Frame:
    """Hides, orders and renames columns, each named as it is shown."""
    excluded, included = part(options, "excludeByName"), part(options, "includeByName")
    names, places = part(options, "renameByName"), part(options, "indexByName")

    def change(one: Field) -> Field | None:
        if flag(excluded, one.shown) or (any(included.values()) and not flag(included, one.shown)):
            return None
        return one

    kept = frame.with_fields(change)
    order = {one.shown: as_number(places.get(one.shown)) for one in kept.fields}
    ordered = sorted(kept.fields, key=lambda one: 1e9 if (at := order[one.shown]) is None else at)
    renamed = (
        replace(one, title=fill_text(text(names, one.shown), scope)) if text(names, one.shown) else one
        for one in ordered
    )
    return replace(frame, fields=tuple(renamed))


def filter_fields(frame: Frame, options: Raw, scope: Scope) -> Frame:
    """Keeps the columns that are included and drops those that are excluded, by name, pattern or variable."""
    include, exclude = part(options, "include"), part(options, "exclude")
    by_variable = flag(options, "byVariable")

    def picks(rule: Raw, one: Field) -> bool:
        names = set(texts(rule, "names"))
        pattern = fill_text(text(rule, "pattern"), scope)
        if by_variable:
            name = text(rule, "variable").strip("${}")
            chosen = scope.values.get(name)
            names = set(chosen.values) if chosen else set()
        return one.shown in names or one.name in names or (bool(pattern) and finds(pattern, one.shown))

    has_include = bool(texts(include, "names") or text(include, "pattern") or text(include, "variable"))
    return frame.with_fields(
        lambda one: None if (has_include and not picks(include, one)) or picks(exclude, one) else one
    )


def rename_by_regex(frame: Frame, options: Raw, scope: Scope) -> Frame:
    """Renames columns by a pattern; `$1` in the new name is what its first group found."""
    pattern = compiled(fill_text(text(options, "regex"), scope))
    new = text(options, "renamePattern")
    if pattern is None:
        return frame

    def named(found: re.Match[str]) -> str:
        def slot(slot: re.Match[str]) -> str:
            if slot[2]:
                return found.groupdict().get(slot[2]) or ""
            return (found[int(slot[1])] or "") if int(slot[1]) <= found.re.groups else ""

        return re.sub(r"\$(?:(\d{1,2})|<(\w+)>)", slot, new)

    def change(one: Field) -> Field:
        if one.kind == "time":
            return one
        title = pattern.sub(named, one.shown[:4000], count=0)
        return replace(one, title=title) if title else one

    return frame.with_fields(change)


def labels_to_fields(frames: tuple[Frame, ...], options: Raw, _scope: Scope) -> tuple[Frame, ...]:
    """The labels of each series as columns (or, in rows mode, as a table of names and values)."""
    kept, value_label = set(texts(options, "keepLabels")), text(options, "valueLabel")
    if text(options, "mode") == "rows":
        return tuple(_label_rows(one, each) for one in frames for each in one.fields if each.labels) or frames
    made: list[Frame] = []
    for one in frames:
        labelled = [each for each in one.fields if each.labels]
        if not labelled:
            made.append(one)
            continue
        labels = {key: value for each in labelled for key, value in each.labels if not kept or key in kept}
        named = labels.pop(value_label, "") if value_label else ""
        columns = tuple(Field(key, "text", (value,) * one.length) for key, value in labels.items())
        rest = tuple(
            replace(each, labels=(), title=named or ("" if each.labels else each.title), name=each.name)
            for each in one.fields
        )
        times = tuple(each for each in rest if each.kind == "time")
        others = tuple(each for each in rest if each.kind != "time")
        made.append(Frame(one.ref, times + columns + others, "table"))
    return tuple(made)


def _label_rows(frame: Frame, one: Field) -> Frame:
    names, values = tuple(key for key, _ in one.labels), tuple(value for _, value in one.labels)
    return Frame(frame.ref, (Field("label", "text", names), Field("value", "text", values)), "table")


def convert_types(frame: Frame, options: Raw, _scope: Scope) -> Frame:
    """Columns to numbers, texts, times or truth values; what does not convert is missing."""
    wanted = {text(one, "targetField"): text(one, "destinationType") for _, one in parts(options, "conversions")}

    def change(one: Field) -> Field:
        match wanted.get(one.shown, ""):
            case "number":
                return replace(one, kind="number", values=tuple(_to_number(value) for value in one.values))
            case "string":
                return replace(one, kind="text", values=tuple(word(value) for value in one.values))
            case "time":
                return replace(one, kind="time", values=tuple(_to_time(value) for value in one.values))
            case "boolean":
                truths = tuple(None if value is None else value not in {0, "", "false"} for value in one.values)
                return replace(one, kind="bool", values=truths)
        return one

    return frame.with_fields(change)


def _to_number(value: Item) -> float | None:
    return float(value) if isinstance(value, bool) else as_number(value)


def _to_time(value: Item) -> float | None:
    if isinstance(value, str):
        return moment(value, 0.0)
    return None if value is None else float(value) / (1000 if abs(float(value)) > 1e11 else 1)


def format_time(frame: Frame, options: Raw, scope: Scope) -> Frame:
    """A column of times as texts in a date format."""
    name, shape = text(options, "timeField"), text(options, "outputFormat", ISO)

    def change(one: Field) -> Field:
        if one.kind != "time" or (name and one.shown != name):
            return one
        words = tuple(None if at is None else date_text(at, shape, scope.zone) for at in one.numbers)
        return replace(one, kind="text", values=words)

    return frame.with_fields(change)


_CASES: Final[Mapping[str, Callable[[str], str]]] = {
    "Upper Case": str.upper,
    "Lower Case": str.lower,
    "Sentence Case": str.capitalize,
    "Title Case": str.title,
    "Trim": str.strip,
}


def format_string(frame: Frame, options: Raw, _scope: Scope) -> Frame:
    """A column of texts in another case, or a part of each."""
    name, how = text(options, "stringField"), text(options, "outputFormat")
    start, end = as_number(options.get("substringStart")), as_number(options.get("substringEnd"))

    def changed(said: str) -> str:
        if how == "Substring":
            return said[int(start or 0) : int(end) if end is not None else None]
        return _CASES.get(how, str)(said)

    def change(one: Field) -> Field:
        if one.shown != name:
            return one
        return replace(one, values=tuple(changed(each) if isinstance(each, str) else each for each in one.values))

    return frame.with_fields(change)


def extract_fields(frame: Frame, options: Raw, _scope: Scope) -> Frame:
    """Columns from the JSON or the `key=value` pairs in a column of texts."""
    source = frame.column(text(options, "source"))
    if source is None:
        return frame
    how = text(options, "format", "auto")
    rows = [_extracted(word(one), how) for one in source.values]
    wanted = [(text(one, "path"), text(one, "alias")) for _, one in parts(options, "jsonPaths")]
    if wanted:
        rows = [{alias or path: _at(row, path) for path, alias in wanted} for row in rows]
    names = list(dict.fromkeys(name for row in rows for name in row))[:_MOST_COLUMNS]
    columns = [_column(name, [row.get(name) for row in rows]) for name in names]
    if flag(options, "replace"):
        times = [one for one in frame.fields if one.kind == "time" and flag(options, "keepTime")]
        return replace(frame, fields=(*times, *columns), kind="table")
    return replace(frame, fields=(*frame.fields, *columns), kind="table")


def _extracted(said: str, how: str) -> dict[str, Any]:
    if how in {"json", "auto"}:
        try:
            found = json.loads(said)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return {clean(str(key)): value for key, value in found.items()}
    if how in {"kvp", "auto"}:
        return {found[1]: found[2] if found[2] is not None else found[3] for found in _PAIR.finditer(said)}
    return {}


def _at(row: Any, path: str) -> Any:
    for name in path.split("."):
        row = row.get(name) if isinstance(row, dict) else None
    return row


def _column(name: str, values: list[Any]) -> Field:
    items: list[Item] = [
        one
        if one is None or isinstance(one, bool | float | int)
        else clean(one if isinstance(one, str) else json.dumps(one))
        for one in values
    ]
    return Field(name, kind_of(items), tuple(float(one) if type(one) is int else one for one in items))
