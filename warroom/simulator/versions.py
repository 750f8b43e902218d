"""Which versions of a service answer, and what is different about each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from warroom.simulator.knobs import Knobs
from warroom.simulator.layout import MB, Array, Layout
from warroom.simulator.topology import VERSION_SLOTS


@dataclass(frozen=True, slots=True)
class Traits:
    """What a version does otherwise than the service usually does."""

    time_x: float = 1.0
    cpu_x: float = 1.0
    errors: float = 0.0
    calls_x: float = 1.0
    harm: float = 0.0
    memory: float = 0.0
    """MB that each replica leaks in a minute."""
    pool: float = 0.0
    """Connections that each replica leaks in a minute."""


USUAL = Traits()


@dataclass(slots=True)
class Rollout:
    """A version on its way to `share` of the replicas."""

    row: int
    slot: int
    begun: int
    seconds: float
    share: float
    before: Array
    """(R, V)"""
    regions: Array | None = None
    """(R,): 1 where it goes; None everywhere."""


class Versions:
    """The versions of all services by slot; a slot that nobody uses any more is taken for the next."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.names = tuple(
            (*one.versions, *[""] * (VERSION_SLOTS - len(one.versions))) for one in layout.topology.services
        )
        """By service and slot, empty where a slot is free. Never written: another one takes its place."""
        self.traits: dict[tuple[int, int], Traits] = {}
        self.live = [0] * layout.services
        self.previous = [0] * layout.services
        self.rollouts: list[Rollout] = []

    def slot_for(self, row: int, name: str, weight: Array) -> int:
        """Where a version stands, or a free slot that is given to it."""
        if name in self.names[row]:
            return self.names[row].index(name)
        used = weight[row].sum(axis=0)
        used[[self.live[row], self.previous[row]]] += 1e-6
        slot = min(range(VERSION_SLOTS), key=lambda at: (used[at], self.names[row][at] != "", at))
        here = (*self.names[row][:slot], name, *self.names[row][slot + 1 :])
        self.names = (*self.names[:row], here, *self.names[row + 1 :])
        self.traits.pop((row, slot), None)
        return slot

    def next_name(self, row: int) -> str:
        """The version after the highest that is there."""
        found = [re.fullmatch(r"(.*?)(\d+)", one) for one in self.names[row] if one]
        best = max((one for one in found if one), key=lambda one: int(one[2]), default=None)
        return f"{best[1]}{int(best[2]) + 1}" if best else "v2"

    def roll(self, row: int, slot: int, weight: Array, second: int, seconds: float, share: float = 1.0) -> None:
        """Begin to bring a version to a share of the replicas."""
        self.rollouts = [one for one in self.rollouts if one.row != row]
        self.rollouts.append(Rollout(row, slot, second, seconds, share, weight[row].copy()))
        if slot != self.live[row]:
            self.previous[row] = self.live[row]
        self.live[row] = slot

    def step(self, weight: Array, second: int) -> Array:
        """The weights of this second; the same array when nothing moves."""
        if not self.rollouts:
            return weight
        weight = weight.copy()
        for one in tuple(self.rollouts):
            done = 1.0 if one.seconds <= 0 else min((second - one.begun) / one.seconds, 1.0)
            goal = one.before * (1 - one.share)
            goal[:, one.slot] = one.before[:, one.slot] * (1 - one.share) + one.share
            where = 1.0 if one.regions is None else one.regions[:, None]
            weight[one.row] = one.before + (goal - one.before) * done * where
            if done >= 1.0:
                self.rollouts.remove(one)
        return weight

    def strength(self, row: int, name: str, weight: Array) -> Array:
        """(R,): the share of the requests that a version answers, by its name."""
        if name not in self.names[row]:
            return np.zeros(weight.shape[1])
        found: Array = weight[row, :, self.names[row].index(name)]
        return found

    def apply(self, knobs: Knobs, weight: Array) -> None:
        """What the versions that answer do otherwise."""
        for (row, slot), one in self.traits.items():
            share = weight[row, :, slot]
            knobs.io[row] *= 1 + (one.time_x - 1) * share
            knobs.cpu[row] *= 1 + (one.time_x * one.cpu_x - 1) * share
            knobs.errors[row] = 1 - (1 - knobs.errors[row]) * (1 - one.errors * share)
            knobs.leak[row] += one.memory * MB / 60 * share
            out = self._layout.source == row
            knobs.calls[out] *= 1 + (one.calls_x - 1) * share
            knobs.pool_leak[out] += one.pool * share
            knobs.harm += one.harm * np.minimum(self._layout.visits[row], 1.0)[:, None] * share[None, :]


def by_version(
    every: Mapping[tuple[int, int], Traits], weight: Array, latency: Array, own: Array, errors: Array
) -> tuple[Array, Array]:
    """(..., S, R, V) each: seconds and share failing of each version, whose mean is that of the service.

    `every` are the traits by service and slot, and `weight` (..., S, R, V) the share of the requests that each
    answers; the others are (..., S, R).
    """
    seconds, failing = np.repeat(latency[..., None], VERSION_SLOTS, -1), np.repeat(errors[..., None], VERSION_SLOTS, -1)
    if not every:
        return seconds, failing
    for row in {row for row, _ in every}:
        here = np.s_[..., row, :]
        traits = [every.get((row, slot), USUAL) for slot in range(VERSION_SLOTS)]
        time = np.array([one.time_x * one.cpu_x for one in traits])
        share = weight[..., row, :, :]
        mean = (share * time).sum(axis=-1)[..., None]
        seconds[..., row, :, :] += own[here][..., None] * (time / mean - 1)
        bad = np.array([one.errors for one in traits])
        rest = np.minimum((share * bad).sum(axis=-1), 0.999999)
        usual = np.maximum(1 - (1 - errors[here]) / (1 - rest), 0.0)
        failing[..., row, :, :] = 1 - (1 - usual[..., None]) * (1 - bad)
    return np.maximum(seconds, 1e-6), failing
