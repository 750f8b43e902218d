"""Fields that lines have, found by reading them as JSON and as logfmt: what a Loki calls detected fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from warroom.embedded.log_store import Stream
from warroom.embedded.logql import ast, units
from warroom.embedded.logql.labels import DETAILS, ERROR, Labels
from warroom.embedded.logql.parsers import JSON_ERROR, parser_of
from warroom.embedded.logql.pipeline import Found
from warroom.telemetry.logs import LogField, LogLine

_JSON = parser_of(ast.JsonParser())
_LOGFMT = parser_of(ast.LogfmtParser())
_BOOLEANS = frozenset({"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"})
_INTEGER = re.compile(r"[-+]?\d{1,18}", re.ASCII)
_ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[-+]?\d+(?:\.\d+)?", re.ASCII)
_ALWAYS = frozenset({"cluster", "namespace", "instance", "pod"})


def detected(lines: Sequence[LogLine]) -> tuple[LogField, ...]:
    """The fields of lines, by name: kind by what the last line said, how many values, which parser found them."""
    values: dict[str, set[str]] = {}
    kinds: dict[str, str] = {}
    parsers: dict[str, list[str]] = {}
    for line in lines:
        for name, value, parser in _fields(line):
            known = values.setdefault(name, set())
            if value not in known:
                known.add(value)
                kinds[name] = kind_of(value)
            found = parsers.setdefault(name, [])
            if parser and parser not in found:
                found.append(parser)
    return tuple(
        LogField(name, kinds[name], len(values[name]), tuple(sorted(parsers[name]))) for name in sorted(values)
    )


def values_of(name: str, lines: Sequence[LogLine], limit: int) -> tuple[str, ...]:
    """Values of one field, at most `limit`, in the order in which they are met."""
    found: dict[str, None] = {}
    for line in lines:
        if len(found) >= limit:
            break
        for field, value, _ in _fields(line):
            if field == name:
                found[value] = None
    return tuple(found)[:limit]


def _fields(line: LogLine) -> Iterator[tuple[str, str, str]]:
    """Names, values and parsers of one line's fields."""
    own = line.parsed if isinstance(line, Found) else frozenset[str]()
    for name, value in line.metadata:
        if name not in (ERROR, DETAILS):
            yield name, value, "json" if name in own and line.text[:1] == "{" else "logfmt" if name in own else ""
    base = dict(line.labels)
    labels = Labels(base, ())
    _JSON(line.text, labels)
    parser = "json"
    if labels.error == JSON_ERROR:
        labels = Labels(base, ())
        _LOGFMT(line.text, labels)
        parser = "logfmt"
    for name, value in labels.parsed.items():
        yield name, value, parser


def kind_of(value: str) -> str:
    """int, float, boolean, duration, bytes or string: the first that a value can be read as."""
    if _INTEGER.fullmatch(value):
        return "int"
    if _reads(units.go_float, value):
        return "float"
    if value in _BOOLEANS:
        return "boolean"
    if _reads(units.go_duration, value):
        return "duration"
    return "bytes" if _reads(units.size, value) else "string"


def _reads(read: object, value: str) -> bool:
    try:
        read(value)  # type: ignore[operator]
    except ValueError:
        return False
    return True


def useful_labels(streams: Sequence[Stream]) -> tuple[tuple[str, int], ...]:
    """Labels and how many values each has, without those whose values are all numbers or ids."""
    values: dict[str, set[str]] = {}
    for stream in streams:
        for name, value in stream.labels:
            values.setdefault(name, set()).add(value)
    return tuple(
        (name, len(known))
        for name, known in sorted(values.items())
        if name in _ALWAYS or not all(_ID.fullmatch(value) for value in known)
    )
