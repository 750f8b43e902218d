"""Redraw the pictures of the telemetry panes, each at three sizes; `make screenshots` runs it.

The screens are the console's own; what a server would answer is in docs/telemetry_answers.py.

    python docs/screenshots_telemetry.py             all of them
    python docs/screenshots_telemetry.py logs trace  these
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ.update(COLORTERM="truecolor", TERM="xterm-256color", TZ="UTC")

import telemetry_answers as told  # noqa: E402 - after the path is set
from cells import cells_of, paint  # noqa: E402

from tests.tui.consoles import ROOM, SIZES, board, screen_text, until  # noqa: E402
from tests.tui.explore.logs_wire import LogsWire  # noqa: E402
from tests.tui.story import tell  # noqa: E402

PICTURES = HERE / "pictures"
_HOUR = {"start": told.NOW - 3600, "end": told.NOW, "live": True}
SHOTS: dict[str, tuple[Mapping[str, Any], tuple[str, ...], str]] = {
    "metrics": ({"pane": "metrics", "queries": [told.P99], "cursor": told.WORST - 10, **_HOUR}, ("x", "e"), "4 series"),
    "logs": ({"pane": "logs", "query": told.LINES, **_HOUR}, (), "following"),
    "traces": ({"pane": "traces", "query": "checkout-api min=300ms", **_HOUR}, ("j", "j"), "traces,"),
    "trace": ({"pane": "traces", "id": told.TRACE}, ("e", "e", "e"), "4.82 s"),
    "services": ({"pane": "services", "service": "checkout-api", **_HOUR}, (), "RED"),
    "alerts": ({"pane": "alerts"}, (), "FIRING"),
    "dashboard": ({"pane": "dashboards", "uid": "warroom-incident", **_HOUR}, (), "Firing"),
    "dashboards": ({"pane": "dashboards", "uid": "", **_HOUR}, (), "warroom"),
    "health": ({"pane": "health"}, ("j",), "DEGRADED"),
    "stack": ({"pane": "stack"}, ("j", "j"), "running"),
}
"""By name: what the pane opens on, the keys pressed then, and words that say it is there."""


def wire() -> LogsWire:
    """The story's client, with the answers of its telemetry."""
    story = tell()
    made = LogsWire(story, told.log_lines(), told.ANSWERS)
    now = told.NOW // 15 * 15
    made.fulls[told.P99[:100]] = told.matrix(told.P99, now - 3600, now, 15.0)
    return made


async def shoot(name: str, size: tuple[int, int]) -> None:
    """Draw one picture."""
    shown, keys, words = SHOTS[name]
    client = wire()
    async with board(size, client, notifications=False) as (_, app, pilot):
        app.open_pane(ROOM, str(shown["pane"]), dict(shown))

        def here(said: str) -> Callable[[], bool]:
            return lambda: any(said in row for row in screen_text(app))

        await until(pilot, here(words))
        if name == "logs":
            client.come(client.lines[-1:])
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.05)
        await pilot.pause(0.6)
        path = PICTURES / f"{name}-{size[0]}x{size[1]}.png"
        paint(cells_of(app), path)
    print(path)


async def main(names: list[str]) -> None:
    """Draw these, or all."""
    PICTURES.mkdir(exist_ok=True)
    for name in names or SHOTS:
        for size in SIZES:
            await shoot(name, size)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
