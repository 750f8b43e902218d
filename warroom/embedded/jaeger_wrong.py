"""Parameters of Jaeger's API, and the words it refuses wrong ones with."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Wrong(Exception):
    """Why a question is refused; the message is Jaeger's."""

    def __init__(self, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.status = status


def whole(said: str, name: str) -> int | None:
    """A whole number; None when it is not there. Raises Wrong."""
    if not said:
        return None
    if not re.fullmatch(r"[+-]?\d{1,19}", said):
        words = f'strconv.ParseInt: parsing "{said[:80]}": invalid syntax'
        raise Wrong(f"unable to parse param '{name}': {words}" if name else words)
    return int(said)


def number(said: str, name: str) -> float:
    """A number. Raises Wrong."""
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", said):
        raise Wrong(f"unable to parse param '{name}': strconv.ParseFloat: parsing \"{said[:80]}\": invalid syntax")
    return float(said)


def duration(said: str, name: str) -> float | None:
    """A duration as Go writes it, in seconds; None when it is not there. Raises Wrong."""
    if not said:
        return None
    parts = _DURATION.findall(said)
    if "".join(parts) != said:
        words = "missing unit in duration" if re.fullmatch(r"[\d.]+", said) else "invalid duration"
        raise Wrong(f"unable to parse param '{name}': time: {words} \"{said[:80]}\"")
    return sum(float(re.sub(r"[a-zµ]+$", "", part)) * _UNITS[re.sub(r"^[\d.]+", "", part)] for part in parts)
