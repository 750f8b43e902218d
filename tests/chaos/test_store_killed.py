"""kill -9 at random moments under load: nothing acknowledged is lost, nothing is doubled, the chain holds.

WARROOM_CHAOS_ROUNDS sets the number of kills, WARROOM_CHAOS_SEED the moments.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.chaos import appender
from tests.chaos.history import Ack, acks_in, check

ROUNDS = int(os.environ.get("WARROOM_CHAOS_ROUNDS", "30"))
SEED = int(os.environ.get("WARROOM_CHAOS_SEED", "1"))


def read_until(pipe: Connection, lines: int) -> bytes:
    """What the process says, up to that many lines or its end."""
    text = b""
    while text.count(b"\n") < lines:
        part = os.read(pipe.fileno(), 1 << 16)
        if not part:
            break
        text += part
    return text


def kill_once(path: Path, after: int) -> tuple[list[Ack], bool]:
    """Run the appender until it acknowledged `after` appends, then kill it; all that it acknowledged."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.chaos.appender"])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=appender.run, args=(str(path), 5, 0, theirs))
    process.start()
    theirs.close()
    text = read_until(ours, after)
    process.kill()
    text += read_until(ours, 1 << 60)
    process.join()
    killed = process.exitcode == -9
    process.close()
    ours.close()
    return acks_in(text), killed


def test_nothing_acknowledged_is_lost_by_kills(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    path = tmp_path / "warroom.db"
    acks: list[Ack] = []
    for number in range(ROUNDS):
        if number % 25 == 24:
            # A fresh log now and then, so that the first moments of one are hit too.
            shutil.rmtree(tmp_path)
            tmp_path.mkdir()
            acks = []
        said, killed = kill_once(path, chance.choice([0, 1, chance.randrange(2, 40), chance.randrange(40, 400)]))
        assert killed, f"round {number} of seed {SEED}: the process ended by itself"
        acks += said
        asyncio.run(check(path, acks))


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_log_is_synced_between_each_write_and_its_ack(tmp_path: Path) -> None:
    path, trace = tmp_path / "warroom.db", tmp_path / "trace"
    calls = "trace=fdatasync,fsync,write,pwrite64"
    program = [sys.executable, "-m", "tests.chaos.appender", str(path), "1", "25"]
    done = subprocess.run(
        ["strace", "-f", "-y", "-e", calls, "-o", str(trace), *program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    acks = acks_in(done.stdout)
    assert len(acks) == 25
    steps = [step for step in map(step_of, trace.read_text().splitlines()) if step]
    said = [place for place, step in enumerate(steps) if step == "ack"]
    assert len(said) == 25
    previous = 0
    for place in said:
        between = steps[previous:place]
        written = max(at for at, step in enumerate(between) if step == "wal")
        assert "sync" in between[written:], f"no sync between the last write of the log and an ack: {between}"
        previous = place + 1
    asyncio.run(check(path, acks))


def step_of(line: str) -> str:
    """What a line of the trace is to durability: a write to the log, a finished sync of it, an ack, or nothing."""
    if "warroom.db-wal>" in line and ("pwrite64(" in line or " write(" in line):
        return "wal"
    if ("fdatasync" in line or "fsync" in line) and line.rstrip().endswith("= 0"):
        return "sync" if "warroom.db-wal>" in line or "resumed" in line else ""
    if "write(1<" in line and "client-" in line:
        return "ack"
    return ""
