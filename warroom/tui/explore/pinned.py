"""Pinned evidence as what a telemetry pane shows: read from the incident's log, so that no backend is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warroom.incident.state import EvidencePin, IncidentState

_PANES = {"metric": "metrics", "logs": "logs", "trace": "traces", "alerts": "alerts", "services": "services"}


def shown_of(pin: EvidencePin) -> dict[str, Any] | None:
    """What `ExploreScreen.show` turns into this evidence; None for a text, and where nothing was kept with it."""
    pane = _PANES.get(pin.kind, "")
    if not pane or not (pin.series if pin.kind == "metric" else pin.data):
        return None
    shown: dict[str, Any] = {"pane": pane, "evidence": pin.number, "title": pin.title, "query": pin.query}
    if pin.kind != "metric":
        return {**shown, "data": pin.data}
    times = [at for _, stamps, _ in pin.series for at in stamps]
    return {
        **shown,
        "source": pin.source,
        "unit": pin.unit,
        "series": pin.series,
        "start": min(times, default=0.0) if pin.start is None else pin.start.timestamp(),
        "end": max(times, default=1.0) if pin.end is None else pin.end.timestamp(),
        "step": pin.step_seconds or 15.0,
    }


def with_evidence(shown: Mapping[str, Any], state: IncidentState | None) -> Mapping[str, Any]:
    """The same, with the data of the evidence that it only names by its number.

    Raises:
        ValueError: there is no such evidence, or nothing of it can be drawn.
    """
    number = shown.get("evidence")
    if not number or "data" in shown or "series" in shown:
        return shown
    pins = () if state is None else state.evidence
    pin = pins[number - 1] if isinstance(number, int) and 0 < number <= len(pins) else None
    found = None if pin is None else shown_of(pin)
    if found is None or found["pane"] != shown.get("pane", found["pane"]):
        raise ValueError(f"the log has no evidence {number} to show here")
    return found
