"""The fields of a topology's parts: what each may hold, and one reader for all of them.

Invariant: `read` returns a part whose every value is within its bounds, or raises `TopologyError` naming the place.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, TypeVar

Part = TypeVar("Part")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,62}")
MOST_TEXT: Final = 200
_NEEDED: Final = dataclasses.MISSING


class TopologyError(ValueError):
    """A topology that cannot be used; the message says where and what would be right."""


def text(default: Any = _NEEDED, *, choices: Sequence[str] = (), name: bool = False) -> Any:
    """A line of text; one of `choices` where they are given, a name where asked."""
    return _field(default, kind="text", choices=tuple(choices), name=name)


def number(default: Any = _NEEDED, least: float = 0.0, most: float = math.inf, *, optional: bool = False) -> Any:
    """A finite number within bounds."""
    return _field(default, kind="number", least=least, most=most, optional=optional)


def count(default: Any = _NEEDED, least: int = 0, most: int = 1_000_000) -> Any:
    """A whole number within bounds."""
    return _field(default, kind="count", least=least, most=most)


def truth(default: bool) -> Any:
    """Yes or no."""
    return _field(default, kind="truth")


def names(default: Any = _NEEDED, most: int = 32) -> Any:
    """A list of names, each once."""
    return _field(default, kind="names", most=most)


def numbers(default: Any = _NEEDED, least: float = 0.0, most: float = math.inf) -> Any:
    """A mapping from names to numbers within bounds."""
    if default is _NEEDED:
        return _field(_NEEDED, kind="numbers", least=least, most=most)
    return dataclasses.field(default_factory=dict, metadata={"kind": "numbers", "least": least, "most": most})


def part(cls: type[Any]) -> Any:
    """Another part, or nothing."""
    return _field(None, kind="part", cls=cls)


def _field(default: Any, **metadata: Any) -> Any:
    if default is _NEEDED:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def read(cls: type[Part], given: object, where: str, aliases: Mapping[str, str] = {}) -> Part:
    """A part from plain data.

    Raises:
        TopologyError: a key that is unknown or missing, or a value out of bounds.
    """
    if not isinstance(given, Mapping):
        raise TopologyError(f"{where}: must be a mapping")
    known = {one.name: one for one in dataclasses.fields(cls) if one.metadata}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in given.items():
        name = aliases.get(str(key), str(key))
        if name not in known:
            near = get_close_matches(name, known, n=1)
            advice = f"did you mean '{near[0]}'?" if near else f"use any of {', '.join(known)}"
            raise TopologyError(f"{where}.{key}: is not a known key; {advice}")
        values[name] = _value(known[name].metadata, value, f"{where}.{key}")
    for name, one in known.items():
        if name not in values and one.default is _NEEDED and one.default_factory is _NEEDED:
            raise TopologyError(f"{where}: '{name}' is missing")
    return cls(**values)


def _value(rule: Mapping[str, Any], value: Any, where: str) -> Any:
    kind = rule["kind"]
    if kind == "part":
        return None if value is None else read(rule["cls"], value, where)
    return _READERS[kind](rule, value, where)


def _text(rule: Mapping[str, Any], value: Any, where: str) -> str:
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        raise TopologyError(f"{where}: must be text of at most {MOST_TEXT} characters")
    if rule["choices"] and value not in rule["choices"]:
        raise TopologyError(f"{where}: {value!r} must be one of {', '.join(rule['choices'])}")
    if rule["name"]:
        _name(value, where)
    return value


def _name(value: Any, where: str) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise TopologyError(
            f"{where}: {str(value)[:40]!r} must be a name of letters, digits, '.', '-', '_', ':' or '/'"
        )
    return value


def _number(rule: Mapping[str, Any], value: Any, where: str) -> float | None:
    if value is None and rule.get("optional"):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TopologyError(f"{where}: must be a number")
    if not rule["least"] <= value <= rule["most"]:
        raise TopologyError(f"{where}: {value:g} must be {bounds(rule['least'], rule['most'])}")
    return float(value)


def bounds(least: float, most: float) -> str:
    """Bounds in words."""
    return f"at least {least:g}" if most == math.inf else f"between {least:g} and {most:g}"


def _count(rule: Mapping[str, Any], value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not rule["least"] <= value <= rule["most"]:
        raise TopologyError(f"{where}: must be a whole number {bounds(rule['least'], rule['most'])}")
    return value


def _truth(_rule: Mapping[str, Any], value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise TopologyError(f"{where}: must be true or false")
    return value


def _names(rule: Mapping[str, Any], value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > rule["most"]:
        raise TopologyError(f"{where}: must be a list of at most {rule['most']} names")
    found = tuple(_name(one, f"{where}.{at}") for at, one in enumerate(value))
    if len(set(found)) != len(found):
        raise TopologyError(f"{where}: names a thing twice")
    return found


def _numbers(rule: Mapping[str, Any], value: Any, where: str) -> dict[str, float]:
    if not isinstance(value, Mapping) or len(value) > 64:
        raise TopologyError(f"{where}: must be a mapping of at most 64 numbers")
    return {_name(key, where): _number(rule, one, f"{where}.{key}") or 0.0 for key, one in value.items()}


_READERS: Final = {
    "text": _text,
    "number": _number,
    "count": _count,
    "truth": _truth,
    "names": _names,
    "numbers": _numbers,
}
