"""The suite of Alertmanager: real servers, recordings, changed recordings, and any server that an option names."""

from __future__ import annotations

import time

import pytest

from tests.contract.alertmanager_checks import ALERTMANAGER
from tests.contract.suite import Ask, ask_of, outcome, player, recording, unnoticed
from tests.real_servers import RealServer
from warroom.telemetry.alertmanager import Alertmanager, NewAlert
from warroom.telemetry.alerts import Matcher
from warroom.telemetry.source import Source

RECORDED = ("alertmanager-0.25.0", "alertmanager-0.33.1")
CHECKS = [(server, name) for server in RECORDED for name in recording(server).readings]

UNREAD = {
    "": ("updatedAt",),
    "status": ("branch", "buildDate", "buildUser", "goVersion", "revision", "name"),
    # 0.33 repeats the name of a receiver among its labels.
    "receivers": ("labels",),
    "error": ("code",),
}
"""Fields that the client has no use for, by recording: a change of them is none for it."""

RECORDED_ONLY = ("one_silence_is_read", "a_field_that_is_missing_is_told")
REAL = [name for name in ALERTMANAGER.checks if name not in RECORDED_ONLY]


def client_of(url: str) -> Alertmanager:
    return Alertmanager(Source(url, name="alertmanager"))


@pytest.mark.parametrize(("server", "name"), CHECKS)
async def test_a_recording_is_read_as_it_was(server, name):
    recorded, check = recording(server), ALERTMANAGER.checks[name]
    async with player(recorded.exchanges, check) as player_:
        alertmanager = client_of(player_.url)
        ask = ask_of(recorded.exchanges[check.exchanges(recorded.exchanges)[0]])
        assert await outcome(check, alertmanager, ask) == recorded.readings[name]
        await alertmanager.close()


@pytest.mark.parametrize(("server", "name"), CHECKS)
async def test_a_changed_recording_is_noticed(server, name):
    """A field that is dropped or is another cannot pass: else the suite would hold nothing."""
    recorded, check = recording(server), ALERTMANAGER.checks[name]
    exchanges = dict(recorded.exchanges)
    async with player(exchanges, check) as player_:
        alertmanager = client_of(player_.url)
        passed = await unnoticed(check, recorded, alertmanager, exchanges.__setitem__, UNREAD, count=40)
        await alertmanager.close()
    assert passed == []


@pytest.mark.servers
@pytest.mark.parametrize("name", REAL)
async def test_a_real_server_passes(alertmanager_lab: RealServer, name):
    alertmanager = client_of(alertmanager_lab.url)
    now = time.time()
    try:
        await alertmanager.post_alerts([NewAlert({"alertname": "Lab", "service": "lab"}, {"summary": "lab"})])
        silenced = [Matcher("alertname", "Lab"), Matcher("service", "l.*", is_regex=True)]
        kept = await alertmanager.create_silence(silenced, now, now + 600, "warroom", "contract")
        await outcome(ALERTMANAGER.checks[name], alertmanager, Ask(now - 60, now, 5, 1000.0))
        await alertmanager.expire_silence(kept)
    finally:
        await alertmanager.close()


@pytest.mark.parametrize("name", [name for name, check in ALERTMANAGER.checks.items() if check.anywhere])
async def test_a_named_server_passes(alertmanager_url, name):
    alertmanager = client_of(alertmanager_url)
    now = time.time()
    try:
        await outcome(ALERTMANAGER.checks[name], alertmanager, Ask(now - 60, now, 5, now))
    finally:
        await alertmanager.close()


async def test_checks_that_a_named_server_gets_only_read():
    recorded = recording("alertmanager-0.33.1")
    for check in ALERTMANAGER.checks.values():
        async with player(recorded.exchanges, check) as server:
            alertmanager = client_of(server.url)
            ask = ask_of(recorded.exchanges[check.exchanges(recorded.exchanges)[0]])
            await outcome(check, alertmanager, ask)
            await alertmanager.close()
        assert not check.anywhere or {asked.method for asked in server.asked} == {"GET"}


async def test_a_named_server_takes_a_silence_of_nothing_and_ends_it(alertmanager_url, may_write):
    if not may_write:
        pytest.skip("it may not be changed without --contract-write")
    alertmanager = client_of(alertmanager_url)
    now = time.time()
    try:
        matcher = [Matcher("warroom_contract", "no alert has this")]
        made = await alertmanager.create_silence(matcher, now, now + 60, "warroom", "contract suite")
        assert (await alertmanager.silence(made)).state == "active"
        await alertmanager.expire_silence(made)
        assert (await alertmanager.silence(made)).state == "expired"
    finally:
        await alertmanager.close()
