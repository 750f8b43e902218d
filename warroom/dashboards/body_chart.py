"""The body of a chart: lines with their axes, stacks, thresholds and the numbers of their legend.

Invariant: pure. Every numeric field beside a time becomes a line, in the order of the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from warroom.dashboards.calcs import calc_of
from warroom.dashboards.data import Axis, Chart, Line, Reading
from warroom.dashboards.fields import Show, is_hidden
from warroom.dashboards.said import flag, number, part, text, texts
from warroom.dashboards.units import shown
from warroom.dashboards.view import Column, View

MOST_LINES = 500


def chart(view: View) -> Chart:
    """The chart of a panel."""
    columns = [one for one in view.columns() if one.frame.time is not None]
    if len(columns) > MOST_LINES:
        view.notes.append(f"shows the first {MOST_LINES} of {len(columns)} series")
    legend = view.option("legend")
    calcs = texts(legend, "calcs")
    axes: dict[tuple[Any, ...], int] = {}
    made: list[Axis] = []
    lines: list[Line] = []
    for one in columns[:MOST_LINES]:
        axis = _axis(one.show, first=not made)
        key = (axis.unit, axis.log, text(one.show.custom, "axisPlacement", "auto"))
        if key not in axes:
            axes[key] = len(made)
            made.append(axis)
        lines.append(_line(one, axes[key], calcs))
    mode = text(legend, "displayMode", "list")
    visible = flag(legend, "showLegend", True) and mode != "hidden"
    first = columns[0].show if columns else None
    return Chart(
        lines=_filled_between(lines, [one.show for one in columns[:MOST_LINES]]),
        axes=tuple(made) or (Axis(),),
        start=view.start,
        end=view.end,
        stacking=_stacking([one.show for one in columns]),
        limits=first.limits_in(*view.ends) if first and (_limits_style(first) or first.by_thresholds) else (),
        show_limits=_limits_style(first),
        legend=("table" if mode == "table" else "list") if visible else "",
        legend_side="right" if text(legend, "placement") == "right" else "bottom",
    )


def _axis(show: Show, *, first: bool) -> Axis:
    custom = show.custom
    placement = text(custom, "axisPlacement", "auto")
    scale = part(custom, "scaleDistribution")
    base = int(number(scale, "log") or 2) if text(scale, "type") in {"log", "symlog"} else 0
    low, high = number(custom, "axisSoftMin"), number(custom, "axisSoftMax")
    return Axis(
        unit=show.unit,
        decimals=show.decimals,
        low=show.low if show.low is not None else low,
        high=show.high if show.high is not None else high,
        log=0 if base == 0 else 10 if base > 2 else 2,
        label=text(custom, "axisLabel"),
        right=placement == "right" or (placement == "auto" and not first),
        hidden=placement == "hidden",
    )


def _stacking(shows: Sequence[Show]) -> Literal["", "normal", "percent"]:
    modes = {text(part(one.custom, "stacking"), "mode") for one in shows}
    return "percent" if "percent" in modes else "normal" if "normal" in modes else ""


def _limits_style(show: Show | None) -> Literal["", "lines", "areas"]:
    mode = text(part(show.custom, "thresholdsStyle"), "mode") if show else ""
    return "lines" if mode.startswith(("line", "dashed")) else "areas" if mode.startswith("area") else ""


def _draw(show: Show) -> Literal["line", "steps", "bars", "points"]:
    style = text(show.custom, "drawStyle", "line")
    if style == "bars":
        return "bars"
    if style == "points":
        return "points"
    return "steps" if text(show.custom, "lineInterpolation").startswith("step") else "line"


def _line(column: Column, axis: int, calcs: Sequence[str]) -> Line:
    show, custom = column.show, column.show.custom
    values: tuple[float | None, ...] = tuple(column.field.numbers)
    if flag(custom, "nullAsZero"):
        values = tuple(0.0 if one is None else one for one in values)
    if text(custom, "transform") == "negative-Y":
        values = tuple(None if one is None else -one for one in values)
    stacking = part(custom, "stacking")
    # An override that takes one series out of the stack says `group: false`.
    stacked = text(stacking, "mode") in {"normal", "percent"} and stacking.get("group") is not False
    time = column.frame.time
    times = tuple(at or 0.0 for at in time.numbers) if time else ()
    return Line(
        name=show.name,
        times=times,
        values=values,
        unit=show.unit,
        decimals=show.decimals,
        axis=axis,
        draw=_draw(show),
        points=text(custom, "showPoints") == "always",
        fill=min(max((number(custom, "fillOpacity") or 0.0) / 100, 0.0), 1.0),
        dashed=text(part(custom, "lineStyle"), "fill") in {"dash", "dot"},
        stack=(text(stacking, "group") or "A") if stacked else "",
        joins_gaps=custom.get("spanNulls") is True or (number(custom, "spanNulls") or 0) > 0,
        hue=show.hue,
        in_legend=not is_hidden(show, "legend"),
        legend=_legend(show, values, calcs),
    )


def _legend(show: Show, values: Sequence[float | None], calcs: Sequence[str]) -> tuple[Reading, ...]:
    found = []
    for name in calcs:
        calc = calc_of(name)
        if calc:
            value = calc.of(values)
            plain = Reading(calc.name, value, shown(value, "percentunit" if name == "diffperc" else "none"))
            found.append(show.reading(calc.name, value) if calc.keeps_unit else plain)
    return tuple(found)


def _filled_between(lines: Sequence[Line], shows: Sequence[Show]) -> tuple[Line, ...]:
    """Lines whose area ends at another line, by its name."""
    places = {one.name: at for at, one in enumerate(lines)}
    wanted = (text(one.custom, "fillBelowTo") for one in shows)
    return tuple(
        replace(one, below=places[name]) if name in places and places[name] != at else one
        for at, (one, name) in enumerate(zip(lines, wanted, strict=True))
    )
