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
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.console import part, rate, run
from benchmarks.console_program import ROOM, Report, _resident, news, plotted
from benchmarks.log_tail import BATCHES, Tail, texts
from benchmarks.report import Figure

EACH_SECOND = 10_000
READ = 1000
SECONDS = 12.0
RING = 50_000


def pane(report: Report, seconds: float, each_second: int, *, busy: bool) -> None:
    """The console on its logs pane, with a ring that is full before the measurement begins; `busy` with the charts
    and events of a live board coming in under it. Processor time first, then the pauses: to measure those costs.
    """
    from tests.tui.explore.logs_wire import LogsWire
    from tests.tui.story import tell
    from warroom.tui.app import ConsoleOptions, WarroomApp
    from warroom.tui.explore.logs import LogsScreen

    shift = datetime.now(UTC) - tell().clock
    tail = Tail(each_second)

    class Wire(LogsWire):
        def tail(self, incident: str, query: str) -> str:
            return tail.feed.id

        def untail(self, key: str) -> None: ...

    wire = Wire(tell(), [])
    wire.specs = plotted()

    def now() -> datetime:
        return datetime.now(UTC) - shift

    class Board(WarroomApp):
        CSS_PATH = sys.modules[WarroomApp.__module__].__file__.replace("app.py", "warroom.tcss")

        def on_opened(self, message: Any) -> None:
            super().on_opened(message)
            self.run_worker(self._measure())

        async def _measure(self) -> None:
            self.open_pane(ROOM, "logs")
            while not isinstance(self.screen, LogsScreen):  # noqa: ASYNC110 - the screen tells nobody when it is there
                await asyncio.sleep(0.05)
            while tail.heard * tail.lines < RING * 1.2:
                tail.hear()
                await asyncio.sleep(0)
            gc.collect()
            gc.freeze()
            tasks = [asyncio.create_task(news(wire, now))] if busy else []
            tail.start(lambda: wire.show(tail.shown(wire.latest)))
            await asyncio.sleep(1)
            before = tail.heard
            report.begin()
            await asyncio.sleep(seconds)
            buffer, view = tail.feed.view.buffer, self.screen.view
            wall, cpu = report.so_far()
            found = {"came": (tail.heard - before) * tail.lines, "rss": _resident(), "cpu": cpu, "wall": wall}
            found["held"] = buffer.end - buffer.first
            tasks.append(asyncio.create_task(report.beat()))
            await asyncio.sleep(seconds)
            tail.stop()
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0.5)
            first, kept = buffer.slice(buffer.first, buffer.end)
            report.more = {
                **found,
                "lost": tail.feed.view.lost,
                "numbered": buffer.end == tail.heard * tail.lines and len(kept) == buffer.end - first,
                "shown": view._known[1] == buffer.end and view.following,
                "drawn": view.rows_drawn,
            }
            report.end()
            self.exit()

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
            start, written = time.monotonic(), 0
            beat: asyncio.Task[None] | None = None
            while time.monotonic() - start < 2 * seconds:
                if beat is None and time.monotonic() - start >= seconds:
                    wall, cpu = report.so_far()
                    report.more = {"came": written, "rss": _resident(), "wall": wall, "cpu": cpu}
                    beat = asyncio.create_task(report.beat())
                batch = batches[written // len(batches[0]) % BATCHES]
                if rich:
                    for line in batch:
                        widget.write(line)
                else:
                    widget.write_lines(batch)
                written += len(batch)
                await asyncio.sleep(max(0.0, start + written / EACH_SECOND - time.monotonic()))
            report.end()
            if beat is not None:
                beat.cancel()
            self.exit()

    Lines().run()


def main() -> list[Figure]:
    """About two minutes."""
    ours = run("pane", SECONDS, program="benchmarks.logs")
    read = run("busy", SECONDS, program="benchmarks.logs", typing=b"/", after=SECONDS + 7)
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
        Figure(
            f"logs pane at {READ:,} lines/s, six charts at 1 Hz and 20 events/min coming in under it",
            f"{read.report['cpu']:.1%} of a core",
            f"{len(read.echoes)} keys typed meanwhile",
            "at most 18 %",
            read.report["cpu"] <= 0.18,
        ),
        Figure(
            "key to echo in its query line",
            f"p50 {part(read.echoes, 0.5):.0f} ms, p95 {part(read.echoes, 0.95):.0f} ms",
            f"loop pauses p99 {part(read.report['pauses'], 0.99):.1f} ms",
            "p95 at most 60 ms",
            len(read.echoes) > 20 and part(read.echoes, 0.95) <= 60,
        ),
    ]


def program() -> None:
    """Run one mode."""
    mode, report, seconds = sys.argv[1], Report(Path(sys.argv[2])), float(sys.argv[3])
    if mode in ("pane", "busy"):
        pane(report, seconds, EACH_SECOND if mode == "pane" else READ, busy=mode == "busy")
    else:
        textuals(report, seconds, rich=mode == "richlog")


if __name__ == "__main__":
    program()
