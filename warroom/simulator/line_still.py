"""Tells at little cost that nothing has happened that a line would tell of."""

from __future__ import annotations

from operator import attrgetter, is_

from warroom.simulator.moment import Moment


class Still:
    """Whether some things are those of the moment before: what follows from them alone is then as it was.

    What a moment holds is never written again, so that the very same object says the very same.
    """

    def __init__(self, *paths: str) -> None:
        """At least two of a moment's parts, with dots."""
        self._take = attrgetter(*paths)
        self._seen: tuple[object, ...] = (None,) * len(paths)

    def since(self, moment: Moment) -> bool:
        """Look at it: whether all are the same as the last time; never so at first."""
        seen, self._seen = self._seen, self._take(moment)
        return all(map(is_, seen, self._seen))
