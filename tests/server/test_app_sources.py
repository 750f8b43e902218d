"""From the settings to the telemetry servers: only those that are set, each with its own credentials and no other's."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.real_servers import free_port
from warroom.app_sources import clients_of, open_relay, source_of, with_kept_password
from warroom.settings.fields import GrafanaSettings, LokiSettings, Settings
from warroom.settings.load import load

NONE = Settings(
    **{
        name: replace(getattr(Settings(), name), url="")
        for name in ("prometheus", "alertmanager", "loki", "jaeger", "grafana")
    }
)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / "grafana-admin-password").write_text("kept-word\n")
    return tmp_path


async def test_only_what_is_set_is_asked(tmp_path):
    async with AsyncExitStack() as stack:
        assert await open_relay(stack, NONE, tmp_path) is None
        relay = await open_relay(stack, replace(NONE, loki=LokiSettings()), tmp_path)
        assert relay is not None
        assert relay.has("loki")
        assert not relay.has("prometheus")


async def test_by_default_every_server_of_this_machine_is_meant_and_none_has_to_be_there(tmp_path):
    dead = f"http://127.0.0.1:{free_port()}"
    settings = Settings(
        **{
            name: replace(getattr(Settings(), name), url=dead)
            for name in ("prometheus", "alertmanager", "loki", "jaeger", "grafana")
        }
    )
    assert all(getattr(Settings(), name).url.startswith("http://127.0.0.1:") for name in ("loki", "jaeger", "grafana"))
    async with AsyncExitStack() as stack:
        relay = await open_relay(stack, settings, tmp_path)
        assert relay is not None
        states = await relay.sources()
    assert [one.name for one in states] == ["prometheus", "alertmanager", "loki", "jaeger", "grafana"]
    assert not any(one.healthy for one in states)
    assert all("refused" in one.words and one.url_shown == dead for one in states)


def test_grafanas_password_is_the_kept_one_on_this_machine_only(state):
    assert with_kept_password(GrafanaSettings(), state).password == "kept-word"
    assert with_kept_password(GrafanaSettings(), state).username == "admin"
    for settings in (
        GrafanaSettings(url="https://grafana.example"),
        GrafanaSettings(token="t"),
        GrafanaSettings(username="ana"),
        GrafanaSettings(url="http://127.0.0.1.example:3000"),
    ):
        assert with_kept_password(settings, state) is settings
    own = GrafanaSettings(password="own-word")
    assert with_kept_password(own, state) is own
    assert with_kept_password(GrafanaSettings(), state / "nowhere").password == ""


async def test_settings_that_cannot_work_name_server_and_field(tmp_path):
    for changed, words in (
        (LokiSettings(url="ftp://x"), "url of loki"),
        (LokiSettings(token="a", username="b"), "credentials of loki"),
        (LokiSettings(url="https://x", ca_file=tmp_path / "none.pem"), "ca_file of loki"),
        (LokiSettings(url="https://x", client_cert=tmp_path / "none.pem"), "client_cert of loki"),
    ):
        with pytest.raises(ValueError, match=words):
            clients_of(replace(NONE, loki=changed), tmp_path)


def test_the_tables_are_read_from_a_file_and_shown_without_secrets(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(
        '[loki]\nurl = "https://loki.example"\ntenant = "team-a"\ntoken = "s3cret"\n'
        '[telemetry]\nexplore = "commander"\n'
    )
    settings = load(config, env={}).settings
    assert (settings.loki.tenant, settings.telemetry.explore) == ("team-a", "commander")
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in repr(source_of(settings.loki, "loki"))
    config.write_text('[telemetry]\nexplore = "everybody"\n')
    with pytest.raises(ValueError, match="must be one of observer, responder, commander, admin"):
        load(config, env={})
