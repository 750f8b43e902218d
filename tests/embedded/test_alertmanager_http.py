"""The embedded Alertmanager, asked by the client that asks real ones, and held to what a real one answered."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.contract.alertmanager_checks import ALERTMANAGER
from tests.contract.suite import Ask, outcome, recording
from tests.embedded.served_app import served
from warroom.embedded.alert_store import AlertStore, Inhibit, Posted, Routing, fingerprint_of
from warroom.embedded.alertmanager_http import alertmanager_app
from warroom.telemetry.alertmanager import Alertmanager, NewAlert
from warroom.telemetry.alerts import Matcher
from warroom.telemetry.source import Source

RECORDED = recording("alertmanager-0.33.1").exchanges
RECORDED_ONLY = ("one_silence_is_read", "a_field_that_is_missing_is_told")
REFUSED = ("alerts_error_bad_receiver", "silence_error_bad_regex", "silence_error_bad_uuid",
           "silence_error_missing_comment", "silence_error_not_found", "silence_delete_unknown")  # fmt: skip

_TIMES = {"startsAt": "2026-11-21T08:15:50Z", "endsAt": "2026-11-21T08:16:50Z", "createdBy": "x"}
BODIES = {
    "silence_error_bad_regex": _TIMES | {"comment": "c", "matchers": [{"name": "a", "value": "(", "isRegex": True}]},
    "silence_error_missing_comment": _TIMES | {"matchers": [{"name": "a", "value": "b", "isRegex": False}]},
}
"""What was posted for the recorded refusals."""


class Clock:
    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> AlertStore:
    inhibit = Inhibit((Matcher("severity", "critical"),), (Matcher("severity", "warning"),), ("service",))
    return AlertStore(clock, Routing("hook", ("alertname",), (inhibit,)))


@pytest.fixture
async def client(store: AlertStore) -> AsyncIterator[Alertmanager]:
    async with served(alertmanager_app(store)) as url:
        made = Alertmanager(Source(url, name="alertmanager"))
        yield made
        await made.close()


@pytest.mark.parametrize("name", [name for name in ALERTMANAGER.checks if name not in RECORDED_ONLY])
async def test_it_passes_what_real_servers_pass(name: str) -> None:
    now = time.time()
    store = AlertStore(time.time)
    async with served(alertmanager_app(store)) as url:
        client = Alertmanager(Source(url, name="alertmanager"))
        try:
            await client.post_alerts([NewAlert({"alertname": "Lab", "service": "lab"}, {"summary": "lab"})])
            silenced = [Matcher("alertname", "Lab"), Matcher("service", "l.*", is_regex=True)]
            await client.create_silence(silenced, now, now + 600, "warroom", "contract")
            await outcome(ALERTMANAGER.checks[name], client, Ask(now - 60, now, 5, 1000.0))
        finally:
            await client.close()


@pytest.mark.parametrize("name", REFUSED)
async def test_refusals_have_the_shape_and_words_of_a_real_one(name: str, clock: Clock, store: AlertStore) -> None:
    exchange, asked = RECORDED[name], RECORDED[name]["request"]
    clock.at = 1_795_248_950.0
    async with served(alertmanager_app(store)) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        answer = await http.request(asked["method"], asked["path"], params=asked.get("params"), json=BODIES.get(name))
    assert answer.status_code == exchange["status"]
    assert (answer.json() if answer.content else "") == exchange["body"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ([{"labels": {}}], 400, "at least one label pair required"),
        ([{"annotations": {"a": "b"}}], 422, {"code": 602, "message": "0.labels in body is required"}),
        ([{"labels": {"alertname": "x"}, "startsAt": "2026-11-21T08:15:48Z", "endsAt": "2026-11-21T08:14:48Z"}], 400,
         "start time must be before end time"),
    ],
)  # fmt: skip
async def test_alerts_that_cannot_be_are_refused_as_by_a_real_one(
    body: Any, status: int, said: Any, store: AlertStore
) -> None:
    async with served(alertmanager_app(store)) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        answer = await http.post("/api/v2/alerts", json=body)
        broken = await http.post("/api/v2/alerts", content="{", headers={"Content-Type": "application/json"})
        kind = await http.post("/api/v2/alerts", content="[]", headers={"Content-Type": "text/plain"})
        method = await http.delete("/api/v2/alerts")
        path = await http.get("/api/v2/nope")
        old = await http.get("/api/v1/alerts")
    assert (answer.status_code, answer.json()) == (status, said)
    assert (broken.status_code, broken.json()["code"]) == (400, 400)
    assert (kind.status_code, kind.json()["message"]) == (
        415, 'unsupported media type "text/plain", only [application/json] are allowed'
    )  # fmt: skip
    assert (method.status_code, method.json()["code"], method.headers["Allow"]) == (405, 405, "POST,GET")
    assert (path.status_code, path.json()) == (404, {"code": 404, "message": "path /api/v2/nope was not found"})
    assert old.status_code == 410


async def test_an_alert_fires_is_silenced_and_is_over(client: Alertmanager, clock: Clock) -> None:
    await client.post_alerts([NewAlert({"alertname": "Slow", "service": "web"}, {"summary": "s"}, url="http://p/g")])
    (alert,) = await client.alerts()
    assert (alert.state, alert.starts_at, alert.ends_at) == ("active", clock.at, clock.at + 300)
    assert alert.fingerprint == fingerprint_of((("alertname", "Slow"), ("service", "web")))
    kept = await client.create_silence([Matcher("service", "w.b", is_regex=True)], clock.at, clock.at + 60, "anna", "c")
    (group,) = await client.groups()
    assert (group.labels, group.alerts[0].state) == ((("alertname", "Slow"),), "suppressed")
    assert group.alerts[0].silenced_by == (kept,)
    assert await client.alerts(silenced=False) == ()
    assert await client.extend_silence(kept, clock.at + 120) == kept
    clock.at += 90
    assert (await client.silence(kept)).state == "active"
    await client.expire_silence(kept)
    assert ((await client.silence(kept)).state, (await client.alerts())[0].state) == ("expired", "active")
    clock.at += 300
    assert await client.alerts() == ()


async def test_a_critical_alert_inhibits_the_warnings_of_its_service(client: Alertmanager) -> None:
    await client.post_alerts([
        NewAlert({"alertname": "A", "severity": "critical", "service": "web"}, {}),
        NewAlert({"alertname": "B", "severity": "warning", "service": "web"}, {}),
        NewAlert({"alertname": "C", "severity": "warning", "service": "api"}, {}),
    ])  # fmt: skip
    found = {one.label("alertname"): one for one in await client.alerts()}
    assert [found[name].state for name in "ABC"] == ["active", "suppressed", "active"]
    assert found["B"].inhibited_by == (found["A"].fingerprint,)
    assert len(await client.alerts(inhibited=False)) == 2


def test_the_fingerprint_is_that_of_a_real_one() -> None:
    (alert,) = RECORDED["alerts"]["body"]
    assert fingerprint_of(tuple(alert["labels"].items())) == alert["fingerprint"]


def test_changes_are_told_once_each_and_in_order(store: AlertStore, clock: Clock) -> None:
    first, second = (("alertname", "A"),), (("alertname", "B"),)
    store.post([Posted(first), Posted(second, ends_at=clock.at + 10)])
    told = store.changes()
    assert [(one.status, one.alert.label("alertname")) for one in told] == [("firing", "A"), ("firing", "B")]
    clock.at += 10
    assert [(one.status, one.at) for one in store.changes(told[-1].serial)] == [("resolved", clock.at)]
    store.post([Posted(second)])
    assert [(one.serial, one.status) for one in store.changes(3)] == [(4, "firing")]


def test_silences_have_the_same_ids_in_every_run() -> None:
    made = [AlertStore(lambda: 1000.0, seed=seed) for seed in (1, 1, 2)]
    ids = [one.create_silence([Matcher("a", "b")], 1000.0, 2000.0, "x", "y") for one in made]
    assert ids[0] == ids[1] != ids[2]
