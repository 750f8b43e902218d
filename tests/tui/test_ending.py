"""A console whose terminal nobody reads ends when it is told to."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENDS_WITHIN = 3.0


def _until(true: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        select.select([], [], [], 0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_console_that_nobody_reads_ends_in_order(tmp_path: Path, number: signal.Signals) -> None:
    ready, closed = tmp_path / "ready", tmp_path / "closed"
    master, inner = pty.openpty()
    before = termios.tcgetattr(inner)
    words = [sys.executable, "-m", "tests.tui.unread_console", str(ready), str(closed)]
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(words, stdin=inner, stdout=inner, stderr=inner, cwd=ROOT, env=environment) as process:
        try:
            # It paints its first frame into a terminal that takes less than that, so it may come to wait already here.
            _until(lambda: ready.exists() or process.poll() is not None, 30)
            _until(lambda: not select.select([], [inner], [], 0)[1], 30)
            process.send_signal(number)
            process.wait(ENDS_WITHIN)
        finally:
            process.kill()
    restored = termios.tcgetattr(inner)
    os.close(inner)
    os.close(master)
    assert process.returncode == 0
    assert closed.exists()
    assert restored[3] == before[3]
