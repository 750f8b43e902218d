"""Going back to a second of an exercise and deciding otherwise: the same past, another decision, another outcome.

Invariant: up to the second of the branch both logs hold the same events, with the same times and actors; only the
entry that starts the exercise names where it branched from.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from warroom.embedded.ruler import RuleGroup
from warroom.incident import events as e
from warroom.incident.decode import read_event
from warroom.incident.evolve import evolve
from warroom.incident.ids import incident_id
from warroom.incident.record import Record
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Proposed
from warroom.incident.words import Access
from warroom.tabletop.bots import make
from warroom.tabletop.bots.team import Bot
from warroom.tabletop.deeds import FACILITATOR, Act, Whisper, command
from warroom.tabletop.drill import Drill, Telemetry
from warroom.tabletop.headless import Run, acts, play
from warroom.tabletop.model import Scenario
from warroom.tabletop.replay import ReplayError, began, world_deeds
from warroom.tabletop.room import Room
from warroom.tabletop.runbook import Runbook


class BranchError(ValueError):
    """A log that cannot be branched, in one sentence."""


def branch(
    records: Sequence[Record],
    scenario: Scenario,
    second: int,
    player: str | Bot | Sequence[tuple[int, Act]],
    *,
    incident: str | None = None,
    telemetry: Telemetry | None = None,
    seconds: int | None = None,
    runbook: Runbook | None = None,
    rules: Sequence[RuleGroup] | None = None,
) -> Run:
    """Play on from `second` of the exercise in `records`, with other players or other deeds at given seconds.

    Raises:
        BranchError: the second is not within the exercise, or the log holds none.
    """
    seed, started = _begun(records)
    before = [one for one in records if (one.recorded_at - started).total_seconds() <= second]
    exercise = _stopped_at(records, started)
    if second < 1 or (exercise is not None and second >= exercise):
        raise BranchError(f"second {second} is not within the exercise, which ran for {exercise or 'longer'} seconds")
    bot = _player(player, seed)
    origin = records[0].incident
    chance = random.Random(f"{origin}/{second}/{bot.name}/{seed}")  # noqa: S311 (an id that is to come again)
    room = Room(incident or incident_id(chance.getrandbits(40), 6), seed, f"{origin}@{second}")
    drill = Drill(scenario, seed, started, key=_key(records), telemetry=telemetry, runbook=runbook, rules=rules)
    whispers: list[Whisper] = []
    felt: list[tuple[float, float, float]] = []
    _catch_up(drill, room, before, second, origin, whispers, felt)
    return play(drill, room, bot, seconds=seconds, whispers=whispers, felt=felt)


def resume(
    records: Sequence[Record],
    scenario: Scenario,
    second: int,
    *,
    telemetry: Telemetry | None = None,
    key: bytes | None = None,
    runbook: Runbook | None = None,
    rules: Sequence[RuleGroup] | None = None,
) -> Drill:
    """The drill as it stood at the end of `second`, from its log: for a facilitator that starts again.

    Raises:
        BranchError: the log holds no exercise.
    """
    seed, started = _begun(records)
    drill = Drill(scenario, seed, started, telemetry=telemetry, key=key, runbook=runbook, rules=rules)
    before = [one for one in records if (one.recorded_at - started).total_seconds() <= second]
    _catch_up(drill, None, before, second, "", [], [])
    return drill


def going_on(
    records: Sequence[Record], scenario: Scenario, second: int, *, incident: str
) -> tuple[Drill, tuple[Record, ...], tuple[Whisper, ...]]:
    """The drill as it stood at the end of `second`, for people to play on: with the same past as a log of its own under
    the name `incident`, and what had been whispered. Its time stands, whatever pace it had, until it is started again.

    Raises:
        BranchError: as `branch`.
    """
    seed, started = _begun(records)
    ended = _stopped_at(records, started)
    if second < 1 or (ended is not None and second >= ended):
        raise BranchError(f"second {second} is not within the exercise, which ran for {ended or 'longer'} seconds")
    origin = records[0].incident
    before = [one for one in records if (one.recorded_at - started).total_seconds() <= second]
    drill = Drill(scenario, seed, started, key=_key(records), history=True)
    room = Room(incident, seed, f"{origin}@{second}")
    whispers: list[Whisper] = []
    _catch_up(drill, room, before, second, origin, whispers, [])
    drill.hosts = room.state.exercise.hosts if room.state.exercise else drill.hosts
    if room.state.exercise and room.state.exercise.speed:
        room.ask(FACILITATOR, command("set-pace", speed=0.0).fields, started + timedelta(seconds=second))
    return drill, tuple(room.records), tuple(whispers)


def _key(records: Sequence[Record]) -> bytes | None:
    """The key that the log's end gives out; None where it has not been, so that the seed's is taken."""
    for record in reversed(records):
        event = read_event(record)
        if isinstance(event, e.ExerciseStopped) and event.key:
            return bytes.fromhex(event.key)
    return None


def _begun(records: Sequence[Record]) -> tuple[int, datetime]:
    try:
        return began(records)
    except ReplayError as error:
        raise BranchError(str(error)) from None


def _stopped_at(records: Sequence[Record], started: datetime) -> int | None:
    for record in records:
        if isinstance(read_event(record), e.ExerciseStopped):
            return int((record.recorded_at - started).total_seconds())
    return None


def _player(player: str | Bot | Sequence[tuple[int, Act]], seed: int) -> Bot:
    if isinstance(player, str):
        return make(player, seed)
    return acts(player) if isinstance(player, tuple | list) else cast(Bot, player)


def _catch_up(
    drill: Drill,
    room: Room | None,
    records: Sequence[Record],
    second: int,
    origin: str,
    whispers: list[Whisper],
    felt: list[tuple[float, float, float]],
) -> None:
    """Live through what is on the log, second by second; with a room, write the same events into it."""
    hands = [one for one in world_deeds(records, drill.key) if one.kind == "hand"]
    state = IncidentState(id=records[0].incident) if room is None else room.state
    waiting = list(records)
    for now in range(second + 1):
        moment = drill.start + timedelta(seconds=now)
        if now:
            while hands and hands[0].second <= now - 1:
                change = hands.pop(0).change
                if isinstance(change, dict):
                    drill.repeat(change)
            whispers += drill.catch_up(state)
            slo = drill.world.slo
            felt.append((slo.requests, slo.failed, slo.late))
        while waiting and waiting[0].recorded_at <= moment:
            record = waiting.pop(0)
            if room is not None:
                _again(room, record, origin, second)
                state = room.state
            else:
                state = evolve(state, record, read_event(record))


def _again(room: Room, record: Record, origin: str, second: int) -> None:
    event = read_event(record)
    if event is None:
        raise BranchError(f"record {record.seq} was erased, so that the past cannot be told again")
    if isinstance(event, e.ExerciseStarted):
        told: dict[str, Any] = json.loads(event.exercise.model_dump_json())
        told |= {"branch_of": origin, "branch_second": second}
        event = e.ExerciseStarted.model_validate({"exercise": told})
    occurred = record.occurred_at if record.occurred_at != record.recorded_at else None
    room.append([Proposed(event, occurred)], Actor(record.actor, Access(record.access)), record.recorded_at)
