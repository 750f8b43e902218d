"""A pinned chart as plain text, for documents: eighth blocks, an axis with its bounds, and the last value.

Invariant: pure; peaks survive downsampling, and a gap stays a blank.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_BLOCKS = " ▁▂▃▄▅▆▇█"


def columns(values: Sequence[float | None], width: int) -> list[float | None]:
    """The largest value of each of `width` equal stretches; None where a stretch has none."""
    count = len(values)
    if count <= width:
        return list(values)
    stretches = (values[count * at // width : count * (at + 1) // width] for at in range(width))
    return [max((v for v in one if v is not None and math.isfinite(v)), default=None) for one in stretches]


def text_chart(values: Sequence[float | None], *, width: int = 72, height: int = 6) -> list[str]:
    """Rows of text, top first, each with its level at the left; empty when there is no finite value.

    The axis begins at zero unless a value is below it.
    """
    drawn = columns(values, width)
    finite = [value for value in drawn if value is not None and math.isfinite(value)]
    if not finite:
        return []
    low, high = min(0.0, *finite), max(0.0, *finite)
    span = (high - low) or 1.0
    labels = {height - 1: number(high), 0: number(low)}
    pad = max(len(label) for label in labels.values())
    rows = []
    for row in range(height - 1, -1, -1):
        cells = "".join(_cell(value, low, span, row, height) for value in drawn)
        rows.append(f"{labels.get(row, ''):>{pad}} │{cells}".rstrip())
    return [*rows, f"{'':>{pad}} └{'─' * len(drawn)}"]


def _cell(value: float | None, low: float, span: float, row: int, height: int) -> str:
    if value is None or not math.isfinite(value):
        return " "
    eighths = round((value - low) / span * height * 8) - row * 8
    return _BLOCKS[max(0, min(8, eighths))]


def number(value: float) -> str:
    """A number in few characters: `1.2k`, `0.83`, `14`."""
    size = abs(value)
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= limit:
            return f"{value / (1e3 if letter == 'k' else limit):.3g}{letter}"
    return f"{value:.3g}" if size < 1000 else f"{value:.0f}"
