"""The server's log: one JSON object a line on standard error.

Invariant: only the fields named here are written, so no payload, token or code can slip in with an argument.
"""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime

import orjson

FIELDS = (
    "incident", "session", "client", "reason", "code", "where", "host", "port", "seconds", "count", "method",
    "who", "query",
)  # fmt: skip


class JsonLines(logging.Formatter):
    """A record as one line of JSON; of an exception only its type and where it was raised."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": record.name.removeprefix("warroom."),
            "words": record.getMessage(),
        }
        for name in FIELDS:
            if name in record.__dict__:
                line[name] = record.__dict__[name]
        if record.exc_info and record.exc_info[1] is not None:
            line["where"] = where(record.exc_info[1])
        return orjson.dumps(line, default=str).decode()


def where(error: BaseException) -> str:
    """The type of an exception and the innermost places it passed, without its message, which may quote input."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places}" if places else type(error).__name__


def log_to_stderr(level: int = logging.INFO) -> None:
    """Send everything under `warroom` to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger("warroom")
    root.handlers = [handler]
    root.setLevel(level)
    root.propagate = False
