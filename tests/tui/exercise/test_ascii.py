"""An exercise on a terminal that shows ASCII alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tui.consoles import SIZES, screen_text, shows, until
from tests.tui.exercise.drill_story import drill
from warroom.tui.glyphs import ASCII, UNICODE, use


@pytest.fixture(autouse=True)
def _ascii() -> Iterator[None]:
    use(ASCII)
    yield
    use(UNICODE)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("me", "key", "words"), [("hana", "E", "next in"), ("ana", "X", "What you can do")])
async def test_everything_is_said_in_ascii(size: tuple[int, int], me: str, key: str, words: str) -> None:
    async with drill(size, me=me) as (_, app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: shows(app, words))
        rows = screen_text(app)
        assert "# EXERCISE #" in rows[0]
        assert all(row.isascii() for row in rows), [row for row in rows if not row.isascii()]
