"""LogQL text as a tree: metric queries, and the two entrances.

Invariant: whatever the text, the answer is a tree or a ParseError in Loki's words, never another exception.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NoReturn

from warroom.embedded.logql import ast, regex, units
from warroom.embedded.logql.errors import LogqlError, ParseError
from warroom.embedded.logql.lexer import RANGE_OPERATIONS, VECTOR_OPERATIONS, Tokens
from warroom.embedded.logql.parse_stages import DEEPEST, label_filter, number, pipeline, selector
from warroom.embedded.logql.values import binary_value

_LEVELS = (("or",), ("and", "unless"), ("==", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"))
_SETS = frozenset({"or", "and", "unless"})
_GROUPED = frozenset({
    "avg_over_time", "stddev_over_time", "stdvar_over_time", "quantile_over_time", "max_over_time", "min_over_time",
    "first_over_time", "last_over_time",
})  # fmt: skip
_UNWRAPPED = _GROUPED | {"sum_over_time", "rate", "rate_counter", "absent_over_time"}
_COUNTED = frozenset({"bytes_over_time", "bytes_rate", "count_over_time", "rate", "absent_over_time"})
_NEEDS_MATCHER = (
    "queries require at least one regexp or equality matcher that does not have an empty-compatible value. For "
    'instance, app=~".*" does not meet this requirement, but app=~".+" will'
)


@lru_cache(512)
def parse(text: str) -> ast.Query:
    """The tree of a query.

    Raises:
        ParseError: the text is none, or one that selects every stream there is.
    """
    query = parse_loosely(text)
    for one in selections(query):
        _check_matchers(one.matchers)
    return query


def parse_loosely(text: str) -> ast.Query:
    """As `parse`, whatever its selectors pick.

    Raises:
        ParseError: the text is no query.
    """
    tokens = Tokens(text)
    try:
        query = _expression(tokens, 0, 0)
    except RecursionError:
        raise ParseError("the query is nested too deeply") from None
    if not tokens.has("$end"):
        tokens.unexpected()
    return query


def parse_log(text: str) -> ast.LogQuery:
    """The tree of a query that lists lines.

    Raises:
        ParseError: the text is no query.
        LogqlError: it is a metric query.
    """
    query = parse(text)
    if not isinstance(query, ast.LogQuery):
        raise LogqlError("only log selector is supported")
    return query


def parse_selector(text: str) -> tuple[ast.Matcher, ...]:
    """The matchers of a plain selector.

    Raises:
        LogqlError: there is more in the text than one, or it is no query.
    """
    query = parse_loosely(text)
    if not isinstance(query, ast.LogQuery) or query.stages:
        raise LogqlError("only label matchers are supported")
    return query.matchers


def selections(query: ast.Query) -> list[ast.LogQuery]:
    """Every selection of lines in a query."""
    match query:
        case ast.LogQuery():
            return [query]
        case ast.RangeAggregation():
            return [query.range.query]
        case ast.VectorAggregation() | ast.LabelReplace():
            return selections(query.inner)
        case ast.Binary():
            return [*selections(query.left), *selections(query.right)]
    return []


def _check_matchers(matchers: tuple[ast.Matcher, ...]) -> None:
    for one in matchers:
        if one.op == "=" and one.value:
            return
        if one.op == "=~" and not regex.whole(one.value)(""):
            return
        if one.op == "!=" and not one.value:
            return
        if one.op == "!~" and regex.whole(one.value)(""):
            return
    raise ParseError(_NEEDS_MATCHER)


# -- expressions -------------------------------------------------------------------------------------------------------


def _expression(tokens: Tokens, level: int, depth: int) -> ast.Query:
    if level == len(_LEVELS):
        return _power(tokens, depth)
    left = _expression(tokens, level + 1, depth)
    while tokens.has(*_LEVELS[level]):
        operation = tokens.take().kind
        bool_, matching = _modifier(tokens)
        left = _binary(operation, left, _expression(tokens, level + 1, depth), bool_, matching)
    return left


def _power(tokens: Tokens, depth: int) -> ast.Query:
    base = _atom(tokens, depth)
    if not tokens.skip("^"):
        return base
    bool_, matching = _modifier(tokens)
    if depth > DEEPEST:
        _too_deep()
    return _binary("^", base, _power(tokens, depth + 1), bool_, matching)


def _atom(tokens: Tokens, depth: int) -> ast.Query:
    if depth > DEEPEST:
        _too_deep()
    token = tokens.peek
    if token.kind == "{":
        return _log_query(tokens)
    if token.kind == "(":
        tokens.take()
        inner = _expression(tokens, 0, depth + 1)
        tokens.want(")", shown=())
        return inner
    if token.kind in ("NUMBER", "+", "-"):
        return ast.Number(number(tokens))
    if token.kind in RANGE_OPERATIONS:
        return _range_aggregation(tokens)
    if token.kind in VECTOR_OPERATIONS:
        return _vector_aggregation(tokens, depth)
    if token.kind == "vector":
        tokens.take()
        tokens.want("(")
        value = units.go_float(tokens.want("NUMBER").text)
        tokens.want(")")
        return ast.VectorLiteral(value)
    if token.kind == "label_replace":
        return _label_replace(tokens, depth)
    tokens.unexpected()
    raise AssertionError  # pragma: no cover


def _too_deep() -> NoReturn:
    raise ParseError(f"brackets are nested more than {DEEPEST} deep")


def _log_query(tokens: Tokens) -> ast.LogQuery:
    matchers = selector(tokens)
    stages = pipeline(tokens)
    if tokens.has("unwrap"):
        tokens.unexpected()
    return ast.LogQuery(matchers, stages)


def _metric(query: ast.Query, tokens: Tokens) -> ast.Metric:
    if isinstance(query, ast.LogQuery):
        tokens.unexpected()
        raise AssertionError  # pragma: no cover
    return query


def _binary(
    operation: str, left: ast.Query, right: ast.Query, returns_bool: bool, matching: ast.Matching
) -> ast.Metric:
    first, second = _side("left", operation, left), _side("right", operation, right)
    if isinstance(first, ast.Number) and isinstance(second, ast.Number):
        return ast.Number(float(binary_value(operation, first.value, second.value)))
    return ast.Binary(operation, first, second, matching, returns_bool)


def _side(side: str, operation: str, query: ast.Query) -> ast.Metric:
    if isinstance(query, ast.LogQuery):
        kind = "*syntax.PipelineExpr" if query.stages else "*syntax.MatchersExpr"
        raise ParseError(f"unexpected type for {side} leg of binary operation ({operation}): {kind}")
    if operation in _SETS and isinstance(query, ast.Number):
        raise ParseError(
            f"unexpected literal for {side} leg of logical/set binary operation ({operation}): {query.value:f}"
        )
    return query


def _modifier(tokens: Tokens) -> tuple[bool, ast.Matching]:
    returns_bool = tokens.skip("bool")
    if not tokens.has("on", "ignoring"):
        return returns_bool, ast.Matching()
    on = tokens.take().kind == "on"
    names = _names(tokens)
    if not tokens.has("group_left", "group_right"):
        return returns_bool, ast.Matching(on, names or None if not on else names)
    many: Literal["left", "right"] = "left" if tokens.take().kind == "group_left" else "right"
    include = None
    if tokens.has("(") and tokens.bracket_of_names():
        include = _names(tokens) or None
    return returns_bool, ast.Matching(on, names or None if not on else names, many, include)


def _names(tokens: Tokens) -> tuple[str, ...]:
    tokens.want("(")
    if tokens.skip(")"):
        return ()
    names = [tokens.want("IDENTIFIER", shown=("IDENTIFIER", ")")).text]
    while tokens.skip(","):
        names.append(tokens.want("IDENTIFIER").text)
    tokens.want(")", shown=(",", ")"))
    return tuple(names)


def _grouping(tokens: Tokens) -> ast.Grouping | None:
    if not tokens.has("by", "without"):
        return None
    without = tokens.take().kind == "without"
    return ast.Grouping(_names(tokens), without)


# -- aggregations ------------------------------------------------------------------------------------------------------


def _vector_aggregation(tokens: Tokens, depth: int) -> ast.Metric:
    operation = tokens.take().kind
    grouping = _grouping(tokens)
    tokens.want("(")
    text = _parameter(tokens)
    inner = _metric(_expression(tokens, 0, depth + 1), tokens)
    tokens.want(")", shown=())
    if grouping is None:
        grouping = _grouping(tokens)
    if operation == "approx_topk":
        raise ParseError("approx_topk is not answered here: topk counts exactly")
    parameter = _of_top(operation, text)
    if operation.startswith("sort") and grouping is not None and grouping.names:
        raise ParseError("sort and sort_desc doesn't allow grouping by ")
    return ast.VectorAggregation(operation, inner, parameter, grouping or ast.Grouping(()))


def _parameter(tokens: Tokens) -> str | None:
    """The number before a comma. A number that no comma follows begins the expression, and stays."""
    if not tokens.has("NUMBER") or not tokens.followed_by_comma():
        return None
    text = tokens.take().text
    tokens.want(",")
    return text


def _of_top(operation: str, text: str | None) -> int:
    if operation not in ("topk", "bottomk"):
        if text is not None:
            raise ParseError(f"unsupported parameter for operation {operation}({text},")
        return 0
    if text is None:
        raise ParseError(f"parameter required for operation {operation}")
    if not text.isdecimal():
        raise ParseError(f"invalid parameter {operation}({text},")
    if int(text) <= 0:
        raise ParseError(f"invalid parameter (must be greater than 0) {operation}({text}")
    return min(int(text), 1_000_000)


def _range_aggregation(tokens: Tokens) -> ast.Metric:
    operation = tokens.take().kind
    tokens.want("(")
    text = None
    if tokens.has("NUMBER"):
        text = tokens.take().text
        tokens.want(",")
    elif not tokens.has("{", "("):
        tokens.unexpected("NUMBER", "{", "(")
    over = _log_range(tokens, 0)
    tokens.want(")", shown=())
    grouping = _grouping(tokens)
    return _checked_range(operation, over, text, grouping)


def _checked_range(operation: str, over: ast.Range, text: str | None, grouping: ast.Grouping | None) -> ast.Metric:
    parameter = None
    if text is not None:
        if operation != "quantile_over_time":
            raise ParseError(f"parameter {text} not supported for operation {operation}")
        try:
            parameter = units.go_float(text)
        except ValueError as wrong:
            raise ParseError(f"invalid parameter for operation {operation}: {wrong}") from None
    elif operation == "quantile_over_time":
        raise ParseError(f"parameter required for operation {operation}")
    if grouping is not None and operation not in _GROUPED:
        raise ParseError(f"grouping not allowed for {operation} aggregation")
    if over.unwrap is not None and operation not in _UNWRAPPED:
        raise ParseError(f"invalid aggregation {operation} with unwrap")
    if over.unwrap is None and operation not in _COUNTED:
        raise ParseError(f"invalid aggregation {operation} without unwrap")
    if over.interval <= 0:
        raise ParseError("a range of no time holds no lines: [1m] is a minute")
    return ast.RangeAggregation(operation, over, parameter, grouping)


def _log_range(tokens: Tokens, depth: int) -> ast.Range:
    if depth > DEEPEST:
        _too_deep()
    bracketed = tokens.skip("(")
    if bracketed and tokens.has("("):
        inner = _log_range(tokens, depth + 1)
        tokens.want(")", shown=())
        return inner
    query, unwrap = _lines(tokens, selector(tokens))
    if bracketed and tokens.has("RANGE"):
        inner = _ranged(tokens, query, unwrap)
        tokens.want(")", shown=())
        return inner
    if bracketed:
        tokens.want(")", shown=())
    return _ranged(tokens, query, unwrap)


def _lines(tokens: Tokens, matchers: tuple[ast.Matcher, ...]) -> tuple[ast.LogQuery, ast.Unwrap | None]:
    stages = pipeline(tokens)
    return ast.LogQuery(matchers, stages), _unwrap(tokens) if tokens.has("unwrap") else None


def _ranged(tokens: Tokens, query: ast.LogQuery, unwrap: ast.Unwrap | None) -> ast.Range:
    interval = tokens.want("RANGE", shown=()).number
    offset = 0
    if tokens.skip("offset"):
        offset = tokens.want("DURATION").number
    if not query.stages and unwrap is None:
        query, unwrap = _lines(tokens, query.matchers)
    return ast.Range(query, interval, unwrap, offset)


def _unwrap(tokens: Tokens) -> ast.Unwrap:
    tokens.want("unwrap")
    conversion = ""
    if tokens.has("bytes", "duration", "duration_seconds"):
        conversion = tokens.take().kind
        tokens.want("(")
        label = tokens.want("IDENTIFIER").text
        tokens.want(")")
    else:
        label = tokens.want("IDENTIFIER", shown=()).text
    filters = []
    while tokens.skip("|"):
        filters.append(label_filter(tokens))
    return ast.Unwrap(label, conversion, tuple(filters))


def _label_replace(tokens: Tokens, depth: int) -> ast.Metric:
    tokens.take()
    tokens.want("(")
    inner = _metric(_expression(tokens, 0, depth + 1), tokens)
    texts = []
    for _ in range(4):
        tokens.want(",", shown=())
        texts.append(tokens.want("STRING").text)
    tokens.want(")")
    try:
        regex.compiled(f"^(?:{texts[3]})$")
    except regex.RegexError:
        try:
            regex.compiled(texts[3])
        except regex.RegexError as wrong:
            raise ParseError(f"invalid regex in label_replace: {wrong}") from None
        raise ParseError(f"invalid regex in label_replace: {texts[3]}") from None
    return ast.LabelReplace(inner, *texts)
