"""The runs that a score compares, and what can be read off one of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from warroom.tabletop.curve import Curve

WINDOW = 30
"""Seconds over which the share of bad requests is taken, so that one bad second is no breach."""
HELD = 180
"""Seconds that users must have been well before they are said to be."""
USUAL = 60


@dataclass(frozen=True, slots=True)
class Curves:
    """What users felt in four runs of the same seed and length: what the team did, nobody doing anything, the
    scenario's reference run, and, where the team did harm, the same without the harmful actions.
    """

    team: Curve
    nothing: Curve
    reference: Curve
    without_harm: Curve | None = None

    @property
    def lost(self) -> float:
        """User-minutes the team lost. What a harmful action saved is not counted: the larger of with and without it."""
        return max(self.team.lost, self.without_harm.lost if self.without_harm is not None else 0.0)


def shares(curve: Curve, window: int = WINDOW) -> list[float]:
    """The share of requests that were lost (late ones count half) over the last `window` seconds, for each second."""
    bad = [0.0, *(minutes * 60 for minutes in curve.lost_minutes)]
    asked = [0.0, *accumulate(curve.requests)]
    found = []
    for end in range(1, len(bad)):
        start = max(0, end - window)
        whole = asked[end] - asked[start]
        found.append((bad[end] - bad[start]) / whole if whole > 0 else 0.0)
    return found


def limit(curves: Curves, target: float) -> float:
    """The share of lost requests above which users are not well: what the target allows, or, where the service is
    never that good, twice what is usual for it and a thousandth.
    """
    calm = [value for curve in (curves.reference, curves.nothing) for value in shares(curve, USUAL)[USUAL:]]
    usual = min(calm, default=0.0)
    return max(1 - target, 2 * usual + 0.001)


def unwell(curve: Curve, allowed: float) -> list[int]:
    """The seconds at which users were not well: more requests lost than allowed, or another objective missed."""
    missed = curve.missed or (False,) * curve.seconds
    return [
        second for second, (value, one) in enumerate(zip(shares(curve), missed, strict=True)) if value > allowed or one
    ]


def breach(curve: Curve, allowed: float) -> int | None:
    """The first second at which users were not well."""
    return next(iter(unwell(curve, allowed)), None)


def restored(curve: Curve, allowed: float, until: int) -> int | None:
    """The first second from which users were well to the end, `until`, and had been for three minutes by then.

    None when there was no breach, or the end came too early to tell.
    """
    seen = curve.cut(until + 1)
    bad = unwell(seen, allowed)
    if not bad or seen.seconds - 1 - bad[-1] < HELD:
        return None
    return bad[-1] + 1
