"""The one who does nothing: what an exercise comes to when nobody answers."""

from __future__ import annotations

from collections.abc import Sequence

from warroom.tabletop.deeds import Act
from warroom.tabletop.look import PlayerView


class Nothing:
    """Nobody comes."""

    name = "nothing"
    team: tuple[str, ...] = ()

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def act(self, view: PlayerView) -> Sequence[Act]:  # noqa: ARG002 (nobody looks)
        """Nothing at all."""
        return ()
