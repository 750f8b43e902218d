"""A command from the key that gave it to its answer, and the arrival of what anybody did: the client's spans.

span           from                                  to
command TYPE   the key                               its answer dealt with
  outbox       the command reaches the outbox        it is on disk
  send         it is on disk, or was sent before     it goes to the network
  ack          its answer comes                      it is off the outbox
applied        the frame of anybody's event comes    the event is folded here
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from warroom.tracing.context import CURRENT, Context, begun, read
from warroom.tracing.spans import Tracer

MOST = 1000
"""Commands without an answer that are remembered; the oldest goes first."""


@dataclass(slots=True)
class _Sent:
    context: Context
    parent: str
    type: str
    incident: str
    began: int
    ready: int
    """When it was stored, and then when it was sent last: what a `send` begins with."""


class ClientTraces:
    """Follows this client's commands by their numbers. Times in nanoseconds since the epoch."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self.now = tracer.now
        self._sent: dict[int, _Sent] = {}

    def stored(self, n: int, type_: str, incident: str, pressed: float, began: int) -> str:
        """A command is in the outbox; returns its traceparent. `pressed` is the moment of the key (monotonic seconds),
        0 when there was none; `began` is when it reached the outbox.
        """
        above, now = CURRENT.get(), self.now()
        context = begun() if above is None else above.child()
        first = min(began, self.tracer.at(pressed)) if pressed else began
        self.tracer.tell("outbox", context.child(), context.span, began, now)
        if len(self._sent) >= MOST:
            del self._sent[next(iter(self._sent))]
        self._sent[n] = _Sent(context, "" if above is None else above.span, type_, incident, first, now)
        return context.header

    def sent(self, n: int) -> None:
        """It goes to the network, perhaps not for the first time."""
        one = self._sent.get(n)
        if one is not None:
            now = self.now()
            self.tracer.tell("send", one.context.child(), one.context.span, one.ready, now)
            one.ready = now

    def answered(self, n: int, incident: str, reason: str, heard: int) -> None:
        """Its answer came at `heard` and has been dealt with."""
        one = self._sent.pop(n, None)
        if one is None:
            return
        now, tell = self.now(), self.tracer.tell
        tell("ack", one.context.child(), one.context.span, heard, now)
        tell(
            f"command {one.type}", one.context, one.parent, one.began, now, "client", reason,
            **{"incident.id": incident or one.incident, "outcome": reason or "accepted"},
        )  # fmt: skip

    def applied(self, traceparents: Iterable[object], incident: str, began: int) -> None:
        """The events of these commands are folded here; `began` is when their frame was read."""
        now = self.now()
        for said in traceparents:
            above = read(said) if isinstance(said, str) else None
            if above is not None:
                self.tracer.tell(
                    "applied", above.child(), above.span, began, now, "consumer", **{"incident.id": incident}
                )

    def forget(self) -> None:
        """The numbers mean other commands from now on."""
        self._sent.clear()
