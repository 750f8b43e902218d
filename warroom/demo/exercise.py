"""Run the demo: an exercise that a team of automated colleagues is in the middle of, with you in the room.

It is played in the room, on the imaginary production and by the facilitator of every exercise; only the team is its
own.

Invariant: it ends within moments when asked to, with no thread and no file left behind, unless it was played to its
end.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from warroom.incident.ids import incident_id

if TYPE_CHECKING:
    from warroom.app_exercise import ExercisePlan
    from warroom.app_show import Show

SCENARIO = "demo"
HEAD_START = 110
"""Seconds that the team is at work when you come in: it leads, has looked around, and suspects something."""
BANNER = (
    "A demo, and an EXERCISE: production, colleagues and figures are made up. "
    "X takes action, b tells the story so far, ? the keys."
)
SEED = 7
SLOWEST, FASTEST = 0.1, 600.0
_LOG = "log"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the demo is to be. `me` is what you are called in the room, `exercises` where one that was played to its end
    is kept, `keep` where the log is to stay in any case.

    Raises:
        ValueError: a speed at which nothing could be followed.
    """

    me: str
    exercises: Path
    speed: float = 1.0
    seed: int = SEED
    port: int = 0
    keep: Path | None = None

    def __post_init__(self) -> None:
        if not SLOWEST <= self.speed <= FASTEST:
            raise ValueError(f"speed is {self.speed:g}; it must be from {SLOWEST:g} to {FASTEST:g}")

    def plan(self, incident: str, start: datetime, directory: Path) -> ExercisePlan:
        """The exercise to play. Loads what plays it."""
        from warroom.app_exercise import ExercisePlan
        from warroom.demo.crew import CAST, Crew
        from warroom.settings.fields import ListenSettings
        from warroom.tabletop.deeds import FACILITATOR
        from warroom.tabletop.drill import Telemetry
        from warroom.tabletop.load import load_file

        me = f"{self.me}-2" if self.me.casefold() in (FACILITATOR, *CAST) else self.me
        return ExercisePlan(
            load_file(_scenario_file()).scenario, self.seed, me, self.keep or directory, start, self.speed, solo=True,
            listen=ListenSettings(port=self.port), team=Crew(self.seed, me, HEAD_START), head_start=HEAD_START,
            telemetry=Telemetry(traces_per_second=1.0), incident=incident,
        )  # fmt: skip


def _scenario_file() -> Path:
    from warroom.data import shipped_data_dir

    return shipped_data_dir("scenarios") / f"{SCENARIO}.yaml"


def _begun() -> datetime:
    """When the exercise began, for one that is opened now."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=HEAD_START)


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="warroom-demo-", ignore_cleanup_errors=True) as name:
        yield Path(name) / _LOG


@contextmanager
def showing(wanted: Wanted) -> Iterator[Show]:
    """The demo as the console opens it: nothing of the exercise is loaded before the first frame is out. One that was
    played to its end is kept when it is left, for its review.
    """
    from warroom.app_show import Later, Show

    incident, start = incident_id(secrets.randbits(40), 6), _begun()
    with _temporary() as directory:
        with Show(Later(wanted.me, incident, start, lambda: wanted.plan(incident, start, directory))) as show:
            yield show
        if show.opened is not None and show.played_out and wanted.keep is None:
            _keep(wanted, show.opened.plan)


def _keep(wanted: Wanted, plan: ExercisePlan) -> None:
    """Keep the log of an exercise that is over, as that of any other is."""
    from warroom.app_exercise import fresh_directory

    wanted.exercises.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copytree(plan.directory, fresh_directory(wanted.exercises, plan.scenario, plan.start))


def run(
    wanted: Wanted, *, zone: tzinfo = UTC, theme: str | None = None, keymap: Mapping[str, str] | None = None,
    calm: bool = False,
) -> str:  # fmt: skip
    """Open the console on the demo, until the person leaves. Returns the incident when its log was kept, else nothing.

    Raises:
        CannotHost, CannotPlay, StoreError: it cannot be opened.
    """
    gc.disable()
    from warroom.tui.app import run as run_console

    # The console owns the terminal: without any handler, a warning would be written across it.
    logging.getLogger().addHandler(logging.NullHandler())
    with showing(wanted) as show:
        run_console(show.opener, show.options(banner=BANNER, zone=zone, theme=theme, keymap=keymap or {}, calm=calm))
    kept = show.played_out or wanted.keep is not None
    return show.opened.incident if show.opened is not None and kept else ""


def run_headless(wanted: Wanted, put: Callable[[str], None], *, seconds: float | None = None) -> int:
    """Let it happen without a console; `put` gets a line for each entry. Ends with the exercise, after `seconds` of
    real time, or by Ctrl-C. Returns how many entries there were.

    Raises:
        CannotHost, CannotPlay, StoreError: it cannot be opened.
        ClientError: the log does not verify, or the server does not say.
    """
    from warroom.demo.plain import follow

    with _temporary() as directory:
        plan = wanted.plan(incident_id(secrets.randbits(40), 6), _begun(), directory)
        return asyncio.run(follow(plan, put, seconds))
