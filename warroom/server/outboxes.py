"""What the server knows of each outbox: which number comes next, and the answers not yet confirmed.

Invariant: a command above the floor was taken exactly when its outcome is kept or it is in flight; commands of one
outbox are never in flight for two incidents at once, so they become durable in the order of their numbers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from warroom.store.port import EventStore, Outcome
from warroom.wire.messages import OutcomeDown
from warroom.wire.numbering import Numbering, Take


class Holder(Protocol):
    """The connection that an outbox is on at present."""

    def tell(self, outcome: Outcome) -> None: ...
    def ask_again(self, n: int) -> None: ...
    def warn(self, words: str) -> None: ...
    def drop(self) -> None:
        """Cut the connection: what it comes back to is read from the store."""
        ...


class Outbox:
    """One client id. `holder` is its present connection, None while it has none."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.numbering = Numbering()
        self.outcomes: dict[int, Outcome] = {}
        self.in_flight: set[int] = set()
        self.target: object = None
        self.holder: Holder | None = None
        self.holders = 0
        self.stalled_at = 0.0
        self.loaded = False
        self.lock = asyncio.Lock()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._forgetting = 0

    async def load(self, store: EventStore) -> None:
        """Read what is kept, once."""
        async with self.lock:
            if not self.loaded:
                await self.reload(store)
                self.loaded = True

    async def reload(self, store: EventStore) -> None:
        """Read what is kept: numbers without a gap from the floor on count as taken, in-flight ones too."""
        floor = await store.client_floor(self.client)
        self.outcomes = {outcome.n: outcome for outcome in await store.outcomes(self.client)}
        self.numbering.confirm(floor)
        self._catch_up()

    def expects(self, n: int) -> bool:
        """Whether command `n` would be taken as a new one now."""
        return not self.stalled_at and n == self.numbering.expected and n not in self.outcomes

    def take(self, n: int) -> Take:
        """Judge the number of a command that arrived."""
        if self.stalled_at:
            return Take.WAIT
        taken = self.numbering.take(n)
        if taken is Take.NEW and n in self.outcomes:
            taken = Take.REPEAT
        self._catch_up()
        return taken

    async def turn(self, target: object) -> None:
        """Wait until nothing is in flight for another incident than `target`."""
        while self.in_flight and self.target is not target:
            await self._quiet.wait()

    def sent(self, n: int, target: object) -> None:
        """Command `n` is on its way to be decided by `target`."""
        self.in_flight.add(n)
        self.target = target
        self._quiet.clear()

    def settle(self, outcome: Outcome) -> None:
        """The answer to a command is durable."""
        if outcome.n > self.numbering.floor:
            self.outcomes[outcome.n] = outcome
        self._landed(outcome.n)

    def undo(self, n: int, now: float) -> None:
        """Command `n` was not taken after all (no room on the disk): it and all later ones have to come again."""
        self.numbering.last = max(self.numbering.floor, min(self.numbering.last, n - 1))
        self.stalled_at = self.stalled_at or now
        self._landed(n)

    def abandon(self) -> None:
        """Nobody knows what became of the commands in flight: cut the connection and read anew what is stored."""
        holder, self.holder = self.holder, None
        self.numbering = Numbering()
        self.outcomes = {}
        self.loaded = False
        self.stalled_at = 0.0
        for n in list(self.in_flight):
            self._landed(n)
        if holder is not None:
            holder.drop()

    def retry(self) -> None:
        """Ask for what could not be stored."""
        self.stalled_at = 0.0
        if self.holder is not None:
            self.holder.ask_again(self.numbering.expected)

    def known(self) -> tuple[OutcomeDown, ...]:
        return tuple(down(self.outcomes[n]) for n in sorted(self.outcomes))

    async def confirm(self, n: int, store: EventStore) -> None:
        """The client needs no answers up to `n` any more."""
        self.numbering.confirm(n)
        for old in [kept for kept in self.outcomes if kept <= n]:
            del self.outcomes[old]
        if n > self._forgetting:
            self._forgetting = n
            await store.forget_outcomes(self.client, n)

    @property
    def idle(self) -> bool:
        return not self.holders and not self.in_flight

    def _landed(self, n: int) -> None:
        self.in_flight.discard(n)
        if not self.in_flight:
            self.target = None
            self._quiet.set()

    def _catch_up(self) -> None:
        while self.numbering.expected in self.outcomes or self.numbering.expected in self.in_flight:
            self.numbering.last += 1


class Outboxes:
    """All that are on a connection or have commands in flight."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._boxes: dict[str, Outbox] = {}

    async def claim(self, client: str, owner: str) -> Outbox | None:
        """The outbox, for `owner`; None when it belongs to another name. Give it back with `release`."""
        if await self._store.claim_client(client, owner) != owner:
            return None
        box = self._boxes.setdefault(client, Outbox(client))
        box.holders += 1
        try:
            await box.load(self._store)
        except BaseException:
            self.release(box)
            raise
        return box

    def release(self, box: Outbox) -> None:
        box.holders -= 1
        self.settle(box)

    def settle(self, box: Outbox) -> None:
        """Forget an outbox that nobody holds and that waits for nothing."""
        if box.idle and self._boxes.get(box.client) is box:
            del self._boxes[box.client]

    def stalled(self) -> Iterable[Outbox]:
        return [box for box in self._boxes.values() if box.stalled_at]


def down(outcome: Outcome) -> OutcomeDown:
    """The frame of an outcome."""
    return OutcomeDown(
        n=outcome.n, incident=outcome.incident, seq=outcome.seq, reason=outcome.reason, words=outcome.words
    )
