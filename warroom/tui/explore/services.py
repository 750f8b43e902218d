"""The services pane: who calls whom, how each fares, and the way from one to its traces, logs and metrics.

Invariant: a service that no source told anything of is shown as unknown, with the words why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import orjson
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from warroom.incident.observed import fitted
from warroom.telemetry import shapes
from warroom.telemetry.graph import ServiceGraph, ServiceNode
from warroom.tui.explore.screen import ExploreScreen, explore_bindings
from warroom.tui.explore.service_rows import Services, map_of, tallest
from warroom.tui.widgets.rows import RowList
from warroom.tui.widgets.strips import LineBar

_NOTHING = ServiceGraph((), ())


class ServicesScreen(ExploreScreen):
    """The map above, the list below."""

    PANE = "services"
    TITLE_TEXT = "Services"
    SCOPE = "services"
    REFRESH = 30.0
    BINDINGS: ClassVar[list[BindingType]] = explore_bindings("services")

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.graph = _NOTHING
        self._pinned_data = False
        self._wanted = ""
        self._next: Callable[[], None] | None = None

    def compose_body(self) -> ComposeResult:
        yield LineBar(id="map")
        yield LineBar(id="list-head")
        yield RowList("Services", id="services", empty="asking which services there are")

    def on_mount(self) -> None:
        self.query_one("#map", LineBar).paint_with(self._paint_map)
        self.query_one("#list-head", LineBar).paint_with(self._paint_heading)

    def focus_target(self) -> Widget | None:
        return self.query_one("#services", RowList)

    def head_note(self) -> str:
        ill = sum(node.health == "red" for node in self.graph.nodes)
        shaky = sum(node.health == "amber" for node in self.graph.nodes)
        from_ = f", from {' and '.join(self.graph.sources)}" if self.graph.sources else ""
        return f"{len(self.graph.nodes)} services, {ill} red, {shaky} amber{from_}" if self.graph.nodes else ""

    def ask_now(self) -> None:
        if self._pinned_data:
            return
        start, end = self.bounds()
        self.ask("services", self._came, start=start, end=end)

    def _came(self, result: Any) -> None:
        self._take(shapes.read(ServiceGraph, result))

    def _take(self, graph: ServiceGraph) -> None:
        self.graph = graph
        self.words = "; ".join(graph.warnings)
        rows = self.query_one("#services", RowList)
        rows.set_empty("no source knows of a service in this time")
        rows.show(Services(graph))
        if self._wanted:
            rows.select(self._wanted)
            self._wanted = ""
        if rows.selected_row is None and graph.nodes:
            rows.select(rows.source.key(rows.source.row(0)))
        if self._next is not None and graph.nodes and self.is_current:
            self._next()
        self._next = None
        self.query_one("#map").styles.max_height = min(14, tallest(graph) + 2)
        self._redraw_map()
        self.redraw_head()

    @property
    def chosen(self) -> ServiceNode | None:
        """The selected service."""
        row = self.query_one("#services", RowList).selected_row
        return row if isinstance(row, ServiceNode) else None

    def _paint_map(self, width: int, height: int, palette: Any) -> Any:
        chosen = self.chosen
        return map_of(self.graph, "" if chosen is None else chosen.name, width - 2, height, palette)

    def _paint_heading(self, width: int, _height: int, palette: Any) -> Any:
        inner = self.query_one("#services", RowList).scrollable_content_region.width - 1
        return [[("  ", Style.null()), *Services.heading(min(width, inner), palette)]] if self.graph.nodes else [[]]

    def _redraw_map(self) -> None:
        for name in ("#map", "#list-head"):
            self.query_one(name, LineBar).redraw()

    def on_row_list_highlighted(self, event: RowList.Highlighted) -> None:
        """The map turns around the selected service."""
        event.stop()
        self._redraw_map()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Enter shows the service's traces."""
        event.stop()
        self.do_open_traces()

    # Keys

    def failed(self, words: str) -> None:
        self._next = None

    def _with_service(self, go: Callable[[ServiceNode], None]) -> None:
        """Go on from the selected service; a key that came before the list is heeded when that is there."""
        chosen = self.chosen
        if chosen is not None:
            go(chosen)
        elif self.busy:
            self._next = lambda: self._with_service(go)
        else:
            self.console.tell(self.words or "no source knows of a service in this time; t takes another", "warning")

    def _go(self, chosen: ServiceNode, pane: str, **shown: Any) -> None:
        name = chosen.name.replace("\\", "\\\\").replace('"', '\\"')
        made = {key: value.replace("$name", name) if isinstance(value, str) else value for key, value in shown.items()}
        if "queries" in made:
            made["queries"] = [query.replace("$name", name) for query in made["queries"]]
        self.console.open_pane(self.incident, pane, {"pane": pane, **made, **self.range_shown()})

    def do_open_traces(self) -> None:
        """Traces of the selected service, failed ones first if it is ill."""

        def go(one: ServiceNode) -> None:
            fails = one.health in ("red", "amber") and one.error_ratio
            self._go(one, "traces", query="$name error" if fails else "$name")

        self._with_service(go)

    def do_open_logs(self) -> None:
        """Logs of the selected service."""
        self._with_service(lambda one: self._go(one, "logs", query='{service_name="$name"}'))

    def do_open_metrics(self) -> None:
        """Rate by operation, as its spans tell."""
        rate = 'sum by (span_name) (rate(traces_span_metrics_calls_total{service_name="$name"}[5m]))'
        self._with_service(lambda one: self._go(one, "metrics", queries=[rate]))

    # For others

    def selected(self) -> Any:
        return self.chosen

    def shown(self) -> dict[str, Any]:
        chosen = self.chosen
        return {"pane": "services", "service": "" if chosen is None else chosen.name, **self.range_shown()}

    def show(self, shown: Mapping[str, Any]) -> None:
        if "data" in shown:
            self._pinned_data = True
            self._take(shapes.read(ServiceGraph, orjson.loads(shown["data"])))
            return
        self._pinned_data = False
        self.take_range(shown)
        self._wanted = str(shown.get("service", ""))
        self.ask_now()

    def evidence(self) -> dict[str, Any] | None:
        if not self.graph.nodes:
            return None
        ill = sum(node.health == "red" for node in self.graph.nodes)
        return {
            "kind": "services",
            "title": f"{len(self.graph.nodes)} services, {ill} red",
            "source": (self.graph.sources or ("jaeger",))[0],
            "data": fitted("services", shapes.plain(self.graph)),
        }
