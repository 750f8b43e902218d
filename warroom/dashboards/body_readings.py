"""The body of a few numbers: stat, gauge, bars, slices.

Invariant: pure. One tile for each series and calculation, or for each row where all values are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from warroom.dashboards.calcs import calc_of, calculated
from warroom.dashboards.data import PLAIN, Cell, Line, Reading, Readings, Tile
from warroom.dashboards.fields import Show
from warroom.dashboards.patterns import finds
from warroom.dashboards.said import flag, text, texts, whole
from warroom.dashboards.tables import Field, Frame
from warroom.dashboards.units import shown
from warroom.dashboards.view import Column, View

MOST_TILES = 500
_WHOLES = {"percent": (0.0, 100.0), "percentunit": (0.0, 1.0)}
_TEXTS: dict[str, Literal["auto", "value", "value_and_name", "name", "none"]] = {
    "value": "value", "value_and_name": "value_and_name", "name": "name", "none": "none",
}  # fmt: skip


def readings(view: View) -> Readings:
    """The numbers of a stat, gauge, bargauge, piechart or barchart panel."""
    kind = view.panel.kind
    found = _bars_of_table(view) if kind == "barchart" else _reduced(view)
    low, high = _scale(view, [show for show, _, _ in found], [tile.reading.value for _, tile, _ in found])
    tiles = [replace(tile, share=_share(show, tile.reading.value, low, high)) for show, tile, _ in found]
    if kind == "piechart":
        tiles = _slices(tiles)
    first = found[0][0] if found else None
    mode = text(view.options, "colorMode", "value")
    if mode == "none" and kind == "stat":
        tiles = [replace(one, reading=replace(one.reading, mark=PLAIN)) for one in tiles]
    return Readings(
        style={"stat": "stat", "gauge": "gauge", "piechart": "slices"}.get(kind, "bars"),  # type: ignore[arg-type]
        tiles=tuple(tiles[:MOST_TILES]),
        limits=first.limits_in(low, high) if first else (),
        low=low,
        high=high,
        unit=first.unit if first else "",
        decimals=first.decimals if first else None,
        text_is=_TEXTS.get(text(view.options, "textMode"), "auto"),
        tint="" if mode == "none" else "background" if mode.startswith("background") else "value",
        upright=text(view.options, "orientation", "auto") == "vertical",
    )


Found = tuple[Show, Tile, Field]


def _reduced(view: View) -> list[Found]:
    options = view.option("reduceOptions")
    if flag(options, "values"):
        return _rows(view, whole(options, "limit", 25, 1, MOST_TILES))
    calcs = texts(options, "calcs") or ("lastNotNull",)
    made: list[Found] = []
    for one in _picked(view, text(options, "fields")):
        for name in calcs:
            made.append(_tile(view, one, name, several=len(calcs) > 1))
    if text(view.option("text"), "valueSort") or view.panel.kind == "piechart":
        made.sort(key=lambda item: -(item[1].reading.value or 0.0))
    return made


def _picked(view: View, pattern: str) -> Iterable[Column]:
    if not pattern:
        return view.columns()
    every = view.columns(numeric=False, times=True)
    if pattern.startswith("/"):
        return (one for one in every if any(finds(pattern, name) for name in _known_as(one)))
    return (one for one in every if pattern in _known_as(one))


def _known_as(one: Column) -> tuple[str, ...]:
    """The names by which an author may mean a field; Grafana calls a series without labels `{}`."""
    bare = one.field.kind == "number" and not one.field.labels
    return (one.show.name, "{}") if bare else (one.show.name,)


def _tile(view: View, one: Column, name: str, *, several: bool) -> Found:
    calc = calc_of(name)
    title = f"{one.show.name} {calc.name}" if several and calc else one.show.name
    if one.field.kind in {"text", "other", "time"}:
        values = [value for value in one.field.values if value is not None]
        cell = one.show.cell(values[-1] if values else None, one.field.kind)
        return one.show, Tile(Reading(title, None, cell.text, cell.mark)), one.field
    numbers = one.field.numbers
    value = calculated(name, numbers)
    reading = one.show.reading(title, value, *view.ends)
    change = ""
    if flag(view.options, "showPercentChange"):
        share = calculated("diffperc", numbers)
        change = "" if share is None else f"{'+' if share > 0 else ''}{shown(share, 'percentunit')}"
    wants_graph = view.panel.kind == "stat" and text(view.options, "graphMode", "area") != "none"
    return one.show, Tile(reading, spark=_spark(one, numbers) if wants_graph else None, change=change), one.field


def _spark(one: Column, numbers: Sequence[float | None]) -> Line | None:
    time = one.frame.time
    if time is None or len(numbers) < 2:
        return None
    return Line(one.show.name, tuple(at or 0.0 for at in time.numbers), tuple(numbers), one.show.unit, hue=one.show.hue)


def _rows(view: View, most: int) -> list[Found]:
    """Each row of a table as a tile, named by its first text."""
    made: list[Found] = []
    for one in view.columns():
        names = _names(view, one.frame)
        several = len(one.frame.numeric) > 1
        for at, value in enumerate(one.field.numbers):
            title = " ".join(part for part in (names[at], one.show.name if several or not names[at] else "") if part)
            made.append((one.show, Tile(one.show.reading(title, value, *view.ends)), one.field))
            if len(made) >= most:
                return made
    return made


def _names(view: View, frame: Frame) -> list[str]:
    named = next((one for one in frame.fields if one.kind == "text"), None)
    if named is None:
        return [""] * frame.length
    show = view.show(frame, named)
    return [_text(show.cell(value, "text")) for value in named.values]


def _text(cell: Cell) -> str:
    return cell.text


def _bars_of_table(view: View) -> list[Found]:
    """A bar for each row and number of a table; of series over time a bar for each sample."""
    made: list[Found] = []
    wanted = text(view.options, "xField")
    for frame in view.frames:
        across = frame.column(wanted) if wanted else None
        across = across or next((one for one in frame.fields if one.kind == "text"), None) or frame.time
        if across is None:
            continue
        naming = view.show(frame, across)
        names = [naming.cell(value, across.kind).text for value in across.values]
        bars = [one for one in view.columns() if one.frame is frame and one.field is not across]
        several = len(bars) > 1 or len(view.frames) > 1
        for at, name in enumerate(names[:MOST_TILES]):
            for one in bars:
                title = f"{name} · {one.show.name}" if several else name
                made.append((one.show, Tile(one.show.reading(title, one.field.numbers[at], *view.ends)), one.field))
    return made


def _scale(view: View, shows: Sequence[Show], values: Sequence[float | None]) -> tuple[float, float]:
    """The two ends of bars and gauges: the author's, those of a percentage, or what the values need."""
    kept = [one for one in values if one is not None and math.isfinite(one)]
    own_low, own_high = (next((end for end in ends if end is not None), None) for ends in (
        (one.low for one in shows), (one.high for one in shows)))  # fmt: skip
    usual = _WHOLES.get(shows[0].unit) if shows else None
    floor = min([0.0, *kept])
    top = max(kept, default=100.0) if view.panel.kind != "gauge" else max([100.0 if usual is None else 0.0, *kept])
    low = own_low if own_low is not None else usual[0] if usual else floor
    high = own_high if own_high is not None else max(usual[1], *kept) if usual and kept else usual[1] if usual else top
    return (low, high) if high > low else (low, low + 1.0)


def _share(show: Show, value: float | None, low: float, high: float) -> float | None:
    low = show.low if show.low is not None else low
    high = show.high if show.high is not None else high
    if value is None or not math.isfinite(value) or high <= low:
        return None
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _slices(tiles: Sequence[Tile]) -> list[Tile]:
    total = math.fsum(value for one in tiles if (value := one.reading.value) and value > 0 and math.isfinite(value))
    return [
        replace(one, share=min(one.reading.value / total, 1.0) if total and (one.reading.value or 0) > 0 else 0.0)
        if one.reading.value is not None and math.isfinite(one.reading.value)
        else replace(one, share=None)
        for one in tiles
    ]
