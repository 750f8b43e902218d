"""The client of Grafana against a small server of its documented shapes (`grafana_server`), and its addresses."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from tests.contract.grafana_server import DASHBOARDS, TOKEN, GrafanaServer
from warroom.telemetry import errors
from warroom.telemetry.grafana import Grafana
from warroom.telemetry.grafana_links import ExploreQuery
from warroom.telemetry.grafana_read import DataSource, GrafanaHealth
from warroom.telemetry.source import Access, Source


@asynccontextmanager
async def asking(server, *, token=TOKEN, base="", access=None):
    grafana = Grafana(
        Source(f"http://grafana:3000{base}", "grafana", token=token),
        access=access,
        transport=httpx.ASGITransport(server.app),
    )
    try:
        yield grafana
    finally:
        await grafana.close()


async def test_how_it_is_is_told_without_credentials_and_without_its_database():
    async with asking(GrafanaServer(), token=None) as grafana:
        assert await grafana.health() == GrafanaHealth(True, "13.1.0", "abc")
    async with asking(GrafanaServer(failing=True), token=None) as grafana:
        assert not (await grafana.health()).ok


@pytest.mark.parametrize(
    ("query", "tags", "found"),
    [("", (), ["svc", "db"]), ("service", (), ["svc"]), ("", ("prod", "warroom"), ["svc"]), ("nothing", (), [])],
)
@pytest.mark.parametrize("without_api", [False, True])
async def test_dashboards_are_found_by_title_and_all_of_the_tags(query, tags, found, without_api):
    async with asking(GrafanaServer(without_api=without_api)) as grafana:
        hits = await grafana.search(query, tags)
    assert [hit.uid for hit in hits] == found
    assert [hit.title for hit in hits] == [DASHBOARDS[uid]["title"] for uid in found]
    assert all(hit.url.startswith(f"/d/{hit.uid}") and hit.folder_uid == "f9" for hit in hits)


@pytest.mark.parametrize("limit", [0, 5001])
async def test_more_dashboards_than_grafana_gives_are_not_asked_for(limit):
    server = GrafanaServer()
    async with asking(server) as grafana:
        with pytest.raises(errors.BadQuery, match="1 to 5000"):
            await grafana.search(limit=limit)
    assert server.asked == []


async def test_a_dashboard_is_its_whole_json_with_what_the_server_says_of_it():
    async with asking(GrafanaServer()) as grafana:
        dashboard = await grafana.dashboard("svc")
    assert dashboard.model == DASHBOARDS["svc"]
    assert (dashboard.uid, dashboard.title, dashboard.slug) == ("svc", "Service health", "slug")


@pytest.mark.parametrize("versions", [("v1beta1", "v1"), ("v1",)])
async def test_a_dashboard_is_found_where_the_old_api_is_gone(versions):
    server = GrafanaServer(without_api=True, versions=versions)
    async with asking(server) as grafana:
        dashboard = await grafana.dashboard("svc")
    assert (dashboard.uid, dashboard.title) == ("svc", "Service health")
    assert dashboard.model["panels"] == DASHBOARDS["svc"]["panels"]
    assert server.asked[-1][1] == f"/apis/dashboard.grafana.app/{versions[0]}/namespaces/default/dashboards/svc"


@pytest.mark.parametrize("without_api", [False, True])
async def test_a_dashboard_that_is_not_there_is_told(without_api):
    server = GrafanaServer(without_api=without_api)
    async with asking(server) as grafana:
        with pytest.raises(errors.BadQuery, match="not found"):
            await grafana.dashboard("nope")
    assert any(path.startswith("/apis") for _, path in server.asked) is without_api


async def test_a_uid_stays_one_step_of_the_path():
    server = GrafanaServer()
    async with asking(server) as grafana:
        with pytest.raises(errors.BadQuery):
            await grafana.dashboard("../../admin/settings")
    assert not any(path == "/api/admin/settings" for _, path in server.asked)


async def test_a_mark_is_kept_in_milliseconds_and_read_back_in_seconds():
    server = GrafanaServer()
    async with asking(server) as grafana:
        moment = await grafana.annotate("SEV1 declared", 1795247000.25, tags=("warroom", "sev1"))
        window = await grafana.annotate("rollback", 1795247060.0, 1795247120.5, ("warroom",), "svc", 2)
        found = await grafana.annotations(1795246000.0, 1795248000.0, ("warroom",))
        of_one = await grafana.annotations(1795246000.0, 1795248000.0, ("warroom",), dashboard_uid="svc")
        outside = await grafana.annotations(1795248000.0, 1795249000.0)
    assert server.annotations[0]["time"] == 1795247000250
    assert [(one.id, one.start, one.end) for one in found] == [
        (moment, 1795247000.25, 1795247000.25),
        (window, 1795247060.0, 1795247120.5),
    ]
    assert (found[1].dashboard_uid, found[1].panel_id, found[0].dashboard_uid) == ("svc", 2, "")
    assert [one.id for one in of_one] == [window]
    assert outside == ()


async def test_marks_of_all_tags_only():
    async with asking(GrafanaServer()) as grafana:
        await grafana.annotate("a", 10.0, tags=("x", "y"))
        await grafana.annotate("b", 11.0, tags=("x",))
        found = await grafana.annotations(0.0, 20.0, ("x", "y"))
    assert [one.text for one in found] == ["a"]


async def test_a_mark_without_a_text_or_a_dashboard_for_its_panel_is_not_asked_for():
    server = GrafanaServer()
    async with asking(server) as grafana:
        with pytest.raises(errors.BadQuery, match="text"):
            await grafana.annotate("  ", 10.0)
        with pytest.raises(errors.BadQuery, match="dashboard"):
            await grafana.annotate("x", 10.0, panel_id=2)
    assert server.asked == []


async def test_a_mark_is_never_made_twice_by_a_retry():
    class Dropping(httpx.AsyncBaseTransport):
        asked = 0

        async def handle_async_request(self, request):
            self.asked += 1
            raise httpx.ReadError("gone")

    transport = Dropping()
    grafana = Grafana(Source("http://grafana:3000", "grafana"), transport=transport)
    with pytest.raises(errors.Unreachable):
        await grafana.annotate("x", 1.0)
    assert transport.asked == 1
    with pytest.raises(errors.Unreachable):
        await grafana.datasources()
    assert transport.asked == 3
    await grafana.close()


async def test_data_sources_are_told_without_where_they_are_or_how_to_be_let_in():
    async with asking(GrafanaServer()) as grafana:
        found = await grafana.datasources()
    assert found == (DataSource("loki", "Loki", "loki"), DataSource("prom", "Prometheus", "prometheus", True))
    assert "pw" not in repr(found)


async def test_wrong_credentials_are_told_in_grafanas_words_without_the_secret():
    async with asking(GrafanaServer(), token="glsa_wrong") as grafana:
        with pytest.raises(errors.Denied, match="Invalid API key") as told:
            await grafana.search()
    assert "glsa_wrong" not in str(told.value)


async def test_another_organisation_is_a_header():
    server = GrafanaServer()
    async with asking(server, access=Access(headers={"X-Grafana-Org-Id": "7"})) as grafana:
        await grafana.search()
    assert server.orgs == ["7"]


async def test_what_is_no_grafana_is_told():
    class Other:
        async def app(self, scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": b"<html>hello</html>"})

    async with asking(Other()) as grafana:
        for question in (grafana.health(), grafana.search(), grafana.dashboard("x"), grafana.datasources()):
            with pytest.raises(errors.Protocol, match="grafana answered in a shape that is not its own"):
                await question


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (ExploreQuery("loki", '{a="b"} |= "x & y"'), {"expr": '{a="b"} |= "x & y"', "queryType": "range"}),
        (ExploreQuery("prometheus", "rate(x[5m]) + 1"), {"expr": "rate(x[5m]) + 1", "range": True, "instant": False}),
        (ExploreQuery("jaeger", "0af7651916cd43dd8448eb211c80319c"), {"query": "0af7651916cd43dd8448eb211c80319c"}),
        (ExploreQuery("jaeger", "", "checkout"), {"queryType": "search", "service": "checkout"}),
    ],
)
async def test_explore_opens_with_the_same_query_and_range(query, said):
    async with asking(GrafanaServer(), base="/grafana") as grafana:
        link = urlsplit(grafana.explore_link("ds", [query], 1795247000.25, 1795247300.0))
    assert (link.netloc, link.path) == ("grafana:3000", "/grafana/explore")
    asked = {name: values[0] for name, values in parse_qs(link.query, strict_parsing=True).items()}
    assert (asked["schemaVersion"], asked["orgId"]) == ("1", "1")
    (pane,) = json.loads(asked["panes"]).values()
    assert pane["datasource"] == "ds"
    assert pane["range"] == {"from": "1795247000250", "to": "1795247300000"}
    (shown,) = pane["queries"]
    assert said.items() <= shown.items()
    assert shown["refId"] == "A"
    assert shown["datasource"] == {"type": query.kind, "uid": "ds"}


async def test_several_queries_have_names_of_their_own():
    async with asking(GrafanaServer()) as grafana:
        link = grafana.explore_link("ds", [ExploreQuery("prometheus", str(n)) for n in range(30)], 1.0, 2.0)
    (pane,) = json.loads(parse_qs(urlsplit(link).query)["panes"][0]).values()
    assert len({one["refId"] for one in pane["queries"]}) == 30


async def test_a_dashboard_opens_with_its_variables_and_range_and_a_panel_alone():
    async with asking(GrafanaServer()) as grafana:
        link = grafana.dashboard_link(
            "a/b", "s", {"service": ["cart", "pay&ment"], "env": "prod"}, 1.5, 2.0, panel_id=2
        )
        plain = grafana.dashboard_link("svc")
    parts = urlsplit(link)
    assert parts.path == "/d/a%2Fb/s"
    assert parse_qsl(parts.query, strict_parsing=True) == [
        ("orgId", "1"), ("from", "1500"), ("to", "2000"), ("var-service", "cart"), ("var-service", "pay&ment"),
        ("var-env", "prod"), ("viewPanel", "2"),
    ]  # fmt: skip
    assert plain == "http://grafana:3000/d/svc?orgId=1"
    assert TOKEN not in link + plain
