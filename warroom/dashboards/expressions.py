"""Expressions over the answers of other queries: math, reduce and threshold of Grafana's own source.

Invariant: total. An expression that cannot be computed gives no frame and one sentence.

https://grafana.com/docs/grafana/latest/panels-visualizations/query-transform-data/expression-queries/
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from warroom.dashboards.calcs import calculated
from warroom.dashboards.model import Panel, Target
from warroom.dashboards.said import as_number, listed, part, parts, text
from warroom.dashboards.tables import Field, Frame
from warroom.dashboards.transform_calculate import computed

_TOKEN: Final = re.compile(
    r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?)|\$\{?([A-Za-z]\w*)\}?|([a-z_]+)|(\*\*|&&|\|\||[=!<>]=|[-+*/%()<>!]))"
)
_LEVELS: Final = (("||",), ("&&",), ("<", ">", "<=", ">=", "==", "!="), ("+", "-"), ("*", "/", "%"), ("**",))
_DEEPEST: Final = 40
_FUNCTIONS: Final[Mapping[str, Callable[[float], float]]] = {
    "abs": abs,
    "log": math.log,
    "round": lambda value: float(round(value)),
    "ceil": lambda value: float(math.ceil(value)),
    "floor": lambda value: float(math.floor(value)),
    "is_nan": lambda value: float(math.isnan(value)),
    "is_inf": lambda value: float(math.isinf(value)),
    "is_number": lambda value: float(math.isfinite(value)),
}

Set = tuple[Frame, ...]


def with_expressions(panel: Panel, frames: Set, expressions: Iterable[Target]) -> tuple[Set, tuple[str, ...]]:
    """The frames with those of the expressions added, and why others could not be computed."""
    by_ref: dict[str, Set] = {}
    for one in frames:
        by_ref[one.ref] = (*by_ref.get(one.ref, ()), one)
    troubles: list[str] = []
    for target in expressions:
        try:
            by_ref[target.ref] = _evaluated(target, by_ref)
        except ValueError as wrong:
            troubles.append(f"expression {target.ref}: {wrong}")
    hidden = {one.ref for one in panel.targets if one.hidden}
    return tuple(one for ref, found in by_ref.items() if ref not in hidden for one in found), tuple(troubles)


def _evaluated(target: Target, by_ref: Mapping[str, Set]) -> Set:
    kind, said = text(target.raw, "type"), text(target.raw, "expression")
    if kind == "math":
        return _Math(said, by_ref, target.ref).outcome()
    source = by_ref.get(said.strip("${} "), ())
    if kind == "reduce":
        calc = {"avg": "mean", "last": "last"}.get(text(target.raw, "reducer"), text(target.raw, "reducer", "last"))
        return tuple(_mapped(one, target.ref, lambda field: (calculated(calc, field.numbers),)) for one in source)
    if kind == "threshold":
        condition = next((part(one, "evaluator") for _, one in parts(target.raw, "conditions")), {})
        limits = [value for value in map(as_number, listed(condition, "params")) if value is not None]
        holds = _threshold(text(condition, "type"), limits)
        return tuple(
            _mapped(one, target.ref, lambda field: tuple(None if v is None else holds(v) for v in field.numbers))
            for one in source
        )
    if kind == "resample":
        return tuple(replace(one, ref=target.ref) for one in source)
    raise ValueError(f"{kind or 'an expression without a type'} is not supported; math, reduce and threshold are")


def _threshold(kind: str, limits: Sequence[float]) -> Callable[[float], float]:
    low = limits[0] if limits else 0.0
    high = limits[1] if len(limits) > 1 else low
    return {
        "lt": lambda value: float(value < low),
        "within_range": lambda value: float(low < value < high),
        "outside_range": lambda value: float(value < low or value > high),
    }.get(kind, lambda value: float(value > low))


def _mapped(frame: Frame, ref: str, change: Callable[[Field], tuple[float | None, ...]]) -> Frame:
    values = [replace(one, values=change(one)) for one in frame.numeric]
    length = len(values[0].values) if values else 0
    times = [
        one.picked(range(max(0, frame.length - length), frame.length)) for one in frame.fields if one.kind == "time"
    ]
    return Frame(ref, (*times, *values))


@dataclass
class _Math:
    """A small arithmetic over series: `$A / $B * 100`."""

    said: str
    by_ref: Mapping[str, Set]
    ref: str

    def outcome(self) -> Set:
        self._tokens = self._read()
        self._at = 0
        found = self._level(0, 0)
        if self._at < len(self._tokens):
            raise ValueError(f"{self._tokens[self._at][1]!r} was not expected")
        if isinstance(found, float):
            return (Frame(self.ref, (Field(self.ref, "number", (found,)),)),)
        return tuple(replace(one, ref=self.ref) for one in found)

    def _read(self) -> list[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        at = 0
        while self.said[at:].strip():
            found = _TOKEN.match(self.said, at)
            if found is None:
                raise ValueError(f"{self.said[at : at + 20].strip()!r} is not understood")
            kind = ("number", "ref", "function", "sign")[next(i for i in range(4) if found[i + 1] is not None)]
            tokens.append((kind, found[found.lastindex or 0]))
            at = found.end()
        return tokens

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise ValueError("ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _level(self, level: int, depth: int) -> Set | float:
        if depth > _DEEPEST:
            raise ValueError("is nested too deeply")
        if level == len(_LEVELS):
            return self._atom(depth + 1)
        left = self._level(level + 1, depth)
        while self._at < len(self._tokens) and self._tokens[self._at][1] in _LEVELS[level]:
            sign = self._next()[1]
            left = _combined(sign, left, self._level(level + 1, depth))
        return left

    def _atom(self, depth: int) -> Set | float:
        kind, said = self._next()
        if kind == "number":
            return float(said)
        if kind == "ref":
            if said not in self.by_ref:
                raise ValueError(f"${said} has no answer")
            return self.by_ref[said]
        if said == "(":
            inner = self._level(0, depth + 1)
            if self._next()[1] != ")":
                raise ValueError("a parenthesis does not end")
            return inner
        if said == "-":
            return _combined("*", -1.0, self._atom(depth + 1)) if depth < _DEEPEST else 0.0
        if said == "!":
            return _combined("==", 0.0, self._atom(depth + 1)) if depth < _DEEPEST else 0.0
        if kind == "function" and said in _FUNCTIONS and self._next()[1] == "(":
            inner = self._level(0, depth + 1)
            if self._next()[1] != ")":
                raise ValueError("a parenthesis does not end")
            return _applied(_FUNCTIONS[said], inner)
        raise ValueError(f"{said!r} is not understood")


def _applied(function: Callable[[float], float], found: Set | float) -> Set | float:
    def safe(value: float | None) -> float | None:
        try:
            return None if value is None else float(function(value))
        except (ArithmeticError, ValueError):
            return math.nan

    if isinstance(found, float):
        return safe(found) or 0.0
    return tuple(_mapped(one, one.ref, lambda field: tuple(map(safe, field.numbers))) for one in found)


def _operate(sign: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    if sign == "&&":
        return float(bool(left) and bool(right))
    if sign == "||":
        return float(bool(left) or bool(right))
    return computed(sign, left, right)


def _combined(sign: str, left: Set | float, right: Set | float) -> Set | float:
    if isinstance(left, float):
        if isinstance(right, float):
            found = _operate(sign, left, right)
            return math.nan if found is None else found
        return tuple(_mapped(one, one.ref, _with(sign, left, left_side=True)) for one in right)
    if isinstance(right, float):
        return tuple(_mapped(one, one.ref, _with(sign, right, left_side=False)) for one in left)
    return tuple(joined for one in left for other in right if (joined := _joined(sign, one, other)) is not None)


def _with(sign: str, fixed: float, *, left_side: bool) -> Callable[[Field], tuple[float | None, ...]]:
    def change(field: Field) -> tuple[float | None, ...]:
        if left_side:
            return tuple(_operate(sign, fixed, value) for value in field.numbers)
        return tuple(_operate(sign, value, fixed) for value in field.numbers)

    return change


def _joined(sign: str, left: Frame, right: Frame) -> Frame | None:
    """Two series whose labels agree (those of one may be fewer), at the times that both have."""
    if not left.numeric or not right.numeric:
        return None
    one, other = left.numeric[0], right.numeric[0]
    mine, theirs = dict(one.labels), dict(other.labels)
    mine.pop("__name__", None)
    theirs.pop("__name__", None)
    if any(theirs[key] != value for key, value in mine.items() if key in theirs):
        return None
    if left.time is None or right.time is None or right.length == 1 or left.length == 1:
        base, frame = (one, left) if left.length >= right.length else (other, right)
        pairs = [
            (one.numbers[min(at, left.length - 1)], other.numbers[min(at, right.length - 1)])
            for at in range(frame.length)
        ] if left.length and right.length else []  # fmt: skip
        values = tuple(_operate(sign, a, b) for a, b in pairs)
        times = tuple(each for each in frame.fields if each.kind == "time")
        return Frame(left.ref, (*times, replace(base, values=values))) if pairs else None
    at_right = dict(zip(right.time.values, other.numbers, strict=True))
    kept = [at for at, time in enumerate(left.time.values) if time in at_right]
    values = tuple(_operate(sign, one.numbers[at], at_right[left.time.values[at]]) for at in kept)
    return Frame(left.ref, (left.time.picked(kept), replace(one, values=values)))
