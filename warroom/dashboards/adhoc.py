"""Ad hoc filters: label matchers that a reader adds to every selector of every query.

Invariant: a filter is added to each vector selector (or log stream selector) of an expression and to nothing else; its
value cannot end the string it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_TOKEN: Final = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\#[^\n]*) | (?P<word>[A-Za-z_:][\w:.]*)
      | (?P<number>\d[\w.]*) | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS: Final = frozenset(
    {"and", "or", "unless", "atan2", "offset", "bool", "by", "without", "on", "ignoring", "group_left", "group_right"}
    | {"inf", "nan", "start", "end"}
)
_GROUPS: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_OPERATORS: Final = {"=": "=", "!=": "!=", "=~": "=~", "!~": "!~", "=|": "=~", "!=|": "!~"}
_NAME: Final = re.compile(r"[A-Za-z_]\w*")


def with_filters(expr: str, filters: Sequence[tuple[str, str, str]]) -> str:
    """A PromQL or LogQL expression with (label, operator, value) added to its selectors; others are left out."""
    added = ",".join(
        f'{name}{_OPERATORS[sign]}"{_quoted(value)}"'
        for name, sign, value in filters
        if sign in _OPERATORS and _NAME.fullmatch(name)
    )
    return _put(expr, added) if added else expr


def _put(expr: str, added: str) -> str:
    tokens = [(found.lastgroup or "", found[0]) for found in _TOKEN.finditer(expr)]
    done: list[str] = []
    braces = brackets = 0
    grouped = 0
    for at, (kind, said) in enumerate(tokens):
        after = next((one for _, one in tokens[at + 1 :] if not one.isspace()), "")
        before = next((one for _, one in reversed(tokens[:at]) if not one.isspace()), "")
        if kind == "sign":
            grouped = _depth(grouped, said, before)
            braces += (said == "{") - (said == "}")
            brackets += (said == "[") - (said == "]")
            if said == "}" and braces == 0:
                comma = "" if before in {"{", ","} else ","
                done.append(comma + added)
        done.append(said)
        selects = kind == "word" and said.casefold() not in _KEYWORDS and after not in {"(", "{"}
        called = after in {"by", "without"} and kind == "word"
        if selects and not called and not braces and not brackets and not grouped and before != "offset":
            done.append("{" + added + "}")
    return "".join(done)


def _depth(depth: int, sign: str, before: str) -> int:
    """How deep inside of the parentheses of a `by (...)`."""
    if sign == "(" and (depth or before.casefold() in _GROUPS):
        return depth + 1
    return depth - 1 if sign == ")" and depth else depth


def _quoted(value: str) -> str:
    said = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return "".join(one for one in said if ord(one) >= 32)
