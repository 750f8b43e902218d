"""Label matchers as Alertmanager writes them: `severity=~"critical|page"`.

One invariant: matching a label value takes bounded time whatever the value is. Patterns that could run away when
they backtrack are refused when the rule is read, and only the first characters of a value are looked at.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LONGEST_PATTERN: Final = 300
LONGEST_VALUE: Final = 200
"""How much of a value a regular expression sees. Equality compares all of it."""
MOST_UNBOUNDED: Final = 3
MOST_OPTIONAL: Final = 4
MOST_GROUPS: Final = 6

_MATCHER: Final = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^"\s][^"]*)?\s*')
_REPEAT: Final = re.compile(r"\{(\d*)(,?)(\d*)\}")


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label. An absent label counts as the empty string, as in Alertmanager."""

    label: str
    operator: str
    value: str
    pattern: re.Pattern[str] | None = None

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels meet the condition. Regular expressions are anchored at both ends."""
        text = labels.get(self.label, "")
        if self.pattern is None:
            return (text == self.value) == (self.operator == "=")
        found = self.pattern.fullmatch(text[:LONGEST_VALUE]) is not None
        return found == (self.operator == "=~")

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.label}{self.operator}"{escaped}"'


def parse_matcher(text: str) -> Matcher:
    """Read one matcher.

    Raises:
        ValueError: says what is wrong with it in a sentence.
    """
    if len(text) > LONGEST_PATTERN + 200:
        raise ValueError(f"has {len(text)} characters; use at most {LONGEST_PATTERN + 200}")
    found = _MATCHER.fullmatch(text)
    if not found:
        raise ValueError(f'{text[:60]!r} is not a matcher; write one like severity="critical" or job=~"api-.*"')
    label, operator, raw = found.groups()
    value = _unquoted((raw or "").strip())
    if operator in ("=", "!="):
        return Matcher(label, operator, value)
    return Matcher(label, operator, value, _compiled(value))


def _unquoted(raw: str) -> str:
    if not raw.startswith('"'):
        return raw
    # Only the quote and the backslash before it are escapes here; the rest belongs to the regular expression.
    return raw[1:-1].replace('\\"', '"')


def _compiled(text: str) -> re.Pattern[str]:
    if len(text) > LONGEST_PATTERN:
        raise ValueError(f"the pattern has {len(text)} characters; use at most {LONGEST_PATTERN}")
    _refuse_runaway(text)
    try:
        with warnings.catch_warnings():
            # What Python will read differently one day is refused today.
            warnings.simplefilter("error")
            return re.compile(text, re.DOTALL)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise ValueError(f"{text[:60]!r} is not a regular expression: {error}") from None


def _refuse_runaway(text: str) -> None:
    """Refuse what can backtrack without bound: repeated groups, look-around, back references, too many repeats."""
    unbounded = optional = groups = 0
    at = 0
    after_group = False
    while at < len(text):
        char = text[at]
        step = 1
        if char == "\\":
            if text[at + 1 : at + 2].isdigit():
                raise ValueError("back references are refused; write the alternatives out")
            step = 2
        elif char == "[":
            step = _class_length(text, at)
        elif char == "(":
            groups += 1
            if text.startswith("(?", at) and not text.startswith("(?:", at):
                raise ValueError("of the (?...) forms only (?:...) is allowed")
            step = 3 if text.startswith("(?:", at) else 1
        elif char in "*+?" or (char == "{" and _REPEAT.match(text, at)):
            step, many = _repeat(text, at)
            if after_group and many:
                raise ValueError("a repeated group can take for ever; repeat a single character or a [class]")
            unbounded += many
            optional += not many
        after_group = char == ")"
        at += step
    if unbounded > MOST_UNBOUNDED or optional > MOST_OPTIONAL or groups > MOST_GROUPS:
        limits = f"{MOST_UNBOUNDED} of * + {{n,m}}, {MOST_OPTIONAL} of ?, {MOST_GROUPS} groups"
        raise ValueError(f"the pattern can take for ever; use at most {limits}, or split the rule")


def _class_length(text: str, start: int) -> int:
    at = start + 1
    if text.startswith("^", at):
        at += 1
    if text.startswith("]", at):
        at += 1
    while at < len(text) and text[at] != "]":
        at += 2 if text[at] == "\\" else 1
    return at + 1 - start


def _repeat(text: str, at: int) -> tuple[int, bool]:
    """How long the quantifier is, its lazy or possessive mark included, and whether it repeats."""
    if text[at] == "{":
        found = _REPEAT.match(text, at)
        length = len(found.group()) if found else 1
        many = True
    else:
        length, many = 1, text[at] != "?"
    if text[at + length : at + length + 1] in ("?", "+"):
        length += 1
    return length, many
