"""Every command of the core has a command here, and each one works on a real server."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.cli.cli_home import CliHome
from tests.cli.conftest import Here
from warroom.cli.direct import Answer, Line
from warroom.incident.commands import COMMAND, AnyCommand

STORY = """
declare 'a second one' --severity sev3 --service db --service cache --triage --summary 'slow' --detected '5m ago'
accept A
severity A SEV1 --reason 'it spreads'
ack A
role A ic jana
role assign A scribe petr
role release A scribe petr
command offer A petr 'all quiet, watch the pool'
command decline A --reason 'on the phone'
title A 'the database is slow'
summary A 'replica lag'
services A db
milestone A impact-started '20m ago' --reason 'from the graph'
note A 'looked at the pool' --at '3m ago'
correct A 3 'it spreads fast'
note A 'the pool is full'
pin A LAST
unpin A LAST
note A 'the password is hunter2'
redact A LAST 'a password' --yes
task add A 'restart one replica' --time-box 15m
task assign A 1 jana
task ack A T1
task done A 1 --result 'no change'
task add A 'write it up' --follow-up --to petr
task drop A 2 --reason 'twice'
hypothesis propose A 'lock contention'
hypothesis support A 1 --evidence 'pg_locks'
hypothesis rate A 1 60
hypothesis refute A H1 --evidence 'none waits'
hypothesis confirm A 1 --evidence 'it does after all'
decision open A 'fail over?' --option yes --option no
decision object A 1 'replica lag'
decision take A no --decision 1 --reason lag
decision take A 'restart it' --question 'what now'
panel add A 'rate(errors[5m])' --title Errors --unit per_second --critical 5 --window 6h --step 30s
panel remove A 1
alert attach A HighLatency --service db --severity critical
alert ack A HighLatency --source manual
alert resolve A HighLatency --source manual
link A https://tickets.example/1 ticket --kind ticket
change A rollback --service db --version v41 --text 'back to v41' --at '1m ago'
impact count A 'failed orders' 1200 --source billing
impact describe A 'some cannot pay'
update A 'we are on it' --audience customers --next 30m
next-update A 15
chat A 'hello @petr'
private A --member petr
member add A tom
member remove A tom
public A
playbook attach A database-saturation
playbook done A 1 --result yes
playbook skip A 2 'not here'
playbook assign A 3 petr
playbook reopen A 1 --reason 'again'
status A identified
status A monitoring --at now
resolve A --reason 'pool is larger'
close A
reopen A 'it is back'
declare 'a false alarm' --triage
decline B 'a test'
declare 'the same again'
merge C A --yes
"""

SERVER_ONLY = {"absorb-incident": "the server's own, after a merge"}
HOSTS_ONLY = {
    "deliver-inject", "give-hint", "withhold-person", "return-person", "set-pace", "start-action", "finish-action",
    "change-world", "mark-exercise", "reveal-truth",
}  # fmt: skip
"""What the facilitator of an exercise does; hosts ask for it by `exercise host`."""
IN_EXERCISE = {"request-action", "approve-action", "reject-action", "ask-for-hint", "stop-exercise"}
"""`exercise act`, `approve`, `reject`, `hint`, `stop`: tests/cli/test_cli_exercise.py."""
NEEDS_MORE = {
    "accept-command": "command accept INC, by the one it was offered to",
    "take-command": "command take INC",
    "pin-evidence": "evidence INC QUERY, from a telemetry source: tests/cli/test_cli_evidence.py",
}


def _tags() -> set[str]:
    return {model.TAG for model in get_args(get_args(AnyCommand)[0])}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], Answer]]:
    """What goes to the server, and its answers."""
    log: list[tuple[dict[str, Any], Answer]] = []
    really = Line.submit

    def submit(line: Line, command: dict[str, Any], incident: str = "") -> Answer:
        answer = really(line, command, incident)
        log.append((dict(command), answer))
        return answer

    monkeypatch.setattr(Line, "submit", submit)
    return log


def test_every_core_command_is_reachable_and_accepted(
    at_server: Here, sent: list[tuple[dict[str, Any], Answer]]
) -> None:
    ids: dict[str, str] = {}
    for line in STORY.strip().splitlines():
        words = [ids.get(word, word) for word in shlex.split(line)]
        if "LAST" in words:
            words[words.index("LAST")] = str(next(a.seq for c, a in reversed(sent) if c["type"] == "add-note"))
        status, out, err = at_server(*words)
        assert status == 0, (line, out, err)
        assert "Traceback" not in err
        if words[0] == "declare":
            ids["ABC"[len(ids)]] = out.strip()
    used = {command["type"] for command, _answer in sent}
    for command, _answer in sent:
        COMMAND.validate_python(command)
    assert used | set(SERVER_ONLY) | set(NEEDS_MORE) | HOSTS_ONLY | IN_EXERCISE == _tags()
    status, out, _err = at_server("log", ids["A"], "--json")
    assert status == 0
    records = [json.loads(line) for line in out.splitlines()]
    assert [one["seq"] for one in records] == list(range(1, len(records) + 1))
    assert [one for one in records if one["event"] is None], "one entry was redacted"
    assert "hunter2" not in out


def test_command_goes_from_one_to_the_other(at_server: Here, served: CliHome, tmp_path: Path) -> None:
    incident = at_server("declare", "who leads here")[1].strip()
    assert at_server("command", "take", incident)[0] == 0
    guest = CliHome(tmp_path)
    guest.ok("join", at_server("invite", "--name", "petr", "--role", "commander")[1].strip(), "--no-console")
    assert guest.run("command", "accept", incident).returncode == 1, "nothing was offered"
    assert at_server("command", "offer", incident, "petr", "all quiet")[0] == 0
    guest.ok("command", "accept", incident)
    assert json.loads(at_server("show", incident, "--json")[1])["commander"] == "petr"


def test_evidence_without_a_source_says_so(at_server: Here) -> None:
    _status, out, _err = at_server("declare", "nothing to see")
    status, _out, err = at_server("evidence", out.strip(), "up")
    assert status == 1
    assert "no telemetry source" in err
