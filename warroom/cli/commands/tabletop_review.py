"""After an exercise: the report with its score, and the history of all that were played on this machine."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from warroom.cli import output
from warroom.cli.act import json_option
from warroom.cli.commands.review import write_file
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warroom.app_exercise_store import KeptExercise
    from warroom.incident.record import Record
    from warroom.tabletop.model import Scenario
    from warroom.tabletop.score.curves import Curves
    from warroom.tabletop.score.shapes import Score


@click.command("review")
@click.argument("inc", metavar="[INC]", default="-")
@click.option("--format", "form", type=click.Choice(("markdown", "html", "json")), default="markdown",
              show_default=True, help="Markdown or one HTML page for people, or the score alone in JSON.")  # fmt: skip
@click.option("-o", "--output", "target", type=click.Path(dir_okay=False), metavar="FILE", help="Write it there.")
@click.option("--force", is_flag=True, help="Replace the file when it is there.")
@click.option("--blameless", is_flag=True, help="Mask the names of those who took part.")
def review_command(inc: str, form: str, target: str | None, force: bool, blameless: bool) -> None:
    """Write the after-action report of an exercise: its score with every reason, the curves, the truth.

    Without INC: of the one played last. It tells the truth, so it is for afterwards.
    """
    from warroom.app_exercise_store import ExerciseNotFound, find_exercise

    try:
        kept, records = asyncio.run(find_exercise(_root(), inc))
    except ExerciseNotFound as missing:
        raise Stop(Exit.REFUSED, str(missing)) from None
    scenario = _scenario(kept)
    score, curves = _scored(kept, records, scenario)
    if score.ended == "still running":
        output.say(f"{kept.incident} was never stopped; this tells of it as far as it went")
    if form == "json":
        _put(_json(score, target, blameless), target, force, kept.incident)
        return
    text = _written(records, scenario, score, curves, form, blameless)
    _put(text, target, force, kept.incident)


@click.command("history")
@click.option("--team", metavar="NAME", default="", help="Only exercises in which that person took part.")
@json_option
def history_command(team: str, as_json: bool) -> None:
    """How exercises went over time: by scenario, by category, and whether it gets better.

    Runs that were stopped, by the safe word or by leaving, are counted apart and have no part in scores. Runs of
    scenarios that are no longer installed in the version that was played are named and left out.
    """
    from warroom.app_exercise_store import read_exercises
    from warroom.tabletop.history import Past, category_rows, history, history_json, rows

    logs = asyncio.run(read_exercises(_root()))
    for remark in logs.remarks:
        output.say(remark)
    played = []
    for kept, records in logs.runs:
        try:
            played.append(Past(_scored(kept, records, _scenario(kept), curves=False)[0], kept.played_at))
        except Stop as stop:
            output.say(f"{kept.incident}: {stop.words}")
    found = history(played, who=team)
    if as_json:
        output.put_json("tabletop-history", history_json(found))
        return
    if not found.runs:
        output.say(f"no exercise with {team} was played" if team else "no exercise was played on this machine yet")
        return
    heads = ["SCENARIO", "RUNS", "STOPPED", "FIRST", "LAST", "BEST", "PER RUN", "SCORES"]
    for line in output.table([*rows(found)], heads):
        output.data(line)
    categories = [*category_rows(found)]
    if not categories:
        return
    output.data("")
    for line in output.table(categories, ["CATEGORY", "EARLIER", "LATER", "CHANGE"]):
        output.data(line)


def _root() -> Path:
    return context().places.state / "exercises"


def _scenario(kept: KeptExercise) -> Scenario:
    """The scenario in the version that was played.

    Raises:
        Stop: it is not installed.
    """
    from warroom.tabletop.library import installed

    found = installed().find(kept.scenario, kept.version)
    if found is None:
        words = f"version {kept.version} of the scenario {kept.scenario!r} is not installed, and a score needs it"
        raise Stop(Exit.REFUSED, words)
    return found.scenario


def _scored(
    kept: KeptExercise, records: Sequence[Record], scenario: Scenario, *, curves: bool = True
) -> tuple[Score, Curves | None]:
    """The score, and with `curves` the runs it compares; one that was kept saves the simulation.

    Raises:
        Stop: there is nothing to score.
    """
    from warroom.app_exercise_store import keep_score, kept_score
    from warroom.tabletop.score.log import ExerciseLog
    from warroom.tabletop.score.shapes import ScoreError, decode, encode
    from warroom.tabletop.score.total import runs_of, score

    head = records[-1].hash
    try:
        before = None if curves else kept_score(kept, head, scenario.digest)
        if before is not None:
            return decode(before), None
        runs = runs_of(ExerciseLog(records), scenario)
        made = score(records, scenario, runs)
    except ScoreError as wrong:
        raise Stop(Exit.REFUSED, str(wrong)) from None
    keep_score(kept, head, scenario.digest, encode(made))
    return made, runs


def _written(
    records: Sequence[Record], scenario: Scenario, score: Score, curves: Curves | None, form: str, blameless: bool
) -> str:
    from warroom.tabletop.review.report import ReportError, html, markdown, report

    made = report(records, scenario, score, curves, at=datetime.now(UTC), blameless=blameless)
    try:
        return html(made) if form == "html" else markdown(made)
    except ReportError as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None


def _json(score: Score, target: str | None, blameless: bool) -> str:
    import orjson

    from warroom.tabletop.review.told import masked
    from warroom.tabletop.score.shapes import score_json

    told: dict[str, Any] = {"schema": "warroom.tabletop-score/1", **score_json(score), "file": target or ""}
    return orjson.dumps(masked(told, score.team) if blameless else told, option=orjson.OPT_INDENT_2).decode() + "\n"


def _put(text: str, target: str | None, force: bool, incident: str) -> None:
    if target is None:
        output.data(text.rstrip("\n"))
        return
    write_file(Path(target), text.encode(), force=force)
    output.say(f"{incident}: report written to {target}")
