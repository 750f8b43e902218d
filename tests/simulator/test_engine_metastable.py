"""A trigger that is gone leaves a production that stays down, because those who wait ask again."""

from __future__ import annotations

from tests.simulator.worlds import failed, pair, world_of
from warroom.simulator.effects import Effect
from warroom.simulator.faults import Fault
from warroom.simulator.world import World

RPS = 420  # 0.42 of what ten threads of 10 ms can do: above 1 / (1 + retries)


def struck(queue: int, retries: int = 2) -> World:
    world = world_of(pair(rps=RPS, queue=queue, retries=retries))
    world.run(30)
    assert failed(world) < 0.01
    world.begin(Fault("F1", "service_time_x", {"service": "db"}, {"factor": 5}, lasts=60))
    world.run(60)
    return world


def test_it_stays_down_ten_minutes_after_the_trigger() -> None:
    world = struck(queue=20_000)
    for _ in range(600):
        world.step()
        assert not world.active("F1")
        assert failed(world) > 0.95


def test_cutting_the_load_for_a_minute_brings_it_back() -> None:
    world = struck(queue=20_000)
    world.run(300)
    world.act(Effect("shed", {"service": "front"}, {"fraction": 0.8}))
    world.run(60)
    world.act(Effect("shed", {"service": "front"}, {"fraction": 0}))
    world.run(60)
    assert failed(world) < 0.01


def test_turning_retries_off_brings_it_back() -> None:
    world = struck(queue=20_000)
    world.run(300)
    world.act(Effect("retries", {"edge": "front->db"}, {"retries": 0}))
    world.run(120)
    assert failed(world) < 0.01


def test_a_bounded_queue_never_enters_it() -> None:
    world = struck(queue=300)
    world.run(60)
    assert failed(world) < 0.01


def test_without_retries_it_recovers_by_itself() -> None:
    world = struck(queue=20_000, retries=0)
    world.run(120)
    assert failed(world) < 0.01
