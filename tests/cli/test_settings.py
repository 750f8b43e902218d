"""Settings: who wins, where a value came from, and what a mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Here
from warroom.settings.load import SettingsError, items, load
from warroom.settings.places import places

FILE = """
name = "from file"
timeout = 5

[prometheus]
url = "http://file:9090"
token = "very-secret"

[intake]
routing_keys = { billing = "k" }
rules = "rules.yml"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    return path


def test_precedence_and_origins(file: Path) -> None:
    env = {"WARROOM_NAME": "from env", "WARROOM_PROMETHEUS__URL": "http://env:9090", "WARROOM_LISTEN__PORT": "1"}
    loaded = load(file, {"listen.port": 2, "server": None}, env)
    assert loaded.settings.name == "from env"
    assert loaded.settings.prometheus.url == "http://env:9090"
    assert loaded.settings.listen.port == 2
    assert loaded.settings.timeout == 5.0
    assert loaded.settings.intake.rules == file.parent / "rules.yml", "relative to the file"
    assert loaded.settings.intake.routing_keys == {"billing": "k"}
    assert loaded.origins["name"] == "WARROOM_NAME"
    assert loaded.origins["listen.port"] == "flag"
    assert loaded.origins["timeout"] == f"{file}:3"
    assert loaded.origins["prometheus.token"] == f"{file}:7"
    assert loaded.origins["intake.rules"] == f"{file}:11"
    assert loaded.origins["server"] == "default"


def test_the_environment_speaks_every_type(tmp_path: Path) -> None:
    env = {
        "HOME": str(tmp_path),
        "WARROOM_UTC": "yes",
        "WARROOM_INTAKE__ENABLED": "off",
        "WARROOM_TIMEOUT": "2.5",
        "WARROOM_DATA_DIR": "/var/lib/warroom",
        "WARROOM_INTAKE__ROUTING_KEYS": "billing=a, search=b",
    }
    settings = load(env=env).settings
    assert (settings.utc, settings.intake.enabled, settings.timeout) == (True, False, 2.5)
    assert settings.data_dir == Path("/var/lib/warroom")
    assert settings.intake.routing_keys == {"billing": "a", "search": "b"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nme = 'x'", ":1: 'nme' is not a setting; did you mean 'name'?"),
        ("\n[prometheus]\nulr = 'x'", ":3: 'prometheus.ulr' is not a setting; did you mean 'prometheus.url'?"),
        ("[prometeus]\nurl = 'x'", ":2: 'prometeus.url' is not a setting; did you mean 'prometheus.url'?"),
        ("prometheus = 3", ":1: 'prometheus' is not a setting"),
        ("[listen]\nport = '8765'", ":2: listen.port must be a whole number, not '8765'"),
        ("[listen]\nport = true", ":2: listen.port must be a whole number, not True"),
        ("[listen]\nport = 70000", ":2: listen.port must be a whole number from 0 to 65535, not 70000"),
        ("timeout = nan", ":1: timeout must be a number from 0.1 to 3600, not nan"),
        ("log_level = 'loud'", ":1: log_level must be one of debug, info, warning, error, not 'loud'"),
        ("name = ", ":1: not TOML: Invalid value"),
        ("name = 'a'\nname = 'b'", ":2: not TOML: Cannot overwrite a value"),
        ("[intake]\nrouting_keys = {a = 1}", ":2: intake.routing_keys must be a table of texts"),
        ("x = " + "[" * 5000, ":1: is nested too deeply"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as wrong:
        load(path, env={})
    assert said in str(wrong.value)
    assert str(wrong.value).startswith(str(path))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WARROOM_NMAE", "x", "WARROOM_NMAE is not a setting; did you mean 'WARROOM_NAME'?"),
        ("WARROOM_UTC", "perhaps", "must be true or false, not 'perhaps'"),
        ("WARROOM_LISTEN__PORT", "x", "must be a whole number from 0 to 65535, not 'x'"),
        ("WARROOM_TIMEOUT", "inf", "must be a number from 0.1 to 3600, not 'inf'"),
        ("WARROOM_INTAKE__ROUTING_KEYS", "loose", "must be name=value pairs"),
    ],
)
def test_a_mistaken_variable_is_told(tmp_path: Path, name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=r"^environment: ") as wrong:
        load(env={"HOME": str(tmp_path), name: value})
    assert said in str(wrong.value)


def test_a_secret_of_the_wrong_type_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("token = ['hunter2']\n[intake]\nrouting_keys = 'hunter2'")
    with pytest.raises(SettingsError) as wrong:
        load(path, env={})
    assert "hunter2" not in str(wrong.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such file"):
        load(tmp_path / "none.toml", env={})
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        load(tmp_path / "binary", env={})
    (tmp_path / "large").write_text("#" * 300_000)
    with pytest.raises(SettingsError, match="larger than"):
        load(tmp_path / "large", env={})
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path, env={})


def test_every_setting_is_explained() -> None:
    for item in items():
        assert item.help.endswith("."), item.key
        assert item.help[0].isupper() or item.help[0] == "`", item.key


def test_places_follow_xdg(tmp_path: Path) -> None:
    where = places({"HOME": str(tmp_path), "XDG_RUNTIME_DIR": "/run/user/7", "XDG_STATE_HOME": "relative"})
    assert where.runtime == Path("/run/user/7/warroom")
    assert where.state == tmp_path / ".local/state/warroom", "a relative path is to be ignored"
    assert where.config_file == tmp_path / ".config/warroom/config.toml"


def test_config_shows_origins_and_masks_secrets(here: Here, file: Path) -> None:
    status, out, _err = here("--config", str(file), "config", "--origin")
    assert status == 0
    assert 'prometheus.token = "***"' in out
    assert "very-secret" not in out
    line = next(line for line in out.splitlines() if line.startswith("timeout"))
    assert line.endswith(f"# {file}:3")
    status, out, err = here("--config", str(file), "config", "validate")
    assert (status, out) == (0, "")
    assert str(file) in err


def test_config_init_writes_a_file_that_is_right(here: Here) -> None:
    assert here("config", "init")[0] == 0
    assert here("config", "init")[0] == 1, "not replaced unasked"
    path = here("config", "path")[1].splitlines()[0].split()[1]
    uncommented = "\n".join(
        line.removeprefix("# ") for line in Path(path).read_text().splitlines() if " = " in line or line.startswith("[")
    )
    Path(path).write_text(uncommented)
    loaded = load(Path(path), env={})
    assert loaded.settings == load(env={"HOME": "/nowhere"}).settings, "every default as the file writes it"


def test_wrong_settings_end_every_command_that_needs_them(here: Here, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("nme = 1")
    for words in (["list"], ["config"], ["note", "x"], ["serve"]):
        status, out, err = here("--config", str(path), *words)
        assert (status, out) == (2, ""), words
        assert "did you mean 'name'?" in err
    assert here("--config", str(path), "severity")[0] == 0, "what needs none works on"
