"""What is known of an incident, folded from verified records, and kept on disk for when the server is away.

Invariant: a cached replica is used only if every byte is as it was written; anything else is as good as none.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import orjson

from warroom.client.view import LobbyLine
from warroom.incident import snapshot
from warroom.incident.state import IncidentState
from warroom.wire.session import At

_FORMAT = 1
_NAME = re.compile(r"INC-[0-9A-Z]{4,8}")


class ReplicaCache:
    """A directory of replicas, one file each, readable by its owner only. Unreadable files count as absent."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory = directory

    def load(self, incident: str) -> tuple[At, IncidentState] | None:
        """The replica and where it stands, or None."""
        body = self._read(self._path(incident))
        if body is None:
            return None
        head, _, data = body.partition(b"\n")
        try:
            said = orjson.loads(head)
            if said["format"] != _FORMAT or said["incident"] != incident:
                return None
            at = At(str(said["epoch"]), int(said["seq"]), bytes.fromhex(said["hash"]))
            state = snapshot.decode(data)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            return None
        if (state.id, state.seq, state.head_hash) != (incident, at.seq, at.hash):
            return None
        return at, state

    def store(self, incident: str, at: At, state: IncidentState) -> None:
        """Keep a replica, in place of the one before.

        Raises:
            OSError: the disk does not take it.
        """
        head = {"format": _FORMAT, "incident": incident, "epoch": at.epoch, "seq": at.seq, "hash": at.hash.hex()}
        self._write(self._path(incident), orjson.dumps(head) + b"\n" + snapshot.encode(state))

    def drop(self, incident: str) -> None:
        """Forget a replica: it may not be read any more, or holds what was redacted."""
        self._path(incident).unlink(missing_ok=True)

    def incidents(self) -> list[str]:
        """The incidents of which there is a replica."""
        return sorted(path.stem for path in self.directory.glob("INC-*.replica") if _NAME.fullmatch(path.stem))

    def load_lobby(self) -> dict[str, LobbyLine] | None:
        """The list of incidents as it was last seen, or None."""
        body = self._read(self.directory / "lobby")
        if body is None:
            return None
        try:
            lines = [LobbyLine(**{**line, "services": tuple(line["services"])}) for line in orjson.loads(body)]
        except (ValueError, TypeError, KeyError):
            return None
        return {line.incident: line for line in lines}

    def store_lobby(self, lines: Iterable[LobbyLine]) -> None:
        """Keep the list of incidents."""
        self._write(self.directory / "lobby", orjson.dumps([asdict(line) for line in lines]))

    def _path(self, incident: str) -> Path:
        if not _NAME.fullmatch(incident):
            raise ValueError(f"{incident!r} is not an incident id")
        return self.directory / f"{incident}.replica"

    def _read(self, path: Path) -> bytes | None:
        """The body of a file whose SHA-256, its first 32 bytes, is right."""
        try:
            raw = path.read_bytes()
        except OSError:
            return None
        digest, body = raw[:32], raw[32:]
        return body if hashlib.sha256(body).digest() == digest else None

    def _write(self, path: Path, body: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=self.directory, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(body).digest() + body)
            os.replace(name, path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
