"""Keeps the newest state of the stack at hand, from Docker's events and a look every few seconds.

Invariant: everything that waits does so in threads of its own; `latest` never blocks and never raises, so an event
loop may call it. A machine without Docker is a state like any other: told once, looked at again seldom.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Any, Self

from warroom.bundle.engine import connect, in_words
from warroom.bundle.errors import StackError
from warroom.bundle.life import Stack
from warroom.bundle.look import Onlooker
from warroom.bundle.reading import PROJECT_LABEL, Figures
from warroom.bundle.state import NOT_LOOKED, StackState

_LOG = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds between two looks while an engine answers."""
SELDOM = 30.0
"""Seconds between two looks at a machine without an engine."""
_END_WITHIN = 10.0

# A healthcheck makes three of them each time; a state that follows from it has an event of its own.
_NOISE = ("exec_",)


class StackWatch:
    """Call `start`, then `latest` as often as you like, and `close` at the end; or use it as a context manager.

    `changed` is called with each new state from the watching thread: hand it over, and return at once.
    """

    def __init__(
        self,
        stack: Stack,
        *,
        every: float = EVERY,
        seldom: float = SELDOM,
        changed: Callable[[StackState], None] | None = None,
    ) -> None:
        self._stack = stack
        self._every = every
        self._seldom = seldom
        self._changed = changed
        self._latest = NOT_LOOKED
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._watching = threading.Thread(target=self._watch, name="stack-watch", daemon=True)
        self._listening: threading.Thread | None = None
        self._lock = threading.Lock()
        self._events: Any = None

    def latest(self) -> StackState:
        """The newest state; `NOT_LOOKED` until the first look is over."""
        return self._latest

    def look_now(self) -> None:
        """Look again as soon as possible, without waiting for it."""
        self._wake.set()

    def start(self) -> None:
        self._watching.start()

    def close(self) -> None:
        """End the threads; returns when they have ended, or after some seconds when the engine hangs."""
        self._ending.set()
        self._wake.set()
        self._hang_up()
        if self._watching.ident is not None:
            self._watching.join(_END_WITHIN)
        if self._listening is not None:
            self._listening.join(_END_WITHIN)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- the watching thread -----------------------------------------------------------------------------------------

    def _watch(self) -> None:
        onlooker = Onlooker(self._stack.bundle, self._stack.env)
        try:
            while not self._ending.is_set():
                self._wake.clear()
                self._round(onlooker)
                self._wake.wait(self._every if self._latest.engine == "ok" else self._seldom)
        finally:
            onlooker.close()

    def _round(self, onlooker: Onlooker) -> None:
        """A quick look with the figures known so far, so that news are told at once, then one that measures."""
        try:
            self._publish(onlooker.look(measure=False, known=_figures(self._latest)))
            if self._latest.engine != "ok":
                return
            self._listen()
            if self._latest.started and not self._ending.is_set():
                self._publish(onlooker.look())
        except Exception as fault:
            # The watch outlives whatever one look meets; only the state says so.
            _LOG.exception("a look at the stack failed")
            words = f"the stack could not be looked at ({type(fault).__name__}); it is tried again"
            self._publish(StackState("unknown", words, self._latest.at))

    def _publish(self, state: StackState) -> None:
        self._latest = state
        if self._changed is not None and not self._ending.is_set():
            self._changed(state)

    # -- the listening thread ----------------------------------------------------------------------------------------

    def _listen(self) -> None:
        if self._listening is None or not self._listening.is_alive():
            self._listening = threading.Thread(target=self._hear, name="stack-events", daemon=True)
            self._listening.start()

    def _hear(self) -> None:
        """Wake the watch at each event of the stack's containers, until the engine hangs up or the watch ends."""
        try:
            client = connect(self._stack.env)
        except StackError:
            return
        try:
            filters = {"type": "container", "label": f"{PROJECT_LABEL}={self._stack.bundle.project}"}
            events = client.events(decode=True, filters=filters)
            with self._lock:
                self._events = events
            if self._ending.is_set():
                return
            for event in events:
                if self._ending.is_set():
                    return
                if not str(event.get("Action") or "").startswith(_NOISE):
                    self._wake.set()
        except Exception as error:
            # The engine went away, or `close` hung up: the next look tells which.
            if in_words(error) is None and not self._ending.is_set():
                _LOG.exception("listening to the engine's events failed")
        finally:
            self._hang_up()
            client.close()
            self._wake.set()

    def _hang_up(self) -> None:
        with self._lock:
            events, self._events = self._events, None
        if events is not None:
            with contextlib.suppress(Exception):  # its socket may be gone already
                events.close()


def _figures(state: StackState) -> Mapping[str, Figures]:
    return {one.name: Figures(one.cpu, one.memory, one.memory_limit) for one in state.services}


async def watch_stack(stack: Stack, *, every: float = EVERY, seldom: float = SELDOM) -> AsyncIterator[StackState]:
    """The state each time somebody looked, newest only: a reader that is slow misses states, never the last one.

    Ends with the iteration (use `contextlib.aclosing`); the event loop never waits for Docker.
    """
    loop = asyncio.get_running_loop()
    news = asyncio.Event()

    def changed(_state: StackState) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended before the watch
            loop.call_soon_threadsafe(news.set)

    watch = StackWatch(stack, every=every, seldom=seldom, changed=changed)
    watch.start()
    try:
        while True:
            await news.wait()
            news.clear()
            yield watch.latest()
    finally:
        await asyncio.to_thread(watch.close)
