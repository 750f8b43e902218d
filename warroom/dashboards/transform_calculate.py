"""Transformations that compute: a field from others, and rows kept by their values.

Invariant: total; a division by zero and a missing operand give a missing value.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from warroom.dashboards.calcs import calc_of
from warroom.dashboards.patterns import finds
from warroom.dashboards.said import Raw, as_number, flag, part, parts, text, texts
from warroom.dashboards.tables import Field, Frame, Item, word
from warroom.dashboards.values import Scope, fill_text

_OPERATIONS: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "%": math.fmod,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
_UNARY: Final[Mapping[str, Callable[[float], float]]] = {
    "abs": abs,
    "exp": math.exp,
    "ln": math.log,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "sqrt": math.sqrt,
}


def computed(sign: str, left: float | None, right: float | None) -> float | None:
    """One operation on two numbers; None where it has no outcome."""
    operation = _OPERATIONS.get(sign)
    if left is None or right is None or operation is None:
        return None
    try:
        outcome = operation(left, right)
    except (ArithmeticError, ValueError):
        return None
    return None if isinstance(outcome, complex) else float(outcome)


def calculate_field(frame: Frame, options: Raw, scope: Scope) -> Frame:
    """A new column from others; alone (beside the time) when the others are to be replaced."""
    mode = text(options, "mode", "reduceRow")
    if frame.length == 0:
        return frame
    made: list[Field] = []
    match mode:
        case "binary":
            made = _binary(frame, part(options, "binary"), scope)
        case "reduceRow":
            made = _row(frame, part(options, "reduce"))
        case "index":
            share = flag(part(options, "index"), "asPercentile")
            size = max(frame.length - 1, 1)
            places = tuple(at / size if share else float(at) for at in range(frame.length))
            made = [Field("Row", "number", places)]
        case "unary":
            made = _unary(frame, part(options, "unary"))
        case "cumulativeFunctions":
            made = _cumulative(frame, part(options, "cumulative"))
        case "windowFunctions":
            made = _window(frame, part(options, "window"))
    alias = fill_text(text(options, "alias"), scope)
    if alias and len(made) == 1:
        made = [replace(made[0], name=alias, title="")]
    if not made:
        return frame
    if flag(options, "replaceFields"):
        times = tuple(one for one in frame.fields if one.kind == "time")
        return replace(frame, fields=(*times, *made))
    return replace(frame, fields=(*frame.fields, *made))


def _binary(frame: Frame, options: Raw, scope: Scope) -> list[Field]:
    sign = text(options, "operator", "+")
    left, right = _operand(frame, options.get("left"), scope), _operand(frame, options.get("right"), scope)
    matcher = part(options, "left", "matcher")
    if text(matcher, "id") == "byType" and right is not None:
        return [
            Field(
                f"{one.shown} {sign} {right[0]}", "number",
                tuple(computed(sign, each, other) for each, other in zip(one.numbers, right[1], strict=True)),
            )
            for one in frame.numeric
        ]  # fmt: skip
    if left is None or right is None:
        return []
    values = tuple(computed(sign, each, other) for each, other in zip(left[1], right[1], strict=True))
    return [Field(f"{left[0]} {sign} {right[0]}", "number", values)]


def _operand(frame: Frame, said: Any, scope: Scope) -> tuple[str, Sequence[float | None]] | None:
    """A column's name and numbers, or a number for every row."""
    if isinstance(said, Mapping):
        said = said.get("fixed") if said.get("fixed") is not None else part(said, "matcher").get("options")
    if isinstance(said, str):
        name = fill_text(said, scope)
        found = frame.column(name)
        if found is not None:
            return found.shown, found.numbers
        said = name
    fixed = as_number(said)
    return None if fixed is None else (word(fixed), [fixed] * frame.length)


def _chosen(frame: Frame, options: Raw) -> list[Field]:
    names = texts(options, "include")
    return [one for one in frame.numeric if not names or one.shown in names or one.name in names]


def _row(frame: Frame, options: Raw) -> list[Field]:
    calc = calc_of(text(options, "reducer", "sum"))
    columns = [one.numbers for one in _chosen(frame, options)]
    if calc is None or not columns:
        return []
    values = tuple(calc.of([column[at] for column in columns]) for at in range(frame.length))
    return [Field(calc.name, "number", values)]


def _unary(frame: Frame, options: Raw) -> list[Field]:
    found = frame.column(text(options, "fieldName"))
    function = _UNARY.get(text(options, "operator", "abs"))
    if found is None or function is None:
        return []

    def safe(value: float | None) -> float | None:
        try:
            return None if value is None else float(function(value))
        except (ArithmeticError, ValueError):
            return None

    return [Field(f"{text(options, 'operator', 'abs')}({found.shown})", "number", tuple(map(safe, found.numbers)))]


def _cumulative(frame: Frame, options: Raw) -> list[Field]:
    found = frame.column(text(options, "field"))
    if found is None:
        return []
    total, count = 0.0, 0
    values: list[Item] = []
    for one in found.numbers:
        total += one or 0.0
        count += one is not None
        values.append(total / count if text(options, "reducer") == "mean" and count else total)
    return [Field(f"cumulative({found.shown})", "number", tuple(values))]


def _window(frame: Frame, options: Raw) -> list[Field]:
    found, calc = frame.column(text(options, "field")), calc_of(text(options, "reducer", "mean"))
    if found is None or calc is None:
        return []
    size = as_number(options.get("windowSize")) or 0.1
    fixed = text(options, "windowSizeMode") == "fixed"
    width = int(min(max(size if fixed else size * frame.length, 1), 5_000))
    centred = text(options, "windowAlignment") == "centered"
    ahead = width // 2 if centred else 0
    numbers = found.numbers
    values = tuple(calc.of(numbers[max(0, at + ahead - width + 1) : at + ahead + 1]) for at in range(frame.length))
    return [Field(f"{calc.name} of {found.shown}", "number", values)]


def filter_by_value(frame: Frame, options: Raw, scope: Scope) -> Frame:
    """Keeps (or drops) the rows for which all or any of the conditions hold."""
    conditions = []
    for _, one in parts(options, "filters"):
        field = frame.column(text(one, "fieldName"))
        if field is not None:
            conditions.append([_holds(part(one, "config"), value, scope) for value in field.values])
    if not conditions:
        return frame
    together = all if text(options, "match", "any") == "all" else any
    include = text(options, "type", "include") == "include"
    return frame.picked([at for at in range(frame.length) if together(one[at] for one in conditions) == include])


def _holds(config: Raw, value: Item, scope: Scope) -> bool:
    options = part(config, "options")
    said = fill_text(text(options, "value"), scope)
    limit, mine = as_number(said), as_number(value)
    match text(config, "id"):
        case "isNull":
            return value is None
        case "isNotNull":
            return value is not None
        case "equal":
            return word(value) == said or (mine is not None and mine == limit)
        case "notEqual":
            return not (word(value) == said or (mine is not None and mine == limit))
        case "regex":
            return finds(said, word(value))
        case "substring":
            return said.casefold() in word(value).casefold()
        case "notSubstring":
            return said.casefold() not in word(value).casefold()
        case "between":
            low, high = as_number(options.get("from")), as_number(options.get("to"))
            return mine is not None and low is not None and high is not None and low <= mine <= high
    sign = {"greater": ">", "greaterOrEqual": ">=", "lower": "<", "lowerOrEqual": "<="}.get(text(config, "id"), "")
    return bool(computed(sign, mine, limit))
