"""Real servers with known data in them, of Debian stable and newer, for the contract suite."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.contract.remote_write import Native, Written, write
from tests.real_servers import RealServer, free_port

SAMPLES = 24
STEP = 5.0
"""The written series have a sample every 5 s of the two minutes before the lab began."""

FLAGS = ("--web.enable-remote-write-receiver", "--enable-feature=exemplar-storage,native-histograms")

RULES = {
    "groups": [
        {
            "name": "lab",
            "rules": [
                {"record": "job:up:sum", "expr": "sum by (job) (up)"},
                {
                    "alert": "TargetDown",
                    "expr": "up == 0",
                    "labels": {"severity": "critical"},
                    "annotations": {"summary": "{{ $labels.job }} is down"},
                },
                {"alert": "PendingForever", "expr": "up == 0", "for": "1d", "labels": {"severity": "warning"}},
                {"alert": "Quiet", "expr": "up == 7", "annotations": {"runbook_url": "https://example.invalid/rb"}},
            ],
        }
    ]
}


@dataclass(frozen=True)
class Lab:
    """A Prometheus with data. `end` is the time of the last written sample; `target_down` refuses connections."""

    server: RealServer
    end: float
    target_down: str


def start_prometheus_lab(program: str, folder: Path, flags: Sequence[str] = FLAGS) -> Lab:
    """A ready one that scrapes itself and a target that is down, has evaluated its rules, and holds written data."""
    server, down = launch_prometheus(program, folder, flags)
    end = float(int(time.time()) + 1)  # not before the first samples of what is scraped
    answer = write(server.url, written_until(end)) if FLAGS[0] in flags else None
    assert answer is None or answer.status_code == 204, answer.text
    return Lab(server, end, down)


def launch_prometheus(
    program: str, folder: Path, flags: Sequence[str] = (), more: Mapping[str, str] | None = None
) -> tuple[RealServer, str]:
    """As above, without written data; returns it and the target that is down. `more` are jobs and their targets."""
    folder.mkdir(parents=True, exist_ok=True)
    port, down = free_port(), f"127.0.0.1:{free_port()}"
    every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config = {
        "global": every,
        "storage": {"exemplars": {"max_exemplars": 1000}},
        "rule_files": [str(folder / "rules.yml")],
        "scrape_configs": [
            {"job_name": "prometheus", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]},
            {"job_name": "down", "static_configs": [{"targets": [down]}]},
            *({"job_name": job, "static_configs": [{"targets": [at]}]} for job, at in (more or {}).items()),
        ],
    }
    (folder / "rules.yml").write_text(yaml.safe_dump(RULES))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = (
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *flags,
    )
    server = RealServer(command, port, folder / "log").start()

    def settled() -> bool:
        targets = server.get("/api/v1/targets")
        return '"state":"firing"' in server.get("/api/v1/alerts") and '"unknown"' not in targets

    server.wait_until(settled, "scraping and evaluating")
    return server, down


def written_until(end: float) -> list[Written]:
    """Series of the shapes that the suite asks for: counters, a gauge, a classic histogram with exemplars, native
    histograms.
    """
    times = [end - STEP * (SAMPLES - 1 - number) for number in range(SAMPLES)]
    shop = [
        Written(
            {"__name__": "http_requests_total", "service": service, "code": code, "job": "app"},
            [(at, rate * number * STEP) for number, at in enumerate(times)],
        )
        for service, code, rate in (("cart", "200", 10), ("cart", "500", 1), ("checkout", "200", 5))
    ]
    gauge = Written(
        {"__name__": "queue_depth", "queue": "q1", "job": "app"}, [(at, float(n % 7)) for n, at in enumerate(times)]
    )
    buckets = [
        Written(
            {"__name__": "http_request_duration_seconds_bucket", "service": "cart", "le": le, "job": "app"},
            [(at, float(number * share)) for number, at in enumerate(times)],
            exemplars,
        )
        for le, share, exemplars in (
            ("0.1", 8, [({"trace_id": "0af7651916cd43dd8448eb211c80319c"}, 0.05, end - 20)]),
            ("1", 9, [({"traceID": "1bf7651916cd43dd8448eb211c80319d"}, 0.5, end - 15)]),
            ("+Inf", 10, [({"user": "anna"}, 3.5, end - 10)]),
        )
    ]
    native = Written(
        {"__name__": "rw_native_seconds", "job": "rw"},
        histograms=[(at, Native((n, n, 2 * n), 1.5 * n, zeros=n)) for n, at in enumerate(times, start=1)],
    )
    return [*shop, gauge, *buckets, native]


def start_alertmanager_lab(program: str, folder: Path) -> RealServer:
    """A ready Alertmanager that inhibits warnings of a service by its critical alerts, mutes alerts of
    severity "muted" at all times, and notifies nobody.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "route": {
            "receiver": "hook",
            "group_by": ["alertname"],
            "group_wait": "0s",
            "routes": [
                {"receiver": "blackhole", "matchers": ['severity="info"']},
                {"receiver": "hook", "matchers": ['severity="muted"'], "mute_time_intervals": ["always"]},
            ],
        },
        "time_intervals": [
            {"name": "always", "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]}
        ],
        "inhibit_rules": [
            {
                "source_matchers": ['severity="critical"'],
                "target_matchers": ['severity="warning"'],
                "equal": ["service"],
            }
        ],
        "receivers": [{"name": "hook"}, {"name": "blackhole"}],
    }
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    command = (
        program,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    return RealServer(command, port, folder / "log").start()
