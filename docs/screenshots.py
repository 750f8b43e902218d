"""Redraw the pictures of the documentation: the board and the lobby at three sizes, from the story the tests tell.

`make screenshots` runs it. The clock, the people and every sample are the story's, so a picture changes only when
the console does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ.update(COLORTERM="truecolor", TERM="xterm-256color")

from cells import cells_of, paint  # noqa: E402 - after the path is set

from tests.tui.story import tell  # noqa: E402
from warroom.tui.app import ConsoleOptions, WarroomApp  # noqa: E402

PICTURES = HERE / "pictures"
ROOM = "INC-7K30"
SHOTS: tuple[tuple[str, tuple[int, int], str, tuple[str, ...]], ...] = (
    ("board-80x24", (80, 24), ROOM, ()),
    ("board-120x40", (120, 40), ROOM, ()),
    ("board-200x55", (200, 55), ROOM, ()),
    ("lobby-120x40", (120, 40), "", ()),
    ("brief-120x40", (120, 40), ROOM, ("b",)),
    ("severity-120x40", (120, 40), ROOM, ("v",)),
    ("timeline-120x40", (120, 40), ROOM, ("2", "z", "k", "k", "k", "k", "k")),
)


async def shoot(name: str, size: tuple[int, int], incident: str, keys: tuple[str, ...]) -> None:
    """Draw one picture."""
    wire = tell()
    app = WarroomApp(wire.opener, ConsoleOptions("ana", incident=incident, clock=wire.now, theme="warroom-night"))
    app.memory.see(ROOM, 40)
    async with app.run_test(size=size, notifications=False) as pilot:
        while app.view.lobby is None or (incident and incident not in app.view.rooms):
            await pilot.pause(0.01)
        for key in keys:
            await pilot.press(key)
        await pilot.pause(0.5)
        paint(cells_of(app), PICTURES / f"{name}.png")
    print(PICTURES / f"{name}.png")


async def main() -> None:
    """Draw them all."""
    PICTURES.mkdir(exist_ok=True)
    for shot in SHOTS:
        await shoot(*shot)


if __name__ == "__main__":
    asyncio.run(main())
