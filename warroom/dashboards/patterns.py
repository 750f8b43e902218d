"""Regular expressions that authors of dashboards wrote for JavaScript.

Invariant: a pattern is compiled or refused (None), never raises; one whose repeated part repeats itself is refused,
because a text could keep it busy for ever.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

LONGEST_PATTERN: Final = 2_000
LONGEST_SUBJECT: Final = 4_000

_SLASHED: Final = re.compile(r"/(.*)/([gimsuy]*)", re.DOTALL)
_NAMED: Final = re.compile(r"\(\?<([A-Za-z_]\w*)>")
_ATOMS: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_REPEATS: Final = frozenset("*+{")


@lru_cache(512)
def compiled(said: str) -> re.Pattern[str] | None:
    """A pattern, `/with slashes/i` or without; None for an empty one and for one that cannot be used."""
    said = said.strip()
    if not said or len(said) > LONGEST_PATTERN:
        return None
    found = _SLASHED.fullmatch(said)
    body, flags = (found[1], found[2]) if found else (said, "")
    if _runs_away(body):
        return None
    try:
        return re.compile(_NAMED.sub(r"(?P<\1>", body), re.IGNORECASE if "i" in flags else 0)
    except (re.error, OverflowError, RecursionError, ValueError):
        return None


def is_usable(said: str) -> bool:
    """Whether a pattern is empty or can be used."""
    return not said.strip() or compiled(said) is not None


def finds(said: str, subject: str) -> bool:
    """Whether a pattern is found in a text; a pattern that cannot be used finds nothing."""
    pattern = compiled(said)
    return pattern is not None and pattern.search(subject[:LONGEST_SUBJECT]) is not None


def _runs_away(body: str) -> bool:
    """Whether a group that holds a repetition (or alternatives) is itself repeated without a bound."""
    open_groups: list[bool] = []
    closed = False
    for atom in _ATOMS.findall(body):
        if closed and atom in _REPEATS:
            return True
        closed = False
        if atom == "(":
            open_groups.append(False)
        elif atom == ")" and open_groups:
            closed = open_groups.pop()
            if closed and open_groups:
                open_groups[-1] = True
        elif (atom in _REPEATS or atom == "|") and open_groups:
            open_groups[-1] = True
    return False
