"""What a reader of a tail is told: lines with their numbers, each stream's labels once. Data only, no network.

Invariant: numbers of one `tail` count up without a gap, so a reader that lost frames knows how many lines it lost,
and one that comes back knows which it has.

JSON: `{"kind":"lines","tail":...,"first":41,"streams":[{label: value}],"lines":[[stream, "ns", text, {metadata}]]}`;
`ns` is a text because JSON numbers are not whole beyond 2^53. `lost` and `backfilled` stand only where there are any.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from warroom.telemetry.line_block import Kind, LineBlock
from warroom.telemetry.logs import LogLine, Pairs

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class LineFrame:
    """`lines` are numbered from `first` on; `lost` are lines before them that the source dropped."""

    tail: str
    first: int
    lines: Sequence[LogLine]
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
        lines = _block(said["lines"], [known.setdefault(labels, labels) for labels in streams])
        lost, backfilled = int(said.get("lost", 0)), int(said.get("backfilled", 0))
        return LineFrame(str(said["tail"]), int(said["first"]), lines, lost, backfilled)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, OverflowError) as broken:
        raise ValueError(f"not a frame of lines: {broken!r}") from None


def _block(rows: Sequence[Sequence[Any]], streams: Sequence[Pairs]) -> LineBlock:
    """The lines of the rows. All work that a line costs is here, ten thousand times a second."""
    kinds = dict[Kind, int]()
    # By stream and names as they came: the place of the kind, and the names when they came in another order.
    forms = dict[tuple[Any, ...], tuple[int, tuple[str, ...] | None]]()
    of, times, texts, values = array("I"), list[Any](), list[Any](), list[Any]()
    for row in rows:
        stream, ns, text, beside = row if len(row) == 4 else (*row, _NOTHING)[:4]
        form = forms.get((stream, *beside))
        if form is None:
            names = tuple(sorted(map(sys.intern, beside)))
            place = kinds.setdefault((streams[stream], names), len(kinds))
            form = forms[stream, *beside] = place, None if list(beside) == list(names) else names
        of.append(form[0])
        times.append(ns)
        texts.append(text)
        values += beside.values() if form[1] is None else [beside[name] for name in form[1]]
    return LineBlock(kinds, of, array("q", map(int, times)), _strings(texts), _shared(_strings(values)))


def _strings(said: list[Any]) -> list[str]:
    return said if set(map(type, said)) <= {str} else list(map(str, said))


def _shared(values: list[str]) -> list[str]:
    """The values, each text as one object however often it is there: levels, pods, status codes."""
    once = dict[str, str]()
    return list(map(once.setdefault, values, values))


def _pairs(said: Mapping[str, Any]) -> Pairs:
    return tuple(sorted((str(name), str(value)) for name, value in said.items()))
