"""The suite of Prometheus: real servers, recordings, changed recordings, and any server that an option names."""

from __future__ import annotations

import time

import pytest

from tests.contract.lab import STEP, Lab
from tests.contract.prometheus_checks import PROMETHEUS
from tests.contract.suite import Ask, ask_of, numbers, outcome, player, recording, unnoticed
from warroom.telemetry.prometheus import Prometheus
from warroom.telemetry.source import Source

RECORDED = ("prometheus-2.42.0", "prometheus-3.5.3", "prometheus-3.14.0")
CHECKS = [(server, name) for server in RECORDED for name in recording(server).readings]

UNREAD = {
    "": ("discoveredLabels", "globalUrl", "scrapeUrl", "scrapePool", "scrapeInterval", "scrapeTimeout"),
    "targets_active": ("lastScrapeDuration", "droppedTargets", "droppedTargetCounts"),
    "rules": ("alerts", "evaluationTime", "lastEvaluation", "interval", "limit", "file", "keepFiringFor"),
    "alerts": ("value",),
    "status_runtimeinfo": (
        "CWD", "hostname", "serverTime", "GOMAXPROCS", "GOMEMLIMIT", "GOGC", "GODEBUG", "timeSeriesCount",
    ),
    "status_tsdb": ("numLabelPairs", "memoryInBytesByLabelName"),
    "status_buildinfo": ("revision", "branch", "buildUser", "buildDate", "goVersion"),
    # Words and statuses of errors differ between versions, and the words decide.
    "error": ("errorType", "status"),
}  # fmt: skip
"""Fields that the client has no use for, by recording: a change of them is none for it."""


@pytest.mark.parametrize(("server", "name"), CHECKS)
async def test_a_recording_is_read_as_it_was(server, name):
    recorded, check = recording(server), PROMETHEUS.checks[name]
    async with player(recorded.exchanges, check) as player_:
        prometheus = Prometheus(Source(player_.url))
        ask = ask_of(recorded.exchanges[check.exchanges(recorded.exchanges)[0]])
        assert await outcome(check, prometheus, ask) == recorded.readings[name]
        await prometheus.aclose()


@pytest.mark.parametrize(("server", "name"), CHECKS)
async def test_a_changed_recording_is_noticed(server, name):
    """A field that is dropped or is another cannot pass: else the suite would hold nothing."""
    recorded, check = recording(server), PROMETHEUS.checks[name]
    if recorded.readings[name] is None:
        pytest.skip("it reads nothing of its own")
    exchanges = dict(recorded.exchanges)
    async with player(exchanges, check) as player_:
        prometheus = Prometheus(Source(player_.url))
        passed = await unnoticed(check, recorded, prometheus, exchanges.__setitem__, UNREAD, count=40)
        await prometheus.aclose()
    assert passed == []


@pytest.mark.servers
@pytest.mark.parametrize("name", PROMETHEUS.checks)
async def test_a_real_server_passes(prometheus_lab: Lab, name):
    check = PROMETHEUS.checks[name]
    prometheus = Prometheus(Source(prometheus_lab.server.url))
    try:
        if numbers(await prometheus.version()) < check.since:
            pytest.skip(f"for Prometheus {'.'.join(map(str, check.since))} and newer")
        end = prometheus_lab.end
        await outcome(check, prometheus, Ask(end - 12 * STEP, end, STEP, end))
    finally:
        await prometheus.aclose()


@pytest.mark.parametrize("name", [name for name, check in PROMETHEUS.checks.items() if check.anywhere])
async def test_a_named_server_passes(prometheus_url, name):
    prometheus = Prometheus(Source(prometheus_url))
    try:
        if numbers(await prometheus.version()) < PROMETHEUS.checks[name].since:
            pytest.skip("for newer versions")
        now = float(int(time.time()))
        await outcome(PROMETHEUS.checks[name], prometheus, Ask(now - 60, now, 5, now))
    finally:
        await prometheus.aclose()
