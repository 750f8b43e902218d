"""The query line of the traces pane: which traces to look for, in words a person types. Pure.

    checkout operation="POST /pay" min=200ms error http.status_code=500 limit=100

The first bare word is the service; `error` keeps failed ones; any other `name=value` is a tag that must be equal.
A bare word of 32 (or 16) hex digits is a trace id, which is opened at once.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from warroom.telemetry.traces import Pairs

MOST = 500
_ID = re.compile(r"[0-9a-fA-F]{16}(?:[0-9a-fA-F]{16})?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(us|µs|ms|s|m)")
_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
WORDS = ("operation=", "min=", "max=", "limit=", "error")
"""What the line understands beside a service and tags."""


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """What was typed; durations in seconds, 0 for no bound. `trace_id` alone means that very trace."""

    service: str = ""
    operation: str = ""
    tags: Pairs = ()
    shortest: float = 0.0
    longest: float = 0.0
    errors_only: bool = False
    limit: int = 50
    trace_id: str = ""

    def text(self) -> str:
        """The line that means this."""
        if self.trace_id:
            return self.trace_id
        parts = [shlex.quote(self.service)] if self.service else []
        if self.operation:
            parts.append(f"operation={shlex.quote(self.operation)}")
        if self.shortest:
            parts.append(f"min={_written(self.shortest)}")
        if self.longest:
            parts.append(f"max={_written(self.longest)}")
        parts += [f"{name}={shlex.quote(value)}" for name, value in self.tags]
        parts += ["error"] * self.errors_only
        parts += [f"limit={self.limit}"] if self.limit != TraceQuery().limit else []
        return " ".join(parts)


def parse(line: str) -> TraceQuery:
    """What the line asks for.

    Raises:
        ValueError: one sentence on what was wrong and what would be right.
    """
    try:
        words = shlex.split(line)
    except ValueError:
        raise ValueError("a quotation mark is not closed") from None
    if len(words) == 1 and _ID.fullmatch(words[0]):
        return TraceQuery(trace_id=words[0].lower().zfill(32))
    found: dict[str, object] = {}
    tags: list[tuple[str, str]] = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            _bare(word, found)
        elif name == "operation":
            found["operation"] = value
        elif name in ("min", "max"):
            found["shortest" if name == "min" else "longest"] = _duration(word, value)
        elif name == "limit":
            found["limit"] = _limit(value)
        elif name == "service":
            found["service"] = value
        elif name:
            tags.append((name, value))
        else:
            raise ValueError(f"{word!r} has no name before its =")
    return TraceQuery(tags=tuple(tags), **found)  # type: ignore[arg-type]


def _bare(word: str, found: dict[str, object]) -> None:
    if word in ("error", "errors"):
        found["errors_only"] = True
    elif "service" in found:
        raise ValueError(f"{word!r}: one service at a time; tags are written name=value")
    else:
        found["service"] = word


def _duration(word: str, value: str) -> float:
    said = _DURATION.fullmatch(value)
    if not said:
        raise ValueError(f"{word!r}: a duration has a number and a unit, such as 200ms or 1.5s")
    return float(said[1]) * _SECONDS[said[2]]


def _limit(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= MOST:
        raise ValueError(f"limit={value}: a whole number from 1 to {MOST}")
    return int(value)


def _written(seconds: float) -> str:
    micros = round(seconds * 1e6)
    for unit, size in (("s", 1_000_000), ("ms", 1000)):
        if micros % size == 0:
            return f"{micros // size}{unit}"
    return f"{micros}us"
