"""The console in real pseudo-terminals: first paint, charts, the live board, key to echo, long logs, bytes, memory.

The live board has six charts at 1 Hz, 20 events a minute and a tail of 1,000 lines a second at 200x55; the lines are
heard beside it, for they are shown in a pane of their own (`benchmarks.logs`). The client is one without a network
that decides and folds in the console's own process, which costs more than the real one in its thread.
`textual-plotext` is needed for the comparison of charts only.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import importlib.util
import json
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.report import Figure
from warroom.garbage import collect_seldom

ROOT = Path(__file__).parent.parent
RUNS = 7
SECONDS = 12.0
HOURS = 8
ENTRIES = 100_000
_ECHO = [chr(code) for code in (*range(0x410, 0x450), *range(0x3B1, 0x3CA))]
"""Letters that nothing else on the screen uses."""


@dataclass
class Ran:
    """One process in its terminal: when a word first showed, what it wrote, and what it measured of itself."""

    first: float = 0.0
    written: list[tuple[float, int]] = field(default_factory=list)
    echoes: list[float] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)


class Terminal:
    """A pseudo-terminal with one program in it, a mode of `benchmarks.console_program` unless another is named."""

    def __init__(
        self, mode: str, seconds: float, size: tuple[int, int], program: str = "benchmarks.console_program"
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.report = Path(self._folder.name) / "report.json"
        self.master, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        kept |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        words = [sys.executable, "-m", program, mode, str(self.report), str(seconds)]
        self.started = time.monotonic()
        self.process = subprocess.Popen(words, stdin=inner, stdout=inner, stderr=inner, cwd=ROOT, env=kept)
        os.close(inner)

    def read(self, wait: float) -> bytes | None:
        """What came within so many seconds; None once the program has ended."""
        if not select.select([self.master], [], [], wait)[0]:
            return b"" if self.process.poll() is None else None
        try:
            return os.read(self.master, 65536)
        except OSError:
            return None

    def close(self, *, ended: bool = True) -> dict[str, Any]:
        """Hand over its report; one that has not `ended` is ended here, whatever it still wants to write."""
        if not ended:
            self.process.kill()
        self.process.wait(10)
        os.close(self.master)
        found: dict[str, Any] = json.loads(self.report.read_text()) if self.report.exists() else {}
        self._folder.cleanup()
        return found


def first_paint(mode: str) -> float:
    """Seconds from the start of the process until the word is on the terminal."""
    terminal, seen = Terminal(mode, 0, (120, 40)), b""
    while b"Timeline" not in seen:
        came = terminal.read(20)
        if came is None:
            raise SystemExit(f"{mode} ended without showing anything: {seen[-500:]!r}")
        seen += came
    took = time.monotonic() - terminal.started
    terminal.close(ended=False)
    return took


def run(
    mode: str,
    seconds: float,
    size: tuple[int, int] = (200, 55),
    *,
    typing: bytes = b"",
    after: float = 3.5,
    program: str = "benchmarks.console_program",
) -> Ran:
    """Let a program run to its end; with `typing` press that key `after` seconds, then one every 150 ms and await its
    echo.
    """
    terminal, ran = Terminal(mode, seconds, size, program), Ran()
    letters, waiting, asked, due = iter(_ECHO), b"", 0.0, terminal.started + after
    jumped = False
    while True:
        came = terminal.read(0.005)
        if came is None:
            break
        now = time.monotonic()
        if came:
            ran.written.append((now - terminal.started, len(came)))
            if waiting and waiting in came:
                ran.echoes.append(now - asked)
                waiting = b""
        if typing and now > due:
            due = now + 0.15
            if not jumped:
                os.write(terminal.master, typing)
                jumped = True
            elif not waiting:
                letter = next(letters, "")
                waiting, asked = letter.encode(), now
                os.write(terminal.master, waiting)
    ran.report = terminal.close()
    return ran


def rate(ran: Ran, seconds: float) -> float:
    """KiB a second that the terminal got in the last `seconds` but one, when all was on screen."""
    end = ran.written[-1][0] - 1
    return sum(size for when, size in ran.written if end - seconds <= when < end) / seconds / 1024


def part(values: list[float], share: float) -> float:
    """The value that `share` of all stay below, in milliseconds."""
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def paint() -> list[Figure]:
    """Interleaved, so that both see the same machine."""
    pairs = [(first_paint("minimal"), first_paint("first")) for _ in range(RUNS)]
    ours, least = statistics.median(b for _, b in pairs), statistics.median(a for a, _ in pairs)
    ratio = statistics.median(b / a for a, b in pairs)
    low = (min(a for a, _ in pairs), min(b for _, b in pairs))
    return [
        Figure(
            "first useful paint of the console",
            f"{ours * 1000:.0f} ms (best {low[1] * 1000:.0f}), {ratio:.2f}x",
            f"minimal Textual app {least * 1000:.0f} ms (best {low[0] * 1000:.0f}), {RUNS} interleaved runs",
            "at most 1.7x",
            ratio <= 1.7,
        )
    ]


def drawing() -> list[Figure]:
    """Eight charts ten times a second, ours and textual-plotext's."""
    goal = "at most 0.45x textual-plotext, every tick kept"
    ours = run("own", 8).report
    mine = f"{ours['cpu']:.0%} of a core, {ours['drawn']}/{ours['asked']} ticks"
    if importlib.util.find_spec("textual_plotext") is None:
        return [Figure("8 charts, 3 x 300 points, 10 Hz", mine, "textual-plotext is not installed", goal, None)]
    theirs = run("plotext", 8).report
    # Who keeps fewer ticks does less work: what counts is the time for each tick.
    each = (ours["cpu"] / ours["drawn"]) / (theirs["cpu"] / theirs["drawn"])
    return [
        Figure(
            "8 charts, 3 x 300 points, 10 Hz",
            f"{mine}; {each:.2f}x a tick",
            f"textual-plotext {theirs['cpu']:.0%}, {theirs['drawn']}/{theirs['asked']} ticks",
            goal,
            each <= 0.45 and ours["drawn"] >= ours["asked"] - 1,
        )
    ]


def living() -> list[Figure]:
    """The live board, the idle one, and low bandwidth."""
    quiet = run("live", SECONDS)
    typed = run("typed", 16, typing=b"5")
    calm = run("calm", 20)
    idle = run("idle", SECONDS)
    pauses, echoes = typed.report["pauses"], typed.echoes
    normal, slow = rate(quiet, SECONDS - 2), rate(calm, 15)
    cpu, rest = quiet.report["cpu"], idle.report["cpu"]
    p95, p99, worst = part(echoes, 0.95), part(pauses, 0.99), part(pauses, 1)
    return [
        Figure(
            "CPU of the live board, 200x55",
            f"{cpu:.1%} of a core", f"idle board {rest:.1%}", "at most 18 %", cpu <= 0.18,
        ),
        Figure("CPU of the idle board", f"{rest:.1%} of a core", f"live board {cpu:.1%}", "at most 1 %", rest <= 0.01),
        Figure(
            "key to echo on the live board",
            f"p50 {part(echoes, 0.5):.0f} ms, p95 {p95:.0f} ms",
            f"{len(echoes)} keys; loop pauses p50 {part(pauses, 0.5):.1f} ms",
            "p95 at most 60 ms",
            len(echoes) > 20 and p95 <= 60,
        ),
        Figure(
            "pauses of the event loop on the live board",
            f"p99 {p99:.1f} ms, longest {worst:.0f} ms",
            f"p50 {part(pauses, 0.5):.1f} ms",
            "p99 at most 50 ms, none over 200 ms",
            p99 <= 50 and worst <= 200,
        ),
        Figure(
            "output to the terminal, live board",
            f"{normal:.1f} KiB/s", f"low bandwidth {slow:.1f} KiB/s", "at most 100 KiB/s", normal <= 100,
        ),
        Figure(
            "output to the terminal, low bandwidth",
            f"{slow:.1f} KiB/s", f"live board {normal:.1f} KiB/s", "at most 25 KiB/s", slow <= 25,
        ),
    ]  # fmt: skip


async def _long_log(entries: int) -> tuple[float, float, float]:
    """Milliseconds: first page, CPU of a page down, filter."""
    from textual.app import App, ComposeResult

    from tests.tui.story import tell
    from warroom.incident.vector import Vector
    from warroom.tui.panes.timeline import TimelineSource, keeper
    from warroom.tui.widgets.rows import RowList

    wire = tell()
    state = wire.states["INC-7K30"]
    few = list(state.timeline)
    timeline = Vector(
        replace(few[at % len(few)], seq=at + 1, occurred_at=few[0].occurred_at + timedelta(seconds=at))
        for at in range(entries)
    )
    state = replace(state, timeline=timeline)

    class Log(App[None]):
        def compose(self) -> ComposeResult:
            yield RowList("Timeline", follow=True)

    async with Log().run_test(size=(120, 40)) as pilot:
        rows = pilot.app.query_one(RowList)
        gc.collect()  # as the console does after its first paint
        collect_seldom()
        rows.set_filter(keeper(""))

        async def timed(work: Callable[[], object], clock: Callable[[], float]) -> float:
            start = clock()
            work()
            await pilot.pause()
            return (clock() - start) * 1000

        page = await timed(lambda: rows.show(TimelineSource(state, wire.clock.tzinfo)), time.perf_counter)  # type: ignore[arg-type]
        rows.focus()
        rows.action_first()
        downs = [await timed(lambda: rows.action_page(1), time.process_time) for _ in range(40)]
        chosen = await timed(lambda: rows.set_filter(keeper("pool !provider")), time.perf_counter)
    return page, statistics.median(downs), chosen


def long_logs() -> list[Figure]:
    """A timeline of 100,000 entries, beside one of a thousand."""
    small, large = asyncio.run(_long_log(1000)), asyncio.run(_long_log(ENTRIES))
    names = ("first page", "a page down (CPU)", "filter by two words")
    goals = (100, 25, 100)
    return [
        Figure(
            f"timeline of {ENTRIES:,} entries: {name}",
            f"{large[at]:.0f} ms",
            f"1,000 entries {small[at]:.0f} ms",
            f"at most {goals[at]} ms",
            large[at] <= goals[at],
        )
        for at, name in enumerate(names)
    ]  # fmt: skip


async def _one_event() -> tuple[dict[str, int], int]:
    """Lines painted by each list for one note by somebody else, and the lines of the whole screen."""
    from tests.tui.consoles import ROOM, board, shows, until
    from warroom.tui.widgets.rows import RowList

    async with board((200, 55)) as (wire, app, pilot):
        await pilot.pause()
        lists = {str(rows.id): rows for rows in app.screen.query(RowList)}
        before = {name: rows.lines_painted for name, rows in lists.items()}
        wire.act("marek", {"type": "add-note", "text": "one more line"}, ROOM)
        await until(pilot, lambda: shows(app, "one more line"))
        await pilot.pause()
        return {name: rows.lines_painted - before[name] for name, rows in lists.items()}, 55


def one_event() -> list[Figure]:
    """Counted, not timed."""
    painted, whole = asyncio.run(_one_event())
    others = {name: count for name, count in painted.items() if count and name != "timeline"}
    told = f"timeline {painted['timeline']} lines, other panes {sum(others.values())}"
    seen = f"{whole} lines of 200 cells on the screen; a list that follows moves all lines it shows"
    return [Figure("one event arriving: lines painted", told, seen, "only the pane whose slice changed", not others)]


def memory() -> list[Figure]:
    """Scaled down: the events of eight hours, one minute's at a time and as fast as they are drawn."""
    ran = run("hours", HOURS).report
    rss = [size / 2**20 for size in ran["rss"]]
    ratio = rss[-1] / rss[0]
    told = f"{rss[-1]:.0f} MiB after {HOURS} simulated hours, {ratio:.2f}x"
    about = (
        f"{rss[0]:.0f} MiB after the first; {ran['entries']:,} entries in {ran['wall']:.0f} s, charts at rest, headless"
    )
    return [Figure("memory of a console", told, about, "at most 1.1x that after the first hour", ratio <= 1.1)]


def main() -> list[Figure]:
    """All of them; about two and a half minutes."""
    return [*paint(), *drawing(), *living(), *long_logs(), *one_event(), *memory()]
