"""Incident ids: `INC-` and four characters that are hard to mishear, drawn at random.

Whether an id is free is not known here: the log claims it by appending at head 0, and taken means draw again.
"""

from __future__ import annotations

import re

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford base 32: no I, L, O or U."""

_MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0"})
_ID = re.compile(rf"INC-[{ALPHABET}]{{4,8}}")


def incident_id(number: int, length: int = 4) -> str:
    """The id for a random `number`; only its lowest 5 x `length` bits count."""
    letters = [ALPHABET[(number >> (5 * place)) & 31] for place in range(length)]
    return "INC-" + "".join(letters)


def parse_incident_id(text: str) -> str:
    """Read an id as people write it: `inc-7k3q`, `7K3Q`, `INC 7k3q`, with I, L, O for 1, 1, 0.

    Raises:
        ValueError: says what an id looks like.
    """
    bare = re.sub(r"^inc[\s-]*", "", text.strip(), flags=re.IGNORECASE).upper().translate(_MISREAD)
    wanted = f"INC-{bare}"
    if not _ID.fullmatch(wanted):
        raise ValueError(f"{text!r} is not an incident id; one looks like INC-7K3Q")
    return wanted
