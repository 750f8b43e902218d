"""Log lines as everybody sees them: data only, no network.

Times are whole nanoseconds since the epoch, because that is what Loki keeps and what orders lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values, sorted by name."""

LEVELS = ("trace", "debug", "info", "warn", "error", "fatal", "unknown")
"""Levels as they are told apart, mildest first; `unknown` where a line says none."""

LEVEL_NAMES = ("detected_level", "level", "severity", "severity_text", "lvl")
"""Fields that tell a line's level; the first that says something counts."""

SERVICE_NAMES = ("service_name", "service", "app", "job", "container")
"""Fields that tell who wrote a line; the first that says something counts."""

_SPELLINGS = {
    "trc": "trace",
    "dbg": "debug",
    "information": "info",
    "inf": "info",
    "notice": "info",
    "warning": "warn",
    "wrn": "warn",
    "err": "error",
    "eror": "error",
    "critical": "fatal",
    "crit": "fatal",
    "emerg": "fatal",
    "alert": "fatal",
    "panic": "fatal",
}


class Told(Protocol):
    """What a log line says, for those who only look: a `LogLine`, or a glance at one that is not made."""

    @property
    def ns(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def labels(self) -> Pairs: ...
    @property
    def level(self) -> str: ...
    @property
    def service(self) -> str: ...
    def value(self, name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. `labels` are those of its stream (one object for all lines of a stream); `metadata` is what came
    beside the line (Loki's structured metadata and what a parser of the query found), such as `trace_id`.
    """

    ns: int
    text: str
    labels: Pairs = ()
    metadata: Pairs = ()

    def value(self, name: str) -> str:
        """A metadata field or a label by its name, metadata first; empty when there is none."""
        for pairs in (self.metadata, self.labels):
            for key, value in pairs:
                if key == name:
                    return value
        return ""

    @property
    def level(self) -> str:
        """One of `LEVELS`, from the fields `LEVEL_NAMES`."""
        for name in LEVEL_NAMES:
            said = self.value(name).casefold()
            if said:
                level = _SPELLINGS.get(said, said)
                return level if level in LEVELS else "unknown"
        return "unknown"

    @property
    def service(self) -> str:
        """Who wrote it, from the fields `SERVICE_NAMES`."""
        for name in SERVICE_NAMES:
            said = self.value(name)
            if said:
                return said
        return ""


@dataclass(frozen=True, slots=True)
class LogPage:
    """The answer to one log query, in the order asked for. `full` when the limit cut it: there may be more."""

    lines: tuple[LogLine, ...]
    full: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogBatch:
    """New lines of a tail, oldest first. `lost` counts lines that the server dropped and a backfill did not find;
    `backfilled` those that a query brought after the tail had dropped them.
    """

    lines: tuple[LogLine, ...]
    lost: int = 0
    backfilled: int = 0


@dataclass(frozen=True, slots=True)
class LogPattern:
    """Lines of one form: `samples` are (seconds since the epoch, lines in that step)."""

    pattern: str
    level: str
    samples: tuple[tuple[float, int], ...]

    @property
    def count(self) -> int:
        """Lines of this form in all."""
        return sum(count for _, count in self.samples)


@dataclass(frozen=True, slots=True)
class LogField:
    """A field that lines have: `kind` is string, int, float, duration, bytes or boolean; `parsers` are what read it."""

    name: str
    kind: str
    cardinality: int
    parsers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogVolume:
    """Bytes or lines of one group of streams, by step: (seconds since the epoch, amount)."""

    labels: Pairs
    samples: tuple[tuple[float, float], ...]
