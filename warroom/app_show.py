"""An exercise with the console on it, in one process: the house in a thread and loop of its own, the console in front.

Invariant: the first frame is out before any of the exercise is loaded, and leaving the console ends everything.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warroom.house_thread import HouseThread
from warroom.tabletop.clock import ExerciseClock

if TYPE_CHECKING:
    from warroom.app_exercise import ExercisePlan, OpenExercise
    from warroom.client.thread import ClientThread
    from warroom.client.view import View
    from warroom.tui.app import ConsoleOptions

_OPENING = "preparing the imaginary production ..."
_START_SECONDS = 90.0
_END_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Later:
    """A plan that is made once the first frame is out, and what the console has to know of it before."""

    me: str
    incident: str
    start: datetime
    make: Callable[[], ExercisePlan]


class Show:
    """An exercise as the console opens it. A context manager: leaving it ends the exercise."""

    def __init__(self, plan: ExercisePlan | Later) -> None:
        self.plan = plan
        self.clock = ExerciseClock(plan.start)
        self.opened: OpenExercise | None = None
        self.played_out = False
        """Whether it was over before it was left: whoever leaves it ends it, too."""
        self._temporary = tempfile.TemporaryDirectory(prefix="warroom-exercise-", ignore_cleanup_errors=True)
        self._memory = Path(self._temporary.name) / "console.json"
        self._house: HouseThread[OpenExercise] | None = None
        self._closed = False
        self._guard = threading.Lock()

    def __enter__(self) -> Show:
        return self

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self._closed = True
            house = self._house
        self.played_out = self.opened is not None and self.opened.facilitator.over.is_set()
        if house is not None:
            house.stop()
        self._temporary.cleanup()

    def options(self, **looks: Any) -> ConsoleOptions:
        """What the console is told: whom it is for, which incident it opens on, and the exercise's clock."""
        from warroom.tui.app import ConsoleOptions

        plan = self.plan
        return ConsoleOptions(
            me=plan.me, incident=plan.incident, memory=self._memory, clock=self.clock.moment,
            clock_is_exercises=True, opening=_OPENING, **looks,
        )  # fmt: skip

    def open(self) -> OpenExercise:
        """Open the exercise, unless it is open.

        Raises:
            CannotHost, StoreError: it cannot be opened; says why.
        """
        with self._guard:
            if self._closed:
                raise RuntimeError("the exercise has ended")
            if self.opened is None:
                from warroom.app_exercise import exercise

                plan = self.plan.make() if isinstance(self.plan, Later) else self.plan
                self._house = HouseThread(
                    lambda: exercise(plan, self.clock), "warroom-exercise",
                    start_seconds=_START_SECONDS, end_seconds=_END_SECONDS,
                )  # fmt: skip
                self.opened = self._house.start()
                # The room itself comes first, not the words about it: what lies in the past counts as seen.
                seen = {self.opened.incident: self.opened.facilitator.state.seq}
                self._memory.write_text(json.dumps({"seen": seen}), "utf-8")
            return self.opened

    def opener(self, wake: Callable[[View], None]) -> ClientThread:
        """Go in.

        Raises:
            CannotHost, StoreError: as `open`.
        """
        from warroom.app_listen import tls_to_ourselves
        from warroom.client.thread import ClientThread

        opened = self.open()
        cert = opened.plan.listen.tls_cert
        trust = tls_to_ourselves(str(cert.absolute()) if cert else "")
        return ClientThread(opened.url, opened.token, agent="exercise", tls=trust, wake=wake)
