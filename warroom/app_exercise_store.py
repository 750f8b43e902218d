"""The logs of exercises on this machine: each run has a directory with a store of its own.

Invariant: a log is only read here, but for one whose process died: it is ended in its own name, by the key that was
kept beside it, so that its truth can be proved. One that is being played, or cannot be read, is told in words. A score
is kept beside its log and counts only for the head of the log that it was made from.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from warroom.incident.chain import SALT_BYTES, seal_all
from warroom.incident.commands import StopExercise
from warroom.incident.decide import decide
from warroom.incident.decode import fold, read_event
from warroom.incident.events import ExerciseStarted
from warroom.incident.record import Record
from warroom.incident.state import Actor
from warroom.incident.verdict import Refusal
from warroom.incident.words import Access
from warroom.server import summary
from warroom.store.port import Appended, StoreError, StoreLocked
from warroom.store.sqlite import SqliteStore

LOG_FILE = "log.db"
SCORE_FILE = "score.json"
KEY_FILE = "exercise.key"
_DIED = "The process that played it ended before the exercise did."
_PAGE = 1000


class ExerciseNotFound(Exception):
    """No exercise of that name is here, or it cannot be read; one sentence says which."""


@dataclass(frozen=True, slots=True)
class KeptExercise:
    """One run: its incident, what was played, and its directory. `played_at` is when it was played in real time, by
    when its log was written last.
    """

    incident: str
    scenario: str
    version: int
    title: str
    played_at: datetime
    directory: Path


@dataclass(frozen=True, slots=True)
class KeptLogs:
    """All runs whose logs could be read, the oldest first, and a sentence for each that could not."""

    runs: tuple[tuple[KeptExercise, tuple[Record, ...]], ...]
    remarks: tuple[str, ...]


def keep_key(directory: Path, key: bytes) -> None:
    """Keep what opens the sealed truth beside the log, for its owner only, until the log itself says it.

    Raises:
        OSError: it cannot be written.
    """
    with open(
        os.open(directory / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii"
    ) as file:
        file.write(key.hex() + "\n")


async def read_exercises(root: Path) -> KeptLogs:
    """Every exercise under `root`, whole."""
    runs: list[tuple[KeptExercise, tuple[Record, ...]]] = []
    remarks = []
    for path in _stores(root):
        try:
            runs += await _read(path)
        except StoreLocked:
            remarks.append(f"{path.parent.name} is being played; its log is left alone")
        except StoreError as error:
            remarks.append(f"{path.parent.name} cannot be read: {error}")
    runs.sort(key=lambda run: (run[0].played_at, run[0].directory.name))
    return KeptLogs(tuple(runs), tuple(remarks))


async def read_exercise(root: Path, incident: str) -> tuple[Record, ...]:
    """The whole log of one exercise, by its incident or its unique beginning; `-` is the one played last.

    Raises:
        ExerciseNotFound: there is none, there are several, or its log cannot be read.
    """
    return (await find_exercise(root, incident))[1]


async def find_exercise(root: Path, incident: str) -> tuple[KeptExercise, tuple[Record, ...]]:
    """The same, with where it is kept; by the incident or its beginning, or by the name of its directory.

    One that was played again by the same bot with the same seed has the same incident: the newest is meant.

    Raises:
        ExerciseNotFound: there is none, there are several, or its log cannot be read.
    """
    kept = await read_exercises(root)
    hint = f" ({kept.remarks[0]})" if kept.remarks else ""
    if incident == "-":
        if not kept.runs:
            raise ExerciseNotFound(f"no exercise was played on this machine; its logs would be in {root}{hint}")
        return kept.runs[-1]
    named = [run for run in kept.runs if run[0].directory.name == incident]
    if named:
        return named[0]
    wanted = _spelled(incident)
    found = [run for run in kept.runs if run[0].incident.startswith(wanted)]
    exact = [run for run in found if run[0].incident == wanted]
    if len({run[0].incident for run in exact or found}) > 1:
        names = ", ".join(f"{run[0].incident} ({run[0].directory.name})" for run in found[:8])
        raise ExerciseNotFound(f"several exercises begin with {incident}: {names}")
    if not found:
        raise ExerciseNotFound(f"there is no exercise {incident} in {root}{hint}")
    return (exact or found)[-1]


def kept_score(kept: KeptExercise, head: bytes, scenario: str) -> bytes | None:
    """The score that was kept for this head of its log and this digest of its scenario, as it was encoded."""
    try:
        body = orjson.loads((kept.directory / SCORE_FILE).read_bytes())
        if body["head"] == head.hex() and body["scenario"] == scenario:
            return orjson.dumps(body["score"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        pass
    return None


def keep_score(kept: KeptExercise, head: bytes, scenario: str, score: bytes) -> None:
    """Keep a score beside its log, so that a history need not simulate it again; where that is not possible, do
    without.
    """
    body = orjson.dumps({"head": head.hex(), "scenario": scenario, "score": orjson.loads(score)})
    path = kept.directory / SCORE_FILE
    fresh = path.with_suffix(".new")
    try:
        fresh.write_bytes(body)
        fresh.chmod(0o600)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)


def _spelled(text: str) -> str:
    """`inc-7k3q`, `7K3Q` or `INC 7k3q` as ids are spelled."""
    bare = text.strip().upper().removeprefix("INC").lstrip("- ").translate(str.maketrans("ILO", "110"))
    return f"INC-{bare}"


def _stores(root: Path) -> list[Path]:
    return sorted(root.glob(f"*/{LOG_FILE}"))


async def _read(path: Path) -> list[tuple[KeptExercise, tuple[Record, ...]]]:
    store = await SqliteStore.open(path)
    try:
        found = []
        for line in await store.incidents():
            records: list[Record] = []
            while page := await store.read(line.incident, after=len(records), limit=_PAGE):
                records += page
            records += await _ended(store, records, path.parent)
            kept = _kept(tuple(records), path.parent)
            if kept is not None:
                found.append((kept, tuple(records)))
        return found
    finally:
        await store.close()


async def _ended(store: SqliteStore, records: list[Record], directory: Path) -> list[Record]:
    """What ends the log of an exercise that nobody plays any more and that was never stopped; nothing for any other.

    The store is held by whoever plays, so one that can be opened is played by nobody.
    """
    state = fold(records)
    exercise, key = state.exercise, _key(directory)
    if exercise is None or exercise.key or not key:
        return []
    host = Actor(exercise.hosts[0], Access.RESPONDER)
    at = records[-1].recorded_at
    verdict = decide(state, StopExercise(reason="abandoned", text=_DIED, key=key), host, at)
    if isinstance(verdict, Refusal) or not verdict:
        return []
    salts = [secrets.token_bytes(SALT_BYTES) for _ in verdict]
    more, after = seal_all(state, verdict, host, at, f"ended-{exercise.scenario[:40]}", 1, salts)
    line = summary.encode(summary.line_of(after))
    appended = await store.append(state.id, state.seq, list(more), summary=line)
    return list(more) if isinstance(appended, Appended) else []


def _key(directory: Path) -> str:
    try:
        return (directory / KEY_FILE).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _kept(records: tuple[Record, ...], directory: Path) -> KeptExercise | None:
    """What was played, None when it is no exercise."""
    for record in records:
        event = read_event(record)
        if isinstance(event, ExerciseStarted):
            told = event.exercise
            written = datetime.fromtimestamp((directory / LOG_FILE).stat().st_mtime, UTC)
            return KeptExercise(record.incident, told.scenario, told.version, told.title, written, directory)
    return None
