"""The relay: many people watch a panel, its source is asked once.

Invariant: the questions asked of a source depend on the distinct panels that are watched, and never on how many
people watch them. What the relay holds is bounded by `Habits`, and it holds nothing of a panel nobody watches.
"""

import asyncio
import logging
import random
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from warroom.telemetry import errors
from warroom.telemetry.clock import Clock, SystemClock
from warroom.telemetry.counters import Counters
from warroom.telemetry.panel import Panel
from warroom.telemetry.series import Frame, Full
from warroom.telemetry.watch import Habits, PanelWatch, Parcel, RangeSource, Subscriber
from warroom.telemetry.window import on_grid

__all__ = ["Habits", "Parcel", "RangeSource", "Relay", "Subscriber", "UnknownSource"]

_LOG = logging.getLogger(__name__)


class UnknownSource(ValueError):
    """A panel names a source that the settings do not have."""


class Relay:
    """Use as an async context manager, or call `close` at the end. Belongs to one event loop."""

    def __init__(
        self,
        sources: Mapping[str, RangeSource],
        *,
        clock: Clock | None = None,
        habits: Habits | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self.counters = Counters()
        self._sources = dict(sources)
        self._clock = clock or SystemClock()
        self._habits = habits or Habits()
        self._chance = chance or random.Random()  # noqa: S311 (jitter, no secret)
        self._watches: dict[str, PanelWatch] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._exploring = asyncio.Semaphore(self._habits.explore_at_once)
        self._explore_waiting = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def watch(self, panel: Panel, subscriber: Subscriber) -> str:
        """Send `subscriber` what happens to the panel, from what is known of it at once. Returns the panel's id.

        Watching twice with an equal subscriber counts once and sends the window again, which is how a reader
        that lost a frame catches up. Raises UnknownSource; TooHeavy when too many panels are watched already.
        """
        watch = self._watches.get(panel.id)
        if watch is None:
            watch = self._open(panel)
        watch.join(subscriber)
        return panel.id

    def unwatch(self, panel_id: str, subscriber: Subscriber) -> None:
        """Send it nothing of that panel any more. Unknown ones are no error: a panel may have ended."""
        watch = self._watches.get(panel_id)
        if watch is not None:
            watch.leave(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """Unwatch every panel, when a connection ends."""
        for watch in self._watches.values():
            watch.leave(subscriber)

    def state(self, panel_id: str) -> tuple[Frame, ...]:
        """What a newcomer would be told now: the window and the trouble, as far as there are any."""
        watch = self._watches.get(panel_id)
        known = (watch.window, watch.trouble) if watch is not None else ()
        return tuple(frame for frame in known if frame is not None)

    async def explore(self, source: str, query: str, start: float, end: float, step: float) -> Full:
        """One question outside of any panel: values at `start`, `start + step` ... up to `end`.

        Raises UnknownSource, TooHeavy when too many are asked at the same time or the answer has too many series
        to draw, and any other TelemetryError.
        """
        upstream = self._source(source)
        start, end, step = round(start, 3), round(end, 3), round(step, 3)
        if not (step >= 0.001 and end >= start):
            raise errors.BadQuery(
                "a range needs a step of at least a millisecond and an end that is not before its start"
            )
        if self._exploring.locked() and self._explore_waiting >= self._habits.explore_waiting:
            raise errors.TooHeavy(f"{self._explore_waiting} questions are waiting already; ask again in a moment")
        self._explore_waiting += 1
        try:
            await self._exploring.acquire()
        finally:
            self._explore_waiting -= 1
        began, outcome = self._clock.monotonic(), "broken"
        try:
            matrix = await upstream.range(query, start, end, step)
            outcome = "ok"
        except errors.TelemetryError as failed:
            outcome = failed.reason
            raise
        finally:
            self._exploring.release()
            self.counters.asked("explore", outcome, self._clock.monotonic() - began)
        naming = Panel(title=query, expr=query, source=source)
        return on_grid(
            matrix,
            panel_id="",
            rev=0,
            start=start,
            step=step,
            count=int((end - start) / step + 1e-9) + 1,
            max_series=self._habits.explore_series,
            legend_of=naming.legend_of,
        )

    def metrics(self) -> str:
        """The relay's own metrics in Prometheus's text format."""
        self.counters.panels = len(self._watches)
        self.counters.watchers = sum(len(watch.subscribers) for watch in self._watches.values())
        return self.counters.exposition()

    async def close(self) -> None:
        """Stop asking. Open questions are abandoned, not waited for."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _source(self, name: str) -> RangeSource:
        try:
            return self._sources[name]
        except KeyError:
            known = ", ".join(sorted(self._sources)) or "none"
            raise UnknownSource(f"there is no telemetry source {name!r}; the settings have: {known}") from None

    def _open(self, panel: Panel) -> PanelWatch:
        source = self._source(panel.source)
        if len(self._watches) >= self._habits.max_panels:
            self._make_room()
        watch = PanelWatch(
            panel,
            source,
            clock=self._clock,
            habits=self._habits,
            counters=self.counters,
            chance=self._chance,
        )
        self._watches[panel.id] = watch
        self._start(watch)
        return watch

    def _start(self, watch: PanelWatch) -> None:
        panel_id = watch.panel.id
        task = asyncio.get_running_loop().create_task(watch.run(), name=f"telemetry-{panel_id}")
        self._tasks[panel_id] = task
        task.add_done_callback(lambda ended: self._ended(watch, ended))

    def _make_room(self) -> None:
        """Give up a panel that is kept only for its grace period."""
        for panel_id, watch in self._watches.items():
            if watch.idle:
                self._tasks[panel_id].cancel()
                del self._watches[panel_id], self._tasks[panel_id]
                return
        raise errors.TooHeavy(f"{self._habits.max_panels} panels are watched already, which is the most allowed")

    def _ended(self, watch: PanelWatch, task: asyncio.Task[None]) -> None:
        panel_id = watch.panel.id
        if self._tasks.get(panel_id) is not task:
            return
        failed = None if task.cancelled() else task.exception()
        if failed is not None:
            _LOG.error("panel %s is not watched any more", panel_id, exc_info=failed)
        elif not task.cancelled() and not watch.idle:
            # Somebody came between the end of the grace period and this callback.
            self._start(watch)
            return
        del self._watches[panel_id], self._tasks[panel_id]
