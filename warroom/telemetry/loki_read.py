"""What Loki says, as this package's own shapes: pure, no network.

Follows https://grafana.com/docs/loki/latest/reference/loki-http-api/ as Loki 3.7 answers it. Whatever does not fit
raises KeyError, TypeError, ValueError or IndexError; the client tells it as an answer of a strange shape.

Invariant: nanoseconds are whole numbers all the way; they never pass through a float.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from warroom.telemetry.logs import LogField, LogLine, LogPage, LogPattern, LogVolume, Pairs
from warroom.telemetry.prometheus_data import Line, Matrix, Sample, Vector

_DIGITS = re.compile(r"-?\d+")


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of a tail. `dropped` are the times of lines that it names as dropped; `pressed` when it speaks of
    drops at all, even of none: Loki does so only when it is short of room.
    """

    lines: tuple[LogLine, ...]
    dropped: tuple[int, ...] = ()
    pressed: bool = False


def ns_of(seconds: float) -> int:
    """Seconds since the epoch as nanoseconds, exact to a microsecond, which is what a float can tell of today."""
    return round(seconds * 1_000_000) * 1000


def pairs_of(said: Mapping[str, Any]) -> Pairs:
    """Names and values, sorted by name."""
    return tuple(sorted((_text(name), _text(value)) for name, value in said.items()))


def lines_of(streams: Iterable[Mapping[str, Any]]) -> list[LogLine]:
    """All lines of an answer or a frame, stream by stream; all lines of a stream share one object of labels."""
    shared: dict[Pairs, Pairs] = {}
    lines: list[LogLine] = []
    for stream in streams:
        labels = pairs_of(stream["stream"])
        labels = shared.setdefault(labels, labels)
        lines += (_line(value, labels) for value in stream["values"])
    return lines


def page_of(data: Mapping[str, Any], limit: int, direction: str) -> LogPage:
    """One page in the order asked for. Loki orders lines within a stream only, and does not say that it cut."""
    found = lines_of(_kind(data, "streams"))
    found.sort(key=lambda line: line.ns, reverse=direction == "backward")
    return LogPage(tuple(found), len(found) >= limit, _warnings(data))


def frame_of(said: Mapping[str, Any]) -> Frame:
    """One message of a tail, lines by time; within one frame they may come out of order."""
    lines = sorted(lines_of(said.get("streams") or ()), key=lambda line: line.ns)
    dropped = said.get("dropped_entries")
    return Frame(tuple(lines), tuple(_ns(one["timestamp"]) for one in dropped or ()), dropped is not None)


def matrix_of(data: Mapping[str, Any], most: int) -> Matrix:
    """The answer to a metric query over a range. Raises OverflowError beyond `most` values."""
    lines = []
    samples = 0
    for series in _kind(data, "matrix"):
        samples += len(series["values"])
        if samples > most:
            raise OverflowError(most)
        times = tuple(float(at) for at, _ in series["values"])
        values = tuple(float(_text(text)) for _, text in series["values"])
        if times:
            lines.append(Line(pairs_of(series["metric"]), times, values))
    return Matrix(tuple(lines), _warnings(data))


def vector_of(data: Mapping[str, Any]) -> Vector:
    """The answer to a metric query at one moment; a scalar is one sample without labels."""
    if data["resultType"] == "scalar":
        at, text = data["result"]
        return Vector((Sample((), float(at), float(text)),), _warnings(data))
    samples = tuple(
        Sample(pairs_of(one["metric"]), float(one["value"][0]), float(_text(one["value"][1])))
        for one in _kind(data, "vector")
    )
    return Vector(samples, _warnings(data))


def volumes_of(data: Mapping[str, Any]) -> tuple[LogVolume, ...]:
    """Bytes of each group by step, the largest group first."""
    volumes = [
        LogVolume(
            pairs_of(series["metric"]),
            tuple((float(at), float(_text(amount))) for at, amount in series["values"]),
        )
        for series in _kind(data, "matrix")
    ]
    return tuple(sorted(volumes, key=lambda one: (-sum(amount for _, amount in one.samples), one.labels)))


def patterns_of(data: Iterable[Mapping[str, Any]]) -> tuple[LogPattern, ...]:
    """Forms of lines, the most frequent first. Their samples are whole seconds, not nanoseconds."""
    patterns = [
        LogPattern(
            _text(one["pattern"]),
            _text(one.get("level", "")),
            tuple((float(at), _whole(count)) for at, count in one["samples"]),
        )
        for one in data
    ]
    return tuple(sorted(patterns, key=lambda one: (-one.count, one.pattern, one.level)))


def fields_of(said: Mapping[str, Any]) -> tuple[LogField, ...]:
    """Fields found in lines, by name; an answer without any is an empty object."""
    fields = [
        LogField(
            _text(one["label"]),
            _text(one["type"]),
            _whole(one["cardinality"]),
            tuple(_text(parser) for parser in one.get("parsers") or ()),
        )
        for one in said.get("fields") or ()
    ]
    return tuple(sorted(fields, key=lambda one: one.name))


def texts_of(said: Any) -> tuple[str, ...]:
    """A list of texts, in the order given; nothing at all is an empty one."""
    if said is None:
        return ()
    if not isinstance(said, list):
        raise TypeError("a list of texts was expected")
    return tuple(_text(one) for one in said)


def _line(value: list[Any], labels: Pairs) -> LogLine:
    ns, text, *more = value
    if len(more) > 1:
        raise ValueError("a line has a time, a text and at most one object beside them")
    beside: dict[str, Any] = {}
    for part in more:
        # What a parser found wins over what came beside the line, as it does in Loki's merged labels.
        beside = {**(part.get("structuredMetadata") or {}), **(part.get("parsed") or {})}
    return LogLine(_ns(ns), _text(text), labels, pairs_of(beside))


def _kind(data: Mapping[str, Any], wanted: str) -> list[Any]:
    if data["resultType"] != wanted:
        raise ValueError(f"a {data['resultType']} in place of a {wanted}")
    result = data["result"]
    if not isinstance(result, list):
        raise TypeError("a list of results was expected")
    return result


def _warnings(data: Mapping[str, Any]) -> tuple[str, ...]:
    return texts_of(data.get("warnings"))


def _ns(said: Any) -> int:
    if not isinstance(said, str) or not _DIGITS.fullmatch(said):
        raise ValueError("nanoseconds come as a text of digits")
    return int(said)


def _text(said: Any) -> str:
    if not isinstance(said, str):
        raise TypeError("a text was expected")
    return said


def _whole(said: Any) -> int:
    if not isinstance(said, int) or isinstance(said, bool):
        raise TypeError("a whole number was expected")
    return said
