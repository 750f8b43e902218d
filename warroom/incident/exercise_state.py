"""What an exercise is now, within the state of its incident. Frozen dataclasses without any framework."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from warroom.incident.words import Duty


@dataclass(frozen=True, slots=True, eq=False)
class OfferedAction:
    """Something the players may do to the imaginary production. `needs` is the duty that may ask for it, `approval`
    the one that has to agree; empty for none.
    """

    id: str
    title: str
    kind: str
    target: str = ""
    takes_seconds: int = 0
    needs: str = ""
    approval: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ActionState:
    """`status` is requested, approved, rejected, running, done, failed or cancelled. `second` is when the imaginary
    production felt it, counted from the start of the exercise. `words` is the result, or why it was rejected.
    """

    number: int
    seq: int
    action: str
    title: str
    target: str
    approval: str
    requested_by: str
    requested_at: datetime
    status: str = "requested"
    approved_by: str = ""
    started_at: datetime | None = None
    ends_at: datetime | None = None
    ended_at: datetime | None = None
    second: int | None = None
    words: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.status in ("requested", "approved", "running")


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """What a host judged."""

    seq: int
    rubric: str
    points: float
    text: str
    hypothesis: int | None = None
    verdict: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ExerciseState:
    """`truth` commits (SHA-256, hex) to what `key` opens once the exercise is stopped. `speed` 0 is a pause;
    `injects` are the ids of what reached the players, `hints` what hints cost so far, `withheld` who is taken out.
    """

    scenario: str
    version: int
    title: str
    seed: int
    truth: str
    safe_word: str
    hosts: tuple[str, ...]
    actions: tuple[OfferedAction, ...]
    roles: tuple[Duty, ...]
    started_at: datetime
    started_seq: int
    speed: float = 1.0
    branch_of: str = ""
    branch_second: int | None = None
    withheld: frozenset[str] = frozenset()
    injects: tuple[str, ...] = ()
    hints: float = 0.0
    stopped_at: datetime | None = None
    stop_reason: str = ""
    key: str = ""
    marks: tuple[Mark, ...] = ()
    world_changes: int = 0

    @property
    def running(self) -> bool:
        """Whether it has not been stopped."""
        return self.stopped_at is None

    def offered(self, action: str) -> OfferedAction | None:
        """The action of that id, if the exercise offers it."""
        return next((one for one in self.actions if one.id == action), None)

    def second_at(self, moment: datetime) -> float:
        """Seconds from the start of the exercise to `moment`."""
        return (moment - self.started_at).total_seconds()
