"""What a reader of a tail is told: lines with their numbers, each stream's labels once. Data only, no network.

Invariant: numbers of one `tail` count up without a gap, so a reader that lost frames knows how many lines it lost,
and one that comes back knows which it has.

JSON: `{"kind":"lines","tail":...,"first":41,"streams":[{label: value}],"lines":[[stream, "ns", text, {metadata}]]}`;
`ns` is a text because JSON numbers are not whole beyond 2^53. `lost` and `backfilled` stand only where there are any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from warroom.telemetry.logs import LogLine, Pairs


@dataclass(frozen=True, slots=True)
class LineFrame:
    """`lines` are numbered from `first` on; `lost` are lines before them that the source dropped."""

    tail: str
    first: int
    lines: tuple[LogLine, ...]
    lost: int = 0
    backfilled: int = 0


def encode_lines(frame: LineFrame) -> bytes:
    """The frame as one JSON object."""
    places: dict[Pairs, int] = {}
    lines: list[list[Any]] = []
    for line in frame.lines:
        row: list[Any] = [places.setdefault(line.labels, len(places)), str(line.ns), line.text]
        if line.metadata:
            row.append(dict(line.metadata))
        lines.append(row)
    said: dict[str, Any] = {
        "kind": "lines",
        "tail": frame.tail,
        "first": frame.first,
        "streams": [dict(labels) for labels in places],
        "lines": lines,
    }
    said |= {name: count for name, count in (("lost", frame.lost), ("backfilled", frame.backfilled)) if count}
    return orjson.dumps(said)


def read_lines(said: Mapping[str, Any], known: dict[Pairs, Pairs] | None = None) -> LineFrame:
    """The frame of a JSON object. `known` keeps one object for the labels of a stream from frame to frame.

    Raises:
        ValueError: it is none.
    """
    known = {} if known is None else known
    try:
        streams = [_pairs(labels) for labels in said["streams"]]
        streams = [known.setdefault(labels, labels) for labels in streams]
        lines = tuple(_line(row, streams) for row in said["lines"])
        return LineFrame(
            str(said["tail"]), int(said["first"]), lines, int(said.get("lost", 0)), int(said.get("backfilled", 0))
        )
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as broken:
        raise ValueError(f"not a frame of lines: {broken!r}") from None


def _line(row: Sequence[Any], streams: Sequence[Pairs]) -> LogLine:
    stream, ns, text, *rest = row
    return LogLine(int(ns), str(text), streams[stream], _pairs(rest[0]) if rest else ())


def _pairs(said: Mapping[str, Any]) -> Pairs:
    return tuple(sorted((str(name), str(value)) for name, value in said.items()))
