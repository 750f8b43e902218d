"""warroom as people run it: its real commands, a served room, and the shipped stack in front of it.

Nothing is faked. What is not the product's own is a real program too: Debian's Prometheus and Alertmanager, run with
the files of `stack/`, in which only addresses and times are others.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.terminal import Terminal, private_home
from tests.real_servers import ALERTMANAGER, PROMETHEUS, RealServer

ROOT = Path(__file__).parents[2]
WARROOM = (sys.executable, "-m", "warroom")


class Person:
    """Somebody with a home of their own, who runs commands and opens consoles."""

    def __init__(self, name: str, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.folder = folder / name
        self.env = {**private_home(self.folder), "WARROOM_NAME": name, "PYTHONPATH": str(ROOT), **(settings or {})}

    def run(self, *arguments: str, status: int = 0, stdin: str = "") -> str:
        """What a command prints. AssertionError with what it said when it ends with another status."""
        done = subprocess.run(
            (*WARROOM, *arguments), env=self.env, capture_output=True, text=True, timeout=60, input=stdin
        )
        said = f"warroom {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == status, said
        assert "Traceback" not in said, said
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """What a command prints with --json."""
        return json.loads(self.run(*arguments, "--json"))

    def console(self, *arguments: str, columns: int = 120, rows: int = 40, **env: str) -> Terminal:
        """A terminal in which `warroom` runs with these arguments."""
        return Terminal(self.name, (*WARROOM, *arguments), {**self.env, **env}, columns, rows)


class Served(RealServer):
    """`warroom serve`, run by `owner`; always on the ports it got at its first start."""

    def __init__(self, owner: Person) -> None:
        self.owner = owner
        self.runtime = Path(owner.env["XDG_RUNTIME_DIR"]) / "warroom" / "server.json"
        self.data = Path(owner.env["XDG_DATA_HOME"]) / "warroom"
        super().__init__((*WARROOM, "serve", "--port", "0", "--intake-port", "0"), 0, owner.folder / "serve.log")
        self.env = owner.env

    @property
    def about(self) -> dict[str, Any]:
        """What the file says that lets commands find it."""
        found: dict[str, Any] = json.loads(self.runtime.read_text())
        return found

    @property
    def address(self) -> str:
        """host:port, as an invitation names it."""
        return f"127.0.0.1:{self.port}"

    def invite(self, access: str) -> str:
        """An invitation of the owner's, as `warroom join` takes it."""
        return self.owner.run("invite", "--role", access).strip()

    def _ready(self) -> bool:
        if not self.runtime.exists():
            return False
        about = self.about
        if about["pid"] != self.pid:
            return False
        self.port = int(about["url"].rpartition(":")[2].removesuffix("/ws"))
        intake = about["intake_url"].rpartition(":")[2]
        self.command = (*WARROOM, "serve", "--port", str(self.port), "--intake-port", intake)
        return True


def _hurried(text: str, changes: Mapping[str, str]) -> str:
    """A shipped file with other addresses and shorter times. AssertionError when it no longer says what is changed."""
    for old, new in changes.items():
        assert re.search(old, text), f"{old} is not in the shipped file:\n{text}"
        text = re.sub(old, new, text)
    return text


def stack_alertmanager(folder: Path, intake_url: str, secret: Path, port: int) -> RealServer:
    """Alertmanager with the shipped configuration, not started."""
    assert ALERTMANAGER
    shipped = (ROOT / "stack/alertmanager/alertmanager.yml").read_text()
    folder.mkdir()
    (folder / "alertmanager.yml").write_text(
        _hurried(
            shipped,
            {
                r"http://127\.0\.0\.1:8766": intake_url,
                r"/etc/alertmanager/warroom-secret": str(secret),
                r"group_wait: \w+": "group_wait: 0s",
                r"group_interval: \w+": "group_interval: 1s",
            },
        )
    )
    command = (
        ALERTMANAGER,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    )
    return RealServer(command, port, folder / "log")


def stack_prometheus(folder: Path, target: str, room: str, alertmanager: int, port: int) -> RealServer:
    """Prometheus with the shipped configuration and rules, once a second, not started."""
    assert PROMETHEUS
    shutil.copytree(ROOT / "stack/prometheus", folder)
    addresses = {
        r"127\.0\.0\.1:9093": f"127.0.0.1:{alertmanager}",
        r"127\.0\.0\.1:8080": target,
        r"127\.0\.0\.1:8765": room,
        r"_interval: 15s": "_interval: 1s",
    }
    times = {r"\[1m\]": "[5s]", r"for: 30s": "for: 2s"}
    for name, changes in (("prometheus.yml", addresses), ("rules.yml", times)):
        (folder / name).write_text(_hurried((folder / name).read_text(), changes))
    command = (
        PROMETHEUS,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    )
    return RealServer(command, port, folder / "log")
