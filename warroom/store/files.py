"""The files around a log: who may read them, who holds them, and writes that survive power loss.

Invariant: while a `FileLock` is held no other process (and no other store of this process) opens the same log.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from warroom.store.port import StoreError, StoreLocked

WAL = "-wal"
SHM = "-shm"
LOCK = ".lock"
WITNESS = ".witness"


def beside(path: Path, suffix: str) -> Path:
    """The side file of the log at `path`: its name with `suffix` added."""
    return path.with_name(path.name + suffix)


def make_private(path: Path) -> None:
    """Make sure that there is a file at `path`: a new one is created 0600, its directory 0700.

    What is there keeps its permissions: it may be another's.

    Raises:
        StoreError: it cannot be created, in words.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"cannot open {path}: {error.strerror}") from error
    os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Make a rename or a new name in `path` survive power loss."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the contents of `path` survive power loss."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, 0600: after a crash it holds either all of the old or all of the new."""
    fresh = beside(path, ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    fresh.replace(path)
    sync_directory(path.parent)


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class FileLock:
    """Exclusive use of the log at `path`, by an advisory lock on `<path>.lock` that ends with the process.

    The lock file holds the pid of its owner from `acquire` to `release(clean=True)`, so a pid found in a file that
    nobody locks tells that the last owner ended without closing: `unclean`.
    """

    def __init__(self, path: Path) -> None:
        self.path = beside(path, LOCK)
        self.unclean = False
        self._log = path
        self._descriptor = -1

    def acquire(self) -> Self:
        """Take the lock.

        Raises:
            StoreLocked: another process has it; the message names its pid.
            StoreError: the lock file cannot be made.
        """
        make_private(self.path)
        descriptor = os.open(self.path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise StoreLocked(
                f"{self._log} is in use by process {owner}; stop it (`warroom stop`) or name another file"
            ) from error
        self.unclean = bool(os.pread(descriptor, 20, 0).strip())
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def release(self, *, clean: bool) -> None:
        """Give the lock back; `clean` says that nothing is left for a recovery to do. A second call does nothing."""
        if self._descriptor < 0:
            return
        if clean:
            os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release(clean=not self.unclean)
