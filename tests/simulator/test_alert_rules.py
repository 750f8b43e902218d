"""The alert rules that ship: Prometheus takes them, they ask for what is there, and are silent when all is well."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from tests.simulator.emitted import START
from warroom.data import shipped_data_dir
from warroom.embedded.backends import Backends
from warroom.embedded.promql.parse import parse
from warroom.embedded.promql.tree import selectors
from warroom.embedded.rule_files import load_rules
from warroom.simulator.emit import Emitter
from warroom.simulator.faults import Fault
from warroom.simulator.load import Load
from warroom.simulator.topology_files import load_topology
from warroom.simulator.world import World

RULES = sorted((shipped_data_dir("scenarios") / "rules").glob("*.yml"))
PROMTOOL = shutil.which("promtool")
SEED = 5
SCRAPE = 15
BEFORE, LASTS, WRONG = 1_200, 900, 240
each_topology = pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)


class Watched:
    """A production that is watched from `-BEFORE` on by the rules of its topology, which are evaluated from 0 on."""

    def __init__(self, path: Path) -> None:
        self.world = World(load_topology(path.stem), SEED, START, Load(diurnal=False), warmup=BEFORE)
        groups = [replace(group, interval=2.0 * SCRAPE) for group in load_rules(path)]
        self.backends = Backends(lambda: self.world.now, rules=groups)
        self.emitter = Emitter(self.world, self.backends, scrape=SCRAPE, traces_per_second=0, logs=False)
        self.fired: set[str] = set()
        self.live_until(0)
        self.backends.ruler.skip_to(self.world.now)

    def live_until(self, second: int) -> None:
        """Live, and note which alerts fire."""
        while self.world.second < second:
            self.world.step()
            self.emitter.after_step()
            if self.world.second > 0:
                self.backends.tick(self.world.now)
                self.fired |= {dict(one.labels)["alertname"] for one in self.backends.ruler.firing()}


@lru_cache(maxsize=len(RULES))
def calm(path: Path) -> Watched:
    """A quarter of an hour in which nothing is wrong."""
    watched = Watched(path)
    watched.live_until(LASTS)
    return watched


@pytest.mark.servers
@pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool on the PATH")
@each_topology
def test_prometheus_takes_the_rules(path: Path) -> None:
    assert PROMTOOL is not None
    said = subprocess.run([PROMTOOL, "check", "rules", path], capture_output=True, text=True, timeout=30, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
    assert f"SUCCESS: {sum(len(group.rules) for group in load_rules(path))} rules found" in said.stdout


@pytest.mark.slow
@each_topology
def test_a_rule_asks_for_what_is_there(path: Path) -> None:
    store = calm(path).backends.series_store
    missing = [
        (rule.name, one.name)
        for group in load_rules(path) for rule in group.rules for one in selectors(parse(rule.expr))
        if not store.select(one.matchers, START, START + LASTS)
    ]  # fmt: skip
    assert missing == []


@pytest.mark.slow
@each_topology
def test_nothing_fires_while_all_is_well_and_something_when_it_is_not(path: Path) -> None:
    watched = calm(path)
    unwell = [(rule.name, rule.error) for rule in watched.backends.ruler.rules() if rule.health != "ok"]
    assert unwell == []
    assert watched.fired == set()
    entry = watched.world.topology.entries[0]
    watched.world.begin(Fault("F1", "error_rate", {"service": entry}, {"rate": 0.5}))
    watched.live_until(LASTS + WRONG)
    assert {"HighErrorRatio", "UsersFail"} <= watched.fired


@pytest.mark.slow
@each_topology
def test_no_alert_begins_long_after_what_it_is_about_is_over(path: Path) -> None:
    watched = Watched(path)
    entry = watched.world.topology.entries[0]
    watched.world.begin(Fault("F1", "error_rate", {"service": entry}, {"rate": 0.9}, lasts=250))
    watched.live_until(310)
    during = set(watched.fired)
    assert "UsersFail" in during
    watched.live_until(700)
    assert watched.fired == during
