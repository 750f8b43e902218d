"""Loss, repeats, swaps, reconnects, crashes and restarts, interleaved at random: nothing changes the outcome.

WARROOM_INTERLEAVINGS is how many are tried, a thousand unless set.
"""

from __future__ import annotations

import os
import random
from collections import deque
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.faults import Oracle
from tests.model_server import Line, Log, ModelServer
from warroom.incident import snapshot
from warroom.incident.decode import fold
from warroom.incident.ids import incident_id
from warroom.incident.state import IncidentState
from warroom.wire import effects as x
from warroom.wire import messages as m
from warroom.wire.codec import decode_down, encode
from warroom.wire.session import At, ClientSession

INCIDENT = incident_id(17)
AUTHORS = ("jana", "omar", "wei")


class Author:
    """A client without I/O: a session, a replica, and what of it would be on disk."""

    def __init__(self, name: str, oracle: Oracle) -> None:
        self.name = name
        self.oracle = oracle
        self.client = f"client-{name}"
        self.disk: dict[int, m.CommandFrame] = {}
        self.next_n = 1
        self.kept: tuple[At, IncidentState] = (At(), IncidentState())
        self.up: deque[bytes] = deque()
        self.down: deque[tuple[bool, bytes]] = deque()
        self.line: Line | None = None
        self.said: list[str] = []
        self.dropped = False
        self.start()

    def start(self) -> None:
        """The process starts from what is on disk."""
        self.session = ClientSession(self.client, next_n=self.next_n, pending=self.disk.values())
        at, self.state = self.kept
        self.session.follow(INCIDENT, at)

    def act(self, effects: list[x.Effect], *, keep_outbox: bool = False) -> None:
        for effect in effects:
            match effect:
                case x.Send(frame):
                    if isinstance(frame, m.CommandFrame):
                        self.oracle.sent.setdefault((self.client, frame.n), self.oracle.clock)
                    self.up.append(encode(frame))
                case x.Answered():
                    self.oracle.ack(self.client, effect.n, effect.incident, effect.seq, effect.reason)
                    assert effect.words or not effect.reason
                    if not keep_outbox:
                        self.disk.pop(effect.n, None)
                case x.Tail():
                    if effect.records:
                        assert effect.records[0].seq == self.state.seq + 1
                    self.state = fold(effect.records, self.state)
                case x.Fresh():
                    self.state = snapshot.decode(effect.data)
                    assert (self.state.seq, self.state.head_hash) == (effect.seq, effect.hash)
                case x.Drop():
                    self.dropped = True
                case x.Rewound():
                    raise AssertionError(effect)
                case x.Say():
                    self.said.append(effect.words)


class Interleavings(RuleBasedStateMachine):
    """Three authors, one room, one server that may die at any moment."""

    @initialize()
    def open(self) -> None:
        self.now = 1000.0
        self.oracle = Oracle()
        self.log = Log()
        self.server = ModelServer(self.log, snapshot_after=3)
        self.authors = [Author(name, self.oracle) for name in AUTHORS]
        first = self.authors[0]
        first.session.unfollow(INCIDENT)
        self.submit_as(first, "", {"type": "declare-incident", "title": "Checkout is slow"})
        self.connect(first)
        self.drain(first)
        assert list(self.log.records) == [INCIDENT]
        first.act(first.session.follow(INCIDENT))

    # -- what can happen ------------------------------------------------------------------------------------------

    def submit_as(self, author: Author, incident: str, command: dict[str, Any]) -> None:
        n = author.next_n
        author.next_n += 1
        author.disk[n] = m.CommandFrame(t="command", n=n, incident=incident, command=command)
        self.oracle.send(author.client, n)
        author.act(author.session.submit(incident, command, self.now))

    @rule(who=st.integers(0, 2), what=st.integers(0, 4), number=st.integers(1, 3))
    def submit(self, who: int, what: int, number: int) -> None:
        author = self.authors[who]
        commands: list[dict[str, Any]] = [
            {"type": "add-note", "text": f"{author.name} {author.next_n}"},
            {"type": "add-task", "title": f"{author.name} {author.next_n}"},
            {"type": "finish-task", "task": number},
            {"type": "change-severity", "severity": f"SEV{number}"},
            {"type": "change-status", "status": "identified"},
        ]
        self.submit_as(author, INCIDENT, commands[what])

    def connect(self, author: Author) -> None:
        if author.line is None:
            author.line = Line(
                self.server,
                author.name,
                lambda data: author.down.append((False, data)),
                lambda data: author.down.append((True, data)),
            )
            author.act(author.session.connected(self.now))

    @rule(who=st.integers(0, 2))
    def reconnect(self, who: int) -> None:
        self.connect(self.authors[who])

    @rule(who=st.integers(0, 2))
    def cut(self, who: int) -> None:
        author = self.authors[who]
        if author.line is not None:
            author.line.close()
            author.line = None
        author.up.clear()
        author.down.clear()
        author.session.disconnected()

    @rule(who=st.integers(0, 2), count=st.integers(1, 6))
    def deliver_up(self, who: int, count: int) -> None:
        author = self.authors[who]
        for _ in range(count):
            if author.up and author.line is not None:
                author.line.hear(author.up.popleft())

    @rule(who=st.integers(0, 2), count=st.integers(1, 6))
    def deliver_down(self, who: int, count: int) -> None:
        author = self.authors[who]
        for _ in range(count):
            self.take_down(author)

    def take_down(self, author: Author, *, keep_outbox: bool = False) -> None:
        if not author.down:
            return
        binary, data = author.down.popleft()
        if binary:
            author.act(author.session.heard_binary(data, self.now))
            return
        frame = decode_down(data)
        assert frame is not None
        author.act(author.session.heard(frame, self.now), keep_outbox=keep_outbox)
        if author.dropped:
            author.dropped = False
            self.cut(self.authors.index(author))

    @rule(who=st.integers(0, 2), seed=st.integers(0, 2**16))
    def swap_up(self, who: int, seed: int) -> None:
        self.meddle(self.authors[who], seed, "swap")

    @rule(who=st.integers(0, 2), seed=st.integers(0, 2**16))
    def repeat_up(self, who: int, seed: int) -> None:
        self.meddle(self.authors[who], seed, "repeat")

    @rule(who=st.integers(0, 2), seed=st.integers(0, 2**16))
    def lose_up(self, who: int, seed: int) -> None:
        self.meddle(self.authors[who], seed, "lose")

    def meddle(self, author: Author, seed: int, what: str) -> None:
        """Do it to the commands on their way up; what introduces the connection stays first."""
        rng = random.Random(seed)
        places = [i for i, frame in enumerate(author.up) if b'"t":"command"' in frame]
        if not places:
            return
        one, other = rng.choice(places), rng.choice(places)
        if what == "swap":
            author.up[one], author.up[other] = author.up[other], author.up[one]
        elif what == "repeat":
            author.up.insert(other, author.up[one])
        else:
            del author.up[one]

    @rule(who=st.integers(0, 2), seed=st.integers(0, 2**16), repeat=st.booleans())
    def meddle_down(self, who: int, seed: int, repeat: bool) -> None:
        """Events and outcomes on their way down are lost or repeated."""
        author = self.authors[who]
        rng = random.Random(seed)
        kinds = (b'"t":"events"', b'"t":"outcome"')
        places = [i for i, (_, frame) in enumerate(author.down) if any(kind in frame[:40] for kind in kinds)]
        if places:
            place = rng.choice(places)
            if repeat:
                author.down.insert(rng.choice(places), author.down[place])
            else:
                del author.down[place]

    @rule()
    def restart_server(self) -> None:
        for who in range(3):
            self.cut(who)
        self.server = ModelServer(self.log, snapshot_after=3)

    @rule(who=st.integers(0, 2))
    def keep_replica(self, who: int) -> None:
        author = self.authors[who]
        author.kept = author.session.positions[INCIDENT], author.state

    @rule(who=st.integers(0, 2), between=st.booleans())
    def crash_client(self, who: int, between: bool) -> None:
        """kill -9, also between applying an answer and taking the command off the outbox."""
        author = self.authors[who]
        if between:
            self.take_down(author, keep_outbox=True)
        self.cut(who)
        author.start()

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 11.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += min(seconds, 7.0)
        for who, author in enumerate(self.authors):
            effects = author.session.tick(self.now)
            if any(isinstance(effect, x.Drop) for effect in effects):
                self.cut(who)
            else:
                author.act(effects)

    # -- and in the end ------------------------------------------------------------------------------------------

    def drain(self, author: Author) -> None:
        while author.up or author.down:
            while author.up:
                assert author.line is not None
                author.line.hear(author.up.popleft())
            self.take_down(author)

    def teardown(self) -> None:
        if not hasattr(self, "authors"):
            return
        for _ in range(8):
            for who in range(3):
                self.connect(self.authors[who])
            for author in self.authors * 2:
                self.drain(author)
            self.now += 4.0
            for author in self.authors:
                author.act(author.session.tick(self.now))
        for author in self.authors:
            self.drain(author)
        self.check()

    def check(self) -> None:
        self.oracle.check(self.log.records, [author.state for author in self.authors])
        truth = fold(self.log.records[INCIDENT])
        for author in self.authors:
            assert author.session.pending == {}
            assert (author.state.seq, author.state.head_hash) == (truth.seq, truth.head_hash)
            assert snapshot.encode(author.state) == snapshot.encode(truth)
            assert author.said == []
            answered = {n for client, n in self.oracle.acked if client == author.client}
            assert answered == set(range(1, author.next_n))
            notes = [entry.text for entry in truth.timeline if entry.kind == "note-added"]
            own = [int(text.rsplit(" ", 1)[1]) for text in notes if text.startswith(author.name)]
            assert own == sorted(set(own))


Interleavings.TestCase.settings = settings(
    max_examples=int(os.environ.get("WARROOM_INTERLEAVINGS", "1000")),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestInterleavings = Interleavings.TestCase
