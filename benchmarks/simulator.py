"""How much faster than time the imaginary production lives, alone and with its telemetry: the shop of 12 services on
one core. Then that it lives the same twice, and what six hours of its past take.

The reference of the engine is the same minute of requests one by one: SimPy with as many service calls as the shop has.
That of all telemetry is the engine alone, of the same run. Garbage is collected as seldom as in a server.
"""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import time
from collections.abc import Generator
from typing import Any

import orjson
import simpy

from benchmarks.report import Figure
from warroom.embedded.backends import Backends
from warroom.garbage import collect_seldom
from warroom.simulator.emit import Emitter
from warroom.simulator.topology_files import load_topology
from warroom.simulator.world import World

START = 1_764_000_000.0
SECONDS = 600
FIRST = 60
ROUNDS = 5
USUAL_SCRAPE, DRILL_SCRAPE = 15, 5
"""Seconds between samples: as Prometheus usually has it, and as a drill does."""
TRACES = 3.0
GOAL, WHOLE_GOAL = 2_000, 500
HISTORY_SECONDS, HISTORY_MEBIBYTES = 30.0, 400.0

EMITTING: dict[str, dict[str, Any]] = {
    "metrics": {"traces_per_second": 0.0, "logs": False, "scrape": USUAL_SCRAPE, "gather": 60},
    "metrics, drill": {"traces_per_second": 0.0, "logs": False, "scrape": DRILL_SCRAPE},
    "all": {"traces_per_second": TRACES, "logs": True, "scrape": USUAL_SCRAPE, "gather": 60},
    "all, drill": {"traces_per_second": TRACES, "logs": True, "scrape": DRILL_SCRAPE},
}
"""As fast as it goes, samples handed over each minute; and as a live drill wants it, at once and finer."""


def speed(emitting: dict[str, Any] | None) -> float:
    """Simulated seconds in a second of CPU, with what is emitted kept in the embedded stores."""
    world = World(load_topology("shop"), 1, START)
    emitter = Emitter(world, Backends(lambda: world.now), seed=1, **emitting) if emitting else None
    before = 0.0
    for second in range(FIRST + SECONDS):
        if second == FIRST:
            before = time.process_time()
        world.step()
        if emitter is not None:
            emitter.after_step()
    return SECONDS / (time.process_time() - before)


def speeds() -> dict[str, float]:
    """The best of several rounds, in each of which everything is measured once: whatever else a machine does makes a
    program slower, never faster.
    """
    found: dict[str, list[float]] = {"single": [], "engine": [], **{name: [] for name in EMITTING}}
    for _ in range(ROUNDS):
        for name, measured in found.items():
            # What the one before left behind is not for this one to clean up.
            gc.collect()
            measured.append(single_requests() if name == "single" else speed(EMITTING.get(name)))
    return {name: max(measured) for name, measured in found.items()}


def single_requests(seconds: float = 1.0) -> float:
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


def child(asked: str, seed: int = 0) -> dict[str, Any]:
    """What a process of its own measures. `seed` is that of Python's hashes, on which nothing may depend."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.simulator_program", asked],
        env={**os.environ, "PYTHONHASHSEED": str(seed)}, capture_output=True, check=True, timeout=600,
    )  # fmt: skip
    found: dict[str, Any] = orjson.loads(done.stdout)
    return found


def alike() -> Figure:
    """The same seed and the same team, twice."""
    one, other = child("same", 1), child("same", 2)
    differ = [name for name in one if one[name] != other[name]]
    return Figure(
        "The same seed and actions twice: SHA-256 of samples, of log lines and of the log, and the score",
        f"differ: {', '.join(differ)}" if differ else f"equal (samples {one['samples'][:8]}…, log {one['log'][:8]}…)",
        f"10 minutes with {one['actions']} actions, in two processes",
        "equal",
        not differ,
    )


def past() -> list[Figure]:
    """Six hours of history."""
    found = child("history")
    return [
        Figure(
            "Six hours of history, metrics each 15 s and log lines",
            f"{found['seconds']:.1f} s",
            f"{found['samples']:,.0f} samples",
            f"at most {HISTORY_SECONDS:.0f} s",
            found["seconds"] <= HISTORY_SECONDS,
        ),
        Figure(
            "The most memory of that process",
            f"{found['mebibytes']:.0f} MiB",
            "",
            f"at most {HISTORY_MEBIBYTES:.0f} MiB",
            found["mebibytes"] <= HISTORY_MEBIBYTES,
        ),
    ]


def _fast(name: str, what: str, ours: dict[str, float], goal: int | None) -> Figure:
    told = EMITTING[name]
    handed = "each minute" if told.get("gather") else "at once"
    return Figure(
        f"With {what}; samples each {told['scrape']} s, handed over {handed}",
        f"{ours[name]:,.0f}x real time",
        f"{ours['engine']:,.0f}x the engine alone",
        f"at least {goal:,}x" if goal else "",
        ours[name] >= goal if goal else None,
    )


def main() -> list[Figure]:
    """Measure."""
    collect_seldom()
    ours = speeds()
    return [
        Figure(
            "The engine alone, 12 services, one core",
            f"{ours['engine']:,.0f}x real time",
            f"{ours['single']:,.0f}x request by request (SimPy)",
            f"at least {GOAL:,}x",
            ours["engine"] >= GOAL,
        ),
        _fast("metrics", "metrics", ours, GOAL),
        _fast("metrics, drill", "metrics", ours, None),
        _fast("all", f"metrics, {TRACES:.0f} traces a second and log lines", ours, WHOLE_GOAL),
        _fast("all, drill", f"metrics, {TRACES:.0f} traces a second and log lines", ours, None),
        alike(),
        *past(),
    ]
