"""What goes where: data to stdout, talk to stderr, statuses as documented, and nothing loaded that is not needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.cli_home import ROOT, CliHome
from tests.cli.conftest import Here
from warroom.cli import crash, main
from warroom.cli.exits import Exit
from warroom.cli.schemas import SCHEMAS

READING = {
    "list": ["list"],
    "incident": ["show"],
    "catchup": ["catchup"],
    "postmortem": ["postmortem"],
    "verify": ["verify"],
    "invite": ["invite"],
    "tokens": ["token", "list"],
    "quarantine": ["quarantine", "list"],
    "playbooks": ["playbook", "list"],
    "playbook": ["playbook", "show", "service-latency"],
    "lint": ["playbook", "lint"],
    "suggestions": ["playbook", "suggest"],
    "doctor": ["doctor"],
    "config": ["config"],
    "paths": ["config", "path"],
    "keys": ["keys"],
    "answer": ["note", "a line"],
    "evidence": ["evidence", "list"],
    "panels": ["panel", "list"],
}
ELSEWHERE = {
    "alerts",
    "backup",
    "dashboard",
    "dashboard-check",
    "evidence-pin",
    "exercise",
    "health",
    "imported",
    "inbox",
    "kept",
    "logs",
    "map",
    "patterns",
    "query",
    "restored",
    "revoked",
    "samples",
    "scenario",
    "scenarios",
    "services",
    "silences",
    "stack",
    "tabletop-history",
    "tabletop-score",
    "trace",
    "traces",
}


@pytest.mark.parametrize("kind", READING)
def test_json_has_the_documented_fields(at_server: Here, kind: str) -> None:
    words = READING[kind]
    if kind == "playbook":
        first = json.loads(at_server("playbook", "list", "--json")[1])["playbooks"][0]["id"]
        words = ["playbook", "show", first]
    status, out, err = at_server(*words, "--json")
    assert status == 0, err
    said = json.loads(out)
    assert said.pop("schema") == f"warroom.{kind}/1"
    assert set(said) == set(SCHEMAS[kind][1])


def test_every_schema_is_tested() -> None:
    assert set(SCHEMAS) == set(READING) | ELSEWHERE


def test_log_json_is_a_record_a_line(at_server: Here) -> None:
    _status, out, _err = at_server("log", "--json")
    fields = {"incident", "seq", "tag", "actor", "access", "duty", "at", "occurred", "client", "n", "event", "salt"}
    for line in out.splitlines():
        assert set(json.loads(line)) == fields | {"payload_hash", "hash"}


def test_a_refusal_is_json_too(at_server: Here) -> None:
    status, out, err = at_server("pin", "99999", "--json")
    said = json.loads(out)
    assert (status, said["accepted"], said["reason"]) == (1, False, "not-found")
    assert said["words"] in err


def test_data_on_stdout_and_talk_on_stderr(at_server: Here) -> None:
    assert at_server("note", "words")[1] == ""
    _status, out, err = at_server("declare", "only the id goes to stdout")
    assert out.strip().startswith("INC-")
    assert len(out.splitlines()) == 1
    assert "declared" in err
    assert at_server("resolve", out.strip())[0] == 0
    assert at_server("close", out.strip())[0] == 0
    _status, out, err = at_server("invite")
    assert out.count("#") == 1
    assert "join" in err


def test_the_invalid_and_the_refused_have_their_statuses(at_server: Here) -> None:
    assert at_server("note", "x" * 10_001)[0] == 2
    assert at_server("title", "\x07 \n")[0] == 2
    assert at_server("note", "INC-0000", "nobody there")[0] == 1
    assert at_server("show", "INC-0000")[0] == 1
    assert at_server("catchup", "INC-0000")[0] == 1


def test_no_escape_reaches_a_file(at_server: Here) -> None:
    at_server("note", "\x1b[31mred\x1b[0m \x1b]0;title\x07 end")
    for words in (["list"], ["show"], ["log"], ["catchup"]):
        assert "\x1b" not in at_server(*words)[1]


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colour_when_asked(at_server: Here, monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in at_server("list")[1]
    monkeypatch.setenv(variable, value)
    assert "\x1b[" not in at_server("list")[1]


def test_the_console_needs_a_terminal(home: CliHome) -> None:
    for words in ([], ["console"]):
        done = home.run(*words)
        assert done.returncode == 2
        assert "needs a terminal" in done.stderr
    assert not home.runtime_file.exists(), "nothing was started for it"


def test_a_reader_that_goes_away_is_no_fault(served: CliHome) -> None:
    served.ok("note", "one more")
    with served.popen("log") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == 0


def test_a_fault_of_our_own_is_a_sentence_and_a_file(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    from warroom.cli.commands import life

    def founder() -> str:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(life, "meanings", founder)
    status, out, err = here("severity")
    assert (status, out) == (Exit.FAILED, "")
    path = Path(err.rsplit(" ", 1)[1].strip())
    assert "Traceback" not in err
    assert "unforeseen" in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_a_crash_log_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert "could not be written" in crash.record(RuntimeError("x"))


def test_ctrl_c_is_130(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    from warroom.cli.commands import life

    def interrupted() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(life, "meanings", interrupted)
    assert here("severity")[0] == 130


def test_statuses_are_a_contract() -> None:
    assert {one.name: int(one) for one in Exit} == {
        "OK": 0, "REFUSED": 1, "USAGE": 2, "UNREACHABLE": 3, "TIMEOUT": 4, "DAMAGED": 5, "FAILED": 70,
        "INTERRUPTED": 130,
    }  # fmt: skip


HEAVY = ("textual", "jinja2", "pydantic", "uvicorn", "starlette", "prometheus_api_client", "asyncio", "apsw")


def _loaded(home: CliHome, *words: str) -> set[str]:
    """The modules that a command loads, in a process of its own."""
    code = (
        "import sys; from warroom.cli.main import main; status = main(sys.argv[1:]); "
        "print(' '.join(sys.modules), file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=home.env, capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("words", [["--version"], ["--help"]])
def test_version_and_help_load_click_alone(home: CliHome, words: list[str]) -> None:
    loaded = _loaded(home, *words)
    assert not loaded & {*HEAVY, "websockets", "tomllib", "orjson", "ssl", "warroom.settings.load"}


def test_a_note_loads_no_models_and_no_screens(served: CliHome) -> None:
    loaded = _loaded(served, "note", "quick")
    assert not loaded & {*HEAVY, "warroom.client.client", "warroom.incident.commands"}


def test_help_lines_are_the_commands_own() -> None:
    from warroom.cli.table import COMMANDS

    for name, place in COMMANDS.items():
        command = main.warroom.get_command(main.click.Context(main.warroom), name)
        assert command is not None
        assert command.name == name
        assert (command.help or "").splitlines()[0] == place.help, name


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(here: Here, shell: str) -> None:
    status, out, err = here("completion", shell)
    assert status == 0
    assert "_WARROOM_COMPLETE" in out
    assert shell in err


def test_ids_and_commands_are_completed_without_a_server(home: CliHome) -> None:
    home.state.mkdir(parents=True)
    kept = [
        {"incident": "INC-7K3Q", "title": "over", "status": "closed", "severity": "SEV1"},
        {"incident": "INC-7KZZ", "title": "live", "status": "monitoring", "severity": "SEV2"},
    ]
    (home.state / "incidents.json").write_text(json.dumps(kept))

    def complete(*words: str) -> list[str]:
        env = {"_WARROOM_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
        return [line.split(",")[1] for line in home.run(env=env).stdout.splitlines() if line]

    assert complete("warroom", "show", "INC-7") == ["INC-7KZZ", "INC-7K3Q"]
    assert complete("warroom", "note", "7k3") == ["INC-7K3Q"]
    assert complete("warroom", "decl") == ["declare", "decline"]
    (home.state / "incidents.json").write_text("not json")
    assert complete("warroom", "show", "INC") == []
