"""Redraw the pictures of an exercise, each at three sizes; `make screenshots` runs it.

The exercise, its clock and what the facilitator answers are those of the tests, so a picture changes only when the
console does. That of the demo is the demo itself, a little after it was opened: its times are those of the day.

    python docs/screenshots_exercise.py           all of them
    python docs/screenshots_exercise.py control   this one
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ.update(COLORTERM="truecolor", TERM="xterm-256color", TZ="UTC")

from cells import cells_of, paint  # noqa: E402 - after the path is set

from tests.tui.consoles import SIZES, screen_text, until  # noqa: E402
from tests.tui.exercise.drill_story import drill  # noqa: E402
from warroom.demo.exercise import Wanted, showing  # noqa: E402
from warroom.tui.app import WarroomApp  # noqa: E402

PICTURES = HERE / "pictures"
SHOTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "board": ("ana", (), "EXERCISE"),
    "actions": ("ana", ("X",), "What you can do"),
    "inbox": ("ana", ("I",), "How much revenue"),
    "control": ("hana", ("E",), "next in"),
}
"""By name: whose console it is, the keys pressed, and words that say it is there."""
DEMO = "demo"


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


async def shoot_demo(size: tuple[int, int]) -> None:
    """Draw the demo when a colleague has greeted whoever opened it."""
    with tempfile.TemporaryDirectory() as kept, showing(Wanted("jana", Path(kept))) as show:
        show.open()
        app = WarroomApp(show.opener, show.options(theme="warroom-night"))
        async with app.run_test(size=size, notifications=False) as pilot:
            await until(pilot, lambda: any("mention" in row or "new (I)" in row for row in screen_text(app)))
            await pilot.pause(6)
            path = PICTURES / f"{DEMO}-{size[0]}x{size[1]}.png"
            paint(cells_of(app), path)
    print(path)


async def main(names: list[str]) -> None:
    """Draw these, or all."""
    PICTURES.mkdir(exist_ok=True)
    for name in names or (*SHOTS, DEMO):
        for size in SIZES:
            await (shoot_demo(size) if name == DEMO else shoot(name, size))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
