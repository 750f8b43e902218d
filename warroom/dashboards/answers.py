"""What the sources answered to a panel's queries, and the first tables made of it.

Invariant: pure. An answer is given under its query's `ref`; a query without an answer is as one without data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from warroom.dashboards.data import LogRow
from warroom.dashboards.queries import Query
from warroom.dashboards.said import clean
from warroom.dashboards.tables import Field, Frame
from warroom.telemetry.series import Full, Labels, Value

_LEGEND_SLOT: Final = re.compile(r"\{\{\s*([^\s{}]+)\s*\}\}")
_NATURAL: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Sample:
    """One series' value at one time (seconds since the epoch): an instant query gives these."""

    labels: Labels
    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Instant:
    """The answer of an instant query."""

    samples: tuple[Sample, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lines:
    """The answer of a log query."""

    rows: tuple[LogRow, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """A query that failed, in one sentence."""

    message: str


Answer: TypeAlias = Full | Instant | Lines | Failed
Answers: TypeAlias = Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class _Line:
    labels: Labels
    times: tuple[float, ...]
    values: tuple[Value, ...]


def frames_of(queries: Sequence[Query], answers: Answers) -> tuple[Frame, ...]:
    """The first frames: one for each series, or one table for each query of the table format."""
    made: list[Frame] = []
    tables = sum(query.format == "table" for query in queries)
    for query in queries:
        answer = answers.get(query.ref)
        if isinstance(answer, Lines):
            made.append(_log_frame(query, answer))
            continue
        lines = _lines(answer, query.shift)
        if query.format == "table":
            made.append(_table(query, lines, "Value" if tables == 1 else f"Value #{query.ref}"))
        elif query.format == "heatmap":
            made += _buckets(query, lines)
        else:
            made += _series(query, lines)
    return tuple(made)


def _lines(answer: Answer | None, shift: float) -> list[_Line]:
    if isinstance(answer, Full):
        times: dict[tuple[float, float, int], tuple[float, ...]] = {}
        found = []
        for one in answer.series:
            key = (one.start, one.step, len(one.values))
            if key not in times:
                times[key] = tuple(at + shift for at in one.times)
            found.append(_Line(one.labels, times[key], one.values))
        return found
    if isinstance(answer, Instant):
        return [_Line(one.labels, (one.at + shift,), (one.value,)) for one in answer.samples]
    return []


def legend_of(template: str, labels: Labels, expr: str, every: Iterable[Labels] = ()) -> str:
    """The name of a series: its template filled, or (empty, `__auto`) its metric and labels.

    With `__auto`, of several series only the labels that tell them apart count.
    """
    known = dict(labels)
    if template and template != "__auto":
        return clean(_LEGEND_SLOT.sub(lambda slot: known.get(slot[1], ""), template))
    name = known.pop("__name__", "")
    if template == "__auto":
        sets = [dict(one) for one in every]
        if len(sets) > 1:
            apart = {key for one in sets for key in one if len({each.get(key) for each in sets}) > 1}
            known = {key: value for key, value in known.items() if key in apart}
            name = name if "__name__" in apart else ""
        if len(known) == 1 and not name:
            return clean(next(iter(known.values())))
    inner = ", ".join(f'{key}="{value}"' for key, value in known.items())
    return clean(f"{name}{{{inner}}}" if inner else name or expr)


def _series(query: Query, lines: Sequence[_Line]) -> list[Frame]:
    every = [one.labels for one in lines]
    return [
        Frame(
            query.ref,
            (
                Field("Time", "time", one.times),
                Field(
                    "Value",
                    "number",
                    one.values,
                    one.labels,
                    legend_of(query.legend, one.labels, query.expr, every),
                ),
            ),
        )
        for one in lines
    ]


def _table(query: Query, lines: Sequence[_Line], value: str) -> Frame:
    """Rows with the time, each label as a column, and the value."""
    names = sorted({name for one in lines for name, _ in one.labels})
    rows = [
        (at, dict(one.labels), number)
        for one in lines
        for at, number in zip(one.times, one.values, strict=True)
        if number is not None
    ]
    return Frame(
        query.ref,
        (
            Field("Time", "time", tuple(at for at, _, _ in rows)),
            *(Field(name, "text", tuple(labels.get(name, "") for _, labels, _ in rows)) for name in names),
            Field(value, "number", tuple(number for _, _, number in rows)),
        ),
        "table",
    )


def _edge(line: _Line) -> float:
    said = dict(line.labels).get("le", "")
    return float("inf") if said in {"+Inf", "inf", ""} else float(said) if _NATURAL.fullmatch(said) else float("inf")


def _buckets(query: Query, lines: Sequence[_Line]) -> list[Frame]:
    """Buckets by their upper edge. What Prometheus counts from zero up to `le` becomes what lies in one bucket."""
    ordered = sorted(lines, key=_edge)
    made: list[Frame] = []
    below: dict[float, float] = {}
    for one in ordered:
        mine = {at: number for at, number in zip(one.times, one.values, strict=True) if number is not None}
        values = tuple(None if at not in mine else max(0.0, mine[at] - below.get(at, 0.0)) for at in one.times)
        below |= mine
        name = dict(one.labels).get("le", "") or legend_of(query.legend, one.labels, query.expr)
        field = Field("Value", "number", values, one.labels, name)
        made.append(Frame(query.ref, (Field("Time", "time", one.times), field), "heat"))
    return made


def _log_frame(query: Query, answer: Lines) -> Frame:
    rows = answer.rows
    return Frame(
        query.ref,
        (
            Field("labels", "other", tuple(", ".join(f"{key}={value}" for key, value in row.labels) for row in rows)),
            Field("Time", "time", tuple(row.at for row in rows)),
            Field("Line", "text", tuple(row.text for row in rows)),
        ),
        "logs",
        rows,
    )


def numbers_of_names(names: Sequence[str]) -> list[float] | None:
    """The numbers that names of buckets are; None when one is none."""
    found: list[float] = []
    for name in names:
        said = name.strip()
        if said in {"+Inf", "inf", "Inf"}:
            found.append(float("inf"))
        elif _NATURAL.fullmatch(said):
            found.append(float(said))
        else:
            return None
    return found
