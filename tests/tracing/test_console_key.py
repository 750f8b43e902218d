"""The trace of a command given in the console begins with the key that gave it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import pytest

from tests.tui.consoles import board, until
from tests.tui.local_wire import LocalWire
from tests.tui.story import tell
from warroom.client.view import Settled


class Noting:
    """What was said of keys when commands were given, over the story's client."""

    def __init__(self, wire: LocalWire, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pressed: list[dict[str, float]] = []
        whole = wire.submit

        def submit(command: Mapping[str, Any], incident: str = "", **more: float) -> Future[Settled]:
            self.pressed.append(more)
            return whole(command, incident)

        monkeypatch.setattr(wire, "submit", submit)


@pytest.mark.parametrize("traced", [True, False])
async def test_a_command_says_when_its_key_came_only_where_it_is_traced(
    monkeypatch: pytest.MonkeyPatch, traced: bool
) -> None:
    wire = tell()
    noting = Noting(wire, monkeypatch)
    async with board(wire=wire, traced=traced) as (_, _app, pilot):
        await pilot.press("n", *"hands off")
        before = time.monotonic()
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(noting.pressed))
        after = time.monotonic()
    if traced:
        assert before <= noting.pressed[0]["pressed"] <= after
    else:
        assert noting.pressed == [{}]
