"""A small Grafana, in place of a real one: none was at hand to record.

Stands for the documented HTTP API of Grafana 10 to 13 (paths, parameters, status codes and bodies as its
documentation gives them), with one organisation, a few dashboards, and annotations that are really kept. It refuses
what it does not know: an unknown parameter fails the test, an unknown path is answered as Grafana answers it.
`without_api` plays the later major version in which `/api` is gone and only `/apis` is left.
"""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "glsa_secret"

DASHBOARDS: dict[str, dict[str, Any]] = {
    "svc": {"id": 1, "uid": "svc", "title": "Service health", "tags": ["prod", "warroom"], "schemaVersion": 39,
            "version": 3, "timezone": "browser", "panels": [{"id": 2, "type": "timeseries", "title": "Requests"}],
            "templating": {"list": []}, "time": {"from": "now-1h", "to": "now"}},
    "db": {"id": 2, "uid": "db", "title": "Database", "tags": ["prod"], "schemaVersion": 39, "version": 1,
           "panels": [], "templating": {"list": []}, "time": {"from": "now-6h", "to": "now"}},
}  # fmt: skip

SOURCES = [
    {"id": 1, "uid": "prom", "orgId": 1, "name": "Prometheus", "type": "prometheus", "typeName": "Prometheus",
     "typeLogoUrl": "x.svg", "access": "proxy", "url": "http://ann:pw@prometheus:9090", "user": "", "database": "",
     "basicAuth": False, "isDefault": True, "jsonData": {"timeInterval": "15s"}, "readOnly": True},
    {"id": 2, "uid": "loki", "orgId": 1, "name": "Loki", "type": "loki", "typeName": "Loki", "typeLogoUrl": "y.svg",
     "access": "proxy", "url": "http://loki:3100", "user": "", "database": "", "basicAuth": False, "isDefault": False,
     "jsonData": {}, "readOnly": False},
]  # fmt: skip

_GROUP = "/apis/dashboard.grafana.app/{version}/namespaces/{space}"


class GrafanaServer:
    """`asked` are the requests as (method, path); `failing` plays a Grafana without its database."""

    def __init__(
        self, *, without_api: bool = False, failing: bool = False, versions: tuple[str, ...] = ("v1",)
    ) -> None:
        self.without_api, self.failing, self.versions = without_api, failing, versions
        self.annotations: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.orgs: list[str | None] = []
        old = [
            Route("/api/search", self._search),
            Route("/api/dashboards/uid/{uid}", self._dashboard),
            Route("/api/annotations", self._annotations, methods=["GET"]),
            Route("/api/annotations", self._annotate, methods=["POST"]),
            Route("/api/datasources", self._datasources),
        ]
        new = [
            Route(_GROUP + "/dashboards", self._objects),
            Route(_GROUP + "/dashboards/{uid}", self._object),
        ]
        self.app = Starlette(
            routes=[
                Route("/api/health", self._health),
                *([] if without_api else old),
                *new,
                Route("/{_:path}", _missing),
            ]
        )

    def _enter(self, request: Request, *known: str) -> Response | None:
        self.asked.append((request.method, request.url.path))
        self.orgs.append(request.headers.get("X-Grafana-Org-Id"))
        unknown = set(request.query_params) - set(known)
        assert not unknown, f"Grafana knows no parameter {unknown} of {request.url.path}"
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"message": "Invalid API key", "messageId": "api-key.invalid", "statusCode": 401}, 401)
        return None

    async def _health(self, request: Request) -> Response:
        self.asked.append((request.method, request.url.path))
        if self.failing:
            return JSONResponse({"database": "failing", "version": "13.1.0", "commit": "abc"}, 503)
        return JSONResponse({"database": "ok", "version": "13.1.0", "commit": "abc"})

    async def _search(self, request: Request) -> Response:
        refused = self._enter(request, "query", "tag", "type", "limit", "page", "folderUIDs", "starred")
        if refused:
            return refused
        asked = request.query_params
        assert asked["type"] == "dash-db"
        assert 1 <= int(asked["limit"]) <= 5000
        found = [
            {"id": one["id"], "uid": one["uid"], "title": one["title"], "uri": f"db/{one['uid']}",
             "url": f"/d/{one['uid']}/{one['title'].lower().replace(' ', '-')}", "type": "dash-db",
             "tags": one["tags"], "isStarred": False, "folderId": 9, "folderUid": "f9", "folderTitle": "Ops",
             "folderUrl": "/dashboards/f/f9/ops"}
            for one in DASHBOARDS.values()
            if asked.get("query", "").lower() in one["title"].lower() and set(asked.getlist("tag")) <= set(one["tags"])
        ]  # fmt: skip
        return JSONResponse(found[: int(asked["limit"])])

    async def _dashboard(self, request: Request) -> Response:
        refused = self._enter(request)
        if refused:
            return refused
        found = DASHBOARDS.get(request.path_params["uid"])
        if found is None:
            return JSONResponse({"message": "Dashboard not found"}, 404)
        meta = {"isStarred": False, "url": f"/d/{found['uid']}/slug", "folderId": 9, "folderUid": "f9", "slug": "slug"}
        return JSONResponse({"dashboard": found, "meta": meta})

    async def _annotations(self, request: Request) -> Response:
        refused = self._enter(request, "from", "to", "limit", "tags", "dashboardUID", "panelId", "type", "matchAny")
        if refused:
            return refused
        asked = request.query_params
        begin, end = int(asked["from"]), int(asked["to"])
        found = [
            one for one in reversed(self.annotations)
            if one["time"] <= end and one["timeEnd"] >= begin and set(asked.getlist("tags")) <= set(one["tags"])
            and asked.get("dashboardUID", one["dashboardUID"]) == one["dashboardUID"]
        ]  # fmt: skip
        return JSONResponse(found[: int(asked.get("limit", "100"))])

    async def _annotate(self, request: Request) -> Response:
        refused = self._enter(request)
        if refused:
            return refused
        said = await request.json()
        assert set(said) <= {"text", "time", "timeEnd", "tags", "dashboardUID", "panelId"}, said
        if not said.get("text"):
            return JSONResponse({"message": "Failed to save annotation: text field should not be empty"}, 400)
        assert all(isinstance(said[name], int) for name in ("time", "timeEnd") if name in said)
        made = {"id": len(self.annotations) + 1, "dashboardUID": "", "panelId": 0, "userId": 1, "login": "sa-warroom",
                "email": "", "tags": [], "data": {}, "timeEnd": said["time"], **said}  # fmt: skip
        self.annotations.append(made)
        return JSONResponse({"message": "Annotation added", "id": made["id"]})

    async def _datasources(self, request: Request) -> Response:
        return self._enter(request) or JSONResponse(SOURCES)

    async def _objects(self, request: Request) -> Response:
        refused = self._enter(request, "limit") or self._no_version(request)
        if refused:
            return refused
        items = [_as_object(one, request) for one in DASHBOARDS.values()]
        return JSONResponse({"kind": "DashboardList", "apiVersion": "v1", "metadata": {}, "items": items})

    async def _object(self, request: Request) -> Response:
        refused = self._enter(request) or self._no_version(request)
        if refused:
            return refused
        uid = request.path_params["uid"]
        if uid not in DASHBOARDS:
            message = f'dashboards.dashboard.grafana.app "{uid}" not found'
            return JSONResponse({"kind": "Status", "status": "Failure", "message": message, "code": 404}, 404)
        return JSONResponse(_as_object(DASHBOARDS[uid], request))

    def _no_version(self, request: Request) -> Response | None:
        assert request.path_params["space"] == "default"
        if request.path_params["version"] in self.versions:
            return None
        return Response("404 page not found\n", 404, media_type="text/plain")


def _as_object(dashboard: dict[str, Any], request: Request) -> dict[str, Any]:
    spec = {name: value for name, value in dashboard.items() if name not in ("uid", "id")}
    version = request.path_params["version"]
    metadata = {"name": dashboard["uid"], "namespace": "default", "annotations": {"grafana.app/folder": "f9"}}
    return {"kind": "Dashboard", "apiVersion": f"dashboard.grafana.app/{version}", "metadata": metadata, "spec": spec}


async def _missing(request: Request) -> Response:
    return JSONResponse({"message": "Not found"}, 404)
