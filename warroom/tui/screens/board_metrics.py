"""The board's charts: what people put on everybody's board first, then the panels of the incident's services.

Invariant: only the charts of the page in sight are watched, and each of them once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid
from textual.widget import Widget

from warroom.client.view import PanelView
from warroom.incident.state import BoardPanel, IncidentState
from warroom.tui.bindings import bindings_of
from warroom.tui.panes.metrics import chart_data, chart_evidence, markers_of
from warroom.tui.widgets.chart import MetricChart
from warroom.tui.widgets.chart_data import ChartData, Marker

if TYPE_CHECKING:
    from warroom.tui.app import WarroomApp

_TILES = 6


class Tile(MetricChart, can_focus=True):
    """One chart, which can be selected to pin its data."""

    spec: Mapping[str, Any]


class MetricsPane(Widget):
    """A page of up to six charts; every sample of them comes through the server."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of("metrics"),
        Binding("right,down,j", "app.focus_next", "Next chart", show=False),
        Binding("left,up,k", "app.focus_previous", "Chart before", show=False),
        Binding("pagedown", "turn(1)", "Next page of charts", show=False),
        Binding("pageup", "turn(-1)", "Page of charts before", show=False),
    ]
    ALLOW_MAXIMIZE: ClassVar[bool | None] = True

    def __init__(self, title: str, *, number: str, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.title_text, self.number = title, number
        self._incident = ""
        self._offered: list[Mapping[str, Any]] | None = None
        self._words = ""
        self._board: tuple[BoardPanel, ...] = ()
        self._page = 0
        self._specs: list[Mapping[str, Any]] = []
        self._keys: list[str] = []
        self._panels: Mapping[str, PanelView] = {}
        self._drawn: list[object] = []
        self._markers: tuple[Marker, ...] = ()

    def compose(self) -> ComposeResult:
        with Grid(id="tiles"):
            for place in range(_TILES):
                yield Tile("Metric", id=f"tile-{place}")

    def on_mount(self) -> None:
        self._say("waiting for the server's panels", "loading")

    @property
    def tiles(self) -> list[Tile]:
        """The charts in their order."""
        return [self.query_one(f"#tile-{place}", Tile) for place in range(_TILES)]

    def focus_target(self) -> Widget:
        """The first chart."""
        return self.tiles[0]

    @property
    def chosen(self) -> Tile | None:
        """The selected chart."""
        return next((tile for tile in self.tiles if tile.has_focus), None)

    def set_lookers(self, names: Sequence[str]) -> None:
        """Who looks at the metrics is told on the first chart."""
        self.tiles[0].set_lookers(names)

    # Which charts

    def offer(self, answer: Future[Any], incident: str) -> None:
        """Take the server's answer about which panels this incident's services have."""
        self._incident = incident
        error = answer.exception()
        result = {} if error is not None else answer.result() or {}
        self._offered = list(result.get("panels", ()))
        self._words = str(error) if error is not None else str(result.get("words", ""))
        self._lay(failed=error is not None)

    def show_board(self, board: tuple[BoardPanel, ...], incident: str) -> None:
        """Take over what people put on everybody's board."""
        self._incident, self._board = incident, board
        if board or self._offered is not None:
            self._lay()

    def action_turn(self, pages: int) -> None:
        """Another page of charts."""
        last = max(0, (len(self._wanted()) - 1) // _TILES)
        page = min(max(self._page + pages, 0), last)
        if page != self._page:
            self._page = page
            self._lay()

    def _wanted(self) -> list[Mapping[str, Any]]:
        return [*(spec_of(panel) for panel in self._board), *(self._offered or ())]

    def _lay(self, *, failed: bool = False) -> None:
        """Show the page, watching what is new on it and no more what is not."""
        wanted = self._wanted()
        self._page = min(self._page, max(0, (len(wanted) - 1) // _TILES))
        specs = wanted[self._page * _TILES : (self._page + 1) * _TILES]
        self._watch(specs)
        if not specs:
            words = self._words or "no panels; `warroom doctor` says how to add a metrics source"
            words = f"{words}: /services names them" if "names no service" in words else words
            self._say(words, "error" if failed else "empty")
            return
        for place, tile in enumerate(self.tiles):
            tile.display = place < len(specs)
            if tile.display:
                tile.spec = specs[place]
        self._arrange(len(specs))
        self._draw()

    def _watch(self, specs: list[Mapping[str, Any]]) -> None:
        app: WarroomApp = self.app  # type: ignore[assignment]
        wire = app.bridge.wire
        before = list(zip(self._specs, self._keys, strict=False))
        self._specs, self._keys = specs, []
        for spec in specs:
            known = next((pair for pair in before if pair[0] == spec), None)
            if known is not None:
                before.remove(known)
                self._keys.append(known[1])
            elif wire is not None:
                asked = {name: value for name, value in spec.items() if name not in ("number", "page")}
                self._keys.append(wire.watch(self._incident, asked))
        for _, key in before:
            if wire is not None:
                wire.unwatch(key)
        self._drawn = [None] * len(self._keys)

    def _arrange(self, shown: int) -> None:
        """Share the room among so many charts."""
        for count in range(1, _TILES + 1):
            self.set_class(count == shown, f"-tiles-{count}")

    def _say(self, words: str, state: Any) -> None:
        self._arrange(1)
        for place, tile in enumerate(self.tiles):
            tile.display = place == 0
        self.tiles[0].show(ChartData("Metrics", state=state, message=words))

    # What they show

    def show_panels(self, panels: Mapping[str, PanelView]) -> None:
        """Take over the newest samples."""
        self._panels = panels
        self._draw()

    def show_markers(self, state: IncidentState) -> None:
        """Take over the incident's events; they are drawn on every chart."""
        markers = markers_of(state)
        if markers != self._markers:
            self._markers = markers
            self._drawn = [None] * len(self._keys)
            self._draw()

    def _draw(self) -> None:
        app: WarroomApp = self.app  # type: ignore[assignment]
        for place, (key, tile) in enumerate(zip(self._keys, self.tiles, strict=False)):
            view = self._panels.get(key)
            if view is None and self._drawn[place] is not None:
                continue
            if view is not None and view is self._drawn[place]:
                continue
            self._drawn[place] = view
            tile.show(chart_data(self._specs[place], view, self._markers, app.now(), app.zone))

    # What is done with them

    def evidence(self) -> dict[str, Any] | None:
        """The selected chart's data as a command that pins it, or None without data."""
        chosen = self.chosen
        if chosen is None or not chosen.data.series:
            return None
        query, step = str(chosen.spec.get("query", "")), float(chosen.spec.get("step", 15))
        source = str(chosen.spec.get("source", "prometheus"))
        return {"type": "pin-evidence", "evidence": chart_evidence(chosen.data, query, step, source)}

    def shown(self) -> dict[str, Any] | None:
        """The selected chart as the metrics pane shows it, or None when none is selected."""
        spec = None if self.chosen is None else getattr(self.chosen, "spec", None)
        if spec is None:
            return None
        return {"pane": "metrics", "queries": [spec["query"]], "source": spec.get("source", "prometheus")}


def spec_of(panel: BoardPanel) -> dict[str, Any]:
    """A panel of the board as the server is asked for it; `number` names it on the log."""
    return {
        "number": panel.number,
        "title": panel.title,
        "query": panel.query,
        "source": panel.source,
        "unit": panel.unit,
        "legend": panel.legend,
        "window": panel.window,
        "step": panel.step,
        "thresholds": [
            {"value": value, "level": level, "above": above, "label": label}
            for value, level, above, label in panel.thresholds
        ],
    }
