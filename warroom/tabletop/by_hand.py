"""What a host can let happen by hand, by the word that the screen and the command line say it with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from warroom.tabletop.deeds import Deed
from warroom.tabletop.drill import Drill


@dataclass(frozen=True, slots=True)
class Hand:
    """`takes` are the names and types of its arguments, of which those in `may` can be left out. `done` says in words
    what was done.
    """

    method: str
    done: str
    takes: Mapping[str, type | tuple[type, ...]] = field(default_factory=dict)
    may: frozenset[str] = frozenset()

    def of(self, drill: Drill) -> Callable[..., tuple[Deed, ...]]:
        """The drill's method."""
        return attrgetter(self.method)(drill)  # type: ignore[no-any-return]


_NUMBER = (int, float)

HANDS: dict[str, Hand] = {
    "pace": Hand("pace", "the pace is set", {"speed": _NUMBER}),
    "pause": Hand("pause", "paused"),
    "resume": Hand("resume", "going on"),
    "fire": Hand("fire", "the inject is delivered", {"inject_id": str}),
    "skip": Hand("skip", "the inject will not come", {"inject_id": str}),
    "edit": Hand("edit", "the inject has new words", {"inject_id": str, "text": str}),
    "reschedule": Hand("reschedule", "the inject comes then", {"inject_id": str, "second": int}),
    "adhoc": Hand(
        "adhoc", "said", {"to": str, "sender": str, "text": str, "method": str, "whisper": bool},
        frozenset({"method", "whisper"}),
    ),
    "hint": Hand("hint", "the hint is given", {"inject_id": str, "text": str, "cost": _NUMBER},
                 frozenset({"inject_id", "text", "cost"})),
    "withhold": Hand("withhold", "out of reach", {"who": str, "reason": str}, frozenset({"reason"})),
    "return": Hand("give_back", "back", {"who": str}),
    "begin-fault": Hand("begin_fault", "the fault begins", {"fault": (str, dict)}),
    "end-fault": Hand("end_fault", "the fault ends", {"fault_id": str}),
    "override": Hand("override", "the metric says that now", {"metric": str, "value": (int, float, type(None))},
                     frozenset({"value"})),
    "end-override": Hand("end_override", "the metric tells the truth again", {"metric": str}),
    "mute": Hand("mute", "the pane is silent", {"pane": str}),
    "unmute": Hand("unmute", "the pane speaks again", {"pane": str}),
    "degrade": Hand("degrade", "the tool is in trouble",
                    {"tool": str, "latency": _NUMBER, "error_rate": _NUMBER, "down": bool},
                    frozenset({"latency", "error_rate", "down"})),
    "restore": Hand("restore", "the tool works again", {"tool": str}),
    "reveal": Hand("reveal", "a part of the truth is out"),
    "mark": Hand("mark", "marked",
                 {"rubric": str, "points": _NUMBER, "text": str, "hypothesis": int, "verdict": str},
                 frozenset({"text", "hypothesis", "verdict", "points"})),
    "stop": Hand("stop", "the exercise is stopped", {"reason": str, "text": str}, frozenset({"reason", "text"})),
}  # fmt: skip
"""By word."""


def told_of(what: str, hand: Hand, told: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as they were told, checked.

    Raises:
        ValueError: one is missing, unknown or of another type; says which, and what would be right.
    """
    unknown = sorted(set(told) - set(hand.takes))
    if unknown:
        takes = ", ".join(hand.takes) or "nothing"
        raise ValueError(f"{what!r} takes {takes}, and not {unknown[0]!r}")
    for name, kinds in hand.takes.items():
        if name not in told:
            if name in hand.may:
                continue
            raise ValueError(f"{what!r} needs {name!r}")
        value = told[name]
        kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            words = " or ".join(kind.__name__ for kind in kinds)
            raise ValueError(f"{what!r}: {name!r} must be {words}, and is {type(value).__name__}")
    return dict(told)
