"""The client's half of a session as a state machine without I/O: calls in, effects out, times passed in.

Invariants: a command goes out in the order of its number and is answered once; records reach a replica contiguous
and with their chain verified, whatever was repeated, swapped or lost on the way; what cannot be repaired from the
tail is asked for whole, aloud.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from warroom.incident import chain
from warroom.incident.record import GENESIS
from warroom.wire import messages as m
from warroom.wire.codec import Batch
from warroom.wire.effects import Answered, Drop, Effect, Fresh, Latency, Live, Passed, Rewound, Say, Send, Tail

PING_EVERY = 3.0
"""Seconds of silence after which the server is asked for a sign of life."""
SILENCE = 8.0
"""Seconds without a sign of life after which the connection is given up."""
HELLO_TIMEOUT = 8.0
REPEAT_AFTER = 10.0
"""Seconds without any answer after which unanswered commands go out again; repeats change nothing."""
WINDOW = 32
"""Commands on their way at a time: what has to go out again when one is missed."""
CONFIRM_AFTER = 32
"""Answers after which the server is told that it may forget them, at the latest with the next heartbeat."""
_SHARE = 0.8
"""How much of what the server allows is used: its clock and ours do not tick alike."""
MAX_SNAPSHOT = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class At:
    """Where a replica stands."""

    epoch: str = ""
    seq: int = 0
    hash: bytes = GENESIS


class ClientSession:
    """One outbox's session over any number of connections, one at a time. All times in seconds of one monotonic clock.

    `next_n` is the next free number of the outbox; `pending` what has no answer yet, by number.
    """

    def __init__(
        self,
        client: str,
        *,
        kind: Literal["console", "cli", "automation", "page"] = "console",
        agent: str = "",
        next_n: int = 1,
        pending: Iterable[m.CommandFrame] = (),
    ) -> None:
        self.client = client
        self.kind = kind
        self.agent = agent
        self.next_n = next_n
        self.pending: dict[int, m.CommandFrame] = {frame.n: frame for frame in pending}
        self.phase: Literal["down", "hello", "live"] = "down"
        self.epoch = ""
        self.positions: dict[str, At] = {}
        self._standing: dict[str, m.Up] = {}
        self._asked: dict[str, float] = {}
        self._parts: _Parts | None = None
        self._sent = 0
        self._limits = m.Limits()
        self._traces = False
        self._tokens = 0.0
        self._filled_at = 0.0
        self._heard_at = 0.0
        self._said_at = 0.0
        self._progress_at = 0.0
        self._confirmed = 0

    @property
    def first(self) -> int:
        """The lowest number without an answer."""
        return next(iter(self.pending), self.next_n)

    def is_sent(self, n: int) -> bool:
        """Whether command `n` is on its way on the present connection."""
        return self.phase == "live" and n <= self._sent

    def adopt(self, other: ClientSession) -> None:
        """Follow and watch what `other` did, under this session's own client id and numbers."""
        self.positions = other.positions
        self._standing = other._standing

    # -- the connection ------------------------------------------------------------------------------------------

    def connected(self, now: float, wall: float = 0.0) -> list[Effect]:
        """A connection stands: introduce ourselves. `wall` is our own time, seconds since the epoch."""
        self.phase = "hello"
        self._heard_at = self._said_at = now
        hello = m.Hello(
            t="hello",
            protocol=(m.PROTOCOL, m.PROTOCOL),
            client=self.client,
            first=self.first,
            kind=self.kind,
            agent=self.agent,
            wall=wall,
        )
        return [Send(hello)]

    def disconnected(self) -> None:
        """The connection is gone; everything unanswered waits for the next one."""
        self.phase = "down"
        self._asked.clear()
        self._parts = None
        self._sent = 0

    def tick(self, now: float) -> list[Effect]:
        """Time has passed: heartbeat, silence, pacing, repeats, confirmations."""
        if self.phase == "down":
            return []
        silent = now - self._heard_at
        if silent >= (SILENCE if self.phase == "live" else HELLO_TIMEOUT):
            return [Drop(f"no sign of life from the server for {silent:.0f} seconds")]
        if self.phase != "live":
            return []
        effects: list[Effect] = []
        if self._sent >= self.first and now - self._progress_at >= REPEAT_AFTER:
            self._sent = 0
            self._progress_at = now
        effects += self._pump(now)
        for incident, since in list(self._asked.items()):
            if now - since >= REPEAT_AFTER:
                effects += self._subscribe(incident)
                self._asked[incident] = now
        if now >= self._heartbeat():
            effects += self._confirm()
            effects.append(Send(m.Ping(t="ping", at=now)))
            self._said_at = now
        return effects

    def goodbye(self) -> list[Effect]:
        """The participant leaves: let the server forget what is settled."""
        return self._confirm() if self.phase == "live" else []

    def due(self) -> float:
        """When to call `tick` next; the same moment however often it is asked."""
        if self.phase != "live":
            return self._heard_at + HELLO_TIMEOUT
        waiting = bool(self.pending) and next(reversed(self.pending)) > self._sent
        heartbeat = min(self._heartbeat(), self._heard_at + SILENCE)
        if waiting and self._sent + 1 < self.first + WINDOW:
            rate = max(0.1, self._limits.commands_per_second * _SHARE)
            return min(heartbeat, self._filled_at + max(0.0, 1 - self._tokens) / rate)
        return heartbeat

    def _heartbeat(self) -> float:
        """When to ask for a sign of life: after a silence of either side, and not more than once a second."""
        return min(self._said_at + PING_EVERY, max(self._heard_at + PING_EVERY, self._said_at + PING_EVERY / 3))

    # -- what the participant wants ------------------------------------------------------------------------------

    def submit(self, incident: str, command: Mapping[str, Any], now: float, trace: str = "") -> list[Effect]:
        """Number a command (the next free number) and send it when the session is live. `trace`: a traceparent."""
        frame = m.CommandFrame(t="command", n=self.next_n, incident=incident, command=dict(command), trace=trace)
        self.pending[frame.n] = frame
        self.next_n += 1
        return self._pump(now)

    def follow(self, incident: str, at: At | None = None) -> list[Effect]:
        """Follow an incident from where its replica stands, now and after every reconnect."""
        at = at or At()
        if at.seq and self.epoch and at.epoch != self.epoch:
            at = At()
        self.positions[incident] = at
        return self._subscribe(incident) if self.phase == "live" else []

    def refetch(self, incident: str) -> list[Effect]:
        """The replica is of no use: ask for the whole state."""
        return self.follow(incident, At()) if incident in self.positions else []

    def unfollow(self, incident: str) -> list[Effect]:
        if self.positions.pop(incident, None) is None:
            return []
        self._asked.pop(incident, None)
        return [Send(m.Unsubscribe(t="unsubscribe", incident=incident))] if self.phase == "live" else []

    def stand(self, key: str, frame: m.Up) -> list[Effect]:
        """Send `frame` now, and again after every reconnect until `drop_standing(key)`."""
        self._standing[key] = frame
        return [Send(frame)] if self.phase == "live" else []

    def drop_standing(self, key: str, goodbye: m.Up | None = None) -> list[Effect]:
        if self._standing.pop(key, None) is None or goodbye is None or self.phase != "live":
            return []
        return [Send(goodbye)]

    # -- what the server says ------------------------------------------------------------------------------------

    def heard(self, frame: m.Down | Batch, now: float) -> list[Effect]:
        """One decoded frame has arrived."""
        self._heard_at = now
        if self.phase == "hello" and not isinstance(frame, m.Welcome | m.TokenDown | m.Notice | m.Bye):
            return []
        match frame:
            case Batch():
                return [*self._events(frame, now), *self._pump(now)]
            case m.OutcomeDown():
                return [*self._answer(frame, now), *self._pump(now)]
            case m.Welcome():
                return self._welcome(frame, now)
            case m.Pong():
                return [Latency(max(0.0, now - frame.at))] if 0 < frame.at <= now else []
            case m.Resend():
                return self._resend(frame.n, now)
            case m.SnapshotHeader():
                return self._header(frame)
            case m.Closed():
                self.positions.pop(frame.incident, None)
                self._asked.pop(frame.incident, None)
                return [Passed(frame)]
            case m.Notice():
                level = frame.level if frame.level in ("information", "warning", "error") else "warning"
                return [Say(level, frame.words)]  # type: ignore[arg-type]
            case m.Bye():
                return [Drop(frame.words, frame.retry_after_ms / 1000)]
        return [Passed(frame)]

    def heard_binary(self, data: bytes, now: float) -> list[Effect]:
        """One binary frame: the next part of the snapshot announced last."""
        self._heard_at = now
        parts = self._parts
        if parts is None:
            return []
        parts.add(data)
        header = parts.header
        if not parts.complete and parts.size <= header.size:
            return []
        self._parts = None
        if header.incident not in self.positions:
            return []
        if parts.size != header.size:
            words = f"The state of {header.incident} arrived damaged; asking for it again"
            return [Say("warning", words), *self.refetch(header.incident)]
        return self._fresh(header, b"".join(parts.chunks))

    # -- inside --------------------------------------------------------------------------------------------------

    def _welcome(self, frame: m.Welcome, now: float) -> list[Effect]:
        known = max((outcome.n for outcome in frame.known), default=0)
        last = max(frame.floor, known)
        if last >= self.next_n or frame.floor >= self.first:
            self.disconnected()
            return [Rewound(last), Drop("this outbox is an older copy of itself")]
        self.phase = "live"
        self.epoch = frame.epoch
        self._limits = frame.limits
        self._traces = frame.traces
        self._tokens, self._filled_at = frame.limits.burst * _SHARE, now
        self._progress_at = self._said_at = now
        self._confirmed = frame.floor
        effects: list[Effect] = [Live(frame)]
        for outcome in frame.known:
            effects += self._answer(outcome, now)
        for incident, at in self.positions.items():
            if at.seq and at.epoch != frame.epoch:
                self.positions[incident] = At()
                effects.append(Say("warning", _other_log(incident)))
            effects += self._subscribe(incident)
        effects += [Send(standing) for standing in self._standing.values()]
        self._sent = 0
        return [*effects, *self._pump(now), Send(m.Ping(t="ping", at=now))]

    def _subscribe(self, incident: str) -> list[Effect]:
        at = self.positions[incident]
        self._asked[incident] = self._heard_at
        where = m.Position(incident=incident) if not at.seq else m.Position(
            incident=incident, epoch=at.epoch, seq=at.seq, hash=at.hash.hex()
        )  # fmt: skip
        return [Send(m.Subscribe(t="subscribe", position=where))]

    def _pump(self, now: float) -> list[Effect]:
        """Send what has not been sent on this connection, no faster than the server allows."""
        if self.phase != "live":
            return []
        full = self._limits.burst * _SHARE
        rate = max(0.1, self._limits.commands_per_second * _SHARE)
        self._tokens = min(full, self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        effects: list[Effect] = []
        if self._sent < self.first <= self.next_n - 1:
            self._progress_at = now
        end = self.first + WINDOW
        for n, frame in self.pending.items():
            if n <= self._sent:
                continue
            if self._tokens < 1 or n >= end:
                break
            self._tokens -= 1
            self._sent = n
            traced = self._traces or not frame.trace
            effects.append(Send(frame if traced else frame.model_copy(update={"trace": ""})))
        return effects

    def _answer(self, outcome: m.OutcomeDown, now: float) -> list[Effect]:
        if self.pending.pop(outcome.n, None) is None:
            return []
        self._progress_at = now
        if self.first - 1 - self._confirmed > CONFIRM_AFTER:
            # This answer is not yet off the outbox: the next tick confirms it.
            self._said_at = min(self._said_at, now - PING_EVERY)
        effects: list[Effect] = [Answered(outcome.n, outcome.incident, outcome.seq, outcome.reason, outcome.words)]
        return effects

    def _confirm(self) -> list[Effect]:
        settled = self.first - 1
        if settled <= self._confirmed:
            return []
        self._confirmed = settled
        return [Send(m.Confirm(t="confirm", n=settled))]

    def _resend(self, n: int, now: float) -> list[Effect]:
        if n < self.first:
            return [Drop(f"the server asks for command {n}, which it has answered before", retry_after=1.0)]
        self._sent = min(self._sent, n - 1)
        return self._pump(now)

    def _events(self, batch: Batch, now: float) -> list[Effect]:
        effects: list[Effect] = []
        own: dict[int, int] = {}
        for record in batch.records:
            if record.client == self.client and record.n in self.pending:
                own[record.n] = record.seq
        for n, seq in own.items():
            effects += self._answer(m.OutcomeDown(n=n, incident=batch.incident, seq=seq), now)
        return effects + self._extend(batch)

    def _extend(self, batch: Batch) -> list[Effect]:
        incident = batch.incident
        at = self.positions.get(incident)
        if at is None:
            return []
        records = tuple(record for record in batch.records if record.seq > at.seq)
        if not records:
            return self._nothing_new(batch, at)
        if records[0].seq != at.seq + 1:
            return [] if incident in self._asked else self._subscribe(incident)
        broken = chain.verify(records, at.hash, at.seq)
        if broken is not None:
            words = f"The log of {incident} does not continue what is known here ({broken}); reading it afresh"
            return [Say("error", words), *self.refetch(incident)]
        self._asked.pop(incident, None)
        self.positions[incident] = At(self.epoch, records[-1].seq, records[-1].hash)
        caught_up = records[-1].seq >= batch.head
        return [Tail(incident, records, caught_up)]

    def _nothing_new(self, batch: Batch, at: At) -> list[Effect]:
        repeated = next((record for record in batch.records if record.seq == at.seq), None)
        if repeated is not None and repeated.hash != at.hash:
            words = f"Entry {at.seq} of {batch.incident} is not the one known here; reading the log afresh"
            return [Say("error", words), *self.refetch(batch.incident)]
        if at.seq < batch.head or (batch.records and batch.incident in self._asked):
            return []
        self._asked.pop(batch.incident, None)
        self.positions[batch.incident] = replace(at, epoch=self.epoch)
        return [Tail(batch.incident, (), True)]

    def _header(self, header: m.SnapshotHeader) -> list[Effect]:
        if not (0 < header.parts <= header.size <= MAX_SNAPSHOT):
            return [Drop(f"the server announced a state of {header.size} bytes in {header.parts} parts")]
        self._parts = _Parts(header)
        return []

    def _fresh(self, header: m.SnapshotHeader, data: bytes) -> list[Effect]:
        incident = header.incident
        try:
            digest = bytes.fromhex(header.hash)
        except ValueError:
            return [Drop("the server sent a state with a hash that is none")]
        effects: list[Effect] = []
        if header.reason in ("epoch", "mismatch"):
            effects.append(Say("warning", _other_log(incident)))
        self._asked.pop(incident, None)
        self.positions[incident] = At(header.epoch, header.seq, digest)
        caught_up = header.seq >= header.head
        return [*effects, Fresh(incident, header.epoch, header.seq, digest, data, header.reason, caught_up)]


class _Parts:
    """A snapshot on its way."""

    def __init__(self, header: m.SnapshotHeader) -> None:
        self.header = header
        self.chunks: list[bytes] = []
        self.size = 0

    def add(self, data: bytes) -> None:
        self.chunks.append(data)
        self.size += len(data)

    @property
    def complete(self) -> bool:
        return len(self.chunks) >= self.header.parts


def _other_log(incident: str) -> str:
    return (
        f"The server's log of {incident} is not the one known here (was a backup restored?). "
        "Showing the server's; look for what is missing and write it again"
    )
