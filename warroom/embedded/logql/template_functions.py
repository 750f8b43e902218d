"""The functions that a template can call: those of Loki's documentation, but for what reads a clock or parses dates.

Invariant: a function is total over its arguments or raises; what it makes is bounded in length.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import quote_plus, unquote_plus

import orjson

from warroom.embedded.go_text import quote
from warroom.embedded.logql import regex, units
from warroom.embedded.logql.template_time import GoTime, from_digits

LONGEST = 256 * 1024
"""Characters of what a template may make."""

Value: TypeAlias = Any
"""A text, a number, true or false, a moment, or what JSON holds."""


class TemplateError(ValueError):
    """A template that could not be filled in with these labels."""


def printed(value: Value) -> str:
    """A value as Go's fmt prints it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<no value>"
    if isinstance(value, float):
        return units.literal_text(value)
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{key}:{printed(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(printed, value)) + "]"
    return str(value)


def truth(value: Value) -> bool:
    """Whether a condition holds: anything but nothing, zero and the empty."""
    return bool(value)


def whole(value: Value) -> int:
    """A number without its fraction; 0 for what is none, as in Loki."""
    if isinstance(value, str):
        try:
            return int(value, 0) if value.lstrip("+-").isdigit() else int(units.go_float(value))
        except (ValueError, OverflowError):
            return 0
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else 0


def real(value: Value) -> float:
    """A number; 0 for what is none."""
    if isinstance(value, str):
        try:
            return units.go_float(value)
        except ValueError:
            return 0.0
    return float(value) if isinstance(value, int | float) else 0.0


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise TemplateError(f"wrong type for value; expected string; got {_kind(value)}")
    return value


def _kind(value: Value) -> str:
    kinds = {bool: "bool", int: "int", float: "float64", GoTime: "time.Time", type(None): "nil"}
    return kinds.get(type(value), "interface {}")


def _bounded(text: str) -> str:
    if len(text) > LONGEST:
        raise TemplateError(f"a text longer than {LONGEST} characters is not made here")
    return text


def _repeat(count: Value, text: Value) -> str:
    times = max(0, whole(count))
    if times * max(1, len(_text(text))) > LONGEST:
        raise TemplateError(f"a text longer than {LONGEST} characters is not made here")
    return _text(text) * times


def _indent(spaces: Value, text: Value) -> str:
    pad = _repeat(spaces, " ")
    return _bounded(pad + _text(text).replace("\n", "\n" + pad))


def _substr(start: Value, end: Value, text: Value) -> str:
    low, high, said = whole(start), whole(end), _text(text)
    if low < 0:
        return said[: max(0, high)]
    if high < 0 or high > len(said):
        return said[low:]
    return said[low:high]


def _trunc(count: Value, text: Value) -> str:
    wanted, said = whole(count), _text(text)
    if wanted < 0 and len(said) + wanted > 0:
        return said[len(said) + wanted :]
    return said[:wanted] if 0 <= wanted < len(said) else said


def _aligned(count: Value, text: Value, left: bool) -> str:
    wanted, said = whole(count), _text(text)
    if wanted < 0:
        return said
    if wanted > LONGEST:
        raise TemplateError(f"a text longer than {LONGEST} characters is not made here")
    if left:
        return said[:wanted].ljust(wanted)
    return (said[len(said) - wanted :] if wanted < len(said) else said).rjust(wanted)


def _replace(text: Value, old: Value, new: Value, count: Value = -1) -> str:
    said, gone, come = _text(text), _text(old), _text(new)
    if len(come) > 1 and (said.count(gone) if gone else len(said) + 1) * len(come) > LONGEST:
        raise TemplateError(f"a text longer than {LONGEST} characters is not made here")
    return said.replace(gone, come, whole(count))


def _title(text: Value) -> str:
    return re.sub(r"(^|\s)(\S)", lambda found: found[1] + found[2].upper(), _text(text))


def _decoded(text: Value) -> str:
    said = _text(text)
    said += "=" * (4 - len(said) % 4) if len(said) % 4 > 1 else ""
    try:
        return base64.b64decode(said, validate=True).decode("utf-8", "replace")
    except binascii.Error as wrong:
        return str(wrong)


_REFERENCE = re.compile(rb"\$(?:\$|(\w+)|\{(\w+)\})")


def _regex_replace(pattern: Value, text: Value, replacement: Value, literal: bool = False) -> str:
    found, said = regex.compiled(_text(pattern)), _text(text).encode()
    fill = _text(replacement).encode()
    parts, at, size = list[bytes](), 0, 0
    for match in found.finditer(said):
        new = fill if literal else expanded(fill, match)
        parts += [said[at : match.start()], new]
        at, size = match.end(), size + len(new)
        if size > LONGEST:
            raise TemplateError(f"a text longer than {LONGEST} characters is not made here")
    return b"".join([*parts, said[at:]]).decode("utf-8", "replace")


def expanded(fill: bytes, match: Any) -> bytes:
    """Go's replacement text with `$1`, `${1}` and `${name}` filled in; a group that there is not is empty."""

    def group(found: re.Match[bytes]) -> bytes:
        if found[0] == b"$$":
            return b"$"
        name = (found[1] or found[2]).decode()
        try:
            value = match[int(name)] if name.isdecimal() else match[name]
        except (IndexError, KeyError):
            return b""
        return value or b""

    return _REFERENCE.sub(group, fill)


def _count(pattern: Value, text: Value) -> int:
    return sum(1 for _ in regex.compiled(_text(pattern)).finditer(_text(text).encode()))


def _divided(left: Value, right: Value) -> int:
    if whole(right) == 0:
        raise TemplateError("runtime error: integer divide by zero")
    return math.trunc(whole(left) / whole(right)) if abs(whole(left)) < 2**52 else whole(left) // whole(right)


def _modulo(left: Value, right: Value) -> int:
    if whole(right) == 0:
        raise TemplateError("runtime error: integer divide by zero")
    return int(math.fmod(whole(left), whole(right)))


def _folded(step: Callable[[Any, Any], Any], of: Callable[[Value], Any]) -> Callable[..., Value]:
    def function(*values: Value) -> Value:
        total = of(values[0])
        for value in values[1:]:
            total = step(total, of(value))
        return total

    return function


def _round(value: Value, places: Value, at: Value = 0.5) -> float:
    power = 10.0 ** max(-300, min(300, whole(places)))
    scaled = real(value) * power
    part = scaled - math.floor(scaled)
    return (math.ceil(scaled) if part >= real(at) else math.floor(scaled)) / power


_VERB = re.compile(r"%([-+# 0]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])")


def _printf(form: Value, *values: Value) -> str:
    left = list(values)

    def one(found: re.Match[str]) -> str:
        flags, width, places, verb = found[1], found[2] or "", found[3], found[4]
        if verb == "%":
            return "%"
        if not left:
            return f"%!{verb}(MISSING)"
        if len(width) > 4 or len(places or "") > 3:
            raise TemplateError("a width of printf is too large")
        value = left.pop(0)
        return _verb(flags, width, places, verb, value)

    said = _VERB.sub(one, _text(form))
    return _bounded(said + "".join(f"%!(EXTRA {_kind(value)}={printed(value)})" for value in left))


def _verb(flags: str, width: str, places: str | None, verb: str, value: Value) -> str:
    after = f".{places}" if places is not None else ""
    if verb in "sv":
        return f"%{flags.replace('0', '').replace('+', '')}{width}{after if verb == 's' else ''}s" % printed(value)
    if verb == "q":
        return quote(printed(value))
    if verb == "t" and isinstance(value, bool):
        return printed(value)
    if verb in "dxXob" and isinstance(value, int) and not isinstance(value, bool):
        return f"{value:b}" if verb == "b" else f"%{flags}{width}{verb}" % value
    if verb in "feEgG" and isinstance(value, float):
        return f"%{flags}{width}{after}{verb}" % value
    if verb in "xX" and isinstance(value, str):
        said = value.encode().hex()
        return said if verb == "x" else said.upper()
    return f"%!{verb}({_kind(value)}={printed(value)})"


def _same(first: Value, *others: Value) -> bool:
    return any(type(first) is type(other) and first == other for other in others)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Value, Value], bool]:
    def function(left: Value, right: Value) -> bool:
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if not numbers and not (isinstance(left, str) and isinstance(right, str)):
            raise TemplateError("incompatible types for comparison")
        return test(left, right)

    return function


def _index(value: Value, *keys: Value) -> Value:
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(_text(key), "")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            value = value[whole(key)]
        else:
            raise TemplateError(f"can't index item of type {_kind(value)}")
    return value


def _and(*values: Value) -> Value:
    return next((value for value in values if not truth(value)), values[-1])


def _or(*values: Value) -> Value:
    return next((value for value in values if truth(value)), values[-1])


def _date(layout: Value, moment: Value) -> str:
    if isinstance(moment, GoTime):
        return moment.by(_text(layout))
    if isinstance(moment, int):
        return GoTime(moment * units.SECOND).by(_text(layout))
    raise TemplateError("date wants a moment, such as __timestamp__")


def _moment(value: Value) -> GoTime:
    if not isinstance(value, GoTime):
        raise TemplateError(f"wrong type for value; expected time.Time; got {_kind(value)}")
    return value


Known: TypeAlias = tuple[int, int | None, Callable[..., Value]]

FUNCTIONS: Mapping[str, Known] = {
    "ToLower": (1, 1, lambda text: _text(text).lower()), "ToUpper": (1, 1, lambda text: _text(text).upper()),
    "lower": (1, 1, lambda text: _text(text).lower()), "upper": (1, 1, lambda text: _text(text).upper()),
    "title": (1, 1, _title),
    "Replace": (4, 4, _replace), "replace": (3, 3, lambda old, new, text: _replace(text, old, new)),
    "Trim": (2, 2, lambda text, cut: _text(text).strip(_text(cut))),
    "TrimLeft": (2, 2, lambda text, cut: _text(text).lstrip(_text(cut))),
    "TrimRight": (2, 2, lambda text, cut: _text(text).rstrip(_text(cut))),
    "TrimPrefix": (2, 2, lambda text, cut: _text(text).removeprefix(_text(cut))),
    "TrimSuffix": (2, 2, lambda text, cut: _text(text).removesuffix(_text(cut))),
    "TrimSpace": (1, 1, lambda text: _text(text).strip()), "trim": (1, 1, lambda text: _text(text).strip()),
    "trimAll": (2, 2, lambda cut, text: _text(text).strip(_text(cut))),
    "trimPrefix": (2, 2, lambda cut, text: _text(text).removeprefix(_text(cut))),
    "trimSuffix": (2, 2, lambda cut, text: _text(text).removesuffix(_text(cut))),
    "trunc": (2, 2, _trunc), "substr": (3, 3, _substr), "repeat": (2, 2, _repeat),
    "indent": (2, 2, _indent), "nindent": (2, 2, lambda spaces, text: "\n" + _indent(spaces, text)),
    "alignLeft": (2, 2, lambda count, text: _aligned(count, text, True)),
    "alignRight": (2, 2, lambda count, text: _aligned(count, text, False)),
    "contains": (2, 2, lambda part, text: _text(part) in _text(text)),
    "hasPrefix": (2, 2, lambda part, text: _text(text).startswith(_text(part))),
    "hasSuffix": (2, 2, lambda part, text: _text(text).endswith(_text(part))),
    "regexReplaceAll": (3, 3, _regex_replace),
    "regexReplaceAllLiteral": (3, 3, lambda pattern, text, new: _regex_replace(pattern, text, new, True)),
    "count": (2, 2, _count),
    "urlencode": (1, 1, lambda text: quote_plus(_text(text))),
    "urldecode": (1, 1, lambda text: unquote_plus(_text(text))),
    "b64enc": (1, 1, lambda text: base64.b64encode(_text(text).encode()).decode()), "b64dec": (1, 1, _decoded),
    "bytes": (1, 1, lambda text: float(units.size(_text(text)))),
    "duration": (1, 1, lambda text: units.go_duration(_text(text)) / units.SECOND),
    "duration_seconds": (1, 1, lambda text: units.go_duration(_text(text)) / units.SECOND),
    "int": (1, 1, whole), "float64": (1, 1, real),
    "add": (1, None, _folded(lambda a, b: a + b, whole)), "sub": (2, 2, _folded(lambda a, b: a - b, whole)),
    "mul": (1, None, _folded(lambda a, b: a * b, whole)), "div": (2, 2, _divided), "mod": (2, 2, _modulo),
    "addf": (1, None, _folded(lambda a, b: a + b, real)), "subf": (1, None, _folded(lambda a, b: a - b, real)),
    "mulf": (1, None, _folded(lambda a, b: a * b, real)), "divf": (1, None, _folded(lambda a, b: a / b, real)),
    "max": (1, None, _folded(max, whole)), "min": (1, None, _folded(min, whole)),
    "maxf": (1, None, _folded(max, real)), "minf": (1, None, _folded(min, real)),
    "ceil": (1, 1, lambda value: float(math.ceil(real(value)))),
    "floor": (1, 1, lambda value: float(math.floor(real(value)))), "round": (2, 3, _round),
    "fromJson": (1, 1, lambda text: orjson.loads(_text(text))),
    "default": (1, 2, lambda other, value=None: value if truth(value) else other),
    "date": (2, 2, _date), "unixToTime": (1, 1, lambda text: from_digits(_text(text))),
    "unixEpoch": (1, 1, lambda moment: str(_moment(moment).ns // units.SECOND)),
    "unixEpochMillis": (1, 1, lambda moment: str(_moment(moment).ns // 1_000_000)),
    "unixEpochNanos": (1, 1, lambda moment: str(_moment(moment).ns)),
    "printf": (1, None, _printf), "print": (0, None, lambda *values: "".join(map(printed, values))),
    "println": (0, None, lambda *values: " ".join(map(printed, values)) + "\n"),
    "len": (1, 1, lambda value: len(value.encode()) if isinstance(value, str) else len(value)),
    "index": (1, None, _index),
    "eq": (2, None, _same), "ne": (2, 2, lambda left, right: not _same(left, right)),
    "lt": (2, 2, _ordered(lambda a, b: a < b)), "le": (2, 2, _ordered(lambda a, b: a <= b)),
    "gt": (2, 2, _ordered(lambda a, b: a > b)), "ge": (2, 2, _ordered(lambda a, b: a >= b)),
    "and": (1, None, _and), "or": (1, None, _or), "not": (1, 1, lambda value: not truth(value)),
}  # fmt: skip
"""Name: arguments at least and at most, and what it does."""
