"""Real Prometheus and Alertmanager for tests: started on free loopback ports, waited for, ended by pid.

Nothing here sleeps: a start waits for the server's own readiness page, and a server that dies says why.
"""

import http.client
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

PROMETHEUS = shutil.which("prometheus")
ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")

START_DEADLINE = 30.0
"""Seconds that a server may take to be ready on a busy machine."""


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class RealServer:
    """A server process. `stop` is polite, `kill` is kill -9, `start` starts it (again) on the same port and data."""

    command: Sequence[str]
    port: int
    log: Path
    env: Mapping[str, str] | None = field(default=None, repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Return when it is ready. Raises AssertionError with its log when it is not in time."""
        assert self._process is None, "it runs already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.env
            )
        self.wait_until(self._ready, "ready")
        return self

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Return when the condition holds. Raises AssertionError with the log when it does not in time, or when
        the server ends.
        """
        assert self._process is not None, "it does not run"
        deadline = time.monotonic() + START_DEADLINE
        while not condition():
            # The pause between two looks is a wait for the one other thing that can happen: its end.
            try:
                ended = self._process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                ended = None
            if ended is not None or time.monotonic() > deadline:
                self.kill()
                log = self.log.read_text()[-3000:]
                raise AssertionError(f"{self.command[0]} is not {what} ({ended=}):\n{log}")

    def stop(self) -> None:
        """SIGTERM and wait; kill -9 if it does not listen."""
        self._end(polite=True)

    def kill(self) -> None:
        """kill -9 and wait."""
        self._end(polite=False)

    def get(self, path: str) -> str:
        """Body of a page of it; AssertionError unless 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
        assert answer.status == 200, f"{path}: {answer.status} {body[:300]}"
        return body

    def _ready(self) -> bool:
        try:
            self.get("/-/ready")
        except (OSError, http.client.HTTPException, AssertionError):
            return False
        return True

    def _end(self, *, polite: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if polite:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                pass
            else:
                return
        process.kill()
        process.wait(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_prometheus(
    tmp: Path,
    scrape_targets: Mapping[str, Sequence[str]],
    rules_yaml: str | None = None,
    alertmanager_url: str | None = None,
    scrape_interval: str = "1s",
) -> RealServer:
    """A ready Prometheus with its data in `tmp`, which has scraped every target once (it starts to after 5 s);
    `scrape_targets` maps a job to its `host:port`s.

    `rules_yaml` is the text of one rule file; rules are evaluated at the scrape interval.
    """
    assert PROMETHEUS, "prometheus is not installed"
    folder = tmp / "prometheus"
    folder.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = {
        "global": {
            "scrape_interval": scrape_interval,
            "scrape_timeout": scrape_interval,
            "evaluation_interval": scrape_interval,
        },
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": list(targets)}]} for job, targets in scrape_targets.items()
        ],
    }
    if rules_yaml is not None:
        (folder / "rules.yml").write_text(rules_yaml)
        config["rule_files"] = [str(folder / "rules.yml")]
    if alertmanager_url is not None:
        address = alertmanager_url.removeprefix("http://")
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [address]}]}]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    command = (
        PROMETHEUS,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    )
    server = RealServer(command, port, folder / "log").start()
    count = sum(len(targets) for targets in scrape_targets.values())

    def scraped() -> bool:
        active = json.loads(server.get("/api/v1/targets?state=active"))["data"]["activeTargets"]
        return len(active) == count and all(target["health"] != "unknown" for target in active)

    server.wait_until(scraped, "scraping")
    return server


def start_alertmanager(tmp: Path, webhook_url: str, secret_file: Path | None = None) -> RealServer:
    """A ready Alertmanager that posts every alert at once to `webhook_url`, resolved ones too.

    `secret_file` holds a secret that is sent as `Authorization: Bearer ...`.
    """
    assert ALERTMANAGER, "prometheus-alertmanager is not installed"
    folder = tmp / "alertmanager"
    folder.mkdir(parents=True, exist_ok=True)
    hook: dict[str, Any] = {"url": webhook_url, "send_resolved": True}
    if secret_file is not None:
        hook["http_config"] = {"authorization": {"type": "Bearer", "credentials_file": str(secret_file)}}
    config = {
        "route": {
            "receiver": "warroom",
            "group_by": ["alertname"],
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "1h",
        },
        "receivers": [{"name": "warroom", "webhook_configs": [hook]}],
    }
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    command = (
        ALERTMANAGER,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    )
    return RealServer(command, port, folder / "log").start()


class SickExporter:
    """A service's /metrics: requests at a steady rate, of which `error_ratio` fail and are slow.

    Counters grow with real time, so what Prometheus computes is what was set. `scrapes` counts the visits.
    """

    def __init__(self, *, rate: float = 100.0, error_ratio: float = 0.0) -> None:
        self.scrapes = 0
        self._rate = rate
        self._ratio = error_ratio
        self._good = self._bad = 0.0
        self._counted_at = time.monotonic()
        self._lock = threading.Lock()
        exporter = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exporter.text().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def target(self) -> str:
        """host:port, as a scrape configuration wants it."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def error_ratio(self) -> float:
        return self._ratio

    @error_ratio.setter
    def error_ratio(self, ratio: float) -> None:
        with self._lock:
            self._count()
            self._ratio = ratio

    def text(self) -> str:
        """The page as it would be scraped now."""
        with self._lock:
            self._count()
            self.scrapes += 1
            good, bad = int(self._good), int(self._bad)
        lines = [
            "# TYPE http_requests_total counter",
            f'http_requests_total{{status="200"}} {good}',
            f'http_requests_total{{status="500"}} {bad}',
            "# TYPE http_request_duration_seconds histogram",
        ]
        for bound, count in (("0.05", good // 2), ("0.1", good), ("1.0", good + bad // 2), ("+Inf", good + bad)):
            lines.append(f'http_request_duration_seconds_bucket{{le="{bound}"}} {count}')
        lines.append(f"http_request_duration_seconds_sum {good * 0.05 + bad * 1.0}")
        lines.append(f"http_request_duration_seconds_count {good + bad}")
        lines += ["# TYPE sick_error_ratio gauge", f"sick_error_ratio {self._ratio}"]
        return "\n".join(lines) + "\n"

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def _count(self) -> None:
        now = time.monotonic()
        requests = (now - self._counted_at) * self._rate
        self._counted_at = now
        self._bad += requests * self._ratio
        self._good += requests * (1 - self._ratio)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
