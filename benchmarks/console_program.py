"""What `benchmarks.console` starts in a pseudo-terminal: one console, or what it is compared with, per process.

`python -m benchmarks.console_program MODE REPORT SECONDS`; what it measured of itself is left as JSON in REPORT.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HEARTBEAT = 0.005
ROOM = "INC-7K30"
_WINDOW = 300


class Report:
    """Processor time and loop pauses between `begin` and `end`."""

    def __init__(self, path: Path) -> None:
        self.path, self.pauses, self.more = path, list[float](), dict[str, Any]()
        self._cpu = self._wall = 0.0

    def begin(self) -> None:
        """The measurement begins now."""
        self.pauses.clear()
        self._cpu, self._wall = time.process_time(), time.monotonic()

    async def beat(self) -> None:
        """For ever, note by how much the loop is late."""
        while True:
            due = time.monotonic() + HEARTBEAT
            await asyncio.sleep(HEARTBEAT)
            self.pauses.append(time.monotonic() - due)

    def so_far(self) -> tuple[float, float]:
        """Seconds since it began, and the share of them that was processor time."""
        wall = time.monotonic() - self._wall
        return wall, (time.process_time() - self._cpu) / wall

    def end(self) -> None:
        """Write down what was measured; `more` wins."""
        wall, cpu = self.so_far()
        found = {"cpu": cpu, "wall": wall, "pauses": self.pauses, **self.more}
        self.path.write_text(json.dumps(found))


def minimal() -> None:
    """The least Textual app that shows a word."""
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Minimal(App[None]):
        def compose(self) -> ComposeResult:
            yield Static("Timeline")

    Minimal().run()


def first() -> None:
    """The console on an incident, whose server does not answer; loaded as both commands that open one do it."""
    import gc

    gc.disable()
    from warroom.tui.app import ConsoleOptions, run

    def never(_wake: Any) -> Any:
        threading.Event().wait(30)
        raise OSError("no server")

    run(never, ConsoleOptions("ana", incident=ROOM, theme="warroom-night"))


def _wave(number: int, at: float) -> float:
    return 50 + 40 * math.sin(at / (17 + number)) + 3 * math.sin(at * 1.3 + number)


async def news(wire: Any, now: Callable[[], datetime]) -> None:
    """For ever: six charts anew each second, and an event every three."""
    from dataclasses import replace

    from tests.tui.story import PANELS
    from warroom.client.view import PanelView
    from warroom.telemetry.series import Full, Series

    version = 0
    while True:
        for number, spec in enumerate(PANELS):
            version += 1
            end = math.floor(now().timestamp())
            values = tuple(_wave(number, end - _WINDOW + at) for at in range(_WINDOW + 1))
            series = (Series((("job", "x"),), "p99", end - _WINDOW, 1.0, values),)
            key = f"panel-{spec['title']}"
            full = Full(str(spec["title"]), version, end - _WINDOW, 1.0, _WINDOW + 1, series)
            panels = {**wire.latest.panels, key: PanelView(key, ROOM, full=full, version=version)}
            wire.show(replace(wire.latest, panels=panels))
            await asyncio.sleep(1 / len(PANELS))
        if version // len(PANELS) % 3 == 0:
            kind = "post-chat" if version % 2 else "add-note"
            wire.act("marek", {"type": kind, "text": f"pool {version} of 9000, {random.random():.3f}"}, ROOM, at=now())


def plotted() -> tuple[dict[str, Any], ...]:
    """The story's panels over five minutes, a point each second."""
    from tests.tui.story import PANELS

    return tuple({**spec, "window": _WINDOW, "step": 1} for spec in PANELS)


def live(report: Report, seconds: float, *, calm: bool, fed: bool, typed: bool) -> None:
    """A board of 200x55: six charts at 1 Hz, an event every three seconds and a tail of 1,000 lines a second that is
    heard, or nothing at all. Only the `typed` one is asked for its pauses: to measure them costs as much as an event.
    """
    from benchmarks.log_tail import Tail
    from tests.tui.story import tell
    from warroom.tui.app import ConsoleOptions, WarroomApp

    wire = tell()
    shift = datetime.now(UTC) - wire.clock
    wire.specs = plotted()
    tail = Tail(1000)

    def now() -> datetime:
        return datetime.now(UTC) - shift

    class Board(WarroomApp):
        CSS_PATH = sys.modules[WarroomApp.__module__].__file__.replace("app.py", "warroom.tcss")

        def on_opened(self, message: Any) -> None:
            super().on_opened(message)
            self.run_worker(self._measure())

        async def _measure(self) -> None:
            tasks = [asyncio.create_task(news(wire, now))] if fed else []
            if fed:
                tail.start(lambda: wire.show(tail.shown(wire.latest)))
            await asyncio.sleep(2)
            report.begin()
            if typed:
                tasks.append(asyncio.create_task(report.beat()))
            await asyncio.sleep(seconds)
            report.more = {"lines": tail.feed.view.buffer.end}
            report.end()
            tail.stop()
            for task in tasks:
                task.cancel()
            self.exit()

    app = Board(wire.opener, ConsoleOptions("ana", incident=ROOM, clock=now, calm=calm, theme="warroom-night"))
    app.memory.see(ROOM, wire.states[ROOM].seq)
    import gc

    gc.disable()
    app.run()
    if app._exception is not None:
        raise app._exception


def _series(tick: int) -> list[tuple[list[float], list[float]]]:
    return [
        ([float(tick + at) for at in range(300)], [_wave(one, (tick + at) / 3) for at in range(300)])
        for one in range(3)
    ]


def charts(report: Report, seconds: float, *, own: bool) -> None:
    """Eight charts of 3 x 300 points, asked to be drawn ten times a second."""
    from textual.app import App, ComposeResult
    from textual.containers import Grid

    class Charts(App[None]):
        CSS = "Grid { grid-size: 4 2; } Grid > * { height: 1fr; width: 1fr; }"

        def compose(self) -> ComposeResult:
            with Grid():
                for _ in range(8):
                    yield self._chart()

        def _chart(self) -> Any:
            if own:
                from warroom.tui.widgets.chart import MetricChart

                return MetricChart("p99")
            from textual_plotext import PlotextPlot

            return PlotextPlot()

        def on_mount(self) -> None:
            if own:
                from typing import cast

                from warroom.tui.themes import register_themes

                register_themes(cast("App[object]", self))
                self.theme = "warroom-night"
            self.run_worker(self._tick())

        async def _tick(self) -> None:
            await asyncio.sleep(1)
            plots = list(self.query(Grid).first().children)
            report.begin()
            start, tick, drawn = time.monotonic(), 0, 0
            while time.monotonic() - start < seconds:
                tick += 1
                lines = _series(tick)
                for plot in plots:
                    _show(plot, lines, own=own)
                drawn += 1
                due = start + 0.1 * tick
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                while time.monotonic() > start + 0.1 * (tick + 1):
                    tick += 1
            report.more = {"drawn": drawn, "asked": round(seconds * 10)}
            report.end()
            self.exit()

    Charts().run()


def _show(plot: Any, lines: list[tuple[list[float], list[float]]], *, own: bool) -> None:
    if own:
        from warroom.tui.widgets.chart_data import ChartData, Series

        series = tuple(Series(f"s{number}", times, values) for number, (times, values) in enumerate(lines))
        plot.show(ChartData("p99", "ms", series, start=lines[0][0][0], end=lines[0][0][-1]))
        return
    plot.plt.clear_data()
    for times, values in lines:
        plot.plt.plot(times, values, marker="braille")
    plot.refresh()


def hours(report: Report, count: float) -> None:
    """The memory of a headless console after each of so many simulated hours."""
    from tests.tui.story import tell
    from warroom.tui.app import ConsoleOptions, WarroomApp

    wire = tell()
    rss: list[int] = []

    async def work() -> None:
        app = WarroomApp(wire.opener, ConsoleOptions("ana", incident=ROOM, clock=wire.now, theme="warroom-night"))
        app.memory.see(ROOM, wire.states[ROOM].seq)
        async with app.run_test(size=(200, 55)) as pilot:
            report.begin()
            for hour in range(round(count)):
                for minute in range(60):
                    for number in range(20):
                        kind = "post-chat" if number % 3 else "add-note"
                        at = wire.clock + timedelta(seconds=3)
                        wire.act("marek", {"type": kind, "text": f"hour {hour} {minute} {number} pool"}, ROOM, at=at)
                    await pilot.pause()
                rss.append(_resident())
        report.more = {"rss": rss, "entries": wire.states[ROOM].seq}
        report.end()

    asyncio.run(work())


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def main() -> None:
    """Run one mode."""
    mode, report, seconds = sys.argv[1], Report(Path(sys.argv[2])), float(sys.argv[3])
    if mode == "minimal":
        minimal()
    elif mode == "first":
        first()
    elif mode in ("live", "typed", "calm", "idle"):
        live(report, seconds, calm=mode == "calm", fed=mode != "idle", typed=mode == "typed")
    elif mode in ("own", "plotext"):
        charts(report, seconds, own=mode == "own")
    else:
        hours(report, seconds)


if __name__ == "__main__":
    main()
