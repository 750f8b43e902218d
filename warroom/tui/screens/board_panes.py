"""The panes of the board that hold more than a list: metrics, chat, playbook; and the lists with keys of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid
from textual.events import Resize
from textual.widget import Widget

from warroom.client.view import PanelView, Person
from warroom.incident.state import IncidentState
from warroom.tui.bindings import bindings_of
from warroom.tui.palette import Palette, palette_of
from warroom.tui.panes.chat import ChatSource, mentions
from warroom.tui.panes.lists import Steps
from warroom.tui.panes.metrics import chart_data, chart_evidence, markers_of
from warroom.tui.widgets.chart import MetricChart
from warroom.tui.widgets.chart_data import ChartData, Marker
from warroom.tui.widgets.gauges import progress
from warroom.tui.widgets.line import Line
from warroom.tui.widgets.pane import Pane
from warroom.tui.widgets.prompt import Prompt
from warroom.tui.widgets.rows import RowList
from warroom.tui.widgets.strips import LineBar

if TYPE_CHECKING:
    from warroom.tui.app import WarroomApp

_TILES = 6


@cache
def scoped_list(scope: str) -> type[RowList]:
    """A list class with the keys of one scope of the registry."""
    return type(f"{scope.capitalize()}List", (RowList,), {"BINDINGS": bindings_of(scope), "__doc__": f"The {scope}."})


class TimelinePane(RowList):
    """The timeline, with the keys that act on an entry."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("timeline")


class Tile(MetricChart, can_focus=True):
    """One chart, which can be selected to pin its data."""

    spec: Mapping[str, Any]


class MetricsPane(Widget):
    """Up to six charts. They come from the server's panels for this incident, and so does every sample."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of("metrics"),
        Binding("right,down,j", "app.focus_next", "Next chart", show=False),
        Binding("left,up,k", "app.focus_previous", "Chart before", show=False),
    ]
    ALLOW_MAXIMIZE: ClassVar[bool | None] = True

    def __init__(self, title: str, *, number: str, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.title_text, self.number = title, number
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

    def set_lookers(self, names: Sequence[str]) -> None:
        """Who looks at the metrics is told on the first chart."""
        self.tiles[0].set_lookers(names)

    def offer(self, answer: Future[Any], incident: str) -> None:
        """Take the server's answer about which panels this incident has, and watch them."""
        from warroom.tui.app import WarroomApp

        app = self.app
        error = answer.exception()
        if error is not None:
            self._say(str(error), "error")
            return
        result = answer.result() or {}
        if isinstance(app, WarroomApp) and app.bridge.wire is not None:
            for key in self._keys:
                app.bridge.wire.unwatch(key)
        self._keys = []
        self._specs = list(result.get("panels", ()))[:_TILES]
        if not self._specs:
            words = str(result.get("words", "")) or "no panels; `warroom doctor` says how to add a metrics source"
            self._say(f"{words}: /services names them" if "names no service" in words else words, "empty")
            return
        if isinstance(app, WarroomApp) and app.bridge.wire is not None:
            self._keys = [app.bridge.wire.watch(incident, spec) for spec in self._specs]
        self._drawn = [None] * len(self._keys)
        for place, tile in enumerate(self.tiles):
            tile.display = place < len(self._specs)
            if tile.display:
                tile.spec = self._specs[place]
        self._arrange(len(self._specs))
        self._draw()

    def _arrange(self, shown: int) -> None:
        """Share the room among so many charts."""
        for count in range(1, _TILES + 1):
            self.set_class(count == shown, f"-tiles-{count}")

    def _say(self, words: str, state: Any) -> None:
        self._arrange(1)
        for place, tile in enumerate(self.tiles):
            tile.display = place == 0
        self.tiles[0].show(ChartData("Metrics", state=state, message=words))

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

    def evidence(self) -> dict[str, Any] | None:
        """The selected chart's data as a command that pins it, or None without data."""
        chosen = next((tile for tile in self.tiles if tile.has_focus), None)
        if chosen is None or not chosen.data.series:
            return None
        query, step = str(chosen.spec.get("query", "")), float(chosen.spec.get("step", 15))
        return {"type": "pin-evidence", "evidence": chart_evidence(chosen.data, query, step)}


class ChatPane(Pane):
    """The messages, who is typing, and the line to write in."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, title: str, *, number: str, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(title, number=number, id=id)
        self.rows = RowList(follow=True, low=True, id="chat-rows", classes="-bare", empty="nothing has been said yet")
        self.typing = LineBar(id="typing")
        self.prompt = Prompt("Message   / command   @ mention", id="chat-prompt")

    def compose(self) -> ComposeResult:
        yield self.rows
        yield self.typing
        yield self.prompt

    def focus_target(self) -> Widget:
        """Where the typing goes."""
        return self.prompt.input

    def show(self, source: ChatSource, state: IncidentState, me: str) -> None:
        """Take over the messages; one that calls for the reader is counted in the frame."""
        self.rows.show(source)
        calls = sum(mentions(entry.words, me) for seq in state.chat[-50:] if (entry := state.entry(seq)) is not None)
        self.rows.set_note([(f"{calls} mention{'s' if calls > 1 else ''}", Style.null())] if calls else [])

    def show_typing(self, people: Sequence[Person], me: str) -> None:
        """Who writes just now."""
        names = [one.name for one in people if one.typing and one.name != me]
        self.typing.display = bool(names)
        palette: Palette = palette_of(self)
        words: Line = [(f"{', '.join(names[:3])} typing", Style(color=palette.muted, italic=True))]
        self.typing.show([(words, ())])


class PlaybookPane(Pane):
    """How far the playbook is, and its steps."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, title: str, *, number: str, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(title, number=number, id=id)
        self.bar = LineBar(id="progress")
        self.rows = scoped_list("playbook")(
            id="playbook-rows", classes="-bare", empty="no playbook is attached: P chooses one that matches"
        )
        self._next: tuple[str, str] | None = None

    def compose(self) -> ComposeResult:
        yield self.bar
        yield self.rows

    def focus_target(self) -> Widget:
        """The steps."""
        return self.rows

    def show(self, source: Steps, state: IncidentState) -> None:
        """Take over the steps and how many are behind; the next one comes into view."""
        self.rows.show(source)
        following = next((row.key for row in source.rows if row.is_next), None)
        if following != self._next:
            self._next = following
            self.call_after_refresh(self._bring_next)
        steps = [step for one in state.playbooks for step in one.steps]
        done = sum(step.status != "open" for step in steps)
        self.bar.display = bool(steps)
        self.bar.paint_with(lambda width, _height, palette: [progress(done, len(steps), width, palette)])
        self.rows.set_note(
            [(f"{state.playbooks[-1].id} v{state.playbooks[-1].version}", Style.null())] if state.playbooks else []
        )

    def on_resize(self, _event: Resize) -> None:
        self.call_after_refresh(self._bring_next)

    def _bring_next(self) -> None:
        if self._next is not None:
            self.rows.bring(self._next)
