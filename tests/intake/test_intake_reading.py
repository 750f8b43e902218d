"""What Alertmanager, Grafana and PagerDuty clients send, read into alerts; and the quarantine."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.intake.hostile_requests import RECORDED, event, recorded_bodies, webhook, with_alert, with_payload
from warroom.incident.fields import Alert as RecordedAlert
from warroom.participants.intake.alert import Malformed, fingerprint_of, identity, read_time, service_of
from warroom.participants.intake.alertmanager import parse_webhook
from warroom.participants.intake.pagerduty import dedup_key_of, parse_event
from warroom.participants.intake.quarantine import LONGEST_BODY, Quarantine

NOW = datetime(2026, 11, 21, 9, 41, tzinfo=UTC)


def test_the_recorded_bodies_are_read_whole() -> None:
    firing, resolved, newer = (parse_webhook(body) for body in recorded_bodies())
    assert len(RECORDED) == 2
    alert = firing.alerts[0]
    assert (alert.name, alert.status, alert.ends_at) == ("TargetDown", "firing", None)
    assert (alert.fingerprint, alert.service, alert.severity) == ("559c75590e2dd6f3", "loki", "critical")
    assert alert.summary == "loki 127.0.0.1:13100 is down"
    assert alert.starts_at == datetime(2026, 11, 21, 7, 39, 35, 227000, UTC)
    assert alert.generator_url.startswith("http://vm:19090/graph")
    assert alert.group_labels == {"alertname": "TargetDown", "job": "loki"}
    assert alert.group_key == firing.group_key == '{}:{alertname="TargetDown", job="loki"}'
    assert resolved.alerts[0].status == "resolved"
    assert resolved.alerts[0].ends_at == datetime(2026, 11, 21, 7, 40, 9, 227000, UTC)
    assert newer.alerts[0].fingerprint == "536d7958aaed4680"
    assert (newer.truncated, newer.receiver, newer.malformed) == (0, "hook", ())


def test_grafana_is_told_apart() -> None:
    assert parse_webhook(webhook(version="1", orgId=1)).alerts[0].source == "grafana"


def test_a_missing_fingerprint_is_made_of_the_labels_alone() -> None:
    first = parse_webhook(with_alert(fingerprint=...)).alerts[0]
    second = parse_webhook(with_alert(fingerprint="", startsAt="2020-01-01T00:00:00Z")).alerts[0]
    assert first.fingerprint == second.fingerprint
    assert len(first.fingerprint) == 16
    assert fingerprint_of({"a": "b", "c": "d"}) == fingerprint_of({"c": "d", "a": "b"})
    assert fingerprint_of({"a": "bc"}) != fingerprint_of({"ab": "c"})


@pytest.mark.parametrize(
    ("body", "field", "told"),
    [
        ([], "", "body: is a list; expected an object"),
        (webhook(version="3"), "version", "version: is '3'; expected \"4\""),
        ({"version": "4"}, "alerts", "alerts: is missing; expected a list of alerts"),
        (webhook(groupLabels={"a": 1}), "groupLabels.a", "groupLabels.a: is a number; expected a string"),
        (webhook(truncatedAlerts="many"), "truncatedAlerts", "truncatedAlerts: is a string; expected a whole number"),
    ],
)
def test_a_body_that_cannot_be_read_names_the_field(body: Any, field: str, told: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_webhook(body)
    assert caught.value.field == field
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"labels": ...}, "alerts[0].labels", "is missing"),
        ({"labels": {}}, "alerts[0].labels", "is empty"),
        ({"labels": {"a": 1}}, "alerts[0].labels.a", "is a number"),
        ({"annotations": []}, "alerts[0].annotations", "is a list"),
        ({"status": ...}, "alerts[0].status", "is missing"),
        ({"status": "maybe"}, "alerts[0].status", "is 'maybe'"),
        ({"startsAt": "now"}, "alerts[0].startsAt", "'now' is no time"),
        ({"startsAt": None}, "alerts[0].startsAt", "is missing"),
        ({"status": "resolved", "endsAt": 5}, "alerts[0].endsAt", "is a number"),
        ({"generatorURL": True}, "alerts[0].generatorURL", "is a boolean"),
    ],
)
def test_a_bad_alert_is_listed_by_its_field(change: dict[str, Any], field: str, problem: str) -> None:
    read = parse_webhook(with_alert(**change))
    assert read.alerts == ()
    assert [(error.field, error.problem) for error in read.malformed] == [(field, problem)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-21T09:41:00Z", NOW),
        ("2026-11-21t09:41:00z", NOW),
        ("2026-11-21 09:41:00+00:00", NOW),
        ("2026-11-21T10:41:00+01:00", NOW),
        ("2026-11-21T09:41:00.123456789Z", NOW.replace(microsecond=123456)),
    ],
)
def test_times_are_read_with_any_zone_and_precision(text: str, wanted: datetime) -> None:
    assert read_time(text, "t") == wanted


@pytest.mark.parametrize(
    "text", ["", "2026-11-21", "20261121T094100Z", "2026-W47-6", "2026-11-21T09:41:00", "9999-12-31T23:59:59-23:59"]
)
def test_what_is_no_full_time_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match=r"t: .* is no time; expected RFC 3339 with a zone"):
        read_time(text, "t")


def test_an_event_is_read_whole() -> None:
    alert = parse_event(
        event(
            payload={
                "summary": "disk is full", "source": "db-1", "severity": "error", "component": "postgres",
                "class": "disk", "timestamp": "2026-11-21T09:00:00Z",
                "custom_details": {"free": 0, "service": "orders"},
            },
            client="cron", client_url="https://cron.example", links=[{"href": "https://l", "text": "Graph"}],
            images=[{"src": "https://i"}],
        ),
        "shop",
        NOW,
    )  # fmt: skip
    assert (alert.source, alert.fingerprint, alert.name, alert.service) == ("pagerduty/shop", "disk", "disk", "orders")
    assert alert.starts_at == datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    assert alert.labels["free"] == "0"
    assert alert.annotations == {"client": "cron", "link_1": "Graph https://l", "image_1": "https://i"}
    assert "routing_key" not in alert.labels


def test_an_event_without_a_key_gets_the_same_one_each_time() -> None:
    one, two = event(dedup_key=...), event(dedup_key=..., routing_key="another")
    assert dedup_key_of(one) == dedup_key_of(two) == parse_event(one, "", NOW).fingerprint
    assert dedup_key_of(with_payload(summary="other")) == "disk"
    assert dedup_key_of({**with_payload(summary="other"), "dedup_key": ""}) != dedup_key_of(one)


def test_foreign_keys_that_do_not_fit_the_log_are_hashed() -> None:
    assert identity("k" * 200) == "k" * 200
    assert identity("k" * 201).startswith("sha256-")
    assert identity("a\nb") != identity("a b")
    assert len(identity("\u202e" * 5)) == 71


def test_the_service_is_the_first_label_that_has_a_value() -> None:
    assert service_of({"job": "j", "app": "a", "service": ""}) == "a"
    assert service_of({"x": "y"}) == ""
    assert service_of({"team": " t "}, ["team"]) == "t"


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=20), st.text(max_size=3000), min_size=1, max_size=80), st.text(max_size=300))
def test_any_labels_fit_the_log(labels: dict[str, str], summary: str) -> None:
    alert = parse_webhook(with_alert(labels=labels, annotations={"summary": summary}, fingerprint=...)).alerts[0]
    recorded = alert.recorded(remarks={"warroom_rule": "r"})
    assert isinstance(recorded, RecordedAlert)
    assert recorded.annotations["warroom_rule"] == "r"
    assert len(recorded.labels) <= 61


def keep(quarantine: Quarantine, body: bytes, **changes: Any) -> None:
    told: dict[str, Any] = {"at": NOW, "kind": "malformed", "door": "alertmanager", "problem": "is bad", "body": body}
    quarantine.keep(**{**told, **changes})


def test_no_secret_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "q" / "quarantine.jsonl"
    quarantine = Quarantine(path, secrets=["s3cret-of-the-door"])
    keep(
        quarantine,
        b'{"routing_key": "abcdef", "x": "s3cret-of-the-door", "db_password":"hunter2", "Api-Key": 12345,'
        b' "n": {"token" : ["t"]}, "h": "Authorization: Bearer abc.def-ghi", "u": "http://ann:pw@host/x",'
        b' "cut_secret": "unterminated',
        problem="s3cret-of-the-door is bad",
        field="s3cret-of-the-door",
    )
    written = path.read_text()
    for secret in ("abcdef", "s3cret-of-the-door", "hunter2", "12345", "abc.def-ghi", "ann:pw", "unterminated"):
        assert secret not in written
    assert "[masked]" in quarantine.entries()[0].body
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_it_never_grows_past_its_bounds_and_counts_what_was_pushed_out(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    quarantine = Quarantine(path, most_entries=10, most_bytes=20_000)
    for number in range(200):
        keep(quarantine, b"x" * 500, problem=str(number))
    assert len(quarantine) == 10
    assert [entry.problem for entry in quarantine.entries(3)] == ["199", "198", "197"]
    assert (quarantine.kept, quarantine.pushed_out) == (200, 190)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 20_000
    assert sorted(file.name for file in tmp_path.iterdir()) == ["quarantine.jsonl", "quarantine.jsonl.1"]
    assert quarantine.entries(-5) == []


def test_strangers_cannot_push_out_what_matters(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    quarantine = Quarantine(path, most_entries=10)
    keep(quarantine, b"kept")
    before = path.read_bytes()
    for _ in range(1000):
        keep(quarantine, b"flood", known_sender=False)
    assert path.read_bytes() == before
    assert len(quarantine) == 51
    assert quarantine.entries(500)[-1].body == "kept"


def test_a_new_process_lists_what_the_old_one_kept_even_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    old = Quarantine(path)
    keep(old, "bidi \u202e and \x1b[2J".encode() + b"\xff")
    keep(old, b"two")
    with path.open("ab") as file:
        file.write(b'{"number": 3, "at"')
    new = Quarantine(path)
    assert [entry.body for entry in new.entries()] == ["two", "bidi  and [2J\ufffd"]
    keep(new, b"three")
    assert new.entries()[0].number == 3
    assert [entry.body for entry in Quarantine(path).entries()][:2] == ["three", "two"]
    with path.open("ab") as file:
        file.write(b'\n[]\n{"number": "x"}\nnull\n')
    assert {entry.body for entry in Quarantine(path).entries()} >= {"two"}


def test_a_long_body_is_cut_and_its_length_told() -> None:
    quarantine = Quarantine()
    keep(quarantine, b"y" * (LONGEST_BODY + 100))
    entry = quarantine.entries()[0]
    assert (len(entry.body), entry.body_bytes) == (LONGEST_BODY, LONGEST_BODY + 100)


def test_a_disk_that_refuses_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    quarantine = Quarantine(blocked / "quarantine.jsonl")
    keep(quarantine, b"one")
    assert quarantine.trouble.startswith("the quarantine file cannot be")
    assert len(quarantine) == 1
    path = tmp_path / "folder.jsonl"
    os.mkdir(path)
    assert "cannot be read: Is a directory" in Quarantine(path).trouble


def test_recordings_hold_no_surprise() -> None:
    for path in RECORDED:
        assert json.loads(path.read_text())["items"]
