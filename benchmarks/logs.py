"""The logs pane in a real pseudo-terminal: ten thousand lines a second into a full ring, and what is lost of them.

The lines come as frames of the wire, ten a second, and are read by the client's own code in a thread of the console's
process, so that decoding them counts too. The reference are Textual's own `Log` and `RichLog` in a terminal of the
same size, fed the same texts as plain strings: they neither parse, colour by level, nor keep a filter.

`python -m benchmarks.logs MODE REPORT SECONDS` is one such process.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from benchmarks.console import part, rate, run
from benchmarks.console_program import ROOM, Report, _resident
from benchmarks.report import Figure

EACH_SECOND = 10_000
BATCHES = 10
SECONDS = 12.0
RING = 50_000
_SERVICES = ("checkout-api", "payments", "cart-svc", "edge-gateway", "pgbouncer")
_LEVELS = ("info", "info", "info", "debug", "warn", "error")


def texts(count: int, seed: int) -> list[str]:
    """Lines of about 110 characters, no two alike."""
    return [
        f"request {seed}-{at} route=/checkout/{at % 97} status={200 + at % 5 * 75} dur={at * 7 % 4000}ms "
        f"client=mobile-{at % 3} pop=fra{at % 9} attempt={at % 4}"
        for at in range(count)
    ]


def frames(count: int) -> list[bytes]:
    """So many frames of a tail as the server sends them, a tenth of a second's lines in each."""
    from warroom.telemetry.line_frames import LineFrame, encode_lines
    from warroom.telemetry.logs import LogLine

    made, lines = [], EACH_SECOND // BATCHES
    start = time.time_ns()
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


def pane(report: Report, seconds: float) -> None:
    """The console on its logs pane, with a ring that is full before the measurement begins."""
    from dataclasses import replace

    from tests.tui.explore.logs_wire import LogsWire
    from tests.tui.story import tell
    from warroom.client.tail import TailFeed
    from warroom.tui.app import ConsoleOptions, WarroomApp
    from warroom.tui.explore.logs import LogsScreen

    shift = datetime.now(UTC) - tell().clock
    sent, lines = frames(BATCHES), EACH_SECOND // BATCHES

    class Wire(LogsWire):
        def tail(self, incident: str, query: str) -> str:
            speaker = _Speaker()
            self.feed = TailFeed(speaker, incident, query)
            return self.feed.id

        def untail(self, key: str) -> None: ...

        def hear(self, number: int) -> None:
            body = orjson.loads(sent[number % len(sent)])
            body["first"] = number * lines
            self.feed.hear(body)
            self.show(replace(self.latest, tails={self.feed.id: self.feed.view}))

    wire = Wire(tell(), [])

    class Board(WarroomApp):
        CSS_PATH = sys.modules[WarroomApp.__module__].__file__.replace("app.py", "warroom.tcss")

        def on_opened(self, message: Any) -> None:
            super().on_opened(message)
            self.run_worker(self._measure())

        async def _measure(self) -> None:
            self.open_pane(ROOM, "logs")
            while not (isinstance(self.screen, LogsScreen) and hasattr(wire, "feed")):  # noqa: ASYNC110 - the screen tells nobody when it is there
                await asyncio.sleep(0.05)
            heard, stop = 0, threading.Event()

            def feed() -> None:
                nonlocal heard
                due = time.monotonic()
                while not stop.is_set():
                    wire.hear(heard)
                    heard += 1
                    due += 1 / BATCHES
                    stop.wait(max(0.0, due - time.monotonic()))

            while heard * lines < RING * 1.2:
                wire.hear(heard)
                heard += 1
                await asyncio.sleep(0)
            gc.collect()
            gc.freeze()
            await asyncio.sleep(1)
            thread, before = threading.Thread(target=feed, daemon=True), heard
            report.begin()
            beat = asyncio.create_task(report.beat())
            thread.start()
            await asyncio.sleep(seconds)
            buffer, view = wire.feed.view.buffer, self.screen.view
            came, ring = heard - before, (buffer.first, buffer.end)
            wall, cpu = report.so_far()
            found = {"came": came * lines, "rss": _resident(), "cpu": cpu, "wall": wall}
            stop.set()
            thread.join()
            beat.cancel()
            await asyncio.sleep(0.5)
            kept = buffer.slice(buffer.first, buffer.end)[1]
            report.more = {
                **found,
                "lost": wire.feed.view.lost,
                "held": ring[1] - ring[0],
                "numbered": buffer.end == heard * lines and len(kept) == buffer.end - buffer.first,
                "shown": view._known[1] == buffer.end and view.following,
                "drawn": view.rows_drawn,
            }
            report.end()
            self.exit()

    def now() -> datetime:
        return datetime.now(UTC) - shift

    app = Board(wire.opener, ConsoleOptions("ana", incident=ROOM, clock=now, theme="warroom-night"))
    app.memory.see(ROOM, wire.states[ROOM].seq)
    gc.disable()
    app.run()
    if app._exception is not None:
        raise app._exception


def textuals(report: Report, seconds: float, *, rich: bool) -> None:
    """Textual's own widget, fed as fast as it takes it."""
    from textual.app import App, ComposeResult
    from textual.widgets import Log, RichLog

    class Lines(App[None]):
        def compose(self) -> ComposeResult:
            yield RichLog(max_lines=RING) if rich else Log(max_lines=RING)

        def on_mount(self) -> None:
            self.run_worker(self._measure())

        async def _measure(self) -> None:
            await asyncio.sleep(1)
            batches = [texts(EACH_SECOND // BATCHES, number) for number in range(BATCHES)]
            widget: Any = self.query_one(RichLog if rich else Log)
            report.begin()
            beat = asyncio.create_task(report.beat())
            start, written = time.monotonic(), 0
            while time.monotonic() - start < seconds:
                batch = batches[written // len(batches[0]) % BATCHES]
                if rich:
                    for line in batch:
                        widget.write(line)
                else:
                    widget.write_lines(batch)
                written += len(batch)
                await asyncio.sleep(max(0.0, start + written / EACH_SECOND - time.monotonic()))
            report.more = {"came": written, "rss": _resident()}
            report.end()
            beat.cancel()
            self.exit()

    Lines().run()


def main() -> list[Figure]:
    """C5; about a minute."""
    ours = run("pane", SECONDS, program="benchmarks.logs")
    theirs = {name: run(name, SECONDS, program="benchmarks.logs").report for name in ("log", "richlog")}
    mine = ours.report
    cpu, size = mine["cpu"], mine["rss"] / 2**20
    told = "; ".join(
        f"{name} {one['cpu']:.0%} of a core, {one['came'] / one['wall']:,.0f} lines/s, "
        f"pauses up to {part(one['pauses'], 1):.0f} ms"
        for name, one in (("Textual's Log", theirs["log"]), ("RichLog", theirs["richlog"]))
    )
    each = mine["came"] / mine["wall"]
    nothing = mine["numbered"] and mine["shown"] and not mine["lost"] and mine["held"] >= RING
    sizes = ", ".join(f"{name} {one['rss'] / 2**20:.0f} MiB" for name, one in theirs.items())
    return [
        Figure(
            f"log tail at {EACH_SECOND:,} lines/s, 200x55, decoding included",
            f"{cpu:.1%} of a core, {each:,.0f} lines/s taken, {rate(ours, SECONDS - 2):.0f} KiB/s to the terminal",
            told,
            "at most 15 % of a core",
            cpu <= 0.15 and each >= 0.98 * EACH_SECOND,
        ),
        Figure(
            "pauses of the event loop under that tail",
            f"p99 {part(mine['pauses'], 0.99):.1f} ms, longest {part(mine['pauses'], 1):.0f} ms",
            ", ".join(f"{name} p99 {part(one['pauses'], 0.99):.0f} ms" for name, one in theirs.items()),
            "p99 at most 50 ms",
            part(mine["pauses"], 0.99) <= 50,
        ),
        Figure(
            f"memory of the whole console with a full ring of {RING:,} lines",
            f"{size:.0f} MiB",
            f"{sizes}, plain text",
            "at most 90 MB in all",
            size * 1.048576 <= 90,
        ),
        Figure(
            "lines lost from the ring",
            "none: each number once, the newest on screen" if nothing else f"{mine}",
            f"{mine['came']:,} lines came in {mine['wall']:.0f} s",
            "none",
            bool(nothing),
        ),
    ]


def program() -> None:
    """Run one mode."""
    mode, report, seconds = sys.argv[1], Report(Path(sys.argv[2])), float(sys.argv[3])
    if mode == "pane":
        pane(report, seconds)
    else:
        textuals(report, seconds, rich=mode == "richlog")


if __name__ == "__main__":
    program()
