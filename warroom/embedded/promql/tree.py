"""A query as data. Durations and times are whole milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from warroom.telemetry.alerts import Matcher

Moment: TypeAlias = int | Literal["start", "end"] | None
"""What an `@` says: a time, the start or the end of the query, or nothing."""

SET_OPERATORS = frozenset({"and", "or", "unless"})
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class String:
    text: str


@dataclass(frozen=True, slots=True)
class Selector:
    """`name` is empty when the metric's name is not written in front of the braces."""

    name: str
    matchers: tuple[Matcher, ...]
    offset: int = 0
    at: Moment = None


@dataclass(frozen=True, slots=True)
class Range:
    """The samples of a selector in the `length` before each step."""

    selector: Selector
    length: int


@dataclass(frozen=True, slots=True)
class Subquery:
    """`step` 0 is the default one."""

    body: Node
    length: int
    step: int
    offset: int = 0
    at: Moment = None


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`without` tells whether `labels` are those to drop."""

    operator: str
    body: Node
    param: Node | None
    labels: tuple[str, ...]
    without: bool


@dataclass(frozen=True, slots=True)
class Matching:
    """How series of two sides find each other. `many` is the side with more than one, `include` what it is given."""

    on: bool = False
    labels: tuple[str, ...] = ()
    many: Literal["", "left", "right"] = ""
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Node
    right: Node
    matching: Matching
    as_bool: bool


@dataclass(frozen=True, slots=True)
class Negation:
    body: Node


Node: TypeAlias = Number | String | Selector | Range | Subquery | Call | Aggregate | Binary | Negation

_SCALARS = frozenset({"scalar", "time", "pi"})


def kind(node: Node) -> Literal["scalar", "string", "vector", "matrix"]:
    """The type of what a query gives."""
    match node:
        case Number():
            return "scalar"
        case String():
            return "string"
        case Range() | Subquery():
            return "matrix"
        case Call():
            return "scalar" if node.function in _SCALARS else "vector"
        case Negation():
            return kind(node.body)
        case Binary():
            return "scalar" if kind(node.left) == kind(node.right) == "scalar" else "vector"
        case _:
            return "vector"


def selectors(node: Node) -> tuple[Selector, ...]:
    """Every selector of a query, from left to right."""
    match node:
        case Selector():
            return (node,)
        case Range():
            return (node.selector,)
        case Subquery() | Negation():
            return selectors(node.body)
        case Call():
            return tuple(one for arg in node.args for one in selectors(arg))
        case Aggregate():
            return (selectors(node.param) if node.param else ()) + selectors(node.body)
        case Binary():
            return selectors(node.left) + selectors(node.right)
        case _:
            return ()
