"""A tail of a query as the client hears it, without a connection: frames of the wire, ten a second, in a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

BATCHES = 10
_SERVICES = ("checkout-api", "payments", "cart-svc", "edge-gateway", "pgbouncer")
_LEVELS = ("info", "info", "info", "debug", "warn", "error")


def texts(count: int, seed: int) -> list[str]:
    """Lines of about 110 characters, no two alike."""
    return [
        f"request {seed}-{at} route=/checkout/{at % 97} status={200 + at % 5 * 75} dur={at * 7 % 4000}ms "
        f"client=mobile-{at % 3} pop=fra{at % 9} attempt={at % 4}"
        for at in range(count)
    ]


def frames(count: int, lines: int) -> list[bytes]:
    """So many frames of a tail as the server sends them."""
    from warroom.telemetry.line_frames import LineFrame, encode_lines
    from warroom.telemetry.logs import LogLine

    made, start = list[bytes](), time.time_ns()
    for number in range(count):
        batch = tuple(
            LogLine(
                start + (number * lines + at) * 100_000,
                text,
                (("env", "prod"), ("service_name", _SERVICES[at % len(_SERVICES)])),
                (("detected_level", _LEVELS[at % len(_LEVELS)]), ("trace_id", f"{number:016x}{at:016x}")),
            )
            for at, text in enumerate(texts(lines, number))
        )
        made.append(encode_lines(LineFrame("t", 0, batch)))
    return made


class _Speaker:
    """The client that a tail's feed stands on, without a connection."""

    def __init__(self) -> None:
        self.feed: Any = None

    def stand(self, _key: str, _frame: Any) -> None: ...
    def drop_standing(self, _key: str, _goodbye: Any) -> None: ...
    def touch(self, *_topics: Any) -> None: ...
    def drop_tail(self, _feed: Any) -> None: ...

    def tail_id(self) -> str:
        return "tail"

    def add_tail(self, feed: Any) -> None:
        self.feed = feed


class Tail:
    """So many lines a second: read by the client's own code, `heard` counts the frames."""

    def __init__(self, each_second: int) -> None:
        from warroom.client.tail import TailFeed

        self.lines, self.heard = each_second // BATCHES, 0
        self._sent = frames(BATCHES, self.lines)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.feed = TailFeed(_Speaker(), "INC-7K30", "{a=1}")

    def shown(self, view: Any) -> Any:
        """A client's view with this tail in it."""
        return replace(view, tails={self.feed.id: self.feed.view})

    def hear(self) -> None:
        """The next frame comes."""
        body = orjson.loads(self._sent[self.heard % len(self._sent)])
        body["first"] = self.heard * self.lines
        self.feed.hear(body)
        self.heard += 1

    def start(self, changed: Callable[[], None]) -> None:
        """Let frames come at their rate in a thread of their own; `changed` is called in the loop that runs now."""
        self._thread = threading.Thread(target=self._run, args=(asyncio.get_running_loop(), changed), daemon=True)
        self._thread.start()

    def _run(self, loop: asyncio.AbstractEventLoop, changed: Callable[[], None]) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            self.hear()
            loop.call_soon_threadsafe(changed)
            due += 1 / BATCHES
            self._stop.wait(max(0.0, due - time.monotonic()))

    def stop(self) -> None:
        """No more come."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
