"""The colours that authors of dashboards use, as one of seven hues, and what a hue says about a value.

Invariant: every text gives a hue, also one that is no colour (none at all).
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Mapping
from typing import Final

from warroom.dashboards.data import Hue, Level, Mark

_NAMES: Final[Mapping[str, Hue]] = {
    "red": "red",
    "orange": "orange",
    "yellow": "yellow",
    "green": "green",
    "blue": "blue",
    "purple": "purple",
    "gray": "grey",
    "grey": "grey",
    "black": "grey",
    "white": "grey",
    "cyan": "blue",
    "magenta": "purple",
    "pink": "red",
    "lime": "green",
    "gold": "yellow",
}
_LEVELS: Final[Mapping[Hue, Level]] = {"red": "critical", "orange": "warning", "yellow": "warning", "green": "ok"}
_SHADES: Final = ("super-light-", "semi-dark-", "light-", "dark-")
_HEX: Final = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})(?:[0-9a-f]|[0-9a-f]{2})?")
_RGB: Final = re.compile(r"rgba?\(\s*([\d.]{1,8})\s*,\s*([\d.]{1,8})\s*,\s*([\d.]{1,8})\s*(?:,[^)]*)?\)")
_WHEEL: Final[tuple[tuple[float, Hue], ...]] = (
    (14, "red"),
    (40, "orange"),
    (68, "yellow"),
    (165, "green"),
    (255, "blue"),
    (320, "purple"),
    (360, "red"),
)
"""Up to which angle of the colour wheel each hue reaches."""


def hue_of(colour: str) -> Hue:
    """The hue of a colour as Grafana writes it: `dark-red`, `#E02F44`, `rgba(245, 54, 54, 0.9)`."""
    said = colour.strip().casefold()
    for shade in _SHADES:
        said = said.removeprefix(shade)
    if said in _NAMES:
        return _NAMES[said]
    found = _HEX.fullmatch(said)
    if found:
        digits = found[1] if len(found[1]) == 6 else "".join(sign * 2 for sign in found[1])
        return _nearest(*(int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)))
    found = _RGB.fullmatch(said)
    if found and all(part.count(".") <= 1 and part != "." for part in found.groups()):
        return _nearest(*(min(255.0, float(part)) / 255 for part in found.groups()))
    return ""


def mark_of(colour: str) -> Mark:
    """What a threshold's or a mapping's colour says: red is critical, orange and yellow warn, green is ok."""
    hue = hue_of(colour)
    return Mark(_LEVELS.get(hue, ""), hue)


def _nearest(red: float, green: float, blue: float) -> Hue:
    angle, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    if saturation < 0.15 or value < 0.12:
        return "grey"
    return next(hue for limit, hue in _WHEEL if angle * 360 <= limit)
