"""`warroom embedded` as a process of its own: fed by a real Prometheus, asked by our clients and our relay."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import orjson
import pytest
import yaml

from tests.embedded.recorded_jaeger import RECORDED
from tests.real_servers import PROMETHEUS, RealServer, free_port
from warroom.embedded.listen import bound
from warroom.telemetry import shapes
from warroom.telemetry.alertmanager import Alertmanager
from warroom.telemetry.alerts import Matcher
from warroom.telemetry.jaeger import Jaeger
from warroom.telemetry.loki import Loki
from warroom.telemetry.prometheus import Prometheus
from warroom.telemetry.relay import Relay
from warroom.telemetry.source import Source
from warroom.telemetry.traces import TraceSearch

RULES = """
groups:
  - name: pushed
    interval: 1s
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: TargetDown
        expr: up == 0
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.job }} at {{ $labels.instance }} is down"}
"""
LIMIT = 40.0


class Process:
    """The command, and where it says that each server is."""

    def __init__(self, folder: Path, *more: str) -> None:
        (folder / "rules.yml").write_text(RULES)
        command = (sys.executable, "-m", "warroom", "embedded", "--port-base", "0", "--interval", "1",
                   "--rules", str(folder / "rules.yml"), *more)  # fmt: skip
        self._running = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment(folder)
        )
        assert self._running.stdout is not None
        lines = [self._running.stdout.readline() for _ in range(4)]
        assert all(lines), self._running.communicate(timeout=10)
        self.urls = dict(line.split() for line in lines)

    def interrupt(self) -> tuple[int, str]:
        """Ctrl-C; the exit status and what was said."""
        self._running.send_signal(signal.SIGINT)
        _, said = self._running.communicate(timeout=20)
        return self._running.returncode, said

    def end(self) -> None:
        if self._running.poll() is None:
            self._running.kill()
            self._running.communicate(timeout=20)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    made = Process(tmp_path)
    yield made
    made.end()


@pytest.fixture
async def clients(process: Process) -> AsyncIterator[dict[str, object]]:
    kinds = {"prometheus": Prometheus, "loki": Loki, "jaeger": Jaeger, "alertmanager": Alertmanager}
    made = {name: kind(Source(process.urls[name], name=name)) for name, kind in kinds.items()}
    yield made
    for client in made.values():
        closed = client.aclose() if hasattr(client, "aclose") else client.close()
        await closed


async def until(ask: Callable[[], Awaitable[object]], what: str) -> object:
    """The first answer that is something, asked for again and again. Fails when it takes too long."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        found = await ask()
        if found:
            return found
        # Nothing tells when a peer of this process has got so far.
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what} did not come in {LIMIT:g} s")


@pytest.mark.servers
@pytest.mark.skipif(PROMETHEUS is None, reason="there is no prometheus on the PATH")
async def test_a_real_prometheus_writes_to_it_and_rules_fire(
    process: Process, clients: dict[str, object], tmp_path: Path
) -> None:
    prometheus, alertmanager = clients["prometheus"], clients["alertmanager"]
    assert isinstance(prometheus, Prometheus)
    assert isinstance(alertmanager, Alertmanager)
    with _writing_prometheus(tmp_path, process.urls["prometheus"]) as real:

        async def both_targets() -> object:
            found = (await prometheus.instant("up")).samples
            return found if len(found) == 2 else None

        found = await until(both_targets, "what the real one scrapes")
        values = {dict(one.labels)["job"]: one.value for one in found}  # type: ignore[attr-defined]
        assert values == {"prometheus": 1.0, "down": 0.0}
        at = time.time() - 3
        mine = await prometheus.instant("sort(prometheus_build_info)", at)
        theirs = json.loads(real.get(f"/api/v1/query?query=prometheus_build_info&time={at}"))["data"]["result"]
        assert [dict(one.labels) for one in mine.samples] == [one["metric"] for one in theirs]

        async def firing() -> object:
            return await alertmanager.alerts([Matcher("alertname", "TargetDown")])

        (alert,) = await until(firing, "the alert")  # type: ignore[misc]
        assert alert.annotation("summary").startswith("down at 127.0.0.1:")

        async def recorded() -> object:
            return (await prometheus.instant('job:up:sum{job="prometheus"}')).samples

        assert [one.value for one in await until(recorded, "the recorded series")] == [1.0]  # type: ignore[attr-defined]
        (rule,) = [one for one in await prometheus.rules() if one.kind == "alerting"]
        assert (rule.name, rule.state, rule.health) == ("TargetDown", "firing", "ok")


async def test_our_relay_asks_all_four(process: Process, clients: dict[str, object]) -> None:
    now = time.time()
    ns = int(now * 1e9)
    pushed = RECORDED["otlp_http_traces_ok"]["request"]["json"]
    shifted = orjson.loads(orjson.dumps(pushed).replace(b"17952486", str(ns - 10**9)[:8].encode()))
    line = {"streams": [{"stream": {"service_name": "web"}, "values": [[str(ns), "it rains"]]}]}
    async with httpx.AsyncClient(trust_env=False) as push:
        assert (await push.post(f"{process.urls['loki']}/loki/api/v1/push", json=line)).status_code == 204
        assert (await push.post(f"{process.urls['jaeger']}/v1/traces", json=shifted)).status_code == 200
        alert = [{"labels": {"alertname": "ByHand", "job": "web"}}]
        assert (await push.post(f"{process.urls['alertmanager']}/api/v2/alerts", json=alert)).status_code == 200
        point = {"asDouble": 4, "timeUnixNano": str(ns)}
        gauge = {"name": "load", "gauge": {"dataPoints": [point]}}
        metric = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [gauge]}]}]}
        path = f"{process.urls['prometheus']}/api/v1/otlp/v1/metrics"
        assert (await push.post(path, json=metric)).status_code == 200

    async with Relay(clients) as relay:

        async def ask(source: str, question: Callable[[object], Awaitable[object]]) -> str:
            async def said(client: object) -> bytes:
                return orjson.dumps(shapes.plain(await question(client)))

            return (await relay.ask(source, "pane", question, 1.0, said)).decode()

        wanted = TraceSearch("frontend", now - 864_000, now + 864_000)
        assert "it rains" in await ask("loki", lambda one: one.query_range('{service_name="web"}', now - 60, now + 60))  # type: ignore[attr-defined]
        assert "GET /checkout" in await ask("jaeger", lambda one: one.search(wanted))  # type: ignore[attr-defined]
        assert "ByHand" in await ask("alertmanager", lambda one: one.groups())  # type: ignore[attr-defined]
        drawn = json.loads(await relay.explore("prometheus", "load", now - 60, now + 60, 15))
        assert 4.0 in drawn["series"][0]["values"]
        assert all(one.healthy for one in await relay.sources())
        versions = {one.name: one.version for one in await relay.sources()}
        assert all(versions.values())


async def test_it_scrapes_what_it_is_told_to(tmp_path: Path, process: Process) -> None:
    scraping = Process(tmp_path, "--scrape", f"self={process.urls['prometheus'].removeprefix('http://')}/-/healthy",
                       "--scrape", f"gone=127.0.0.1:{free_port()}")  # fmt: skip
    try:
        client = Prometheus(Source(scraping.urls["prometheus"], name="prometheus"))

        async def targets() -> object:
            found = await client.targets()
            return found if len(found) == 2 and all(one.health == "down" for one in found) else None

        found = await until(targets, "a scrape")
        assert {one.job for one in found} == {"self", "gone"}  # type: ignore[attr-defined]
        assert [one.value for one in (await client.instant("sum(up)")).samples] == [0.0]
        await client.aclose()
    finally:
        scraping.end()


async def test_only_its_own_names_are_answered(process: Process) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for url in process.urls.values():
            told = await client.get(f"{url}/-/ready", headers={"Host": "rebound.example:80"})
            assert (told.status_code, "only this machine" in told.text) == (403, True)


def test_ctrl_c_ends_it_cleanly(process: Process) -> None:
    status, said = process.interrupt()
    assert status == 0
    assert "Traceback" not in said
    assert "Ctrl-C ends it" in said


def test_what_cannot_be_served_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("groups: [{name: a, rules: [{alert: x, expr: 'sum('}]}]")
    taken = bound(0, "the test")
    port = taken.getsockname()[1]
    taken.listen()
    cases = {
        ("--rules", str(tmp_path / "bad.yml")): "group 'a', rule 1 (x): could not parse expression",
        ("--rules", str(tmp_path / "none.yml")): "none.yml cannot be read: No such file or directory",
        ("--scrape", "example.org:80"): "only targets of this machine are scraped",
        ("--retention", "long"): "--retention: 'long' is not a length of time",
        ("--port-base", str(port)): f"prometheus cannot listen on 127.0.0.1:{port}: Address already in use",
    }
    for options, words in cases.items():
        done = subprocess.run(
            (sys.executable, "-m", "warroom", "embedded", *options),
            capture_output=True, text=True, timeout=60, env=_environment(tmp_path),
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (2, ""), options
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    taken.close()


def _writing_prometheus(folder: Path, url: str) -> RealServer:
    port = free_port()
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "remote_write": [{"url": f"{url}/api/v1/write", "queue_config": {"batch_send_deadline": "200ms"},
                          "metadata_config": {"send_interval": "1s"}}],
        "scrape_configs": [
            {"job_name": "prometheus", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]},
            {"job_name": "down", "static_configs": [{"targets": [f"127.0.0.1:{free_port()}"]}]},
        ],
    }  # fmt: skip
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = (str(PROMETHEUS), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
               f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn")  # fmt: skip
    return RealServer(command, port, folder / "log").start()


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    return kept | {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder)}
