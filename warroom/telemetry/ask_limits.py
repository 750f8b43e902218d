"""How much one person, and one room, may ask of the servers: so many at once, so many a minute.

Invariant: only questions that reach a server count (a shared or kept answer costs it nothing), and what is remembered
of those who asked is bounded.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from warroom.telemetry.clock import Clock
from warroom.telemetry.errors import TooHeavy

MINUTE = 60.0
_MOST_KNOWN = 5000


@dataclass(frozen=True, slots=True)
class Cap:
    """`at_once` questions on their way together, `a_minute` in any sixty seconds."""

    at_once: int
    a_minute: int


PERSON = Cap(at_once=32, a_minute=300)
ROOM = Cap(at_once=96, a_minute=1500)


@dataclass(slots=True)
class _Use:
    open: int = 0
    asked: deque[float] = field(default_factory=deque)


class OverCap(TooHeavy):
    """More than one person or one room may ask."""


class Caps:
    """Counts by whoever asked; a key is a person or a room, as text."""

    def __init__(self, clock: Clock, person: Cap, room: Cap) -> None:
        self._clock = clock
        self._caps = {"you": person, "this room": room}
        self._uses: OrderedDict[tuple[str, str], _Use] = OrderedDict()

    @contextmanager
    def taken(self, person: str, room: str) -> Iterator[None]:
        """One question, for as long as the context is entered; empty texts are not counted.

        Raises:
            OverCap: one of the two has too many; says which, and when to come again.
        """
        now = self._clock.monotonic()
        uses = [(whose, self._use((whose, key), now)) for whose, key in (("you", person), ("this room", room)) if key]
        for whose, use in uses:
            self._check(whose, use, now)
        for _, use in uses:
            use.open += 1
            use.asked.append(now)
        try:
            yield
        finally:
            for _, use in uses:
                use.open -= 1

    def _check(self, whose: str, use: _Use, now: float) -> None:
        cap, have = self._caps[whose], "have" if whose == "you" else "has"
        if use.open >= cap.at_once:
            raise OverCap(f"{whose} {have} {use.open} questions on their way, the most at a time; wait for an answer")
        if len(use.asked) >= cap.a_minute:
            wait = max(1, round(use.asked[0] + MINUTE - now))
            raise OverCap(f"{whose} {have} asked {cap.a_minute} questions within a minute, the most; wait {wait} s")

    def _use(self, key: tuple[str, str], now: float) -> _Use:
        use = self._uses.get(key)
        if use is None:
            use = self._uses[key] = _Use()
            self._forget()
        self._uses.move_to_end(key)
        while use.asked and use.asked[0] <= now - MINUTE:
            use.asked.popleft()
        return use

    def _forget(self) -> None:
        """Drop the longest unseen of those who have nothing on its way."""
        if len(self._uses) <= _MOST_KNOWN:
            return
        idle = next((key for key, use in self._uses.items() if not use.open), None)
        if idle is not None:
            del self._uses[idle]
