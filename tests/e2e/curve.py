"""Reading a chart off the screen's cells, and holding it against the numbers it was drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.e2e.terminal import Terminal

_LEFT, _RIGHT = (0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80)
"""The dots of a braille character's two columns, from the top."""


@dataclass(frozen=True)
class Drawn:
    """A chart as a reader sees it.

    `value` is the big last value with its unit, `top` the number at the axis's upper end, `heights` how many dots
    stand in each of the plot's columns (two to a cell; None where a marker hides them) of `dots` at most.
    """

    value: str
    top: float
    dots: int
    heights: tuple[int | None, ...]
    threshold_row: int | None


def drawn(screen: Terminal, title: str) -> Drawn:
    """The chart with this title. AssertionError when there is none with a plot."""
    rows = screen.rows
    y, x = next(((y, row.index(f" {title} ")) for y, row in enumerate(rows) if f" {title} " in row), (-1, -1))
    assert y >= 0, f"no chart {title!r} on the screen of {screen.name}:\n{screen.text}"
    left, right = rows[y].rindex("╭", 0, x), rows[y].index("╮", x)
    inside = []
    for row in rows[y + 1 :]:
        if row[left] == "╰":
            break
        inside.append(row[left + 2 : right - 1])
    time_row = next((at for at, row in enumerate(inside) if row.rstrip().endswith("now")), -1)
    assert time_row > 2, f"{title!r} has no plot on the screen of {screen.name}:\n{screen.text}"
    start = inside[time_row].index("-")
    plot = [row[start:] for row in inside[1:time_row]]
    top = inside[1][:start].strip()
    dashed = (at for at, row in enumerate(plot) if "╌" in row)
    return Drawn(" ".join(inside[0].split()[:2]), _number(top), len(plot) * 4, _heights(plot), next(dashed, None))


def _number(label: str) -> float:
    return float(label.removesuffix("k")) * (1000 if label.endswith("k") else 1)


def _heights(plot: Sequence[str]) -> tuple[int | None, ...]:
    found: list[int | None] = []
    for column in zip(*plot, strict=True):
        masks = [ord(char) - 0x2800 if 0x2800 <= ord(char) <= 0x28FF else 0 for char in column]
        hidden = column[0] not in " ╌" and not 0x2800 <= ord(column[0]) <= 0x28FF
        for bits in (_LEFT, _RIGHT):
            found.append(None if hidden else sum(bool(mask & bit) for mask in masks for bit in bits))
    return tuple(found)


def misfits(
    chart: Drawn, samples: Sequence[tuple[float, float]], end: float, window: float, slack: float, factor: float
) -> list[str]:
    """What does not fit: columns whose height no sample near their time explains.

    Args:
        samples: (seconds, value) as Prometheus's API has them.
        end: the time at the right edge, as far as known; `slack` seconds are granted to either side.
        window: seconds that the plot shows.
        factor: from a value to the axis's numbers, 100 for a ratio.
    """
    wrong = []
    span = window / len(chart.heights)
    for at, height in enumerate(chart.heights):
        when = end - window + (at + 0.5) * span
        near = [value for time, value in samples if abs(time - when) <= span / 2 + slack]
        if height is None:
            continue
        dots = [value * factor / chart.top * (chart.dots - 1) + 1 for value in near]
        low, high = (min(dots) - 2, max(dots) + 2) if dots else (0, 0)
        edge = not dots or _begins_or_ends(samples, when, span / 2 + slack)
        if not (0 if edge else low) <= height <= high:
            wrong.append(f"column {at} is {height} dots high, not {low:.1f} to {high:.1f}")
    return wrong


def _begins_or_ends(samples: Sequence[tuple[float, float]], when: float, reach: float) -> bool:
    """Whether part of a column's time has no sample: then it may be as empty as that part."""
    return not samples or when - reach < samples[0][0] or when + reach > samples[-1][0]
