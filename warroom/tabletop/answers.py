"""What a question to the telemetry was answered with, and whether a condition holds of it.

The grammar of a condition: `any`, `none`, or comparisons of `value`, `count` and `total` with a number, joined by
`and`. `value` keeps the rows of which it is true.

Invariant: pure; names are filled in by looking them up, never by evaluating anything.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_PART = re.compile(r"(value|count|total)\s*(<=|>=|==|!=|<|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
_WORD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_SERVICE_LABELS = ("service", "job", "service_name", "upstream", "server")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an answer. `at` is seconds since the epoch; `text` a log line or what a change says."""

    labels: Mapping[str, str] = field(default_factory=dict)
    value: float = 1.0
    text: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of an answer, the best first once a condition chose them. `took` is seconds of exercise time."""

    rows: tuple[Row, ...] = ()
    took: float = 0.0


class HoldsError(ValueError):
    """A condition that cannot be read, in one sentence."""


@dataclass(frozen=True, slots=True)
class _Comparison:
    what: str
    sign: str
    number: float

    def true(self, value: float) -> bool:
        return _SIGNS[self.sign](value, self.number)


@dataclass(frozen=True, slots=True)
class Holds:
    """A condition on an answer that was read from its text."""

    text: str
    wants_none: bool = False
    parts: tuple[_Comparison, ...] = ()

    def of(self, answer: Answer) -> Answer | None:
        """The rows that make it true, the best first, or None when it does not hold."""
        rows = [row for row in answer.rows if not math.isnan(row.value)]
        if self.wants_none:
            return None if rows else Answer((), answer.took)
        for part in self.parts:
            if part.what == "value":
                rows = [row for row in rows if part.true(row.value)]
        counts = [part for part in self.parts if part.what != "value"]
        if not all(part.true(len(rows) if part.what == "count" else sum(row.value for row in rows)) for part in counts):
            return None
        if not rows and not counts:
            return None
        smallest = any(part.what == "value" and part.sign.startswith("<") for part in self.parts)
        rows.sort(key=lambda row: (row.value if smallest else -row.value, sorted(row.labels.items())))
        return Answer(tuple(rows), answer.took)


def read_holds(text: str) -> Holds:
    """The condition that `text` says.

    Raises:
        HoldsError: it is none; says what would be right.
    """
    words = text.strip()
    if words in ("any", ""):
        return Holds("any")
    if words == "none":
        return Holds(words, wants_none=True)
    parts = []
    for piece in re.split(r"\s+and\s+", words):
        found = _PART.fullmatch(piece.strip())
        if found is None:
            raise HoldsError(
                f"{piece.strip()[:60]!r} is no condition; write any, none, or like `value > 0.05 and count >= 3`"
            )
        parts.append(_Comparison(found[1], found[2], float(found[3])))
    return Holds(words, parts=tuple(parts))


def names_of(row: Row) -> dict[str, str]:
    """What may be filled into words about a row: its labels, `service`, `value` and `text`."""
    service = next((row.labels[name] for name in _SERVICE_LABELS if row.labels.get(name)), "")
    return {**row.labels, "service": service, "value": short(row.value), "text": row.text}


def filled(words: str, names: Mapping[str, str]) -> str:
    """`words` with each `{name}` replaced; a name that says nothing becomes a question mark."""
    return _WORD.sub(lambda found: names.get(found[1]) or "?", words)


def filled_query(query: str, names: Mapping[str, str]) -> str:
    """`query` with each `$name` or `${name}` replaced, as it may stand within double quotes."""

    def value(found: re.Match[str]) -> str:
        text = names.get(found[1] or found[2], "")
        return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")

    return _VARIABLE.sub(value, query)


def names_in(words: str) -> frozenset[str]:
    """The names that `words` or a query leave to be filled in."""
    found = {match[1] for match in _WORD.finditer(words)}
    return frozenset(found | {match[1] or match[2] for match in _VARIABLE.finditer(words)})


def short(value: float) -> str:
    """A number for a sentence: three figures, no exponent where one can do without."""
    if math.isnan(value):
        return "no number"
    if math.isinf(value):
        return "beyond measure"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"
