"""Forms of lines: `<_>` where lines of one form differ.

A small relative of Drain (He et al., ICWS 2017) as Loki uses it: lines are cut into tokens, those that agree in the
number of tokens and in every token without a digit are of one form, and a place with many different words is a
variable too. Invariant: the work is linear in the lines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from warroom.embedded.go_text import quote
from warroom.embedded.log_store import SECOND
from warroom.embedded.logfmt import pairs_of
from warroom.telemetry.logs import LogLine, LogPattern

HOLE = "<_>"
LONGEST = 3000
"""Characters of a line that is looked at; longer ones have no form."""

_FEWEST, _MOST = 4, 80
_FANOUT = 15
_FORMS = 300
_DIGIT = re.compile(r"\d")
_TOKEN = re.compile(r"[\w\-./:]+|[^\w\s]|\s+")
_VARIABLE = frozenset({"ts", "t", "traceid", "time", "timestamp"})
_JSON_FIELDS = ("log", "message", "msg", "msg_", "_msg", "content")


@dataclass(slots=True)
class _Form:
    """Tokens so far, and lines by step."""

    kind: str
    tokens: list[str]
    counts: Counter[int] = field(default_factory=Counter)

    def take(self, tokens: Sequence[str]) -> None:
        for at, token in enumerate(tokens):
            if self.tokens[at] != token:
                self.tokens[at] = HOLE

    @property
    def text(self) -> str:
        if self.kind == "logfmt":
            return " ".join(_pair(key, value) for key, value in zip(self.tokens[::2], self.tokens[1::2], strict=True))
        said = re.sub(r"(?:<_>){2,}", HOLE, "".join(self.tokens))
        return f"{HOLE}{said}{HOLE}" if self.kind == "json" else said


_Key = tuple[str, str, tuple[str, ...]]


class Miner:
    """Takes lines, and tells their forms. `step`: seconds of one step."""

    def __init__(self, step: int) -> None:
        self._step = step * SECOND
        self._forms: dict[_Key, _Form] = {}

    def add(self, lines: Iterable[LogLine]) -> None:
        """Take lines of a stream."""
        for line in lines:
            cut = tokens_of(line.text)
            if cut is None:
                continue
            kind, tokens = cut
            key = kind, line.level, tuple(HOLE if _DIGIT.search(token) else token for token in tokens)
            form = self._forms.get(key)
            if form is None:
                if len(self._forms) >= _FORMS * _FANOUT:
                    continue
                form = self._forms[key] = _Form(kind, list(tokens))
            else:
                form.take(tokens)
            form.counts[line.ns // self._step] += 1

    def patterns(self) -> tuple[LogPattern, ...]:
        """The forms, the most frequent first."""
        made: dict[tuple[str, str], Counter[int]] = {}
        for (_, level, _), form in self._merged().items():
            made.setdefault((form.text, level), Counter()).update(form.counts)
        seconds = self._step // SECOND
        patterns = [
            LogPattern(text, level, tuple((float(at * seconds), count) for at, count in sorted(counts.items())))
            for (text, level), counts in made.items()
        ]
        return tuple(sorted(patterns, key=lambda one: (-one.count, one.pattern, one.level))[:_FORMS])

    def _merged(self) -> dict[_Key, _Form]:
        """Forms that differ in one place only, and in that in many ways, are one."""
        forms = self._forms
        for place in range(max((len(key[2]) for key in forms), default=0)):
            groups: dict[_Key, list[_Key]] = {}
            for kind, level, words in forms:
                if place < len(words) and words[place] != HOLE:
                    key = kind, level, (*words[:place], HOLE, *words[place + 1 :])
                    groups.setdefault(key, []).append((kind, level, words))
            for key, members in groups.items():
                if len(members) < _FANOUT or (key[0] == "logfmt" and place % 2 == 0):
                    continue
                forms = dict(forms)
                whole = forms.pop(key, None) or _Form(key[0], list(forms[members[0]].tokens))
                for member in members:
                    one = forms.pop(member)
                    whole.take(one.tokens)
                    whole.counts.update(one.counts)
                forms[key] = whole
        return forms


def tokens_of(text: str) -> tuple[str, list[str]] | None:
    """The kind of a line and its tokens; None for a line that has no form."""
    if len(text) > LONGEST:
        return None
    kind = "text"
    if text.lstrip()[:1] == "{":
        said = _message(text)
        if said is None:
            return None
        kind, text = "json", said
    elif "=" in text:
        pairs, wrong = pairs_of(text)
        if not wrong and pairs and all(f"{key}=" in text for key, _ in pairs):
            tokens = [part for key, value in pairs for part in (key, HOLE if key.lower() in _VARIABLE else value)]
            return ("logfmt", tokens) if _FEWEST <= len(tokens) <= _MOST else None
    tokens = _TOKEN.findall(text)
    return (kind, tokens) if _FEWEST <= len([one for one in tokens if not one.isspace()]) <= _MOST else None


def _message(text: str) -> str | None:
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return next((said[name] for name in _JSON_FIELDS if isinstance(said.get(name), str)), None)


def _pair(key: str, value: str) -> str:
    if value != HOLE and (not value or any(char in ' ="' or not char.isprintable() for char in value)):
        value = quote(value) if value else '""'
    return f"{key}={value}"
