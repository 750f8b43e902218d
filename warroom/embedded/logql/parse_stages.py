"""Selectors of streams and the stages behind them, out of tokens: recursive descent.

Invariant: every function leaves the tokens after what it read, or raises ParseError.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar, cast

from warroom.embedded.logql import ast, patterns, regex, units
from warroom.embedded.logql.addresses import network_test
from warroom.embedded.logql.errors import ParseError
from warroom.embedded.logql.lexer import Token, Tokens
from warroom.embedded.logql.parsers import group_names
from warroom.embedded.logql.paths import json_path, logfmt_path
from warroom.embedded.logql.template import template
from warroom.embedded.logql.text import stage_text

DEEPEST = 60
"""Brackets within brackets at most."""

_MATCH_SIGNS = ("=", "=~", "!~", "!=")
_LINE_SIGNS = ("|~", "|=", "|>", "!~", "!=", "!>")
_COMPARE: dict[str, ast.Compare] = {"=": "==", "==": "==", "!=": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}

Item = TypeVar("Item")


def selector(tokens: Tokens) -> tuple[ast.Matcher, ...]:
    """`{name="value", ...}`; empty braces are for the caller to refuse."""
    tokens.want("{")
    if tokens.skip("}"):
        return ()
    if not tokens.has("IDENTIFIER"):
        tokens.unexpected("IDENTIFIER", "}")
    matchers = [_matcher(tokens)]
    while not tokens.skip("}"):
        tokens.want(",", shown=("}", ","))
        matchers.append(_matcher(tokens))
    return tuple(matchers)


def _matcher(tokens: Tokens) -> ast.Matcher:
    name = tokens.want("IDENTIFIER")
    sign = tokens.want(*_MATCH_SIGNS)
    return _matched(name, sign, tokens.want("STRING"))


def _matched(name: Token, sign: Token, value: Token) -> ast.Matcher:
    if sign.kind in ("=~", "!~"):
        regex.checked(value.text)
    return ast.Matcher(name.text, cast(ast.MatchOp, sign.kind), value.text)


def pipeline(tokens: Tokens) -> tuple[ast.Stage, ...]:
    """Line filters and stages, up to the `unwrap` or the end of them. The bar before `unwrap` is taken."""
    stages: list[ast.Stage] = []
    while True:
        if tokens.has(*_LINE_SIGNS):
            stages += line_filter(tokens)
        elif tokens.has("|"):
            bar = tokens.take()
            if tokens.has("unwrap"):
                return tuple(stages)
            stages.append(_stage(tokens, bar))
        else:
            return tuple(stages)


def line_filter(tokens: Tokens) -> list[ast.Stage]:
    """One line filter; the needles of a negative one are filters each, since a line may have none of them."""
    sign = cast(ast.LineOp, tokens.take().kind)
    needles = [_needle(tokens)]
    while tokens.skip("or"):
        needles.append(_needle(tokens))
    for needle in needles:
        _check_needle(sign, needle)
    if sign[0] == "!":
        return [ast.LineFilter(sign, (needle,)) for needle in needles]
    return [ast.LineFilter(sign, tuple(needles))]


def _needle(tokens: Tokens) -> ast.Needle:
    if tokens.skip("ip"):
        return ast.Needle(_bracketed_string(tokens), ip=True)
    return ast.Needle(tokens.want("STRING", shown=("STRING", "ip")).text)


def _check_needle(sign: ast.LineOp, needle: ast.Needle) -> None:
    if needle.ip:
        if sign not in ("|=", "!="):
            raise ParseError(f"ip: invalid filter type: {sign}")
        network_test(needle.text)
    elif sign[1] == "~":
        regex.checked(needle.text)
    elif sign[1] == ">":
        patterns.line_test(needle.text)


def _bracketed_string(tokens: Tokens) -> str:
    tokens.want("(")
    text = tokens.want("STRING").text
    tokens.want(")")
    return text


# -- stages ------------------------------------------------------------------------------------------------------------


def _stage(tokens: Tokens, bar: Token) -> ast.Stage:
    del bar
    reader = _READERS.get(tokens.peek.kind)
    if reader is not None:
        tokens.take()
        return reader(tokens)
    if not tokens.has("IDENTIFIER", "("):
        tokens.unexpected()
    return label_filter(tokens)


def _json(tokens: Tokens) -> ast.Stage:
    fields = _extractions(tokens) if tokens.has("IDENTIFIER") else ()
    stage = ast.JsonParser(fields)
    _checked(stage, lambda: [json_path(field.path) for field in fields])
    return stage


def _logfmt(tokens: Tokens) -> ast.Stage:
    flags = []
    while tokens.has("FUNCTION_FLAG"):
        flags.append(tokens.take().text)
    fields = _extractions(tokens) if tokens.has("IDENTIFIER") else ()
    stage = ast.LogfmtParser(fields, "--strict" in flags, "--keep-empty" in flags)
    _checked(stage, lambda: [logfmt_path(field.path) for field in fields])
    return stage


def _extractions(tokens: Tokens) -> tuple[ast.Extraction, ...]:
    def one() -> ast.Extraction:
        name = tokens.want("IDENTIFIER").text
        return ast.Extraction(name, tokens.want("STRING").text if tokens.skip("=") else name)

    return _list(tokens, one)


def _pattern(tokens: Tokens) -> ast.Stage:
    pattern = tokens.want("STRING").text
    try:
        patterns.captures(pattern)
    except ValueError as wrong:
        raise ParseError(f"invalid pattern parser: {wrong}") from None
    return ast.PatternParser(pattern)


def _regexp(tokens: Tokens) -> ast.Stage:
    pattern = tokens.want("STRING").text
    try:
        group_names(pattern)
    except ValueError as wrong:
        raise ParseError(f"invalid regexp parser: {wrong}") from None
    return ast.RegexpParser(pattern)


def _line_format(tokens: Tokens) -> ast.Stage:
    stage = ast.LineFormat(tokens.want("STRING").text)
    _checked(stage, lambda: template(stage.template), "invalid line template: template: line:1: ")
    return stage


def _label_format(tokens: Tokens) -> ast.Stage:
    def one() -> ast.LabelFormat:
        name = tokens.want("IDENTIFIER").text
        tokens.want("=")
        value = tokens.want("IDENTIFIER", "STRING")
        return ast.LabelFormat(name, value.text, value.kind == "IDENTIFIER")

    stage = ast.LabelsFormat(_list(tokens, one))
    names = [form.name for form in stage.formats]
    for form in stage.formats:
        if form.name == "__error__":
            raise _stage_error(stage, "__error__ cannot be formatted")
        if names.count(form.name) > 1:
            raise _stage_error(stage, f"multiple label name '{form.name}' not allowed in a single format operation")
        if not form.rename:
            words = f"invalid template for label '{form.name}': template: label:1: "
            _checked(stage, partial(template, form.value), words)
    return stage


def _named_list(tokens: Tokens) -> tuple[ast.Named, ...]:
    def one() -> ast.Named:
        name = tokens.want("IDENTIFIER")
        if not tokens.has(*_MATCH_SIGNS):
            return ast.Named(name.text)
        sign = tokens.take()
        return ast.Named(name.text, _matched(name, sign, tokens.want("STRING")))

    return _list(tokens, one)


def _list(tokens: Tokens, one: Callable[[], Item]) -> tuple[Item, ...]:
    found = [one()]
    while tokens.skip(","):
        found.append(one())
    return tuple(found)


def _checked(stage: ast.Stage, work: Callable[[], object], words: str = "") -> None:
    try:
        work()
    except ValueError as wrong:
        raise _stage_error(stage, f"{words}{wrong}") from None


def _stage_error(stage: ast.Stage, words: str) -> ParseError:
    return ParseError(f"stage '{stage_text(stage)}' : {words}")


_READERS: dict[str, Callable[[Tokens], ast.Stage]] = {
    "json": _json,
    "logfmt": _logfmt,
    "pattern": _pattern,
    "regexp": _regexp,
    "unpack": lambda _tokens: ast.UnpackParser(),
    "line_format": _line_format,
    "label_format": _label_format,
    "decolorize": lambda _tokens: ast.Decolorize(),
    "drop": lambda tokens: ast.DropLabels(_named_list(tokens)),
    "keep": lambda tokens: ast.KeepLabels(_named_list(tokens)),
}


# -- filters of labels -------------------------------------------------------------------------------------------------


def label_filter(tokens: Tokens, depth: int = 0) -> ast.LabelFilter:
    """Comparisons with `or`, `and`, commas and brackets. A comma takes all that follows it, as it does in Loki."""
    if depth > DEEPEST:
        raise ParseError(f"brackets are nested more than {DEEPEST} deep")
    left = _and_filter(tokens, depth)
    while tokens.skip("or"):
        left = ast.EitherFilter(left, _and_filter(tokens, depth))
    return left


def _and_filter(tokens: Tokens, depth: int) -> ast.LabelFilter:
    left = _comma_filter(tokens, depth)
    while tokens.skip("and"):
        left = ast.BothFilters(left, _comma_filter(tokens, depth))
    return left


def _comma_filter(tokens: Tokens, depth: int) -> ast.LabelFilter:
    left = _one_filter(tokens, depth)
    if tokens.skip(",") or tokens.has("IDENTIFIER", "("):
        return ast.BothFilters(left, label_filter(tokens, depth + 1))
    return left


def _one_filter(tokens: Tokens, depth: int) -> ast.LabelFilter:
    if tokens.skip("("):
        inner = label_filter(tokens, depth + 1)
        tokens.want(")", shown=())
        return inner
    name = tokens.want("IDENTIFIER", shown=())
    sign = tokens.want(*_COMPARE, "=~", "!~", shown=())
    if sign.kind in ("=~", "!~"):
        return ast.StringFilter(_matched(name, sign, tokens.want("STRING")))
    if sign.kind in ("=", "!=") and tokens.has("STRING"):
        return ast.StringFilter(_matched(name, sign, tokens.take()))
    if sign.kind in ("=", "!=") and tokens.skip("ip"):
        return _ip_filter(name.text, sign, _bracketed_string(tokens))
    return _compared(tokens, name.text, _COMPARE[sign.kind])


def _ip_filter(name: str, sign: Token, text: str) -> ast.IpFilter:
    network_test(text)
    return ast.IpFilter(name, "=" if sign.kind == "=" else "!=", text)


def _compared(tokens: Tokens, name: str, compare: ast.Compare) -> ast.LabelFilter:
    if tokens.has("DURATION"):
        return ast.DurationFilter(name, compare, tokens.take().number)
    if tokens.has("BYTES"):
        return ast.BytesFilter(name, compare, tokens.take().number)
    return ast.NumberFilter(name, compare, number(tokens))


def number(tokens: Tokens) -> float:
    """A number with or without a sign."""
    sign = tokens.take().kind if tokens.has("+", "-") else ""
    token = tokens.want("NUMBER", shown=())
    try:
        value = float(int(token.text, 0)) if token.text[:2].lower() == "0x" else units.go_float(token.text)
    except ValueError as wrong:
        raise ParseError(f"unable to parse literal as a float: {wrong}") from None
    return -value if sign == "-" else value
