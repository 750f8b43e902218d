"""The values that variables have now, and putting them into texts and queries.

Invariant: in a query, whatever a value is, it stays where it was put: inside of quotes it cannot end the string;
outside of quotes a value that came from a server may only be a name, a number or a duration.

Formats: https://grafana.com/docs/grafana/latest/dashboards/variables/variable-syntax/
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Final, TypeAlias
from urllib.parse import quote

from warroom.dashboards.model import Option
from warroom.dashboards.moments import date_text, worded

_SLOT: Final = re.compile(
    r"\$\{(?P<braced>\w{1,200})(?:\.(?P<path>[^:}]{1,200}))?(?::(?P<shape>[^}]{1,100}))?\}"
    r"|\[\[(?P<square>\w{1,200})(?::(?P<square_shape>\w{1,40}))?\]\]"
    r"|\$(?P<bare>\w{1,200})"
)
_TOKEN: Final = re.compile(r""" "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*` | \#[^\n]* """, re.VERBOSE | re.DOTALL)
_PATTERN_SIGNS: Final = re.compile(r"[\\.+*?()|\[\]{}^$/-]")
_PLAIN_WORD: Final = re.compile(r"[\w:.@/+-]*")
_LUCENE: Final = re.compile(r'([+\-=&|><!(){}\[\]^"~*?:\\/])')


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is chosen for a variable: one option or several.

    `all_of` is set when All was chosen; `verbatim` is then the author's own value for it, if there is one.
    `list_like`: several can be chosen, so that a value alone is escaped as one of several. `trusted`: the values were
    written by the dashboard's author or typed by its reader, not answered by a server.
    """

    options: tuple[Option, ...]
    all_of: bool = False
    verbatim: str = ""
    list_like: bool = False
    trusted: bool = True

    @property
    def values(self) -> tuple[str, ...]:
        """The values alone."""
        return tuple(one.value for one in self.options)


Values: TypeAlias = Mapping[str, Chosen]


@dataclass(frozen=True)
class Scope:
    """Everything that `$name` can stand for. Times and spans are in seconds; `step` is that of the query."""

    values: Values
    start: float
    end: float
    step: float = 15.0
    scrape: float = 15.0
    title: str = ""
    uid: str = ""
    zone: tzinfo = UTC
    more: Mapping[str, str] = field(default_factory=dict)

    def with_value(self, name: str, option: Option) -> Scope:
        """The same with one value for a variable, as for one of a panel's repetitions."""
        old = self.values.get(name)
        trusted = old.trusted if old else True
        one = Chosen((option,), list_like=old.list_like if old else False, trusted=trusted)
        return replace(self, values={**self.values, name: one})

    def built_in(self, name: str) -> str | None:
        """The text of a variable that Grafana itself defines; None for others."""
        span = max(self.end - self.start, 1.0)
        rate = max(self.step + self.scrape, 4 * self.scrape)
        spans = {"__interval": self.step, "__range": span, "__rate_interval": rate, "__auto": self.step}
        if name in spans:
            return worded(spans[name])
        if name.removesuffix("_ms") in spans:
            return str(round(spans[name.removesuffix("_ms")] * 1000))
        made: dict[str, Callable[[], str]] = {
            "__range_s": lambda: str(round(span)),
            "__interval_s": lambda: str(max(1, round(self.step))),
            "__from": lambda: str(round(self.start * 1000)),
            "__to": lambda: str(round(self.end * 1000)),
            "__dashboard": lambda: self.title,
            "__timezone": lambda: str(self.zone),
            "__url_time_range": lambda: f"from={round(self.start * 1000)}&to={round(self.end * 1000)}",
            "__all_variables": self._in_address,
            "__name": lambda: "",
            "__org": lambda: "1",
            "timeFilter": lambda: "",
            "__timeFilter": lambda: "",
        }
        return made[name]() if name in made else self.more.get(name)

    def _in_address(self) -> str:
        return "&".join(_query_words(name, chosen) for name, chosen in self.values.items())


def variables_in(said: str) -> tuple[str, ...]:
    """The names of variables in a text, each once, in order."""
    return tuple(dict.fromkeys(_name(found) for found in _SLOT.finditer(said)))


def fill_text(said: str, scope: Scope) -> str:
    """A text for people with its variables replaced by what people see; unknown ones stay."""
    return _SLOT.sub(lambda found: _slot(found, scope, "text"), said)


def fill_address(said: str, scope: Scope) -> str:
    """An address with its variables replaced, percent-encoded."""
    return _SLOT.sub(lambda found: _slot(found, scope, "percentencode"), said)


def fill_query(expr: str, scope: Scope) -> str:
    """A PromQL or LogQL expression with its variables replaced; unknown ones stay, for the source to say so.

    Raises ValueError with one sentence when a value would change the expression around it.
    """
    done: list[str] = []
    at = 0
    for token in _TOKEN.finditer(expr):
        done.append(_outside(expr[at : token.start()], scope))
        done.append(token[0] if token[0].startswith("#") else _inside(token[0], scope))
        at = token.end()
    done.append(_outside(expr[at:], scope))
    return "".join(done)


def _outside(said: str, scope: Scope) -> str:
    def put(found: re.Match[str]) -> str:
        name = _name(found)
        chosen = scope.values.get(name)
        if chosen is not None and not chosen.trusted:
            for value in chosen.values if not (chosen.all_of and chosen.verbatim) else ():
                if not _PLAIN_WORD.fullmatch(value):
                    raise ValueError(f"${name} stands outside of quotes and its value is no plain word: {value[:60]!r}")
        return _slot(found, scope, "query")

    return _SLOT.sub(put, said)


def _inside(token: str, scope: Scope) -> str:
    sign = token[0]

    def put(found: re.Match[str]) -> str:
        text = _slot(found, scope, "query")
        if text == found[0]:
            return text
        if sign == "`":
            if "`" in text:
                raise ValueError(f"the value of ${_name(found)} has a backtick in it and stands between backticks")
            return text
        return _in_quotes(text, sign)

    return sign + _SLOT.sub(put, token[1:-1]) + sign


def _in_quotes(said: str, sign: str) -> str:
    said = said.replace("\\", "\\\\").replace(sign, "\\" + sign).replace("\n", "\\n").replace("\r", "\\r")
    return "".join(one if ord(one) >= 32 else f"\\x{ord(one):02x}" for one in said)


def _name(found: re.Match[str]) -> str:
    return found["braced"] or found["square"] or found["bare"]


def _slot(found: re.Match[str], scope: Scope, default: str) -> str:
    name, shape = _name(found), found["shape"] or found["square_shape"] or ""
    path = found["path"] or ""
    chosen = scope.values.get(name)
    if chosen is not None:
        return formatted(name, chosen, shape or ("text" if path == "text" else default), scope.zone)
    if path:
        inner = {"__dashboard.uid": scope.uid, "__dashboard.title": scope.title, "__org.name": "", "__user.login": ""}
        return inner.get(f"{name}.{path}", scope.more.get(f"{name}.{path}", found[0]))
    if shape.startswith("date") and name in {"__from", "__to"}:
        return date_text(scope.start if name == "__from" else scope.end, shape[4:].removeprefix(":"), scope.zone)
    known = scope.built_in(name)
    return found[0] if known is None else known


def formatted(name: str, chosen: Chosen, shape: str, zone: tzinfo = UTC) -> str:
    """What is chosen, in one of Grafana's formats; `query` is what a query gets where it names none."""
    values = chosen.values
    if shape == "text":
        return "All" if chosen.all_of else " + ".join(one.text for one in chosen.options)
    if shape == "queryparam":
        return _query_words(name, chosen)
    if shape.startswith("date"):
        return _dated(values, shape, zone)
    if chosen.all_of and chosen.verbatim:
        return quote(chosen.verbatim, safe="") if shape == "percentencode" else chosen.verbatim
    if shape == "query":
        if not chosen.list_like and len(values) <= 1:
            return "".join(values)
        return _alternatives(values)
    return _SHAPES.get(shape, _SHAPES["glob"])(name, values)


def _alternatives(values: tuple[str, ...]) -> str:
    joined = "|".join(_as_pattern(one) for one in values)
    return joined if len(values) == 1 else f"({joined})"


def _as_pattern(value: str) -> str:
    return _PATTERN_SIGNS.sub(lambda sign: sign[0] if sign[0] in "/-" else "\\" + sign[0], value)


def _query_words(name: str, chosen: Chosen) -> str:
    values = ("$__all",) if chosen.all_of else chosen.values
    return "&".join(f"var-{quote(name, safe='')}={quote(one, safe='')}" for one in values)


def _dated(values: tuple[str, ...], shape: str, zone: tzinfo) -> str:
    try:
        at = float(values[0]) / 1000 if values else 0.0
    except ValueError:
        return values[0]
    return date_text(at, shape.removeprefix("date").removeprefix(":"), zone)


def _quoted(sign: str, escape: str) -> Callable[[str, tuple[str, ...]], str]:
    return lambda _, values: ",".join(sign + one.replace(sign, escape) + sign for one in values)


def _glob(_: str, values: tuple[str, ...]) -> str:
    return "".join(values) if len(values) <= 1 else "{" + ",".join(values) + "}"


def _lucene(_: str, values: tuple[str, ...]) -> str:
    if len(values) == 1:
        return _LUCENE.sub(r"\\\1", values[0])
    quoted = ('"' + _LUCENE.sub(r"\\\1", one) + '"' for one in values)
    return "(" + " OR ".join(quoted) + ")"


def _distributed(name: str, values: tuple[str, ...]) -> str:
    return ",".join(one if at == 0 else f"{name}={one}" for at, one in enumerate(values))


_SHAPES: Final[Mapping[str, Callable[[str, tuple[str, ...]], str]]] = {
    "regex": lambda _, values: _alternatives(values),
    "pipe": lambda _, values: "|".join(values),
    "csv": lambda _, values: ",".join(values),
    "raw": lambda _, values: ",".join(values),
    "json": lambda _, values: json.dumps(values[0] if len(values) == 1 else list(values), ensure_ascii=False),
    "glob": _glob,
    "distributed": _distributed,
    "lucene": _lucene,
    "singlequote": _quoted("'", "\\'"),
    "doublequote": _quoted('"', '\\"'),
    "sqlstring": _quoted("'", "''"),
    "percentencode": lambda _, values: quote(_glob(_, values), safe=""),
    "uriencode": lambda _, values: quote(_glob(_, values), safe="/:?&=#"),
    "join": lambda _, values: ",".join(values),
}

FORMATS: Final = (*_SHAPES, "text", "queryparam", "date", "date:seconds", "date:FORMAT")
"""The formats of `${name:format}` that are understood."""
