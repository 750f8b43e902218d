"""The demo as one runs it: with the console, without, from the command line; it comes and goes without a trace."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warroom.app_exercise_store import find_exercise
from warroom.app_show import Show
from warroom.client.view import View
from warroom.demo.crew import CAST
from warroom.demo.exercise import BANNER, HEAD_START, Wanted, showing

DEADLINE = 60.0


class Console:
    """What the console keeps of the demo: the views it is told of, and when the room is there."""

    def __init__(self) -> None:
        self.seen: list[View] = []
        self.live = threading.Event()

    def wake(self, view: View) -> None:
        self.seen.append(view)
        room = next(iter(view.rooms.values()), None)
        if room is not None and room.caught_up:
            self.live.set()


def wanted(tmp_path: Path, speed: float = 1.0) -> Wanted:
    return Wanted("jana", tmp_path / "exercises", speed)


def visited(show: Show) -> Console:
    """Go in as the console does, and out again once the room is there."""
    console = Console()
    client = show.opener(console.wake)
    client.start()
    client.follow(show.options().incident)
    assert console.live.wait(DEADLINE)
    client.stop()
    return console


def test_the_house_of_the_console_comes_and_goes_without_a_trace(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with showing(wanted(tmp_path)) as show:
        console = visited(show)
        assert show.opened is not None
        place = show.opened.plan.directory
        assert place.exists()
        assert console.seen[-1].link.server == "EXERCISE"
        state = next(iter(console.seen[-1].rooms.values())).state
        assert state.exercise is not None
        assert state.exercise.running
        assert (show.clock.speed, show.clock.monotonic() >= HEAD_START) == (1.0, True)
    assert not place.exists()
    assert not (tmp_path / "exercises").exists()
    assert set(threading.enumerate()) <= before


def test_one_that_was_played_to_its_end_is_kept_for_its_review(tmp_path: Path) -> None:
    with showing(wanted(tmp_path, speed=60.0)) as show:
        opened = show.open()
        deadline = time.monotonic() + DEADLINE
        while not opened.facilitator.over.is_set() and time.monotonic() < deadline:
            threading.Event().wait(0.1)
        assert opened.facilitator.refused == []
    kept, records = asyncio.run(find_exercise(tmp_path / "exercises", "-"))
    assert kept.incident == opened.incident
    assert any(record.actor in CAST for record in records)


@pytest.mark.parametrize("name", ["ana", "ANA", "marek", "facilitator"])
def test_nobody_passes_for_one_of_the_cast(tmp_path: Path, name: str) -> None:
    plan = Wanted(name, tmp_path).plan("INC-7K3Q2A", datetime(2026, 11, 27, tzinfo=UTC), tmp_path)
    assert plan.me == f"{name}-2"


@pytest.mark.parametrize("speed", [0, -1, 1e9, float("nan")])
def test_a_speed_that_cannot_be_is_refused_in_words(tmp_path: Path, speed: float) -> None:
    with pytest.raises(ValueError, match="must be from"):
        Wanted("jana", tmp_path, speed)


def test_the_banner_says_what_it_is_and_what_to_press() -> None:
    assert "EXERCISE" in BANNER
    assert "made up" in BANNER
    assert re.search(r"\bX takes action\b.*\? the keys", BANNER)


# -- from the command line -------------------------------------------------------------------------------------------


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "TERM": "xterm-256color",
            "XDG_CONFIG_HOME": str(tmp_path / "c"), "XDG_STATE_HOME": str(tmp_path / "s"),
            "XDG_RUNTIME_DIR": str(tmp_path / "r")}  # fmt: skip


def left_behind(tmp_path: Path) -> list[Path]:
    return [*tmp_path.glob("warroom-*"), *(tmp_path / "s" / "warroom" / "exercises").glob("*")]


def test_plainly_it_prints_each_event_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "dev", "-m", "warroom", "demo", "--plain", "--speed", "60", "--seconds", "10"]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, timeout=90, check=False)
    # On a busy machine the development mode of Python says which callbacks took long, and nothing else is excused.
    faults = [said for said in done.stderr.splitlines() if not re.fullmatch(r"Executing .* took [\d.]+ seconds", said)]
    assert (done.returncode, faults) == (0, [])
    lines = done.stdout.splitlines()
    assert [int(line.split()[1]) for line in lines] == list(range(1, len(lines) + 1))
    assert any(line.split()[2] in CAST and "role-assigned" in line for line in lines)
    assert left_behind(tmp_path) == []


def test_a_log_that_is_to_be_kept_is_kept_and_no_other_is_written_over(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "warroom", "demo", "--plain", "--seconds", "0.1", "--keep", str(tmp_path / "k")]
    run = {"env": environment(tmp_path), "capture_output": True, "text": True, "timeout": 90, "check": False}
    first = subprocess.run(command, **run)  # type: ignore[call-overload]
    assert (first.returncode, (tmp_path / "k" / "log.db").exists()) == (0, True)
    second = subprocess.run(command, **run)  # type: ignore[call-overload]
    assert second.returncode == 1
    assert "holds a log already" in second.stderr
    assert "Traceback" not in second.stderr


def ends(folder: Path, leave: Callable[[int, int], object], *more: str) -> tuple[int, bytes]:
    """Open the demo in a terminal, `leave` (child, terminal) once its board is there: exit status, what was shown."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-m", "warroom", "demo", *more], environment(folder))
    shown, deadline, left = b"", time.monotonic() + DEADLINE, False
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 65_536)
            except OSError:
                break
        if not left and b"SEV2" in shown:
            assert list(folder.glob("warroom-demo-*"))
            leave(child, terminal)
            left = True
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert left
    return os.waitstatus_to_exitcode(status), shown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_console_that_is_told_to_end_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    status, shown = ends(tmp_path, lambda child, _: os.kill(child, number))
    assert status == 0
    assert b"Traceback" not in shown
    assert b"preparing the imaginary production" in shown
    assert left_behind(tmp_path) == []


def test_whoever_leaves_before_the_end_is_told_that_nothing_is_kept(tmp_path: Path) -> None:
    status, shown = ends(tmp_path, lambda _, terminal: os.write(terminal, b"\x11"), "--speed", "5x")
    assert status == 0
    assert b"left before its end, so its log is not kept" in shown
    assert left_behind(tmp_path) == []


def test_a_speed_that_is_none_is_refused_in_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "warroom", "demo", "--speed", "fast"]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 2
    assert "'fast' is no speed" in done.stderr
