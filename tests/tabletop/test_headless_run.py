"""An exercise without a screen: the same log byte for byte, a whole chain, and what players can never reach."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from tests.tabletop.drill_house import QUIET, rules, runbook, scenario
from warroom.incident.chain import verify
from warroom.incident.decode import fold
from warroom.incident.words import Status
from warroom.simulator.emit import Emitter
from warroom.simulator.world import World
from warroom.tabletop.bots import make
from warroom.tabletop.bots.team import Bot
from warroom.tabletop.drill import Drill
from warroom.tabletop.headless import Run, encode_run, run_headless, summary
from warroom.tabletop.look import PlayerView
from warroom.tabletop.model import Scenario
from warroom.tabletop.production import Production
from warroom.tabletop.replay import replay_log, replay_null
from warroom.tabletop.sealed import Sealed


def played(bot: str | Bot, seed: int = 5, seconds: int | None = None) -> Run:
    return run_headless(scenario(), seed, bot, telemetry=QUIET, runbook=runbook(), rules=rules(), seconds=seconds)


@lru_cache(maxsize=4)
def by_the_book(seed: int = 5) -> Run:
    return played("textbook", seed)


def test_the_same_seed_gives_the_same_log_byte_for_byte() -> None:
    assert encode_run(by_the_book()) == encode_run(played("textbook"))
    assert encode_run(played("guess", 6, 300)) != encode_run(played("guess", 7, 300))


def test_the_log_is_a_whole_chain_that_folds_to_the_state() -> None:
    run = by_the_book()
    assert verify(run.records) is None
    assert fold(run.records).head_hash == run.state.head_hash


def test_the_replay_of_a_log_gives_what_users_felt() -> None:
    run = by_the_book()
    again = replay_log(run.scenario, run.records, seconds=run.seconds)
    assert again == run.curve
    assert again.lost < replay_null(run.scenario, run.seed, run.start.timestamp(), run.seconds).lost


def test_nobody_doing_anything_is_what_the_null_run_says() -> None:
    run = played("nothing")
    assert run.state.exercise is not None
    assert run.state.exercise.stop_reason == "hard_stop"
    assert run.curve == replay_null(run.scenario, run.seed, run.start.timestamp(), run.seconds)


def test_the_book_finds_the_fault_and_ends_the_exercise() -> None:
    run = by_the_book()
    assert run.state.status is Status.RESOLVED
    assert [(one.action, one.status) for one in run.state.actions][-1] == ("rollback-checkout", "done")
    assert run.state.exercise is not None
    assert run.state.exercise.stop_reason == "finished"
    assert any(one.status == "confirmed" and "v656" in one.text for one in run.state.hypotheses)
    assert not run.refused


def test_a_summary_is_plain_json_values() -> None:
    told = summary(by_the_book())
    assert told["stopped"] == "finished"
    assert told["actions"][-1]["action"] == "rollback-checkout"


class Watching:
    """The bot that goes by the book, and the last view it got."""

    name, team = "watching", ("iris",)

    def __init__(self) -> None:
        self.bot, self.view = make("textbook", 1), None

    def act(self, view: PlayerView) -> Any:
        self.view = view
        return self.bot.act(view)


def reached(start: object) -> Iterator[object]:
    """Everything that attributes, containers, closures and bound methods of an object lead to."""
    seen: set[int] = set()
    todo = [start]
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, type | types.ModuleType | str | bytes | int | float | None.__class__):
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, Mapping):
            todo += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            todo += one
        elif isinstance(one, types.MethodType):
            todo += [one.__self__, one.__func__]
        elif isinstance(one, types.FunctionType):
            todo += [cell.cell_contents for cell in one.__closure__ or ()]
            todo += [*(one.__defaults__ or ())]
        else:
            todo += list(getattr(one, "__dict__", {}).values())
            slots = {name for cls in type(one).__mro__ for name in getattr(cls, "__slots__", ())}
            todo += [getattr(one, name) for name in slots if name != "__weakref__" and hasattr(one, name)]


def test_nothing_that_is_hidden_can_be_reached_from_what_a_player_gets() -> None:
    watching = Watching()
    played(watching, seconds=200)
    assert watching.view is not None
    hidden = (Scenario, Sealed, World, Emitter, Drill, Production)
    found = list(reached(watching.view))
    assert len(found) > 1000
    assert [type(one).__name__ for one in found if isinstance(one, hidden)] == []
