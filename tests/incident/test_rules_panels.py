"""What telemetry leaves on the log: panels of the board, evidence of every kind, an alert taken in one step."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.incident.core_room import BEN, CHIEF, START, WATCHER, CoreRoom, plain
from tests.incident.core_strategies import values
from warroom.incident import commands as c
from warroom.incident.decode import fold
from warroom.incident.fields import Evidence
from warroom.incident.observed import MOST_DATA, alert_body, alerts_in, clean_json, counted
from warroom.incident.rules import signals, work
from warroom.incident.snapshot import decode, encode
from warroom.incident.text import clean_line
from warroom.incident.verdict import Reason

PANEL = {
    "title": "Errors",
    "query": 'sum(rate(http_errors_total{app="checkout"}[5m]))',
    "unit": "ratio",
    "legend": "{{pod}}",
    "thresholds": ({"value": 0.05, "level": "warning", "label": "budget"},),
}
ALERT = {"fingerprint": "f1", "name": "HighErrorRate", "starts_at": START}
PAGE = {"lines": [{"ns": 1, "text": "\tpool is full", "labels": [["app", "checkout"]], "metadata": []}], "full": False}


def evidence(kind, data, **more):
    return {
        "title": "seen",
        "kind": kind,
        "data": data if isinstance(data, str) else orjson.dumps(data).decode(),
        **more,
    }


def test_the_life_of_a_panel():
    room = CoreRoom.declared()
    room.does(c.AddPanel(panel=PANEL), BEN)
    panel = room.state.board[0]
    assert (panel.number, panel.added_by, panel.window, panel.step) == (1, "ben", 3600, 15)
    assert panel.thresholds == ((0.05, "warning", True, "budget"),)
    entry = room.state.timeline[-1]
    assert (entry.kind, entry.ref) == ("panel-added", 1)
    assert entry.text == f"Panel 1 on the board: Errors, {PANEL['query']}"
    room.does(c.AddPanel(panel={"title": "Lines", "source": "loki", "query": 'rate({app="checkout"}[1m])'}))
    room.does(c.RemovePanel(number=1), BEN)
    assert room.state.timeline[-1].text == "Panel 1 taken off the board"
    assert [one.number for one in room.state.board] == [2]
    assert room.does(c.RemovePanel(number=1)) == []
    assert room.refuses(c.RemovePanel(number=3)).reason is Reason.NOT_FOUND
    room.does(c.AddPanel(panel=PANEL))
    assert [one.number for one in room.state.board] == [2, 3], "a number is never used again"
    assert plain(decode(encode(room.state))) == plain(room.state) == plain(fold(room.log))


def test_a_panel_that_is_there_already_is_named():
    room = CoreRoom.declared()
    room.does(c.AddPanel(panel=PANEL))
    refusal = room.refuses(c.AddPanel(panel={**PANEL, "title": "The same by another name"}))
    assert (refusal.reason, refusal.words) == (Reason.CONFLICT, "panel 1, Errors, shows just that already")
    room.does(c.AddPanel(panel={**PANEL, "window": 86_400}))
    assert room.refuses(c.AddPanel(panel={"title": "x", "query": "up"}), WATCHER).reason is Reason.NOT_ALLOWED
    assert room.refuses(c.RemovePanel(number=1), WATCHER).reason is Reason.NOT_ALLOWED


def test_the_board_is_bounded_and_has_room_again(monkeypatch):
    monkeypatch.setattr(signals, "MOST_PANELS", 2)
    room = CoreRoom.declared()
    for query in ("up", "down"):
        room.does(c.AddPanel(panel={"title": query, "query": query}))
    refusal = room.refuses(c.AddPanel(panel=PANEL))
    assert refusal.reason is Reason.LIMIT
    assert "at most 2 panels" in refusal.words
    room.does(c.RemovePanel(number=1))
    room.does(c.AddPanel(panel=PANEL))


def test_a_redacted_panel_leaves_the_board_and_its_number():
    room = CoreRoom.declared()
    room.does(c.AddPanel(panel=PANEL))
    room.does(c.RedactEntry(entry=2, reason="a name in the query"), CHIEF)
    assert room.state.board == ()
    room.does(c.AddPanel(panel=PANEL))
    assert room.state.board[0].number == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("query", " "), ("query", "x" * 4001), ("title", "x" * 101), ("source", "jaeger"), ("window", 59), ("step", 0),
     ("step", 3601), ("unit", "x" * 65), ("thresholds", [{"value": 1}] * 6), ("thresholds", [{"value": float("nan")}])],
)  # fmt: skip
def test_what_no_board_can_show_is_no_panel(field, value):
    with pytest.raises(ValidationError):
        c.AddPanel(panel={**PANEL, field: value})


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (evidence("logs", PAGE, title='{app="checkout"}', query='{app="checkout"}'),
         'Evidence 1, logs: 1 line of {app="checkout"}'),
        (evidence("logs", {"lines": [{}] * 1200}, note="see 09:41"), "Evidence 1, logs: seen (1,200 lines): see 09:41"),
        (evidence("trace", {"spans": [{}, {}]}, title="POST /pay"), "Evidence 1, trace: POST /pay (2 spans)"),
        (evidence("alerts", [{"alerts": [{}, {}]}, {"alerts": [{}]}]), "Evidence 1, alerts: seen (3 alerts)"),
        (evidence("services", {"nodes": []}), "Evidence 1, services: seen (0 services)"),
        (evidence("text", ""), "Evidence 1, text: seen"),
        ({"title": "p99"}, "Evidence 1: p99"),
    ],
)  # fmt: skip
def test_the_timeline_says_what_was_pinned_and_how_much(seen, said):
    room = CoreRoom.declared()
    room.does(c.PinEvidence(evidence=seen))
    assert room.state.timeline[-1].text == said
    pin = room.state.evidence[0]
    assert (pin.kind, pin.data) == (seen.get("kind", "metric"), seen.get("data", ""))
    assert plain(decode(encode(room.state))) == plain(room.state) == plain(fold(room.log))


def test_evidence_that_holds_nothing_is_refused():
    room = CoreRoom.declared()
    for kind in ("logs", "trace", "alerts", "services"):
        assert "`data`" in room.refuses(c.PinEvidence(evidence={"title": "x", "kind": kind})).words
    line = {"label": "a", "times": (1.0,), "values": (1.0,)}
    refusal = room.refuses(c.PinEvidence(evidence={**evidence("logs", PAGE), "series": (line,)}))
    assert refusal.reason is Reason.INVALID


def test_all_evidence_together_is_bounded(monkeypatch):
    monkeypatch.setattr(work, "MOST_DATA", 150)
    room = CoreRoom.declared()
    room.does(c.PinEvidence(evidence=evidence("logs", PAGE)))
    assert room.refuses(c.PinEvidence(evidence=evidence("logs", PAGE))).reason is Reason.LIMIT
    room.does(c.PinEvidence(evidence={"title": "a metric"}))


@pytest.mark.parametrize(
    "data",
    ["{", "7", '"text"', "[NaN]", '{"a":"\\ud800"}', "[" * 300 + "]" * 300, '["' + "é" * (MOST_DATA // 2) + '"]'],
)
def test_what_is_no_json_or_too_much_is_refused(data):
    with pytest.raises(ValidationError):
        Evidence(title="x", kind="logs", data=data)


def test_the_indentation_of_a_log_line_stays_and_escapes_go():
    kept = orjson.loads(clean_json('{"lines": [{"text": "\\u001b[31m\\tat Pool.get\\u202e"}], "a\\u0007": 1.0}'))
    assert kept == {"lines": [{"text": "[31m\tat Pool.get"}], "a": 1.0}


@given(values)
def test_cleaned_json_stays_as_it_is(value):
    text = orjson.dumps([value]).decode()
    cleaned = clean_json(text)
    assert clean_json(cleaned) == cleaned
    assert "\x1b" not in cleaned


@given(values)
def test_nothing_foreign_breaks_the_sentence(value):
    data = orjson.dumps([value]).decode()
    for kind in ("logs", "trace", "alerts", "services"):
        assert counted(kind, data)
    assert isinstance(alerts_in(value), list)


ACTIVE = {
    "fingerprint": "f1",
    "labels": [["alertname", "HighErrorRate"], ["severity", "critical"], ["job", "checkout"]],
    "annotations": [["summary", "5 % fail"]],
    "starts_at": START.timestamp(),
    "ends_at": 0,
    "url": "http://prometheus/graph",
}


def test_whoever_is_on_it_need_not_attach_the_alert_first():
    room = CoreRoom.declared()
    alert = alert_body(ACTIVE)
    command = c.AcknowledgeAlert(fingerprint="f1", alert=alert)
    assert room.does(command, BEN) == ["alert-attached", "alert-acknowledged"]
    found = room.state.alert("alertmanager", "f1")
    assert (found.name, found.severity, found.service, found.summary, found.starts_at) == (
        "HighErrorRate", "critical", "checkout", "5 % fail", START,
    )  # fmt: skip
    assert (found.status, found.acknowledged_by) == ("acknowledged", "ben")
    assert room.does(command, CHIEF) == []
    room.does(c.ResolveAlert(fingerprint="f1"))
    assert room.does(command, CHIEF) == ["alert-attached", "alert-acknowledged"], "it fired anew"
    assert room.state.alert("alertmanager", "f1").times_fired == 2
    room.does(c.AttachAlert(alert={**ALERT, "fingerprint": "f2"}))
    assert room.does(c.AcknowledgeAlert(fingerprint="f2", alert={**ALERT, "fingerprint": "f2"})) == [
        "alert-acknowledged"
    ]
    refusal = room.refuses(c.AcknowledgeAlert(fingerprint="f3", alert=ALERT))
    assert (refusal.reason, "f1 of alertmanager" in refusal.words) == (Reason.INVALID, True)


def test_an_alert_that_would_be_one_too_many_is_not_taken(monkeypatch):
    monkeypatch.setattr(signals, "MOST_ALERTS", 1)
    room = CoreRoom.declared()
    room.does(c.AttachAlert(alert={**ALERT, "fingerprint": "f0"}))
    assert room.refuses(c.AcknowledgeAlert(fingerprint="f1", alert=ALERT)).reason is Reason.LIMIT


@given(st.dictionaries(st.sampled_from(["labels", "annotations", "starts_at", "url", "fingerprint"]), values))
def test_any_foreign_alert_is_one_or_is_refused_in_words(active):
    body = alert_body({"fingerprint": "f1", **active})
    if clean_line(body["fingerprint"]) and len(body["fingerprint"]) <= 200:
        assert c.AttachAlert(alert=body).alert.name
