"""Exercises over time: counted, ordered, compared; kept and found again in their stores."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.tabletop.exercise_tape import START, Tape, curves, terms, well_played
from warroom.app_exercise_store import ExerciseNotFound, find_exercise, keep_score, kept_score, read_exercises
from warroom.incident.record import Record
from warroom.store.sqlite import SqliteStore
from warroom.tabletop.history import Past, category_rows, history, history_json, rows, spark
from warroom.tabletop.score.judged import judged
from warroom.tabletop.score.shapes import Score, encode


def scored(tape: Tape | None = None) -> Score:
    return judged((tape or well_played()).log(), terms(), curves(460))


def past(total: float, day: int, scenario: str = "edge-rule", team: tuple[str, ...] = ("ana",)) -> Past:
    score = replace(scored(), total=total, scenario=scenario, team=team)
    return Past(score, START + timedelta(days=day))


def test_progress_is_told_for_each_scenario_and_over_all() -> None:
    found = history([past(60, 2), past(40, 1), past(80, 3), past(50, 4, "noop")])
    first = found.scenarios[0]
    assert (first.count, first.first, first.last, first.best, first.mean) == (3, 40, 80, 80, 60)
    assert first.gain == 20.0
    assert found.overall is not None
    assert found.overall.count == 4
    assert [row[0] for row in rows(found)] == ["edge-rule", "noop", "all"]
    assert history_json(found)["scenarios"][0]["totals"] == [40, 60, 80]


@pytest.mark.parametrize("ended", ["abandoned", "stopped by the safe word"])
def test_a_run_that_was_stopped_is_told_and_counts_for_nothing(ended: str) -> None:
    stopped = past(0, 3)
    stopped = replace(stopped, score=replace(stopped.score, ended=ended))
    found = history([past(40, 1), past(80, 2), stopped])
    first = found.scenarios[0]
    assert (first.count, first.stopped, first.last, first.mean, first.gain) == (2, 1, 80, 60, 40)
    assert first.later == history([past(40, 1), past(80, 2)]).scenarios[0].later
    assert history_json(found)["runs"][-1]["ended"] == ended
    assert next(rows(found))[1:3] == ("2", "1")


def test_of_runs_that_were_all_stopped_there_are_no_scores() -> None:
    stopped = past(0, 3)
    found = history([replace(stopped, score=replace(stopped.score, ended="abandoned"))])
    assert list(rows(found)) == [("edge-rule", "0", "1", "", "", "", "", "")]
    assert list(category_rows(found)) == []
    assert history_json(found)["overall"]["mean"] is None


def test_a_persons_history_holds_the_exercises_they_took_part_in() -> None:
    runs = [past(60, 1, team=("ana", "ben")), past(40, 2, team=("ben",))]
    assert [one.score.total for one in history(runs, who="ana").runs] == [60]
    assert history(runs, who="zoe").overall is None
    assert list(category_rows(history(runs, who="zoe"))) == []


def test_a_single_run_has_no_trend_and_a_score_has_a_bar_of_its_height() -> None:
    found = history([past(60, 1)])
    assert found.scenarios[0].gain is None
    assert spark([0, 50, 100]) == "▁▄█"


async def test_kept_exercises_are_found_by_their_incident_and_by_being_the_last(tmp_path: Path) -> None:
    await keep_in(fresh(tmp_path, "a"), Tape(incident="INC-7K3Q").records)
    await keep_in(fresh(tmp_path, "b"), Tape(incident="INC-7K3R").records)
    kept = await read_exercises(tmp_path)
    assert [run[0].incident for run in kept.runs] == ["INC-7K3Q", "INC-7K3R"]
    assert kept.remarks == ()
    assert (await find_exercise(tmp_path, "7k3q"))[0].scenario == "edge-rule"
    assert (await find_exercise(tmp_path, "-"))[0].incident == "INC-7K3R"
    again = fresh(tmp_path, "c")
    await keep_in(again, Tape(incident="INC-7K3Q").records)
    assert (await find_exercise(tmp_path, "7k3q"))[0].directory == again
    for name in ("a", "c"):
        assert (await find_exercise(tmp_path, name))[0].directory.name == name
    with pytest.raises(ExerciseNotFound, match="several"):
        await find_exercise(tmp_path, "7k3")
    with pytest.raises(ExerciseNotFound, match="there is no exercise"):
        await find_exercise(tmp_path, "AAAA")


async def test_a_kept_score_counts_for_the_log_and_the_scenario_it_was_made_from(tmp_path: Path) -> None:
    await keep_in(fresh(tmp_path, "a"), well_played().records)
    kept, records = await find_exercise(tmp_path, "-")
    data = encode(scored())
    keep_score(kept, records[-1].hash, "digest", data)
    assert kept_score(kept, records[-1].hash, "digest") == data
    assert kept_score(kept, records[-1].hash, "another") is None
    assert kept_score(kept, b"\x00" * 32, "digest") is None


async def keep_in(directory: Path, records: list[Record]) -> None:
    async with await SqliteStore.open(directory / "log.db") as store:
        await store.append(records[0].incident, 0, records)


def fresh(root: Path, name: str) -> Path:
    found = root / name
    found.mkdir(mode=0o700)
    return found
