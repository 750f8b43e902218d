"""The server's log: one JSON object a line on standard error.

    timestamp level service version environment room words   and of FIELDS those that apply

Invariant: only the fields named here are written, so no payload, token or code can slip in with an argument.
"""

from __future__ import annotations

import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from warroom import __version__
from warroom.tracing.context import Context

FIELDS = (
    "incident", "session", "client", "reason", "code", "where", "host", "port", "seconds", "count", "method",
    "who", "query", "outcome", "request_id", "trace_id", "span_id",
)  # fmt: skip
SERVICE = "warroom"
ENVIRONMENT = "production"
"""Where nothing else is said: a test or a laptop says so, a forgotten setting must not hide a real outage."""


class Asked(NamedTuple):
    """What the server works on here: said by every line that is logged meanwhile."""

    request_id: str
    context: Context | None = None


ASKED: ContextVar[Asked | None] = ContextVar("warroom_asked", default=None)


class JsonLines(logging.Formatter):
    """A record as one line of JSON; of an exception only its type and where it was raised."""

    def __init__(self, environment: str = ENVIRONMENT) -> None:
        super().__init__()
        self._environment = environment

    def format(self, record: logging.LogRecord) -> str:
        return orjson.dumps(self.told(record), default=str).decode()

    def told(self, record: logging.LogRecord) -> dict[str, object]:
        """The fields of a record, in their order."""
        line: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": SERVICE,
            "version": __version__,
            "environment": self._environment,
            "room": record.name.removeprefix("warroom."),
            "words": record.getMessage(),
            **_asked(),
        }
        for name in FIELDS:
            if name in record.__dict__:
                line[name] = record.__dict__[name]
        if record.exc_info and record.exc_info[1] is not None:
            line["where"] = where(record.exc_info[1])
        return line


def _asked() -> dict[str, object]:
    asked = ASKED.get()
    if asked is None:
        return {}
    ids = {} if asked.context is None else {"trace_id": asked.context.trace, "span_id": asked.context.span}
    return {"request_id": asked.request_id, **ids}


def where(error: BaseException) -> str:
    """The type of an exception and the innermost places it passed, without its message, which may quote input."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places}" if places else type(error).__name__


def log_to_stderr(level: int = logging.INFO, environment: str = ENVIRONMENT) -> None:
    """Send everything under `warroom` to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(environment))
    root = logging.getLogger("warroom")
    root.handlers = [handler]
    root.setLevel(level)
    root.propagate = False
