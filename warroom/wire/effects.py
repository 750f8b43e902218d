"""What a session wants done: plain values, carried out in their order by whoever has the socket and the disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from warroom.incident.record import Record
from warroom.wire import messages as m


@dataclass(frozen=True, slots=True)
class Send:
    frame: m.Up


@dataclass(frozen=True, slots=True)
class Answered:
    """Command `n` has its answer: take it off the outbox, durably, before the next call into the session."""

    n: int
    incident: str
    seq: int
    reason: str
    words: str


@dataclass(frozen=True, slots=True)
class Tail:
    """Records to fold, contiguous with what the replica has; possibly none, only to say that it has caught up.

    Where the first is number 1, the log is told from its beginning, in place of whatever the replica had.
    """

    incident: str
    records: tuple[Record, ...]
    caught_up: bool


@dataclass(frozen=True, slots=True)
class Fresh:
    """A whole state, in place of whatever the replica had. Call `refetch` if it does not decode."""

    incident: str
    epoch: str
    seq: int
    hash: bytes
    data: bytes
    reason: str
    caught_up: bool


@dataclass(frozen=True, slots=True)
class Live:
    """The server said welcome."""

    welcome: m.Welcome


@dataclass(frozen=True, slots=True)
class Latency:
    seconds: float


@dataclass(frozen=True, slots=True)
class Say:
    """Something a person has to know."""

    level: Literal["information", "warning", "error"]
    words: str


@dataclass(frozen=True, slots=True)
class Passed:
    """A frame that is none of the session's business: lobby, presence, panel, response ..."""

    frame: m.Down


@dataclass(frozen=True, slots=True)
class Rewound:
    """The server knows later numbers than this outbox: it is an old copy.

    Nobody can tell whether the commands numbered up to `upto` were recorded; the outbox must take a new client id.
    """

    upto: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Give this connection up; come back, not before `retry_after` seconds."""

    words: str
    retry_after: float = 0.0


Effect: TypeAlias = Send | Answered | Tail | Fresh | Live | Latency | Say | Passed | Rewound | Drop
