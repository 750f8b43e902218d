"""A Docker engine of the tests' own: started on a socket and a data directory of its own, ended by pid.

It is never the engine of whoever runs the tests: they import images under official tags and delete volumes. Another
one is used only when WARROOM_TEST_DOCKER_HOST names it.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMED = "WARROOM_TEST_DOCKER_HOST"
START_DEADLINE = 60.0
NO_ENGINE = "NO DOCKER ENGINE"
"""How the reason of a skip begins, so that the summary can tell it loudly."""

# No registry answers there: whatever the machine's network, a pull fails, and fails at once.
_NO_REGISTRY = "http://127.0.0.1:9"


def why_none() -> str:
    """Empty when an engine can be had, else why not."""
    if os.environ.get(NAMED):
        return ""
    if shutil.which("dockerd") is None:
        return f"{NO_ENGINE}: dockerd is not installed (Debian: docker.io), so the bundled stack was NOT tried"
    if os.geteuid() != 0:
        return f"{NO_ENGINE}: only root may start dockerd, so the bundled stack was NOT tried"
    if shutil.which("docker") is None and shutil.which("docker-compose") is None:
        return f"{NO_ENGINE}: the docker command is not installed, so the bundled stack was NOT tried"
    return ""


@dataclass
class Engine:
    """A running engine. `env` is what a command needs in order to use it, and nothing else."""

    host: str
    config: Path
    process: subprocess.Popen[bytes] | None = None
    folder: Path | None = None

    @property
    def env(self) -> dict[str, str]:
        return {"DOCKER_HOST": self.host, "DOCKER_CONFIG": str(self.config)}

    @property
    def socket(self) -> Path:
        return Path(self.host.removeprefix("unix://"))

    @contextmanager
    def client(self) -> Iterator[Any]:
        import docker

        client = docker.APIClient(base_url=self.host, version="auto", timeout=60)
        try:
            yield client
        finally:
            client.close()

    def start(self) -> None:
        """Return when it answers. Raises AssertionError with its log when it does not."""
        assert self.folder is not None, "an engine that was given is not ours to start"
        folder = self.folder
        folder.mkdir(parents=True, exist_ok=True)
        words = [
            "dockerd", "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"),
            "--host", self.host, "--pidfile", str(folder / "pid"),
            # The stack uses the host's network alone, so the machine's bridges and firewall stay as they are.
            "--bridge=none", "--iptables=false", "--ip6tables=false",
        ]  # fmt: skip
        (folder / "pid").unlink(missing_ok=True)
        proxies = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), _NO_REGISTRY)
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                words, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env={**os.environ, **proxies, "NO_PROXY": "", "no_proxy": ""},
            )  # fmt: skip
        deadline = time.monotonic() + START_DEADLINE
        while not self._answers():
            ended = _ended(self.process, 0.05)
            if ended or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"dockerd is not ready ({ended=}):\n{(folder / 'log').read_text()[-3000:]}")

    def stop(self) -> None:
        """SIGTERM and wait; kill -9 if it does not listen."""
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        if not _ended(process, 60):
            process.kill()
            process.wait()
        if self.folder is not None:
            # It leaves the host's network namespace mounted, and nobody could delete the folder.
            for mounted in (self.folder / "exec/netns").glob("*"):
                subprocess.run(["umount", "--lazy", str(mounted)], capture_output=True)

    def clear(self) -> None:
        """Remove every container and volume of the stack."""
        with self.client() as client:
            label = {"label": "com.docker.compose.project=warroom"}
            for one in client.containers(all=True, filters=label):
                client.remove_container(one["Id"], force=True, v=True)
            for one in client.volumes(filters=label)["Volumes"] or ():
                client.remove_volume(one["Name"])

    def _answers(self) -> bool:
        # Not by the SDK: it drops a socket that could not connect without closing it.
        with socket.socket(socket.AF_UNIX) as door:
            try:
                door.connect(str(self.socket))
            except OSError:
                return False
        with self.client() as client:
            return bool(client.ping())


def _ended(process: subprocess.Popen[bytes], within: float) -> bool:
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        return False
    return True


FOLDER = Path(tempfile.gettempdir()) / f"warroom-test-engine-{os.getuid()}"
"""Not pytest's own folder: what an engine leaves behind when it is killed would stand in the way of every test run."""


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """The stack's ports are the machine's, so only one test on a machine may have it up."""
    with FOLDER.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sweep() -> None:
    """Delete the engine's folder, its images with it."""
    for mounted in (FOLDER / "exec/netns").glob("*"):
        subprocess.run(["umount", "--lazy", str(mounted)], capture_output=True)
    shutil.rmtree(FOLDER, ignore_errors=True)


@contextmanager
def an_engine(folder: Path) -> Iterator[Engine]:
    """The engine that is named, else one of our own in `folder`, with a compose command in its configuration."""
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    install_compose(config)
    named = os.environ.get(NAMED)
    if named:
        given = Engine(named, config)
        given.clear()
        yield given
        given.clear()
        return
    engine = Engine(f"unix://{folder / 'docker.sock'}", config, folder=folder)
    engine.start()
    try:
        engine.clear()
        yield engine
        if engine.process is not None:
            engine.clear()
    finally:
        engine.stop()


# -- newer programs than Debian stable has ---------------------------------------------------------------------------

PACKAGES = ("docker-compose", "prometheus", "prometheus-alertmanager")
SUITES = ("forky", "trixie")
"""Debian's releases to take them from, the newest first; nothing of them is installed on the machine."""


def newer() -> Path | None:
    """A folder with Debian's newer packages unpacked (`usr/bin/...`); None where apt or its archive is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "warroom-tests"
    for suite in SUITES:
        root = cache / suite / "root"
        if root.is_dir() or _unpack(suite, cache / suite):
            return root
    return None


def _unpack(suite: str, folder: Path) -> bool:
    apt, unpack = shutil.which("apt-get"), shutil.which("dpkg-deb")
    source = Path("/etc/apt/sources.list.d/debian.sources")
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    if not (apt and unpack and source.is_file() and keyring.is_file()):
        return False
    archive = re.search(r"^URIs:\s*(\S+)", source.read_text(), re.MULTILINE)
    if archive is None:
        return False
    for name in ("src", "lists/partial", "cache/archives/partial", "deb"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "src/newer.sources").write_text(
        f"Types: deb\nURIs: {archive[1]}\nSuites: {suite}\nComponents: main\nSigned-By: {keyring}\n"
    )
    options = [
        "-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={folder / 'src'}",
        "-o", f"Dir::State::lists={folder / 'lists'}", "-o", f"Dir::Cache={folder / 'cache'}",
        "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3",
    ]  # fmt: skip
    for words in (["update"], ["download", *PACKAGES]):
        done = subprocess.run([apt, *options, *words], cwd=folder / "deb", capture_output=True, timeout=300)
        if done.returncode != 0:
            return False
    fresh = folder / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    for deb in sorted((folder / "deb").glob("*.deb")):
        subprocess.run([unpack, "-x", str(deb), str(fresh)], check=True, capture_output=True)
    fresh.rename(folder / "root")
    for name in ("lists", "cache", "deb"):
        shutil.rmtree(folder / name)
    return True


def install_compose(config: Path) -> None:
    """Compose 2 as a plugin of the docker command, where there is none yet; else `docker-compose` has to do."""
    env = {**os.environ, "DOCKER_CONFIG": str(config)}
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], env=env, capture_output=True).returncode == 0:
        return
    root = newer()
    found = sorted(root.glob("usr/**/cli-plugins/docker-compose")) if root else []
    if docker and found:
        plugin = config / "cli-plugins/docker-compose"
        plugin.parent.mkdir(parents=True, exist_ok=True)
        if not plugin.exists():
            plugin.symlink_to(found[0])
        return
    assert shutil.which("docker-compose"), "no compose: neither Debian's newer one can be had, nor is one installed"
