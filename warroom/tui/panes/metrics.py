"""From watched panels and the incident's own events to what the charts draw."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from warroom.client.view import PanelView
from warroom.incident.state import IncidentState
from warroom.incident.words import Milestone
from warroom.tui.widgets.chart_data import ChartData, Marker, Series, State, Threshold


def chart_data(
    spec: Mapping[str, Any], view: PanelView | None, markers: tuple[Marker, ...], now: datetime, zone: tzinfo
) -> ChartData:
    """The chart of one panel. Troubles become words: which backend, since when, and the last value is kept."""
    title, unit = str(spec.get("title", "")), str(spec.get("unit", "")) or "none"
    thresholds = tuple(
        Threshold(float(one["value"]), str(one.get("label", "")), upper=bool(one.get("above", True)))
        for one in spec.get("thresholds", ())
    )
    window = float(spec.get("window", 3600))
    end = now.timestamp()
    series: tuple[Series, ...] = ()
    state: State = "loading"
    message = "asking the server"
    full = None if view is None else view.full
    if full is not None:
        series = tuple(Series(one.legend, one.times, one.values) for one in full.series)
        end = full.newest
        state, message = ("ok", "") if full.series else ("empty", "no data: the query gave no series")
    if view is not None and view.trouble is not None:
        trouble = view.trouble
        since = datetime.fromtimestamp(trouble.since, tz=zone).strftime("%H:%M")
        kept = any(last is not None for last in (one.last for one in full.series)) if full is not None else False
        state = "stale" if kept or trouble.last else "error"
        about = f"{trouble.source.capitalize()} {trouble.reason.replace('-', ' ')} since {since}"
        message = about if state == "stale" else f"{about}: {trouble.message}"
    inside = tuple(marker for marker in markers if end - window <= marker.time <= end)
    return ChartData(title, unit, series, thresholds, inside, end - window, end, state, message)


def chart_evidence(data: ChartData, query: str, step: float, source: str = "prometheus") -> dict[str, Any]:
    """A chart's data as the evidence of a command that pins it; `step` in seconds."""
    return {
        "title": data.title[:190],
        "query": query,
        "source": source,
        "unit": data.unit,
        "start": _iso(data.start),
        "end": _iso(data.end),
        "step_seconds": step,
        "series": [
            {"label": one.label[:190], "times": list(one.times), "values": [_finite(value) for value in one.values]}
            for one in data.series[:20]
        ],
    }


def _iso(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, tz=UTC).isoformat()


def _finite(value: float | None) -> float | None:
    return value if value is not None and value - value == 0 else None


def markers_of(state: IncidentState) -> tuple[Marker, ...]:
    """The incident's events that belong on a time axis: declared, status changes, changes, pinned notes, alerts."""
    found: list[Marker] = []
    began = state.milestones.get(Milestone.IMPACT_STARTED)
    if began is not None:
        found.append(Marker(began.timestamp(), "incident", "impact began"))
    declared = state.milestones.get(Milestone.DECLARED)
    if declared is not None:
        found.append(Marker(declared.timestamp(), "declared", "declared"))
    found += [Marker(when.timestamp(), "status", status.value) for status, when in state.statuses[1:]]
    found += [Marker(one.at.timestamp(), "deploy", f"{one.kind} {one.version}".strip()) for one in state.changes]
    pinned = (state.entry(seq) for seq in state.pins)
    found += [Marker(entry.occurred_at.timestamp(), "note", entry.words) for entry in pinned if entry is not None]
    return tuple(sorted(found, key=lambda marker: marker.time))
