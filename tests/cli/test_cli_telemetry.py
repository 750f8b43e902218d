"""Telemetry asked on the command line: what is sent, what is printed, and what bad words get.

The server is real; its telemetry sources are not asked: their answers are real shapes, given in their place.
"""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from tests.cli.conftest import Asked, Here
from warroom.cli.exits import Exit
from warroom.cli.schemas import SCHEMAS
from warroom.telemetry import alerts, graph, logs, series, traces

NS = 1_795_253_400_000_000_000
FULL = series.Full(
    "", 0, 1_795_249_800.0, 30.0, 4, (series.Series((("job", "shop"),), "shop", 0.0, 30.0, (1.0, None, 3.0, 2.0)),)
)
EXPLORED = orjson.loads(series.encode(FULL))
GIVEN: dict[str, Any] = {
    "explore": EXPLORED,
    "instant": {"samples": [{"labels": [["job", "shop"]], "at": 1.0, "value": 2}], "warnings": [], "infos": []},
    "logs": logs.LogPage(
        (
            logs.LogLine(NS + 1, "pool exhausted", (("app", "checkout"),), (("level", "error"),)),
            logs.LogLine(NS, "pool 96 of 100", (("app", "checkout"),)),
        ),
        full=True,
    ),
    "logs.patterns": {"patterns": [logs.LogPattern("pool <_>", "error", ((1.0, 3), (2.0, 4)))]},
    "traces.services": {"values": ["checkout", "shop"]},
    "traces.search": {
        "traces": [traces.TraceSummary("ab" * 16, "shop", "POST /pay", NS // 1000, 4_820_000, 21, 2, (("shop", 3),))]
    },
    "trace": traces.Trace("ab" * 16, (traces.Span("a", "", "shop", "POST /pay", NS // 1000, 4_820_000, error=True),)),
    "services": graph.ServiceGraph(
        (graph.ServiceNode("shop", "red", 84.0, 0.12, 2.4, "12 % errors"),), (graph.ServiceEdge("web", "shop", 9),)
    ),
    "alerts": {
        "groups": [
            alerts.AlertGroup(
                (), "room", (alerts.ActiveAlert("f1", (("alertname", "PoolFull"),), (), NS / 1e9, 0.0, "active"),)
            )
        ]
    },
    "silences": {
        "silences": [alerts.Silence("s1", (alerts.Matcher("job", "a|b", True, False),), 1.0, 2.0, "ana", "deploying")]
    },
    "silence.create": {"id": "s2"},
    "silence.expire": {},
}
PRINTS = {
    "query": (["query", "up"], "shop"),
    "samples": (["query", "up", "--instant"], "job=shop"),
    "logs": (["logs", '{app="checkout"}'], "pool exhausted"),
    "patterns": (["logs", '{app="checkout"}', "--patterns"], "7"),
    "services": (["traces"], "checkout"),
    "traces": (["traces", "shop", "--errors"], "2 errors"),
    "trace": (["trace", "ab" * 16], "POST /pay"),
    "map": (["map"], "web -> shop  9 calls"),
    "alerts": (["alert", "list"], "PoolFull"),
    "silences": (["alert", "list", "--silences"], "job!~a|b"),
}


@pytest.mark.parametrize("kind", PRINTS)
def test_what_is_asked_is_printed_and_its_json_has_the_documented_fields(
    at_server: Here,
    telemetry: Any,
    kind: str,
) -> None:
    telemetry(GIVEN)
    words, shows = PRINTS[kind]
    status, out, err = at_server(*words)
    assert status == 0, err
    assert shows in out
    said = json.loads(at_server(*words, "--json")[1])
    assert said.pop("schema") == f"warroom.{kind}/1"
    assert set(SCHEMAS[kind][1]) <= set(said) | {"warnings", "infos"}


def test_log_lines_come_oldest_first_and_a_cut_is_told(at_server: Here, telemetry: Any) -> None:
    asked: Asked = telemetry(GIVEN)
    _status, out, err = at_server("logs", '{app="checkout"}', "--limit", "2")
    rows = out.splitlines()
    assert "pool 96" in rows[0]
    assert "pool exhausted" in rows[1]
    assert "the newest 2 lines" in err
    assert asked[0][1]["direction"] == "backward"


def test_a_search_sends_what_was_typed(at_server: Here, telemetry: Any) -> None:
    asked: Asked = telemetry(GIVEN)
    at_server("traces", "shop", "--tag", "a=b=c", "--min", "2s", "--last", "15m")
    sent = asked[0][1]
    assert (sent["tags"], sent["shortest"]) == ([["a", "b=c"]], 2.0)
    assert sent["end"] - sent["start"] == pytest.approx(900)


def test_a_silence_needs_a_reason_and_matchers(at_server: Here, telemetry: Any) -> None:
    asked: Asked = telemetry(GIVEN)
    assert at_server("alert", "silence", "job=shop")[0] == Exit.USAGE
    status, _out, err = at_server("alert", "silence", "job", "--comment", "why")
    assert (status, "NAME=VALUE" in err) == (Exit.USAGE, True)
    status, out, _err = at_server("alert", "silence", "job=shop", "--for", "2h", "--comment", "deploying")
    assert (status, out.strip()) == (0, "s2")
    assert asked[-1][1]["matchers"] == [{"name": "job", "value": "shop"}]
    assert asked[-1][1]["seconds"] == 7200
    assert at_server("alert", "unsilence", "s2")[0] == 0


def test_health_is_the_server_s_own_and_its_status_is_the_exit_status(at_server: Here) -> None:
    status, out, _err = at_server("health", "--json")
    said = json.loads(out)
    assert said.pop("schema") == "warroom.health/1"
    assert set(said) == set(SCHEMAS["health"][1])
    names = {one["name"] for one in said["results"]}
    assert {"cpu", "memory", "disk", "store", "clocks", "intake", "stack"} <= names
    assert (status == 0) == (said["status"] == "HEALTHY")


def test_without_a_server_health_says_so_and_looks_at_the_machine(here: Here) -> None:
    status, out, _err = here("health", "--json")
    said = json.loads(out)
    assert (status, said["status"]) == (1, "UNHEALTHY")
    assert {one["name"] for one in said["results"]} == {"server", "cpu", "memory", "disk"}
