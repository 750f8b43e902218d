"""Questions to a Grafana, and addresses of its pages.

Written after Grafana's documentation of its HTTP API (https://grafana.com/docs/grafana/latest/developers/http_api/).
Grafana 13 calls `/api` deprecated and keeps it; where dashboards are no longer found there, `/apis` is asked. Times
are seconds since the epoch; on the way they are milliseconds. Every method raises a TelemetryError and nothing else.

A service account's token goes in as the source's token; another organisation than the token's own is a header of
the access, `X-Grafana-Org-Id`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypeVar
from urllib.parse import quote

import httpx

from warroom.telemetry import grafana_links as links
from warroom.telemetry import grafana_read as read
from warroom.telemetry.errors import BadQuery
from warroom.telemetry.grafana_links import ExploreQuery
from warroom.telemetry.grafana_read import Annotation, Dashboard, DashboardHit, DataSource, GrafanaHealth
from warroom.telemetry.source import Access, Limits, Source
from warroom.telemetry.upstream import Answer, Params, Upstream

Result = TypeVar("Result")
HitKind: TypeAlias = Literal["dash-db", "dash-folder"]

MOST_HITS = 5000
"""Dashboards that one search may ask for."""

_GROUP = "/apis/dashboard.grafana.app"
_VERSIONS = ("v1beta1", "v1")


class Grafana:
    """One Grafana server. Belongs to one event loop; `close` it there. `org` is the organisation of its links."""

    def __init__(
        self,
        source: Source,
        limits: Limits | None = None,
        access: Access | None = None,
        *,
        org: int = 1,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.upstream = Upstream(source, limits, access, words=_words, transport=transport)
        self.org = org

    async def close(self) -> None:
        """Drop the kept connections."""
        await self.upstream.close()

    async def health(self) -> GrafanaHealth:
        """How it is. A Grafana without its database answers too, and says so. Needs no credentials."""
        answer = await self.upstream.exchange("GET", "/api/health", again=True)
        if not answer.ok and not (answer.status == 503 and "json" in answer.kind):
            raise self.upstream.refusal(answer)
        return self._read(lambda: read.health_of(answer.json()))

    async def search(
        self, query: str = "", tags: Sequence[str] = (), kind: HitKind = "dash-db", limit: int = 1000
    ) -> tuple[DashboardHit, ...]:
        """Dashboards with `query` in their title and all of `tags`, in the server's order."""
        if not 1 <= limit <= MOST_HITS:
            raise BadQuery(f"limit: {limit} dashboards cannot be asked for; ask for 1 to {MOST_HITS}")
        asked = [("type", kind), ("limit", str(limit)), *(("tag", one) for one in tags)]
        if query:
            asked.append(("query", query))
        answer = await self._get("/api/search", asked)
        if answer.ok:
            return self._read(lambda: read.hits_of(answer.json()))
        if not _is_gone(answer) or kind != "dash-db":
            raise self.upstream.refusal(answer)
        found = await self._newer("dashboards", [("limit", str(limit))])
        objects = self._read(lambda: [read.hit_of_object(one) for one in found.json()["items"]])
        wanted = [one for one in objects if query.casefold() in one.title.casefold() and set(tags) <= set(one.tags)]
        return tuple(wanted[:limit])

    async def dashboard(self, uid: str) -> Dashboard:
        """A dashboard by its uid. Raises BadQuery when there is none."""
        if not uid:
            raise BadQuery("uid: a dashboard is asked for by its uid")
        answer = await self._get(f"/api/dashboards/uid/{quote(uid, safe='')}", ())
        if answer.ok:
            return self._read(lambda: read.dashboard_of(answer.json()))
        if not _is_gone(answer):
            raise self.upstream.refusal(answer)
        found = await self._newer(f"dashboards/{quote(uid, safe='')}")
        return self._read(lambda: read.dashboard_of_object(found.json()))

    async def annotations(
        self, start: float, end: float, tags: Sequence[str] = (), dashboard_uid: str = "", limit: int = 100
    ) -> tuple[Annotation, ...]:
        """Annotations of a range that have all of `tags`, the oldest first."""
        asked = [("from", _ms(start)), ("to", _ms(end)), ("limit", str(limit)), *(("tags", one) for one in tags)]
        if dashboard_uid:
            asked.append(("dashboardUID", dashboard_uid))
        answer = await self.upstream.get("/api/annotations", asked)
        return self._read(lambda: read.annotations_of(answer.json()))

    async def annotate(
        self,
        text: str,
        start: float,
        end: float | None = None,
        tags: Sequence[str] = (),
        dashboard_uid: str = "",
        panel_id: int | None = None,
    ) -> int:
        """Mark a moment, or a range; on all dashboards where none is named. Returns its id. Never said twice by
        itself, since Grafana would keep both.
        """
        if not text.strip():
            raise BadQuery("text: an annotation needs one")
        if panel_id is not None and not dashboard_uid:
            raise BadQuery("panel: it is named together with its dashboard")
        said: dict[str, Any] = {"text": text, "time": round(start * 1000), "tags": list(tags)}
        if end is not None:
            said["timeEnd"] = round(end * 1000)
        if dashboard_uid:
            said["dashboardUID"] = dashboard_uid
        if panel_id is not None:
            said["panelId"] = panel_id
        answer = await self.upstream.ask("POST", "/api/annotations", json=said)
        return self._read(lambda: read.id_of(answer.json()))

    async def datasources(self) -> tuple[DataSource, ...]:
        """The servers that it asks, by name; where they are and how to be let in is left out."""
        answer = await self.upstream.get("/api/datasources")
        return self._read(lambda: read.data_sources_of(answer.json()))

    def explore_link(self, datasource_uid: str, queries: Sequence[ExploreQuery], start: float, end: float) -> str:
        """The address of Explore with the same queries and range."""
        return links.explore(self.upstream.source.base, datasource_uid, queries, start, end, self.org)

    def dashboard_link(
        self,
        uid: str,
        slug: str = "",
        variables: Mapping[str, str | Sequence[str]] | None = None,
        start: float | None = None,
        end: float | None = None,
        panel_id: int | None = None,
    ) -> str:
        """The address of a dashboard, or of one of its panels alone, in its own range where none is given."""
        return links.dashboard(self.upstream.source.base, uid, slug, variables or {}, start, end, self.org, panel_id)

    async def _get(self, path: str, params: Params) -> Answer:
        return await self.upstream.exchange("GET", path, params=params, again=True)

    async def _newer(self, path: str, params: Params = ()) -> Answer:
        """From the API that follows on `/api`, in the first of its versions that is there."""
        space = "default" if self.org == 1 else f"org-{self.org}"
        answer = Answer(404, b"")
        for version in _VERSIONS:
            answer = await self._get(f"{_GROUP}/{version}/namespaces/{space}/{path}", params)
            if not _is_gone(answer):
                break
        if answer.ok:
            return answer
        raise self.upstream.refusal(answer)

    def _read(self, reading: Callable[[], Result]) -> Result:
        try:
            return reading()
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as unexpected:
            raise self.upstream.strange(type(unexpected).__name__) from unexpected


def _is_gone(answer: Answer) -> bool:
    """Whether the way is gone and not the thing: a missing dashboard is told by a message about dashboards."""
    return answer.status == 410 or (answer.status == 404 and "dashboard" not in _words(answer).lower())


def _words(answer: Answer) -> str:
    """`{"message": …}` of both APIs; pages of text or HTML as they are."""
    try:
        said = answer.json()
    except ValueError:
        return answer.text
    message = said.get("message") if isinstance(said, dict) else None
    return str(message) if message else answer.text


def _ms(seconds: float) -> str:
    return str(round(seconds * 1000))
