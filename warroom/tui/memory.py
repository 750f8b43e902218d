"""What this person has seen of which incident, kept between sessions, so that `since you left` can be told.

Invariant: a file that cannot be read is no reason not to start; it is begun anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

_MOST = 500


class Memory:
    """The last entry seen of each incident. Without a path it lasts as long as the console."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._loaded: dict[str, int] | None = None

    @property
    def _seen(self) -> dict[str, int]:
        """Read when it is first asked for, which is after the first paint."""
        if self._loaded is None:
            self._loaded = {} if self._path is None else _read(self._path)
        return self._loaded

    def seen(self, incident: str) -> int | None:
        """The last entry seen, None if never."""
        return self._seen.get(incident)

    def see(self, incident: str, seq: int) -> None:
        """Everything up to `seq` has been seen."""
        if seq > self._seen.get(incident, 0):
            self._seen.pop(incident, None)
            self._seen[incident] = seq
        while len(self._seen) > _MOST:
            self._seen.pop(next(iter(self._seen)))

    def save(self) -> None:
        """Write the file, whole or not at all; a disk that cannot is not the reader's problem now."""
        if self._path is None or not self._loaded:
            return
        draft = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.write_text(json.dumps({"seen": self._seen}), encoding="utf-8")
            os.replace(draft, self._path)
        except OSError:
            draft.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, int]:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
        return {str(key): int(value) for key, value in loaded["seen"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
