"""Exemplars on the chart of metrics: single measured requests, each a way into its trace.

Invariant: the points shown belong to the query at hand and to the range shown.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from warroom.telemetry import shapes
from warroom.telemetry.alerts import Exemplar
from warroom.tui.explore.metric_feed import grid_of
from warroom.tui.explore.screen import ExploreScreen
from warroom.tui.widgets.chart_data import Point
from warroom.tui.widgets.rows import RowList
from warroom.tui.widgets.units import shown


class ExemplarKeys(ExploreScreen):
    """The part of the metrics pane that shows exemplars."""

    queries: list[str]
    at: int

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.exemplars_on = False
        self._points: tuple[Point, ...] = ()
        self._grid = (0.0, 0.0, 15.0)

    @abstractmethod
    def _draw(self) -> None:
        """Draw the chart anew."""

    def _ask_exemplars(self) -> None:
        start, end, _ = self._grid

        def came(future: Future[Any]) -> None:
            if not self.is_mounted:
                return
            error = future.exception()
            if error is not None:
                self.console.tell(str(error), "warning")
                return
            found = [shapes.read(Exemplar, one) for one in future.result()["exemplars"]]
            self._points = tuple(Point(one.at, one.value, one.trace_id) for one in found)
            if not found:
                self.console.tell("no exemplars in this range: the server keeps none, or the metric has none")
            self._draw()

        self.ask_aside("metrics.exemplars", came, query=self.queries[self.at], start=start, end=end)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Enter means the same with the focus on the list of series."""
        event.stop()
        if self.exemplars_on:
            self.do_open_trace()

    def do_toggle_exemplars(self) -> None:
        """Single measured requests as points."""
        self.exemplars_on = not self.exemplars_on and bool(self.queries)
        if self.exemplars_on:
            self._grid = grid_of(self.range, self.now())
            self._ask_exemplars()
        self._draw()

    def do_next_exemplar(self) -> None:
        """The cursor goes to the next point."""
        self._to_point(1)

    def do_previous_exemplar(self) -> None:
        """The cursor goes to the point before."""
        self._to_point(-1)

    def _to_point(self, way: int) -> None:
        times = sorted(point.time for point in self._points)
        at = self.shared.cursor
        start, end = self.bounds()
        ahead = [t for t in times if t > (start if at is None else at)] if way > 0 else [
            t for t in reversed(times) if t < (end if at is None else at)
        ]  # fmt: skip
        if not ahead:
            self.console.tell("no further exemplar this way" if times else "x shows exemplars first")
            return
        self.shared.cursor = ahead[0]
        self._draw()

    def exemplar_words(self, unit: str) -> list[str]:
        """What the head says of the exemplar that the cursor stands on; nothing where there is none."""
        at, reach = self.shared.cursor, self._grid[2] / 2
        if at is None or not self.exemplars_on:
            return []
        near = [one for one in self._points if one.trace_id and abs(one.time - at) <= reach]
        nearest = min(near, key=lambda one: abs(one.time - at), default=None)
        return [] if nearest is None else [f"exemplar {shown(nearest.value, unit).text}: enter opens its trace"]

    def do_open_trace(self) -> None:
        """The trace of the exemplar nearest to the cursor."""
        at = self.shared.cursor
        named = [point for point in self._points if point.trace_id]
        if at is None or not named:
            self.console.tell("put the cursor on an exemplar first: x shows them, e goes to the next", "warning")
            return
        nearest = min(named, key=lambda point: abs(point.time - at))
        self.console.open_pane(self.incident, "traces", {"pane": "traces", "id": nearest.trace_id})
