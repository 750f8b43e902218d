"""Which field of a line an expression of `json` or `logfmt` names."""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_STEP = re.compile(
    r"""\s*(?:\.?(?P<field>[A-Za-z_][A-Za-z0-9_-]*)|\[\s*(?P<index>\d+)\s*\]|\[\s*"(?P<quoted>(?:[^"\\]|\\.)*)"\s*\])\s*"""
)


def json_path(text: str) -> Path:
    """`servers[0]["user agent"].name` as its steps.

    Raises:
        ValueError: it is no path, in Loki's words.
    """
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        dotted = found is not None and found["field"] is not None and "." in found[0][: found[0].index(found["field"])]
        if found is None or (found["field"] is not None and bool(steps) != dotted):
            raise ValueError(f"cannot parse expression [{text}]: syntax error: unexpected {_name(text, at)}")
        if found["index"] is not None:
            steps.append(int(found["index"]))
        else:
            steps.append(found["field"] if found["field"] is not None else re.sub(r"\\(.)", r"\1", found["quoted"]))
        at = found.end()
    if not steps:
        raise ValueError(f"cannot parse expression [{text}]: syntax error: unexpected $end, expecting FIELD or [")
    return tuple(steps)


def _name(text: str, at: int) -> str:
    char = text[at : at + 1]
    if not char:
        return "$end"
    if char in ".[]":
        return char
    return "STRING" if char == '"' else "INDEX" if char.isdigit() else "FIELD"


def logfmt_path(text: str) -> str:
    """The key that an expression of `logfmt` names.

    Raises:
        ValueError: it names none.
    """
    key = text.strip()
    if len(key) > 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not key or any(char.isspace() or char in '="' for char in key):
        where = "unexpected $end, expecting STRING or KEY" if not key else "unexpected KEY"
        raise ValueError(f"cannot parse expression [{text}]: syntax error: {where}")
    return key
