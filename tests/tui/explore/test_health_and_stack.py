"""The panes of the server's own health and of the bundled stack."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui.consoles import SIZES, screen_text, shows, until
from tests.tui.explore.answering import answering
from warroom.bundle.state import ServiceState, StackState
from warroom.ops.health import Health, Past, Result, Status
from warroom.telemetry import shapes

AT = 1_795_253_640.0
HEALTH = Health(
    Status.UNHEALTHY,
    AT,
    (
        Result("cpu", Status.HEALTHY, "12 % of 2 cores in use", 0.1, AT, {"percent": 12.0, "cores": 2}),
        Result("disk", Status.DEGRADED, "84 % used, 1.2 GiB free where the log is", 0.2, AT, {"percent": 84.0}),
        Result("loki", Status.UNHEALTHY, "loki at 127.0.0.1:3100 refused the connection", 1.0, AT),
    ),
    {
        "loki": (
            Past(AT - 30, Status.HEALTHY, 2.0),
            Past(AT - 15, Status.UNHEALTHY, 1.0),
            Past(AT, Status.UNHEALTHY, 1.0),
        )
    },
)
STACK = StackState(
    "ok",
    "",
    "2026-11-21T09:42:00Z",
    (
        ServiceState("prometheus", "running", "healthy", "healthy", cpu=3.2, memory=120_000_000, ports=(9090,)),
        ServiceState("loki", "exited", "none", "killed 12 s ago (137)", restarts=3, image="grafana/loki:3.7.6"),
        ServiceState("grafana", "absent", "none", "not started"),
    ),
)


@pytest.mark.parametrize("size", SIZES)
async def test_the_worst_check_is_first_and_says_since_when(size: tuple[int, int]) -> None:
    async with answering({"health": {"health": shapes.plain(HEALTH)}}, size) as (_, app, pilot):
        await pilot.press("H")
        await until(pilot, lambda: shows(app, "refused the connection"))
        rows = screen_text(app)
        order = [
            next(n for n, row in enumerate(rows) if f" {word} " in row) for word in ("UNHEALTHY", "DEGRADED", "HEALTHY")
        ]
        assert order == sorted(order)
        await until(pilot, lambda: shows(app, "loki: UNHEALTHY"))


@pytest.mark.parametrize("size", SIZES)
async def test_the_stack_shows_what_each_service_does(size: tuple[int, int]) -> None:
    async with answering({"stack": {"stack": shapes.plain(STACK), "words": ""}}, size) as (_, app, pilot):
        await pilot.press("f12")
        await until(pilot, lambda: shows(app, "killed 12 s ago"))
        await pilot.press("j")
        await until(pilot, lambda: shows(app, "grafana/loki:3.7.6"))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"stack": None, "words": "this server looks after no stack"}, "looks after no stack"),
        (
            {"stack": shapes.plain(StackState("none", "no Docker engine answers; start Docker")), "words": ""},
            "no Docker",
        ),
    ],
)
async def test_without_a_stack_it_says_so(answer: dict[str, Any], words: str) -> None:
    async with answering({"stack": answer}) as (_, app, pilot):
        await pilot.press("f12")
        await until(pilot, lambda: shows(app, words))
