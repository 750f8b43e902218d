"""Questions to the telemetry servers as a connection sees them: who may ask what, shared, bounded, noted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import time
from typing import Any

import orjson
import pytest

from tests.server.house import House, Raw, eventually, house
from tests.server.sources import TRACE_ID, Alertmanager, Jaeger, Loki, Prometheus
from warroom.incident.words import Access
from warroom.telemetry import errors, series, shapes
from warroom.telemetry.graph import ServiceGraph
from warroom.telemetry.logs import LogPage
from warroom.telemetry.relay import Relay
from warroom.telemetry.traces import Trace

PAST = {"start": 1000.0, "end": 1060.0}
UP = {"query": "up", "step": 10.0, **PAST}
PANEL = {"title": "Up", "query": "up", "step": 15, "window": 600}


class Room:
    """A server over sources of the test, an incident in it, and connections by access."""

    def __init__(self, home: House, incident: str, commander: Raw) -> None:
        self.home = home
        self.incident = incident
        self.commander = commander
        self.entered = [commander]
        self._asked = 0

    async def enter(self, name: str, access: Access, **more: Any) -> Raw:
        raw = await self.home.raw(await self.home.token(name, access, **more), client=f"client-of-{name}")
        self.entered.append(raw)
        await raw.follow(self.incident)
        return raw

    async def ask(self, raw: Raw, method: str, **params: Any) -> dict[str, Any]:
        self._asked += 1
        await raw.send(t="request", id=self._asked, method=method, params={"incident": self.incident, **params})
        return await raw.until("response", id=self._asked)

    async def light(self, target: str, **shown: Any) -> None:
        await self.commander.send(t="spotlight", incident=self.incident, target=target, shown=shown)
        await self.commander.until("spotlight")


@asynccontextmanager
async def room(path: Path, sources: dict[str, Any], **settings: Any) -> AsyncIterator[Room]:
    async with Relay(sources) as relay, house(path, relay=relay, **settings) as home:
        raw = await home.raw(await home.token("jana"), client="client-of-jana")
        incident = await raw.declare(services=["checkout"])
        await raw.follow(incident)
        await raw.command(2, incident, type="assign-role", duty="incident_commander", who="jana")
        await recorded(raw, "role-assigned")
        it = Room(home, incident, raw)
        yield it
        for one in it.entered:
            await one.close()


async def recorded(raw: Raw, tag: str) -> None:
    """Wait until that record has come."""
    while not any(record["tag"].startswith(tag) for record in (await raw.until("events"))["records"]):
        pass


@pytest.fixture
def prometheus() -> Prometheus:
    return Prometheus()


@pytest.fixture
def loki() -> Loki:
    return Loki()


@pytest.fixture
def jaeger() -> Jaeger:
    return Jaeger()


@pytest.fixture
def alertmanager() -> Alertmanager:
    return Alertmanager()


@pytest.fixture
async def it(tmp_path: Path, prometheus, loki, jaeger, alertmanager) -> AsyncIterator[Room]:
    sources = {"prometheus": prometheus, "loki": loki, "jaeger": jaeger, "alertmanager": alertmanager}
    async with room(tmp_path, sources) as it:
        yield it


async def test_each_kind_of_answer_reads_back_as_its_shape(it, loki):
    ask, raw = it.ask, it.commander
    page = shapes.read(LogPage, (await ask(raw, "logs", query='{app="checkout"}', **PAST))["result"])
    assert page.lines == tuple(loki.lines)
    trace = shapes.read(Trace, (await ask(raw, "trace", id=TRACE_ID.upper()))["result"])
    assert (trace.trace_id, len(trace.spans)) == (TRACE_ID, 2)
    full = (await ask(raw, "explore", **UP))["result"]
    assert (full["kind"], full["count"], full["series"][0]["values"][0]) == ("full", 7, 1000.0)
    matrix = (await ask(raw, "logs.matrix", query="count_over_time({a=1}[1m])", step=10.0, **PAST))["result"]
    assert matrix["kind"] == "full"
    samples = (await ask(raw, "instant", query="up"))["result"]["samples"]
    assert [sample["value"] for sample in samples] == ["+Inf", 2.5]
    assert (await ask(raw, "metrics.names"))["result"]["values"] == ["a", "b"]
    assert (await ask(raw, "traces.operations", service="checkout"))["result"]["operations"][0]["kind"] == "server"
    found = (await ask(raw, "traces.search", service="checkout", errors_only=True, **PAST))["result"]["traces"]
    assert found[0]["trace_id"] == TRACE_ID
    assert (await ask(raw, "alerts"))["result"]["groups"][0]["alerts"][0]["state"] == "active"
    assert (await ask(raw, "link", shown={"pane": "logs", "query": "x"}))["result"] == {"url": ""}


async def test_the_sources_say_how_they_are(it, loki):
    loki.fail = errors.NotReady("loki is not ready: Ingester not ready")
    sources = {one["name"]: one for one in (await it.ask(it.commander, "sources"))["result"]["sources"]}
    assert set(sources) == {"prometheus", "loki", "jaeger", "alertmanager"}
    assert (sources["prometheus"]["healthy"], sources["prometheus"]["version"]) == (True, "1.2.3")
    assert (sources["loki"]["healthy"], sources["loki"]["words"]) == (False, str(loki.fail))


async def test_a_service_is_red_by_its_errors_and_the_graph_names_where_that_came_from(it):
    said = (await it.ask(it.commander, "services", **PAST))["result"]
    graph = shapes.read(ServiceGraph, said)
    assert [(node.name, node.health) for node in graph.nodes] == [("checkout", "green"), ("payments", "red")]
    assert "25.0% of its calls fail" in graph.nodes[1].words
    assert graph.nodes[1].p95_seconds == pytest.approx(0.3)
    assert [(edge.parent, edge.child, edge.calls) for edge in graph.edges] == [("checkout", "payments", 40)]
    assert any("service performance" in source for source in graph.sources)


async def test_equal_questions_of_many_people_are_asked_once(it, prometheus, loki):
    people = [await it.enter(f"person-{n}", Access.RESPONDER) for n in range(8)]
    now = time()
    loki.gate = asyncio.Event()
    for n, raw in enumerate(people):
        # Consoles ask for the last hour each by a clock of its own.
        params = {"incident": it.incident, "query": "{a=1}", "start": now - 3600 + n * 1e-4, "end": now + n * 1e-4}
        await raw.send(t="request", id=1, method="logs", params=params)
    await eventually(lambda: loki.asked)
    loki.gate.set()
    answers = [await raw.until("response", id=1) for raw in people]
    assert all(answer["result"] == answers[0]["result"] for answer in answers)
    assert len(loki.asked) <= 2  # the beat may fall in between
    for raw in people:
        assert (await it.ask(raw, "explore", **UP))["ok"]
    assert len(prometheus.asked) == 1


async def test_an_observer_asks_what_is_for_all_and_not_queries_of_their_own(it):
    raw = await it.enter("tom", Access.OBSERVER)
    for method, params in (
        ("sources", {}), ("alerts", {}), ("trace", {"id": TRACE_ID}), ("services", PAST), ("traces.services", {}),
        ("silences", {}),
    ):  # fmt: skip
        assert (await it.ask(raw, method, **params))["ok"], method
    for method, params in (
        ("explore", UP), ("instant", {"query": "up"}), ("logs", {"query": "{a=1}", **PAST}),
        ("logs.matrix", {"query": "x", "step": 10.0, **PAST}), ("logs.fields", {"query": "x", **PAST}),
        ("logs.volume", {"query": "x", "step": 10.0, **PAST}), ("logs.patterns", {"query": "x", "step": 10.0, **PAST}),
        ("traces.search", {"service": "checkout", **PAST}), ("metrics.names", {}), ("logs.labels", {}),
        ("silence.create", {"matchers": [{"name": "a", "value": "b"}], "seconds": 600}),
        ("annotate", {"text": "x"}),
    ):  # fmt: skip
        answer = await it.ask(raw, method, **params)
        assert (answer["ok"], answer["reason"]) == (False, "not-allowed"), method
        assert "responder access" in answer["words"]


async def test_an_observer_may_ask_exactly_what_the_spotlight_shows(it):
    raw = await it.enter("tom", Access.OBSERVER)
    query = '{app="checkout"} |= "error"'
    await it.light("logs", pane="logs", query=query, live=False, **PAST)
    assert (await raw.until("spotlight"))["shown"]["query"] == query
    assert (await it.ask(raw, "logs", query=query, **PAST))["ok"]
    assert not (await it.ask(raw, "logs", query=query, start=0.0, end=2000.0))["ok"]
    assert not (await it.ask(raw, "logs", query='{app="checkout"}', **PAST))["ok"]
    await it.light("metrics", pane="metrics", queries=[{"query": "up"}], **PAST)
    assert (await it.ask(raw, "explore", **UP))["ok"]
    assert not (await it.ask(raw, "logs", query=query, **PAST))["ok"]
    await it.light("traces", pane="traces", query="service=checkout error", **PAST)
    assert (await it.ask(raw, "traces.search", service="checkout", **PAST))["ok"]
    assert not (await it.ask(raw, "traces.search", service="payments", **PAST))["ok"]
    await it.light("")
    assert not (await it.ask(raw, "explore", **UP))["ok"]


async def test_a_live_spotlight_moves_on_with_time(it):
    raw = await it.enter("tom", Access.OBSERVER)
    now = time()
    await it.light("metrics", pane="metrics", queries=["up"], start=now - 900, end=now, live=True)
    later = {"query": "up", "step": 15.0, "start": now - 300, "end": now + 600}
    assert (await it.ask(raw, "explore", **later))["ok"]
    assert not (await it.ask(raw, "explore", query="up", step=60.0, start=now - 86_400, end=now))["ok"]


async def test_an_observer_may_ask_what_is_pinned(it):
    raw = await it.enter("tom", Access.OBSERVER)
    pin = {
        "title": "Up", "query": "up", "source": "prometheus",
        "start": "1970-01-01T00:16:40Z", "end": "1970-01-01T00:17:40Z",
        "series": [{"label": "a", "times": [1000.0], "values": [1.0]}],
    }  # fmt: skip
    await it.commander.command(3, it.incident, type="pin-evidence", evidence=pin)
    await recorded(raw, "evidence-pinned")
    assert (await it.ask(raw, "explore", **UP))["ok"]
    assert not (await it.ask(raw, "explore", **{**UP, "start": 0.0}))["ok"]


async def test_an_observer_watches_the_board_and_nothing_else(it):
    raw = await it.enter("tom", Access.OBSERVER)
    default = (await it.ask(raw, "panels.for"))["result"]["panels"][0]
    await raw.send(t="watch", incident=it.incident, id="d", panel=default)
    assert (await raw.until("panel", id="d"))["body"]["kind"] == "full"
    await raw.send(t="watch", incident=it.incident, id="p", panel=PANEL)
    body = (await raw.until("panel", id="p"))["body"]
    assert (body["kind"], body["reason"]) == ("trouble", "denied")
    board = {"title": "Up", "query": "up", "source": "prometheus"}
    await it.commander.command(3, it.incident, type="add-panel", panel=board)
    await recorded(raw, "panel-added")
    await raw.send(t="watch", incident=it.incident, id="p", panel=PANEL)
    assert (await raw.until("panel", id="p"))["body"]["kind"] == "full"


@pytest.mark.parametrize(("setting", "allowed"), [("observer", True), ("commander", False)])
async def test_the_setting_says_who_may_query(tmp_path, prometheus, setting, allowed):
    async with room(tmp_path, {"prometheus": prometheus}, explore=Access(setting)) as it:
        for name, access in (("tom", Access.OBSERVER), ("rui", Access.RESPONDER)):
            raw = await it.enter(name, access)
            assert (await it.ask(raw, "explore", **UP))["ok"] is allowed
        assert (await it.ask(it.commander, "explore", **UP))["ok"]


async def test_a_bounded_token_asks_for_its_incident_only(it):
    raw = await it.enter("sam", Access.RESPONDER, scopes=(it.incident,))
    assert (await it.ask(raw, "explore", **UP))["ok"]
    await raw.send(t="request", id=900, method="explore", params=UP)
    assert "say for which this is" in (await raw.until("response", id=900))["words"]
    await raw.send(t="request", id=901, method="alerts", params={"incident": "INC-0000"})
    assert (await raw.until("response", id=901))["reason"] == "not-found"


async def test_who_ran_which_query_is_in_the_servers_log(it, caplog):
    with caplog.at_level(logging.INFO, "warroom.queries"):
        await it.ask(it.commander, "logs", query='{app="checkout"}', **PAST)
        await it.ask(it.commander, "alerts")
    (noted,) = [record.__dict__ for record in caplog.records if record.name == "warroom.queries"]
    assert {key: noted[key] for key in ("who", "incident", "method", "query")} == {
        "who": "jana", "incident": it.incident, "method": "logs", "query": '{app="checkout"}',
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("explore", {**UP, "step": 0}), ("explore", {**UP, "step": -1}), ("explore", {**UP, "start": "soon"}),
        ("explore", {**UP, "query": ""}), ("explore", {**UP, "query": "x" * 4001}), ("explore", {**UP, "more": 1}),
        ("explore", {**UP, "start": -1}), ("explore", {**UP, "end": 1e300}),
        ("logs", {"query": "x", **PAST, "limit": 0}), ("logs", {"query": "x", **PAST, "limit": 10**9}),
        ("logs", {"query": "x", **PAST, "direction": "up"}), ("logs", {"query": ["x"], **PAST}),
        ("trace", {"id": "../../api"}), ("trace", {"id": ""}), ("trace", {"id": "a" * 33}),
        ("traces.search", {"service": "", **PAST}), ("traces.search", {"service": "a", **PAST, "tags": [["a"]]}),
        ("traces.search", {"service": "a", **PAST, "limit": 10_000}),
        ("metrics.values", {}), ("dashboard", {"uid": "../admin"}), ("dashboard", {"uid": "a" * 81}),
        ("silence.expire", {"id": "../../x"}), ("silence.create", {"matchers": [], "seconds": 600}),
        ("silence.create", {"matchers": [{"name": "a b", "value": "c"}], "seconds": 600}),
        ("silence.create", {"matchers": [{"name": "a", "value": "c"}], "seconds": 10**9}),
        ("silence.create", {"matchers": [{"name": "alertname", "value": ".*", "is_regex": True}], "seconds": 600}),
        ("annotate", {"text": ""}), ("link", {"shown": {"pane": "x" * 9000}}), ("link", {"shown": []}),
    ],
)  # fmt: skip
async def test_hostile_params_are_refused_before_any_source_is_asked(it, prometheus, loki, jaeger, method, params):
    answer = await it.ask(it.commander, method, **params)
    assert (answer["ok"], answer["reason"]) == (False, "invalid")
    assert answer["words"]
    assert prometheus.asked == loki.asked == jaeger.asked == []


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("explore", {**UP, "end": 100.0}, "before"),
        ("explore", {**UP, "end": 1000.0 + 200_000, "step": 1.0}, "11,000 points"),
        ("explore", {**UP, "end": 1000.0 + 500 * 86_400, "step": 86_400.0}, "400 days"),
        ("logs", {"query": "x", "start": 0.0, "end": 32 * 86_400.0}, "31 days"),
        ("traces.search", {"service": "a", "start": 0.0, "end": 32 * 86_400.0}, "31 days"),
        ("explore", {**UP, "source": "moon"}, "there is no telemetry source 'moon'"),
        ("explore", {**UP, "source": "alertmanager"}, "no values over time"),
        ("dashboards", {}, "there is no telemetry source 'grafana'"),
    ],
)
async def test_too_much_and_unknown_sources_get_one_sentence(it, method, params, words):
    answer = await it.ask(it.commander, method, **params)
    assert not answer["ok"]
    assert words in answer["words"]


async def test_an_answer_that_is_too_large_is_cut_or_refused_never_sent(tmp_path, prometheus, jaeger):
    loki = Loki(lines=5000, text="x" * 1000)
    jaeger.spans = 20_000
    prometheus.series = 500
    async with room(tmp_path, {"prometheus": prometheus, "loki": loki, "jaeger": jaeger}) as it:
        page = shapes.read(LogPage, (await it.ask(it.commander, "logs", query="x", limit=5000, **PAST))["result"])
        assert page.full
        assert 500 < len(page.lines) < 800
        assert "too long for more" in page.warnings[0]
        trace = shapes.read(Trace, (await it.ask(it.commander, "trace", id=TRACE_ID))["result"])
        assert 1000 < len(trace.spans) < 20_000
        assert any("of 20000 spans" in words for words in trace.warnings)
        wide = await it.ask(it.commander, "explore", query="x", step=1.0, start=0.0, end=5000.0)
        assert (wide["ok"], wide["reason"]) == (False, "too-heavy")


async def test_a_hanging_source_slows_nobodys_commands(it, loki):
    loki.gate = asyncio.Event()
    for n in range(30):
        params = {"incident": it.incident, "query": f"{{a={n}}}", **PAST}
        await it.commander.send(t="request", id=1000 + n, method="logs", params=params)
    other = await it.enter("rui", Access.RESPONDER)
    await other.command(1, it.incident, type="add-note", text="still here")
    await recorded(other, "note-added")
    assert (await it.ask(other, "explore", **UP))["ok"]
    loki.gate.set()
    for _ in range(30):
        assert (await it.commander.until("response"))["ok"]


async def test_a_silence_says_who_made_it_and_for_what(it, alertmanager):
    answer = await it.ask(
        it.commander,
        "silence.create",
        matchers=[{"name": "alertname", "value": "Slow"}],
        seconds=3600,
        comment="deploy",
    )
    assert answer["result"] == {"id": "s-1"}
    ((matchers, seconds, who, comment),) = alertmanager.made
    assert (str(matchers[0]), seconds, who) == ('alertname="Slow"', 3600.0, "jana")
    assert comment == f"deploy (by jana for {it.incident}, warroom)"


async def test_a_live_range_is_asked_up_to_the_present_with_its_points_whole_steps_apart(it, prometheus):
    now = time()
    full = (await it.ask(it.commander, "explore", query="up", step=15.0, start=now - 900, end=now))["result"]
    frame = series.decode(orjson.dumps(full))
    assert isinstance(frame, series.Full)
    assert frame.count == 61
    assert now - 2.1 <= frame.newest <= now
