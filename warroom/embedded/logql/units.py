"""Numbers, durations and sizes as LogQL reads and writes them: Go's, Prometheus's and go-humanize's.

Invariant: a duration is a whole number of nanoseconds.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from warroom.embedded.go_text import quote

SECOND = 1_000_000_000
_LONGEST = (1 << 63) - 1

_GO_UNITS = {"ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 1_000_000, "s": SECOND, "m": 60 * SECOND,
             "h": 3600 * SECOND}  # fmt: skip
_GO = re.compile(r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+")
_GO_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_PROMETHEUS = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
_PROMETHEUS_MS = (365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1)
_PROMETHEUS_NAMES = ("y", "w", "d", "h", "m", "s", "ms")
_UNKNOWN = re.compile(r"[0-9.]*([^0-9.]+)")

_SIZES = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgtpe", 1):
    _SIZES |= {f"{_letter}b": 1000**_power, _letter: 1000**_power}
    _SIZES |= {f"{_letter}ib": 1024**_power, f"{_letter}i": 1024**_power}
_SIZE = re.compile(r"([0-9.,]*)(.*)", re.DOTALL)
_FLOAT = re.compile(
    r"[-+]?(?:(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|0[xX][0-9a-fA-F.]+[pP][-+]?\d+|inf(?:inity)?)|nan",
    re.ASCII | re.IGNORECASE,
)


def go_float(text: str) -> float:
    """A number as Go's strconv.ParseFloat reads it. Raises ValueError in its words."""
    if _FLOAT.fullmatch(text) is None or "_" in text:
        raise ValueError(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax")
    if text[:3].lower().lstrip("+-").startswith("0x"):
        return float.fromhex(text)
    value = float(text)
    if math.isinf(value) and "n" not in text.lower():
        raise ValueError(f"strconv.ParseFloat: parsing {quote(text)}: value out of range")
    return value


@lru_cache(4096)
def go_duration(text: str) -> int:
    """Nanoseconds of a duration such as 1h15m30.5s, as Go's time.ParseDuration. Raises ValueError in its words."""
    if _GO.fullmatch(text) is None:
        if text in ("0", "+0", "-0"):
            return 0
        found = _UNKNOWN.match(text.lstrip("+-"))
        digits = bool(text.lstrip("+-")[:1].isdigit())
        if digits and found is None:
            raise ValueError(f"time: missing unit in duration {quote(text)}")
        if digits and found is not None and found[1] not in _GO_UNITS:
            raise ValueError(f"time: unknown unit {quote(found[1])} in duration {quote(text)}")
        raise ValueError(f"time: invalid duration {quote(text)}")
    total = 0
    for number, unit in _GO_PART.findall(text):
        whole, _, part = number.partition(".")
        total += int(whole or 0) * _GO_UNITS[unit]
        if part:
            total += int(int(part) * _GO_UNITS[unit] / 10 ** len(part))
    if total > _LONGEST:
        raise ValueError(f"time: invalid duration {quote(text)}")
    return -total if text[0] == "-" else total


def prometheus_duration(text: str) -> int:
    """Nanoseconds of a duration such as 1d12h, as Prometheus reads one. Raises ValueError in its words."""
    if text == "0":
        return 0
    if not text:
        raise ValueError("empty duration string")
    found = _PROMETHEUS.fullmatch(text)
    if found is None:
        raise ValueError(_why_not(text))
    ms = sum(int(part) * size for part, size in zip(found.groups(), _PROMETHEUS_MS, strict=True) if part)
    if ms * 1_000_000 > _LONGEST:
        raise ValueError("duration out of range")
    return ms * 1_000_000


def _why_not(text: str) -> str:
    said = quote(text)
    if not text[0].isdigit():
        return f"not a valid duration string: {said}"
    found = re.match(r"\d+(\D*)", text)
    unit = found[1] if found is not None else ""
    if not unit:
        return f"missing unit in duration {said}" if text.isdigit() else f"not a valid duration string: {said}"
    return (
        f"not a valid duration string: {said}"
        if unit in _PROMETHEUS_NAMES
        else (f"unknown unit {quote(unit)} in duration {said}")
    )


def any_duration(text: str) -> int:
    """A duration of either kind, Prometheus's first. Raises ValueError."""
    try:
        return prometheus_duration(text)
    except ValueError:
        return go_duration(text)


def size(text: str) -> int:
    """Bytes of a size such as 1.5KiB, as go-humanize reads one. Raises ValueError in its words."""
    found = _SIZE.fullmatch(text)
    number, unit = (found[1], found[2].strip().lower()) if found is not None else ("", text)
    number = number.replace(",", "")
    try:
        value = go_float(number)
    except ValueError:
        raise ValueError(f"strconv.ParseFloat: parsing {quote(number)}: invalid syntax") from None
    if unit not in _SIZES:
        raise ValueError(f"unhandled size name: {unit}")
    total = value * _SIZES[unit]
    if total >= 2**64:
        raise ValueError(f"too large: {text}")
    return int(total)


def size_text(count: int) -> str:
    """Bytes as go-humanize writes them without its space: 83MB."""
    if count < 10:
        return f"{count}B"
    power = min(6, int(math.log(count, 1000) + 1e-12))
    value = math.floor(count / 1000**power * 10 + 0.5) / 10
    unit = ("B", "kB", "MB", "GB", "TB", "PB", "EB")[power]
    return f"{value:.1f}{unit}" if value < 10 else f"{value:.0f}{unit}"


def go_duration_text(ns: int) -> str:
    """A duration as Go writes it: 1m30s, 250ms, 1.5s."""
    if ns == 0:
        return "0s"
    sign, ns = ("-", -ns) if ns < 0 else ("", ns)
    if ns < SECOND:
        for unit, of in (("ms", 1_000_000), ("µs", 1000), ("ns", 1)):
            if ns >= of:
                return f"{sign}{_trimmed(ns, of)}{unit}"
    minutes, rest = divmod(ns, 60 * SECOND)
    said = f"{_trimmed(rest, SECOND)}s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        said = f"{minutes}m{said}"
        if hours:
            said = f"{hours}h{said}"
    return sign + said


def _trimmed(ns: int, of: int) -> str:
    whole, part = divmod(ns, of)
    digits = f"{part:0{len(str(of)) - 1}d}".rstrip("0") if part else ""
    return f"{whole}.{digits}" if digits else str(whole)


def prometheus_duration_text(ns: int) -> str:
    """A duration as Prometheus writes it: 5m, 1h30m. What is below a millisecond is lost, as it is there."""
    ms = ns // 1_000_000
    if ms == 0:
        return "0s"
    said = ""
    for name, of, exact in zip(_PROMETHEUS_NAMES, _PROMETHEUS_MS, (True, True, False, False, False, False, False),
                               strict=True):  # fmt: skip
        if exact and ms % of:
            continue
        count, ms = divmod(ms, of)
        if count:
            said += f"{count}{name}"
    return said


def number_text(value: float) -> str:
    """A number as Loki writes one in an answer: the shortest digits that mean it, never with an exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == int(value) and abs(value) < 1e16:
        said = str(int(value))
        return "-0" if value == 0 and math.copysign(1, value) < 0 else said
    said = repr(value)
    if "e" not in said:
        return said
    digits, _, exponent = said.partition("e")
    sign = "-" if digits.startswith("-") else ""
    whole, _, part = digits.lstrip("-").partition(".")
    place = len(whole) + int(exponent)
    every = whole + part
    if place <= 0:
        return f"{sign}0.{'0' * -place}{every}"
    return f"{sign}{every[:place].ljust(place, '0')}" + (f".{every[place:]}" if every[place:] else "")


def literal_text(value: float) -> str:
    """A number as Go's fmt prints one, with an exponent when it is far from 1: how Loki writes a literal in a query."""
    if math.isnan(value) or math.isinf(value):
        return number_text(value)
    if value and not 1e-4 <= abs(value) < 1e21:
        digits, _, exponent = repr(value).partition("e")
        if not exponent:
            digits, _, exponent = f"{value:.16e}".partition("e")
            digits = digits.rstrip("0").rstrip(".")
        return f"{digits.removesuffix('.0')}e{exponent[0] if exponent[0] in '+-' else '+'}{exponent.lstrip('+-'):0>2}"
    return number_text(value)
