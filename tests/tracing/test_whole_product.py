"""The product as people run it, with the one setting: its processes tell one collector, and belong together there."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.e2e.house import Person, Served
from tests.tracing.collector import Collector, Got, collecting
from warroom.app import INTAKE_SECRET_FILE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def person(folder: Path, otlp: str) -> Person:
    settings = {
        "WARROOM_PROMETHEUS__URL": "",
        "WARROOM_TELEMETRY__OTLP": otlp,
        "WARROOM_ENVIRONMENT": "staging",
        "WARROOM_LOG_LEVEL": "debug",
    }
    return Person("olga", folder, settings)


def trace_of(collector: Collector, name: str, *others: str) -> dict[str, Got]:
    """The spans of the trace with that span in it, by name, once the others are there too."""

    def found() -> dict[str, Got]:
        traces = {span.trace for span in collector.named(name)}
        return {span.name: span for span in list(collector.spans) if span.trace in traces}

    collector.wait(lambda: {name, *others} <= found().keys(), 30)
    return found()


def test_commands_consoles_and_alerts_are_whole_traces(tmp_path: Path) -> None:
    with collecting() as collector:
        olga = person(tmp_path, collector.url)
        with Served(olga).start() as room:  # type: ignore[attr-defined]
            incident = olga.run("declare", "Checkout is slow", "--service", "shop").strip()
            declared = trace_of(collector, "command declare-incident", "receive")
            assert declared["command declare-incident"].service == "warroom-cli"
            assert declared["receive"].parent == declared["command declare-incident"].id

            with olga.console("console", incident) as screen:
                screen.until("Declared").press("n")
                screen.until("What you see").type("swordfish")
                screen.press("ctrl+s")
                noted = trace_of(collector, "command add-note", "outbox", "receive", "fan-out", "applied")
            root, receive = noted["command add-note"], noted["receive"]
            assert (root.service, receive.service) == ("warroom-console", "warroom")
            assert (receive.parent, noted["fan-out"].parent, noted["applied"].parent) == (
                root.id, receive.id, noted["fan-out"].id,
            )  # fmt: skip
            began = [noted[name].message.start_time_unix_nano for name in ("command add-note", "outbox", "receive")]
            assert began == sorted(began)
            assert began[1] - began[0] > 0

            alert(room, (room.data / INTAKE_SECRET_FILE).read_text().strip())
            carried = trace_of(collector, "alert", "receive")
            (command,) = [span for name, span in carried.items() if name.startswith("command ")]
            assert (carried["alert"].service, command.service) == ("warroom-intake", "warroom-intake")
            assert (carried["alert"].parent, command.parent) == ("", carried["alert"].id)
            assert carried["receive"].parent == command.id

            collector.wait(lambda: any("request_id" in line.attributes for line in collector.lines))
            about = collector.lines[0].resource
            assert (about["service.name"], about["deployment.environment.name"]) == ("warroom", "staging")
            with urlopen(f"http://127.0.0.1:{room.port}/metrics") as answer:
                text = answer.read().decode()
            assert 'warroom_otlp_dropped_total{kind="spans"} 0' in text
        told = "".join(str(one.message) for one in [*collector.spans, *collector.lines])
        assert "swordfish" not in told
        assert "Checkout is slow" not in told


def alert(room: Served, secret: str) -> None:
    """An alert as Alertmanager tells it."""
    one = {
        "status": "firing",
        "labels": {"alertname": "HighErrorRate", "severity": "critical", "service": "shop"},
        "annotations": {"summary": "too many errors"},
        "startsAt": "2026-11-21T10:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": "0123456789abcdef",
    }
    body = {
        "version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": "firing", "receiver": "warroom",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "alerts": [one],
    }  # fmt: skip
    request = Request(
        f"{room.about['intake_url']}/alertmanager",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
    )
    with urlopen(request) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("list",), ("declare", "x")])
def test_an_address_that_is_none_is_one_sentence(tmp_path: Path, command: tuple[str, ...]) -> None:
    said = person(tmp_path, "127.0.0.1:4318").run(*command, status=2)
    assert said == ""
