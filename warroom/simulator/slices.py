"""A part of the users for whom something is otherwise: what it comes to at each service on the way up to them.

Callers of the place where it happens wait as much longer, up to their time limit; then the call fails.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warroom.simulator.knobs import Knobs, SliceKnob
from warroom.simulator.layout import Array, Layout
from warroom.simulator.tick import SliceTick


@dataclass(frozen=True, slots=True)
class Felt:
    """A slice as it is felt: (S, R) for telemetry, and (K, R) at the users."""

    tick: SliceTick
    users_extra: Array
    users_errors: Array


def upwards(layout: Layout) -> list[int]:
    """The edges, callees' own calls before the calls to them."""
    left = set(range(layout.links))
    order: list[int] = []
    while left:
        ready = [e for e in sorted(left) if not any(layout.source[o] == layout.target[e] for o in left)]
        order += ready
        left -= set(ready)
    return order


def feel(layout: Layout, knobs: Knobs, one: SliceKnob, order: list[int]) -> Felt:
    """Carry a slice from where it happens up to the users, by journey."""
    shape = (layout.rows, layout.regions, layout.journeys)
    extra = np.repeat(one.extra[:, :, None], layout.journeys, axis=2)
    well = 1 - np.repeat(one.errors[:, :, None], layout.journeys, axis=2)
    for e in order:
        source, target = layout.source[e], layout.target[e]
        calls = layout.calls[e][None, :]
        limit = knobs.timeout[e][:, None]
        late = extra[target] >= limit
        extra[source] += calls * np.minimum(extra[target], limit)
        if layout.critical[e, 0]:
            well[source] *= np.where(late, 0.0, well[target]) ** np.minimum(calls, 4.0)
    mix = layout.visits / np.maximum(layout.visits.sum(axis=1, keepdims=True), 1e-12)
    weight = np.broadcast_to(mix[:, None, :], shape)
    tick = SliceTick(
        one.dimension, one.value, one.share, (extra * weight).sum(axis=2)[: layout.services],
        (1 - (well * weight).sum(axis=2))[: layout.services], one.fault,
    )  # fmt: skip
    return Felt(tick, extra[layout.users].T, 1 - well[layout.users].T)
