"""Whether a query is one that everybody was shown: by the spotlight, by a pin, or by a panel of the board.

Invariant: who may not query freely learns nothing by a query that the incident's leaders and responders did not put
in front of everybody; the query has to be the same text, and its range no wider than what was shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from warroom.incident.state import IncidentState
from warroom.incident.verdict import Reason
from warroom.server.asking import Question, Refused
from warroom.wire.messages import PanelSpec

SLACK = 120.0
"""Seconds by which a range may differ from the one shown: other clocks, whole steps."""
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Showing:
    """A query and when it is shown; `live` ranges move on with time."""

    query: str
    start: float
    end: float
    live: bool = False

    def covers(self, query: str, start: float, end: float) -> bool:
        """Whether asking that shows no more."""
        if query.strip() != self.query.strip():
            return False
        if self.live:
            return start >= self.start - SLACK and end - start <= self.end - self.start + SLACK
        return start >= self.start - SLACK and end <= self.end + SLACK


def may_query(ask: Question, method: str, params: Any) -> None:
    """Let a query through.

    Raises:
        Refused: the asker may not query freely, and this is not what everybody is shown.
    """
    needed = ask.desk.settings.explore
    if ask.actor.access.covers(needed):
        return
    room = ask.desk.lobby.rooms.get(params.incident or "")
    if room is not None:
        shown = room.spotlight.shown if room.spotlight is not None else {}
        if method == "traces.search":
            if _is_search(shown, params):
                return
        elif hasattr(params, "query"):
            start, end = _range_of(params)
            if any(one.covers(params.query, start, end) for one in showings(room.state, shown)):
                return
    words = f"{method} needs {needed} access, or a spotlight or pin that shows exactly this query"
    raise Refused(Reason.NOT_ALLOWED, words)


def showings(state: IncidentState, shown: Mapping[str, Any]) -> Iterator[Showing]:
    """Everything with a query that this incident shows to everybody."""
    start, end, live = _number(shown.get("start")), _number(shown.get("end")), bool(shown.get("live"))
    for query in _queries(shown):
        yield Showing(query, start, end, live)
    for pin in state.evidence:
        if pin.query and pin.start is not None and pin.end is not None:
            yield Showing(pin.query, pin.start.timestamp(), pin.end.timestamp())
    for panel in state.board:
        yield Showing(panel.query, -DAY, 7 * DAY, live=True)


def may_watch(state: IncidentState, shown: Mapping[str, Any], spec: PanelSpec, defaults: frozenset[str]) -> bool:
    """Whether a panel is one of the board's, of the spotlight's, or one of the incident's default panels."""
    wanted = spec.query.strip()
    return (
        wanted in defaults
        or any(wanted == panel.query.strip() for panel in state.board)
        or any(wanted == query.strip() for query in _queries(shown))
    )


def may_tail(state: IncidentState, shown: Mapping[str, Any], query: str) -> bool:
    """Whether the spotlight or a pin shows the lines of that query."""
    return any(one.query.strip() == query.strip() for one in showings(state, shown))


def _queries(shown: Mapping[str, Any]) -> Iterator[str]:
    """The queries of a spotlight: `query`, and `queries` as texts or as objects with a `query`."""
    several = shown.get("queries")
    for one in [shown.get("query"), *(several if isinstance(several, list | tuple) else ())]:
        query = one.get("query") if isinstance(one, Mapping) else one
        if isinstance(query, str) and query.strip():
            yield query


def _is_search(shown: Mapping[str, Any], params: Any) -> bool:
    """Whether the spotlight's search of traces has all that this one asks for, in a range that is not wider."""
    text = shown.get("query")
    if shown.get("pane") != "traces" or not isinstance(text, str):
        return False
    wanted = [params.service, params.operation, *(word for pair in params.tags for word in pair)]
    showing = Showing(text, _number(shown.get("start")), _number(shown.get("end")), bool(shown.get("live")))
    return all(word in text for word in wanted) and showing.covers(text, params.start, params.end)


def _range_of(params: Any) -> tuple[float, float]:
    at = getattr(params, "at", None)
    if hasattr(params, "start"):
        return params.start, params.end
    return (at, at) if at is not None else (0.0, 0.0)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
