"""As much of LogQL as the demo knows: selectors, line filters, json and logfmt, label filters, counts and rates.

Follows https://grafana.com/docs/loki/latest/query/. Invariant: what is not known is refused, never answered otherwise.
Pure: no clock, no lines of its own.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import orjson

from warroom.telemetry.errors import BadQuery
from warroom.telemetry.logs import LogLine, Pairs

_STRING = r'"(?:[^"\\\n]|\\.)*"|`[^`]*`'
_MATCHER = re.compile(rf"\s*([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*({_STRING})\s*(,|(?=\}}))")
_LINE = re.compile(rf"\s*(\|=|!=|\|~|!~|\|>|!>)\s*({_STRING})")
_PARSER = re.compile(r"\s*\|\s*(json|logfmt)(?=\s*(?:[|!]|$))")
_LABEL = re.compile(
    rf"\s*\|\s*([A-Za-z_]\w*)\s*(=~|!~|!=|==|>=|<=|=|>|<)\s*({_STRING}|-?\d+(?:\.\d+)?)(?=\s*(?:[|!]|$))"
)
_COUNTED = re.compile(
    r"\s*(?:(?P<sum>sum)\s*(?:by\s*\((?P<before>[^()]*)\)\s*)?\(\s*)?"
    r"(?P<how>count_over_time|rate)\s*\((?P<query>.*)\[\s*(?P<long>(?:\d+(?:ms|[smhd]))+)\s*\]\s*\)"
    r"(?P<close>\s*\))?(?:\s*by\s*\((?P<after>[^()]*)\))?\s*",
    re.DOTALL,
)
_PART = re.compile(r"(\d+)(ms|[smhd])")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_LOGFMT = re.compile(r'(?:^|\s)([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)')
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r"}
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt,
    "<=": operator.le,
}  # fmt: skip
_KNOWN = "selectors, line filters, json, logfmt, label filters, and count_over_time, rate and sum by (...) of those"

Fields = dict[str, str]
Stage = Callable[[LogLine, Fields], bool]
"""Whether a line goes on; what a parser finds in it goes into the fields."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A selector, and the stages behind it."""

    selector: tuple[tuple[str, Callable[[str], bool]], ...]
    stages: tuple[Stage, ...] = ()

    def picks(self, labels: Pairs) -> bool:
        """Whether the selector picks a stream."""
        known = dict(labels)
        return all(test(known.get(name, "")) for name, test in self.selector)

    def passes(self, line: LogLine) -> Fields | None:
        """What the parsers found in the line, or None where a stage holds it back."""
        fields: Fields = {}
        return fields if all(stage(line, fields) for stage in self.stages) else None


@dataclass(frozen=True, slots=True)
class Counting:
    """Lines of a query counted over `seconds`. `by` are labels to sum by; None keeps each stream of lines apart."""

    query: LogQuery
    how: Literal["count_over_time", "rate"]
    seconds: float
    by: tuple[str, ...] | None


def unknown(what: str) -> BadQuery:
    """What to say of something the demo does not know."""
    said = " ".join(what.split())
    return BadQuery(f"this is a demo: of LogQL it knows {_KNOWN}; not {said[:60]!r}")


def value_of(line: LogLine, fields: Fields, name: str) -> str:
    """A label's value: found by a parser, beside the line, or of its stream; empty when there is none."""
    return fields[name] if name in fields else line.value(name)


@lru_cache(64)
def log_query(text: str) -> LogQuery:
    """A query that lists lines.

    Raises:
        BadQuery: the demo does not know it, or it is none; one sentence.
    """
    said = text.strip()
    if not said.startswith("{"):
        raise BadQuery(f'a log query begins with a selector, as {{service_name="checkout-api"}}, not {said[:30]!r}')
    selector, at = list[tuple[str, Callable[[str], bool]]](), 1
    while not said[at:].lstrip().startswith("}"):
        found = _MATCHER.match(said, at)
        if found is None:
            raise BadQuery(f"this is no matcher of a selector: {said[at:].strip()[:40]!r}")
        selector.append((found[1], _test(found[2], _unquoted(found[3]))))
        at = found.end()
    if all(test("") for _, test in selector):
        raise BadQuery("a selector needs at least one matcher that does not match an empty value")
    return LogQuery(tuple(selector), _stages(said, said.index("}", at) + 1))


def counting(text: str) -> Counting:
    """A query that counts lines.

    Raises:
        BadQuery: the demo does not know it; one sentence.
    """
    found = _COUNTED.fullmatch(text)
    if found is None or bool(found["sum"]) != bool(found["close"]) or (found["before"] and found["after"]):
        raise unknown(text)
    grouped = found["before"] if found["before"] is not None else found["after"]
    if grouped is not None and not found["sum"]:
        raise unknown(text)
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(found["long"]))
    if seconds <= 0:
        raise BadQuery("a range of no seconds counts nothing: [1m] is a minute")
    by = tuple(name.strip() for name in grouped.split(",") if name.strip()) if grouped else ()
    how: Literal["count_over_time", "rate"] = "rate" if found["how"] == "rate" else "count_over_time"
    return Counting(log_query(found["query"]), how, seconds, by if found["sum"] else None)


def _stages(said: str, at: int) -> tuple[Stage, ...]:
    made = list[Stage]()
    while said[at:].strip():
        if found := _LINE.match(said, at):
            made.append(_line_stage(found[1], _unquoted(found[2])))
        elif found := _PARSER.match(said, at):
            made.append(_json_stage if found[1] == "json" else _logfmt_stage)
        elif found := _LABEL.match(said, at):
            made.append(_label_stage(found[1], found[2], found[3]))
        else:
            raise unknown(said[at:])
        at = found.end()
        if re.match(r"\s*or\b", said[at:]):
            raise unknown(said[at:])
    return tuple(made)


def _line_stage(sign: str, value: str) -> Stage:
    keep = sign[0] == "|"
    if sign[1] == "=":
        return lambda line, _: (value in line.text) == keep
    pattern = _pattern(value) if sign[1] == ">" else _regex(value)
    return lambda line, _: (pattern.search(line.text) is not None) == keep


def _pattern(value: str) -> re.Pattern[str]:
    """Loki's pattern filter: `<_>` is anything, the rest is the whole line in its order."""
    return re.compile(r"\A" + ".*?".join(re.escape(part) for part in value.split("<_>")) + r"\Z", re.DOTALL)


def _label_stage(name: str, sign: str, said: str) -> Stage:
    if said[0] in '"`':
        if sign not in ("=", "!=", "=~", "!~"):
            raise unknown(f"{name} {sign} {said}")
        test = _test(sign, _unquoted(said))
        return lambda line, fields: test(value_of(line, fields, name))
    if sign not in _COMPARED:
        raise unknown(f"{name} {sign} {said}")
    compare, number = _COMPARED[sign], float(said)

    def stage(line: LogLine, fields: Fields) -> bool:
        try:
            return compare(float(value_of(line, fields, name)), number)
        except ValueError:
            return False

    return stage


def _json_stage(line: LogLine, fields: Fields) -> bool:
    fields.update(fields_of(line.text, "json"))
    return True


def _logfmt_stage(line: LogLine, fields: Fields) -> bool:
    fields.update(fields_of(line.text, "logfmt"))
    return True


def fields_of(text: str, parser: str) -> Fields:
    """What a parser (json or logfmt) finds in a line; nothing where it is of another form."""
    if parser == "json":
        if text[:1] != "{":
            return {}
        try:
            said = orjson.loads(text)
        except orjson.JSONDecodeError:
            return {}
        flat = {name: value for name, value in said.items() if not isinstance(value, dict | list)}
        return {name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in flat.items()}
    if text[:1] == "{":
        return {}
    return {name: _unquoted(value) if value[:1] == '"' else value for name, value in _LOGFMT.findall(text)}


def _test(sign: str, value: str) -> Callable[[str], bool]:
    if sign in ("=", "!="):
        return (lambda said: said == value) if sign == "=" else (lambda said: said != value)
    pattern, wanted = _regex(value), sign == "=~"
    return lambda said: (pattern.fullmatch(said) is not None) == wanted


def _regex(value: str) -> re.Pattern[str]:
    try:
        return re.compile(value)
    except re.error as wrong:
        raise BadQuery(f"this is no regular expression: {value[:60]!r} ({wrong})") from None


def _unquoted(text: str) -> str:
    if text[0] == "`":
        return text[1:-1]
    return _ESCAPED.sub(
        lambda found: chr(int(found[1][1:], 16)) if len(found[1]) > 1 else _PLAIN.get(found[1], found[1]), text[1:-1]
    )
