"""The protocol's server at its simplest: the real core over a log in memory, without any socket.

What a restart keeps is in `Log`; everything else dies with `ModelServer`. Frames go through the real codec both ways.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from warroom.incident import chain, snapshot
from warroom.incident.commands import COMMAND
from warroom.incident.decide import decide
from warroom.incident.decode import fold
from warroom.incident.ids import incident_id
from warroom.incident.record import GENESIS, Record
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Refusal
from warroom.incident.words import Access
from warroom.wire import messages as m
from warroom.wire.codec import decode_up, encode, encode_events
from warroom.wire.numbering import Numbering, Take


@dataclass
class Log:
    """What is on the server's disk."""

    epoch: str = "epoch-1"
    records: dict[str, list[Record]] = field(default_factory=dict)
    outcomes: dict[str, dict[int, m.OutcomeDown]] = field(default_factory=dict)
    floors: dict[str, int] = field(default_factory=dict)
    at: datetime = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def tick(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def copy(self) -> Log:
        """A backup."""
        return Log(
            self.epoch,
            {key: list(records) for key, records in self.records.items()},
            {key: dict(outcomes) for key, outcomes in self.outcomes.items()},
            dict(self.floors),
            self.at,
        )


class ModelServer:
    """Connections and states over a `Log`. `snapshot_after` is the tail above which a newcomer gets a snapshot."""

    def __init__(self, log: Log, *, snapshot_after: int = 8, part: int = 200) -> None:
        self.log = log
        self.snapshot_after = snapshot_after
        self.part = part
        self.limits = m.Limits(commands_per_second=5000, burst=5000)
        self.states = {key: fold(records) for key, records in log.records.items()}
        self.numberings: dict[str, Numbering] = {}
        self.lines: dict[str, Line] = {}

    def state(self, incident: str) -> IncidentState:
        return self.states.get(incident, IncidentState(id=incident))

    def command(self, line: Line, frame: m.CommandFrame) -> None:
        """Decide, append, answer; durable when this returns."""
        incident = frame.incident or incident_id(len(self.log.records) * 7919 + 17)
        state = self.state(incident)
        outcome = m.OutcomeDown(n=frame.n, incident=incident)
        actor = Actor(line.name, Access.COMMANDER)
        at = self.log.tick()
        records: tuple[Record, ...] = ()
        try:
            verdict = decide(state, COMMAND.validate_python(frame.command), actor, at)
        except ValidationError as wrong:
            outcome = outcome.model_copy(update={"reason": "invalid", "words": str(wrong.error_count())})
        else:
            if isinstance(verdict, Refusal):
                outcome = outcome.model_copy(update={"reason": verdict.reason.value, "words": verdict.words})
            else:
                salts = [frame.n.to_bytes(16, "big")] * len(verdict)
                records, after = chain.seal_all(state, verdict, actor, at, line.client, frame.n, salts)
                if records:
                    self.states[incident] = after
                    outcome = outcome.model_copy(update={"seq": records[-1].seq})
                    self.log.records.setdefault(incident, []).extend(records)
        self.log.outcomes.setdefault(line.client, {})[frame.n] = outcome
        follows = incident in line.follows
        for other in list(self.lines.values()):
            if records and incident in other.follows:
                head = records[-1].seq
                other.send(encode_events(incident, records, records[0].previous, head))
        if not records or not follows:
            line.send(encode(outcome))
        if records and records[-1].tag == "entry-redacted":
            self._redact(incident, frame.command["entry"])

    def _redact(self, incident: str, entry: int) -> None:
        """Erase the payload of an entry on disk, and everywhere."""
        records = self.log.records[incident]
        records[entry - 1] = replace(records[entry - 1], payload=None, salt=None)
        self.states[incident] = fold(records)
        for other in list(self.lines.values()):
            if incident in other.follows:
                other.snapshot(incident, "redacted")


class Line:
    """One connection. `send` takes bytes for a text frame, `send_binary` for a binary one."""

    def __init__(
        self, server: ModelServer, name: str, send: Callable[[bytes], None], send_binary: Callable[[bytes], None]
    ) -> None:
        self.server = server
        self.name = name
        self.send = send
        self.send_binary = send_binary
        self.client = ""
        self.follows: set[str] = set()

    def hear(self, data: bytes) -> None:  # noqa: C901
        frame = decode_up(data)
        server, log = self.server, self.server.log
        if not self.client:
            if isinstance(frame, m.Hello):
                self._hello(frame)
            return
        numbering = server.numberings[self.client]
        match frame:
            case m.CommandFrame():
                match numbering.take(frame.n):
                    case Take.NEW:
                        server.command(self, frame)
                    case Take.REPEAT:
                        self.send(encode(log.outcomes[self.client][frame.n]))
                    case Take.GAP:
                        self.send(encode(m.Resend(n=numbering.expected)))
            case m.Confirm():
                numbering.confirm(frame.n)
                log.floors[self.client] = numbering.floor
                kept = log.outcomes.get(self.client, {})
                log.outcomes[self.client] = {n: one for n, one in kept.items() if n > numbering.floor}
            case m.Subscribe():
                self._subscribe(frame.position)
            case m.Unsubscribe():
                self.follows.discard(frame.incident)
            case m.Ping():
                self.send(encode(m.Pong(at=frame.at)))
            case m.Request():
                self.send(encode(m.Response(id=frame.id, ok=True, result={"method": frame.method, **frame.params})))
            case m.Lobby():
                self.send(encode(m.Incidents(whole=True, lines=[self._lobby(key) for key in log.records])))

    def _hello(self, frame: m.Hello) -> None:
        server, log = self.server, self.server.log
        self.client = frame.client
        server.lines[frame.client] = self
        kept = log.outcomes.get(frame.client, {})
        numbering = server.numberings.setdefault(
            frame.client, Numbering(log.floors.get(frame.client, 0), max(kept, default=0))
        )
        welcome = m.Welcome(
            server="model",
            epoch=log.epoch,
            session=f"s{id(self)}",
            name=self.name,
            access="commander",
            now=log.at.isoformat(),
            limits=self.server.limits,
            floor=numbering.floor,
            known=tuple(kept[n] for n in sorted(kept)),
        )
        numbering.opened(frame.first)
        self.send(encode(welcome))

    def _subscribe(self, position: m.Position) -> None:
        records = self.server.log.records.get(position.incident)
        if records is None:
            self.send(encode(m.Closed(incident=position.incident, reason="not-found", words="there is none")))
            return
        self.follows.add(position.incident)
        seq = position.seq
        good = 0 < seq <= len(records) and records[seq - 1].hash.hex() == position.hash
        if position.epoch == self.server.log.epoch and good:
            tail = records[seq:]
            self.send(encode_events(position.incident, tail, records[seq - 1].hash, len(records)))
        elif seq == 0 and len(records) <= self.server.snapshot_after:
            self.send(encode_events(position.incident, records, GENESIS, len(records)))
        else:
            reason = "new" if not seq else "epoch" if position.epoch != self.server.log.epoch else "mismatch"
            self.snapshot(position.incident, reason)

    def snapshot(self, incident: str, reason: str) -> None:
        """Send the whole state, in parts."""
        state = self.server.states[incident]
        data = snapshot.encode(state)
        parts = [data[i : i + self.server.part] for i in range(0, len(data), self.server.part)]
        header = m.SnapshotHeader(
            incident=incident,
            epoch=self.server.log.epoch,
            seq=state.seq,
            hash=state.head_hash.hex(),
            size=len(data),
            parts=len(parts),
            head=state.seq,
        )
        self.send(encode(header.model_copy(update={"reason": reason})))
        for part in parts:
            self.send_binary(part)

    def _lobby(self, incident: str) -> m.LobbyLine:
        state = self.server.states[incident]
        return m.LobbyLine(
            incident=incident, seq=state.seq, title=state.title, severity=state.severity, status=state.status
        )

    def close(self) -> None:
        if self.server.lines.get(self.client) is self:
            del self.server.lines[self.client]
