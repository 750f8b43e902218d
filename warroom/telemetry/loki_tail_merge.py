"""What was heard of a tail, what must be asked for besides, and what is new of either: pure, no network, no clock.

Loki drops lines of a tail when they come faster than the peer takes them. It names some of the dropped ones, and says
nothing of the others; a lost connection loses the rest. So whenever something hints at a loss, a window of time is in
doubt: lines are held back for a moment, the window is asked for by a query, and what the tail had not said is put in.

Invariant: a line that was given out is not given out again, however often the tail and the queries say it; equal
lines (time, labels, text) are told apart by how many of them each side has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from warroom.telemetry.logs import LogLine, Pairs
from warroom.telemetry.loki_read import Frame

Key: TypeAlias = tuple[int, Pairs, str]

_SECOND = 1_000_000_000
_OVERLAP = 2 * _SECOND
"""How far before the newest line heard a window begins: a hint may come later than the loss that it is for."""

_DETECTED = "detected_level"


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds, but for `burst` and `keys`.

    `settle`: quiet after a hint of loss before the window is asked for; `hold`: longest that lines are held back;
    `slack`: how far a window reaches back before the last line heard, since lines may come late and out of order;
    `burst`: lines within `settle` that are a hint by themselves; `tries`: queries before a window is given up;
    `keys`: lines remembered at most.
    """

    settle: float = 0.5
    hold: float = 2.0
    slack: float = 10.0
    burst: int = 500
    tries: int = 5
    keys: int = 200_000
    first_wait: float = 0.5
    longest_wait: float = 15.0


@dataclass(slots=True)
class Doubt:
    """A window from `start` (ns) on. `named` counts the dropped lines that the server named, by their time."""

    start: int
    opened: float
    due: float
    named: Counter[int] = field(default_factory=Counter)
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """What a window gave: all lines that are new, by time, how many of them a query brought, how many nobody has."""

    lines: tuple[LogLine, ...]
    backfilled: int
    lost: int


class Merge:
    """`began` is when the tail was first asked for, in nanoseconds; `at` is monotonic seconds everywhere."""

    def __init__(self, began: int, pace: Pace) -> None:
        self.doubt: Doubt | None = None
        self.newest = began
        self._pace = pace
        self._floor: int | None = None
        self._seen: Counter[Key] = Counter()
        self._again: Counter[Key] = Counter()
        self._held: list[LogLine] = []
        self._connected = self._greeted = False
        self._beat, self._beaten = 0.0, 0
        self._trim_at = 10_000

    @property
    def started(self) -> bool:
        """Whether any line was heard."""
        return self._floor is not None

    def connected(self, at: float) -> None:
        """A connection stands. After a first one, everything since the last line heard is in doubt."""
        if self._connected:
            self._again = Counter(self._seen)
            self._open(self.newest - (int(self._pace.slack * _SECOND) if self.started else 0), at)
        self._connected = True
        self._greeted = False

    def dropped(self) -> tuple[LogLine, ...]:
        """The connection is gone: what was held back is given out, since nobody knows for how long."""
        return self._give()

    def take(self, frame: Frame, at: float) -> tuple[LogLine, ...]:
        """Hear a frame. Returns what may be given out now; nothing while lines are held back."""
        fresh = [line for line in frame.lines if not self._said_before(line)]
        first, self._greeted = not self._greeted, True
        before = self.newest if self.started else None
        for line in fresh:
            self._seen[key_of(line)] += 1
        if fresh:
            self.newest = max(self.newest, fresh[-1].ns) if self.started else fresh[-1].ns
            if self._floor is None:
                self._floor = fresh[0].ns
        self._held += fresh
        if frame.pressed or self._too_many(len(fresh), first, at):
            self._hinted(frame, before, at)
        self._trim()
        return () if self._holding else self._give()

    def window(self, doubt: Doubt, now: int) -> tuple[int, int]:
        """What to ask for, nanoseconds: start, and end which is not in it."""
        return doubt.start, max(now, self.newest, *doubt.named) + 1

    def settled(self, doubt: Doubt, found: Iterable[LogLine], uncounted: int = 0) -> Settled:
        """A query gave all lines of the window but the last `uncounted` ones: what is new, and the doubt is over."""
        have: Counter[Key] = Counter()
        there: Counter[int] = Counter()
        fresh: list[LogLine] = []
        for line in found:
            key = key_of(line)
            have[key] += 1
            there[line.ns] += 1
            if have[key] > self._seen[key]:
                self._seen[key] += 1
                # The tail may be late and say it still.
                self._again[key] += 1
                fresh.append(line)
        lost = uncounted
        if not uncounted:
            lost = sum(max(0, count - there[ns]) for ns, count in doubt.named.items())
        if fresh:
            self.newest = max(self.newest, max(line.ns for line in fresh))
            self._floor = doubt.start if self._floor is None else min(self._floor, fresh[0].ns)
        self.doubt = None
        self._held += fresh
        given = self._give()
        self._trim()
        return Settled(given, len(fresh), lost)

    def put_off(self, doubt: Doubt, at: float) -> Settled:
        """The query failed. It is tried again later, and lines flow meanwhile; after the last try the window is given
        up, and at least the dropped lines that were named are lost.
        """
        doubt.tries += 1
        lost = 0
        if doubt.tries >= self._pace.tries:
            lost = max(1, doubt.named.total())
            self.doubt = None
        else:
            doubt.due = at + min(self._pace.longest_wait, 2.0 ** (doubt.tries - 1))
        return Settled(self._give(), 0, lost)

    @property
    def _holding(self) -> bool:
        return self.doubt is not None and self.doubt.tries == 0

    def _give(self) -> tuple[LogLine, ...]:
        lines, self._held = self._held, []
        lines.sort(key=lambda line: line.ns)
        return tuple(lines)

    def _said_before(self, line: LogLine) -> bool:
        key = key_of(line)
        left = self._again.get(key, 0)
        if left > 1:
            self._again[key] = left - 1
        elif left:
            del self._again[key]
        return left > 0

    def _too_many(self, lines: int, first: bool, at: float) -> bool:
        if first:
            return False
        if at - self._beat > self._pace.settle:
            self._beat, self._beaten = at, 0
        self._beaten += lines
        return self._beaten > self._pace.burst

    def _hinted(self, frame: Frame, before: int | None, at: float) -> None:
        told = [line.ns for line in frame.lines[:1]] + list(frame.dropped)
        known = [] if before is None else [before - _OVERLAP]
        doubt = self._open(min(told + known, default=self.newest), at)
        doubt.named.update(frame.dropped)
        if doubt.tries == 0:
            doubt.due = min(doubt.opened + self._pace.hold, at + self._pace.settle)

    def _open(self, start: int, at: float) -> Doubt:
        if self._floor is not None:
            start = max(start, self._floor)
        if self.doubt is None:
            self.doubt = Doubt(start, at, at + self._pace.settle)
        else:
            self.doubt.start = min(self.doubt.start, start)
        return self.doubt

    def _trim(self) -> None:
        """Forget lines that no window reaches any more."""
        if len(self._seen) < self._trim_at:
            return
        bound = self.newest - int(self._pace.slack * _SECOND)
        if self.doubt is not None:
            bound = min(bound, self.doubt.start)
        if sum(1 for key in self._seen if key[0] >= bound) > self._pace.keys:
            bound = sorted(key[0] for key in self._seen)[-self._pace.keys]
        self._seen = Counter({key: count for key, count in self._seen.items() if key[0] >= bound})
        self._again = Counter({key: count for key, count in self._again.items() if key[0] >= bound})
        self._floor = max(bound, self._floor or 0)
        if self.doubt is not None:
            self.doubt.start = max(self.doubt.start, bound)
        self._trim_at = max(10_000, 2 * len(self._seen))


def key_of(line: LogLine) -> Key:
    """What makes two lines the same one. Loki puts the level that it detects into the labels of a tail's older lines
    and not into those of its live ones, when it does not keep metadata apart.
    """
    labels = line.labels
    if any(name == _DETECTED for name, _ in labels):
        labels = tuple(pair for pair in labels if pair[0] != _DETECTED)
    return line.ns, labels, line.text
