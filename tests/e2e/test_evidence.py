"""What a query shows is pinned with its data, and is still in the post-mortem when the backend has gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.e2e.house import Person, Served
from tests.real_servers import ALERTMANAGER, PROMETHEUS, SickExporter, start_alertmanager, start_prometheus

pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.skipif(not PROMETHEUS, reason="Prometheus is not installed"),
]


def test_evidence_comes_from_the_real_prometheus_and_outlives_it(tmp_path: Path) -> None:
    with SickExporter(rate=50.0) as service:
        prometheus = start_prometheus(tmp_path / "production", {"shop": [service.target]})
        ana = Person("ana", tmp_path, {"WARROOM_PROMETHEUS__URL": prometheus.url})
        served = Served(ana)
        served.start()
        try:
            incident = ana.run("declare", "Shop answers with errors").strip()
            query = 'sum(up{job="shop"})'
            ana.run("evidence", incident, query, "--title", "Shops that are up", "--last", "5m")
            prometheus.stop()
            shown = ana.run("postmortem", incident)
            assert "Shops that are up" in shown
            assert f"    {query}" in shown
            assert "last 1" in shown
            assert "█" in shown, "the curve itself is on the log"
            assert ana.run("verify", incident).startswith(f"{incident}: whole")
        finally:
            served.stop()
            prometheus.stop()


@pytest.mark.skipif(not ALERTMANAGER, reason="Alertmanager is not installed")
def test_an_alert_that_only_alertmanager_has_is_attached_and_acknowledged_in_one_step(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    raised = {
        "labels": {"alertname": "PoolFull", "severity": "critical", "service": "checkout"},
        "annotations": {"summary": "96 of 100 connections are in use"},
        "startsAt": (now - timedelta(minutes=5)).isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
    }
    with start_alertmanager(tmp_path / "production", "http://127.0.0.1:9/nobody") as alertmanager:
        httpx.post(f"{alertmanager.url}/api/v2/alerts", json=[raised]).raise_for_status()
        alertmanager.wait_until(lambda: "PoolFull" in alertmanager.get("/api/v2/alerts"), "the alert")
        ana = Person("ana", tmp_path, {"WARROOM_ALERTMANAGER__URL": alertmanager.url})
        served = Served(ana)
        served.start()
        try:
            incident = ana.run("declare", "Checkout is slow").strip()
            ana.run("alert", "ack", incident, "PoolFull")
            (alert,) = json.loads(ana.run("show", incident, "--json"))["alerts"]
            assert (alert["status"], alert["acknowledged_by"]) == ("acknowledged", "ana")
            assert (alert["severity"], alert["service"]) == ("critical", "checkout")
            assert alert["summary"] == "96 of 100 connections are in use"
            known = json.loads(alertmanager.get("/api/v2/alerts"))[0]
            assert alert["fingerprint"] == known["fingerprint"], "what the intake sends later is the same alert"
        finally:
            served.stop()
