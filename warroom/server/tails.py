"""Tails of one connection: the log queries it follows, through the relay that tails each once for everybody.

Invariant: a reader that does not take what it is given is given nothing more until it does, and keeps nobody waiting.
"""

from __future__ import annotations

from time import time

import orjson

from warroom.server.connection import Wire, prepare
from warroom.server.panels import NO_SOURCE
from warroom.telemetry.errors import TelemetryError
from warroom.telemetry.relay import Relay, UnknownSource
from warroom.telemetry.series import Reason, Trouble, encode


class TailFeed:
    """One tail on one connection, under the client's own name for it."""

    def __init__(self, wire: Wire, id: str) -> None:  # noqa: A002 (the wire's word)
        self._wire = wire
        self._id = orjson.dumps(id)

    @property
    def behind(self) -> bool:
        """Whether the network has not taken what was written before."""
        return self._wire.behind

    def __call__(self, body: bytes, lost: int) -> None:
        self._wire.write(prepare(b'{"t":"lines","id":%s,"lost":%d,"body":%s}' % (self._id, lost, body)))


class TailDesk:
    """What one connection tails."""

    def __init__(self, relay: Relay | None, wire: Wire, most: int) -> None:
        self._relay = relay
        self._wire = wire
        self._most = most
        self._tails: dict[str, tuple[str, str, str, TailFeed]] = {}

    def tail(self, incident: str, id: str, source: str, query: str) -> None:  # noqa: A002
        """Follow a query under the name `id`, in place of what had that name."""
        self.untail(id)
        feed = TailFeed(self._wire, id)
        if self._relay is None:
            return self.refuse(id, source, "unreachable", NO_SOURCE)
        if len(self._tails) >= self._most:
            return self.refuse(id, source, "too-heavy", f"one connection follows at most {self._most} tails")
        try:
            self._relay.tail(source, query, feed)
        except UnknownSource as error:
            return self.refuse(id, source, "bad-query", str(error))
        except TelemetryError as error:
            return self.refuse(id, source, error.reason, str(error))
        self._tails[id] = incident, source, query, feed
        return None

    def untail(self, id: str) -> None:  # noqa: A002
        """Follow it no longer."""
        known = self._tails.pop(id, None)
        if known is not None and self._relay is not None:
            _, source, query, feed = known
            self._relay.untail(source, query, feed)

    def forget(self, incident: str) -> None:
        """The incident may no longer be seen."""
        for name in [name for name, known in self._tails.items() if known[0] == incident]:
            self.untail(name)

    def close(self) -> None:
        """Follow nothing any more."""
        for name in list(self._tails):
            self.untail(name)

    def refuse(self, id: str, source: str, reason: Reason, words: str) -> None:  # noqa: A002
        """Say in the tail's own frames why nothing comes."""
        now = time()
        TailFeed(self._wire, id)(encode(Trouble("", source, reason, words, now, 1, now + 60.0)), 0)
