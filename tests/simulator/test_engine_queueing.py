"""The fluid model against Erlang's formula, and against a simulation of single requests."""

from __future__ import annotations

import math
import random
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import simpy

from tests.simulator.worlds import pair, world_of
from warroom.simulator.maths import waiting


def erlang_wait(rate: float, holding: float, servers: int) -> float:
    """Mean seconds in an M/M/c queue (Erlang C)."""
    load = rate * holding
    terms = [load**k / math.factorial(k) for k in range(servers)]
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(terms) + last) * holding / (servers - load)


@pytest.mark.parametrize("rho", [0.5, 0.7, 0.8, 0.9])
def test_waiting_is_that_of_m_m_c(rho: float) -> None:
    world = world_of(pair(rps=rho * 1_000, retries=0, timeout=60_000))
    waits = []
    for _ in range(200):
        world.step()
        waits.append(float(world.tick.wait[1, 0]))
    expected = erlang_wait(rho * 1_000, 0.010, 10)
    # Sakasegawa's approximation, and own times that jitter by 2 %.
    assert sum(waits) / len(waits) == pytest.approx(expected, rel=0.2, abs=0.0002)


@pytest.mark.parametrize("servers", [1, 4, 10, 60])
@pytest.mark.parametrize("rho", [0.6, 0.8, 0.95])
def test_the_formula_is_near_erlang_s(servers: int, rho: float) -> None:
    found = float(waiting(np.array(rho), np.array(float(servers)), np.array(0.010)))
    assert found == pytest.approx(erlang_wait(rho * servers / 0.010, 0.010, servers), rel=0.16, abs=0.0002)


def test_more_than_can_be_done_grows_by_what_is_too_much() -> None:
    world = world_of(pair(rps=1_200, retries=0, timeout=3_600_000 / 10))
    before = float(world.tick.backlog[1, 0])
    world.run(100)
    assert float(world.tick.backlog[1, 0]) - before == pytest.approx(100 * 200, rel=0.05)


def requests(rps: float, timeout: float, retries: int, seconds: float, seed: int) -> tuple[float, float, float]:
    """Requests one by one: mean seconds of a call's attempt, the share that fail, and attempts a second at the back."""
    dice, env = random.Random(seed), simpy.Environment()
    threads = simpy.Resource(env, 10)
    took: list[float] = []
    fails: list[bool] = []
    attempts = [0]

    def attempt() -> Generator[Any, Any, None]:
        with threads.request() as turn:
            yield turn
            yield env.timeout(dice.lognormvariate(math.log(0.010) - 0.125, 0.5))

    def user() -> Generator[Any, Any, None]:
        for _ in range(retries + 1):
            attempts[0] += 1
            begun = env.now
            work = env.process(attempt())
            yield work | env.timeout(timeout)
            took.append(env.now - begun)
            if work.processed:
                fails.append(False)
                return
        fails.append(True)

    def users() -> Generator[Any, Any, None]:
        while True:
            yield env.timeout(dice.expovariate(rps))
            env.process(user())

    env.process(users())
    env.run(seconds)
    return sum(took) / len(took), sum(fails) / len(fails), attempts[0] / seconds


@pytest.mark.parametrize(("rps", "timeout"), [(500, 0.5), (800, 0.5), (700, 0.030)])
def test_calls_are_those_of_single_requests(rps: float, timeout: float) -> None:
    mean, failing, rate = requests(rps, timeout, retries=1, seconds=60, seed=7)
    world = world_of(pair(rps=rps, retries=1, timeout=timeout * 1_000))
    world.run(60)
    tick = world.tick
    held = float(tick.call_latency[0, 0])
    assert held == pytest.approx(mean, rel=0.25)
    assert float(tick.arrivals[1, 0]) == pytest.approx(rate, rel=0.06)
    assert float(tick.call_failures[0, 0]) == pytest.approx(failing, abs=0.02)


@pytest.mark.parametrize("retries", [0, 2])
def test_overload_fails_as_single_requests_do(retries: int) -> None:
    """Half as much again as can be done, for so long that nobody is answered in time any more."""
    _, failing, rate = requests(1_500, 0.2, retries, seconds=40, seed=3)
    world = world_of(pair(rps=1_500, retries=retries, timeout=200))
    failures, arrivals = [], []
    for _ in range(40):
        world.step()
        failures.append(float(world.tick.call_failures[0, 0]))
        arrivals.append(float(world.tick.arrivals[1, 0]))
    assert failing > 0.9
    assert sum(failures) / len(failures) == pytest.approx(failing, abs=0.05)
    assert sum(arrivals) / len(arrivals) == pytest.approx(rate, rel=0.06)


def test_a_quiet_service_answers_all_as_single_requests_do() -> None:
    _, failing, rate = requests(420, 1.0, retries=2, seconds=40, seed=3)
    world = world_of(pair(rps=420))
    world.run(60)
    assert failing < 0.01
    assert float(world.tick.call_failures[0, 0]) == pytest.approx(failing, abs=0.01)
    assert float(world.tick.arrivals[1, 0]) == pytest.approx(rate, rel=0.06)
