"""Questions about metrics: panels, ranges, moments, names, rules and targets; and how all the sources are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice
from typing import Annotated, Any, TypeVar

from pydantic import Field

from warroom.incident.words import Access
from warroom.server.asked import (
    YEAR_SECONDS,
    Moment,
    Named,
    OfSource,
    Ranged,
    Step,
    by,
    checked,
    on_beat,
    points,
    put,
    relay_of,
)
from warroom.server.asking import Method, OfIncident, Query, Question, seen
from warroom.server.panels import NO_SOURCE
from warroom.telemetry.clients import Logs, Metrics
from warroom.telemetry.default_panels import DEFAULT_PANELS
from warroom.telemetry.panels import resolve_all
from warroom.telemetry.prometheus_data import Sample, Vector
from warroom.telemetry.series import worded

NAMES_FRESH = 30.0
STATE_FRESH = 5.0
MOST_NAMES = 20_000

Item = TypeVar("Item")
Label = Annotated[str, Field(min_length=1, max_length=200)]
Selector = Annotated[str, Field(max_length=2000)]


class Explore(Ranged, Named):
    query: Query
    step: Step


class Instant(Named):
    query: Query
    at: Moment | None = None


class Matching(OfSource):
    matching: Selector = ""


class Values(Matching):
    label: Label


class Exemplars(Ranged):
    query: Query


async def _panels_for(ask: Question, params: OfIncident) -> Any:
    services = seen(ask, params.incident).services
    if ask.desk.relay is None:
        return {"panels": [], "words": NO_SOURCE}
    panels = []
    for service in services[:4]:
        for panel in resolve_all(ask.desk.panel_templates or DEFAULT_PANELS, {"service": service}):
            panels.append(
                {
                    "title": panel.title if len(services) == 1 else f"{service}: {panel.title}",
                    "query": panel.expr,
                    "unit": panel.unit,
                    "legend": panel.legend,
                    "source": panel.source,
                    "window": int(panel.window),
                    "step": max(1, int(panel.step)),
                    "thresholds": [{**asdict(line), "label": ""} for line in panel.thresholds[:5]],
                }
            )
    return {"panels": panels, "words": "" if services else "the incident names no service yet"}


async def _sources(ask: Question, _: OfSource) -> Any:
    if ask.desk.relay is None:
        return {"sources": [], "words": NO_SOURCE}
    return {"sources": [asdict(source) for source in await ask.desk.relay.sources()]}


async def _explore(ask: Question, params: Explore) -> bytes:
    checked(params, YEAR_SECONDS)
    points(params, params.step)
    start, end = on_beat(params.start, params.end, params.step)
    return await relay_of(ask).explore(params.source, params.query, start, end, params.step, by(ask, params))


async def _instant(ask: Question, params: Instant) -> bytes:
    at = params.at if params.at is None else on_beat(params.at, params.at, 1.0)[1]

    async def call(client: Metrics | Logs) -> Any:
        return _vector(await client.instant(params.query, at))  # type: ignore[arg-type]

    fresh = 2.0 if at is None else relay_of(ask).freshness(at)
    return await put(ask, params, params.source, "instant", (params.query, at), fresh, call)


def _some(found: Iterable[Item], most: int) -> tuple[Item, ...]:
    """The first so many, as a plain tuple, which is what JSON is made of."""
    return tuple(islice(found, most))


def _vector(vector: Vector) -> Any:
    return {
        "samples": [_sample(sample) for sample in vector.samples],
        "warnings": vector.warnings,
        "infos": vector.infos,
    }


def _sample(sample: Sample) -> Any:
    return {"labels": sample.labels, "at": sample.at, "value": worded(sample.value)}


async def _names(ask: Question, params: Matching) -> bytes:
    async def call(client: Metrics) -> Any:
        names = _some(await client.label_values("__name__", params.matching or None), MOST_NAMES)
        wanted = frozenset(names)
        kinds = {
            one.name: (one.kind, one.help[:200], one.unit) for one in await client.metadata() if one.name in wanted
        }
        return {"values": names, "kinds": _fitting(names, kinds)}

    return await put(ask, params, "prometheus", "names", params.matching, NAMES_FRESH, call)


def _fitting(names: tuple[str, ...], kinds: dict[str, tuple[str, str, str]]) -> dict[str, tuple[str, str, str]]:
    """What the metrics say of themselves, in short where there are many of them."""
    if len(names) < 2000:
        return kinds
    return {name: (kind, "", unit) for name, (kind, _, unit) in kinds.items()}


async def _labels(ask: Question, params: Matching) -> bytes:
    async def call(client: Metrics) -> Any:
        return {"values": _some(await client.label_names(), MOST_NAMES)}

    return await put(ask, params, "prometheus", "labels", "", NAMES_FRESH, call)


async def _values(ask: Question, params: Values) -> bytes:
    async def call(client: Metrics) -> Any:
        return {"values": _some(await client.label_values(params.label, params.matching or None), MOST_NAMES)}

    return await put(ask, params, "prometheus", "values", (params.label, params.matching), NAMES_FRESH, call)


async def _exemplars(ask: Question, params: Exemplars) -> bytes:
    checked(params, YEAR_SECONDS)
    start, end = on_beat(params.start, params.end)

    async def call(client: Metrics) -> Any:
        return {"exemplars": _some(await client.exemplars(params.query, start, end), 2000)}

    fresh = relay_of(ask).freshness(end)
    return await put(ask, params, "prometheus", "exemplars", (params.query, start, end), fresh, call)


async def _rules(ask: Question, params: OfSource) -> bytes:
    async def call(client: Metrics) -> Any:
        return {"rules": _some(await client.rules(), 5000)}

    return await put(ask, params, "prometheus", "rules", "", STATE_FRESH, call)


async def _targets(ask: Question, params: OfSource) -> bytes:
    async def call(client: Metrics) -> Any:
        return {"targets": _some(await client.targets(), 5000)}

    return await put(ask, params, "prometheus", "targets", "", STATE_FRESH, call)


METHODS: dict[str, Method] = {
    "panels.for": Method(Access.OBSERVER, OfIncident, _panels_for),
    "sources": Method(Access.OBSERVER, OfSource, _sources, telemetry=True),
    "explore": Method(Access.OBSERVER, Explore, _explore, telemetry=True, free=True),
    "instant": Method(Access.OBSERVER, Instant, _instant, telemetry=True, free=True),
    "metrics.names": Method(Access.RESPONDER, Matching, _names, telemetry=True),
    "metrics.labels": Method(Access.RESPONDER, Matching, _labels, telemetry=True),
    "metrics.values": Method(Access.RESPONDER, Values, _values, telemetry=True),
    "metrics.exemplars": Method(Access.OBSERVER, Exemplars, _exemplars, telemetry=True, free=True),
    "rules": Method(Access.OBSERVER, OfSource, _rules, telemetry=True),
    "targets": Method(Access.OBSERVER, OfSource, _targets, telemetry=True),
}
"""What is asked of Prometheus, and how all sources are."""
