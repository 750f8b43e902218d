"""The compose command: found, run without a shell, and understood when it fails.

Invariant: what it prints never reaches a person as it is; the last of it is recognised or quoted in a sentence.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from warroom.bundle.engine import failure
from warroom.bundle.errors import StackError

SECRETS_VARIABLE = "WARROOM_STACK_SECRETS"

# Where these point the command at another project, ours would be left as it is and somebody else's started.
_OTHERS = ("COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME", "COMPOSE_ENV_FILES", "COMPOSE_PROJECT_DIRECTORY")
_KEPT_LINES = 40
_QUIT_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Compose:
    """A compose command that answered with its version; `base` are the words before the subcommand."""

    base: tuple[str, ...]
    version: str

    def words(self, file: Path, project: str, profiles: Sequence[str], *rest: str) -> list[str]:
        """The whole command line. The options are those that compose 1.29 and 2 share."""
        chosen = [word for profile in profiles for word in ("--profile", profile)]
        return [*self.base, "--ansi", "never", "-f", str(file), "-p", project, *chosen, *rest]


def find_compose(env: Mapping[str, str]) -> Compose:
    """`docker compose` (version 2), else `docker-compose`.

    Raises:
        StackError: there is neither.
    """
    path = env.get("PATH")
    candidates = [(command, *rest) for name, rest in (("docker", ("compose",)), ("docker-compose", ()))
                  if (command := shutil.which(name, path=path))]  # fmt: skip
    for base in candidates:
        version = _version(base, env)
        if version:
            return Compose(base, version)
    raise StackError(
        "no-compose",
        "neither `docker compose` nor `docker-compose` is installed; install Docker's compose plugin "
        "(https://docs.docker.com/compose/install/), then try again",
    )


def _version(base: Sequence[str], env: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 (no shell; the words are ours)
            [*base, "version", "--short"], env=dict(env), capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def environment(env: Mapping[str, str], engine: str, secrets: Path, **more: str) -> dict[str, str]:
    """The variables that compose runs with: the same engine as ours, the folder of the secrets, no other project."""
    kept = {name: value for name, value in env.items() if name not in _OTHERS}
    return {**kept, "DOCKER_HOST": engine, SECRETS_VARIABLE: str(secrets), **more}


class Running:
    """A compose command at work. Its output is read as it comes; `finish` waits for it, `quit` ends it."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str]) -> None:
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        try:
            self._process = subprocess.Popen(  # noqa: S603 (no shell; the words are ours)
                list(words),
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise StackError("no-compose", f"{words[0]} cannot be run: {error.strerror}; install it again") from None
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), name="compose-output", daemon=True
        )
        self._reader.start()

    def _read(self, said: Iterable[str]) -> None:
        self.lines.extend(line.strip() for line in said if line.strip())

    @property
    def done(self) -> bool:
        return self._process.poll() is not None

    def wait(self, within: float) -> None:
        """Wait for its end, at most that long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(within)

    def finish(self) -> None:
        """Wait for its end.

        Raises:
            StackError: it failed, in words.
        """
        status = self._process.wait()
        self._reader.join()
        self._close()
        if status != 0:
            raise failure(_telling(self.lines) or f"compose ended with status {status}")

    def quit(self) -> None:
        """End it, politely first."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_QUIT_WITHIN)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(_QUIT_WITHIN)
        self._close()

    def _close(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()


def _telling(lines: Sequence[str]) -> str:
    """The line that says why: the last that names an error, else the last."""
    naming = [line for line in lines if "error" in line.lower() or "denied" in line.lower()]
    return (naming or list(lines) or [""])[-1]
