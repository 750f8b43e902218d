"""The metrics pane: PromQL, a chart with a cursor, the series as a table, and what an hour or a day ago was.

Invariant: several queries share one chart, one grid of times and one unit; a query that fails says so and hides no
other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any, ClassVar

import orjson
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from warroom.client.view import PanelView, View
from warroom.telemetry import series as wire_series
from warroom.telemetry.series import Full
from warroom.tui.explore.metric_chart import ExploreChart
from warroom.tui.explore.metric_completion import Completer
from warroom.tui.explore.metric_feed import COLUMNS, Feed, board_panel, grid_of, shifted
from warroom.tui.explore.metric_pinned import PinnedSeries, pinned_of
from warroom.tui.explore.metric_rows import SeriesTable, rows_of
from warroom.tui.explore.promql_line import unit_of
from warroom.tui.explore.screen import explore_bindings
from warroom.tui.panes.metrics import chart_evidence, markers_of
from warroom.tui.widgets.chart import ChartData, MetricChart, Series
from warroom.tui.widgets.prompt import Completion, Word
from warroom.tui.widgets.rows import RowList
from warroom.tui.widgets.strips import LineBar

LETTERS = "ABCDEF"
COMPARE = (("", 0.0), ("1h ago", 3600.0), ("1d ago", 86_400.0), ("1w ago", 604_800.0))
VIEWS = ("chart", "table", "sparklines")
MOST_SERIES = 20
"""Series drawn; the table has all of them."""


class MetricsScreen(PinnedSeries):
    """Explore metrics. `queries` are what is shown, `at` the one the query line edits."""

    PANE = "metrics"
    TITLE_TEXT = "Metrics"
    SCOPE = "explore-metrics"
    QUERY_HINT = 'PromQL: sum by (service) (rate(http_requests_total{status=~"5.."}[5m])); Tab completes'
    BINDINGS: ClassVar[list[BindingType]] = explore_bindings("explore-metrics")

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.queries: list[str] = []
        self.at = 0
        self.source = "prometheus"
        self.unit = ""
        self.view = 0
        self.compare = 0
        self._fulls: dict[str, Full] = {}
        self._compared: dict[str, Full] = {}
        self._panels: Mapping[str, PanelView] | None = None
        self._completer = Completer(self.ask_aside)
        self._feed: Feed | None = None
        self._proposed = False

    # Made of

    def compose_body(self) -> ComposeResult:
        yield ExploreChart("Metrics", id="explore-chart")
        yield LineBar(id="series-head")
        yield RowList("Series", id="series", empty="/ and a PromQL query")

    def on_mount(self) -> None:
        self._feed = Feed(self.console.bridge, self.incident)
        self.query_one("#series-head", LineBar).paint_with(self._paint_heading)
        self._completer.prepare()
        if not self.queries:
            self.query_one("#explore-chart", MetricChart).show(
                ChartData("Metrics", state="empty", message="/ opens the query line; Tab completes names and labels")
            )

    def on_unmount(self) -> None:
        if self._feed is not None:
            self._feed.stop()

    def focus_target(self) -> Widget | None:
        return self.query_one("#series" if VIEWS[self.view] == "table" else "#explore-chart")

    def head_note(self) -> str:
        parts = [f"{len(self.queries)} queries"] if len(self.queries) > 1 else []
        if self.pinned is not None:
            parts.append(f"evidence {self.pinned.number}")
        if self.compare:
            parts.append(f"beside {COMPARE[self.compare][0]}")
        if self.shared.cursor is not None:
            at = datetime.fromtimestamp(self.shared.cursor, self.zone)
            parts += [f"cursor {at:%H:%M:%S}", *self.exemplar_words(self._unit())]
        return ", ".join(parts)

    # Asking

    def ask_now(self) -> None:
        if self._feed is None or self.pinned is not None:
            return
        if not self.queries:
            self._propose()
            return
        self._grid = grid_of(self.range, self.now())
        self._asked_at = self.now()
        self.words = ""
        if self.range.live and self._feed.follow(self.queries, self.source, self.range):
            self._take_panels(self.console.view.panels)
        else:
            self._feed.stop()
            for query in self.queries:
                self._ask_range(query, 0.0)
        if self.compare:
            for query in self.queries:
                self._ask_range(query, COMPARE[self.compare][1])
        if self.exemplars_on:
            self._ask_exemplars()
        self._draw()

    def _propose(self) -> None:
        """Begin with the first panel of the incident's own services, once, rather than with nothing."""
        if self._proposed or not self.ask_aside("panels.for", self._panels_came):
            return
        self._proposed = True

    def _panels_came(self, future: Future[Any]) -> None:
        if future.exception() is not None or not self.is_mounted or self.queries:
            return
        panels = (future.result() or {}).get("panels", ())
        if panels:
            self.unit = str(panels[0].get("unit", ""))
            self.queries = [str(panels[0]["query"])]
            self.query_text = self.queries[0]
            self.ask_now()

    def _ask_range(self, query: str, ago: float) -> None:
        start, end, step = self._grid
        grid = self._grid

        def came(future: Future[Any]) -> None:
            if not self.is_mounted or grid != self._grid or query not in self.queries:
                return
            error = future.exception()
            if error is not None:
                self.words = f"{self._letter(query)}{error}"
            else:
                full = wire_series.decode(orjson.dumps(future.result()))
                if isinstance(full, Full):
                    (self._compared if ago else self._fulls)[query] = shifted(full, ago)
            self._draw()

        method = "explore" if self.source == "prometheus" else "logs.matrix"
        if not self.ask_aside(method, came, query=query, start=start - ago, end=end - ago, step=step):
            self.words = "not connected yet: this asks again as soon as there is a server"

    def _letter(self, query: str) -> str:
        return f"{LETTERS[self.queries.index(query)]}: " if len(self.queries) > 1 else ""

    def view_changed(self, view: View) -> None:
        if view.panels is not self._panels:
            self._panels = view.panels
            self._take_panels(view.panels)

    def _take_panels(self, panels: Mapping[str, PanelView]) -> None:
        """The newest samples of what is watched."""
        if self._feed is None or not self.range.live:
            return
        changed = False
        for query, view in self._feed.views(panels).items():
            if view.trouble is not None:
                self.words = f"{self._letter(query)}{view.trouble.message}"
                changed = True
            if view.full is not None and view.full is not self._fulls.get(query):
                self._fulls[query] = view.full
                changed = True
                if view.trouble is None:
                    self.words = ""
        if changed:
            self._draw()

    def range_changed(self) -> None:
        self._compared.clear()
        self._points = ()
        super().range_changed()

    # Drawing

    def _series(self) -> list[tuple[str, Series]]:
        if self.pinned is not None:
            return [(LETTERS[0], one) for one in self.pinned.series]
        found = []
        for place, query in enumerate(self.queries):
            full = self._fulls.get(query)
            if full is not None:
                found += [(LETTERS[place], Series(one.legend, one.times, one.values)) for one in full.series]
        return found

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        found = self._series()
        start, end = self.bounds()
        newest = max((full.newest for query, full in self._fulls.items() if query in self.queries), default=end)
        if self.range.live:
            start, end = newest - self.range.span, newest
        room = self.room
        markers = () if room is None else tuple(m for m in markers_of(room.state) if start <= m.time <= end)
        drawn = [one for _, one in found[:MOST_SERIES]]
        ghosts = [
            Series(f"{one.legend} {COMPARE[self.compare][0]}", one.times, one.values, hue="teal")
            for query in self.queries
            for one in (self._compared[query].series if self.compare and query in self._compared else ())
        ][:MOST_SERIES]
        unit = self._unit()
        state, message = self._state(found)
        data = ChartData(
            title=self._title(),
            unit=unit,
            series=(*drawn, *ghosts),
            markers=markers,
            start=start,
            end=end,
            state=state,
            message=message,
            points=self._points if self.exemplars_on else (),
            cursor=self.shared.cursor,
            area=len(drawn) == 1 and not ghosts,
            zone=self.zone,
        )
        self.query_one("#explore-chart", ExploreChart).show(data)
        self._draw_table(found, unit)
        self.redraw_head()

    def _unit(self) -> str:
        return self.unit or unit_of(self.queries[self.at]) if self.queries else "none"

    def _title(self) -> str:
        if self.pinned is not None:
            return self.pinned.title
        return self.queries[self.at] if len(self.queries) == 1 else "Metrics"

    def _state(self, found: Sequence[object]) -> tuple[Any, str]:
        if not self.queries:
            return "empty", "/ opens the query line; Tab completes names and labels"
        if self.words:
            return ("stale", self.words) if found else ("error", self.words)
        if found:
            return "ok", ""
        answered = all(query in self._fulls for query in self.queries)
        return ("empty", "no data: the query gave no series") if answered else ("loading", "asking the server")

    def _draw_table(self, found: Sequence[tuple[str, Series]], unit: str) -> None:
        table = SeriesTable(
            rows_of(found, self.shared.cursor),
            unit,
            sparks=VIEWS[self.view] == "sparklines",
            several=len(self.queries) > 1,
            at_cursor=self.shared.cursor is not None,
        )
        rows = self.query_one("#series", RowList)
        rows.show(table)
        rows.styles.max_height = max(5, len(found) + 2) if VIEWS[self.view] == "chart" else None
        more = f", {MOST_SERIES} drawn" if len(found) > MOST_SERIES else ""
        rows.set_note([(f"{len(found)} series{more}", Style.null())] if found else [])
        self.query_one("#series-head", LineBar).redraw()

    def _paint_heading(self, width: int, _height: int, palette: Any) -> Any:
        rows = self.query_one("#series", RowList)
        if not isinstance(rows.source, SeriesTable):
            return [[]]
        inner = rows.scrollable_content_region.width
        return [[("  ", Style.null()), *rows.source.heading(max(10, min(width, inner - 1)), palette)]]

    def ticked(self) -> None:
        if self.range.live and self.shared.cursor is None:
            self._grid = grid_of(self.range, self.now())

    def range_redrawn(self) -> None:
        super().range_redrawn()
        self._draw()

    # The query line

    def set_query(self, text: str) -> None:
        if not text:
            self.do_remove_query()
            return
        self.unpin()
        if self.queries:
            self.queries[self.at] = text
        else:
            self.queries.append(text)
        self._keep_known()
        super().set_query(text)

    def _keep_known(self) -> None:
        """Forget what belongs to queries that are not shown any more."""
        self._fulls = {query: full for query, full in self._fulls.items() if query in self.queries}
        self._compared.clear()
        self._points = ()

    def complete_query(self, word: Word) -> Sequence[Completion]:
        return self._completer.complete(word)

    # Keys

    def action_move_cursor(self, columns: int) -> None:
        """Move the cursor by so many points; the first time it starts at the end."""
        start, end = self.bounds()
        step = self.range.step(COLUMNS)
        before = self.shared.cursor
        at = end - step if before is None or not start <= before <= end else before + columns * step
        self.shared.cursor = min(max(at, start), end)
        self._draw()

    def step_back(self) -> bool:
        if self.shared.cursor is None:
            return False
        self.shared.cursor = None
        self._draw()
        return True

    def do_add_query(self) -> None:
        """One more query on the same chart."""
        if len(self.queries) >= len(LETTERS):
            self.console.tell(f"at most {len(LETTERS)} queries share a chart", "warning")
            return
        self.open_prompt("add", self.QUERY_HINT)

    def prompt_sent(self, purpose: str, text: str) -> None:
        if purpose == "add":
            if text and text not in self.queries:
                self.unpin()
                self.queries.append(text)
                self.at = len(self.queries) - 1
                super().set_query(text)
        elif purpose == "unit":
            self.unit = text
            self._draw()
        else:
            super().prompt_sent(purpose, text)

    def do_next_query(self) -> None:
        """The query line edits the next query."""
        if self.queries:
            self.at = (self.at + 1) % len(self.queries)
            self.query_text = self.queries[self.at]
            self.redraw_head()

    def do_remove_query(self) -> None:
        """Take the query at hand off the chart."""
        self.unpin()
        if self.queries:
            del self.queries[self.at]
            self.at = max(0, min(self.at, len(self.queries) - 1))
            self.query_text = self.queries[self.at] if self.queries else ""
            self._keep_known()
            if not self.queries and self._feed is not None:
                self._feed.stop()
            self.ask_now()
            self._draw()

    def do_change_view(self) -> None:
        """Chart, table, sparklines."""
        self.view = (self.view + 1) % len(VIEWS)
        self.query_one("#explore-chart").display = VIEWS[self.view] == "chart"
        self._refocus()
        self._draw()

    def do_compare(self) -> None:
        """Beside an hour, a day, a week ago."""
        self.compare = (self.compare + 1) % len(COMPARE)
        self._compared.clear()
        self.ask_now()

    def do_change_unit(self) -> None:
        """Say the unit, where the guess is wrong."""
        self.open_prompt("unit", "seconds, bytes, ratio, percent, per_second, cores, none; empty guesses again")

    def do_add_to_board(self) -> None:
        """Put the query at hand onto the room's board, for all."""
        if not self.queries:
            self.console.tell("there is no query to put onto the board", "warning")
            return
        panel = board_panel(self.queries[self.at], self._unit(), self.source, self.range)
        self.console.submit({"type": "add-panel", "panel": panel}, self.incident, self._added)

    def _added(self, settled: Any) -> None:
        if settled.accepted:
            self.console.tell("it is on the board, for everybody")

    # For others

    def selected(self) -> Any:
        return self.query_one("#series", RowList).selected_row

    def shown(self) -> dict[str, Any]:
        return {
            "pane": "metrics",
            "queries": list(self.queries),
            "source": self.source,
            "unit": self.unit,
            "view": VIEWS[self.view],
            "cursor": self.shared.cursor,
            **self.range_shown(),
        }

    def _show_pinned(self, shown: Mapping[str, Any]) -> None:
        """Series from the incident's log: no server is asked."""
        self.pinned = pinned_of(shown)
        self.queries, self.at, self.query_text = [str(shown["query"])], 0, str(shown["query"])
        self.source, self.unit, self.words = str(shown.get("source") or "prometheus"), str(shown.get("unit", "")), ""
        self._grid = *self.bounds(), self.pinned.step
        if self._feed is not None:
            self._feed.stop()
        self._keep_known()
        self.call_after_refresh(self._draw)  # a pane that opens with it is not mounted yet

    def show(self, shown: Mapping[str, Any]) -> None:
        if "series" in shown:
            self._show_pinned(shown)
            return
        self.pinned = None
        self.take_range(shown)
        self.queries = [str(query) for query in shown["queries"]][: len(LETTERS)]
        self.at = 0
        self.query_text = self.queries[0] if self.queries else ""
        self.source = str(shown.get("source", "prometheus"))
        self.unit = str(shown.get("unit", ""))
        if shown.get("view") in VIEWS:
            self.view = VIEWS.index(shown["view"])
            self.query_one("#explore-chart").display = VIEWS[self.view] == "chart"
        cursor = shown.get("cursor")
        self.shared.cursor = None if cursor is None else float(cursor)
        self._keep_known()
        self.ask_now()
        self._draw()

    def evidence(self) -> dict[str, Any] | None:
        found = self._series()
        if not found:
            return None
        chart = self.query_one("#explore-chart", ExploreChart)
        return chart_evidence(chart.data, "; ".join(self.queries), self._grid[2], self.source)
