"""What users felt over an exercise, second by second: the one thing the outcome is measured by.

A user-minute is sixty requests that failed; one that came later than the service promises counts half. The size of the
unit cancels out wherever a run is compared with another run of the same seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

LATE_WEIGHT = 0.5
"""What a late answer costs, beside one that never came."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Second 0 is the start of the exercise; every list has one value for each second, in order.

    `requests`, and of them those that `failed` and those that came too `late`, as users felt them. Where it is known,
    `missed` says whether an objective other than that of availability was missed, and `figures` has what else the
    scenario's conditions ask for, by name. Curves are equal when users felt the same.
    """

    requests: tuple[float, ...]
    failed: tuple[float, ...]
    late: tuple[float, ...]
    missed: tuple[bool, ...] = field(default=(), compare=False)
    figures: Mapping[str, tuple[float, ...]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if not len(self.requests) == len(self.failed) == len(self.late):
            raise ValueError("a curve needs as many failed and late as requests, one for each second")

    @classmethod
    def of(cls, seconds: Iterable[tuple[float, float, float]]) -> Curve:
        """From (requests, failed, late) of each second."""
        rows = [(float(requests), float(failed), float(late)) for requests, failed, late in seconds]
        return cls(tuple(r for r, _, _ in rows), tuple(f for _, f, _ in rows), tuple(late for _, _, late in rows))

    @property
    def seconds(self) -> int:
        """How long it is."""
        return len(self.requests)

    @property
    def lost(self) -> float:
        """User-minutes lost from the first second to the last."""
        return sum(self._each()) / 60

    @property
    def asked(self) -> float:
        """User-minutes there were."""
        return sum(self.requests) / 60

    @property
    def lost_minutes(self) -> tuple[float, ...]:
        """User-minutes lost until each second, that second included; never falls."""
        return tuple(total / 60 for total in accumulate(self._each()))

    def cut(self, seconds: int) -> Curve:
        """Its first seconds."""
        figures = {name: values[:seconds] for name, values in self.figures.items()}
        return Curve(
            self.requests[:seconds], self.failed[:seconds], self.late[:seconds], self.missed[:seconds], figures
        )

    def _each(self) -> list[float]:
        return [failed + LATE_WEIGHT * late for failed, late in zip(self.failed, self.late, strict=True)]


def share(part: Sequence[float], whole: Sequence[float], second: int, window: int = 60) -> float:
    """The share of `part` in `whole` over the seconds up to and including `second`; 0 where nothing was asked."""
    start = max(0, second + 1 - window)
    asked = sum(whole[start : second + 1])
    return sum(part[start : second + 1]) / asked if asked else 0.0
