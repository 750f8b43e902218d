"""Questions to Grafana: dashboards, links into it, and marks on its time axes."""

from __future__ import annotations

from collections.abc import Mapping
from time import time
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from warroom.incident.text import clean_line
from warroom.incident.words import Access
from warroom.server.asked import OfSource, put, relay_of
from warroom.server.asking import Method, Question
from warroom.telemetry.errors import TelemetryError
from warroom.telemetry.grafana_links import ExploreQuery, SourceKind
from warroom.wire.messages import Shown

if TYPE_CHECKING:
    from warroom.telemetry.grafana import Grafana

FRESH = 30.0
GRAFANA = "grafana"
MOST_FOUND = 1000

Uid = Annotated[str, Field(pattern=r"^[0-9a-zA-Z_-]{1,80}$")]
_KINDS: Mapping[str, SourceKind] = {"metrics": "prometheus", "logs": "loki", "traces": "jaeger"}


class Search(OfSource):
    query: Annotated[str, Field(max_length=200)] = ""


class DashboardUid(OfSource):
    uid: Uid


class Link(OfSource):
    """`shown` is what a pane shows, as in a spotlight."""

    shown: Shown


class Mark(OfSource):
    text: Annotated[str, Field(min_length=1, max_length=1000)]
    tags: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=50)], ...], Field(max_length=10)] = ()
    start: Annotated[float, Field(ge=0, le=2**35)] | None = None
    end: Annotated[float, Field(ge=0, le=2**35)] | None = None


async def _search(ask: Question, params: Search) -> bytes:
    async def call(grafana: Grafana) -> Any:
        return {"dashboards": (await grafana.search(params.query))[:MOST_FOUND]}

    return await put(ask, params, GRAFANA, "dashboards", params.query, FRESH, call)


async def _dashboard(ask: Question, params: DashboardUid) -> bytes:
    async def call(grafana: Grafana) -> Any:
        found = await grafana.dashboard(params.uid)
        url = grafana.dashboard_link(params.uid, found.slug)
        return {"dashboard": found.model, "title": found.title, "url": url}

    return await put(ask, params, GRAFANA, "dashboard", params.uid, FRESH, call)


async def _link(ask: Question, params: Link) -> Any:
    """Empty where there is no Grafana, or nothing in it that shows the same."""
    relay = relay_of(ask)
    if not relay.has(GRAFANA):
        return {"url": ""}
    shown = params.shown
    start, end = _moment(shown.get("start"), time() - 3600), _moment(shown.get("end"), time())
    grafana: Grafana = relay.backend(GRAFANA).client
    if shown.get("pane") == "dashboards" or shown.get("uid"):
        uid = str(shown.get("uid") or "")
        said = shown.get("variables")
        variables = {str(name): str(value) for name, value in said.items()} if isinstance(said, Mapping) else {}
        return {"url": grafana.dashboard_link(uid, variables=variables, start=start, end=end) if uid else ""}
    kind = _KINDS.get(str(shown.get("pane")))
    queries = _queries(shown, kind) if kind is not None else []
    if kind is None or not queries:
        return {"url": ""}
    return {"url": grafana.explore_link(await _source_uid(ask, params, kind), queries, start, end)}


def _queries(shown: Mapping[str, Any], kind: SourceKind) -> list[ExploreQuery]:
    if kind == "jaeger":
        trace = shown.get("id")
        return [ExploreQuery(kind, str(trace))] if trace else []
    said = shown.get("queries")
    several = list(said) if isinstance(said, list | tuple) else []
    texts = [one.get("query") if isinstance(one, Mapping) else one for one in [*several, shown.get("query")]]
    return [ExploreQuery(kind, text) for text in dict.fromkeys(texts) if isinstance(text, str) and text][:10]


async def _source_uid(ask: Question, params: Link, kind: SourceKind) -> str:
    """Grafana's own id of the source of that kind; the kind itself where it does not tell (provisioned ones may be
    called so).
    """

    async def call(grafana: Grafana) -> bytes:
        found = [one for one in await grafana.datasources() if one.kind == kind]
        best = next((one for one in found if one.default), found[0] if found else None)
        return (best.uid if best is not None else kind).encode()

    try:
        return (await put(ask, params, GRAFANA, "datasources", kind, FRESH, call)).decode()
    except TelemetryError:
        return kind


def _moment(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


async def _annotate(ask: Question, params: Mark) -> bytes:
    about = [params.incident] if params.incident else []
    tags = list(dict.fromkeys(["warroom", *about, *(clean_line(tag) for tag in params.tags)]))
    text = f"{clean_line(params.text)} ({ask.actor.name})"
    start = params.start if params.start is not None else time()

    async def call(grafana: Grafana) -> Any:
        return {"id": await grafana.annotate(text, start, params.end, tags)}

    return await put(ask, params, GRAFANA, "annotate", "", 0, call)


METHODS: dict[str, Method] = {
    "dashboards": Method(Access.OBSERVER, Search, _search, telemetry=True),
    "dashboard": Method(Access.OBSERVER, DashboardUid, _dashboard, telemetry=True),
    "link": Method(Access.OBSERVER, Link, _link, telemetry=True),
    "annotate": Method(Access.RESPONDER, Mark, _annotate, telemetry=True),
}
"""What is asked of Grafana."""
