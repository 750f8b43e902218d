"""Several moments in a row in which the same things are turned, as arrays with time as one more axis in front.

The arrays of a single second are so small that calling numpy costs more than the numbers do.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

import numpy as np

from warroom.simulator.layout import Array
from warroom.simulator.maths import normal_cdf, summed_each
from warroom.simulator.moment import Moment
from warroom.simulator.versions import by_version

_OPTIONAL: Final = attrgetter("now.turned", "now.bad", "now.lasting", "calls.lasting", "memory", "pools.leaked")
_TURNED: Final = attrgetter("plan", "felt", "traits")


class Stretch:
    """Moments of one world that share its plan, and in all of which the same optional arrays are there.

    Invariant: how many moments are in it changes no figure.
    """

    __slots__ = ("_found", "_users", "_versions", "layout", "moments", "plan")

    def __init__(self, moments: Sequence[Moment]) -> None:
        self.moments = moments
        self.layout, self.plan = moments[0].layout, moments[0].plan
        self._found: dict[str, Array] = {}
        self._users: tuple[Array, ...] | None = None
        self._versions: tuple[Array, Array] | None = None

    def __len__(self) -> int:
        return len(self.moments)

    def __getitem__(self, path: str) -> Array:
        """(T, ...): what the moments have there."""
        found = self._found.get(path)
        if found is None:
            take = attrgetter(path)
            if path.startswith("plan."):
                found = self.always(take(self.moments[0]))
            else:
                found = stacked([take(one) for one in self.moments])
            self._found[path] = found
        return found

    def has(self, path: str) -> bool:
        """Whether the moments have something there that may be None."""
        return attrgetter(path)(self.moments[0]) is not None

    def always(self, values: Array) -> Array:
        """(T, ...): what is the same in all of them."""
        return np.broadcast_to(values, (len(self.moments), *values.shape))

    def places(self, values: Array) -> Array:
        """(T, S, R) without the users."""
        layout = self.layout
        return values.reshape(len(values), layout.rows, layout.regions)[:, : layout.services]

    def edges(self, values: Array) -> Array:
        """(T, E, R) without the users."""
        layout = self.layout
        return values.reshape(len(values), layout.links, layout.regions)[:, : layout.edges]

    def cells_mean(self, values: Array) -> Array:
        """(T, cells): the mean over the journeys of something of each way."""
        return summed_each(self.layout.way_cell, values * self["calls.share"], self.layout.cells)

    def calls_mean(self, values: Array) -> Array:
        """(T, E, R): the mean over the journeys of something of each way."""
        return self.edges(self.cells_mean(values))

    def stops_mean(self, values: Array) -> Array:
        """(T, S, R): the mean over the journeys of something of each stop."""
        layout = self.layout
        return self.places(summed_each(layout.stop_place, values * self["now.mixed"], layout.places))

    @property
    def weight(self) -> Array:
        """(T, S, R, V): the share of the requests that each version answers."""
        return self["weight"][:, : self.layout.services]

    @property
    def users(self) -> tuple[Array, ...]:
        """(T, K, R) each: failed, late, wrong, and mean and shape of how long users waited."""
        if self._users is None:
            self._users = _users(self)
        return self._users

    @property
    def versions(self) -> tuple[Array, Array]:
        """(T, S, R, V) each: seconds, and the share that fails."""
        if self._versions is None:
            latency, own, errors = (self.places(self[path]) for path in ("now.latency", "now.own", "now.errors"))
            self._versions = by_version(self.moments[0].traits, self.weight, latency, own, errors)
        return self._versions


def stretches(moments: Sequence[Moment]) -> list[Stretch]:
    """Moments in order, cut wherever something is turned."""
    if not moments:
        return []
    starts = [at for at in range(1, len(moments)) if not _alike(moments[at - 1], moments[at])]
    return [Stretch(moments[start:end]) for start, end in zip((0, *starts), (*starts, len(moments)), strict=True)]


def _alike(before: Moment, now: Moment) -> bool:
    return all(
        (one is None) is (other is None) for one, other in zip(_OPTIONAL(before), _OPTIONAL(now), strict=True)
    ) and all(one is other for one, other in zip(_TURNED(before), _TURNED(now), strict=True))


def stacked(parts: Sequence[Array]) -> Array:
    """(T, ...): arrays of the same shape."""
    if len(parts) == 1:
        return parts[0][None]
    return np.concatenate(parts).reshape(len(parts), *parts[0].shape)


def _users(m: Stretch) -> tuple[Array, ...]:
    layout, wished = m.layout, m["wished"]

    def own(path: str) -> Array:
        return m[path][:, -layout.user_ways :].reshape(wished.shape)

    mean = m["now.carried"][:, 0].take(layout.user_stops, axis=1).reshape(wished.shape)
    failing, log_mean, sigma = own("calls.final"), own("calls.log_mean"), own("calls.log_sigma")
    if m.has("calls.lasting"):
        failing = 1 - (1 - failing) * own("calls.lasting")
    slow = 1 - normal_cdf((layout.log_late[:, None] - log_mean) / sigma)
    for one in m.moments[0].felt:
        share = one.tick.share
        hurt = 1 - (1 - failing) * (1 - one.users_errors)
        failing = failing * (1 - share) + hurt * share
        left = np.maximum(layout.late[:, None] - one.users_extra, 1e-6)
        slow = slow * (1 - share) + (1 - normal_cdf((np.log(left) - log_mean) / sigma)) * share
    blocked = wished * m.plan.knobs.blocked
    failed = (wished - blocked) * failing + blocked
    well = wished - failed
    wrong = well * np.minimum(_harm(m), 1.0)
    due = np.array([one.harm for one in m.moments])[:, None, None] / (layout.journeys * layout.regions)
    wrong = np.minimum(wrong + due, np.maximum(well, 0.0))
    late = np.minimum(well * slow, np.maximum(well - wrong, 0.0))
    return failed, late, wrong, mean, sigma


def _harm(m: Stretch) -> Array:
    """(K, R), or (T, K, R): the share of the users who get a wrong result."""
    topology, harm = m.layout.topology, m.plan.knobs.harm
    for at, journey in enumerate(topology.journeys):
        if journey.model:
            model = [one.name for one in topology.models].index(journey.model)
            harm = m.always(m.plan.knobs.harm).copy() if harm is m.plan.knobs.harm else harm
            harm[:, at] = np.maximum(harm[:, at], m["models.harm"][:, model, None])
    return harm
