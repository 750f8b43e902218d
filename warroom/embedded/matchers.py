"""Matchers as Alertmanager's filters write them: `name="value"`, `!=`, `=~`, `!~`, quotes optional."""

from __future__ import annotations

import re

from warroom.embedded.logql.regex import RegexError, whole
from warroom.telemetry.alerts import Matcher

_SHAPE = re.compile(
    r'\s*(?:"(?P<quoted>(?:\\.|[^"\\])*)"|(?P<name>[a-zA-Z_:][\w:]*))\s*(?P<sign>=~|!~|!=|=)\s*(?P<value>.*)', re.DOTALL
)
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


def matcher_of(said: str) -> Matcher:
    """Raises ValueError in Alertmanager's words."""
    found = _SHAPE.fullmatch(said)
    value = found["value"].strip() if found is not None else ""
    if found is None or value[:1] in ("~", "="):
        raise ValueError(f"bad matcher format: {said}")
    quoted = re.fullmatch(r'"((?:\\.|[^"\\])*)"', value, re.DOTALL)
    if quoted is not None:
        value = _plain(quoted[1])
    elif value.startswith('"') or value.endswith('"'):
        raise ValueError(f"matcher value contains unescaped double quote: {value}")
    name = _plain(found["quoted"]) if found["quoted"] is not None else found["name"]
    made = Matcher(name, value, "~" in found["sign"], not found["sign"].startswith("!"))
    if made.is_regex:
        try:
            whole(made.value)
        except RegexError as wrong:
            raise ValueError(str(wrong)) from None
    return made


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda one: _ESCAPES.get(one[1], one[0]), text, flags=re.DOTALL)
