"""The field types of a scenario file: ids, durations, conditions, events, and the sentences said about wrong ones.

Invariant: each type says in one sentence what would be right; a value that passed needs no second look.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from warroom.incident.text import clean_line, clean_text
from warroom.incident.words import Duty
from warroom.tabletop.answers import HoldsError, read_holds
from warroom.tabletop.expressions import condition, number
from warroom.tabletop.parse import check_event
from warroom.tabletop.tokens import ExpressionError, seconds_of

LONGEST: Final = 24 * 3600
"""The longest duration of a file in seconds, into the future; into the past it is thirty days."""

DURATION_FORM: Final = r"^-?([0-9]+(\.[0-9]+)?[hms])+$|^0$"
_DURATION: Final = re.compile(r"-?(?:[0-9]{1,7}(?:\.[0-9]{1,3})?[hms])+", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}", re.ASCII)
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


def complaint(sentence: str) -> PydanticCustomError:
    """A refusal in a sentence of its own."""
    return PydanticCustomError("complaint", "{sentence}", {"sentence": sentence, "complete": True})


def _read_duration(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise complaint("a duration is written like 90s, 5m or 1h30m")
    if isinstance(value, str):
        if not _DURATION.fullmatch(value.strip()):
            raise complaint(f"{value[:40]!r} is not a duration; write it like 90s, 5m or 1h30m")
        words = value.strip()
        seconds = -seconds_of(words[1:]) if words.startswith("-") else seconds_of(words)
    else:
        seconds = float(value)
    if seconds != int(seconds):
        raise complaint(f"{str(value)[:40]!r} is not a whole number of seconds")
    return int(seconds)


def read_onset(value: Any) -> Any:
    """Seconds where a duration is written, else the text as an id."""
    if isinstance(value, str) and not _DURATION.fullmatch(value):
        return _read_id(value)
    return _read_duration(value)


def _within(least: int, most: int, words: str) -> Callable[[int], int]:
    def check(value: int) -> int:
        if not least <= value <= most:
            raise complaint(f"{value} seconds is out of bounds; {words}")
        return value

    return check


_DURATION_SCHEMA: Final = WithJsonSchema(
    {"anyOf": [{"type": "string", "pattern": DURATION_FORM}, {"type": "integer"}], "description": "like 90s, 5m, 1h30m"}
)


def _read_duty(value: Any) -> Any:
    if isinstance(value, Duty):
        return value
    if not isinstance(value, str):
        raise complaint(f"a duty is one of {', '.join(Duty)}")
    try:
        return Duty.parse(value)
    except ValueError as error:
        raise complaint(str(error)[:400]) from None


def _read_id(value: Any) -> Any:
    if isinstance(value, str) and not _ID.fullmatch(value):
        raise complaint(f"{value[:60]!r} is not an id; write a letter, then letters, digits, _ . or -, 40 at most")
    return value


def _read_slug(value: Any) -> Any:
    if isinstance(value, str) and not (_SLUG.fullmatch(value) and len(value) <= 48):
        raise complaint(f"{value[:60]!r} is not an id; write small letters, digits and single hyphens, like pool-leak")
    return value


def _says(read: Callable[[str], object]) -> Callable[[str], str]:
    def check(value: str) -> str:
        try:
            read(value)
        except (ExpressionError, HoldsError) as error:
            raise complaint(str(error)) from None
        return value

    return check


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    for key, one in value.items():
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else (one,)
        if not all(isinstance(part, str | bool | int | float) for part in inner):
            raise complaint(f"{key[:40]!r} must be text, a number, true or false, or a list or mapping of those")
    return value


def _single_line(value: str) -> str:
    if "\n" in value:
        raise complaint("must be one line")
    return value


def _web(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s<>\"]{3,500}", value):
        raise complaint(f"{value[:60]!r} is not an address; write it with https://")
    return value


Duration = Annotated[
    int,
    BeforeValidator(_read_duration),
    AfterValidator(_within(0, LONGEST, "write 0s to 24h")),
    _DURATION_SCHEMA,
]
"""Seconds, 0 to 24 hours."""
Moment = Annotated[
    int,
    BeforeValidator(_read_duration),
    AfterValidator(_within(-30 * 24 * 3600, LONGEST, "write -720h to 24h")),
    _DURATION_SCHEMA,
]
"""Seconds since the exercise began; less than 0 before it."""
Id = Annotated[str, BeforeValidator(_read_id)]
Slug = Annotated[str, BeforeValidator(_read_slug)]
DutyField = Annotated[Duty, BeforeValidator(_read_duty)]
Words = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    AfterValidator(_single_line),
    AfterValidator(clean_line),
]
"""One line of 1 to 200 characters."""
MaybeWords = Annotated[str, StringConstraints(max_length=200), AfterValidator(_single_line), AfterValidator(clean_line)]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=8_000), AfterValidator(clean_text)]
MaybeProse = Annotated[str, StringConstraints(max_length=8_000), AfterValidator(clean_text)]
Address = Annotated[str, StringConstraints(max_length=500), AfterValidator(_web)]
ConditionText = Annotated[str, StringConstraints(max_length=500), AfterValidator(_says(condition))]
NumberText = Annotated[str, StringConstraints(max_length=500), AfterValidator(_says(number))]
EventText = Annotated[str, StringConstraints(max_length=200), AfterValidator(_says(check_event))]
HoldsText = Annotated[str, StringConstraints(max_length=200), AfterValidator(_says(read_holds))]
Values = Annotated[
    dict[str, Any],
    Field(max_length=20),
    AfterValidator(_plain),
    WithJsonSchema({"type": "object", "additionalProperties": True, "maxProperties": 20}),
]
"""A target or parameters: each value is text, a number, true or false, or a list or mapping of those."""
