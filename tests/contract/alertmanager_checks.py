"""What must hold of any Alertmanager, asked through the client."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.suite import Ask, Suite
from warroom.telemetry import errors
from warroom.telemetry.alertmanager import Alertmanager
from warroom.telemetry.alerts import Matcher

ALERTMANAGER = Suite()

NOBODY = "00000000-0000-0000-0000-000000000000"


@ALERTMANAGER(api_v2_alerts="alerts", anywhere=True)
async def alerts_have_a_state_and_a_receiver(alertmanager: Alertmanager, ask: Ask) -> Any:
    found = await alertmanager.alerts()
    for alert in found:
        assert alert.state in ("active", "suppressed", "unprocessed")
        assert alert.receivers
        assert alert.starts_at > 1e9
        assert len(alert.fingerprint) == 16
        assert alert.label("alertname")
    return found


@ALERTMANAGER(api_v2_alerts="alerts_silenced", anywhere=True)
async def silenced_alerts_name_their_silences(alertmanager: Alertmanager, ask: Ask) -> Any:
    found = await alertmanager.alerts(active=False, inhibited=False, unprocessed=False)
    for alert in found:
        assert alert.state == "suppressed"
        assert alert.silenced_by
    return found


@ALERTMANAGER(api_v2_alerts="alerts_empty", anywhere=True)
async def a_filter_that_nothing_matches_lists_nothing(alertmanager: Alertmanager, ask: Ask) -> Any:
    found = await alertmanager.alerts([Matcher("alertname", "zzz")])
    assert found == ()
    return found


@ALERTMANAGER(api_v2_alerts_groups="alert_groups", anywhere=True)
async def groups_hold_alerts_of_one_receiver(alertmanager: Alertmanager, ask: Ask) -> Any:
    found = await alertmanager.groups()
    for group in found:
        assert group.alerts
        assert all(group.receiver in alert.receivers for alert in group.alerts)
        assert all(set(group.labels) <= set(alert.labels) for alert in group.alerts)
    return found


@ALERTMANAGER(api_v2_silences="silences_filter", anywhere=True)
async def silences_have_matchers_and_times(alertmanager: Alertmanager, ask: Ask) -> Any:
    found = await alertmanager.silences()
    for silence in found:
        assert silence.matchers
        assert silence.state in ("pending", "active", "expired")
        assert 1e9 < silence.starts_at <= silence.ends_at
    assert len({silence.id for silence in found}) == len(found)
    return found


@ALERTMANAGER(silence_00000000_0000_0000_0000_000000000000="silence_get")
async def one_silence_is_read(alertmanager: Alertmanager, ask: Ask) -> Any:
    found = await alertmanager.silence(NOBODY)
    assert found.matchers == (Matcher("alertname", "Manual"),)
    assert found.state == "active"
    return found


@ALERTMANAGER(api_v2_receivers="receivers", anywhere=True)
async def receivers_have_names(alertmanager: Alertmanager, ask: Ask) -> Any:
    found = await alertmanager.receivers()
    assert found
    assert all(found)
    return found


@ALERTMANAGER(api_v2_status="status", anywhere=True)
async def the_server_tells_of_itself(alertmanager: Alertmanager, ask: Ask) -> Any:
    found = await alertmanager.status()
    assert found.version[0].isdigit()
    assert found.started_at > 1e9
    assert "receivers:" in found.config
    return found


async def _told(question: Any, words: str) -> str:
    with pytest.raises(errors.BadQuery, match=words) as caught:
        await question
    assert type(caught.value) is errors.BadQuery
    return str(caught.value)


@ALERTMANAGER(api_v2_alerts="alerts_error_bad_receiver", anywhere=True)
async def an_error_that_is_a_bare_text_is_told(alertmanager: Alertmanager, ask: Ask) -> Any:
    return await _told(alertmanager.alerts(receiver="("), "failed to parse receiver param: error parsing regexp")


@ALERTMANAGER(silence_xyz="silence_error_bad_uuid", anywhere=True)
async def an_error_of_the_validation_is_told(alertmanager: Alertmanager, ask: Ask) -> Any:
    return await _told(alertmanager.silence("xyz"), 'silenceID in path must be of type uuid: "xyz"')


@ALERTMANAGER(silence_00000000_0000_0000_0000_000000000000="silence_error_not_found", anywhere=True)
async def a_silence_that_is_not_there_is_told(alertmanager: Alertmanager, ask: Ask) -> Any:
    return await _told(alertmanager.silence(NOBODY), f"^alertmanager knows no silence {NOBODY}$")


@ALERTMANAGER(silence_00000000_0000_0000_0000_000000000000="silence_delete_unknown")
async def ending_a_silence_that_is_not_there_is_told(alertmanager: Alertmanager, ask: Ask) -> Any:
    return await _told(alertmanager.expire_silence(NOBODY), f"^alertmanager knows no silence {NOBODY}$")


@ALERTMANAGER(api_v2_silences="silence_create")
async def a_new_silence_has_an_id(alertmanager: Alertmanager, ask: Ask) -> Any:
    return await alertmanager.create_silence(
        [Matcher("alertname", "Manual")], ask.at + 4e9, ask.at + 4.1e9, "warroom", "contract"
    )


@ALERTMANAGER(api_v2_silences="silence_error_missing_comment")
async def a_field_that_is_missing_is_told(alertmanager: Alertmanager, ask: Ask) -> Any:
    question = alertmanager.create_silence([Matcher("a", "b")], ask.at + 4e9, ask.at + 4.1e9, "warroom", "")
    return await _told(question, "comment")


@ALERTMANAGER(api_v2_silences="silence_error_bad_regex")
async def a_silence_with_a_broken_pattern_is_told(alertmanager: Alertmanager, ask: Ask) -> Any:
    matcher = Matcher("a", "(", is_regex=True)
    question = alertmanager.create_silence([matcher], ask.at + 4e9, ask.at + 4.1e9, "warroom", "contract")
    return await _told(question, r"invalid regular expression \"\(\"")
