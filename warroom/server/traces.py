"""The way of each command through the server, as spans: received, decided, appended, told.

    receive ---------------------------------------------------   from the frame to the last follower's socket
             wait  decide   append (batch, commit)   fan-out

Invariant: nothing of this is there while tracing is off, and what is remembered of commands under way is bounded.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from warroom.incident import commands as c
from warroom.store.port import Outcome
from warroom.tracing.context import Context, begun, read
from warroom.tracing.spans import Tracer
from warroom.wire.messages import CommandFrame

MOST = 10_000
"""Commands under way that are remembered; the oldest goes first."""
TYPES = frozenset(str(model.model_fields["type"].default) for model in get_args(get_args(c.AnyCommand)[0]))

_LOG = logging.getLogger("warroom.commands")


@dataclass(slots=True)
class Way:
    """One command. Times in nanoseconds since the epoch, 0 for not yet."""

    context: Context
    parent: str
    type: str
    began: int
    taken: int = 0
    decided: int = 0
    durable: int = 0
    told: Context | None = None


class CommandTraces:
    """Follows commands by client id and number."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self.now = tracer.now
        self._ways: dict[tuple[str, int], Way] = {}

    def heard(self, client: str, frame: CommandFrame, began: int) -> None:
        """A command was taken; `began` is when its frame came in."""
        above = read(frame.trace) if frame.trace else None
        if frame.trace and above is None:
            return  # its author does not want it recorded
        context = begun() if above is None else above.child()
        said = frame.command.get("type")
        kind = said if isinstance(said, str) and said in TYPES else "unknown"
        if len(self._ways) >= MOST:
            del self._ways[next(iter(self._ways))]
        self._ways[client, frame.n] = Way(context, "" if above is None else above.span, kind, began)

    def context(self, client: str, n: int) -> Context | None:
        """Where that command is traced."""
        way = self._ways.get((client, n))
        return way.context if way is not None else None

    def decided(self, outcomes: Iterable[Outcome], taken: int) -> None:
        """They were decided on together; `taken` is when that began."""
        now = self.now()
        for way in self._under_way(outcomes):
            way.taken, way.decided = taken, now

    def durable(self, outcomes: Iterable[Outcome]) -> list[str]:
        """They are on stable storage. Gives the traceparents under which followers go on."""
        now = self.now()
        headers: list[str] = []
        for way in self._under_way(outcomes):
            way.durable, way.told = now, way.context.child()
            headers.append(way.told.header)
        return headers

    def told(self, outcomes: Iterable[Outcome], followers: int, records: int) -> None:
        """Everybody has been told: the spans are whole."""
        outcomes = tuple(outcomes)
        now, tell = self.now(), self.tracer.tell
        for outcome in outcomes:
            way = self._ways.pop((outcome.client, outcome.n), None)
            if way is None:
                continue
            context, durable = way.context, way.durable or now
            decided = way.decided or durable
            tell("decide", context.child(), context.span, way.taken or decided, decided)
            tell("append", context.child(), context.span, decided, durable, records=records, batch=len(outcomes))
            tell("fan-out", way.told or context.child(), context.span, durable, now, "producer", followers=followers)
            tell(
                "receive",
                context,
                way.parent,
                way.began,
                now,
                "server",
                **{
                    "command.type": way.type,
                    "incident.id": outcome.incident,
                    "request.id": f"{outcome.client}:{outcome.n}",
                    "outcome": outcome_of(outcome),
                },
            )

    def _under_way(self, outcomes: Iterable[Outcome]) -> Iterable[Way]:
        for outcome in outcomes:
            way = self._ways.get((outcome.client, outcome.n))
            if way is not None:
                yield way


def outcome_of(outcome: Outcome) -> str:
    """What came of a command, in a word: accepted, already-so, or the reason of its refusal."""
    return outcome.reason or ("accepted" if outcome.seq else "already-so")


def note(outcomes: Iterable[Outcome], traces: CommandTraces | None) -> None:
    """Log what came of commands, where somebody reads that much."""
    if not _LOG.isEnabledFor(logging.DEBUG):
        return
    for outcome in outcomes:
        extra = {"incident": outcome.incident, "outcome": outcome_of(outcome)}
        _LOG.debug("command", extra=extra | named(outcome.client, outcome.n, traces))


def named(client: str, n: int, traces: CommandTraces | None) -> dict[str, str]:
    """The fields by which a command's lines in the log are found."""
    context = traces.context(client, n) if traces is not None else None
    ids = {} if context is None else {"trace_id": context.trace, "span_id": context.span}
    return {"request_id": f"{client}:{n}", **ids}
