"""Looking into JSON that somebody else wrote: what is not there or of another type is as if it were not said.

Invariant: no function here raises, whatever it is given, and no text it gives holds a control character.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

Raw: TypeAlias = Mapping[str, Any]

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_LONGEST = 100_000


def clean(said: str) -> str:
    """A text without control characters and escape sequences; line breaks and tabs stay."""
    return _UNSEEN.sub("", said[:_LONGEST].replace("\r\n", "\n"))


def line(said: str) -> str:
    """A text on one line."""
    return " ".join(clean(said).split())


def text(raw: Any, key: str, default: str = "") -> str:
    """The text under a key; numbers and booleans are written out."""
    found = raw.get(key) if isinstance(raw, Mapping) else None
    if isinstance(found, str):
        return clean(found)
    return str(found) if isinstance(found, int | float) and not isinstance(found, bool) else default


def number(raw: Any, key: str) -> float | None:
    """The finite number under a key; a text that is one counts."""
    return as_number(raw.get(key)) if isinstance(raw, Mapping) else None


def as_number(found: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        value = float(found)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def whole(raw: Any, key: str, default: int, least: int, most: int) -> int:
    """The whole number under a key, held between two bounds."""
    found = number(raw, key)
    return default if found is None else int(min(max(found, least), most))


def flag(raw: Any, key: str, default: bool = False) -> bool:
    """The boolean under a key."""
    found = raw.get(key) if isinstance(raw, Mapping) else None
    return found if isinstance(found, bool) else default


def part(raw: Any, *keys: str) -> Raw:
    """The object under one key after another; an empty one where there is none."""
    for key in keys:
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    return raw if isinstance(raw, Mapping) else {}


def listed(raw: Any, key: str) -> list[Any]:
    """The list under a key; an empty one where there is none."""
    found = raw.get(key) if isinstance(raw, Mapping) else None
    return found if isinstance(found, list) else []


def parts(raw: Any, key: str) -> list[tuple[int, Raw]]:
    """The objects of the list under a key, each with its place in the list."""
    return [(place, one) for place, one in enumerate(listed(raw, key)) if isinstance(one, Mapping)]


def texts(raw: Any, key: str) -> tuple[str, ...]:
    """The texts under a key: of a list, or one alone."""
    found = raw.get(key) if isinstance(raw, Mapping) else None
    if isinstance(found, str):
        return (clean(found),)
    return tuple(clean(one) for one in found if isinstance(one, str)) if isinstance(found, list) else ()
