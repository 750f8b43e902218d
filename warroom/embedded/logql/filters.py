"""What carries out selectors and filters: of streams, of lines, of labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from warroom.embedded.logql import addresses, ast, patterns, regex, units
from warroom.embedded.logql.labels import Labels
from warroom.embedded.logql.values import COMPARISONS

LabelTest: TypeAlias = Callable[[Labels], bool]

FILTER_ERROR = "LabelFilterErr"


def text_test(op: ast.MatchOp, value: str) -> regex.Test:
    """Whether a label's value is as a matcher wants it; a label that there is not has an empty value."""
    if op == "=":
        return lambda said: said == value
    if op == "!=":
        return lambda said: said != value
    matches = regex.whole(value)
    return matches if op == "=~" else lambda said: not matches(said)


def stream_test(matchers: tuple[ast.Matcher, ...]) -> Callable[[Mapping[str, str]], bool]:
    """Whether a selector picks streams with such labels."""
    tests = [(matcher.name, text_test(matcher.op, matcher.value)) for matcher in matchers]

    def picks(labels: Mapping[str, str]) -> bool:
        return all(test(labels.get(name, "")) for name, test in tests)

    return picks


def line_test(stage: ast.LineFilter) -> regex.Test:
    """Whether a line goes on."""
    positive = stage.op in ("|=", "|~", "|>")
    if stage.op in ("|=", "!=") and not any(needle.ip for needle in stage.needles):
        has = regex.contains(needle.text for needle in stage.needles)
    else:
        tests = [_needle_test(stage.op, needle) for needle in stage.needles]
        has = tests[0] if len(tests) == 1 else lambda line: any(test(line) for test in tests)
    return has if positive else lambda line: not has(line)


def _needle_test(op: ast.LineOp, needle: ast.Needle) -> regex.Test:
    if needle.ip:
        return addresses.line_test(needle.text)
    if op[1] == "~":
        return regex.finder(needle.text)
    if op[1] == ">":
        return patterns.line_test(needle.text)
    return regex.contains((needle.text,))


def label_test(one: ast.LabelFilter) -> LabelTest:
    """Whether a line with such labels goes on. A value that is no number goes on with an error, as in Loki."""
    match one:
        case ast.StringFilter():
            name, test = one.matcher.name, text_test(one.matcher.op, one.matcher.value)
            return lambda labels: test(labels.value(name))
        case ast.BothFilters():
            left, right = label_test(one.left), label_test(one.right)
            return lambda labels: _both(left(labels), right(labels))
        case ast.EitherFilter():
            first, second = label_test(one.left), label_test(one.right)
            return lambda labels: first(labels) or second(labels)
        case ast.IpFilter():
            return _ip_test(one)
        case ast.NumberFilter():
            return _compared(one.name, one.op, one.value, units.go_float)
        case ast.DurationFilter():
            return _compared(one.name, one.op, one.value, units.go_duration)
        case ast.BytesFilter():
            return _compared(one.name, one.op, one.value, units.size)
    raise TypeError(f"no filter: {type(one).__name__}")


def _both(left: bool, right: bool) -> bool:
    """Both sides are always asked, since each may note an error."""
    return left and right


def _compared(name: str, op: ast.Compare, value: float, read: Callable[[str], float]) -> LabelTest:
    compare = COMPARISONS[op]

    def test(labels: Labels) -> bool:
        said = labels.get(name)
        if said is None:
            return False
        try:
            return compare(read(said), value)
        except ValueError as wrong:
            if not labels.error:
                labels.fail(FILTER_ERROR, str(wrong))
            return True

    return test


def _ip_test(one: ast.IpFilter) -> LabelTest:
    inside = addresses.network_test(one.value)

    def test(labels: Labels) -> bool:
        said = labels.get(one.name)
        return said is not None and inside(said) == (one.op == "=")

    return test
