"""A home of its own for commands: directories, free ports, real processes."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class CliHome:
    """Commands run as a person with this home would run them; `close` ends the server they started."""

    def __init__(self, base: Path) -> None:
        self.base = base
        for name in ("home", "run"):
            (base / name).mkdir(mode=0o700, exist_ok=True)
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(base / "home"),
            "XDG_RUNTIME_DIR": str(base / "run"),
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
            "USER": "jana",
            "LOGNAME": "jana",
            "TERM": "xterm-256color",
            "WARROOM_LISTEN__PORT": "0",
            "WARROOM_INTAKE__PORT": "0",
            "WARROOM_PROMETHEUS__URL": "",
            "WARROOM_UTC": "true",
        }

    @property
    def state(self) -> Path:
        return self.base / "home/.local/state/warroom"

    @property
    def data(self) -> Path:
        return self.base / "home/.local/share/warroom"

    @property
    def runtime_file(self) -> Path:
        return self.base / "run/warroom/server.json"

    def command(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "warroom", *args]

    def run(
        self, *args: str, timeout: float = 40, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*args),
            env=self.env | (env or {}),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            cwd=self.base,
        )

    def ok(self, *args: str) -> str:
        """Run a command that has to work; returns its stdout."""
        done = self.run(*args)
        assert done.returncode == 0, (args, done.stdout, done.stderr)
        return done.stdout

    def json(self, *args: str) -> Any:
        return json.loads(self.ok(*args, "--json"))

    def popen(self, *args: str, **more: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*args),
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.base,
            # A background job's Ctrl-C is ignored from birth; these are to hear it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            **more,
        )

    def runtime(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.runtime_file.read_text())
        return said

    def kill(self) -> int:
        """kill -9 the server; returns its pid once it has gone."""
        pid = int(self.runtime()["pid"])
        os.kill(pid, signal.SIGKILL)
        until(lambda: not alive(pid))
        return pid

    def close(self) -> None:
        if self.runtime_file.exists():
            pid = int(self.runtime()["pid"])
            if alive(pid):
                os.kill(pid, signal.SIGTERM)
                until(lambda: not alive(pid))


def alive(pid: int) -> bool:
    """Whether there is such a process, zombies aside."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(holds: Any, seconds: float = 30) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        select.select([], [], [], 0.02)
