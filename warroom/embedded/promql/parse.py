"""From the text of a query to the tree, over `promql-parser`, which has Prometheus's grammar.

What Prometheus 3 has behind a feature flag, and what only native histograms have, is refused here by name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import promql_parser as grammar

from warroom.embedded.promql.errors import PromqlError
from warroom.embedded.promql.tree import (
    Aggregate,
    Binary,
    Call,
    Matching,
    Moment,
    Negation,
    Node,
    Number,
    Range,
    Selector,
    String,
    Subquery,
    kind,
)
from warroom.embedded.series_index import pattern
from warroom.telemetry.alerts import Matcher

EXPERIMENTAL = frozenset(
    {"double_exponential_smoothing", "mad_over_time", "sort_by_label", "sort_by_label_desc", "info", "limitk",
     "limit_ratio", "ts_of_max_over_time", "ts_of_min_over_time", "ts_of_last_over_time"}
)  # fmt: skip
NATIVE = frozenset({"histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar"})
_UNKNOWN = frozenset({"first_over_time", "ts_of_first_over_time", "max_of", "min_of", "start", "end", "range", "step",
                      "histogram_quantiles"})  # fmt: skip

_LONGEST_ERROR = 300
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WORD = re.compile(r"unknown function with name '(.*)'")
_BEFORE_1970 = re.compile(r"@\s*-\s*[0-9.]")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`|#[^\n]*')
_RAW = re.compile(r'("(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|#[^\n]*)|`([^`]*)`')
_TYPES = (
    (re.compile(r"\b(type|got|on) vector\b"), r"\1 instant vector"),
    (re.compile(r"\b(type|got) matrix\b"), r"\1 range vector"),
    (re.compile(r"'(\w+)'"), r'"\1"'),
    (re.compile(r"between vectors$"), "between instant vectors"),
)
"""How Prometheus calls what the grammar has other words for."""
_MANY = {"ManyToOne": "left", "OneToMany": "right"}


@lru_cache(maxsize=2048)
def parse(query: str) -> Node:
    """The tree of a query. Raises PromqlError, whose words are those of Prometheus where the grammar has them."""
    bare = _QUOTED.sub(lambda found: " " * len(found.group()), query)
    if _BEFORE_1970.search(bare):
        raise _wrong("unknown position", "times before 1970 cannot follow @ here")
    try:
        found = grammar.parse(_RAW.sub(_quoted, query))
    except ValueError as refused:
        raise _wrong(*_placed(str(refused), bare)) from None
    except RecursionError:
        raise _wrong("unknown position", "the query is nested too deeply") from None
    return _node(found, bare)


def format_query(query: str) -> str:
    """The query, laid out. Raises PromqlError when it is none."""
    parse(query)
    return str(grammar.parse(_RAW.sub(_quoted, query)).prettify())


def _quoted(found: re.Match[str]) -> str:
    """A raw string as a quoted one: the grammar's own matchers would look for escapes in it."""
    if found[2] is None:
        return found[1]
    return '"' + found[2].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _wrong(place: str, words: str) -> PromqlError:
    return PromqlError("bad_data", f"{place}: parse error: {words[:_LONGEST_ERROR]}")


def _placed(words: str, bare: str) -> tuple[str, str]:
    """Place and words of a parse error, as Prometheus has them, where they can be known."""
    unknown = _WORD.fullmatch(words)
    if unknown:
        return _place(bare, unknown[1]), f'unknown function with name "{unknown[1]}"'
    if words == "unclosed left parenthesis":
        return f"1:{len(bare) + 1}", words
    for pattern_, fresh in _TYPES:
        words = pattern_.sub(fresh, words)
    return "unknown position", words


def _place(bare: str, name: str) -> str:
    found = re.search(rf"\b{re.escape(name)}\b", bare)
    if found is None:
        return "unknown position"
    before = bare[: found.start()]
    return f"{before.count(chr(10)) + 1}:{found.start() - before.rfind(chr(10))}"


def _node(said: Any, bare: str) -> Node:
    found: Node = _READERS[type(said).__name__](said, bare)
    return found


def _call(said: Any, bare: str) -> Node:
    name = said.func.name
    if name in EXPERIMENTAL or said.func.experimental:
        raise _wrong(_place(bare, name), f'function "{name}" is not enabled')
    if name in _UNKNOWN:
        raise _wrong(_place(bare, name), f'unknown function with name "{name}"')
    if name in NATIVE:
        raise PromqlError("execution", f"{name}() is of native histograms, and none are kept here")
    return Call(name, tuple(_node(arg, bare) for arg in said.args))


def _aggregate(said: Any, bare: str) -> Node:
    operator = str(said.op)
    if operator in EXPERIMENTAL:
        raise _wrong(_place(bare, operator), f"{operator}() is experimental and must be enabled with "
                     "--enable-feature=promql-experimental-functions")  # fmt: skip
    param = None if said.param is None else _node(said.param, bare)
    modifier = said.modifier
    labels: Sequence[str] = () if modifier is None else modifier.labels
    without = modifier is not None and modifier.type == grammar.AggModifierType.Without
    return Aggregate(operator, _node(said.expr, bare), param, tuple(labels), without)


def _binary(said: Any, bare: str) -> Node:
    left, right = _node(said.lhs, bare), _node(said.rhs, bare)
    modifier = said.modifier
    if modifier is None:
        return Binary(str(said.op), left, right, Matching(), as_bool=False)
    fill = modifier.fill_values
    if fill is not None and (fill.lhs is not None or fill.rhs is not None):
        raise _wrong(_place(bare, "fill"), "fill modifiers are experimental and not enabled")
    matching = modifier.matching
    on = matching is not None and matching.type == grammar.LabelModifierType.Include
    labels = () if matching is None else tuple(matching.labels)
    # What is kept apart by a name in Rust is an enumeration here.
    many = next((side for card, side in _MANY.items()
                 if modifier.card == getattr(grammar.VectorMatchCardinality, card)), "")  # fmt: skip
    if (matching is not None or many) and "scalar" in (kind(left), kind(right)):
        raise _wrong("unknown position", "vector matching only allowed between instant vectors")
    include = tuple(modifier.group_labels or ())
    return Binary(str(said.op), left, right, Matching(on, labels, many, include), bool(modifier.return_bool))  # type: ignore[arg-type]


def _selector(said: Any, bare: str) -> Selector:
    if said.matchers.or_matchers:
        raise _wrong(_place(bare, "or"), 'unexpected identifier "or" in label matching, expected "," or "}"')
    found = [] if said.name is None else [Matcher("__name__", said.name)]
    for one in said.matchers.matchers:
        regex = one.op in (grammar.MatchOp.Re, grammar.MatchOp.NotRe)
        if regex:
            try:
                pattern(one.value)
            except ValueError as wrong:
                raise _wrong("unknown position", str(wrong)) from None
        found.append(Matcher(one.name, one.value, regex, one.op in (grammar.MatchOp.Equal, grammar.MatchOp.Re)))
    names = [one.value for one in found if one.name == "__name__" and one.is_equal and not one.is_regex]
    if len(names) > 1:
        raise _wrong("unknown position", f'metric name must not be set twice: "{names[0]}" or "{names[1]}"')
    return Selector(said.name or "", tuple(found), _millis(said.offset), _moment(said.at))


def _matrix(said: Any, bare: str) -> Node:
    return Range(_selector(said.vector_selector, bare), _millis(said.range))


def _subquery(said: Any, bare: str) -> Node:
    body = _node(said.expr, bare)
    return Subquery(body, _millis(said.range), _millis(said.step), _millis(said.offset), _moment(said.at))


def _negation(said: Any, bare: str) -> Node:
    return Negation(_node(said.expr, bare))


def _millis(said: timedelta | None) -> int:
    return 0 if said is None else said // timedelta(milliseconds=1)


def _moment(said: Any) -> Moment:
    if said is None:
        return None
    if said.type == grammar.AtModifierType.Start:
        return "start"
    if said.type == grammar.AtModifierType.End:
        return "end"
    exact: timedelta = said.at - _EPOCH
    return round(exact / timedelta(milliseconds=1))


_READERS: dict[str, Any] = {
    "NumberLiteral": lambda said, _: Number(float(said.val)),
    "StringLiteral": lambda said, _: String(said.val),
    "VectorSelector": _selector,
    "MatrixSelector": _matrix,
    "SubqueryExpr": _subquery,
    "Call": _call,
    "AggregateExpr": _aggregate,
    "BinaryExpr": _binary,
    "UnaryExpr": _negation,
    "ParenExpr": lambda said, bare: _node(said.expr, bare),
}
