"""The functions of templates in rule files: as Prometheus has them, and Go's own.

Sources: template/template.go of github.com/prometheus/prometheus (2.42 to 3.5), https://pkg.go.dev/text/template and
https://pkg.go.dev/fmt for how values are written.

Invariant: every function raises TemplateError for what it cannot do, and nothing else.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus

from warroom.embedded.logql.regex import RegexError, compiled
from warroom.embedded.template_parse import TemplateError

_LARGE = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("m", "u", "n", "p", "f", "a", "z", "y")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0, "y": 31_536_000.0}
_DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>\d*)(?:\.(?P<precision>\d*))?(?P<verb>[a-zA-Z%])")


@dataclass(frozen=True, slots=True)
class Result:
    """One series of a query within a template: `.Labels` and `.Value`."""

    labels: Mapping[str, str]
    value: float


def truth(value: Any) -> bool:
    """Whether Go's templates take a value for true: not zero, not empty, not nil."""
    return bool(value) if not isinstance(value, Result) else True


def shown(value: Any) -> str:
    """A value as Go's %v writes it."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return go_float(value)
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{name}:{shown(value[name])}" for name in sorted(value)) + "]"
    if isinstance(value, Result):
        return "{" + shown(value.labels) + " " + shown(value.value) + "}"
    if isinstance(value, list | tuple):
        return "[" + " ".join(shown(one) for one in value) + "]"
    return str(value)


def go_float(value: float) -> str:
    """The shortest digits that give the value back, with an exponent from 1e+06 on and below 1e-4."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    said = "".join(map(str, digits))
    # Where the point is, counted from before the first digit.
    point = len(said) + int(exponent)
    minus = "-" if sign else ""
    if not -4 < point <= 6:
        mantissa = said[0] + (f".{said[1:]}" if said[1:] else "")
        return f"{minus}{mantissa}e{point - 1:+03d}"
    if point <= 0:
        return f"{minus}0.{'0' * -point}{said}"
    whole = said[:point].ljust(point, "0")
    return f"{minus}{whole}" + (f".{said[point:]}" if said[point:] else "")


def number(value: Any) -> float:
    """A number, or a text that is one. Raises TemplateError."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TemplateError(f"can't convert {_kind(value)} to float")
    try:
        return float(value)
    except ValueError:
        raise TemplateError(f'strconv.ParseFloat: parsing "{value}": invalid syntax') from None


def humanize(value: Any) -> str:
    """With four digits and the prefix of a power of 1000."""
    return _scaled(number(value), "")


def humanize_1024(value: Any) -> str:
    """With four digits and the prefix of a power of 1024."""
    left, prefix = number(value), ""
    if abs(left) <= 1 or math.isnan(left) or math.isinf(left):
        return _four(left)
    for prefix_next in _LARGE:
        if abs(left) < 1024:
            break
        prefix = f"{prefix_next}i"
        left /= 1024
    return _four(left) + prefix


def humanize_duration(value: Any) -> str:
    """Seconds as days, hours, minutes and seconds; less than one with a prefix."""
    seconds = number(value)
    if math.isnan(seconds) or math.isinf(seconds):
        return _four(seconds)
    if seconds == 0:
        return f"{_four(seconds)}s"
    if abs(seconds) < 1:
        return _scaled(seconds, "s")
    sign, left = ("-" if seconds < 0 else ""), abs(seconds)
    whole = int(left)
    days, hours, minutes, rest = whole // 86_400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {rest}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {rest}s"
    if minutes:
        return f"{sign}{minutes}m {rest}s"
    return f"{sign}{_four(left)}s"


def humanize_percentage(value: Any) -> str:
    """A ratio in percent."""
    return f"{_four(number(value) * 100)}%"


def humanize_timestamp(value: Any) -> str:
    """Seconds since the epoch as a date, in UTC."""
    at = number(value)
    if math.isnan(at) or math.isinf(at):
        return _four(at)
    nanoseconds = int(at * 1e9)
    try:
        moment = datetime.fromtimestamp(0, UTC) + timedelta(seconds=nanoseconds // 10**9)
    except OverflowError:
        raise TemplateError(f"{go_float(at)} cannot be represented as a nanoseconds timestamp") from None
    part = f".{nanoseconds % 10**9:09d}".rstrip("0") if nanoseconds % 10**9 else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{part} +0000 UTC"


def parse_duration(value: Any) -> float:
    """Prometheus's way to write a duration, in seconds."""
    text = _text(value)
    if text != "0" and not _DURATION.fullmatch(text):
        raise TemplateError(f'not a valid duration string: "{text}"')
    return sum(int(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+)(ms|[smhdwy])", text))


def formatted(form: Any, *values: Any) -> str:
    """Go's printf, with its verbs for texts, numbers and truths; what does not fit is said as Go says it."""
    left = list(values)

    def one(found: re.Match[str]) -> str:
        verb = found["verb"]
        if verb == "%":
            return "%"
        if not left:
            return f"%!{verb}(MISSING)"
        return _verb(found, left.pop(0))

    text = _VERB.sub(one, _text(form))
    if left:
        text += "%!(EXTRA " + ", ".join(f"{_kind(one)}={shown(one)}" for one in left) + ")"
    return text


def _verb(found: re.Match[str], value: Any) -> str:
    verb, precision = found["verb"], found["precision"]
    flags, width = found["flags"].replace("#", ""), found["width"]
    whole = isinstance(value, int) and not isinstance(value, bool)
    if verb == "v":
        exact = isinstance(value, float) and precision is not None
        said = f"{value:.{precision or 0}g}" if exact else shown(value)
        return _padded(said, flags, width)
    if verb == "s" and isinstance(value, str):
        return _padded(value if precision is None else value[: int(precision or 0)], flags, width)
    if verb == "q" and isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        return _padded(f'"{escaped}"', flags, width)
    if verb == "t" and isinstance(value, bool):
        return _padded(shown(value), flags, width)
    if verb in "dxXo" and whole:
        return str(f"%{flags}{width}{verb}" % value)
    if verb in "feEgGF" and isinstance(value, float):
        if math.isnan(value) or math.isinf(value):
            return _padded(go_float(value), flags.replace("0", ""), width)
        if precision is None and verb in "gG":
            return _padded(go_float(value), flags, width)
        return f"%{flags}{width}{'' if precision is None else '.' + (precision or '0')}{verb}" % value
    return f"%!{verb}({_kind(value)}={shown(value)})"


def _padded(text: str, flags: str, width: str) -> str:
    if not width:
        return text
    return text.ljust(int(width)) if "-" in flags else text.rjust(int(width))


def _printed(*values: Any) -> str:
    """With a space between two values of which neither is a text."""
    said = ""
    for before, value in zip((None, *values), values, strict=False):
        said += " " if said and not isinstance(before, str) and not isinstance(value, str) else ""
        said += shown(value)
    return said


def _same(first: Any, *others: Any) -> bool:
    if not others:
        raise TemplateError("missing argument for comparison")
    for other in others:
        _comparable(first, other)
    return any(first == other for other in others)


def _ordered(order: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(first: Any, second: Any) -> bool:
        _comparable(first, second)
        if first is None or isinstance(first, bool | Mapping | list | tuple | Result):
            raise TemplateError("invalid type for comparison")
        return order(first, second)

    return compare


def _comparable(first: Any, second: Any) -> None:
    if _kind(first) != _kind(second) and first is not None and second is not None:
        raise TemplateError("incompatible types for comparison")


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, Mapping) and isinstance(key, str):
            value = value.get(key, "")
        elif isinstance(value, list | tuple | str) and isinstance(key, int) and 0 <= key < len(value):
            value = value[key]
        else:
            raise TemplateError(f"{_kind(value)} has no element {shown(key)}")
    return value


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Mapping | list | tuple):
        return len(value)
    raise TemplateError(f"len of type {_kind(value)}")


def _first(results: Any) -> Any:
    if not isinstance(results, list | tuple) or not results:
        raise TemplateError("first() called on vector with no elements")
    return results[0]


def _result(value: Any) -> Result:
    if not isinstance(value, Result):
        raise TemplateError(f"a result of a query was expected, not {_kind(value)}")
    return value


def _sorted(label: Any, results: Any) -> list[Result]:
    return sorted((_result(one) for one in results), key=lambda one: one.labels.get(_text(label), ""))


def _replaced(pattern: Any, by: Any, text: Any) -> str:
    # Go writes a group as $1 or ${1}, RE2 as \\1.
    with_groups = re.sub(r"\$\{(\d+)\}|\$(\d+)", lambda one: rf"\{one[1] or one[2]}", _text(by).replace("\\", r"\\"))
    try:
        replaced: bytes = compiled(_text(pattern)).sub(with_groups.encode(), _text(text).encode())
    except RegexError as wrong:
        raise TemplateError(str(wrong)) from None
    return replaced.decode()


def _matched(pattern: Any, text: Any) -> bool:
    try:
        return compiled(_text(pattern)).search(_text(text).encode()) is not None
    except RegexError as wrong:
        raise TemplateError(str(wrong)) from None


def _without_port(value: Any) -> str:
    host, colon, _ = _text(value).rpartition(":")
    return host if colon and ("]" in host or ":" not in host) else _text(value)


def _without_domain(value: Any) -> str:
    text = _text(value)
    host, colon, port = text.rpartition(":") if ":" in text else (text, "", "")
    if re.fullmatch(r"[\d.]+|\[.*\]", host):
        return text
    return host.split(".")[0] + colon + port


def _url(path: str) -> Callable[[Any], str]:
    def link(expression: Any) -> str:
        return f"/graph?g0.expr={quote_plus(_text(expression))}&g0.tab={path}"

    return link


def _scaled(left: float, unit: str) -> str:
    """Four digits, and the prefix of the power of 1000 that leaves one to three before the point."""
    prefix = ""
    if left == 0 or math.isnan(left) or math.isinf(left):
        return _four(left)
    if abs(left) >= 1:
        for larger in _LARGE:
            if abs(left) < 1000:
                break
            prefix = larger
            left /= 1000
        return f"{_four(left)}{prefix}{unit}"
    for smaller in _SMALL:
        if abs(left) >= 1:
            break
        prefix = smaller
        left *= 1000
    return f"{_four(left)}{prefix}{unit}"


def _four(value: float) -> str:
    return go_float(value) if math.isnan(value) or math.isinf(value) else f"{value:.4g}"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TemplateError(f"wrong type for value; expected string; got {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    kinds: Sequence[tuple[type, str]] = (
        (bool, "bool"), (int, "int"), (float, "float64"), (str, "string"), (Mapping, "map[string]string"),
        (list, "template.queryResult"), (tuple, "template.queryResult"), (Result, "*template.sample"),
    )  # fmt: skip
    return next((name for kind, name in kinds if isinstance(value, kind)), "<nil>")


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "humanize": humanize,
    "humanize1024": humanize_1024,
    "humanizeDuration": humanize_duration,
    "humanizePercentage": humanize_percentage,
    "humanizeTimestamp": humanize_timestamp,
    "parseDuration": parse_duration,
    "title": lambda value: re.sub(r"(?:^|(?<=\s))\w", lambda one: one[0].upper(), _text(value)),
    "toUpper": lambda value: _text(value).upper(),
    "toLower": lambda value: _text(value).lower(),
    "match": _matched,
    "reReplaceAll": _replaced,
    "stripPort": _without_port,
    "stripDomain": _without_domain,
    "safeHtml": lambda value: _text(value),
    "urlQueryEscape": lambda value: quote_plus(_text(value)),
    "graphLink": _url("0"),
    "tableLink": _url("1"),
    "first": _first,
    "label": lambda name, one: _result(one).labels.get(_text(name), ""),
    "value": lambda one: _result(one).value,
    "strvalue": lambda one: _result(one).labels.get("__value__", ""),
    "sortByLabel": _sorted,
    "printf": formatted,
    "print": _printed,
    "println": lambda *values: " ".join(shown(one) for one in values) + "\n",
    "html": lambda *values: html.escape("".join(shown(one) for one in values)),
    "urlquery": lambda *values: quote_plus("".join(shown(one) for one in values)),
    "index": _index,
    "len": _length,
    "not": lambda value: not truth(value),
    "eq": _same,
    "ne": lambda first, second: not _same(first, second),
    "lt": _ordered(lambda first, second: first < second),
    "le": _ordered(lambda first, second: first <= second),
    "gt": _ordered(lambda first, second: first > second),
    "ge": _ordered(lambda first, second: first >= second),
}
"""What templates may call; `query`, `and` and `or` are the evaluator's own."""
