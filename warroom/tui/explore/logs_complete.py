"""Offers for a LogQL line: labels and values that the server told, operators, parsers, and fields seen in lines.

Invariant: an offer is given at once from what is known; what is not known yet is asked for once, in the background,
and the line offers again when it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from warroom.telemetry.logs import LogLine
from warroom.tui.explore.logs_detail import parsed_fields
from warroom.tui.explore.logs_query import quoted
from warroom.tui.widgets.prompt import Completion, Word

MOST = 60
"""Offers given at a time."""

STAGES: tuple[tuple[str, str], ...] = (
    ('|= "', "lines with"), ('!= "', "lines without"), ('|~ "', "lines that match"), ('!~ "', "lines that do not"),
    ('|> "', "lines of a pattern"), ('!> "', "lines not of a pattern"), ("| json", "parse JSON"),
    ("| logfmt", "parse logfmt"), ('| pattern "', "parse by a pattern"), ('| regexp "', "parse by a regexp"),
    ("| unpack", "unpack promtail's JSON"), ('| line_format "', "write the line anew"),
    ("| label_format", "rename or make labels"), ("| decolorize", "without colour codes"),
    ("| keep", "only these labels"), ("| drop", "without these labels"),
)  # fmt: skip
"""What can come behind a selector, with a word on what it does."""

_FUNCTIONS = (("ip(", "an address or a range of them"), ("duration(", "as a time"), ("bytes(", "as a size"))
_IN_VALUE = re.compile(r'(?:[{,]\s*)([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)$')
_AT_NAME = re.compile(r"[{,]\s*(\w*)$")
_AT_SIGN = re.compile(r"[{,]\s*([A-Za-z_]\w*)\s+([=!~]*)$")
_AT_FIELD = re.compile(r"(?:\||\band\b|\bor\b)\s*(\w*)$")
_IN_FIELD = re.compile(r'([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)$')
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`')


class Ask(Protocol):
    """Asks the server beside what is shown; `then` gets the future."""

    def __call__(self, method: str, then: Callable[[Future[Any]], None], **params: Any) -> bool: ...


class LogCompleter:
    """Completes one pane's query line. `came` is called when offers that were asked for are there."""

    def __init__(self, ask: Ask, came: Callable[[], None]) -> None:
        self._ask, self._came = ask, came
        self._labels: tuple[str, ...] | None = None
        self._values: dict[str, tuple[str, ...]] = {}
        self._fields: dict[str, dict[str, None]] = {}

    def prepare(self) -> None:
        """Ask for the labels there are, before somebody types."""
        if self._labels is None:
            self._labels = ()
            if not self._ask("logs.labels", self._labels_came, query=""):
                self._labels = None

    def _labels_came(self, future: Future[Any]) -> None:
        if future.exception() is None:
            self._labels = tuple(str(one) for one in (future.result() or {}).get("values", ()))
            self._came()
        else:
            self._labels = None

    def _values_of(self, label: str) -> tuple[str, ...]:
        if label not in self._values:
            self._values[label] = ()

            def came(future: Future[Any]) -> None:
                if future.exception() is None:
                    self._values[label] = tuple(str(one) for one in (future.result() or {}).get("values", ()))
                    self._came()
                else:
                    del self._values[label]

            if not self._ask("logs.values", came, label=label, query=""):
                del self._values[label]
                return ()
        return self._values[label]

    def learn(self, lines: Iterable[LogLine]) -> None:
        """Remember the fields and values that these lines have: a query can filter by them."""
        for line in lines:
            for name, value in (*line.metadata, *parsed_fields(line.text)[1]):
                seen = self._fields.setdefault(name, {})
                if len(seen) < MOST and len(value) <= 80:
                    seen[value] = None

    def complete(self, word: Word) -> Sequence[Completion]:
        """What could stand at the cursor."""
        before = word.line[: word.end]
        if "{" not in before:
            return [one for one in (Completion('{service_name="', "{service_name=", "a selector"),) if word.start == 0]
        bare = _STRINGS.sub(lambda found: " " * len(found[0]), before)
        if "}" not in bare:
            return self._in_selector(before, word)
        return self._in_pipeline(before, bare, word)

    def _in_selector(self, before: str, word: Word) -> Sequence[Completion]:
        inside = _IN_VALUE.search(before)
        if inside:
            return self._value_offers(inside, self._values_of(inside[1]), word)
        sign = _AT_SIGN.search(before)
        if sign:
            return [
                Completion(f'{one}"', one, words)
                for one, words in (("=", "is"), ("!=", "is not"), ("=~", "matches"), ("!~", "does not match"))
                if one.startswith(sign[2])
            ]
        name = _AT_NAME.search(before)
        if not name:
            return ()
        self.prepare()
        return _offers(self._labels or (), name[1], word, '="', "label")

    def _in_pipeline(self, before: str, bare: str, word: Word) -> Sequence[Completion]:
        if bare.count('"') % 2:
            inside = _IN_FIELD.search(before)
            return self._value_offers(inside, tuple(self._fields.get(inside[1], ())), word) if inside else ()
        if word.text in ("", "|", "!", "|=", "|~", "|>", "!=", "!~", "!>"):
            return [Completion(one, one.rstrip(' "'), words) for one, words in STAGES if one.startswith(word.text)]
        field = _AT_FIELD.search(before)
        if not field:
            return ()
        stages = [
            Completion(one.removeprefix("| "), one.removeprefix("| ").rstrip(' "'), words)
            for one, words in STAGES
            if one.startswith("| ") and one.removeprefix("| ").startswith(field[1])
        ]
        functions = [Completion(one, one, words) for one, words in _FUNCTIONS if one.startswith(field[1])]
        return [*stages, *_offers(tuple(self._fields), field[1], word, '="', "field"), *functions][:MOST]

    def _value_offers(self, found: re.Match[str], values: Sequence[str], word: Word) -> Sequence[Completion]:
        """Values for an open quote. With a regexp, the last of its alternatives is what is typed."""
        name, sign, typed = found[1], found[2], found[3]
        head, bar, last = typed.rpartition("|") if sign.endswith("~") else ("", "", typed)
        start = found.start(3)
        out = []
        for value in values:
            if last.casefold() not in value.casefold():
                continue
            whole = quoted(f"{head}{bar}{value}")[1:]
            text = word.line[word.start : start] + whole if start >= word.start else whole[word.start - start :]
            out.append(Completion(text, value, name))
        out.sort(key=lambda one: (not one.label.casefold().startswith(last.casefold()), one.label))
        return out[:MOST]


def _offers(names: Iterable[str], typed: str, word: Word, end: str, help_: str) -> list[Completion]:
    kept = word.text[: len(word.text) - len(typed)]
    fitting = [name for name in names if typed.casefold() in name.casefold()]
    fitting.sort(key=lambda name: (not name.casefold().startswith(typed.casefold()), name))
    return [Completion(f"{kept}{name}{end}", name, help_) for name in fitting[:MOST]]
