"""Redraw the pictures of an exercise, each at three sizes; `make screenshots` runs it.

The exercise, its clock and what the facilitator answers are those of the tests, so a picture changes only when the
console does.

    python docs/screenshots_exercise.py           all of them
    python docs/screenshots_exercise.py control   this one
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ.update(COLORTERM="truecolor", TERM="xterm-256color", TZ="UTC")

from cells import cells_of, paint  # noqa: E402 - after the path is set

from tests.tui.consoles import SIZES, screen_text, until  # noqa: E402
from tests.tui.exercise.drill_story import drill  # noqa: E402

PICTURES = HERE / "pictures"
SHOTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "board": ("ana", (), "EXERCISE"),
    "actions": ("ana", ("X",), "What you can do"),
    "inbox": ("ana", ("I",), "How much revenue"),
    "control": ("hana", ("E",), "next in"),
}
"""By name: whose console it is, the keys pressed, and words that say it is there."""


async def shoot(name: str, size: tuple[int, int]) -> None:
    """Draw one picture."""
    me, keys, words = SHOTS[name]
    async with drill(size, me=me) as (_, app, pilot):
        for key in keys:
            await pilot.press(key)
        await until(pilot, lambda: any(words in row for row in screen_text(app)))
        app.clear_notifications()
        await pilot.pause(0.8)
        path = PICTURES / f"exercise-{name}-{size[0]}x{size[1]}.png"
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
