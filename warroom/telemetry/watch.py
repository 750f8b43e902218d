"""The life of one watched panel: ask, tell what changed, and say so when it goes wrong.

Invariant: at most one question is open per panel, and one is asked per interval, however many people watch.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeAlias

from warroom.telemetry import errors
from warroom.telemetry.ask_limits import PERSON, ROOM, Cap
from warroom.telemetry.breaker import Paused
from warroom.telemetry.clock import Clock
from warroom.telemetry.counters import Counters
from warroom.telemetry.panel import Panel
from warroom.telemetry.prometheus_data import Matrix
from warroom.telemetry.series import Frame, Full, Last, Recovered, Trouble, apply, encode
from warroom.telemetry.tails import TAILS, TailHabits
from warroom.telemetry.window import delta_of, full_of, without_dead

_LOG = logging.getLogger(__name__)
_MOST_LAST = 20


class RangeSource(Protocol):
    """What the relay needs of a telemetry server."""

    async def range(self, query: str, start: float, end: float, step: float) -> Matrix:
        """See `Prometheus.range`."""


@dataclass(frozen=True)
class Parcel:
    """A frame for all watchers, encoded once, when the first of them wants its bytes."""

    frame: Frame

    @property
    def panel_id(self) -> str:
        """The panel it tells of."""
        return self.frame.panel_id

    @cached_property
    def body(self) -> bytes:
        """The frame as JSON."""
        return encode(self.frame)


Subscriber: TypeAlias = Callable[[Parcel], None]
"""Must return at once and not raise; one that raises is dropped."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How the relay behaves; all times are seconds.

    `grace`: how long a panel is kept up to date after its last watcher left. `overlap`: how far back a tail
    question reaches, for samples that come late. `resync`: how often the whole window is asked for instead of the
    tail, so that anything older that changed is noticed too. `retry_first`, `retry_most`: pauses after failures.
    `explore_at_once`, `explore_waiting`: questions outside of panels to one server at a time, and those that wait.
    `person`, `room`: what one of them may ask. `kept_answers`, `kept_bytes`: answers that are shared while fresh.
    """

    grace: float = 30.0
    overlap: float = 5.0
    resync: float = 300.0
    retry_first: float = 1.0
    retry_most: float = 15.0
    retry_refused: float = 60.0
    max_panels: int = 500
    max_series: int = 50
    explore_at_once: int = 4
    explore_waiting: int = 64
    explore_series: int = 1000
    person: Cap = PERSON
    room: Cap = ROOM
    kept_answers: int = 1000
    kept_bytes: int = 64 * 1024 * 1024
    tails: TailHabits = TAILS


class PanelWatch:
    """One distinct panel and those who watch it."""

    def __init__(
        self,
        panel: Panel,
        source: RangeSource,
        *,
        clock: Clock,
        habits: Habits,
        counters: Counters,
        chance: random.Random,
    ) -> None:
        self.panel = panel
        self.subscribers: dict[Subscriber, None] = {}
        self.window: Full | None = None
        self.trouble: Trouble | None = None
        self.waiting = False
        self._parcel: Parcel | None = None
        self._source = source
        self._clock = clock
        self._habits = habits
        self._counters = counters
        self._chance = chance
        self._rev = 0
        self._newest: int | None = None
        self._resync_at = 0.0
        self._idle_since: float | None = None

    def join(self, subscriber: Subscriber) -> None:
        """Tell a newcomer at once what is known, and everything from now on. Joining twice tells it again."""
        self.subscribers[subscriber] = None
        self._idle_since = None
        if self.window is not None:
            # Many newcomers to the same window share one encoding.
            self._parcel = self._parcel or Parcel(self.window)
            self._deliver(self._parcel, (subscriber,))
        if self.trouble is not None:
            self._deliver(Parcel(self.trouble), (subscriber,))

    def leave(self, subscriber: Subscriber) -> None:
        """Tell it nothing any more."""
        self.subscribers.pop(subscriber, None)
        if not self.subscribers:
            self._idle_since = self._clock.monotonic()

    @property
    def idle(self) -> bool:
        """Whether nobody watches."""
        return not self.subscribers

    async def run(self) -> None:
        """Ask and tell, until nobody has watched for the grace period."""
        while True:
            if self._idle_since is not None and self._clock.monotonic() >= self._idle_since + self._habits.grace:
                return
            pause = await self.tick()
            self.waiting = True
            await self._clock.wait(pause)
            self.waiting = False

    async def tick(self) -> float:
        """One question when a new column is due. Returns the seconds to wait before the next."""
        asked_at = self._clock.now()
        newest = self.panel.column_at(asked_at)
        if self.trouble is None and newest == self._newest:
            return self._until_next()
        try:
            frames = await self._ask(newest)
        except errors.TelemetryError as failed:
            return self._failed(failed, asked_at)
        except Exception:
            _LOG.exception("panel %s: the relay could not follow an answer", self.panel.id)
            return self._failed(errors.Protocol("the relay could not follow the answer; see its log"), asked_at)
        self._recovered()
        for frame in frames:
            self._tell(Parcel(frame))
        return self._until_next()

    async def _ask(self, newest: int) -> list[Frame]:
        """The frames that follow from one question; the state is changed only when it was answered."""
        now = self._clock.monotonic()
        full = self._known(newest)
        if full is None or self._newest is None or now >= self._resync_at:
            oldest = newest - self.panel.columns + 1
            self._resync_at = now + self._habits.resync
        else:
            back = max(1, round(self._habits.overlap / self.panel.step))
            oldest = max(self._newest + 1 - back, newest - self.panel.columns + 1)
        matrix = await self._query(oldest, newest)
        self._newest = newest
        if full is None:
            return [self._keep(full_of(self.panel, matrix, newest, self._rev + 1, self._habits.max_series))]
        delta = delta_of(self.panel, full, matrix, oldest, newest, self._habits.max_series)
        if delta is None:
            return []
        after = apply(full, delta)
        living = without_dead(after)
        self._keep(living)
        return [delta if living is after else living]

    def _known(self, newest: int) -> Full | None:
        """The window to build on, or None when it must be asked for anew: at first, after a failure, when the
        clock went back, when nothing of the window is left.
        """
        if self.window is None or self.trouble is not None or self._newest is None:
            return None
        if not self._newest <= newest < self._newest + self.panel.columns:
            return None
        return self.window

    async def _query(self, oldest: int, newest: int) -> Matrix:
        panel = self.panel
        return await self._source.range(panel.expr, panel.time_of(oldest), panel.time_of(newest), panel.step)

    def _keep(self, full: Full) -> Full:
        self._rev = full.rev
        self.window, self._parcel = full, None
        return full

    def _until_next(self) -> float:
        now = self._clock.now()
        return self.panel.time_of(self.panel.column_at(now) + 1) - now

    def _failed(self, failed: errors.TelemetryError, asked_at: float) -> float:
        attempts = self.trouble.attempts + 1 if self.trouble else 1
        pause = self._pause(failed, attempts)
        self.trouble = Trouble(
            panel_id=self.panel.id,
            source=self.panel.source,
            reason=failed.reason,
            message=failed.last_words if isinstance(failed, Paused) else str(failed),
            since=self.trouble.since if self.trouble else asked_at,
            attempts=attempts,
            retry_at=round(self._clock.now() + pause, 3),
            last=self._last(),
        )
        self._tell(Parcel(self.trouble))
        return pause

    def _pause(self, failed: errors.TelemetryError, attempts: int) -> float:
        """Twice as long each time, up to the most; jitter keeps the panels of a dead source from marching in step.
        A refused question is not asked again soon: only the data or the server's rights can change that.
        """
        habits = self._habits
        if isinstance(failed, Paused):
            return failed.wait * self._chance.uniform(1.0, 1.2)
        most = habits.retry_most
        if isinstance(failed, errors.BadQuery | errors.Denied | errors.TooHeavy):
            most = habits.retry_refused
        pause = min(most, habits.retry_first * 2.0 ** min(attempts - 1, 30))
        return pause * self._chance.uniform(0.5, 1.0)

    def _last(self) -> tuple[Last, ...]:
        if self.window is None:
            return ()
        known = ((series.legend, series.last) for series in self.window.series)
        return tuple(Last(legend, *last) for legend, last in known if last is not None)[:_MOST_LAST]

    def _recovered(self) -> None:
        trouble, self.trouble = self.trouble, None
        if trouble is not None:
            now = self._clock.now()
            frame = Recovered(trouble.panel_id, trouble.source, trouble.since, now, trouble.attempts)
            self._tell(Parcel(frame))

    def _tell(self, parcel: Parcel) -> None:
        self._deliver(parcel, tuple(self.subscribers))

    def _deliver(self, parcel: Parcel, receivers: tuple[Subscriber, ...]) -> None:
        for receiver in receivers:
            try:
                receiver(parcel)
            except Exception:
                _LOG.exception("a watcher of panel %s failed and was dropped", self.panel.id)
                self._counters.broken_subscribers += 1
                self.leave(receiver)
        if receivers:
            self._counters.sent(type(parcel.frame).__name__.lower(), len(parcel.body), len(receivers))
