"""The drill: an imaginary production, its telemetry, and the facilitator who lets things happen in it.

`advance` lives one second and says what the facilitator does now. It is the same live and without a screen; pacing,
delivery and the room are somebody else's.

Invariant: what it decides depends on the scenario, the seed and the room's log alone, and on no clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from warroom.embedded.backends import Backends
from warroom.embedded.logql import LogqlError
from warroom.embedded.promql import PromqlError
from warroom.embedded.ruler import RuleGroup
from warroom.incident.state import IncidentState
from warroom.incident.words import Status
from warroom.simulator.emit import Emitter
from warroom.simulator.load import Load
from warroom.simulator.world import World
from warroom.tabletop import convert
from warroom.tabletop.actions import Actions
from warroom.tabletop.conditions import RoomLog
from warroom.tabletop.controls import Controls
from warroom.tabletop.deeds import FACILITATOR, Deed, Whisper, command
from warroom.tabletop.expressions import Watch, condition
from warroom.tabletop.injects import Hints, Schedule
from warroom.tabletop.look import Look, Tools, Trouble, look_at
from warroom.tabletop.model import Scenario
from warroom.tabletop.people import Absences
from warroom.tabletop.production import Production
from warroom.tabletop.runbook import Runbook
from warroom.tabletop.seal import key_of_seed, truth_of
from warroom.tabletop.signals import Signals
from warroom.tabletop.tamper import Tampering

WELL_FOR = 180
"""Seconds for which users have to be served as promised before an exercise that was called resolved is over."""
AFTER_THE_CALL = 60
"""Seconds that a team has after it called an incident over, or none, for what it still wants to write down."""
RULES_BEFORE = 180
"""Seconds before the start from which alert rules are evaluated, so that what has been wrong for long fires at once."""
USUAL_ANSWER = 0.2
"""Seconds of a usual answer, which a tool's `latency_x` multiplies."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """How much telemetry there is: seconds between scrapes, traces a second, log lines or none.

    `ruler_every` is how often alert rules are evaluated, in seconds; None is as often as their files say.
    """

    scrape: int = 5
    traces_per_second: float = 3.0
    logs: bool = True
    ruler_every: float | None = None


class Clock:
    """The time that the telemetry is stamped with, seconds since the epoch."""

    def __init__(self, at: float) -> None:
        self.at = at

    def now(self) -> float:
        """The time now."""
        return self.at


class Drill(Controls):
    """One exercise. `start` is when it starts, on its own clock; `key` (32 bytes) seals the truth and what is changed
    by hand, and comes from the seed when none is given. `history` fills the stores with the hours before. `runbook` and
    `rules` stand in for those that ship with the topology.

    Raises:
        TopologyError, RuleError, DocumentError: the scenario's topology, rules or runbook cannot be used.
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        start: datetime,
        *,
        key: bytes | None = None,
        hosts: Sequence[str] = (),
        speed: float = 1.0,
        telemetry: Telemetry | None = None,
        history: bool = False,
        automatic: bool = True,
        runbook: Runbook | None = None,
        rules: Sequence[RuleGroup] | None = None,
    ) -> None:
        self.scenario, self.seed, self.start = scenario, seed, start
        self.key = key_of_seed(scenario.digest, seed) if key is None else key
        self.hosts = tuple(dict.fromkeys((FACILITATOR, *hosts)))
        self.speed, self.automatic = speed, automatic
        self.finished = False
        self.production = Production(scenario, seed, start.timestamp())
        self.clock = Clock(self._at(-self.production.lead))
        told = telemetry or Telemetry()
        topology = scenario.world.topology
        groups = convert.rules_for(topology) if rules is None else rules
        if told.ruler_every is not None:
            groups = [replace(group, interval=told.ruler_every) for group in groups]
        self.backends = Backends(self.clock.now, rules=groups, seed=seed)
        self.tampering = Tampering(self.backends)
        self.runbook = runbook or convert.runbook_for(topology)
        self.log = RoomLog(scenario, start)
        self.production.log = self.log
        self.schedule_of = Schedule(scenario)
        self.hints_of = Hints(scenario)
        self.troubles: dict[str, Trouble] = {}
        self.by_hand_troubles: dict[str, Trouble] = {}
        self._actions = Actions(scenario, self.production)
        self._absences = Absences(scenario)
        self._stops = [Watch(condition(text), scenario.slos) for text in scenario.abort.stop_conditions]
        self._met = [Watch(condition(f"met({one.id}) for {WELL_FOR}s"), scenario.slos) for one in scenario.world.slo]
        self._ended_at: int | None = None
        self._state = IncidentState()
        self._emitter = Emitter(
            self.production.world, self.tampering, scrape=told.scrape, traces_per_second=told.traces_per_second,
            logs=told.logs, seed=seed,
        )  # fmt: skip
        self._signals = Signals(self.backends.alert_store, self.production.world, start.timestamp())
        self._warm(told, history=history)

    @property
    def second(self) -> int:
        """Whole seconds of the exercise that were lived."""
        return max(0, self.production.second)

    @property
    def now(self) -> float:
        """The time in the imaginary production, seconds since the epoch."""
        return self._at(self.second)

    @property
    def moment(self) -> datetime:
        """The same as an aware datetime."""
        return self.start + timedelta(seconds=self.second)

    @property
    def world(self) -> World:
        """The imaginary production itself, for hosts."""
        return self.production.world

    def declaration(self, branch_of: str = "", branch_second: int | None = None) -> dict[str, Any]:
        """The command that opens the exercise in the room."""
        scenario = self.scenario
        exercise: dict[str, Any] = {
            "scenario": scenario.metadata.code, "version": scenario.metadata.version, "title": scenario.metadata.title,
            "seed": self.seed, "truth": truth_of(self.key, scenario.sealed), "safe_word": scenario.abort.safe_word,
            "hosts": list(self.hosts), "actions": [convert.offered(one) for one in scenario.actions],
            "roles": [duty.value for duty in scenario.roles.required], "speed": self.speed,
        }  # fmt: skip
        if branch_of:
            exercise |= {"branch_of": branch_of, "branch_second": branch_second}
        return {"type": "declare-incident", "title": scenario.metadata.title, "triage": True, "exercise": exercise}

    def advance(self, state: IncidentState) -> tuple[Deed, ...]:
        """Live one second, and say what the facilitator does at its end. `state` is the room before that moment."""
        if self.finished:
            return ()
        if self._stopped_by_others(state):
            self.finished = True
            return tuple(self._closing(state, state.exercise.stop_reason if state.exercise else "abandoned"))
        first = self.second == 0
        self._live()
        return tuple(self._deeds(state, first=first))

    def catch_up(self, state: IncidentState) -> tuple[Whisper, ...]:
        """Live one second of an exercise whose log is there already, and take what it says as done. What was whispered
        then is in no log, and comes back.
        """
        first = self.second == 0
        self._live()
        self._state = state
        self.log.update(state)
        self._actions.seen(state)
        told = tuple(self._deeds(state, first=first, acting=False))
        return tuple(one for one in told if isinstance(one, Whisper))

    def look(self, state: IncidentState | None = None) -> Look:
        """What players can see now of the telemetry and the room."""
        tools = Tools(
            self.backends.promql, self.backends.logql, self.backends.trace_store.search,
            self.backends.alert_store.alerts, (PromqlError, LogqlError),
        )  # fmt: skip
        return look_at(tools, state or self._state, self.clock.at, self.troubles, self.seed)

    # -- living ------------------------------------------------------------------------------------------------------

    def _at(self, second: int) -> float:
        return self.start.timestamp() + second

    def _warm(self, told: Telemetry, *, history: bool) -> None:
        if history:
            self._past(told)
        rules_from = max(-RULES_BEFORE, self.production.second + 1)
        while self.production.second < 0:
            self.production.step()
            self._emitter.after_step()
            self.clock.at = self._at(self.production.second)
            if self.production.second == rules_from:
                self.backends.ruler.skip_to(self.clock.at)
            elif self.production.second > rules_from:
                self.backends.tick(self.clock.at)
        self._trouble()

    def _past(self, told: Telemetry) -> None:
        """The hours before: telemetry of an uneventful past, which nothing afterwards rests on."""
        lead = self.production.lead
        hours = self.scenario.world.history.warmup - lead
        if hours <= 0:
            return
        load = convert.load_for(self.scenario)
        calm = Load(load.base_rps, load.diurnal, load.amplitude, load.noise)
        world = World(
            self.production.topology, self.seed + 1, self._at(-lead), calm, warmup=hours, changes_per_hour=0.0
        )
        emitter = Emitter(
            world, self.backends, scrape=told.scrape, traces_per_second=0.0, logs=told.logs, seed=self.seed
        )
        while world.second < 0:
            world.step()
            emitter.after_step()
        emitter.flush()

    def _live(self) -> None:
        self.production.step()
        self._emitter.after_step()
        self.clock.at = self._at(self.production.second)
        self._trouble()
        self.backends.tick(self.clock.at)

    def _trouble(self) -> None:
        """Degrade the tools as the faults that act now say, and as was done by hand."""
        wanted = dict(self.by_hand_troubles)
        for active in self.world.faults:
            if active.fault.type == "tool_degraded":
                params = active.fault.params
                slower = (float(params.get("latency_x", 1.0)) - 1.0) * USUAL_ANSWER + float(params.get("latency", 0.0))
                wanted[str(active.fault.target["tool"])] = Trouble(
                    max(0.0, slower), float(params.get("error_rate", 0.0)), bool(params.get("down", False))
                )
        if wanted != self.troubles:
            for tool in self.troubles.keys() - wanted.keys():
                self.backends.restore(tool)
            for tool, trouble in wanted.items():
                self.backends.degrade(tool, latency=trouble.latency, error_rate=trouble.error_rate, down=trouble.down)
            self.troubles = wanted

    # -- deciding ----------------------------------------------------------------------------------------------------

    def _deeds(self, state: IncidentState, *, first: bool, acting: bool = True) -> Iterator[Deed]:
        self._state = state
        self.log.update(state)
        if first:
            yield from self._opening()
        yield from self._signals.act(state)
        if acting:
            yield from self._actions.act(state, self.moment)
        yield from self._absences.act(state, self.second)
        yield from self.schedule_of.act(state, self.production.facts, automatic=self.automatic)
        yield from self.hints_of.act(state, self.production.facts)
        reason = self._reason_to_stop(state)
        if reason and acting:
            self.finished = True
            yield from self._closing(state, reason)

    def _opening(self) -> Iterator[Deed]:
        if self.runbook is not None:
            yield command("attach-playbook", playbook=self.runbook.pinned().model_dump(mode="json"))
        for slo in self.scenario.world.slo:
            panel = convert.panel_of(slo, self.scenario)
            if panel is not None:
                yield command("add-panel", panel=panel)

    def _stopped_by_others(self, state: IncidentState) -> bool:
        return state.exercise is not None and not state.exercise.running

    def _reason_to_stop(self, state: IncidentState) -> str:
        facts, exercise = self.production.facts, state.exercise
        met = [watch.holds(facts) for watch in self._met]
        aborted = [watch.holds(facts) for watch in self._stops]
        if exercise is None:
            return ""
        if self._said_safe_word(state):
            return "safe_word"
        if self.second >= self.scenario.metadata.duration.hard_stop:
            return "hard_stop"
        if any(aborted):
            return "abandoned"
        if state.status in (Status.DECLINED, Status.RESOLVED, Status.CLOSED):
            if self._ended_at is None:
                self._ended_at = self.second
            waited = self.second - self._ended_at >= AFTER_THE_CALL
            return "finished" if waited and (all(met) or state.status is Status.DECLINED) else ""
        self._ended_at = None
        return ""

    def _said_safe_word(self, state: IncidentState) -> bool:
        word = self.scenario.abort.safe_word.casefold()
        start, self._read = self._read, state.seq
        for seq in range(start + 1, state.seq + 1):
            entry = state.entry(seq)
            chat = entry if entry is not None and entry.kind == "chat-posted" else None
            if chat is not None and chat.actor not in self.hosts and word in chat.text.casefold():
                return True
        return False

    _read = 0

    def _closing(self, state: IncidentState, reason: str) -> Iterator[Deed]:
        for asked in state.actions:
            if asked.is_open:
                yield command(
                    "finish-action", number=asked.number, outcome="cancelled", second=self.second,
                    result="the exercise is over",
                )  # fmt: skip
        yield command("stop-exercise", reason=reason, text=_ENDINGS[reason], key=self.key.hex())
        if self.automatic:
            while self.told < len(self.truth_text):
                yield from self.reveal()


_ENDINGS: Mapping[str, str] = {
    "finished": "The team called it over, and users are served as promised.",
    "safe_word": "Somebody said the safe word. This exercise is over; whatever goes on now is real.",
    "hard_stop": "Time is up.",
    "abandoned": "The exercise cannot go on.",
}
