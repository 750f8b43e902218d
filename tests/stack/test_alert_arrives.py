"""From a sample that is told to fail to an incident in the room, and back, with the bundle's own files.

Debian's Prometheus and Alertmanager run with them; only addresses and times are others, and what Debian's Prometheus is
too old for is left out.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.house import Person, Served, stack_alertmanager
from tests.real_servers import ALERTMANAGER, PROMETHEUS, RealServer, free_port
from tests.stack.files import STACK
from tests.stack.sample import Sample, start_sample

pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not (PROMETHEUS and ALERTMANAGER), reason="Prometheus or Alertmanager is not installed"),
]

PORTS = {"prometheus": 9090, "alertmanager": 9093, "warroom": 8765, "sample": 8090}
ABSENT = 1
"""A port where nobody listens, for the servers that are not installed here."""


def changed(text: str, changes: Mapping[str, str]) -> str:
    """AssertionError when the shipped file no longer says what is changed."""
    for old, new in changes.items():
        assert re.search(old, text), f"{old} is not in the shipped file:\n{text}"
        text = re.sub(old, new, text)
    return text


def bundle_prometheus(folder: Path, ports: Mapping[str, int]) -> RealServer:
    """Prometheus with the bundle's configuration and rules, once a second, not started."""
    assert PROMETHEUS
    shutil.copytree(STACK / "prometheus", folder)
    config = folder / "bundle.yml"
    text = changed(
        config.read_text(),
        {
            r"(scrape|evaluation)_interval: 15s": r"\1_interval: 1s",
            r"scrape_timeout: 10s": "scrape_timeout: 1s",
            r"\notlp:\n[^\n]*\n": "\n",
            **{rf"127\.0\.0\.1:{PORTS[name]}\b": f"127.0.0.1:{port}" for name, port in ports.items()},
            r"127\.0\.0\.1:(3100|18888|8888|8889|3000|9100)\b": f"127.0.0.1:{ABSENT}",
        },
    )
    config.write_text(text)
    for path in (folder / "rules").glob("*.yml"):
        # Minutes of a rule are seconds here: 5m of errors are 5s of them.
        path.write_text(re.sub(r"(for: |rate\w*\([^()]*\[)(\d+)m", r"\1\2s", path.read_text()))
    rules = folder / "rules/golden.yml"
    rules.write_text(re.sub(r"\[1s\]", "[5s]", rules.read_text()))
    command = (
        PROMETHEUS,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
        "--enable-feature=exemplar-storage",
        "--web.enable-remote-write-receiver",
        "--log.level=warn",
    )
    return RealServer(command, ports["prometheus"], folder / "log")


class House:
    """The sample, the bundle's Prometheus and Alertmanager, and the room."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.sample: Sample = stack.enter_context(start_sample(folder / "sample.log", "--rate", "40"))
        ports = {"prometheus": free_port(), "alertmanager": free_port(), "sample": self.sample.port}
        self.owner = Person("olga", folder, {"WARROOM_PROMETHEUS__URL": f"http://127.0.0.1:{ports['prometheus']}"})
        self.room = Served(self.owner)
        stack.enter_context(self.room.start())
        secret = self.room.data / "intake.secret"
        self.alertmanager = stack_alertmanager(
            folder / "alertmanager", self.room.about["intake_url"], secret, ports["alertmanager"]
        )
        stack.enter_context(self.alertmanager.start())
        self.prometheus = bundle_prometheus(folder / "prometheus", {**ports, "warroom": self.room.port})
        stack.enter_context(self.prometheus.start())

    def value(self, query: str) -> float | None:
        """What Prometheus answers to an instant query with one series, or nothing."""
        result = self.ask(f"/api/v1/query?query={query}")["result"]
        return float(result[0]["value"][1]) if result else None

    def ask(self, path: str) -> Any:
        return json.loads(self.prometheus.get(path))["data"]

    def incidents(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.owner.json("list", "--all")["incidents"]
        return found

    def until(self, condition: Callable[[], Any], what: str, within: float = 60.0) -> Any:
        """What the condition gives once it gives something. AssertionError with what fires when it does not."""
        deadline = time.monotonic() + within
        while not (found := condition()):
            assert time.monotonic() < deadline, f"{what}: {self.prometheus.get('/api/v1/alerts')}"
        return found


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ExitStack() as stack:
        yield House(tmp_path, stack)


def test_a_failing_service_becomes_one_incident_and_heals(house: House) -> None:
    house.until(lambda: house.value('service:error_ratio:rate1m{service="payment"}') == 0.0, "a healthy sample")
    assert not ours(house)

    assert house.sample.post("/fail?ratio=0.5")[0] == 200
    house.until(lambda: "HighErrorRate" in told(house), "HighErrorRate in the room")
    # Whoever asks the one that fails, fails too: three services, one incident.
    house.until(lambda: all(f'"{name}"' in told(house) for name in ("payment", "checkout", "shop")), "all that fail")
    (incident,) = ours(house)
    assert incident["severity"] == "SEV1"
    # What the room's charts and links ask for is there.
    assert (house.value('service:error_ratio:rate1m{service="payment"}') or 0) > 0.05
    assert house.value('up{job="warroom"}') == 1.0
    assert house.ask("/api/v1/query_exemplars?query=http_requests_total&start=0&end=9999999999")

    house.sample.post("/heal")
    house.until(lambda: all(one["firing"] == 0 for one in ours(house)), "the end of all its alerts in the room")
    assert [one["incident"] for one in ours(house)] == [incident["incident"]]


def ours(house: House) -> list[dict[str, Any]]:
    """The incidents that are about the sample's services; Loki and Jaeger, which do not run here, are missed too."""
    return [one for one in house.incidents() if not one["title"].endswith("cannot be reached")]


def told(house: House) -> str:
    """All that the room knows of them."""
    return " ".join(house.owner.run("show", one["incident"], "--json") for one in ours(house))
