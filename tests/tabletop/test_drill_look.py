"""What a player can see: the real embedded stores behind it, with the troubles that people have, and nothing hidden."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from warroom.embedded.alert_store import Posted
from warroom.embedded.backends import Backends
from warroom.embedded.logql import LogqlError
from warroom.embedded.promql import PromqlError
from warroom.incident.state import Change, IncidentState, changed
from warroom.incident.vector import Vector
from warroom.tabletop.look import Look, LookError, Tools, Trouble, look_at
from warroom.telemetry.block import Block
from warroom.telemetry.logs import LogLine
from warroom.telemetry.traces import Span, Trace

NOW = 1_767_600_000.0
AT = datetime.fromtimestamp(NOW, tz=UTC)


def backends() -> Backends:
    held = Backends(lambda: NOW)
    keys = tuple((("__name__", "cpu"), ("job", job), ("service", job)) for job in ("edge", "web"))
    held.append(Block(keys, np.array([NOW - 5, NOW]), np.array([[0.2, 0.3], [0.95, 0.4]])))
    labels = (("region", "eu"), ("service_name", "edge"))
    held.lines([LogLine(int((NOW - age) * 1e9), f"request failed {age}", labels) for age in (400, 60, 5)])
    held.traces([trace("a" * 32, NOW - 30, 0.4, error=True), trace("b" * 32, NOW - 20, 0.1, error=False)])
    held.alert_store.post([Posted((("alertname", "EdgeSlow"), ("service", "edge")), (("summary", "slow"),), NOW - 90)])
    return held


def trace(name: str, at: float, took: float, *, error: bool) -> Trace:
    start = int(at * 1e6)
    root = Span(
        "1" * 16,
        "",
        "edge",
        "GET /browse",
        start,
        int(took * 1e6),
        "server",
        tags=(("slice.country", "DE" if error else "US"),),
    )
    below = Span("2" * 16, "1" * 16, "web", "GET /", start + 1000, int(took * 0.75e6), "server", error=error)
    return Trace(name, (root, below))


def look(state: IncidentState | None = None, troubles: dict[str, Trouble] | None = None) -> Look:
    held = backends()
    tools = Tools(held.promql, held.logql, held.trace_store.search, held.alert_store.alerts, (PromqlError, LogqlError))
    return look_at(tools, state or IncidentState(), NOW, troubles, seed=3)


def room() -> IncidentState:
    told = [
        ("edge", "deploy", "CHG-118: edge v2", 1200), ("web", "deploy", "CHG-119: web v9", 600),
        ("edge", "flag", "CHG-120: rules", 100),
    ]  # fmt: skip
    changes = Vector(
        Change(seq, kind, service, "v1", text, AT - timedelta(seconds=age), "ci")
        for seq, (service, kind, text, age) in enumerate(told, start=1)
    )
    return changed(IncidentState(id="INC-0001", seq=1), {"changes": changes})


def test_metrics_logs_and_alerts_are_rows() -> None:
    seen = look()
    assert [(r.labels["service"], r.value) for r in seen.ask("metrics", "cpu > 0.9").rows] == [("edge", 0.95)]
    lines = seen.ask("logs", '{service_name="edge"} |= "failed"').rows
    assert [row.text for row in lines] == ["request failed 5", "request failed 60"]
    counted = seen.ask("logs", 'sum by (service_name) (count_over_time({service_name="edge"}[10m]))').rows
    assert [(row.labels["service_name"], row.value) for row in counted] == [("edge", 3)]
    alert = seen.ask("alerts", '{alertname=~"Edge.*"}').rows[0]
    assert (alert.value, alert.text) == (90, "slow")
    assert seen.ask("alerts", '{alertname="Other"}').rows == ()


def test_traces_are_told_by_what_is_asked() -> None:
    seen = look()
    assert [round(row.value, 3) for row in seen.ask("traces", "service=edge min=200ms").rows] == [0.4]
    own = {row.labels["service"]: round(row.value, 4) for row in seen.ask("traces", "service=edge by=self_time").rows}
    assert own == {"edge": 0.0625, "web": 0.1875}
    assert [(row.labels["service"], row.value) for row in seen.ask("traces", "service=edge by=errors").rows] == [
        ("edge", 0.0), ("web", 0.5),
    ]  # fmt: skip
    slow = {
        row.labels["slice.country"]: row.value for row in seen.ask("traces", "service=edge by=tag.slice.country").rows
    }
    assert slow == {"DE": pytest.approx(0.4), "US": pytest.approx(0.1)}
    edge = seen.ask("traces", "service=edge by=edge").rows[0]
    assert (edge.labels, round(edge.value, 4)) == ({"client": "edge", "server": "web"}, 0.1875)


def test_changes_are_those_of_the_room() -> None:
    seen = look(room())
    assert [row.labels["id"] for row in seen.ask("changes", "service=edge last=15m").rows] == ["CHG-120"]
    assert [row.labels["id"] for row in seen.ask("changes", "kind=deploy text~V9").rows] == ["CHG-119"]
    assert seen.change_names("edge")["change"] == "flag CHG-120: rules"
    assert seen.change_names("nobody")["change_service"] == "edge"
    assert look().change_names("edge")["change"] == "nothing that is known"


def test_a_tool_that_is_down_answers_nobody_and_says_so() -> None:
    seen = look(troubles={"prometheus": Trouble(down=True), "loki": Trouble(latency=4.0)})
    with pytest.raises(LookError, match="prometheus does not answer") as caught:
        seen.ask("metrics", "cpu")
    assert not caught.value.wrong
    assert seen.ask("logs", '{service_name="edge"}').took == 5.0


def test_a_tool_that_fails_now_and_then_fails_the_same_way_for_the_same_question() -> None:
    seen = look(troubles={"dashboards": Trouble(error_rate=0.5)})

    def answers(query: str) -> bool:
        try:
            seen.ask("metrics", query)
        except LookError:
            return False
        return True

    first = [answers(f"cpu > 0.{n}") for n in range(40)]
    assert first == [answers(f"cpu > 0.{n}") for n in range(40)]
    assert 5 < sum(first) < 35


@pytest.mark.parametrize(
    ("ask", "query"),
    [
        ("metrics", "cpu >"), ("logs", "{"), ("traces", "colour=red"), ("alerts", "{a}"), ("changes", "last=soon"),
        ("tea", ""),
    ],
)  # fmt: skip
def test_a_question_that_is_wrong_is_told_apart_from_a_tool_that_is(ask: str, query: str) -> None:
    with pytest.raises(LookError) as caught:
        look().ask(ask, query)
    assert caught.value.wrong


def test_a_kind_that_the_room_has_no_word_for_is_still_that_kind() -> None:
    words = "CHG-107 (model): c13 live (by science)"
    told = Change(1, "other", "scorer", "c13", words, AT - timedelta(seconds=90), "x")
    own = Change(2, "scale", "scorer", "", "CHG-108: 5 replicas (by autoscaler)", AT - timedelta(seconds=30), "x")
    seen = look(changed(IncidentState(id="INC-0001", seq=1), {"changes": Vector((told, own))}))
    assert [row.labels["id"] for row in seen.ask("changes", "kind=model").rows] == ["CHG-107"]
    names = seen.change_names("scorer")
    assert (names["change"], names["change_kind"]) == ("model CHG-107: c13 live (by science)", "model")
