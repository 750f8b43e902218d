"""The demo's logs, traces, alerts and exemplars: made up of one world, so that they agree with each other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime

import orjson
import pytest

from warroom.demo import world as w
from warroom.demo.alerts import MOST_SILENCES, WATCHED, Firing, MadeUpAlerts
from warroom.demo.clock import DemoClock
from warroom.demo.lines import LogBook
from warroom.demo.logs import MadeUpLogs
from warroom.demo.metrics import FIRING, MadeUpMetrics
from warroom.demo.past import BEGAN, DEPLOYED, tell_past
from warroom.demo.series import PANELS
from warroom.demo.traces import MadeUpTraces
from warroom.demo.traffic import KEPT, Traffic
from warroom.demo.world import World
from warroom.playbooks.load import installed_library
from warroom.telemetry.alerts import Matcher
from warroom.telemetry.errors import BadQuery, TooHeavy
from warroom.telemetry.logs import LogLine
from warroom.telemetry.panels import resolve_all
from warroom.telemetry.relay import NOBODY, Relay
from warroom.telemetry.service_graph import service_graph
from warroom.telemetry.traces import TraceSearch

EVERYBODY = '{service_name=~".+"}'
CHECKOUT = '{service_name="checkout-api"}'
FULL_WORDS = ("timeout waiting for a connection", "pool exhausted")


class Standing(DemoClock):
    """A demo's clock that stands where it is put."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self.at = at

    def now(self) -> float:
        return self.at


class Place:
    """All sources of one world, `since` seconds after the demo began."""

    def __init__(self, since: float = 0.0, seed: int = 7) -> None:
        self.zero = 1_795_000_000.25
        self.clock = Standing(self.zero + since)
        self.world = World(seed, self.zero + DEPLOYED * 60)
        self.traffic = Traffic(self.world, self.clock.now)
        firing = Firing(self.traffic)
        self.logs = MadeUpLogs(LogBook(self.traffic), self.clock)
        self.traces = MadeUpTraces(self.traffic)
        self.alerts = MadeUpAlerts(firing, self.traffic)
        self.metrics = MadeUpMetrics(self.traffic, firing)

    @property
    def now(self) -> float:
        return self.clock.now()

    async def lines(self, query: str, start: float, end: float) -> tuple[LogLine, ...]:
        return (await self.logs.query_range(query, start, end, 5000, "forward")).lines


async def test_every_trace_that_a_line_names_can_be_opened_and_has_the_service_that_wrote_it() -> None:
    it = Place()
    lines = [one for one in await it.lines(EVERYBODY, it.now - 300, it.now) if one.value("trace_id")]
    assert len(lines) > 500
    for line in lines:
        trace = await it.traces.trace(line.value("trace_id"))
        assert trace.trace_id == line.value("trace_id")
        assert line.service in {span.service for span in trace.spans}
        assert trace.start / 1e6 - 1 <= line.ns / 1e9 <= (trace.start + trace.duration) / 1e6 + 1
        failed = any(span.error for span in trace.spans)
        assert failed or line.level != "error"
    with pytest.raises(BadQuery, match="not found"):
        await it.traces.trace("0123456789abcdef0123456789abcdef")
    with pytest.raises(BadQuery, match="hex"):
        await it.traces.trace("no id")


async def test_lines_of_a_trace_are_found_by_its_id() -> None:
    it = Place()
    found = await it.traces.search(TraceSearch("checkout-api", it.now - 600, it.now, errors_only=True))
    at = found[0].start / 1e6
    lines = await it.lines(f'{EVERYBODY} |= "{found[0].trace_id}"', at - 60, at + 60)
    assert {"checkout-api", "edge-gateway"} == {line.service for line in lines if line.level == "error"}


@pytest.mark.parametrize(("since", "length"), [(-1500.0, 900.0), (0.0, 800.0)])
async def test_the_share_of_failed_traces_and_lines_is_the_one_of_the_error_series(since: float, length: float) -> None:
    it = Place(since)
    start, end = it.now - length, it.now
    share = sum(w.errors(it.world, start + second) for second in range(int(length))) / length
    found = [one for part in range(int(length / 100)) for one in await it.traces.search(
        TraceSearch("checkout-api", start + 100 * part, start + 100 * part + 100, limit=500))]  # fmt: skip
    failed = sum(bool(one.errors) for one in found) / len(found)
    assert failed == pytest.approx(share, abs=0.03)
    lines = await it.lines('{service_name="edge-gateway"} |= "/api/checkout"', start, end)
    assert sum(line.level == "error" for line in lines) / len(lines) == pytest.approx(share, abs=0.03)


async def test_errors_rise_with_the_impact_and_end_with_the_way_back() -> None:
    it = Place(600.0)
    it.world.fix(it.zero + 150)
    counting = f'sum by (level) (count_over_time({CHECKOUT} | json | level="error" [5m]))'
    moments = {"before": it.zero + BEGAN * 60 - 60, "worst": it.zero, "after": it.zero + 600}
    counts = {name: await it.logs.instant(counting, at) for name, at in moments.items()}
    errors = {name: sum(one.value for one in vector.samples) for name, vector in counts.items()}
    assert errors["before"] <= 4 < 15 < errors["worst"]
    assert errors["after"] <= 4


async def test_no_line_says_that_the_pool_is_full_but_while_it_is() -> None:
    it = Place(600.0)
    it.world.fix(it.zero + 150)
    lines = [
        line for words in FULL_WORDS for line in await it.lines(f'{EVERYBODY} |= "{words}"', it.zero - 1600, it.now)
    ]
    assert len(lines) > 100
    for line in lines:
        # A request that fails says so at its end; the pool was full when it began.
        at = line.ns / 1e9
        assert max(w.pool(it.world, at - ago) for ago in range(13)) >= 0.95
    assert min(line.ns for line in lines) / 1e9 > it.world.deployed_at


async def test_durations_of_spans_are_those_of_the_latency_series() -> None:
    it = Place()
    found = [one for part in range(6) for one in await it.traces.search(
        TraceSearch("checkout-api", it.now - 600 + 100 * part, it.now - 500 + 100 * part, limit=500))]  # fmt: skip
    traces = [await it.traces.trace(one.trace_id) for one in found]
    spans = sorted(
        span.duration / 1e6 for trace in traces for span in trace.spans if span.operation == "POST /checkout"
    )
    assert len(spans) == len(traces) > 300
    median, slow = spans[len(spans) // 2], spans[int(len(spans) * 0.99)]
    seconds = range(600)
    assert median == pytest.approx(sum(w.p50(it.world, it.now - one) for one in seconds) / 600, rel=0.25)
    assert slow == pytest.approx(sum(w.p99(it.world, it.now - one) for one in seconds) / 600, rel=0.5)


async def test_a_trace_holds_together() -> None:
    it = Place()
    for service in await it.traces.services():
        operations = {one.name for one in await it.traces.operations(service)}
        found = await it.traces.search(TraceSearch(service, it.now - 3000, it.now, limit=20))
        assert found, service
        for one in found:
            trace = await it.traces.trace(one.trace_id)
            by_id = {span.span_id: span for span in trace.spans}
            assert len(by_id) == one.spans
            assert sum(not span.parent for span in trace.spans) == 1
            assert (one.start, one.duration) == (trace.start, trace.duration)
            for span in trace.spans:
                above = by_id.get(span.parent, span)
                assert above.start <= span.start
                assert span.end <= above.end
                if span.service == service:
                    assert span.operation in operations


async def test_a_search_gives_what_was_asked_for_newest_first() -> None:
    it = Place()
    start, end = it.now - 1200, it.now
    slow = await it.traces.search(TraceSearch("checkout-api", start, end, "POST /checkout", shortest=1.0, limit=30))
    assert len(slow) == 30
    assert [one.start for one in slow] == sorted((one.start for one in slow), reverse=True)
    assert all(one.duration >= 1e6 for one in slow)
    tagged = await it.traces.search(TraceSearch("checkout-api", start, end, tags=(("version", w.BAD_VERSION),)))
    assert tagged
    assert not await it.traces.search(TraceSearch("checkout-api", start, end, tags=(("version", "v0"),)))
    assert not await it.traces.search(TraceSearch("nobody", start, end))
    failed = await it.traces.search(TraceSearch("checkout-api", start, end, errors_only=True))
    assert all(one.errors for one in failed)
    with pytest.raises(BadQuery, match="ends after"):
        await it.traces.search(TraceSearch("search", end, start))


async def _told(it: Place) -> tuple[object, ...]:
    start, end = it.zero - 400, it.zero - 30
    return (
        await it.logs.query_range(EVERYBODY, start, end, 5000),
        await it.logs.matrix(f"sum by (detected_level) (count_over_time({EVERYBODY}[30s]))", start, end, 30),
        await it.logs.patterns(EVERYBODY, start, end, 10),
        await it.traces.search(TraceSearch("edge-gateway", start, end, limit=100)),
        await it.metrics.exemplars(resolve_all(PANELS, {"service": "checkout-api"})[0].expr, start, end),
    )


async def test_the_past_is_the_same_whoever_asks_and_whatever_happens_later() -> None:
    first, again, later = Place(), Place(), Place(900.0)
    later.world.fix(later.zero + 100)
    told = await _told(first)
    assert await _told(again) == told
    assert await _told(later) == told
    assert await _told(Place(seed=8)) != told


async def test_pages_of_either_direction_have_the_same_lines_and_each_once() -> None:
    it = Place()
    start, end = it.now - 200, it.now
    forward = await it.lines(EVERYBODY, start, end)
    backward = await it.logs.query_range(EVERYBODY, start, end, 5000, "backward")
    assert backward.lines == forward[::-1]
    assert [one.ns for one in forward] == sorted(one.ns for one in forward)
    assert all(start <= one.ns / 1e9 < end for one in forward)
    page = await it.logs.query_range(EVERYBODY, start, end, 100)
    assert page.full
    older = await it.logs.query_range(EVERYBODY, start, page.lines[-1].ns / 1e9, 5000)
    assert len(page.lines) + len(older.lines) >= len(forward) - 1


async def test_counts_are_those_of_the_lines() -> None:
    it = Place()
    start, end = float(int(it.now - 300)), float(int(it.now - 60))
    query = f"sum by (detected_level) (count_over_time({EVERYBODY} [30s]))"
    counted = await it.logs.matrix(query, start + 30, end, 30)
    by_level = {dict(line.labels)["detected_level"]: sum(line.values) for line in counted.lines}
    lines = await it.lines(EVERYBODY, start, end)
    assert by_level == {level: sum(one.level == level for one in lines) for level in {one.level for one in lines}}
    rate = await it.logs.instant(f"sum(rate({EVERYBODY}[240s]))", end)
    assert rate.samples[0].value * 240 == pytest.approx(len(lines))
    assert "made-up" in rate.infos[0]
    volumes = await it.logs.volume(EVERYBODY, start, end, 30, ("service_name",))
    assert sum(size for one in volumes for _, size in one.samples) == sum(len(one.text.encode()) for one in lines)


async def test_patterns_are_forms_of_the_lines_and_can_be_asked_for() -> None:
    it = Place()
    start, end = it.now - 300, it.now
    patterns = await it.logs.patterns(CHECKOUT, start, end, 10)
    assert sum(one.count for one in patterns) == len(await it.lines(CHECKOUT, start, end))
    for one in patterns:
        escaped = one.pattern.replace("\\", "\\\\").replace('"', '\\"')
        lines = await it.lines(f'{CHECKOUT} |> "{escaped}"', start, end)
        assert (len(lines), {line.level for line in lines}) == (one.count, {one.level})


@pytest.mark.parametrize(
    ("pipeline", "keeps"),
    [
        ('|= "placed"', lambda line: "placed" in line.text),
        ('!= "placed"', lambda line: "placed" not in line.text),
        ('|~ "pla.ed|priced"', lambda line: "placed" in line.text or "priced" in line.text),
        ('!~ "o-[0-9]+"', lambda line: '"o-' not in line.text),
        ('| json | level="warn"', lambda line: line.level == "warn"),
        ('| json | level!="info" | msg=~"time.*"', lambda line: line.level != "info" and '"msg":"time' in line.text),
        ("| json | duration_ms >= 700", lambda line: int(line.value("duration_ms") or 0) >= 700),
        ('| version="v2.14.0" | detected_level=`error`', lambda line: line.level == "error"),
    ],
)
async def test_queries_keep_the_lines_they_name(pipeline: str, keeps: object) -> None:
    it = Place()
    start, end = it.now - 300, it.now
    everything = await it.lines(f"{CHECKOUT} | json", start, end)
    found = await it.lines(f"{CHECKOUT} {pipeline}", start, end)
    assert callable(keeps)
    assert [one.ns for one in found] == [one.ns for one in everything if keeps(one)]
    assert 0 < len(found) < len(everything)


@pytest.mark.parametrize(
    "query",
    [
        "up",
        "{}",
        '{service_name=~".*"}',
        '{service_name="a"',
        f"{CHECKOUT} | unpack",
        f'{CHECKOUT} | line_format "x"',
        f'{CHECKOUT} |= "a" or "b"',
        f'{CHECKOUT} |~ "("',
        f'{CHECKOUT} | level="a" or level="b"',
        f"quantile_over_time(0.9, {CHECKOUT} | unwrap x [1m])",
    ],
)
async def test_what_the_demo_does_not_know_is_refused_in_a_sentence(query: str) -> None:
    it = Place()
    with pytest.raises(BadQuery) as refused:
        await it.lines(query, it.now - 60, it.now)
    assert 10 < len(str(refused.value)) < 300
    for counting in (
        f"sum by (level) (avg_over_time({query}[1m]))",
        f"topk(3, rate({query}[1m]))",
        f"rate({query}[1m]",
    ):
        with pytest.raises(BadQuery, match="demo"):
            await it.logs.matrix(counting, it.now - 60, it.now, 15)


async def test_names_and_fields_are_offered() -> None:
    it = Place()
    assert "service_name" in await it.logs.labels()
    services = await it.logs.label_values("service_name")
    assert {"checkout-api", "edge-gateway", "pgbouncer"} <= set(services)
    assert await it.logs.label_values("service_name", CHECKOUT) == ("checkout-api",)
    assert await it.logs.label_values("nothing") == ()
    fields = {one.name: one for one in await it.logs.detected_fields(CHECKOUT, it.now - 300, it.now)}
    assert fields["duration_ms"].kind == "int"
    assert fields["msg"].parsers == ("json",)
    assert fields["trace_id"].cardinality > 100


async def test_a_tail_brings_each_line_once_at_a_rate_that_can_be_read() -> None:
    world_at = Place()
    clock = DemoClock(60.0)
    world = World(7, clock.now() + DEPLOYED * 60)
    logs = MadeUpLogs(LogBook(Traffic(world, clock.now)), clock)
    seen, began = list[LogLine](), clock.now()
    async with asyncio.timeout(60), aclosing(logs.tail(EVERYBODY, began - 60, 100)) as batches:
        async for batch in batches:
            seen += batch.lines
            if seen and seen[-1].ns / 1e9 > began + 60:
                break
    new = [one for one in seen if one.ns / 1e9 >= began]
    assert [one.ns for one in seen] == sorted(one.ns for one in seen)
    assert len({(one.ns, one.text) for one in seen}) == len(seen)
    page = await logs.query_range(EVERYBODY, began, seen[-1].ns / 1e9 + 1e-3, 5000, "forward")
    assert {(one.ns, one.text) for one in new} <= {(one.ns, one.text) for one in page.lines}
    assert 3 <= len(new) / (seen[-1].ns / 1e9 - began) <= 15
    lines = await world_at.lines(CHECKOUT, world_at.now - 600, world_at.now)
    assert 2 <= len(lines) / 600 <= 10


async def test_the_services_are_red_amber_and_green_and_well_in_the_end() -> None:
    async def graph(it: Place) -> dict[str, str]:
        async with Relay({"jaeger": it.traces, "prometheus": it.metrics}, clock=it.clock) as relay:
            # The traces pane asks for the names first: its answer has another shape.
            await relay.ask("jaeger", "services", "", 30.0, _names)
            found = await service_graph(relay, it.now - 3600, it.now, NOBODY)
        assert not found.warnings
        assert {(edge.parent, edge.child) for edge in found.edges} >= {("edge-gateway", "checkout-api")}
        assert {node.name for node in found.nodes} == set(await it.traces.services())
        return {node.name: node.health for node in found.nodes}

    it = Place()
    health = await graph(it)
    assert (health["checkout-api"], health["pgbouncer"], health["edge-gateway"]) == ("red", "red", "amber")
    assert health["payments"] == health["search"] == health["orders-db"] == "green"
    later = Place(3000.0)
    later.world.fix(later.zero + 150)
    assert set((await graph(later)).values()) == {"green"}


async def _names(client: MadeUpTraces) -> bytes:
    return orjson.dumps({"values": await client.services()})


async def test_calls_are_the_traffic_of_the_world() -> None:
    it = Place()
    calls = await it.traces.calls(["checkout-api"], it.now - 600, it.now, 60)
    mean = sum(calls.lines[0].values) / len(calls.lines[0].values)
    kept = [
        one for cell in range(int(it.now) - 600, int(it.now)) for one in it.traffic.of(cell) if one.kind == "checkout"
    ]
    assert len(kept) / 600 * KEPT == pytest.approx(mean, rel=0.1)


async def _firing(it: Place) -> list[str]:
    return [alert.fingerprint for group in await it.alerts.groups() for alert in group.alerts]


async def test_alerts_are_those_of_the_incident_and_end_when_their_figure_is_well() -> None:
    it = Place()
    playbook = next(one for one in installed_library().playbooks if one.id == "service-errors").pinned()
    story = tell_past(datetime.fromtimestamp(it.zero, UTC), 7, playbook.model_dump(mode="json")).main.state
    assert {one.fingerprint for one in story.alerts} == set(await _firing(it))
    for rule, one in zip(WATCHED, story.alerts, strict=True):
        assert (rule.name, rule.severity, rule.service, rule.summary) == (
            one.name, one.severity, one.service, one.summary)  # fmt: skip
        assert rule.measure(it.world, it.now) >= rule.below
    assert all(
        "made up" in alert.annotation("description") for group in await it.alerts.groups() for alert in group.alerts
    )
    matrix = await it.metrics.range(FIRING, it.zero - 2400, it.zero, 60)
    assert {dict(line.labels)["alertname"] for line in matrix.lines} == {rule.name for rule in WATCHED}
    it.world.fix(it.zero + 10)
    it.clock.at = it.zero + 400
    assert await _firing(it) == []
    assert {one.state for one in await it.metrics.rules()} == {"inactive"}


async def test_a_silence_is_made_extended_and_ended() -> None:
    it = Place()
    matchers = (Matcher("service", "pgbouncer"), Matcher("severity", "warn.*", is_regex=True))
    made = await it.alerts.create_silence(matchers, it.now, it.now + 600, "jana", "we know")
    states = {
        one.fingerprint: (one.state, one.silenced_by) for group in await it.alerts.groups() for one in group.alerts
    }
    assert states["demo-pgpoolsaturated"] == ("suppressed", (made,))
    assert states["demo-checkoutlatencyhigh"] == ("active", ())
    assert await it.alerts.extend_silence(made, it.now + 1200) == made
    it.clock.at += 900
    assert [one.state for one in await it.alerts.silences()] == ["active"]
    await it.alerts.expire_silence(made)
    assert [one.state for one in await it.alerts.silences()] == ["expired"]
    with pytest.raises(BadQuery, match="is over"):
        await it.alerts.extend_silence(made, it.now + 60)
    with pytest.raises(BadQuery, match="knows no silence"):
        await it.alerts.expire_silence("nothing")
    with pytest.raises(BadQuery, match="regular expression"):
        await it.alerts.create_silence((Matcher("a", "(", is_regex=True),), it.now, it.now + 60, "jana", "")
    for _ in range(MOST_SILENCES - 1):
        await it.alerts.create_silence(matchers, it.now, it.now + 60, "jana", "")
    with pytest.raises(TooHeavy, match="at most"):
        await it.alerts.create_silence(matchers, it.now, it.now + 60, "jana", "")


async def test_exemplars_are_checkouts_whose_traces_can_be_opened() -> None:
    it = Place()
    latency, errors = (one.expr for one in resolve_all(PANELS[:2], {"service": "checkout-api"}))
    found = await it.metrics.exemplars(latency, it.now - 2400, it.now)
    assert len(found) > 20
    for one in found:
        trace = await it.traces.trace(one.trace_id)
        assert any(span.duration / 1e6 == one.value for span in trace.spans if span.operation == "POST /checkout")
    assert not await it.metrics.exemplars(errors, it.now - 2400, it.now)


async def test_the_metrics_pane_is_offered_the_names_of_the_panels() -> None:
    it = Place()
    names: Sequence[str] = await it.metrics.label_values("__name__")
    assert "service:errors:ratio" in names
    assert all(any(name in panel.expr for panel in PANELS) for name in names)
    assert {one.name for one in await it.metrics.metadata()} == set(names)
    with pytest.raises(BadQuery, match="demo"):
        await it.metrics.instant("up")
    vector = await it.metrics.instant(resolve_all(PANELS, {"service": "checkout-api"})[1].expr)
    assert vector.samples[0].value == pytest.approx(w.errors(it.world, it.now), rel=0.01)
