"""A live Grafana, with `--grafana-url http://host:3000`: what it tells without credentials."""

from __future__ import annotations

import pytest

from warroom.telemetry.errors import Denied
from warroom.telemetry.grafana import Grafana
from warroom.telemetry.source import Source


async def test_a_live_one_is_healthy_and_wants_credentials_for_the_rest(grafana_url):
    grafana = Grafana(Source(grafana_url, "grafana", token="glsa_nobody"))
    try:
        assert (await grafana.health()).ok
        with pytest.raises(Denied):
            await grafana.datasources()
    finally:
        await grafana.close()
