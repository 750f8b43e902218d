"""The commands after an exercise, run as a person runs them."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import shutil
import struct
import subprocess
import termios
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.cli.cli_home import CliHome
from tests.tabletop.exercise_tape import Tape, curves, well_played
from warroom.app_exercise_store import find_exercise, keep_score
from warroom.cli.schemas import SCHEMAS
from warroom.store.sqlite import SqliteStore
from warroom.tabletop.load import load_file
from warroom.tabletop.score.shapes import encode, score_json
from warroom.tabletop.score.total import score

SCENARIO = Path(__file__).parent / "edge_rule.yaml"


@pytest.fixture
def home(tmp_path: Path) -> CliHome:
    """A home with a scenario of its own, and no exercise."""
    home = CliHome(tmp_path)
    own = tmp_path / "home/.config/warroom/scenarios"
    own.mkdir(parents=True)
    shutil.copy(SCENARIO, own)
    return home


def keep(home: CliHome, name: str, tape: Tape, *, scored: bool = True) -> None:
    """Keep a log as an exercise that was played, and with `scored` its score beside it."""
    directory = home.state / "exercises" / name
    directory.mkdir(parents=True, mode=0o700)

    async def write() -> None:
        async with await SqliteStore.open(directory / "log.db") as store:
            await store.append(tape.records[0].incident, 0, tape.records)
        if scored:
            kept, records = await find_exercise(home.state / "exercises", tape.records[0].incident)
            scenario = load_file(SCENARIO).scenario
            keep_score(kept, records[-1].hash, scenario.digest, encode(score(records, scenario, curves(460))))

    asyncio.run(write())


def said(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    return done.returncode, " ".join(done.stderr.split())


def test_history_lists_what_was_played(home: CliHome) -> None:
    keep(home, "edge-rule-1", well_played())
    keep(home, "edge-rule-2", Tape(incident="INC-7K3R"))
    done = home.run("tabletop", "history")
    assert done.returncode == 0
    assert "edge-rule" in done.stdout
    assert "outcome" in done.stdout
    told = json.loads(home.run("tabletop", "history", "--json").stdout)
    assert {"schema", *SCHEMAS["tabletop-history"][1]} == set(told)
    assert told["overall"]["count"] == 2
    assert json.loads(home.run("tabletop", "history", "--team", "ana", "--json").stdout)["overall"]["count"] == 1


def test_without_an_exercise_it_is_said_in_words(home: CliHome) -> None:
    assert said(home.run("tabletop", "history")) == (0, "no exercise was played on this machine yet")
    status, words = said(home.run("tabletop", "review"))
    assert status == 1
    assert words.startswith("warroom: no exercise was played on this machine")
    assert said(home.run("tabletop", "review", "7K3Q"))[1].startswith("warroom: there is no exercise 7K3Q")


def test_a_scenario_that_is_not_installed_is_named_and_left_out(home: CliHome) -> None:
    keep(home, "gone-1", Tape(scenario="gone"), scored=False)
    status, words = said(home.run("tabletop", "history"))
    assert status == 0
    assert "version 1 of the scenario 'gone' is not installed" in words
    assert said(home.run("tabletop", "review"))[0] == 1


def test_a_log_that_is_being_played_is_left_alone(home: CliHome) -> None:
    keep(home, "edge-rule-1", well_played())

    async def held() -> tuple[int, str]:
        async with await SqliteStore.open(home.state / "exercises/edge-rule-1/log.db"):
            return said(await asyncio.to_thread(home.run, "tabletop", "review"))

    status, words = asyncio.run(held())
    assert status == 1
    assert "is being played" in words


def on_a_terminal(home: CliHome, columns: int, *args: str) -> str:
    """What a command writes where its output is a terminal of that width."""
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(home.command(*args), env=home.env | {"NO_COLOR": "1"}, stdout=slave, cwd=home.base)
    os.close(slave)
    told = bytearray()
    with suppress(OSError):  # the end of a terminal that nobody holds any more
        while piece := os.read(master, 65_536):
            told += piece
    os.close(master)
    assert process.wait(40) == 0
    return told.decode().replace("\r\n", "\n")


def test_a_scenario_is_broken_between_words_on_a_terminal_and_as_it_was_in_a_pipe(home: CliHome) -> None:
    piped = home.ok("tabletop", "show", "cf-2019-regex", "--spoilers")
    narrow = on_a_terminal(home, 60, "tabletop", "show", "cf-2019-regex", "--spoilers")
    assert max(map(len, piped.splitlines())) > 100
    assert max(map(len, narrow.splitlines())) <= 60
    assert narrow.split() == piped.split()
    hung = narrow.splitlines()[narrow.splitlines().index("You practise") + 2]
    assert hung.startswith("      ")


def test_the_score_in_json_has_the_documented_fields() -> None:
    body = score_json(score(well_played().records, load_file(SCENARIO).scenario, curves(460)))
    assert {*body, "file"} == set(SCHEMAS["tabletop-score"][1])
