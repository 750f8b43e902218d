"""Newer servers than Debian stable has: taken from Debian's own archive, pinned by hash, nothing installed.

A private apt source lists the newer releases, `apt-get download` brings the package, and it is unpacked into a cache
outside of the checkout (`$WARROOM_TEST_CACHE`, else `~/.cache/warroom-tests`). `python -m tests.newer_servers` does
that ahead of the tests. Installing would pull the newer release's libc along.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

NO_NEWER = "THE NEWER SERVERS CANNOT BE HAD"
"""How the reason of a skipped test begins, so that the end of the run can say it loudly."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True)
class Pin:
    """One package of one release of Debian, for amd64."""

    package: str
    version: str
    suite: str
    sha256: str
    program: str


PROMETHEUS_PINS = (
    Pin(
        "prometheus",
        "3.5.3+ds1-6",
        "forky",
        "593bcced02d8082688ea034dfc543848ad145c5f793aae5aad756c4dbdfa98da",
        "usr/bin/prometheus",
    ),
    Pin(
        "prometheus",
        "2.53.3+ds1-2",
        "trixie",
        "58c3e6a86c56cb3bfd71032fa48d65945d526441a212f5815dfe5ed9cb787ecc",
        "usr/bin/prometheus",
    ),
)
ALERTMANAGER_PINS = (
    Pin(
        "prometheus-alertmanager",
        "0.33.1-5",
        "forky",
        "ec1be21dd7ffeec3d6f42dd1cc8e97b8a9e93888f1953b4fb4cb9234be70185f",
        "usr/bin/prometheus-alertmanager",
    ),
    Pin(
        "prometheus-alertmanager",
        "0.28.1+ds-1",
        "trixie",
        "76ee08c2bf686fa32ca243d099b6bfc6cb00074e9337c18ef73154b60c5830a9",
        "usr/bin/prometheus-alertmanager",
    ),
)
"""The newest first; a release that is still in the making moves on, and then the frozen one has to do."""


class CannotBeHad(Exception):
    """Why there is no newer server, in one sentence."""


@cache
def newer_prometheus() -> Path:
    """The program. Raises CannotBeHad."""
    return _first(PROMETHEUS_PINS)


@cache
def newer_alertmanager() -> Path:
    """The program. Raises CannotBeHad.

    Debian's build ends at once where its template is not in /usr/share, which stable's package brings.
    """
    template = Path("/usr/share/prometheus/alertmanager/default.tmpl")
    if not template.is_file():
        raise CannotBeHad(f"{template} is missing; install prometheus-alertmanager")
    return _first(ALERTMANAGER_PINS)


def cache_folder() -> Path:
    """Where what was downloaded is kept."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "warroom-tests"
    return Path(os.environ.get("WARROOM_TEST_CACHE") or base) / "servers"


def _first(pins: tuple[Pin, ...]) -> Path:
    reasons = []
    for pin in pins:
        try:
            return _unpacked(pin)
        except CannotBeHad as reason:
            reasons.append(f"{pin.package} {pin.version}: {reason}")
    raise CannotBeHad("; ".join(reasons))


def _unpacked(pin: Pin) -> Path:
    """The program of a package, from the cache or from the archive."""
    home = cache_folder() / f"{pin.package}-{pin.sha256[:16]}"
    program = home / pin.program
    if program.is_file():
        return program
    if platform.machine() != "x86_64":
        raise CannotBeHad(f"the pinned package is for x86_64, and this machine is {platform.machine()}")
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise CannotBeHad(f"there is no {tool}")
    with _locked(), tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
        if not program.is_file():
            deb = _download(pin, Path(scratch))
            fresh = Path(scratch) / "root"
            subprocess.run(["dpkg-deb", "-x", str(deb), str(fresh)], check=True, capture_output=True)
            fresh.rename(home)
    if not program.is_file():
        raise CannotBeHad(f"the package has no {pin.program}")
    return program


def _download(pin: Pin, folder: Path) -> Path:
    for name in ("src", "lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "src/newer.sources").write_text(
        f"Types: deb\nURIs: {_archive()}\nSuites: {pin.suite}\nComponents: main\nSigned-By: {KEYRING}\n"
    )
    options = [
        "-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={folder / 'src'}",
        "-o", f"Dir::State::lists={folder / 'lists'}", "-o", f"Dir::Cache={folder / 'cache'}",
        "-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none", "-o", "Acquire::Retries=2",
        "-o", "Acquire::http::Timeout=20",
    ]  # fmt: skip
    for words in (["update"], ["download", f"{pin.package}={pin.version}"]):
        done = _run(["apt-get", *options, *words], folder)
        if done.returncode != 0:
            said = " ".join(done.stderr.split())[-200:]
            raise CannotBeHad(f"apt-get {words[0]} failed: {said}")
    deb = next(folder.glob("*.deb"), None)
    if deb is None:
        raise CannotBeHad(f"apt-get {pin.suite} update failed: no package came")
    found = hashlib.sha256(deb.read_bytes()).hexdigest()
    if found != pin.sha256:
        raise CannotBeHad(f"the package has another hash than the pinned one: {found}")
    return deb


def _archive() -> str:
    """Where this machine takes Debian's packages from."""
    if not KEYRING.is_file():
        raise CannotBeHad(f"{KEYRING} is missing")
    done = _run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)"], Path("/"))
    for line in done.stdout.splitlines():
        archive, _, suite = line.partition(" ")
        if archive.startswith("http") and archive.rstrip("/").endswith("/debian") and "-" not in suite:
            return archive
    raise CannotBeHad("this machine has no archive of Debian to take packages from")


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)
    except (OSError, subprocess.TimeoutExpired) as failed:
        raise CannotBeHad(f"{command[0]}: {failed}") from None


@contextmanager
def _locked() -> Iterator[None]:
    """One process at a time: tests run in several."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Bring both; says where they are, or why not. Never fails: the tests that need them say so loudly."""
    for bring in (newer_prometheus, newer_alertmanager):
        try:
            print(bring())
        except CannotBeHad as reason:
            print(f"{NO_NEWER}: {reason}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
