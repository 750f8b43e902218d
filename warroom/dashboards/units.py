"""Numbers in Grafana's units, as text.

Invariant: every function is total. No number, also not an infinite or a missing one, and no unit raises; a unit that
nobody knows is written after the number as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from warroom.dashboards.moments import date_text
from warroom.dashboards.unit_table import ALIASES, CUSTOM, UNITS, Unit

_SI: Final = ("f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y")
_IEC: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_COUNTS: Final = ("", "K", "M", "B", "T")
_SHORT: Final = ("", "K", "Mil", "Bil", "Tri", "Quadr", "Quint", "Sext", "Sept")
_SECONDS: Final = (
    (1e-6, 1e-9, "ns"),
    (1e-3, 1e-6, "µs"),
    (1.0, 1e-3, "ms"),
    (60.0, 1.0, "s"),
    (3600.0, 60.0, "min"),
    (86_400.0, 3600.0, "h"),
    (604_800.0, 86_400.0, "d"),
    (31_536_000.0, 604_800.0, "w"),
    (math.inf, 31_536_000.0, "y"),
)
"""Below which number of seconds which unit is used, and its size."""
_WORDS: Final = (
    (31_536_000, "y"), (2_628_000, "mo"), (604_800, "w"), (86_400, "d"), (3600, "h"), (60, "m"), (1, "s"),
)  # fmt: skip
_CUSTOM_SI: Final = re.compile(r"( ?)([fpnµumkMGTPEZY]?)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Locale:
    """When and where a text is read: for dates. `now` is in seconds since the epoch."""

    now: float = 0.0
    zone: tzinfo = UTC


HERE: Final = Locale()


class Shown(NamedTuple):
    """A number ready to show: what stands before it, its digits, and what follows (without a blank)."""

    before: str
    digits: str
    after: str

    @property
    def text(self) -> str:
        """All of it: `$3.20`, `48.2%`, `1.53 GiB`."""
        gap = "" if self.after in {"", "%", "‰", "°"} else " "
        return f"{self.before}{self.digits}{gap}{self.after}"


def is_known(unit: str) -> bool:
    """Whether a unit is one of Grafana's, or one of the kinds that authors make up."""
    return ALIASES.get(unit, unit) in UNITS or unit.startswith(tuple(CUSTOM))


def shown(value: float | None, unit: str = "", decimals: int | None = None, here: Locale = HERE) -> str:
    """A number in its unit as one text; None is `-`."""
    return spoken(value, unit, decimals, here).text


def spoken(value: float | None, unit: str = "", decimals: int | None = None, here: Locale = HERE) -> Shown:
    """A number in its unit. `decimals` None: three significant digits, none for whole numbers."""
    if value is None:
        return Shown("", "-", "")
    if math.isnan(value):
        return Shown("", "NaN", "")
    if math.isinf(value):
        return Shown("", "+Inf" if value > 0 else "-Inf", "")
    places = None if decimals is None else min(max(decimals, 0), 20)
    return _written(value, _unit(unit), places, here)


@lru_cache(512)
def _unit(said: str) -> Unit:
    known = UNITS.get(ALIASES.get(said, said))
    if known:
        return known
    kind, _, rest = said.partition(":")
    match kind + ":" if rest else "":
        case "prefix:":
            return Unit("", "before", rest)
        case "currency:":
            return Unit("", "before", rest)
        case "suffix:":
            return Unit("", "fixed", rest.strip())
        case "count:":
            return Unit("", "count", rest.strip())
        case "time:":
            return Unit("", "date", rest)
        case "bool:":
            true, _, false = rest.partition("/")
            return Unit("", "truth", f"{true.replace(' ', '_') or 'True'} {false.replace(' ', '_') or 'False'}")
        case "si:":
            found = _CUSTOM_SI.fullmatch(rest)
            if found is None or not (found[3] or found[2]):
                return Unit("", "fixed", rest)
            if not found[3]:
                return Unit("", "si", found[2])
            prefix = "µ" if found[2] == "u" else found[2]
            return Unit("", "si", found[3], _SI.index(prefix) - _SI.index(""))
    return Unit("", "fixed", said.strip())


def _written(value: float, unit: Unit, places: int | None, here: Locale) -> Shown:
    match unit.manner:
        case "si":
            return _scaled(value, 1000, _SI, unit.sign, places, 5 + unit.power)
        case "binary":
            return _scaled(value, 1024, _IEC, unit.sign, places, unit.power)
        case "count":
            size, name = _steps(value, 1000, _COUNTS, 0)
            return Shown("", fixed(size, places) + name, unit.sign)
        case "before" | "after":
            size, name = _steps(value, 1000, _COUNTS, 0)
            digits = fixed(size, places) + name
            return Shown(unit.sign, digits, "") if unit.manner == "before" else Shown("", digits, unit.sign)
        case "percent":
            return Shown("", fixed(value * unit.factor, places), "%")
        case "time":
            return _time(value * unit.factor, places)
        case "clock":
            return Shown("", _clock(value * unit.factor, unit.sign, places), "")
        case "date":
            return Shown("", _date(value / 1000, unit.sign, here), "")
        case "special":
            return _special(value, unit.sign, places)
    return _plainly(value, unit, places)


def _plainly(value: float, unit: Unit, places: int | None) -> Shown:
    if unit.manner == "truth":
        yes, no = unit.sign.split(" ", 1)
        return Shown("", (yes if value else no).replace("_", " "), "")
    if unit.manner == "scaled":
        size, name = _steps(value, 1000, unit.sign.split(), 0)
        return Shown("", fixed(size, places), name)
    return Shown("", fixed(value, places), unit.sign)


def fixed(value: float, places: int | None = None) -> str:
    """Digits with so many places; None is three significant digits, and none after the point of a whole number."""
    if not math.isfinite(value):
        return "+Inf" if value > 0 else "-Inf"
    if places is None:
        if 0 < abs(value) < 1e-9:
            return f"{value:.2e}"
        places = _places(value)
    text = f"{value:.{places}f}" if abs(value) < 1e21 else f"{value:.{min(places or 3, 6)}g}"
    return text.removeprefix("-") if float(text) == 0 else text


def _places(value: float) -> int:
    size = abs(value)
    if size == 0 or value % 1 == 0:
        return 0
    return min(max(0, 2 - math.floor(math.log10(size))), 20)


def _steps(value: float, base: float, names: Sequence[str], start: int) -> tuple[float, str]:
    step, size = start, value
    while abs(size) >= base and step < len(names) - 1:
        size /= base
        step += 1
    while names is _SI and 0 < abs(size) < 1 and step > 0:
        size *= base
        step -= 1
    return size, names[step]


def _scaled(value: float, base: float, names: Sequence[str], sign: str, places: int | None, start: int) -> Shown:
    size, prefix = _steps(value, base, names, min(max(start, 0), len(names) - 1))
    return Shown("", fixed(size, places), prefix + sign)


def _time(seconds: float, places: int | None) -> Shown:
    if seconds == 0 or math.isinf(seconds):
        return Shown("", fixed(seconds, places), "s")
    size, name = next((size, name) for limit, size, name in _SECONDS if abs(seconds) < limit)
    return Shown("", fixed(seconds / size, places), name)


def _clock(seconds: float, kind: str, places: int | None) -> str:
    sign, left = "-" if seconds < 0 else "", abs(seconds)
    if left > 1e13:
        return sign + _time(left, None).text
    whole = int(left)
    if kind == "words":
        return sign + _words(left, places)
    if kind == "clock":
        parts = ((whole // 3600, "h"), (whole // 60 % 60, "m"), (whole % 60, "s"), (int(left * 1000) % 1000, "ms"))
        first = next((at for at, (count, _) in enumerate(parts) if count), 3)
        return sign + ":".join(f"{count:02d}{name}" for count, name in parts[first:])
    hours = whole // 3600
    minutes = f"{whole // 60 % 60:02d}:{whole % 60:02d}"
    if kind == "h":
        return f"{sign}{hours:02d}:{minutes}"
    return f"{sign}{hours // 24} d {hours % 24:02d}:{minutes}"


def _words(seconds: float, places: int | None) -> str:
    """The two (or `places` + 1) greatest parts of a duration: `3 d 4 h`."""
    if seconds < 1:
        return _time(seconds, None).text
    said: list[str] = []
    for size, name in _WORDS:
        count, seconds = divmod(seconds, size)
        if count or said:
            said.append(f"{int(count)}{name}" if count else "")
    return " ".join(part for part in said[: 2 if places is None else places + 1] if part)


def _date(at: float, shape: str, here: Locale) -> str:
    if shape == "ago":
        away = here.now - at
        words = _time(abs(away), 0).text
        return f"{words} ago" if away >= 0 else f"in {words}"
    if shape.startswith("today "):
        shape = shape.removeprefix("today ")
        today, day = (date_text(moment, "YYYY-MM-DD", here.zone) for moment in (here.now, at))
        shape = shape.partition(" ")[2] if today == day else shape
    return date_text(at, shape, here.zone)


def _special(value: float, kind: str, places: int | None) -> Shown:
    if kind == "short":
        size, name = _steps(value, 1000, _SHORT, 0)
        return Shown("", fixed(size, places), name)
    if kind == "sci":
        return Shown("", f"{value:.{3 if places is None else places}e}", "")
    if kind == "locale":
        return Shown("", f"{value:,.{(2 if value % 1 else 0) if places is None else places}f}", "")
    if kind in {"hex", "hex0x"}:
        digits = f"{abs(int(value)):X}" if abs(value) < 2**63 else f"{value:g}"
        return Shown("0x" if kind == "hex0x" else "", ("-" if value < 0 else "") + digits, "")
    return Shown("", f"{value:g}" if value % 1 else f"{value:.0f}", "")
