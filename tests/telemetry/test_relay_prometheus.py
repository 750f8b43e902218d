"""The client and the relay before a real Prometheus that scrapes a real exporter."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.real_servers import PROMETHEUS, RealServer, SickExporter, start_prometheus
from tests.telemetry.watcher import Watcher
from warroom.telemetry import errors
from warroom.telemetry.default_panels import DEFAULT_PANELS
from warroom.telemetry.panel import Panel
from warroom.telemetry.panels import resolve_all
from warroom.telemetry.prometheus import Prometheus
from warroom.telemetry.relay import Habits, Relay
from warroom.telemetry.series import Delta, Full, Recovered, Trouble, decode
from warroom.telemetry.session import Limits, Source

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(PROMETHEUS is None, reason="Debian's prometheus is not installed"),
]

SCRAPE = 0.2
STEP = 0.5
_RANGES = re.compile(
    r'^prometheus_http_requests_total\{code="200",handler="/api/v1/query_range"\} (\S+)$', re.MULTILINE
)


@pytest.fixture(scope="module")
def exporter() -> Iterator[SickExporter]:
    with SickExporter(rate=200, error_ratio=0.25) as exporter:
        yield exporter


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, exporter: SickExporter) -> Iterator[RealServer]:
    with start_prometheus(
        tmp_path_factory.mktemp("servers"), {"checkout": [exporter.target]}, scrape_interval="200ms"
    ) as server:
        yield server


@pytest.fixture
async def client(server: RealServer) -> AsyncIterator[Prometheus]:
    client = Prometheus(Source(server.url))
    yield client
    client.close()


def range_queries(server: RealServer) -> int:
    """How many range queries Prometheus itself says it has answered."""
    found = _RANGES.search(server.get("/metrics"))
    return int(float(found[1])) if found else 0


async def test_the_client_understands_the_installed_prometheus(client):
    await client.ready()
    assert re.match(r"\d+\.\d+", await client.version())
    assert {"__name__", "job", "status"} <= set(await client.label_names())
    assert "checkout" in await client.label_values("job")
    assert await client.label_values("job", matching='up{job="nobody"}') == ()
    metadata = {info.name: info.kind for info in await client.metadata()}
    assert metadata["http_requests_total"] == "counter"
    (up,) = (await client.instant('up{job="checkout"}')).samples
    assert up.value == 1.0
    assert (await client.instant("scalar(vector(7))")).samples[0].value == 7.0


async def test_real_failures_have_their_kind(client, server):
    with pytest.raises(errors.BadQuery, match="parse error"):
        await client.instant("up{")
    with pytest.raises(errors.BadQuery, match="many-to-many"):
        await client.instant("http_requests_total + on() http_requests_total")
    with pytest.raises(errors.BadQuery, match="string"):
        await client.instant('"text"')
    long = 'up{job="' + "x" * 50_000 + '"}'
    assert (await client.instant(long)).samples == ()
    lost = Prometheus(Source(server.url + "/nowhere"))
    with pytest.raises(errors.Protocol, match="404"):
        await lost.instant("up")
    lost.close()


@pytest.mark.parametrize("watchers", [1, 20, 200])
async def test_prometheus_counts_one_query_per_interval_however_many_watch(client, server, watchers):
    panel = Panel("Requests", f"http_requests_total * {watchers}", step=STEP, window=20)
    async with Relay({"prometheus": client}) as relay:
        before = range_queries(server)
        crowd = [Watcher() for _ in range(watchers)]
        for watcher in crowd:
            relay.watch(panel, watcher)
        await crowd[-1].until(lambda: crowd[-1].count(Delta) >= 4)
        for watcher in crowd:
            relay.leave(watcher)
        asked = range_queries(server) - before
    assert asked == crowd[0].count(Full, Delta) >= 5
    assert all((watcher.count(Full), watcher.count(Delta)) == (1, asked - 1) for watcher in crowd)


async def test_what_is_relayed_equals_what_the_api_answers(client):
    panel = Panel("Requests", "rate(http_requests_total[2s])", step=STEP, window=10)
    async with Relay({"prometheus": client}) as relay:
        watcher = Watcher()
        relay.watch(panel, watcher)
        await watcher.until(lambda: watcher.count(Delta) >= 8)
        relay.leave(watcher)
        window = watcher.window
        assert window is not None
        direct = decode(await relay.explore("prometheus", panel.expr, window.start, window.newest, window.step))
    # The newest columns were asked for at their own time, before the scrape that belongs to them was stored.
    settled = window.count - 4
    assert len(window.series) == 2
    assert [series.labels for series in window.series] == [series.labels for series in direct.series]
    for relayed, asked in zip(window.series, direct.series, strict=True):
        assert relayed.times == asked.times
        assert relayed.values[:settled] == asked.values[:settled]
    assert any(value for value in window.series[0].values[:settled] if value is not None)


async def test_a_change_reaches_the_watcher_within_one_refresh_of_prometheus_having_it(client, exporter):
    panel = Panel("Ratio", "sick_error_ratio", step=STEP, window=20)
    async with Relay({"prometheus": client}) as relay:
        watcher = Watcher()
        relay.watch(panel, watcher)
        await watcher.until(lambda: watcher.count(Delta) == 2)
        exporter.error_ratio = 0.75
        told: list[float] = []

        def changed() -> bool:
            assert watcher.window is not None
            if watcher.window.series[0].values[-1] == 0.75:
                told.append(watcher.window.newest)
            return bool(told)

        await watcher.until(changed)
        exporter.error_ratio = 0.25
        seen = watcher.count(Delta)
        await watcher.until(lambda: watcher.count(Delta) >= seen + 4)
        relay.leave(watcher)
        window = watcher.window
        truth = decode(await relay.explore("prometheus", panel.expr, window.start, window.newest, STEP))
    had = [at for at, value in zip(truth.series[0].times, truth.series[0].values, strict=True) if value == 0.75]
    assert told[0] - had[0] <= STEP + 0.001
    deltas = [frame for frame in watcher.frames if isinstance(frame, Delta)]
    assert [frame.rev for frame in deltas] == list(range(2, 2 + len(deltas)))


async def test_the_default_panels_show_the_service_and_say_no_data_for_another(client):
    panels = resolve_all(DEFAULT_PANELS, {"service": "checkout"}, scrape_interval=SCRAPE, step=STEP, window=20)
    others = resolve_all(DEFAULT_PANELS, {"service": "nobody"}, scrape_interval=SCRAPE, step=STEP, window=20)
    async with Relay({"prometheus": client}) as relay:
        shown = {panel.title: Watcher() for panel in panels}
        empty = [Watcher() for _ in others]
        for panel in panels:
            relay.watch(panel, shown[panel.title])
        for panel, watcher in zip(others, empty, strict=True):
            relay.watch(panel, watcher)

        def last(title: str) -> float | None:
            window = shown[title].window
            found = window.series[0].last if window and window.series else None
            return found[1] if found else None

        await shown["Error ratio"].until(lambda: 0.2 < (last("Error ratio") or 0) < 0.3)
        await shown["Requests"].until(lambda: 150 < (last("Requests") or 0) < 250)
        await shown["Latency p99"].until(lambda: (last("Latency p99") or 0) > 0.1)
        await shown["Up"].until(lambda: last("Up") == 1.0)
        for watcher in empty:
            await watcher.until(lambda watcher=watcher: watcher.window is not None)
            assert watcher.window.series == ()
            assert watcher.count(Trouble) == 0


async def test_a_killed_prometheus_is_trouble_and_its_return_loses_and_doubles_nothing(tmp_path, exporter):
    with start_prometheus(tmp_path, {"checkout": [exporter.target]}, scrape_interval="200ms") as server:
        client = Prometheus(Source(server.url), Limits(connect=1, total=2))
        habits = Habits(retry_first=0.1, retry_most=0.5)
        panel = Panel("Requests", "sum(http_requests_total)", step=STEP, window=60)
        async with Relay({"prometheus": client}, habits=habits) as relay:
            watcher = Watcher()
            relay.watch(panel, watcher)
            await watcher.until(lambda: watcher.count(Delta) >= 8)
            assert watcher.window is not None
            before = watcher.window
            await asyncio.to_thread(server.kill)
            await watcher.until(lambda: watcher.count(Trouble) >= 2)
            trouble = watcher.frames[-1]
            assert isinstance(trouble, Trouble)
            assert trouble.reason == "unreachable"
            assert "refused" in trouble.message
            assert trouble.last[0].value == watcher.window.series[0].last[1]
            assert trouble.since >= before.newest
            await asyncio.to_thread(server.start)
            await watcher.until(lambda: watcher.count(Recovered) == 1)
            recovered = next(frame for frame in watcher.frames if isinstance(frame, Recovered))
            assert recovered.since == trouble.since
            seen = watcher.count(Delta)
            await watcher.until(lambda: watcher.count(Delta) >= seen + 3)
            relay.leave(watcher)
            after = watcher.window
            direct = decode(await relay.explore("prometheus", panel.expr, after.start, after.newest, STEP))
        client.close()
    assert watcher.count(Full) == 2
    assert after.series[0].values[:-4] == direct.series[0].values[:-4]
    kept = dict(zip(after.series[0].times, after.series[0].values, strict=True))
    known = zip(before.series[0].times, before.series[0].values, strict=True)
    lost = [(at, value) for at, value in list(known)[:-4] if at >= after.start and kept[at] != value]
    assert lost == []
