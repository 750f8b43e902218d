"""What the doctor looks at, one function each.

Invariant: a check never raises and changes nothing; whatever it meets becomes a finding in words.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from warroom.cli.exits import Stop

if TYPE_CHECKING:
    from warroom.cli.context import Context

State = Literal["ok", "warn", "fail"]
SCARCE = 256 * 1024 * 1024
LARGE_WAL = 64 * 1024 * 1024
SKEW = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` says what to do, empty when there is nothing to."""

    name: str
    state: State
    words: str
    remedy: str = ""


def examine(here: Context) -> list[Finding]:
    """Every check, in the order a person would ask."""
    checks: tuple[tuple[str, Callable[[Context], Finding]], ...] = (
        ("python", check_python),
        ("settings", check_settings),
        ("sqlite", check_sqlite),
        ("data", check_data),
        ("log size", check_wal),
        ("server", check_server),
        ("clock", check_clock),
        ("outbox", check_outbox),
        ("terminal", check_terminal),
        ("prometheus", check_prometheus),
        ("alerts", check_alerts),
    )
    return [_safely(name, check, here) for name, check in checks]


def _safely(name: str, check: Callable[[Context], Finding], here: Context) -> Finding:
    try:
        return check(here)
    except Stop as stop:
        return Finding(name, "fail", stop.words)
    except Exception as fault:  # a check that founders is a finding itself
        return Finding(name, "fail", f"could not be checked: {type(fault).__name__}: {fault}")


def check_python(_here: Context) -> Finding:
    return Finding("python", "ok", f"Python {'.'.join(map(str, sys.version_info[:3]))}, {sys.executable}")


def check_settings(here: Context) -> Finding:
    try:
        files = here.loaded.files
    except Stop as stop:
        return Finding("settings", "fail", stop.words, "`warroom config validate` checks them again")
    return Finding("settings", "ok", ", ".join(map(str, files)) or "no file; defaults and environment")


def check_sqlite(_here: Context) -> Finding:
    import apsw

    version = apsw.sqlite_lib_version()
    if tuple(map(int, version.split("."))) < (3, 51, 3):
        words = f"SQLite {version} can lose a write when the log is reset"
        return Finding("sqlite", "fail", words, "install apsw 3.51.3 or newer")
    return Finding("sqlite", "ok", f"SQLite {version}")


def _data_dir(here: Context) -> Path:
    return here.loaded.settings.data_dir or here.places.data


def check_data(here: Context) -> Finding:
    path = _data_dir(here)
    if not path.exists():
        return Finding("data", "ok", f"{path} is made at the first start")
    about = path.stat()
    if about.st_uid != os.getuid():
        return Finding("data", "fail", f"{path} belongs to somebody else", f"chown it, or name another: {_NAME_IT}")
    if not os.access(path, os.W_OK | os.X_OK):
        return Finding("data", "fail", f"{path} cannot be written", f"chmod 700 {path}")
    free = shutil.disk_usage(path).free
    if free < SCARCE:
        words = f"{free // 1024**2} MiB are free for {path}; a full disk refuses every command"
        return Finding("data", "fail", words, "make room")
    if stat.S_IMODE(about.st_mode) & 0o077:
        return Finding("data", "warn", f"{path} can be read by others", f"chmod 700 {path}")
    return Finding("data", "ok", f"{path}, {free // 1024**3} GiB free")


_NAME_IT = "data_dir in the settings"


def check_wal(here: Context) -> Finding:
    path = _data_dir(here) / "log.db"
    if not path.exists():
        return Finding("log size", "ok", "no log yet")
    wal = path.with_name(path.name + "-wal")
    size = wal.stat().st_size if wal.exists() else 0
    words = f"log {path.stat().st_size // 1024} KiB, write-ahead log {size // 1024} KiB"
    if size > LARGE_WAL:
        return Finding("log size", "warn", words, "restart the server: something keeps the log from being folded")
    return Finding("log size", "ok", words)


def check_server(here: Context) -> Finding:
    from warroom.cli.local import find, health, read_runtime

    named = here.loaded.settings.server or (here.joined() if find(here.places) is None else "")
    if named:
        info = here.line.request("server.info")
        return Finding("server", "ok", f"{here.server.url} answers, version {info['version']}")
    local = find(here.places)
    if local is None:
        left = read_runtime(here.places.runtime_file)
        words = f"none runs here; the last one (pid {left.pid}) ended unasked" if left else "none runs here"
        return Finding("server", "warn", words, "`warroom` or `warroom serve` starts one")
    status, body = health(local, "/readyz")
    if status == 200:
        return Finding("server", "ok", f"{local.url} answers, pid {local.pid}")
    words = f"pid {local.pid} runs, but {local.url} says {body or status}"
    return Finding("server", "fail", words, f"look into {here.places.server_log}, then `warroom stop`")


def check_clock(here: Context) -> Finding:
    if not _reaches_server(here):
        return Finding("clock", "ok", "no server to compare with")
    before = datetime.now(UTC)
    said = datetime.fromisoformat(here.line.request("server.info")["now"])
    middle = before + (datetime.now(UTC) - before) / 2
    off = (said - middle).total_seconds()
    if abs(off) > SKEW:
        words = f"this clock is {abs(off):.1f} s {'behind' if off > 0 else 'ahead of'} the server's"
        return Finding("clock", "warn", words, "let a time service set it; the log has the server's times")
    return Finding("clock", "ok", f"within {abs(off):.1f} s of the server's")


def _reaches_server(here: Context) -> bool:
    try:
        here.line.request("server.info")
    except Stop:
        return False
    return True


def check_outbox(here: Context) -> Finding:
    from warroom.cli.outbox import unsent

    waiting = {path.name: unsent(path) for path in (here.places.state / "servers").glob("*") if path.is_dir()}
    total = sum(waiting.values())
    if total:
        where = ", ".join(f"{count} for {name}" for name, count in waiting.items() if count)
        return Finding(
            "outbox", "warn", f"{total} commands are unsent: {where}", "any command or the console sends them"
        )
    return Finding("outbox", "ok", "nothing is unsent")


def check_terminal(_here: Context) -> Finding:
    term = os.environ.get("TERM", "")
    if not sys.stdout.isatty():
        return Finding("terminal", "ok", "stdout is no terminal; the console needs one")
    columns, rows = shutil.get_terminal_size()
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    truecolour = os.environ.get("COLORTERM", "") in ("truecolor", "24bit")
    colours = "no colour" if os.environ.get("NO_COLOR") else "true colour" if truecolour else "256 or 16 colours"
    words = f"{columns}x{rows}, TERM={term or 'unset'}, {encoding or 'no encoding'}, {colours}"
    if encoding != "utf8":
        return Finding("terminal", "warn", words, "set LANG=C.UTF-8: charts are drawn with Unicode")
    if term in ("", "dumb", "unknown"):
        return Finding("terminal", "fail", words, "set TERM to what your terminal is, such as xterm-256color")
    if columns < 80 or rows < 24:
        return Finding("terminal", "warn", words, "make it 80x24 or larger")
    return Finding("terminal", "ok", words)


def check_prometheus(here: Context) -> Finding:
    settings = here.loaded.settings.prometheus
    if not settings.url:
        return Finding("prometheus", "ok", "none is set; panels stay empty")
    import asyncio
    import time

    from warroom.app import prometheus_source
    from warroom.telemetry.errors import TelemetryError
    from warroom.telemetry.prometheus import Prometheus

    try:
        prometheus = Prometheus(prometheus_source(settings))
    except ValueError as wrong:
        return Finding("prometheus", "fail", str(wrong), "correct the settings under [prometheus]")
    try:
        asyncio.run(prometheus.range("vector(1)", time.time() - 60, time.time(), 15))
    except TelemetryError as error:
        return Finding("prometheus", "warn", str(error), "set prometheus.url, or empty it to do without")
    finally:
        prometheus.close()
    return Finding("prometheus", "ok", f"{settings.url} answers")


def check_alerts(here: Context) -> Finding:
    from warroom.cli.local import find

    local = find(here.places)
    if local is None:
        return Finding("alerts", "ok", "the door for alerts opens with the server")
    if not local.intake_url:
        return Finding("alerts", "warn", "no alerts are taken", "intake.enabled and intake.port in the settings")
    secret = _data_dir(here) / "intake.secret"
    hint = f"in Alertmanager: webhook_configs: url: {local.intake_url}/alertmanager, credentials_file: {secret}"
    return Finding("alerts", "ok", f"taken at {local.intake_url}", hint)
