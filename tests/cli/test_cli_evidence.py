"""What telemetry says goes on the log by commands, and is read there when no telemetry source is left.

The server is real; its telemetry sources are not asked: their answers are real shapes, given in their place.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.cli_home import CliHome
from tests.cli.conftest import Asked, Here
from warroom.cli.exits import Exit, Stop
from warroom.cli.schemas import SCHEMAS
from warroom.telemetry import alerts, logs, series, shapes, traces

NS = 1_795_253_400_000_000_000
PAGE = logs.LogPage(
    (
        logs.LogLine(
            NS + 2_000_000_000, "pool exhausted\n\tat Pool.get", (("app", "checkout"),), (("level", "error"),)
        ),
        logs.LogLine(NS, "pool 96 of 100 in use", (("app", "checkout"),)),
    ),
    full=True,
)
TRACE = traces.Trace(
    "4bf92f3577b34da6a3ce929d0e0e4736",
    (
        traces.Span("a", "", "storefront", "POST /pay", NS // 1000, 5_200_000),
        traces.Span("b", "a", "checkout", "charge", NS // 1000 + 9000, 5_100_000, error=True),
    ),
)


def room(at_server: Here) -> str:
    status, out, err = at_server("declare", "evidence")
    assert status == 0, err
    return out.strip()


def test_log_lines_are_pinned_and_read_again(at_server: Here, telemetry: Callable[[dict[str, Any]], Asked]) -> None:
    inc = room(at_server)
    asked = telemetry({"logs": PAGE})
    query = '{app="checkout"} |= "pool"'
    status, _out, err = at_server("--utc", "evidence", inc, query, "--logs", "--last", "10m", "--note", "see the pool")
    assert (status, err) == (0, f"{inc}: evidence pinned\n")
    (method, params), *rest = asked
    assert (method, params["incident"], params["query"], params["limit"]) == ("logs", inc, query, 200)
    assert params["end"] - params["start"] == pytest.approx(600)
    assert not rest
    telemetry({"logs": Stop(Exit.UNREACHABLE, "no telemetry source is left")})
    status, out, err = at_server("--utc", "evidence", "show", inc, "1")
    assert status == 0, err
    head, pinned, note, empty, *lines = out.splitlines()
    assert head == f"Evidence 1, logs: {query}"
    assert pinned.startswith("pinned by ")
    assert pinned.endswith(", from loki")
    assert (note, empty) == ("see the pool", "")
    assert lines == [
        "09:30:00.000  checkout  pool 96 of 100 in use",
        "09:30:02.000  error  checkout  pool exhausted",
        "                  at Pool.get",
    ]
    status, out, _err = at_server("evidence", "show", inc, "1", "--json")
    said = json.loads(out)
    assert said.pop("schema") == "warroom.evidence-pin/1"
    assert set(said) == set(SCHEMAS["evidence-pin"][1])
    assert shapes.read(logs.LogPage, said["data"]).lines == tuple(reversed(PAGE.lines))
    status, out, _err = at_server("log", inc)
    assert f"Evidence 1, logs: 2 lines of {query}: see the pool" in out


def test_a_trace_is_pinned_under_its_root(at_server: Here, telemetry: Callable[[dict[str, Any]], Asked]) -> None:
    inc = room(at_server)
    asked = telemetry({"trace": TRACE})
    assert at_server("evidence", inc, TRACE.trace_id, "--trace")[0] == 0
    assert asked == [("trace", {"incident": inc, "id": TRACE.trace_id})]
    status, out, err = at_server("--utc", "evidence", "list", inc)
    assert status == 0, err
    assert "storefront: POST /pay, 5.2 s" in out
    assert "2 spans" in out
    status, out, _err = at_server("--utc", "evidence", "show", inc, "1")
    assert "  ! checkout charge" in out
    assert "2026-11-21 09:30:00 to 2026-11-21 09:30:05, from jaeger" in out
    status, out, _err = at_server("postmortem", inc)
    assert "! checkout charge" in out


def test_a_metric_is_pinned_as_before(at_server: Here, telemetry: Callable[[dict[str, Any]], Asked]) -> None:
    inc = room(at_server)
    full = series.Full("p", 1, 1.0, 60.0, 2, (series.Series((("job", "a"),), "up", 1.0, 60.0, (0.5, None)),))
    asked = telemetry({"explore": json.loads(series.encode(full))})
    assert at_server("evidence", inc, "up", "--unit", "ratio")[0] == 0
    assert asked[0][1]["incident"] == inc
    status, out, _err = at_server("evidence", "show", inc, "1")
    assert status == 0
    assert "up  last 50 %  peak 50 %" in out


@pytest.mark.parametrize(
    ("words", "answer", "said"),
    [
        (["{}", "--logs"], {"logs": logs.LogPage(())}, "no line in that time"),
        (["abc", "--trace"], {"trace": {"trace_id": "abc", "spans": [], "warnings": []}}, "has no spans"),
        (["{}", "--logs"], {"logs": {"nothing": 1}}, "answered with no lines"),
        (["{}", "--logs"], {"logs": Stop(Exit.REFUSED, "loki: parse error at line 1")}, "loki: parse error"),
    ],
)
def test_what_was_not_seen_is_not_pinned(
    at_server: Here, telemetry: Callable[[dict[str, Any]], Asked], words: list[str], answer: Any, said: str
) -> None:
    inc = room(at_server)
    telemetry(answer)
    status, _out, err = at_server("evidence", inc, *words)
    assert (status, said in err) == (1, True), err
    assert "no evidence was pinned" in at_server("evidence", "list", inc)[2]
    status, _out, err = at_server("evidence", "show", inc, "1")
    assert (status, err) == (1, f"warroom: {inc} has no evidence 1\n")


def test_one_kind_at_a_time(at_server: Here) -> None:
    status, _out, err = at_server("evidence", room(at_server), "x", "--logs", "--trace")
    assert (status, "not both" in err) == (2, True)


def test_panels_of_the_board(at_server: Here) -> None:
    inc = room(at_server)
    query = 'sum(rate({app="checkout"}[1m]))'
    words = ("panel", "add", inc, query, "--source", "loki", "--warning", "5", "--window", "6h", "--step", "30s")
    assert at_server(*words) == (0, "", f"{inc}: on everybody's board\n")
    status, _out, err = at_server(*words)
    assert (status, "shows just that already" in err) == (1, True)
    (panel,) = json.loads(at_server("panel", "list", inc, "--json")[1])["panels"]
    assert (panel["number"], panel["query"], panel["window"], panel["step"]) == (1, query, 21_600, 30)
    assert panel["thresholds"] == [[5.0, "warning", True, ""]]
    status, out, _err = at_server("panel", "list", inc)
    assert query in out.splitlines()[1]
    assert at_server("panel", "remove", inc, "1")[0] == 0
    assert "no panel was added" in at_server("panel", "list", inc)[2]
    assert at_server("panel", "remove", inc, "2")[0] == 1
    assert at_server("panel", "add", inc, "up", "--step", "2h")[0] == 2


def active(fingerprint: str, name: str) -> alerts.ActiveAlert:
    return alerts.ActiveAlert(fingerprint, (("alertname", name), ("severity", "page")), (), NS / 1e9, 0, "active")


def test_on_an_alert_in_one_step(at_server: Here, telemetry: Callable[[dict[str, Any]], Asked]) -> None:
    inc = room(at_server)
    groups = alerts.AlertGroup((), "page", (active("f1", "PoolFull"), active("f2", "Slow"), active("f3", "Slow")))
    asked = telemetry({"alerts": {"groups": [groups]}})
    assert at_server("alert", "ack", inc, "f1")[0] == 0
    assert at_server("alert", "ack", inc, "f1")[2] == f"{inc}: it was so already; nothing was recorded\n"
    assert [method for method, _ in asked] == ["alerts"], "what is attached needs no asking"
    (alert,) = json.loads(at_server("show", inc, "--json")[1])["alerts"]
    assert (alert["name"], alert["status"], alert["starts_at"]) == (
        "PoolFull", "acknowledged", "2026-11-21T09:30:00.000000Z",
    )  # fmt: skip
    status, _out, err = at_server("alert", "ack", inc, "Slow")
    assert (status, "f2, f3" in err) == (1, True)
    assert at_server("alert", "ack", inc, "PoolFull")[0] == 0
    status, _out, err = at_server("alert", "ack", inc, "f9")
    assert (status, f"{inc} has no alert f9" in err) == (1, True)
    telemetry({"alerts": Stop(Exit.REFUSED, "no Alertmanager is named")})
    status, _out, err = at_server("alert", "ack", inc, "f2")
    assert (status, f"{inc} has no alert f2" in err) == (1, True)
    assert "Alertmanager cannot be asked for it: no Alertmanager is named" in err


def test_what_is_redacted_is_in_no_file_any_more(
    at_server: Here, served: CliHome, telemetry: Callable[[dict[str, Any]], Asked], tmp_path: Path
) -> None:
    inc = room(at_server)
    secret = "hunter2-in-a-log-line"
    telemetry({"logs": logs.LogPage((logs.LogLine(NS, f"password={secret}", (("app", "checkout"),)),))})
    assert at_server("evidence", inc, '{app="checkout"}', "--logs", "--title", "logins")[0] == 0
    assert at_server("panel", "add", inc, f'rate({{key="{secret}"}}[5m])', "--title", "logins")[0] == 0
    before = tmp_path / "before.jsonl"
    assert at_server("export", inc, "-o", str(before))[0] == 0
    assert before.read_text("utf-8").count(secret) == 2
    for entry in ("2", "3"):
        assert at_server("redact", inc, entry, "a password", "--yes")[0] == 0
    after = tmp_path / "after.jsonl"
    assert at_server("export", inc, "-o", str(after))[0] == 0
    assert secret not in after.read_text("utf-8")
    for path in served.base.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
    out = at_server("evidence", "list", inc)[1]
    assert "[redacted]" in out
    assert "no panel was added" in at_server("panel", "list", inc)[2]
    assert secret not in at_server("show", inc, "--json")[1]
    assert at_server("verify", inc)[0] == 0
