"""When a server does not answer, it is left alone for a while: pure, no network, no tasks.

    closed     questions go through; `FAILURES` failures in a row open it
    open       nothing goes through until `retry_at`; the pause doubles from `FIRST` to `MOST` seconds
    half-open  one question at a time goes through: an answer closes it, a failure opens it again

Invariant: an answer of any kind, also a refusal of the question, counts as life; only silence and "come back later"
count as failure. The states are those of the circuit breaker in M. Nygard, Release It!, 2nd edition, 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from warroom.telemetry.clock import Clock
from warroom.telemetry.errors import NotReady, TelemetryError, Unreachable

State = Literal["closed", "open", "half-open"]

FAILURES = 3
FIRST = 1.0
MOST = 10.0
TURN = 0.5
"""Seconds in which a trial is mostly over."""
TRIAL = 15.0
"""Seconds after which a trial that was never judged (its asker gave up) no longer holds the place."""


class Paused(Unreachable):
    """The server is not asked at present: come again in `wait` seconds. `last_words` are of the failure before."""

    def __init__(self, name: str, since: float, last_words: str, wait: float) -> None:
        at = datetime.fromtimestamp(since, UTC).strftime("%H:%M:%S")
        super().__init__(f"{name} has not answered since {at} UTC and is tried again by itself: {last_words}")
        self.last_words = last_words
        self.wait = wait


@dataclass(frozen=True, slots=True)
class BreakerState:
    """`since` (seconds since the epoch) is when it last came into this state; `words` why it is not closed."""

    state: State
    since: float
    words: str = ""
    retry_at: float = 0.0


class Breaker:
    """One server's. Call `admit` before a question, and `answered` or `failed` after it."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._since = clock.now()
        self._failing_since = 0.0
        self._failures = 0
        self._pause = FIRST
        self._open_until: float | None = None
        self._trial_at: float | None = None
        self._words = ""

    @property
    def state(self) -> State:
        """Where it stands now."""
        if self._open_until is None:
            return "closed"
        return "open" if self._clock.monotonic() < self._open_until else "half-open"

    @property
    def told(self) -> BreakerState:
        """All of it, for people."""
        state = self.state
        if state == "closed":
            return BreakerState(state, self._since)
        left = max(0.0, (self._open_until or 0.0) - self._clock.monotonic())
        return BreakerState(state, self._failing_since, self._words, self._clock.now() + left)

    @property
    def wait(self) -> float:
        """Seconds until a question may go through; 0 when one may now."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._clock.monotonic())

    def admit(self) -> None:
        """Let a question through.

        Raises:
            Paused: the server is left alone, or another question is finding out just now.
        """
        state, now = self.state, self._clock.monotonic()
        if state == "closed":
            return
        trying = self._trial_at is not None and now < self._trial_at + TRIAL
        if state == "open" or trying:
            raise Paused(self._name, self._failing_since, self._words, max(self.wait, TURN))
        self._trial_at = now

    def looks_alive(self) -> None:
        """It says that it is ready: the next question may find out whether it answers."""
        self._trial_at = None

    def answered(self) -> bool:
        """The server said something. Returns whether that closed the breaker."""
        opened = self._open_until is not None
        self._failures, self._pause = 0, FIRST
        self._open_until = self._trial_at = None
        self._words = ""
        if opened:
            self._since = self._clock.now()
        return opened

    def failed(self, error: TelemetryError) -> bool:
        """A question failed. Returns whether the breaker is open now."""
        if isinstance(error, Paused):
            return True
        if not isinstance(error, Unreachable | NotReady):
            self.answered()
            return False
        if not self._failures:
            self._failing_since = self._clock.now()
        self._failures += 1
        self._words = str(error)
        self._trial_at = None
        if self._failures < FAILURES:
            return False
        if self._open_until is None:
            self._since = self._clock.now()
        elif self.state == "half-open":
            self._pause = min(MOST, self._pause * 2)
        self._open_until = max(self._open_until or 0.0, self._clock.monotonic() + self._pause)
        return True
