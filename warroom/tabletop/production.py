"""The imaginary production as a drill drives it: planned faults, what the players did, what was changed by hand.

The drill and the replay of the score both go through here, so that the same deeds at the same seconds lead to the same
users being hurt.

Invariant: what happens depends on the scenario, the seed, the log, and the deeds with their seconds, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from warroom.simulator.shapes import SloSecond
from warroom.simulator.world import World
from warroom.tabletop.acts import ActionSpec
from warroom.tabletop.conditions import LogFacts, NoLog
from warroom.tabletop.convert import effect_of, fault_from, fault_of, load_for, topology_for
from warroom.tabletop.expressions import Watch, condition
from warroom.tabletop.model import ChangeSpec, FaultSpec, Scenario

LEAD = 1500
"""Seconds that it runs before the exercise starts, so that it has a present to look back on; fewer where the scenario
has a shorter history.
"""


class Facts:
    """What conditions are asked against: this production, and what a log says."""

    def __init__(self, production: Production) -> None:
        self._production = production

    @property
    def second(self) -> int:
        """Seconds of the exercise so far."""
        return self._production.second

    @property
    def players(self) -> int:
        """How many play."""
        return self._production.log.players

    @property
    def hints(self) -> float:
        """What hints cost so far."""
        return self._production.log.hints

    def happened(self, name: str, arguments: tuple[str, ...]) -> Sequence[int]:
        """The seconds at which something happened in the room, ascending."""
        return self._production.log.happened(name, arguments)

    def state_of(self, name: str) -> str:
        """Where a fault, an action or an inject is."""
        return self._production.state_of(name)

    def severity(self, fault: str) -> float:
        """How much of a fault is felt, 0 to 1."""
        return float(self._production.world.severity(fault)) if self._production.active(fault) else 0.0

    def sli(self, name: str) -> float:
        """A figure of the production as its users or its hosts would measure it."""
        return float(self._production.world.sli(name))

    def holds_duty(self, duty: str) -> bool:
        """Whether somebody in reach holds it."""
        return self._production.log.holds_duty(duty)


class Production:
    """One running production. `second` is the one that comes next; it begins `lead` seconds before the exercise."""

    def __init__(self, scenario: Scenario, seed: int, start: float) -> None:
        self.scenario = scenario
        self.lead = min(LEAD, scenario.world.history.warmup)
        self.topology = topology_for(scenario)
        rate = scenario.world.history.changes_per_hour
        self.world = World(self.topology, seed, start, load_for(scenario), warmup=self.lead, changes_per_hour=rate)
        self.log: LogFacts = NoLog()
        self.facts = Facts(self)
        self._slos = scenario.slos
        self._faults: dict[str, FaultSpec] = {one.id: one for one in scenario.all_faults}
        self._waiting = [one.id for one in scenario.all_faults if one.at is not None or one.when]
        self._changes = sorted(scenario.changes, key=lambda one: one.at)
        self._when = {one.id: self._watch(one.when) for one in scenario.all_faults if one.when}
        self._until = {one.id: self._watch(one.until) for one in scenario.all_faults if one.until}
        self._works = {one.id: self._watch(one.works_when) for one in scenario.actions if one.works_when}
        self._done: list[str] = []
        self._begun: set[str] = set()

    def _watch(self, text: str | None) -> Watch:
        return Watch(condition(text or "true"), self._slos)

    def fork(self) -> Production:
        """The same, which goes on by itself from here, with a log in which nobody did anything."""
        made = copy(self)
        made.world = self.world.fork()
        made.log, made.facts = NoLog(), Facts(made)
        made._waiting, made._changes = list(self._waiting), list(self._changes)
        made._done, made._begun = list(self._done), set(self._begun)
        made._when, made._until, made._works = (
            {name: watch.copy() for name, watch in watches.items()}
            for watches in (self._when, self._until, self._works)
        )
        return made

    @property
    def second(self) -> int:
        """The second that `step` lives next."""
        return int(self.world.second)

    @property
    def done(self) -> tuple[str, ...]:
        """The actions that were finished, in order."""
        return tuple(self._done)

    def step(self) -> SloSecond:
        """Live one second; what its users felt."""
        second = self.second
        while self._changes and max(self._changes[0].at, -self.lead) <= second:
            self._record(self._changes.pop(0))
        for fault_id in tuple(self._waiting):
            spec = self._faults[fault_id]
            if spec.at is not None and max(spec.at, -self.lead) <= second:
                self.begin_planned(fault_id)
        if second >= 0:
            self._look()
        self.world.step()
        return self.world.slo

    def _record(self, change: ChangeSpec) -> None:
        """Write a planned change down, at its own time even where that is before this production began."""
        made = self.world.add_change(change.kind, change.service, change.text, version=change.version, by=change.by)
        if change.at < made.second:
            self.world.changes[-1] = replace(made, second=change.at)

    def _look(self) -> None:
        """Let begin and end what waits for a condition."""
        for watch in self._works.values():
            watch.holds(self.facts)
        for fault_id, watch in self._when.items():
            if watch.holds(self.facts) and fault_id in self._waiting:
                self.begin_planned(fault_id)
        for fault_id, watch in self._until.items():
            if watch.holds(self.facts) and self.active(fault_id):
                self.world.end(fault_id)

    def works(self, action: ActionSpec) -> bool:
        """Whether an action that is finished now does what it is for."""
        watch = self._works.get(action.id)
        return watch is None or watch.holds(self.facts)

    def finish_action(self, action: ActionSpec) -> None:
        """What is felt once an action is done."""
        self._done.append(action.id)
        for effect in action.effects:
            if effect.when and not self._watch(effect.when).holds(self.facts):
                continue
            if effect.kind == "begin_fault":
                self.begin_planned(str(effect.target["fault"]))
            elif effect.kind == "end_fault":
                self.end(str(effect.target["fault"]))
            else:
                self.world.act(effect_of(effect))

    def state_of(self, name: str) -> str:
        """Where a fault (pending, active, ended), an action or an inject is; empty for what is none."""
        if name in self._faults:
            if self.active(name):
                return "active"
            return "ended" if name in self._begun else "pending"
        if self.scenario.action(name) is not None:
            said = self.log.action_state(name)
            return said if said not in ("", "idle") else "done" if name in self._done else "idle"
        if self.scenario.inject(name) is not None:
            return "delivered" if self.log.delivered(name) else "waiting"
        return ""

    def active(self, fault_id: str) -> bool:
        """Whether a fault acts now."""
        return bool(self.world.active(fault_id))

    def begin_planned(self, fault_id: str) -> bool:
        """Let a fault of the scenario begin now; whether there is one that did not act already."""
        spec = self._faults.get(fault_id)
        if spec is None or self.active(fault_id):
            return False
        if fault_id in self._waiting:
            self._waiting.remove(fault_id)
        self.world.begin(fault_of(spec))
        self._begun.add(fault_id)
        return True

    def end(self, fault_id: str) -> None:
        """End a fault; one that has not begun never will."""
        if fault_id in self._waiting:
            self._waiting.remove(fault_id)
        if self.active(fault_id):
            self.world.end(fault_id)

    def by_hand(self, change: Mapping[str, Any]) -> None:
        """Carry out a change that a host made, where it is one that users feel.

        Raises:
            FaultError: a fault does not fit the topology.
        """
        what, fault = change.get("do"), change.get("fault")
        if what == "end":
            self.end(str(fault))
        elif what == "begin" and isinstance(fault, Mapping):
            made = fault_from(fault)
            self.world.begin(made)
            self._begun.add(made.id)
        elif what == "begin":
            self.begin_planned(str(fault))
