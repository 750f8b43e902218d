"""A whole exercise without a screen, in virtual time: the drill, and those who play it by themselves.

Every entry is decided and sealed by the core at the time it carries, with salts and ids from the seed, so that the same
scenario, seed and players give the same log byte for byte.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson

from warroom.embedded.ruler import RuleGroup
from warroom.incident.ids import incident_id
from warroom.incident.record import Record
from warroom.incident.record_json import record_json
from warroom.incident.state import IncidentState
from warroom.tabletop.bots import make
from warroom.tabletop.bots.team import Bot
from warroom.tabletop.curve import Curve
from warroom.tabletop.deeds import FACILITATOR, Act, Whisper
from warroom.tabletop.drill import Drill, Telemetry
from warroom.tabletop.look import PlayerView
from warroom.tabletop.model import Scenario
from warroom.tabletop.room import Room
from warroom.tabletop.runbook import Runbook

USUAL_START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""When an exercise starts, on its own clock, that names no time itself: a Monday morning."""

Refused: TypeAlias = tuple[int, str, str, str]
"""The second, who asked, for what, and the words of the refusal."""


@dataclass(frozen=True, slots=True)
class Run:
    """An exercise that was played. `curve` is what users felt until it ended; `refused` what the room did not allow."""

    scenario: Scenario
    seed: int
    bot: str
    start: datetime
    seconds: int
    records: tuple[Record, ...]
    state: IncidentState
    curve: Curve
    whispers: tuple[Whisper, ...] = ()
    refused: tuple[Refused, ...] = field(default=())


def run_headless(
    scenario: Scenario,
    seed: int,
    bot: str | Bot,
    *,
    start: datetime | None = None,
    seconds: int | None = None,
    telemetry: Telemetry | None = None,
    incident: str | None = None,
    runbook: Runbook | None = None,
    rules: Sequence[RuleGroup] | None = None,
) -> Run:
    """Play a scenario to its end, or for so many `seconds`. `bot` is a bot's name or a bot; `runbook` and `rules` stand
    in for those that ship.

    Raises:
        ValueError: no bot has that name.
    """
    player = make(bot, seed) if isinstance(bot, str) else bot
    begun = start or scenario.world.start or USUAL_START
    drill = Drill(scenario, seed, begun, telemetry=telemetry, runbook=runbook, rules=rules)
    chance = random.Random(f"{scenario.digest}/{seed}/{player.name}")  # noqa: S311 (an id that is to come again)
    room = Room(incident or incident_id(chance.getrandbits(40), 6), seed)
    room.ask(FACILITATOR, drill.declaration(), begun)
    return play(drill, room, player, seconds=seconds)


def play(
    drill: Drill,
    room: Room,
    player: Bot,
    *,
    seconds: int | None = None,
    whispers: Sequence[Whisper] = (),
    felt: Sequence[tuple[float, float, float]] = (),
) -> Run:
    """Let a drill run on from where it stands, with `player` at the keys, to its end or for so many `seconds`."""
    heard, users = list(whispers), list(felt)
    refused: list[Refused] = []
    drill.log.present = max(2, len(player.team))
    limit = drill.scenario.metadata.duration.hard_stop + 5 if seconds is None else seconds
    while drill.second < limit and not drill.finished:
        for deed in drill.advance(room.state):
            if isinstance(deed, Whisper):
                heard.append(deed)
            else:
                _ask(room, drill, FACILITATOR, deed.fields, refused)
        slo = drill.world.slo
        users.append((slo.requests, slo.failed, slo.late))
        if not drill.finished:
            for asked in player.act(view_of(drill, room.state, heard)):
                _ask(room, drill, asked.who, asked.fields, refused)
    return Run(
        drill.scenario, drill.seed, player.name, drill.start, drill.second, tuple(room.records), room.state,
        Curve.of(users), tuple(heard), tuple(refused),
    )  # fmt: skip


def _ask(room: Room, drill: Drill, who: str, fields: Mapping[str, Any], refused: list[Refused]) -> None:
    answer = room.ask(who, fields, drill.moment)
    if answer is not None:
        refused.append((drill.second, who, str(fields.get("type", "")), answer.words))


def view_of(drill: Drill, state: IncidentState, whispers: Sequence[Whisper]) -> PlayerView:
    """What players know now."""
    return PlayerView(drill.second, drill.now, state, drill.look(state), drill.runbook, tuple(whispers))


def encode_run(run: Run) -> bytes:
    """The log of a run, one JSON line a record: the same bytes for the same scenario, seed and players."""
    return b"".join(orjson.dumps(record_json(record)) + b"\n" for record in run.records)


def summary(run: Run) -> dict[str, Any]:
    """What became of a run, as plain JSON values."""
    state, exercise = run.state, run.state.exercise
    return {
        "scenario": run.scenario.metadata.id, "version": run.scenario.metadata.version, "seed": run.seed,
        "bot": run.bot, "incident": state.id, "status": state.status.value, "seconds": run.seconds,
        "stopped": exercise.stop_reason if exercise else "", "records": len(run.records),
        "head": state.head_hash.hex(), "user_minutes_lost": round(run.curve.lost, 3),
        "actions": [
            {"action": one.action, "status": one.status, "second": one.second, "by": one.requested_by}
            for one in state.actions
        ],
        "hypotheses": [
            {"text": one.text, "status": one.status, "probability": one.probability} for one in state.hypotheses
        ],
        "alerts": len(state.alerts), "updates": len(state.updates), "hints": exercise.hints if exercise else 0.0,
        "refused": [{"second": at, "who": who, "what": what, "why": why} for at, who, what, why in run.refused],
    }  # fmt: skip


def acts(pairs: Sequence[tuple[int, Act]], name: str = "by-hand") -> Bot:
    """A player who does just these things at these seconds."""
    return _Scripted(name, tuple(sorted(pairs, key=lambda one: one[0])))


class _Scripted:
    def __init__(self, name: str, pairs: tuple[tuple[int, Act], ...]) -> None:
        self.name = name
        self.team = tuple(sorted({one.who for _, one in pairs}))
        self._waiting = list(pairs)

    def act(self, view: PlayerView) -> Sequence[Act]:
        """What is due by now."""
        due = [one for at, one in self._waiting if at <= view.second]
        self._waiting = self._waiting[len(due) :]
        return due
