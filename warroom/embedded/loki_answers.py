"""A Loki's answers as JSON, and what its parameters mean.

Invariant: nanoseconds stay whole numbers in a text; values are texts, as everywhere in Loki.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from warroom.embedded.logql import LogqlError
from warroom.embedded.logql.pipeline import Found
from warroom.embedded.logql.units import SECOND, number_text, prometheus_duration
from warroom.telemetry.logs import LogLine, LogVolume, Pairs
from warroom.telemetry.prometheus_data import Matrix, Vector

FLAG = "categorize-labels"
_HOUR = 3600 * SECOND
_STATS = {
    "summary": {
        "bytesProcessedPerSecond": 0, "linesProcessedPerSecond": 0, "totalBytesProcessed": 0, "totalLinesProcessed": 0,
        "execTime": 0, "queueTime": 0, "subqueries": 0, "totalEntriesReturned": 0, "splits": 0, "shards": 0,
        "totalPostFilterLines": 0, "totalStructuredMetadataBytesProcessed": 0,
    }
}  # fmt: skip


def stats(entries: int) -> dict[str, Any]:
    """Statistics of a query. There is nothing to measure but how much it returned."""
    return {"summary": {**_STATS["summary"], "totalEntriesReturned": entries}}


# -- lines -------------------------------------------------------------------------------------------------------------


def streams(lines: Iterable[LogLine], categorized: bool) -> list[dict[str, Any]]:
    """Lines by stream, streams by their labels. Metadata is merged into the labels unless it is `categorized`."""
    found: dict[Pairs, list[list[Any]]] = {}
    for line in lines:
        if categorized:
            found.setdefault(line.labels, []).append([str(line.ns), line.text, beside(line)])
        else:
            found.setdefault(merged(line), []).append([str(line.ns), line.text])
    return [{"stream": dict(labels), "values": found[labels]} for labels in sorted(found, key=_as_text)]


def _as_text(labels: Pairs) -> str:
    return str(labels)


def merged(line: LogLine) -> Pairs:
    """All labels of a line in one."""
    return tuple(sorted({**dict(line.labels), **dict(line.metadata)}.items())) if line.metadata else line.labels


def beside(line: LogLine) -> dict[str, dict[str, str]]:
    """What came with a line, and what a parser found in it, apart."""
    own = line.parsed if isinstance(line, Found) else frozenset[str]()
    found: dict[str, dict[str, str]] = {}
    metadata = {name: value for name, value in line.metadata if name not in own}
    parsed = {name: value for name, value in line.metadata if name in own}
    if metadata:
        found["structuredMetadata"] = metadata
    if parsed:
        found["parsed"] = parsed
    return found


def lines_answer(lines: Sequence[LogLine], categorized: bool) -> dict[str, Any]:
    """The answer to a log query."""
    data: dict[str, Any] = {"resultType": "streams"}
    if categorized:
        data["encodingFlags"] = [FLAG]
    return success({**data, "result": streams(lines, categorized), "stats": stats(len(lines))})


# -- values ------------------------------------------------------------------------------------------------------------


def matrix_answer(matrix: Matrix) -> dict[str, Any]:
    """The answer to a metric query over a range."""
    result = [
        {"metric": dict(line.labels), "values": list(map(pair, line.times, line.values))} for line in matrix.lines
    ]
    return success({"resultType": "matrix", "result": result, "stats": stats(len(result))})


def vector_answer(vector: Vector, scalar: bool = False) -> dict[str, Any]:
    """The answer to a metric query at one moment."""
    if scalar:
        one = vector.samples[0]
        return success({"resultType": "scalar", "result": pair(one.at, one.value), "stats": stats(1)})
    result = [{"metric": dict(one.labels), "value": pair(one.at, one.value)} for one in vector.samples]
    return success({"resultType": "vector", "result": result, "stats": stats(len(result))})


def volume_answer(volumes: Sequence[LogVolume], over: bool) -> dict[str, Any]:
    """The answer to a question about volumes; `over` a range, or all in one."""
    key = "values" if over else "value"
    result = []
    for one in volumes:
        samples = [pair(at, size) for at, size in one.samples]
        result.append({"metric": dict(one.labels), key: samples if over else samples[-1]})
    return success({"resultType": "matrix" if over else "vector", "result": result, "stats": stats(len(result))})


def pair(at: float, value: float) -> list[Any]:
    """A moment in seconds and a value as text."""
    return [int(at) if at == int(at) else at, number_text(value)]


def success(data: Any) -> dict[str, Any]:
    """The envelope of most answers."""
    return {"status": "success", "data": data}


def listed(found: Sequence[str]) -> dict[str, Any]:
    """A list of names; without any the answer has no data at all."""
    return success(list(found)) if found else {"status": "success"}


# -- parameters --------------------------------------------------------------------------------------------------------


class Asked:
    """The parameters of a request. Every method raises LogqlError in Loki's words. `now` in nanoseconds."""

    def __init__(self, params: Mapping[str, str], now: int) -> None:
        self._params = params
        self._now = now

    def text(self, name: str) -> str:
        """A parameter, empty when it is not there."""
        return self._params.get(name, "")

    def span(self) -> tuple[int, int]:
        """Start and end: `since` (an hour) before the end or now, up to now."""
        end = self.moment("end", self._now)
        since = _HOUR
        if self.text("since"):
            try:
                since = prometheus_duration(self.text("since"))
            except ValueError as wrong:
                raise LogqlError(f"could not parse 'since' parameter: {wrong}") from None
        return self.moment("start", min(end, self._now) - since), end

    def range(self) -> tuple[int, int]:
        """As `span`, the end behind the start."""
        start, end = self.span()
        if end <= start:
            raise LogqlError("end timestamp must not be before or equal to start time")
        return start, end

    def moment(self, name: str, otherwise: int) -> int:
        """A time: whole nanoseconds, seconds of up to ten digits, seconds with a point, or RFC 3339."""
        said = self.text(name)
        if not said:
            return otherwise
        try:
            return _moment(said)
        except (ValueError, OverflowError):
            raise LogqlError(
                f"could not parse '{name}' parameter: strconv.ParseInt: parsing \"{said}\": invalid syntax"
            ) from None

    def whole(self, name: str, otherwise: int) -> int:
        """A whole number."""
        said = self.text(name)
        if not said:
            return otherwise
        if not re.fullmatch(r"[-+]?\d{1,18}", said, re.ASCII):
            raise LogqlError(f'strconv.Atoi: parsing "{said}": invalid syntax')
        return int(said)

    def limit(self, name: str = "limit", otherwise: int = 100) -> int:
        """A whole number above 0."""
        limit = self.whole(name, otherwise)
        if limit < 1:
            raise LogqlError("limit must be a positive value")
        return limit

    def direction(self) -> str:
        """forward or backward."""
        said = self.text("direction") or "backward"
        if said.lower() not in ("forward", "backward"):
            raise LogqlError(f"invalid direction '{said}'")
        return said.lower()

    def step(self, start: int, end: int, name: str = "step") -> int:
        """Nanoseconds of a step; a 250th of the range, in whole seconds, when none is asked for."""
        said = self.text(name)
        if not said:
            return max(1, math.floor((end - start) / SECOND / 250)) * SECOND
        try:
            step = round(float(said) * SECOND) if _is_number(said) else prometheus_duration(said)
        except (ValueError, OverflowError):
            raise LogqlError(f'cannot parse "{said}" to a valid duration') from None
        if step <= 0:
            raise LogqlError("zero or negative query resolution step widths are not accepted. Try a positive integer")
        return step


def _is_number(said: str) -> bool:
    return re.fullmatch(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", said, re.ASCII) is not None


def _moment(said: str) -> int:
    if _is_number(said) and "." in said:
        return round(float(said) * 1_000_000) * 1000
    if re.fullmatch(r"-?\d{1,19}", said, re.ASCII):
        return int(said) if len(said) > 10 else int(said) * SECOND
    at = datetime.fromisoformat(said)
    if at.tzinfo is None or "T" not in said:
        raise ValueError(said)
    return round(at.timestamp() * 1_000_000) * 1000
