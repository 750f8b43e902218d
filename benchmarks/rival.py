"""Socket.IO with SQLite, the reference for the room: installed from npm when it is first needed, run beside warroom.

Needs node 20 or newer and npm; better-sqlite3 is compiled when npm finds no ready build of it, which takes minutes
and needs a C++ compiler. What was installed is kept in the user's cache, by the pinned versions.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Literal

from platformdirs import user_cache_path

SOURCE = Path(__file__).parent / "socketio"
HEADERS = Path("/usr/include/node")
Mode = Literal["each", "group"]


class Unavailable(RuntimeError):
    """The reference cannot be had on this machine; the text says why."""


def installed() -> Path:
    """The directory with the reference and its packages.

    Raises:
        Unavailable: there is no node, no npm, no registry or no compiler.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Unavailable("reference not available: node and npm are needed")
    pins = (SOURCE / "package.json").read_bytes()
    place = user_cache_path("warroom-benchmarks") / f"socketio-{hashlib.sha256(pins).hexdigest()[:12]}"
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        (place / "package.json").write_bytes(pins)
        surroundings = dict(os.environ)
        if HEADERS.is_dir():
            surroundings["npm_config_nodedir"] = str(HEADERS.parent.parent)
        done = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund"], cwd=place, env=surroundings, capture_output=True, text=True,
            check=False, timeout=900,
        )  # fmt: skip
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            raise Unavailable(f"reference not available: npm install failed ({lines[-1] if lines else 'no words'})")
        (place / "complete").touch()
    shutil.copy(SOURCE / "server.js", place / "server.js")
    return place


class Rival:
    """The reference's process during a `with`: "each" commits every note by itself, "group" all that wait."""

    def __init__(self, place: Path, database: Path, mode: Mode) -> None:
        command = ["node", str(place / "server.js"), str(database), mode]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        said = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not said.strip():
            raise Unavailable("reference not available: it did not start")
        self.port = int(said)

    def __enter__(self) -> Rival:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
