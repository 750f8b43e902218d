"""An imaginary production that lives a second at a time.

Invariant: the same topology, seed, start and load, and the same calls before the same seconds, lead to the same
arrays to
the last bit on the same machine. Nothing here reads a clock, and telemetry is not drawn from the same random numbers.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np

from warroom.simulator import links, slis
from warroom.simulator.act import ACT
from warroom.simulator.apply import APPLY, RESTLESS, Scene
from warroom.simulator.changes import FIRST_NUMBER, Change, harmless
from warroom.simulator.controls import Controls
from warroom.simulator.crew import Crew
from warroom.simulator.effects import Effect, EffectError, check_effect
from warroom.simulator.faults import FAULT_TYPES, Fault, FaultError, check_fault
from warroom.simulator.flow import Second
from warroom.simulator.knobs import Knobs, neutral
from warroom.simulator.layout import Array, Layout
from warroom.simulator.load import Demand, Load
from warroom.simulator.model_plane import ModelPlane
from warroom.simulator.noise import Noise
from warroom.simulator.onset import begins, ends
from warroom.simulator.plan import Mixture, Plan, Roads
from warroom.simulator.second import Pace, live
from warroom.simulator.shapes import SloSecond
from warroom.simulator.slices import Felt, feel, upwards
from warroom.simulator.state import Queued, State, backup_bytes, fresh
from warroom.simulator.tick import Tick
from warroom.simulator.topology import Topology
from warroom.simulator.versions import Traits, Versions

SETTLING: Final = 90
"""Seconds lived before the first one, until waiting and retries are what they are."""
_ENGINE, _HISTORY = 1, 2


@dataclass(frozen=True, slots=True)
class ActiveFault:
    """A fault that is there, since when, until when if that is known, and how much of it is felt, 0 to 1."""

    fault: Fault
    begun: int
    ends: float | None
    severity: float


class World:
    """Lives from `-warmup` on; `second` is the one that `step` lives next, and `start` the epoch time of second 0."""

    def __init__(
        self,
        topology: Topology,
        seed: int,
        start: float,
        load: Load | None = None,
        *,
        warmup: int = 0,
        changes_per_hour: float = 3.0,
    ) -> None:
        self.topology, self.seed, self.start = topology, seed, float(start)
        self.load = load or Load()
        self.second = -int(warmup)
        self.layout = Layout(topology)
        self.demand = Demand(topology, self.load)
        self.draws = Noise(seed, _ENGINE, self.layout.regions + self.layout.rows + len(topology.models))
        self.controls = Controls(self.layout)
        self.rollouts = Versions(self.layout)
        self.plane = ModelPlane(self.layout)
        self.flags = {one.name: one.default for one in topology.flags}
        self.settings = {(one.service, one.key): one.value for one in topology.settings}
        self.certificates: Array = np.array(
            [start + (one.certificate_days or np.nan) * 86_400 for one in topology.services]
        )
        self.changes: list[Change] = []
        self.model_index = {one.name: at for at, one in enumerate(topology.models)}
        self.limited: Array = np.zeros(len(topology.models))
        self.backup_size = backup_bytes(self.layout)
        self.felt: tuple[Felt, ...] = ()
        self._rate = changes_per_hour / 3_600
        self._history = Noise(seed, _HISTORY, 5, uniform=True)
        self._running: dict[str, ActiveFault] = {}
        self._order = upwards(self.layout)
        self._neutral = neutral(self.layout)
        self._dirty = True
        self._slo: tuple[Tick, SloSecond] | None = None
        self.pace = Pace(self.layout, self.draws)
        self.crew = Crew(self.layout, self._neutral, self.layout.replicas, self.layout.units.no_place)
        self.state: State = fresh(self.layout, self.demand.usual, self.crew)
        self.knobs: Knobs = self._neutral
        self._turned: tuple[bytes, ...] = ()
        self._turn()
        self._settle()

    def _settle(self) -> None:
        """Live a while before the first second, so that it finds a production that runs."""
        first, rate = self.second, self._rate
        self._rate = 0.0
        self.second = first - SETTLING
        for _ in range(SETTLING):
            self.tick = self.step()
        self._rate = rate

    @property
    def now(self) -> float:
        """Epoch seconds of the second that comes next."""
        return self.start + self.second

    @property
    def versions(self) -> tuple[tuple[str, ...], ...]:
        """The names of each service's versions by slot, empty where a slot is free."""
        return self.rollouts.names

    def step(self) -> Tick:
        """Live one second."""
        self._background()
        self._age()
        state = self.state
        state.weight = self.rollouts.step(state.weight, self.second)
        if self._dirty or self._restless:
            self._turn()
        self.tick = live(self)
        self.controls.step()
        self.second += 1
        return self.tick

    def run(self, seconds: int) -> Tick:
        """Live several seconds."""
        for _ in range(seconds):
            self.step()
        return self.tick

    # Faults

    @property
    def faults(self) -> tuple[ActiveFault, ...]:
        """What is wrong now, in the order in which it began."""
        return tuple(self._running.values())

    def active(self, fault_id: str) -> bool:
        """Whether a fault has begun and not ended."""
        return fault_id in self._running

    def severity(self, fault_id: str) -> float:
        """How much of a fault is felt in this second; 0 when it is not there."""
        return self._running[fault_id].severity if fault_id in self._running else 0.0

    def begin(self, fault: Fault) -> None:
        """Something goes wrong from the next second on.

        Raises:
            FaultError: the fault cannot be, or one of its id is there.
        """
        problems = check_fault(fault, self.topology)
        if problems:
            raise FaultError(problems[0])
        if fault.id in self._running:
            raise FaultError(f"fault {fault.id} has begun already")
        until = None if fault.lasts is None else self.second + fault.lasts
        self._running[fault.id] = ActiveFault(fault, self.second, until, self._felt(fault, 0.0))
        begins(self, fault)
        self._dirty = True

    def end(self, fault_id: str, *, keep: bool = False) -> None:
        """A fault is over from the next second on. `keep`: what it set has been set otherwise by somebody.

        Raises:
            FaultError: there is no such fault.
        """
        one = self._running.pop(fault_id, None)
        if one is None:
            raise FaultError(f"fault {fault_id} is not there")
        if not keep:
            ends(self, one.fault)
        self._dirty = True

    def cured_by(self, kind: str, **aim: str) -> tuple[Fault, ...]:
        """Running faults of a type that are aimed at this."""
        return tuple(
            one.fault
            for one in self._running.values()
            if one.fault.type == kind and all(one.fault.aim.get(key) == value for key, value in aim.items())
        )

    def cure(self, kind: str, **aim: str) -> None:
        """End the faults of a type that are aimed at this: what they set has been undone."""
        for fault in self.cured_by(kind, **aim):
            self.end(fault.id, keep=True)

    @staticmethod
    def _felt(fault: Fault, age: float) -> float:
        period = fault.value("period_s")
        if (
            period > 0
            and FAULT_TYPES[fault.type].plane != "observability"
            and age % period >= fault.value("duty") * period
        ):
            return 0.0
        return min((age + 1) / fault.ramp, 1.0) if fault.ramp > 0 else 1.0

    def _age(self) -> None:
        for fault_id, one in tuple(self._running.items()):
            if one.ends is not None and self.second >= one.ends:
                self.end(fault_id)
                continue
            severity = self._felt(one.fault, self.second - one.begun)
            if severity != one.severity:
                self._running[fault_id] = replace(one, severity=severity)
                self._dirty = True

    @property
    def _restless(self) -> bool:
        """Whether the knobs may be others than in the second before, though nobody has turned anything."""
        if self.controls.restless:
            return True
        if not (self._running or self.rollouts.traits):
            return False
        shifted = self.state.weight is not self._turned_weight
        return shifted or any(one.fault.type in RESTLESS for one in self._running.values())

    def _turn(self) -> None:
        """Build the knobs of this second, and what they come to."""
        before, state, layout = self.knobs, self.state, self.layout
        self.knobs = knobs = self._turn_knobs()
        # What comes back has to start first.
        back = np.maximum(knobs.alive - before.alive, 0.0) * state.wanted + np.maximum(
            before.removed - knobs.removed, 0.0
        )
        if back.any() or state.starting is not layout.units.no_place:
            state.starting = np.minimum(state.starting + back, state.wanted)
        self.felt = tuple(feel(layout, knobs, one, self._order) for one in knobs.slices)
        turned = (self.controls.drained.tobytes(), knobs.users.tobytes(), state.primary.tobytes())
        if turned != self._turned:
            self._turned = turned
            self._roads = Roads(layout, links.routes(layout, knobs, self.controls.drained, state))
        self.plan = Plan(layout, knobs, self._roads, links.round_trips(knobs, self._roads.rtt))
        self.mix: Mixture = self.plan.mixture(self.demand.usual * knobs.traffic * (1 - knobs.blocked))
        self._keep()
        self._turned_weight = state.weight
        self._dirty = False

    def _turn_knobs(self) -> Knobs:
        knobs = self._neutral.copy()
        self.controls.apply(knobs)
        self.rollouts.apply(knobs, self.state.weight)
        for one in self._running.values():
            age = float(self.second - one.begun)
            scene = Scene(self.layout, knobs, self.state, self.rollouts, one.fault, one.severity, age)
            APPLY[one.fault.type](scene)
        knobs.loss = self.controls.healed(knobs.loss)
        for flag in self.topology.flags:
            if self.flags[flag.name] in flag.unguarded:
                knobs.security[self.topology.service_index[flag.service]] = 0.0
        return knobs

    def _keep(self) -> None:
        """Ticks keep arrays; these are what the next ones need of things that are written when somebody acts."""
        self.expiry: Array = self.certificates.copy()
        self.quarantined: Array = self.controls.quarantined.copy()
        self.model_version: Array = self.plane.version.copy()
        self.traits: Mapping[tuple[int, int], Traits] = dict(self.rollouts.traits)

    def crew_now(self) -> Crew:
        """The replicas of this second."""
        knobs, state = self.knobs, self.state
        if not self.crew.fits(knobs, state.wanted, state.starting):
            self.crew = Crew(self.layout, knobs, state.wanted, state.starting)
        return self.crew

    @property
    def kept(self) -> Array:
        """(E, R): the share of attempts that the network does not lose."""
        return self.plan.kept

    # People

    def act(self, effect: Effect) -> tuple[str, ...]:
        """Something is done to the production; gives the faults that are over by it.

        Raises:
            EffectError: the effect cannot be.
        """
        problems = check_effect(effect, self.topology)
        if problems:
            raise EffectError(problems[0])
        before = tuple(self._running)
        ACT[effect.kind](self, effect)
        self._dirty = True
        return tuple(one for one in before if one not in self._running)

    def add_change(
        self, kind: str, service: str, text: str, *, version: str = "", by: str = "", fault: str = ""
    ) -> Change:
        """Write down that something was changed."""
        number = FIRST_NUMBER + len(self.changes)
        change = Change(self.second, f"CHG-{number}", kind, service, version, text, by or "on-call", fault)
        self.changes.append(change)
        return change

    def note_scaling(self, row: int, region: int) -> None:
        """Write down what an autoscaler did."""
        name, place = self.topology.services[row].name, self.topology.regions[region].name
        self.add_change(
            "scale", name, f"{name} in {place}: {self.state.wanted[row, region]:g} replicas", by="autoscaler"
        )

    def _background(self) -> None:
        if self._rate <= 0:
            return
        draws = self._history.at(self.second)
        if draws[0] >= self._rate:
            return
        one = harmless(self.topology, (float(draws[1]), float(draws[2]), float(draws[3]), float(draws[4])))
        row = self.topology.service_index[one.service]
        busy = any(going.row == row for going in self.rollouts.rollouts)
        if one.kind != "deploy" or busy or any(key[0] == row for key in self.rollouts.traits):
            kind = "maintenance" if one.kind == "deploy" else one.kind
            self.add_change(kind, one.service, one.text, by=one.by)
            return
        name = self.rollouts.next_name(row)
        slot = self.rollouts.slot_for(row, name, self.state.weight)
        self.rollouts.roll(row, slot, self.state.weight, self.second, one.minutes * 60)
        self.add_change("deploy", one.service, f"{one.service} {name}: {one.text}", version=name, by=one.by)
        self._dirty = True

    # Databases

    def writes(self, row: int) -> float:
        """Writes a second that reach a database."""
        mask = self.layout.writes[: self.layout.edges] & (self.layout.target[: self.layout.edges] == row)
        return float(self.tick.calls[mask].sum())

    def promote(self, row: int, region: int, seconds: float) -> None:
        """Make a region's copy the primary; nothing is written for so long."""
        self.state.primary = self.state.primary.copy()
        self.state.primary[row] = region
        self.state.read_only = self.state.read_only.copy()
        self.state.read_only[row] = seconds

    def lose_writes(self, row: int, writes: float) -> None:
        """What was written is gone, and those who wrote it will notice."""
        self.state.lost_writes = self.state.lost_writes.copy()
        self.state.lost_writes[row] += writes
        self.state.divergent = self.state.divergent.copy()
        self.state.divergent[row] = 0.0
        self.state.harm_due += writes

    # Looking at it

    @property
    def slo(self) -> SloSecond:
        """What users felt in the last second; messages that came later than promised are late as well."""
        tick = self.tick
        if self._slo is None or self._slo[0] is not tick:
            requests = float(tick.requests.sum())
            failed = float(tick.failed.sum() + tick.wrong.sum())
            late = float(tick.late.sum()) + tick.moment.queued.late(self.layout)
            self._slo = (tick, SloSecond(requests, failed, min(late, max(requests - failed, 0.0))))
        return self._slo[1]

    def sli(self, name: str) -> float:
        """A figure of the last second, as `err(checkout)`; see `slis`."""
        return slis.sli(self, name)

    def fork(self) -> World:
        """Another world that goes on from here exactly as this one would."""
        shared = (
            self.topology, self.layout, self._neutral, self.demand, self.crew,
            self.knobs, self.plan, self._roads, self.mix, self.felt, self.tick, self.expiry, self.quarantined,
            self.model_version, self.traits, *self.state.arrays(),
        )  # fmt: skip
        return copy.deepcopy(self, {id(one): one for one in shared})

    def digest(self) -> str:
        """A SHA-256 of all that the next seconds depend on, and of the last one."""
        found = hashlib.sha256()
        for name, value in _flat(self.state):
            found.update(name.encode() + (value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()))
        for name, value in _flat(self.tick):
            found.update(name.encode() + (value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()))
        found.update(repr((self.second, self.changes, self.flags, sorted(self._running))).encode())
        return found.hexdigest()


def _flat(thing: Any) -> Iterator[tuple[str, Any]]:
    """The arrays and numbers of a dataclass and of those in it, in order."""
    for one in fields(thing):
        value = getattr(thing, one.name)
        if isinstance(value, Second | Queued):
            yield from _flat(value)
        elif isinstance(value, np.ndarray | int | float):
            yield one.name, value
