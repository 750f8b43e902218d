"""Health: the worst decides, a check that hangs or fails is told, and what was before is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.telemetry.fake_time import FakeClock
from warroom.ops import machine
from warroom.ops.health import Histories, Result, Status, by_level, worst
from warroom.ops.monitor import Monitor

STATUSES = st.sampled_from(Status)


@given(st.lists(STATUSES))
def test_the_whole_is_as_bad_as_its_worst_part(some: list[Status]) -> None:
    assert all(worst(some).badness >= one.badness for one in some)
    assert worst(some) in some or (not some and worst(some) is Status.HEALTHY)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (69.9, Status.HEALTHY),
        (70.0, Status.DEGRADED),
        (89.9, Status.DEGRADED),
        (90.0, Status.UNHEALTHY),
        (float("nan"), Status.UNHEALTHY),
    ],
)
def test_levels(value: float, status: Status) -> None:
    assert by_level(value, 70.0, 90.0) is status


def test_since_when_it_is_so() -> None:
    kept = Histories(most=3)
    for at, status in enumerate((Status.HEALTHY, Status.DEGRADED, Status.DEGRADED)):
        kept.add(Result("disk", status, "", at=float(at)))
    assert kept.since("disk", Status.DEGRADED) == 1.0
    assert kept.since("disk", Status.HEALTHY) is None
    kept.add(Result("disk", Status.DEGRADED, "", at=3.0))
    assert [past.at for past in kept.all()["disk"]] == [1.0, 2.0, 3.0]


def test_the_machine_is_read_as_it_is(tmp_path: Path) -> None:
    for result in (machine.processor(), machine.memory(), machine.disk(tmp_path)):
        assert 0 <= float(result.details["percent"] or 0) <= 100
        assert result.message
    gone = machine.disk(tmp_path / "gone")
    assert gone.status is Status.UNHEALTHY
    assert "cannot be looked at" in gone.message


async def test_a_check_that_hangs_or_fails_holds_up_no_other() -> None:
    async def well() -> Result:
        return Result("store", Status.HEALTHY, "commits in 2 ms", details={"commits": 7})

    async def hangs() -> Result:
        await asyncio.Event().wait()
        raise AssertionError

    async def fails() -> list[Result]:
        raise RuntimeError("secret in here")

    monitor = Monitor({"store": well, "loki": hangs, "intake": fails}, FakeClock(), patience=0.05)
    health = await monitor.look()
    found = {one.name: one for one in health.results}
    assert health.status is Status.UNHEALTHY
    assert found["store"].status is Status.HEALTHY
    assert found["loki"].message == "no answer within 0.05 s"
    assert found["intake"].message == "could not be checked: RuntimeError"
    assert await monitor.first() is health
    assert set(health.history) == {"store", "loki", "intake"}
