"""Curves of a report as inline SVG and as text: what users felt against what the team did, and what it believed.

Invariant: every word from a log or a scenario is escaped, and a drawing needs nothing from outside the page. Colours
are the page's own, by class, so that a drawing follows light, dark and print.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

from warroom.review.text_chart import text_chart
from warroom.tabletop.score.decay import clock

WIDTH, LEFT, RIGHT = 960, 58, 14
_POINTS = 480
"""Points of a line: as many as can be told apart."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on a lane, at a second or from one to another. `kind` is a class of the page: good, bad, plain.

    `short` stands beside it, for what is printed.
    """

    start: float
    end: float | None
    label: str
    kind: str = "plain"
    short: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve: (second, value) in order; `kind` is a class of the page. `step` holds a value until the next."""

    label: str
    points: tuple[tuple[float, float], ...]
    kind: str
    step: bool = False
    area: bool = False


def sampled(values: Sequence[float], until: int) -> tuple[tuple[float, float], ...]:
    """A list with one value a second, thinned so that peaks stay."""
    kept = values[: until + 1]
    if not kept:
        return ()
    width = max(1, -(-len(kept) // _POINTS))
    return tuple(
        (float(start + width / 2 if width > 1 else start), max(kept[start : start + width]))
        for start in range(0, len(kept), width)
    )


def chart(
    lines: Sequence[Line],
    until: float,
    *,
    title: str,
    top: float | None = None,
    told: Callable[[float], str] = lambda value: f"{round(value * 100, 2):g}%",
    lanes: Sequence[tuple[str, Sequence[Mark]]] = (),
    verticals: Sequence[Mark] = (),
    height: int = 220,
) -> str:
    """The lines over one time axis, with lanes of marks below."""
    until = max(60.0, until)
    peak = top or _nice(max((value for line in lines for _, value in line.points), default=0.0))
    x = _scale(until)
    low = 18 + height
    whole = low + 24 + 26 * len(lanes) + 8

    def y(value: float) -> float:
        return round(low - height * min(value, peak) / peak, 1)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {whole}" role="img" aria-label="{escape(title)}" class="chart">',
        f"<title>{escape(title)}</title>",
        *_axes(until, peak, low, height, x, y, told),
        *(_line(line, x, y, low) for line in sorted(lines, key=lambda one: not one.area) if line.points),
        *(_vertical(mark, x, low, height) for mark in verticals),
    ]
    for place, (name, marks) in enumerate(lanes):
        parts += _lane(name, marks, low + 44 + 26 * place, x, until)
    return "".join([*parts, "</svg>"])


def text_curve(values: Sequence[float], until: int, width: int = 72) -> list[str]:
    """A list with one value a second as a chart of text, in per cent, with the times below."""
    rows = text_chart([value * 100 for value in values[: until + 1]], width=width)
    if not rows:
        return []
    pad = rows[-1].index("└") + 1
    drawn = len(rows[-1]) - pad
    end = clock(until)
    return [*rows, f"{'':{pad}}{'0:00':<{max(0, drawn - len(end))}}{end}"]


def text_lane(marks: Iterable[Mark], until: float, letter: str, pad: int, width: int = 72) -> str:
    """A lane of a text chart: a letter where something happened, a line for as long as it took."""
    cells = [" "] * width
    for mark in marks:
        first = min(width - 1, int(mark.start / max(1.0, until) * width))
        last = first if mark.end is None else min(width - 1, int(mark.end / max(1.0, until) * width))
        for place in range(first, last + 1):
            cells[place] = "─" if cells[place] == " " else cells[place]
        cells[first] = letter
    return f"{'':{pad}}{''.join(cells).rstrip()}"


def _scale(until: float) -> Callable[[float], float]:
    return lambda second: round(LEFT + (WIDTH - LEFT - RIGHT) * min(max(second, 0.0), until) / until, 1)


def _nice(value: float) -> float:
    """A round number above the value, at least one per cent."""
    for limit in (0.01, 0.02, 0.04, 0.08, 0.2, 0.4, 0.6, 0.8):
        if value <= limit:
            return limit
    return 1.0


def _axes(
    until: float, peak: float, low: int, height: int, x: Callable[[float], float], y: Callable[[float], float],
    told: Callable[[float], str],
) -> Iterable[str]:  # fmt: skip
    for part in range(5):
        value = peak * part / 4
        at = y(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>'
        yield f'<text class="axis" x="{LEFT - 8}" y="{at + 4}" text-anchor="end">{escape(told(value))}</text>'
    step = next((one for one in (60, 120, 300, 600, 900, 1800, 3600) if until / one <= 12), 7200)
    second = 0
    while second <= until:
        at = x(second)
        yield f'<line class="grid" x1="{at}" x2="{at}" y1="{low - height}" y2="{low + 4}"/>'
        yield f'<text class="axis" x="{at}" y="{low + 18}" text-anchor="middle">{clock(second)}</text>'
        second += step


def _line(line: Line, x: Callable[[float], float], y: Callable[[float], float], low: int) -> str:
    places: list[str] = []
    for at, (second, value) in enumerate(line.points):
        if line.step and at:
            places.append(f"{x(second)},{y(line.points[at - 1][1])}")
        places.append(f"{x(second)},{y(value)}")
    about = f"<title>{escape(line.label)}</title>"
    path = " ".join(places)
    stroke = f'<polyline class="line {line.kind}" points="{path}">{about}</polyline>'
    if not line.area:
        return stroke
    first, last = x(line.points[0][0]), x(line.points[-1][0])
    return f'<polygon class="area {line.kind}" points="{first},{low} {path} {last},{low}">{about}</polygon>{stroke}'


def _vertical(mark: Mark, x: Callable[[float], float], low: int, height: int) -> str:
    at = x(mark.start)
    turned = "end" if at > WIDTH - 150 else "start"
    beside = at - 4 if turned == "end" else at + 4
    about = f"<title>{escape(mark.label)} at {clock(mark.start)}</title>"
    return (
        f'<g class="moment {mark.kind}">{about}<line x1="{at}" x2="{at}" y1="{low - height}" y2="{low}"/>'
        f'<text x="{beside}" y="{low - height - 6}" text-anchor="{turned}">{escape(mark.label)}</text></g>'
    )


def _lane(name: str, marks: Sequence[Mark], at: int, x: Callable[[float], float], until: float) -> Iterable[str]:
    yield f'<text class="lane" x="{LEFT - 8}" y="{at + 4}" text-anchor="end">{escape(name)}</text>'
    yield f'<line class="rail" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>'
    for mark in marks:
        if mark.start > until:
            continue
        start = x(mark.start)
        when = clock(mark.start) if mark.end is None else f"{clock(mark.start)} to {clock(mark.end)}"
        about = f"<title>{escape(mark.label)}, {when}</title>"
        if mark.end is None:
            yield f'<circle class="mark {mark.kind}" cx="{start}" cy="{at}" r="5">{about}</circle>'
        else:
            wide = max(6.0, round(x(mark.end) - start, 1))
            yield (
                f'<rect class="mark {mark.kind}" x="{start}" y="{at - 6}" width="{wide}" height="12" rx="3">'
                f"{about}</rect>"
            )
            if mark.short and start + wide < WIDTH - 190:
                yield f'<text class="beside" x="{start + wide + 6}" y="{at + 4}">{escape(mark.short)}</text>'
