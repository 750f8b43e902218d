"""What a query shows is pinned with its data, and is still in the post-mortem when the backend has gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.house import Person, Served
from tests.real_servers import PROMETHEUS, SickExporter, start_prometheus

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
