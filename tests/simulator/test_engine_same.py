"""The same seed and the same deeds are the same world, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from tests.simulator.worlds import START
from warroom.simulator.effects import Effect
from warroom.simulator.faults import Fault
from warroom.simulator.topology_files import load_topology, topology_names
from warroom.simulator.world import World


def played(name: str, seed: int) -> World:
    world = World(load_topology(name), seed, START, warmup=100)
    world.run(160)
    target = world.topology.services[1].name
    world.begin(Fault("F1", "cpu_saturation", {"service": target}, {"service_time_x": 12}, ramp=20))
    world.run(120)
    world.act(Effect("scale", {"service": target}, {"replicas_x": 2}))
    world.run(120)
    world.end("F1")
    return world


@pytest.mark.parametrize("name", topology_names())
def test_same_seed_same_bytes(name: str) -> None:
    first, second = played(name, 7), played(name, 7)
    assert first.digest() == second.digest()
    assert first.digest() != played(name, 8).digest()


@pytest.mark.parametrize("name", topology_names())
def test_a_fork_goes_on_as_the_first_would(name: str) -> None:
    first = played(name, 7)
    before = first.digest()
    second = first.fork()
    second.run(700)
    assert first.digest() == before
    first.run(700)
    assert first.digest() == second.digest()


def test_a_second_that_was_kept_is_not_written_again() -> None:
    world = played("shop", 7)
    kept = world.tick
    copies = {
        name: getattr(kept, name).copy() for name in kept.__slots__ if isinstance(getattr(kept, name), np.ndarray)
    }
    world.act(Effect("failover", {"service": "postgres"}))
    world.begin(Fault("F2", "deploy_bad", {"service": "catalog"}, {"error_rate": 0.5}))
    world.run(200)
    for name, copy in copies.items():
        np.testing.assert_array_equal(getattr(kept, name), copy, err_msg=name)
