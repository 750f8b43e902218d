"""Where a real Alertmanager surprises, old and new: each surprise, and that the client copes with it or tells of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from tests.contract.suite import numbers, recording
from tests.real_servers import RealServer
from tests.telemetry.fake_server import FakeServer, Reply
from warroom.telemetry import errors
from warroom.telemetry.alertmanager import Alertmanager, NewAlert, filter_of
from warroom.telemetry.alerts import ActiveAlert, Matcher
from warroom.telemetry.prometheus_read import fingerprint, moment
from warroom.telemetry.source import Source
from warroom.telemetry.upstream import Upstream

NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def alertmanager(alertmanager_lab: RealServer):
    client = Alertmanager(Source(alertmanager_lab.url, name="alertmanager"))
    yield client
    await client.close()


async def raised(client: Alertmanager, labels: dict[str, str], until: Callable[[ActiveAlert], bool]) -> ActiveAlert:
    """Post an alert, and return it when it is as it should be; the server takes a moment to sort it."""
    await client.post_alerts([NewAlert(labels, {"summary": "posted"}, url="http://prometheus.example/graph")])
    matching = [Matcher(name, value) for name, value in labels.items()]
    async with asyncio.timeout(30):
        while True:
            for alert in await client.alerts(matching):
                if dict(alert.labels) == labels and until(alert):
                    return alert


async def raw(server: RealServer, method: str, path: str, **said):
    upstream = Upstream(Source(server.url, name="alertmanager"))
    answer = await upstream.exchange(method, path, **said)
    await upstream.close()
    return answer


@pytest.mark.servers
async def test_an_alert_is_active_then_silenced_and_every_filter_agrees(alertmanager):
    labels = {"alertname": "Filters", "service": "checkout"}
    alert = await raised(alertmanager, labels, lambda one: one.state == "active")
    assert alert.fingerprint == fingerprint(labels)
    assert alert.receivers == ("hook",)
    assert (alert.url, alert.annotation("summary")) == ("http://prometheus.example/graph", "posted")
    mine = [Matcher("alertname", "Filters")]
    assert len(await alertmanager.alerts(mine, receiver="ho.*")) == 1
    assert await alertmanager.alerts(mine, receiver="black.*") == ()
    assert [group.receiver for group in await alertmanager.groups(mine)] == ["hook"]

    now = time.time()
    silence = await alertmanager.create_silence(mine, now, now + 600, "anna", "known")
    alert = await raised(alertmanager, labels, lambda one: one.state == "suppressed")
    assert alert.silenced_by == (silence,)
    assert await alertmanager.alerts(mine, silenced=False) == ()
    assert await alertmanager.groups(mine, silenced=False) == ()
    assert len(await alertmanager.alerts(mine, active=False)) == 1

    await alertmanager.expire_silence(silence)
    await raised(alertmanager, labels, lambda one: one.state == "active" and not one.silenced_by)


@pytest.mark.servers
async def test_an_inhibited_alert_names_what_inhibits_it(alertmanager):
    source = {"alertname": "Down", "service": "inhibited", "severity": "critical"}
    target = {"alertname": "Slow", "service": "inhibited", "severity": "warning"}
    await raised(alertmanager, source, lambda one: True)
    alert = await raised(alertmanager, target, lambda one: one.state == "suppressed")
    assert alert.inhibited_by == (fingerprint(source),)
    assert await alertmanager.alerts([Matcher("alertname", "Slow")], inhibited=False) == ()


@pytest.mark.servers
async def test_a_muted_alert_names_its_time_interval_where_the_version_does(alertmanager):
    """Only groups say so, and only from 0.28 on: in the plain list such an alert is active."""
    labels = {"alertname": "Night", "severity": "muted"}
    alert = await raised(alertmanager, labels, lambda one: one.state == "active")
    assert alert.muted_by == ()
    muted = ("always",) if numbers(await alertmanager.version()) >= (0, 28) else ()
    async with asyncio.timeout(30):
        while True:
            ((alert,),) = [group.alerts for group in await alertmanager.groups([Matcher("alertname", "Night")])]
            if alert.muted_by == muted:
                break
    assert alert.state == ("suppressed" if muted else "active")


@pytest.mark.servers
async def test_a_silence_is_extended_and_edited_under_whatever_id_the_server_gives(alertmanager):
    now = float(int(time.time()))
    matchers = [Matcher("service", "a|b", is_regex=True), Matcher("team", "x", is_equal=False)]
    made = await alertmanager.create_silence(matchers, now, now + 600, "anna", "why")
    before = await alertmanager.silence(made)
    assert before.matchers == tuple(matchers)
    assert (before.state, before.created_by, before.comment, before.ends_at) == ("active", "anna", "why", now + 600)

    extended = await alertmanager.extend_silence(made, now + 1200)
    after = await alertmanager.silence(extended)
    assert (after.ends_at, after.state, after.matchers) == (now + 1200, "active", before.matchers)

    edited = await alertmanager.edit_silence(extended, matchers=[Matcher("service", "c")], comment="another")
    assert edited != extended
    assert (await alertmanager.silence(extended)).state == "expired"
    after = await alertmanager.silence(edited)
    assert (after.comment, after.created_by, after.ends_at) == ("another", "anna", now + 1200)
    assert [one.id for one in await alertmanager.silences([Matcher("service", "c")]) if one.state == "active"] == [
        edited
    ]

    # Ending it twice is ending it; extending it then would silence again what somebody wanted to hear.
    await alertmanager.expire_silence(edited)
    await alertmanager.expire_silence(edited)
    with pytest.raises(errors.BadQuery, match=r"is over; make a new one"):
        await alertmanager.extend_silence(edited, now + 1200)


@pytest.mark.servers
async def test_a_silence_of_tomorrow_is_pending(alertmanager):
    now = time.time()
    made = await alertmanager.create_silence([Matcher("a", "b")], now + 86400, now + 90000, "anna", "maintenance")
    assert (await alertmanager.silence(made)).state == "pending"
    await alertmanager.expire_silence(made)


@pytest.mark.servers
@pytest.mark.parametrize(
    ("matchers", "start", "end", "words"),
    [
        ([], 0, 60, "needs at least one matcher"),
        ([Matcher("a", ".*", is_regex=True)], 0, 60, "at least one matcher must not match the empty string"),
        ([Matcher("a", "(", is_regex=True)], 0, 60, "invalid regular expression"),
        ([Matcher("a", "b")], -7200, -3600, "end time can't be in the past"),
        ([Matcher("a", "b")], -3e9, 60, "after 1970"),
        ([Matcher("a\ud800", "b")], 0, 60, "no Unicode text"),
    ],
)
async def test_a_silence_that_cannot_be_is_refused_in_words(alertmanager, matchers, start, end, words):
    now = time.time()
    with pytest.raises(errors.TelemetryError, match=words) as caught:
        await alertmanager.create_silence(matchers, now + start, now + end, "anna", "why")
    assert type(caught.value) is errors.BadQuery


@pytest.mark.servers
async def test_an_unknown_silence_is_500_or_404_and_one_sentence(alertmanager, alertmanager_lab):
    deleted = await raw(alertmanager_lab, "DELETE", f"/api/v2/silence/{NOBODY}")
    assert deleted.status == (404 if numbers(await alertmanager.version()) >= (0, 27) else 500)
    asked = await raw(alertmanager_lab, "GET", f"/api/v2/silence/{NOBODY}")
    assert (asked.status, asked.body) == (404, b"")
    for question in (alertmanager.silence, alertmanager.expire_silence):
        with pytest.raises(errors.BadQuery, match=f"^alertmanager knows no silence {NOBODY}$"):
            await question(NOBODY)
    with pytest.raises(errors.BadQuery, match="knows no silence"):
        await alertmanager.extend_silence(NOBODY, time.time() + 60)
    with pytest.raises(errors.BadQuery, match="is not the id of a silence"):
        await alertmanager.silence("../alerts")


@pytest.mark.servers
async def test_values_with_quotes_and_backslashes_are_found_as_they_are(alertmanager):
    value = 'a "quoted" \\ path\nand, a brace}'
    await raised(alertmanager, {"alertname": "Odd", "path": value}, lambda one: True)
    found = await alertmanager.alerts([Matcher("path", value)])
    assert [alert.label("path") for alert in found] == [value]


@pytest.mark.servers
async def test_label_names_beyond_plain_ones_are_quoted_or_refused_in_words(alertmanager):
    matcher = Matcher("service.name", "cart")
    assert filter_of(matcher) == '"service.name"="cart"'
    if numbers(await alertmanager.version()) >= (0, 27):
        await raised(alertmanager, {"alertname": "Dotted", "service.name": "cart"}, lambda one: True)
    else:
        with pytest.raises(errors.BadQuery, match="bad matcher format"):
            await alertmanager.alerts([matcher])


@pytest.mark.servers
async def test_a_flag_that_is_no_boolean_is_read_as_false_so_only_booleans_are_sent(alertmanager, alertmanager_lab):
    await raised(alertmanager, {"alertname": "Flag"}, lambda one: one.state == "active")
    said = [("filter", 'alertname="Flag"'), ("active", "maybe")]
    answer = await raw(alertmanager_lab, "GET", "/api/v2/alerts", params=said)
    assert (answer.status, answer.json()) == (200, [])
    assert len(await alertmanager.alerts([Matcher("alertname", "Flag")])) == 1


@pytest.mark.servers
async def test_the_first_api_is_gone_from_0_27_on_and_is_not_needed(alertmanager, alertmanager_lab):
    answer = await raw(alertmanager_lab, "GET", "/api/v1/alerts")
    if numbers(await alertmanager.version()) >= (0, 27):
        assert answer.status == 410
        assert "deprecated" in answer.text
    else:
        assert answer.status == 200


@pytest.mark.servers
async def test_errors_of_the_validation_and_of_handlers_are_told_alike(alertmanager, alertmanager_lab):
    nothing = await raw(alertmanager_lab, "POST", "/api/v2/alerts", json=[{"annotations": {"a": "b"}}])
    assert (nothing.status, nothing.json()["code"]) == (422, 602)
    for alert, words in (
        (NewAlert({}, {}), "at least one label pair required"),
        (NewAlert({"alertname": "x"}, {}, 2000.0, 1000.0), "start time must be before end time"),
    ):
        with pytest.raises(errors.BadQuery, match=f"^alertmanager: {words}$"):
            await alertmanager.post_alerts([alert])


@pytest.mark.servers
async def test_a_resolved_alert_is_no_longer_listed(alertmanager):
    labels = {"alertname": "Over"}
    await raised(alertmanager, labels, lambda one: True)
    await alertmanager.post_alerts([NewAlert(labels, {}, ends_at=time.time() - 1)])
    async with asyncio.timeout(30):
        while await alertmanager.alerts([Matcher("alertname", "Over")]):
            pass


@pytest.mark.servers
async def test_the_server_is_ready_and_says_what_it_is(alertmanager):
    await alertmanager.ready()
    assert await alertmanager.receivers() == ("hook", "blackhole")
    status = await alertmanager.status()
    assert (status.cluster, status.peers) == ("disabled", 0)
    assert status.version == await alertmanager.version()


# -- what needs no real server -----------------------------------------------------------------------------------------


def test_the_zero_time_is_no_time():
    assert moment("0001-01-01T00:00:00Z") == 0.0
    assert moment("2026-11-21T08:00:24.022596134Z") == pytest.approx(1795248024.022596)


@pytest.mark.parametrize("server", ["alertmanager-0.25.0", "alertmanager-0.33.1"])
def test_fingerprints_are_those_of_the_server(server):
    alerts = recording(server).exchanges["alerts"]["body"]
    assert alerts
    assert [fingerprint(alert["labels"]) for alert in alerts] == [alert["fingerprint"] for alert in alerts]


async def test_a_lost_connection_is_asked_again_only_where_that_is_harmless():
    async with FakeServer(lambda asked: Reply(drop=True)) as server:
        client = Alertmanager(Source(server.url, name="alertmanager"))
        counts = {}
        for name, question in (
            ("read", client.silences()),
            ("expire", client.expire_silence(NOBODY)),
            ("post", client.post_alerts([NewAlert({"a": "b"}, {})])),
            ("create", client.create_silence([Matcher("a", "b")], 1e9, 2e9, "anna", "why")),
        ):
            before = len(server.asked)
            with pytest.raises(errors.TelemetryError):
                await question
            counts[name] = len(server.asked) - before
        await client.close()
    assert counts == {"read": 2, "expire": 2, "post": 2, "create": 1}


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply(200, b"{}"), errors.Protocol, "not its own"),
        (Reply(200, b"<html>Sign in</html>", "text/html"), errors.Protocol, "not its own"),
        (Reply(404, b"<html>no</html>", "text/html"), errors.Protocol, "web page"),
        (Reply(401, b"", "text/plain"), errors.Denied, "credentials"),
        (Reply(503, b"", "text/plain"), errors.NotReady, "503"),
        (Reply(500, b'"disk is full"'), errors.Protocol, "disk is full"),
    ],
)
async def test_misbehaviour_becomes_one_sentence_of_its_kind(reply, kind, words):
    async with FakeServer(lambda asked: reply) as server:
        client = Alertmanager(Source(server.url, name="alertmanager"))
        with pytest.raises(kind, match=words) as caught:
            await client.alerts()
        assert type(caught.value) is kind
        await client.close()
