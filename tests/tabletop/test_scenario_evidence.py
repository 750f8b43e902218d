"""What a scenario says can be seen is there for whoever asks: decisive evidence by its time, and each red herring.

Nobody plays; the telemetry is what players get. Three short scenarios by default; `WARROOM_RANKING=all` runs every one
that ships, which takes some minutes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from warroom.data import shipped_data_dir
from warroom.tabletop.acts import InjectSpec
from warroom.tabletop.answers import read_holds
from warroom.tabletop.deeds import FACILITATOR, Command
from warroom.tabletop.drill import Drill, Telemetry
from warroom.tabletop.headless import USUAL_START
from warroom.tabletop.injects import WAITS_FOR_A_HOLDER
from warroom.tabletop.library import installed
from warroom.tabletop.look import Look, LookError
from warroom.tabletop.model import Scenario
from warroom.tabletop.room import Room
from warroom.tabletop.runbook import Question, load_runbook
from warroom.tabletop.sealed import Evidence

WHOLE = os.environ.get("WARROOM_RANKING") == "all"
USUAL = ("first-drill", "slice-shipping", "slack-2021-tgw")
SCENARIOS = [file.scenario for file in installed().newest if WHOLE or file.scenario.metadata.id in USUAL]
SEED = 90_001
RULES_EVERY = 30.0
"""Seconds between two evaluations of alert rules, on which no question here depends."""
ASKS_AGAIN = 60
"""Seconds for which somebody asks again when a tool does not answer."""
BEFORE = 15
"""Seconds before the onset at which not everything that decides may be seen yet."""


@dataclass(frozen=True)
class Asked:
    """One question of the file, and the second at which it is asked."""

    name: str
    evidence: Evidence
    second: int
    early: bool = False


def questions(scenario: Scenario) -> Iterator[Asked]:
    onset = scenario.onset or 0
    for one in scenario.sealed.decisive_evidence:
        yield Asked(one.id, one, max(1, onset + one.at))
        if onset > BEFORE and not scenario.sealed.nothing_wrong and one.ask != "changes":
            yield Asked(f"{one.id} before the onset", one, onset - BEFORE, early=True)
    for herring in scenario.red_herrings:
        if herring.see is not None:
            yield Asked(herring.id, herring.see, max(1, herring.see.at))


def misleading(scenario: Scenario) -> list[InjectSpec]:
    """What is said to players that looks like the cause and is not."""
    return [one for one in scenario.injects if any(one.id == herring.inject for herring in scenario.red_herrings)]


def answered(look: Look, asked: Asked) -> bool | None:
    """Whether what the file says holds of the answer; None when the tool gave none."""
    try:
        answer = look.ask(asked.evidence.ask, asked.evidence.query)
    except LookError as error:
        if error.wrong:
            raise
        return None
    return read_holds(asked.evidence.expect).of(answer) is not None


def early_ones(asked: list[Asked]) -> list[str]:
    return [one.name for one in asked if one.early]


def walk(scenario: Scenario, asked: list[Asked]) -> dict[str, bool | None]:
    """Let the exercise run with nobody in it, and ask each question at its time."""
    start = scenario.world.start or USUAL_START
    drill = Drill(scenario, SEED, start, telemetry=Telemetry(ruler_every=RULES_EVERY))
    room = Room("INC-EVIDEN", SEED)
    room.ask(FACILITATOR, drill.declaration(), start)
    waiting = list(asked)
    told: dict[str, bool | None] = {}
    # Nobody holds a duty here, for whose holder some of it waits a while.
    last = max(((inject.at or 0) + WAITS_FOR_A_HOLDER for inject in misleading(scenario)), default=0)
    while waiting or drill.second <= last:
        for deed in drill.advance(room.state):
            if isinstance(deed, Command):
                assert room.ask(FACILITATOR, deed.fields, drill.moment) is None
        for one in [one for one in waiting if one.second <= drill.second]:
            told[one.name] = answered(drill.look(room.state), one)
            if told[one.name] is not None or drill.second >= one.second + ASKS_AGAIN:
                waiting.remove(one)
    delivered = room.state.exercise.injects if room.state.exercise is not None else ()
    return told | {inject.id: inject.id in delivered for inject in misleading(scenario)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=[one.metadata.id for one in SCENARIOS])
def test_what_the_file_says_can_be_seen_is_seen_by_whoever_asks(scenario: Scenario) -> None:
    asked = list(questions(scenario))
    assert asked
    assert [one.id for one in scenario.red_herrings if one.see is None and not one.inject] == []
    told = walk(scenario, asked)
    assert [name for name, seen in told.items() if not seen and name not in early_ones(asked)] == []
    early = early_ones(asked)
    assert not early or not all(told[name] for name in early), "all that decides was to be seen before the onset"


def test_no_pattern_of_a_question_to_logs_is_eaten_by_its_quotes() -> None:
    r"""In LogQL's double quotes `\b` is a backspace, which no line holds; a word's edge is written `\\b`."""
    asked: list[Question | Evidence] = []
    asked += [one for file in installed().newest for one in file.scenario.sealed.decisive_evidence]
    books = [load_runbook(path.stem) for path in sorted((shipped_data_dir("scenarios") / "runbooks").glob("*.yaml"))]
    for check in [check for book in books for check in book.checks]:
        asked.append(check)
        asked += [one for suspect in check.suspects for one in (suspect.supported_by, suspect.refuted_by) if one]
    eaten = [one.query for one in asked if one.ask == "logs" and re.search(r'"[^"`]*(?<!\\)\\[abfv]', one.query)]
    assert any(one.ask == "logs" for one in asked)
    assert eaten == []
