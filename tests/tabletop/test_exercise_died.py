"""An exercise whose process died: its log is ended by the key that was kept beside it, once, and proves itself."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from warroom.app_exercise import keep_in
from warroom.app_exercise_store import KEY_FILE, keep_key, read_exercises
from warroom.incident.chain import verify
from warroom.incident.decode import fold
from warroom.tabletop.room import Room

START = datetime(2026, 3, 3, 13, 42, tzinfo=UTC)
KEY = bytes(range(32))
EXERCISE = {"scenario": "edge", "title": "Edge", "seed": 7, "truth": "ab" * 32, "hosts": ["facilitator"]}


async def died(directory: Path) -> int:
    """The log of an exercise in which somebody was at work; how long it is."""
    room = Room("INC-7K3Q", 7, "test")
    declared = {"type": "declare-incident", "title": "Slow", "triage": True, "exercise": EXERCISE}
    assert room.ask("facilitator", declared, START) is None
    assert room.ask("ana", {"type": "take-command"}, START + timedelta(seconds=90)) is None
    await keep_in(directory, room.records)
    return len(room.records)


async def test_it_is_ended_once_and_the_chain_holds(tmp_path):
    length = await died(tmp_path / "edge-1")
    keep_key(tmp_path / "edge-1", KEY)
    assert stat.S_IMODE((tmp_path / "edge-1" / KEY_FILE).stat().st_mode) == 0o600
    first = (await read_exercises(tmp_path)).runs[0][1]
    again = (await read_exercises(tmp_path)).runs[0][1]
    assert [record.hash for record in first] == [record.hash for record in again]
    assert len(first) == length + 1
    assert verify(first) is None
    exercise = fold(first).exercise
    assert exercise is not None
    assert (exercise.stop_reason, exercise.key) == ("abandoned", KEY.hex())
    assert exercise.stopped_at == START + timedelta(seconds=90), "the exercise's time stood still with its process"


async def test_without_a_key_it_stays_as_it_is(tmp_path):
    length = await died(tmp_path / "edge-1")
    assert len((await read_exercises(tmp_path)).runs[0][1]) == length
