"""What a watcher of a panel is told: the whole window once, then only what changed, and when it went wrong.

Invariant: folding `Full` and the `Delta`s that follow it (`rev` counts up by one) gives the same window as asking
the source again. A column without a sample is an explicit gap (None), never a left-out value.

JSON: a value is a number, null for a gap, or one of the strings "NaN", "+Inf", "-Inf", which JSON cannot
say otherwise. Times are seconds since the epoch; the times of a frame are `start + i * step`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal, TypeAlias

import orjson

from warroom.telemetry.panel import Panel, Threshold

__all__ = [
    "Delta",
    "Frame",
    "Full",
    "Last",
    "Panel",
    "Points",
    "Recovered",
    "Series",
    "Threshold",
    "Trouble",
    "apply",
    "decode",
    "encode",
    "worded",
]

Value: TypeAlias = float | None
Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Sorted by name, so that equal label sets are equal."""

Reason: TypeAlias = Literal["unreachable", "not-ready", "denied", "bad-query", "too-heavy", "protocol"]

_WORDS: Mapping[str, float] = {"NaN": float("nan"), "+Inf": float("inf"), "-Inf": float("-inf")}


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart: `values[i]` is the value at `start + i * step`, None where there was no sample."""

    labels: Labels
    legend: str
    start: float
    step: float
    values: tuple[Value, ...]

    @property
    def times(self) -> tuple[float, ...]:
        """Seconds since the epoch, one for each value."""
        return tuple(round(self.start + index * self.step, 3) for index in range(len(self.values)))

    @property
    def last(self) -> tuple[float, float] | None:
        """Time and value of the newest sample that is no gap."""
        for index in range(len(self.values) - 1, -1, -1):
            value = self.values[index]
            if value is not None:
                return round(self.start + index * self.step, 3), value
        return None


@dataclass(frozen=True, slots=True)
class Full:
    """The whole window of a panel. No series at all means that the source has no data for it."""

    panel_id: str
    rev: int
    start: float
    step: float
    count: int
    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()

    @property
    def newest(self) -> float:
        """Time of the newest column: up to when the source was asked."""
        return round(self.start + (self.count - 1) * self.step, 3)


@dataclass(frozen=True, slots=True)
class Points:
    """New values of the series with that index; a series that a delta does not name has gaps."""

    index: int
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """`count` columns from `start` on, in place of whatever stood there; columns before `trimmed_before` go.

    `added` are series not seen before, as (labels, legend); they take the next indexes and had gaps.
    `warnings` and `infos` are None when they did not change.
    """

    panel_id: str
    rev: int
    start: float
    count: int
    points: tuple[Points, ...]
    trimmed_before: float
    added: tuple[tuple[Labels, str], ...] = ()
    warnings: tuple[str, ...] | None = None
    infos: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Last:
    """The newest value known of one series while its source does not answer."""

    legend: str
    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Trouble:
    """The source did not answer a panel's question. Sent on every failed attempt; what was drawn stays true.

    `since` and `retry_at` are seconds since the epoch; `attempts` counts the failures in a row.
    """

    panel_id: str
    source: str
    reason: Reason
    message: str
    since: float
    attempts: int
    retry_at: float
    last: tuple[Last, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Recovered:
    """The source answers again; a `Full` follows."""

    panel_id: str
    source: str
    since: float
    at: float
    attempts: int


Frame: TypeAlias = Full | Delta | Trouble | Recovered


def apply(full: Full, delta: Delta) -> Full:
    """The window after one delta.

    Raises ValueError when the delta is not the next one of this panel, or leaves a hole: then ask for a `Full`.
    """
    if delta.panel_id != full.panel_id:
        raise ValueError(f"a delta of panel {delta.panel_id} cannot change panel {full.panel_id}")
    if delta.rev != full.rev + 1:
        raise ValueError(f"panel {full.panel_id} is at {full.rev}; delta {delta.rev} is not the next one")
    keep = round((delta.start - full.start) / full.step)
    if not 0 <= keep <= full.count:
        raise ValueError(f"panel {full.panel_id} has a hole between its newest column and {delta.start}")
    drop = max(0, round((delta.trimmed_before - full.start) / full.step))
    start = round(full.start + drop * full.step, 3)
    fresh = {points.index: points.values for points in delta.points}
    gaps: tuple[Value, ...] = (None,) * delta.count
    lines = [(line.labels, line.legend, line.values[:keep]) for line in full.series]
    lines += [(labels, legend, (None,) * keep) for labels, legend in delta.added]
    series = tuple(
        Series(labels, legend, start, full.step, (values + fresh.get(index, gaps))[drop:])
        for index, (labels, legend, values) in enumerate(lines)
    )
    return Full(
        panel_id=full.panel_id,
        rev=delta.rev,
        start=start,
        step=full.step,
        count=keep + delta.count - drop,
        series=series,
        warnings=full.warnings if delta.warnings is None else delta.warnings,
        infos=full.infos if delta.infos is None else delta.infos,
    )


def encode(frame: Frame) -> bytes:
    """The frame as one JSON object; see `decode` for the way back."""
    match frame:
        case Full():
            said: dict[str, Any] = {
                "kind": "full",
                "panel": frame.panel_id,
                "rev": frame.rev,
                "start": frame.start,
                "step": frame.step,
                "count": frame.count,
                "series": [
                    {"labels": dict(line.labels), "legend": line.legend, "values": _worded(line.values)}
                    for line in frame.series
                ],
            } | _notes(frame.warnings or None, frame.infos or None)
        case Delta():
            said = {
                "kind": "delta",
                "panel": frame.panel_id,
                "rev": frame.rev,
                "start": frame.start,
                "count": frame.count,
                "trim": frame.trimmed_before,
                "points": [[points.index, _worded(points.values)] for points in frame.points],
            } | _notes(frame.warnings, frame.infos)
            if frame.added:
                said["added"] = [{"labels": dict(labels), "legend": legend} for labels, legend in frame.added]
        case Trouble():
            said = {
                "kind": "trouble",
                "panel": frame.panel_id,
                "source": frame.source,
                "reason": frame.reason,
                "message": frame.message,
                "since": frame.since,
                "attempts": frame.attempts,
                "retry_at": frame.retry_at,
                "last": [[last.legend, last.at, *_worded((last.value,))] for last in frame.last],
            }
        case Recovered():
            said = {
                "kind": "recovered",
                "panel": frame.panel_id,
                "source": frame.source,
                "since": frame.since,
                "at": frame.at,
                "attempts": frame.attempts,
            }
    return orjson.dumps(said)


def decode(body: bytes) -> Frame:
    """The frame of a JSON object that `encode` made. Raises ValueError when it is none."""
    said = orjson.loads(body)
    try:
        return _READERS[said["kind"]](said)
    except (KeyError, TypeError, IndexError, AttributeError) as broken:
        raise ValueError(f"not a telemetry frame: {broken!r}") from None


def _full(said: dict[str, Any]) -> Full:
    start, step = float(said["start"]), float(said["step"])
    series = tuple(
        Series(_labels(line["labels"]), line["legend"], start, step, _values(line["values"])) for line in said["series"]
    )
    notes = tuple(said.get("warnings", ())), tuple(said.get("infos", ()))
    return Full(said["panel"], said["rev"], start, step, said["count"], series, *notes)


def _delta(said: dict[str, Any]) -> Delta:
    return Delta(
        panel_id=said["panel"],
        rev=said["rev"],
        start=float(said["start"]),
        count=said["count"],
        points=tuple(Points(index, _values(values)) for index, values in said["points"]),
        trimmed_before=float(said["trim"]),
        added=tuple((_labels(line["labels"]), line["legend"]) for line in said.get("added", ())),
        warnings=tuple(said["warnings"]) if "warnings" in said else None,
        infos=tuple(said["infos"]) if "infos" in said else None,
    )


def _trouble(said: dict[str, Any]) -> Trouble:
    last = tuple(Last(legend, float(at), _number(value)) for legend, at, value in said["last"])
    return Trouble(
        said["panel"],
        said["source"],
        said["reason"],
        said["message"],
        float(said["since"]),
        said["attempts"],
        float(said["retry_at"]),
        last,
    )


def _recovered(said: dict[str, Any]) -> Recovered:
    return Recovered(said["panel"], said["source"], float(said["since"]), float(said["at"]), said["attempts"])


_READERS: Mapping[str, Callable[[dict[str, Any]], Frame]] = {
    "full": _full,
    "delta": _delta,
    "trouble": _trouble,
    "recovered": _recovered,
}


def _notes(warnings: Sequence[str] | None, infos: Sequence[str] | None) -> dict[str, Any]:
    notes = {"warnings": warnings, "infos": infos}
    return {name: list(texts) for name, texts in notes.items() if texts is not None}


def _labels(said: dict[str, str]) -> Labels:
    return tuple(sorted(said.items()))


def _worded(values: Sequence[Value]) -> Sequence[float | str | None]:
    # Nearly every series is whole and finite, which its sum shows at a tenth of the cost of looking at each value.
    try:
        if isfinite(sum(values)):  # type: ignore[arg-type]
            return values
    except TypeError:
        pass
    return [worded(value) for value in values]


def worded(value: Value) -> float | str | None:
    """A value as JSON says it: a number, null for a gap, or the word for what is no finite number."""
    if value is None or value - value == 0:
        return value
    if value != value:
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def _values(said: Sequence[float | str | None]) -> tuple[Value, ...]:
    return tuple(None if value is None else _number(value) for value in said)


def _number(said: float | str) -> float:
    return _WORDS[said] if isinstance(said, str) else float(said)
