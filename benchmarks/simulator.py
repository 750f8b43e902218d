"""How much faster than time the imaginary production lives: the shop of 12 services on one core.

The reference is the same minute of requests one by one: SimPy with as many service calls as the shop has.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Generator
from typing import Any

import simpy

from benchmarks.report import Figure
from warroom.simulator.topology_files import load_topology
from warroom.simulator.world import World

START = 1_764_000_000.0
SECONDS = 1_200
ROUNDS = 5
GOAL = 2_000


def engine() -> float:
    """Simulated seconds in a second of CPU, the median of several runs."""
    speeds = []
    for _ in range(ROUNDS):
        world = World(load_topology("shop"), 1, START)
        before = time.process_time()
        world.run(SECONDS)
        speeds.append(SECONDS / (time.process_time() - before))
    return statistics.median(speeds)


def single_requests(seconds: float = 3.0) -> float:
    """The same by single requests: as many calls a second as reach the shop's services, each holding a thread."""
    world = World(load_topology("shop"), 1, START)
    rate = float(world.tick.arrivals.sum())
    dice, env = random.Random(1), simpy.Environment()
    threads = simpy.Resource(env, 400)

    def call() -> Generator[Any, Any, None]:
        with threads.request() as turn:
            yield turn
            yield env.timeout(dice.lognormvariate(-5, 0.5))

    def calls() -> Generator[Any, Any, None]:
        while True:
            yield env.timeout(dice.expovariate(rate))
            env.process(call())

    env.process(calls())
    before = time.process_time()
    env.run(seconds)
    return seconds / (time.process_time() - before)


def main() -> list[Figure]:
    """Measure."""
    ours, theirs = engine(), single_requests()
    return [
        Figure(
            "D1 the engine alone, 12 services, one core",
            f"{ours:,.0f}x real time",
            f"{theirs:,.0f}x request by request (SimPy)",
            f"at least {GOAL:,}x",
            ours >= GOAL,
        )
    ]
