"""The conditions of a scenario: read into a tree, and asked of the facts of an exercise.

    condition := and ("or" and)*                         and := not ("and" not)*
    not       := "not" not | test ["for" DURATION]       test := sum [SIGN sum]
    sum       := product (("+" | "-") product)*          product := unary (("*" | "/") unary)*
    unary     := "-" unary | NUMBER | DURATION | PERCENT | "true" | "false" | NAME | NAME "(" ARGUMENTS ")"
                 | "(" condition ")"

`tabletop/vocabulary.py` holds the names. `X for 3m` is true once X was true at every look of the last three minutes.

Invariant: nothing is ever executed; a text gives a tree of bounded depth or an `ExpressionError`, and asking a tree
raises nothing: what is not known is not a number, and no comparison with that is true.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol, TypeAlias

from warroom.tabletop.parse import Call, Compare, Constant, Flow, Logic, Negate, Node, Not, Sum, parse
from warroom.tabletop.tokens import ExpressionError
from warroom.tabletop.vocabulary import MEASURES, SHARES, Reference

__all__ = ["Condition", "ExpressionError", "Facts", "Number", "Slos", "Watch", "condition", "number"]

_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


class Facts(Protocol):
    """What is known of an exercise at one second of it."""

    @property
    def second(self) -> int:
        """Seconds of the exercise so far."""

    @property
    def players(self) -> int:
        """People who are there; hosts and withheld people do not count."""

    @property
    def hints(self) -> float:
        """What the hints given so far cost."""

    def happened(self, name: str, arguments: tuple[str, ...]) -> Sequence[int]:
        """The seconds at which an event happened, ascending; no arguments stand for any."""

    def state_of(self, ident: str) -> str:
        """The state of a fault, an action or an inject; empty when there is none of that name."""

    def severity(self, fault: str) -> float:
        """How far a fault has come, 0 to 1."""

    def sli(self, name: str) -> float:
        """A figure of the imaginary production, such as `err(edge)`; not a number when it has none."""

    def holds_duty(self, duty: str) -> bool:
        """Whether somebody holds this duty and is there."""


class Objective(Protocol):
    """A service level objective of a scenario, as far as conditions need it."""

    @property
    def sli(self) -> str: ...
    @property
    def at_least(self) -> float | None: ...
    @property
    def at_most(self) -> float | None: ...


Slos: TypeAlias = Mapping[str, Objective]
"""The objectives of a scenario by their id."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was read from its text. `references` are the parts of a scenario it speaks of."""

    text: str
    node: Node
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A figure that was read from its text."""

    text: str
    node: Node
    references: tuple[Reference, ...]

    def value(self, facts: Facts, slos: Slos | None = None) -> float:
        """The figure now; not a number when something of it is not known."""
        return _Look(facts, slos or {}, {}).number(self.node)


@lru_cache(maxsize=1024)
def condition(text: str) -> Condition:
    """The condition that a text says.

    Raises:
        ExpressionError: it says none; names the column and what would be right.
    """
    node, references = parse(text, "condition")
    return Condition(text, node, references)


@lru_cache(maxsize=1024)
def number(text: str) -> Number:
    """The figure that a text says.

    Raises:
        ExpressionError: it says none; names the column and what would be right.
    """
    node, references = parse(text, "number")
    return Number(text, node, references)


@dataclass(slots=True)
class Watch:
    """A condition that is looked at again and again, and knows since when its parts with `for` have been true."""

    condition: Condition
    slos: Slos = field(default_factory=dict)
    _since: dict[int, int] = field(default_factory=dict)

    def holds(self, facts: Facts) -> bool:
        """Whether it is true now. To be asked once a second, in the order of time."""
        return _Look(facts, self.slos, self._since).truth(self.condition.node)

    def copy(self) -> Watch:
        """The same, which goes on by itself from here."""
        return Watch(self.condition, self.slos, dict(self._since))


@dataclass(slots=True)
class _Look:
    """One look at the facts. Every part is looked at, so that a `for` never misses a second."""

    facts: Facts
    slos: Slos
    since: dict[int, int]
    depth: int = 0

    def truth(self, node: Node) -> bool:
        match node:
            case Constant():
                return bool(node.value)
            case Not():
                return not self.truth(node.of)
            case Logic():
                answers = [self.truth(part) for part in node.parts]
                return all(answers) if node.word == "and" else any(answers)
            case Flow():
                return self._lasting(node)
            case Compare():
                return _COMPARE[node.sign](self.number(node.left), self.number(node.right))
            case Call():
                return self._condition(node)
        return False

    def number(self, node: Node) -> float:
        match node:
            case Constant():
                return float(node.value)
            case Negate():
                return -self.number(node.of)
            case Sum():
                return _reckon(node.sign, self.number(node.left), self.number(node.right))
            case Call():
                return self._figure(node)
        return math.nan

    def _lasting(self, node: Flow) -> bool:
        if not self.truth(node.of):
            self.since.pop(node.place, None)
            return False
        return self.facts.second - self.since.setdefault(node.place, self.facts.second) >= node.seconds

    def _condition(self, node: Call) -> bool:
        name, facts = node.name, self.facts
        if name == "duty":
            return facts.holds_duty(node.words[0])
        if name == "state":
            ident, _, wanted = node.words[0].rpartition(".")
            return facts.state_of(ident) == wanted
        if name in ("met", "breached"):
            margin = self._margin(node.words[0])
            return margin >= 0 if name == "met" else margin < 0
        times = self._times(node.words[0])
        span = node.seconds
        if name == "event":
            return any(span is None or facts.second - at <= span for at in times)
        if span is None or facts.second < span:
            return False
        if name == "no_event":
            return not times
        return all(facts.second - at > span for at in times)

    def _figure(self, node: Call) -> float:
        name, facts = node.name, self.facts
        if name == "elapsed":
            return float(facts.second)
        if name == "players":
            return float(facts.players)
        if name == "hints":
            return facts.hints
        if name == "severity":
            return facts.severity(node.words[0])
        if name == "sli":
            return self._level(node.words[0])
        if name == "count":
            return float(len(self._times(node.words[0])))
        if name == "since":
            times = self._times(node.words[0])
            return float(facts.second - times[-1]) if times else math.inf
        if name in SHARES:
            return facts.sli(name)
        return facts.sli(f"{name}({node.words[0]})") if name in MEASURES else math.nan

    def _times(self, event: str) -> Sequence[int]:
        name, _, arguments = event.partition(":")
        return self.facts.happened(name, tuple(arguments.split("|")) if arguments else ())

    def _level(self, slo: str) -> float:
        found = self.slos.get(slo)
        # An objective may not speak of objectives, so that two cannot speak of each other for ever.
        if found is None or self.depth > 0:
            return math.nan
        return _Look(self.facts, self.slos, {}, depth=1).number(number(found.sli).node)

    def _margin(self, slo: str) -> float:
        """How far on the good side an objective is; not a number when it is not known."""
        found = self.slos.get(slo)
        if found is None:
            return math.nan
        level = self._level(slo)
        if found.at_least is not None:
            return level - found.at_least
        return found.at_most - level if found.at_most is not None else math.nan


def _reckon(sign: str, left: float, right: float) -> float:
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    if sign == "*":
        return left * right
    return left / right if right else math.nan
