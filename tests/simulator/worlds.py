"""Small productions for tests of the engine."""

from __future__ import annotations

from typing import Any

from warroom.simulator.load import Load
from warroom.simulator.topology import Topology
from warroom.simulator.topology_files import load_topology
from warroom.simulator.topology_read import topology_of
from warroom.simulator.world import World

START = 1_764_000_000.0
EVEN = Load(diurnal=False, noise=0.0)


def shop(seed: int = 3, **more: Any) -> World:
    """The shop without harmless changes."""
    return World(load_topology("shop"), seed, START, EVEN, changes_per_hour=more.pop("changes_per_hour", 0), **more)


def models(seed: int = 3) -> World:
    """The machine-learning platform without harmless changes."""
    return World(load_topology("ml-platform"), seed, START, EVEN, changes_per_hour=0)


def pair(*, rps: float, queue: int = 0, retries: int = 2, timeout: float = 1_000, **back: Any) -> Topology:
    """A front that never is the limit, and what it calls: ten threads of 10 ms."""
    behind = {
        "name": "db", "held": False, "threads": 10, "replicas": 1, "service_time_ms": 10, "cpu_ms": 0, "cores": 64,
        "queue": queue, "errors": 0.0, "gc": False, **back,
    }  # fmt: skip
    front = {
        "name": "front",
        "held": False,
        "threads": 4_000,
        "service_time_ms": 1,
        "cpu_ms": 0.1,
        "queue": 0,
        "gc": False,
    }
    return topology_of(
        {
            "name": "pair", "base_rps": rps, "regions": [{"name": "r"}], "services": [front, behind],
            "edges": [{"edge": "front->db", "timeout_ms": timeout, "retries": retries, "budget": None}],
            "journeys": [{"name": "use", "entry": "front", "timeout_ms": 10_000, "late_ms": 500}],
        }
    )  # fmt: skip


def world_of(topology: Topology, seed: int = 1) -> World:
    """A world with an even load."""
    return World(topology, seed, START, EVEN, changes_per_hour=0)


def failed(world: World) -> float:
    """The share of the users for whom it failed in the last second."""
    return world.slo.failed / world.slo.requests
