"""The relay: many people look at the same thing, its source is asked once.

Invariant: the questions asked of a source depend on the distinct panels, tails and questions, and never on how many
people look at them. What the relay holds is bounded by `Habits`, and it holds nothing of a panel nobody watches.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from warroom.telemetry import errors
from warroom.telemetry.ask_limits import Caps, OverCap
from warroom.telemetry.backend import Backend, SourceState
from warroom.telemetry.cache import Answers
from warroom.telemetry.clock import Clock, SystemClock
from warroom.telemetry.counters import Counters
from warroom.telemetry.panel import Panel
from warroom.telemetry.prometheus_data import Matrix
from warroom.telemetry.ranges import encoded, ranged
from warroom.telemetry.series import Frame
from warroom.telemetry.tails import Reader, Tails
from warroom.telemetry.watch import Habits, PanelWatch, Parcel, RangeSource, Subscriber

__all__ = ["NOBODY", "By", "Habits", "Parcel", "RangeSource", "Relay", "Subscriber", "UnknownSource"]

LIVE, PAST, LONG_PAST = 2.0, 30.0, 120.0
"""Seconds for which an answer is shared: about a range that ends now, a minute ago, an hour ago."""

Call = Callable[[Any], Awaitable[bytes]]
Around = Callable[[str, str, Call], Call]

_LOG = logging.getLogger(__name__)


def _as_it_is(_source: str, _kind: str, call: Call) -> Call:
    return call


class UnknownSource(ValueError):
    """A panel names a source that the settings do not have."""


@dataclass(frozen=True, slots=True)
class By:
    """Who asks, and for which room: what the caps count by."""

    person: str = ""
    room: str = ""


NOBODY = By()


class _PanelSource:
    """What a panel's questions go through."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def range(self, query: str, start: float, end: float, step: float) -> Matrix:
        return await self._backend.call("panel", lambda client: ranged(client)(query, start, end, step), panel=True)


class Relay:
    """`sources` are clients by the name that panels and questions call them by. Use as an async context manager, or
    call `close` at the end. Belongs to one event loop.
    """

    def __init__(
        self,
        sources: Mapping[str, Any],
        *,
        clock: Clock | None = None,
        habits: Habits | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self.counters = Counters()
        self.around: Around = _as_it_is
        """Put around each question that is really asked, once: the question's source, kind and call."""
        self._clock = clock or SystemClock()
        self._habits = habits or Habits()
        self._chance = chance or random.Random()  # noqa: S311 (jitter, no secret)
        self._watches: dict[str, PanelWatch] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._backends = {
            name: Backend(
                name,
                client,
                clock=self._clock,
                counters=self.counters,
                at_once=self._habits.explore_at_once,
                waiting=self._habits.explore_waiting,
                back=self._back,
            )
            for name, client in sources.items()
        }
        self._answers = Answers(self._clock, entries=self._habits.kept_answers, size=self._habits.kept_bytes)
        self._caps = Caps(self._clock, self._habits.person, self._habits.room)
        self._tails = Tails(clock=self._clock, habits=self._habits.tails, counters=self.counters, chance=self._chance)

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

    async def explore(self, source: str, query: str, start: float, end: float, step: float, by: By = NOBODY) -> bytes:
        """One question outside of any panel: values at `start`, `start + step` ... up to `end`, as `encode` says them.

        Raises UnknownSource, TooHeavy when too many are asked at the same time or the answer has too many series
        to draw, and any other TelemetryError.
        """
        start, end, step = round(start, 3), round(end, 3), round(step, 3)
        if not (step >= 0.001 and end >= start):
            raise errors.BadQuery(
                "a range needs a step of at least a millisecond and an end that is not before its start"
            )
        legend_of = Panel(title=query, expr=query, source=source).legend_of

        async def ask(client: Any) -> bytes:
            matrix = await ranged(client)(query, start, end, step)
            return await encoded(
                matrix,
                start=start,
                step=step,
                count=int((end - start) / step + 1e-9) + 1,
                max_series=self._habits.explore_series,
                legend_of=legend_of,
            )

        key = query, start, end, step
        return await self.ask(source, "explore", key, self.freshness(end), ask, by)

    async def ask(
        self,
        source: str,
        kind: str,
        key: Hashable,
        fresh: float,
        ask: Callable[[Any], Awaitable[bytes]],
        by: By = NOBODY,
    ) -> bytes:
        """The answer to a question of any kind, as JSON. `kind` is a word of the code, `key` all that tells it from
        others of its kind, `fresh` how long (seconds) an equal question gets the same answer; 0 for what changes
        something. `ask` gets the source's client.

        Raises UnknownSource, or a TelemetryError: Paused while the source is left alone, TooHeavy over a cap.
        """
        backend = self.backend(source)
        ask = self.around(source, kind, ask)
        whole = source, kind, key
        if fresh <= 0:
            with self._capped(by):
                body = await backend.call(kind, ask)
            self._answers.forget(source)
            return body
        how = self._answers.how(whole)
        if how != "asked":
            self.counters.shared[source, how] += 1
            return await self._answers.get(whole, fresh, lambda: backend.call(kind, ask))
        with self._capped(by):
            return await self._answers.get(whole, fresh, lambda: backend.call(kind, ask))

    def freshness(self, end: float) -> float:
        """Seconds for which the answer about a range that ends at `end` may be shared: what is past does not change."""
        age = self._clock.now() - end
        return LIVE if age < 60.0 else PAST if age < 3600.0 else LONG_PAST

    def backend(self, name: str) -> Backend:
        """The server of that name. Raises UnknownSource."""
        try:
            return self._backends[name]
        except KeyError:
            known = ", ".join(sorted(self._backends)) or "none"
            raise UnknownSource(f"there is no telemetry source {name!r}; the settings have: {known}") from None

    def has(self, name: str) -> bool:
        """Whether the settings have a source of that name."""
        return name in self._backends

    async def sources(self) -> tuple[SourceState, ...]:
        """How each server is; those that do not answer cost a few seconds at most, all together."""
        return tuple(await asyncio.gather(*(backend.look() for backend in self._backends.values())))

    def tail(self, source: str, query: str, reader: Reader) -> None:
        """Let `reader` follow the new lines of a query. Raises UnknownSource, TooHeavy, BadQuery."""
        self._tails.join(self.backend(source), query, reader)

    def untail(self, source: str, query: str, reader: Reader) -> None:
        """It follows that query no longer."""
        self._tails.leave(source, query, reader)

    def metrics(self) -> str:
        """The relay's own metrics in Prometheus's text format."""
        self.counters.panels = len(self._watches)
        self.counters.watchers = sum(len(watch.subscribers) for watch in self._watches.values())
        self.counters.tails, self.counters.tail_readers = self._tails.count()
        self.counters.cache_bytes = self._answers.size
        self.counters.open_breakers = {
            name: int(backend.breaker.state != "closed") for name, backend in self._backends.items()
        }
        return self.counters.exposition()

    async def close(self) -> None:
        """Stop asking. Open questions are abandoned, not waited for."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._tails.close()
        await self._answers.close()
        for backend in self._backends.values():
            await backend.close()

    @contextmanager
    def _capped(self, by: By) -> Iterator[None]:
        try:
            with self._caps.taken(by.person, by.room):
                yield
        except OverCap:
            self.counters.over_cap += 1
            raise

    def _back(self, source: str) -> None:
        """A source answers again: whoever waits for a later try, tries now."""
        for panel_id, watch in self._watches.items():
            if watch.panel.source == source and watch.trouble is not None and watch.waiting:
                self._tasks[panel_id].cancel()
                self._start(watch)
        self._tails.wake(source)

    def _open(self, panel: Panel) -> PanelWatch:
        source = _PanelSource(self.backend(panel.source))
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
