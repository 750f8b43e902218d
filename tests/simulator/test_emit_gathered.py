"""How many scrapes are made into samples at once changes none of them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.simulator.emitted import START, Kept
from warroom.simulator.emit import Emitter
from warroom.simulator.faults import Fault
from warroom.simulator.load import Load
from warroom.simulator.topology_files import load_topology
from warroom.simulator.world import World

FAULTS = (
    (20, Fault("slow", "latency_add", {"service": "catalog", "slice": {"country": "DE"}}, {"ms": 900})),
    (31, Fault("bad", "deploy_bad", {"service": "cart"}, {"version": "v999", "fraction": 0.5, "error_rate": 0.2})),
    (47, Fault("gap", "metric_gap", {"service": "web"}, {"fraction": 0.5})),
    (58, Fault("gone", "scale_to_zero", {"service": "payment", "region": "eu-west"})),
    (63, Fault("odd", "error_rate", {"service": "recommend"}, {"rate": 0.2, "status": 429})),
)


def lived(gather: int, topology: str = "shop", warmup: int = 0, seconds: int = 240) -> Kept:
    world = World(load_topology(topology), 7, START, Load(), warmup=warmup, changes_per_hour=60.0)
    kept = Kept()
    emitter = Emitter(world, kept, gather=gather)
    for second in range(seconds):
        for at, fault in FAULTS:
            if topology == "shop" and second == at:
                world.begin(fault)
        if second == 150 and world.active("gone"):
            world.end("gone")
        world.step()
        emitter.after_step()
    emitter.flush()
    return kept


def samples(kept: Kept) -> dict[object, tuple[bytes, bytes]]:
    found: dict[object, tuple[list[float], list[float]]] = {}
    for block in kept.blocks:
        for column, key in enumerate(block.keys):
            times, values = found.setdefault(key, ([], []))
            times += block.times.tolist()
            values += block.values[:, column].tolist()
    return {key: (np.array(times).tobytes(), np.array(values).tobytes()) for key, (times, values) in found.items()}


@pytest.mark.parametrize("gather", [17, 60, 1000])
def test_an_eventful_run_is_the_same_to_the_byte_however_it_is_gathered(gather):
    one, other = lived(0), lived(gather)
    assert len(one.blocks) > len(other.blocks) > 1
    assert samples(one) == samples(other)
    assert one.written == other.written
    assert one.followed == other.followed
    assert one.measured == other.measured


@pytest.mark.parametrize("topology", ["payments", "ml-platform"])
def test_so_is_a_history(topology):
    assert samples(lived(0, topology, 1900, 300)) == samples(lived(120, topology, 1900, 300))
