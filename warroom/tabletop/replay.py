"""What users felt, computed again from the log: the imaginary production alone, without telemetry.

Invariant: the same scenario, seed and log give the same curve as the drill itself did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from warroom.incident import events as e
from warroom.incident.decode import read_event
from warroom.incident.record import Record
from warroom.tabletop.conditions import RecordLog
from warroom.tabletop.curve import Curve
from warroom.tabletop.figures import Figures
from warroom.tabletop.happenings import Happenings
from warroom.tabletop.model import Scenario
from warroom.tabletop.production import Production
from warroom.tabletop.seal import SealError, open_change


class ReplayError(ValueError):
    """A log that cannot be played again, in one sentence."""


@dataclass(frozen=True, slots=True)
class WorldDeed:
    """Something that the production felt from `second` on. `kind` is finish, of action `what`, or hand."""

    second: int
    kind: str
    what: str
    number: int = 0
    change: object = None


def world_deeds(records: Iterable[Record], key: bytes | None = None) -> tuple[WorldDeed, ...]:
    """What the log says was done to the production, in order. Changes by hand are there when their key is known: the
    one given, or the one that the log itself tells at its end.
    """
    told: list[WorldDeed] = []
    sealed: list[str] = []
    names: dict[int, str] = {}
    for record in records:
        event = read_event(record)
        if isinstance(event, e.ActionRequested):
            names[event.number] = event.action
        elif isinstance(event, e.ActionFinished) and event.outcome == "done" and event.number in names:
            told.append(WorldDeed(event.second, "finish", names[event.number], event.number))
        elif isinstance(event, e.WorldChanged):
            sealed.append(event.sealed)
        elif isinstance(event, e.ExerciseStopped) and event.key:
            key = bytes.fromhex(event.key)
    if key is not None:
        told += _by_hand(key, sealed)
    return tuple(sorted(told, key=lambda one: one.second))


def _by_hand(key: bytes, sealed: Iterable[str]) -> Iterable[WorldDeed]:
    for text in sealed:
        try:
            change = open_change(key, text)
        except SealError as error:
            raise ReplayError(str(error)) from None
        yield WorldDeed(int(change.get("second", 0)), "hand", str(change.get("do", "")), 0, change)


def replay(
    scenario: Scenario,
    seed: int,
    deeds: Sequence[WorldDeed],
    seconds: int,
    start: float,
    happenings: Happenings | None = None,
) -> Curve:
    """What users feel when these deeds are done at their seconds; `start` is seconds since the epoch."""
    production = _ready(scenario, seed, start)
    log = RecordLog(happenings) if happenings is not None else None
    if log is not None:
        production.log = log
    felt = []
    figures = Figures(scenario)
    waiting = list(deeds)
    for second in range(seconds):
        if log is not None:
            log.second = second
        while waiting and waiting[0].second <= second:
            _do(production, scenario, waiting.pop(0))
        slo = production.step()
        felt.append((slo.requests, slo.failed, slo.late))
        figures.look(production.facts)
    return replace(Curve.of(felt), missed=tuple(figures.missed), figures=figures.told)


_KEPT = 4
_READY: dict[tuple[str, int, float], Production] = {}
"""Productions at their first second: the runs that a score compares all begin with the same one."""


def _ready(scenario: Scenario, seed: int, start: float) -> Production:
    key = (scenario.digest, seed, start)
    held = _READY.get(key)
    if held is None:
        held = Production(scenario, seed, start)
        while held.second < 0:
            held.step()
        while len(_READY) >= _KEPT:
            _READY.pop(next(iter(_READY)))
        _READY[key] = held
    return held.fork()


def _do(production: Production, scenario: Scenario, deed: WorldDeed) -> None:
    action = scenario.action(deed.what)
    if isinstance(deed.change, dict):
        production.by_hand(deed.change)
    elif action is not None and production.works(action):
        production.finish_action(action)


def replay_log(
    scenario: Scenario,
    records: Sequence[Record],
    *,
    leave_out: frozenset[int] = frozenset(),
    seconds: int | None = None,
    key: bytes | None = None,
) -> Curve:
    """What the deeds of a log led to, running on until the scenario's hard stop unless `seconds` are given.

    `leave_out` are numbers of actions that were not done after all.

    Raises:
        ReplayError: the log holds no exercise, or a change by hand cannot be opened.
    """
    seed, started_at = began(records)
    happenings = Happenings(scenario.sealed, started_at)
    for record in records:
        happenings.add(record)
    deeds = [one for one in world_deeds(records, key) if one.number not in leave_out or not one.number]
    return replay(scenario, seed, deeds, _horizon(scenario, seconds), started_at.timestamp(), happenings)


def replay_null(scenario: Scenario, seed: int, start: float, seconds: int | None = None) -> Curve:
    """What users feel when nobody does anything in an exercise that began at `start`, seconds since the epoch."""
    return replay(scenario, seed, (), _horizon(scenario, seconds), start)


def replay_reference(scenario: Scenario, seed: int, start: float, seconds: int | None = None) -> Curve:
    """What users feel when the scenario's reference is followed: each of its actions is done at the second it names."""
    deeds = [WorldDeed(one.at, "finish", one.action, place) for place, one in enumerate(scenario.reference, start=1)]
    deeds.sort(key=lambda one: one.second)
    return replay(scenario, seed, deeds, _horizon(scenario, seconds), start)


def _horizon(scenario: Scenario, seconds: int | None) -> int:
    return scenario.metadata.duration.hard_stop if seconds is None else seconds


def began(records: Iterable[Record]) -> tuple[int, datetime]:
    """The seed of the exercise that a log holds, and when it began.

    Raises:
        ReplayError: it holds none.
    """
    for record in records:
        event = read_event(record)
        if isinstance(event, e.ExerciseStarted):
            return event.exercise.seed, record.recorded_at
    raise ReplayError("the log holds no exercise")
