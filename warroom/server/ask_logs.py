"""Questions about logs: lines, counts over time, and what there is to ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field

from warroom.incident.words import Access
from warroom.server.asked import MONTH_SECONDS, OfSource, Ranged, Step, by, checked, on_beat, points, put, relay_of
from warroom.server.asking import LARGEST, Method, Query, Question
from warroom.telemetry.clients import Logs
from warroom.telemetry.logs import LogPage

LABELS_FRESH = 30.0
MOST_LINES = 5000
MOST_VALUES = 10_000
LOKI = "loki"

Label = Annotated[str, Field(min_length=1, max_length=200)]


class Lines(Ranged):
    query: Query
    limit: Annotated[int, Field(ge=1, le=MOST_LINES)] = 1000
    direction: Literal["backward", "forward"] = "backward"


class Counted(Ranged):
    query: Query
    step: Step


class OfQuery(Ranged):
    query: Query


class Labels(OfSource):
    query: Annotated[str, Field(max_length=4000)] = ""


class Values(Labels):
    label: Label


async def _lines(ask: Question, params: Lines) -> bytes:
    checked(params, MONTH_SECONDS)
    start, end = on_beat(params.start, params.end)

    async def call(loki: Logs) -> bytes:
        return fitting(await loki.query_range(params.query, start, end, params.limit, params.direction))

    key = params.query, start, end, params.limit, params.direction
    return await put(ask, params, LOKI, "logs", key, relay_of(ask).freshness(end), call)


def fitting(page: LogPage) -> bytes:
    """The page as JSON, with as many of its lines as one answer carries; `full` when there are more."""
    body = orjson.dumps(page)
    while len(body) > LARGEST and len(page.lines) > 1:
        kept = max(1, int(len(page.lines) * LARGEST / len(body) * 0.95))
        words = f"{kept} of {len(page.lines)} lines are shown: they are too long for more in one answer"
        page = replace(page, lines=page.lines[:kept], full=True, warnings=(*page.warnings[:5], words))
        body = orjson.dumps(page)
    return body


async def _matrix(ask: Question, params: Counted) -> bytes:
    checked(params, MONTH_SECONDS)
    points(params, params.step)
    start, end = on_beat(params.start, params.end, params.step)
    return await relay_of(ask).explore(LOKI, params.query, start, end, params.step, by(ask, params))


async def _labels(ask: Question, params: Labels) -> bytes:
    async def call(loki: Logs) -> Any:
        return {"values": (await loki.labels())[:MOST_VALUES]}

    return await put(ask, params, LOKI, "labels", "", LABELS_FRESH, call)


async def _values(ask: Question, params: Values) -> bytes:
    async def call(loki: Logs) -> Any:
        return {"values": (await loki.label_values(params.label, params.query))[:MOST_VALUES]}

    return await put(ask, params, LOKI, "values", (params.label, params.query), LABELS_FRESH, call)


async def _patterns(ask: Question, params: Counted) -> bytes:
    checked(params, MONTH_SECONDS)
    start, end = on_beat(params.start, params.end, params.step)

    async def call(loki: Logs) -> Any:
        return {"patterns": (await loki.patterns(params.query, start, end, params.step))[:500]}

    key = params.query, start, end, params.step
    return await put(ask, params, LOKI, "patterns", key, relay_of(ask).freshness(end), call)


async def _fields(ask: Question, params: OfQuery) -> bytes:
    checked(params, MONTH_SECONDS)
    start, end = on_beat(params.start, params.end)

    async def call(loki: Logs) -> Any:
        return {"fields": (await loki.detected_fields(params.query, start, end))[:1000]}

    return await put(ask, params, LOKI, "fields", (params.query, start, end), relay_of(ask).freshness(end), call)


async def _volume(ask: Question, params: Counted) -> bytes:
    checked(params, MONTH_SECONDS)
    points(params, params.step)
    start, end = on_beat(params.start, params.end, params.step)

    async def call(loki: Logs) -> Any:
        return {"volumes": (await loki.volume(params.query, start, end, params.step))[:200]}

    key = params.query, start, end, params.step
    return await put(ask, params, LOKI, "volume", key, relay_of(ask).freshness(end), call)


METHODS: dict[str, Method] = {
    "logs": Method(Access.OBSERVER, Lines, _lines, telemetry=True, free=True),
    "logs.matrix": Method(Access.OBSERVER, Counted, _matrix, telemetry=True, free=True),
    "logs.labels": Method(Access.RESPONDER, Labels, _labels, telemetry=True),
    "logs.values": Method(Access.RESPONDER, Values, _values, telemetry=True),
    "logs.patterns": Method(Access.OBSERVER, Counted, _patterns, telemetry=True, free=True),
    "logs.fields": Method(Access.OBSERVER, OfQuery, _fields, telemetry=True, free=True),
    "logs.volume": Method(Access.OBSERVER, Counted, _volume, telemetry=True, free=True),
}
"""What is asked of Loki."""
