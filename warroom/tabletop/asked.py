"""Questions about traces and changes, in words: `service=edge errors min=300ms last=5m by=self_time`.

A word is a name, or a name, a sign (`=`, `!=` or `~` for "holds") and a value, which may stand in double quotes.

Invariant: pure; whatever the text holds, reading it gives the words or an `AskedError` of one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from warroom.telemetry.alerts import Matcher

_WORD = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_.]*)(?:(!=|=|~)("(?:[^"\\]|\\.)*"|[^\s"]+))?(?=\s|$)')
_MATCHER = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(,|$)')
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


class AskedError(ValueError):
    """A question that cannot be read, in one sentence."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One word: `sign` is empty where it stands alone."""

    name: str
    sign: str = ""
    value: str = ""

    def fits(self, text: str) -> bool:
        """Whether a value is what the word asks for; case does not count for `~`."""
        if self.sign == "~":
            return self.value.casefold() in text.casefold()
        return (text == self.value) is (self.sign != "!=")


def words_of(text: str, known: Sequence[str]) -> tuple[Wanted, ...]:
    """The words of a question. A known name that ends in a dot stands for all that begin with it.

    Raises:
        AskedError: the text cannot be read, or a name is not known.
    """
    found: list[Wanted] = []
    at, text = 0, text.strip()
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            raise AskedError(f"cannot read {text[at:][:40]!r}; write words like service=checkout")
        name, sign, value = match[1], match[2] or "", match[3] or ""
        if not any(name == one or (one.endswith(".") and name.startswith(one)) for one in known):
            raise AskedError(f"{name!r} is not asked for here; use {', '.join(known)}")
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found.append(Wanted(name, sign, value))
        at = match.end()
    return tuple(found)


def matchers_of(text: str) -> tuple[Matcher, ...]:
    """The matchers of `{alertname=~"Edge.*", severity="critical"}`; none of an empty text or `{}`.

    Raises:
        AskedError: they cannot be read.
    """
    inside = text.strip()
    if inside.startswith("{") and inside.endswith("}"):
        inside = inside[1:-1].strip()
    found: list[Matcher] = []
    at = 0
    while at < len(inside):
        match = _MATCHER.match(inside, at)
        if match is None:
            raise AskedError(f'cannot read {inside[at:][:40]!r}; write matchers like {{alertname="EdgeErrors"}}')
        value = re.sub(r"\\(.)", r"\1", match[3])
        found.append(Matcher(match[1], value, is_regex="~" in match[2], is_equal=not match[2].startswith("!")))
        at = match.end()
    return tuple(found)


def matches(matcher: Matcher, value: str) -> bool:
    """Whether a label's value is what the matcher asks for; a regular expression has to fit the whole.

    Raises:
        AskedError: the regular expression is none.
    """
    if not matcher.is_regex:
        return (value == matcher.value) is matcher.is_equal
    try:
        fits = re.fullmatch(matcher.value, value) is not None
    except re.error as error:
        raise AskedError(f"{matcher.value[:60]!r} is no regular expression: {error}") from None
    return fits is matcher.is_equal


def seconds(text: str) -> float:
    """A duration in seconds.

    Raises:
        AskedError: it is none.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise AskedError(f"{text[:40]!r} is no duration; write like 300ms, 5m or 1h")
    return float(match[1]) * _UNITS[match[2]]
