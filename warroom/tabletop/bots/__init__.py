"""Those who play a drill by themselves: one who does nothing, one who guesses, and one who goes by the book.

They get a `PlayerView` once a second and say what their people ask for; that is all they know of the exercise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from warroom.tabletop.bots.guess import Guess
from warroom.tabletop.bots.nothing import Nothing
from warroom.tabletop.bots.team import Bot as Bot
from warroom.tabletop.bots.textbook import Textbook

_MAKERS: Final[Mapping[str, Callable[[int], Bot]]] = {
    "nothing": lambda seed: Nothing(seed),
    "guess": lambda seed: Guess(seed),
    "textbook": lambda seed: Textbook(seed),
}
NAMES: Final = tuple(_MAKERS)


def make(name: str, seed: int) -> Bot:
    """A bot by its name; the seed is that of the exercise.

    Raises:
        ValueError: names what was given and lists the bots.
    """
    maker = _MAKERS.get(name)
    if maker is None:
        raise ValueError(f"{name!r} is no bot; use {', '.join(NAMES)}")
    return maker(seed)
