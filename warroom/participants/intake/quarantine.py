"""What the intake could not understand or place, kept so that people can look at it.

One invariant: nothing that is kept holds a secret the intake knows of, and the quarantine never grows past its
bounds; what was pushed out is counted.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import orjson

from warroom.incident.text import clean_line, clean_text

Kind = Literal["malformed", "unmatched", "refused"]

LONGEST_BODY: Final = 16 * 1024
_MASK: Final = "[masked]"
_SECRET_FIELD: Final = re.compile(
    r'("[^"]*(?:(?:routing|service|private|access)[_-]?key|password|passwd|secret|token|authorization|api[_-]?key|credential)[^"]*"\s*:\s*)'
    r'("(?:[^"\\]|\\.)*"?|[^,}\]\s]+)',
    re.IGNORECASE,
)
_BEARER: Final = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
_USERINFO: Final = re.compile(r"(://)[^/\s:@\"]*:[^/\s@\"]*@")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing kept. `at` is when it came, as RFC 3339 in UTC; `body` is text, masked and cut to 16 KiB."""

    number: int
    at: str
    kind: Kind
    door: str
    field: str
    problem: str
    expected: str
    body: str
    body_bytes: int
    known_sender: bool = True


class Quarantine:
    """A bounded list of entries, on disk as JSON lines (mode 0600) when a file is given, else in memory.

    Two files at most: the one being written, and the one before it (`.1`). What strangers send, who did not show the
    shared secret, is kept in memory only and apart, so that they cannot push out what matters.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        secrets: Iterable[str] = (),
        most_entries: int = 500,
        most_bytes: int = 1024 * 1024,
    ) -> None:
        self._path = path
        self._secrets = tuple(secret for secret in secrets if secret)
        self._most_bytes = most_bytes
        self._entries: deque[Entry] = deque(maxlen=most_entries)
        self._strangers: deque[Entry] = deque(maxlen=50)
        self._number = 0
        self.kept = 0
        self.pushed_out = 0
        self.trouble = ""
        self._torn = False
        if path is not None:
            self._recall(path)

    def keep(
        self,
        *,
        at: datetime,
        kind: Kind,
        door: str,
        problem: str,
        body: bytes,
        field: str = "",
        expected: str = "",
        known_sender: bool = True,
    ) -> Entry:
        """Keep a body and why it could not be used. Never raises: a disk that refuses is told in `trouble`."""
        self._number += 1
        self.kept += 1
        entry = Entry(
            number=self._number,
            at=at.isoformat().replace("+00:00", "Z"),
            kind=kind,
            door=door,
            field=clean_line(self._masked(field))[:200],
            problem=clean_line(self._masked(problem))[:500],
            expected=clean_line(expected)[:200],
            body=clean_text(self._masked(body[: 2 * LONGEST_BODY].decode("utf-8", "replace")))[:LONGEST_BODY],
            body_bytes=len(body),
            known_sender=known_sender,
        )
        shelf = self._entries if known_sender else self._strangers
        self.pushed_out += len(shelf) == shelf.maxlen
        shelf.append(entry)
        if known_sender and self._path is not None:
            self._write(self._path, entry)
        return entry

    def entries(self, limit: int = 100) -> list[Entry]:
        """The newest entries, newest first."""
        both = sorted([*self._entries, *self._strangers], key=lambda entry: -entry.number)
        return both[: max(0, limit)]

    def __len__(self) -> int:
        return len(self._entries) + len(self._strangers)

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        text = _SECRET_FIELD.sub(rf'\1"{_MASK}"', text)
        return _USERINFO.sub(rf"\1{_MASK}@", _BEARER.sub(rf"\1 {_MASK}", text))

    def _write(self, path: Path, entry: Entry) -> None:
        line = b"\n" * self._torn + orjson.dumps(asdict(entry)) + b"\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if path.exists() and path.stat().st_size + len(line) > self._most_bytes // 2:
                older = path.with_name(f"{path.name}.1")
                path.replace(older)
            with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "ab") as file:
                file.write(line)
        except OSError as error:
            self.trouble = f"the quarantine file cannot be written: {error.strerror or error}"
        else:
            self.trouble = ""
            self._torn = False

    def _recall(self, path: Path) -> None:
        for file in (path.with_name(f"{path.name}.1"), path):
            try:
                content = file.read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                self.trouble = f"the quarantine file cannot be read: {error.strerror or error}"
                continue
            self._torn = bool(content) and not content.endswith(b"\n")
            self._entries.extend(_read(content.splitlines()))
        self._number = max((entry.number for entry in self._entries), default=0)


def _read(lines: Iterable[bytes]) -> Iterator[Entry]:
    for line in lines:
        try:
            entry = Entry(**orjson.loads(line))
        except (orjson.JSONDecodeError, TypeError):
            # A line torn by a crash; the entries after it are whole.
            continue
        if isinstance(entry.number, int):
            yield entry
