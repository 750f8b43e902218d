"""The stack's secrets: made at the first start, kept where only their owner reads them.

Invariant: no secret leaves this module but into its file; whatever is shown of a container passes through `Mask`.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from warroom.bundle.errors import StackError

GRAFANA_PASSWORD = "grafana-admin-password"  # noqa: S105 (the name of the file)
INTAKE_SECRET = "intake.secret"  # noqa: S105

_SECRET_NAME = re.compile(r"PASS|SECRET|TOKEN|KEY|CREDENTIAL|AUTH|DSN|PRIVATE", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=://)[^/@\s:]*:[^/@\s]+(?=@)")
_LEAST = 6
"""Shorter values are words like `true`: to mask them would make the text unreadable and protect nothing."""


def prepare(folder: Path, intake_secret: str) -> tuple[str, ...]:
    """Make the folder (0700) and the files (0600); returns the names of those that were new.

    The password of Grafana is made once and stays; the intake's secret follows the settings.

    Raises:
        StackError: it cannot be written, or is somebody else's.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise StackError("denied", f"{folder} belongs to somebody else; chown it to yourself")
        folder.chmod(0o700)
        # A folder stands there when the engine was asked to mount the file before it was made.
        for name in (GRAFANA_PASSWORD, INTAKE_SECRET):
            if (folder / name).is_dir():
                (folder / name).rmdir()
        made = [name for name in (GRAFANA_PASSWORD, INTAKE_SECRET) if not (folder / name).exists()]
        if not _read(folder / GRAFANA_PASSWORD):
            _write(folder / GRAFANA_PASSWORD, secrets.token_urlsafe(18))
        if _read(folder / INTAKE_SECRET) != intake_secret:
            _write(folder / INTAKE_SECRET, intake_secret)
        for name in (GRAFANA_PASSWORD, INTAKE_SECRET):
            (folder / name).chmod(0o600)
    except OSError as error:
        raise StackError("denied", f"{error.filename or folder} cannot be written: {error.strerror}") from None
    return tuple(made)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def _write(path: Path, text: str) -> None:
    """In place: a container that has the file mounted sees what is written into it, not what replaces it."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.truncate()
        file.write(text)


class Mask:
    """Puts `***` in the place of secrets: values of a container's environment and of our own files, and passwords in
    URLs.
    """

    def __init__(self, environment: Iterable[str] = (), folder: Path | None = None) -> None:
        pairs = (one.partition("=") for one in environment)
        values = {value for name, _, value in pairs if _SECRET_NAME.search(name)}
        for path in sorted(folder.glob("*")) if folder is not None and folder.is_dir() else ():
            try:
                values.add(path.read_text("utf-8").strip())
            except (OSError, UnicodeDecodeError):
                continue
        # The longest first: one secret may be the beginning of another.
        self._values = sorted((one for one in values if len(one) >= _LEAST), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, "***")
        return _USER_INFO.sub("***", text)
