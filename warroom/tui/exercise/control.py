"""The facilitator's screen: the script, the world, the people, the plan and the truth, and hands on all of it.

Invariant: for hosts alone; the server says so. Nothing is done but by asking the facilitator, whose words are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import DescendantFocus
from textual.widget import Widget

from warroom.tui.exercise import control_rows as rows
from warroom.tui.exercise.control_hands import ControlHands
from warroom.tui.exercise.control_strip import strip_lines
from warroom.tui.exercise.screens import drill_bindings
from warroom.tui.palette import Palette
from warroom.tui.widgets.line import Line
from warroom.tui.widgets.rows import RowList
from warroom.tui.widgets.strips import LineBar, TabStrip

PARTS = (
    ("schedule", "Script"), ("world", "World"), ("people", "People"), ("plan", "Plan"), ("truth", "Truth"),
)  # fmt: skip
"""The parts of the screen, (name, title); the n-th is reached by the digit n."""
_LINES_OF_INJECT = 4
"""Lines for each inject from which on all of its words are shown."""


class ControlScreen(ControlHands):
    """Hosts only."""

    PANE = "control"
    TITLE_TEXT = "Facilitator"
    SCOPE = "control"
    BINDINGS: ClassVar[list[BindingType]] = [
        *drill_bindings("control"),
        *(Binding(str(n), f"jump('{name}')", title, show=False) for n, (name, title) in enumerate(PARTS, start=1)),
    ]

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.view: Mapping[str, Any] = {}
        self.unfolded = False
        self.part = "schedule"
        self._followed: str | None = None

    def compose_body(self) -> ComposeResult:
        yield LineBar(id="control-strip")
        yield TabStrip([(str(n), title) for n, (_, title) in enumerate(PARTS, start=1)], id="control-tabs")
        with Container(id="control"):
            yield RowList("Script", number="1", id="schedule", empty="asking the facilitator")
            yield RowList("World", number="2", id="world", empty="nothing is wrong")
            yield RowList("People", number="3", id="people", empty="nobody plays yet")
            yield RowList("Plan", number="4", id="plan", empty="nothing is expected")
            yield RowList("Truth", number="5", id="truth", empty="no truth")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#control-strip", LineBar).paint_with(self._paint_strip)
        self._show_part()

    def focus_target(self) -> Widget | None:
        return self.part_of(self.part)

    def part_of(self, name: str) -> RowList:
        """The list of a part."""
        return self.query_one(f"#{name}", RowList)

    def head_note(self) -> str:
        return "" if self.view else "asking the facilitator"

    # What comes in

    def ask_now(self) -> None:
        self.ask("exercise", self._came)

    def ticked(self) -> None:
        if not self.busy:
            self.ask_now()
        self.show_state()

    def _came(self, result: Any) -> None:
        self.view = dict(result or {})
        self.show_state()
        self._follow_next()

    def _follow_next(self) -> None:
        """The next inject is the selected one, until the host selects another."""
        coming = rows.next_inject(self.view)
        if coming is None or not self.is_whole:
            return
        script, key = self.part_of("schedule"), f"inject:{coming['id']}"
        if key != self._followed and script.selected_key in (None, self._followed):
            script.select(key)
            self._followed = key

    def failed(self, words: str) -> None:
        if not self.view and self.is_whole:
            self.part_of("schedule").set_empty(words)

    def show_state(self) -> None:
        view, state = self.view, self.state
        if not view or not self.is_whole:
            return
        here = () if self.room is None else tuple(one.name for one in self.room.people if one.state != "lost")
        told: dict[str, Iterator[rows.ControlRow]] = {
            "schedule": rows.schedule_rows(view, roomy=self._is_roomy(view)),
            "world": rows.world_rows(view),
            "people": rows.people_rows(view, state, here),
            "plan": rows.plan_rows(view, state, self.console.now()),
            "truth": rows.truth_rows(view, unfolded=self.unfolded),
        }
        for name, found in told.items():
            listed = self.part_of(name)
            before = listed.source if isinstance(listed.source, rows.ControlRows) else None
            source = rows.ControlRows(found, before)
            if before is None or source.rows != before.rows:
                listed.show(source)
        self.query_one("#control-strip", LineBar).redraw()

    def _is_roomy(self, view: Mapping[str, Any]) -> bool:
        return self.part_of("schedule").size.height >= _LINES_OF_INJECT * len(view.get("schedule", ()))

    def _paint_strip(self, width: int, _height: int, palette: Palette) -> list[Line]:
        return strip_lines(self.view, self.state, width, palette)

    # Where the host is

    def action_jump(self, name: str) -> None:
        """Go to a part."""
        self.part = name
        self._show_part()
        self.set_focus(self.part_of(name))

    def _show_part(self) -> None:
        for name, _ in PARTS:
            self.part_of(name).set_class(name != self.part, "-away")
        self.query_one("#control-tabs", TabStrip).active = str([name for name, _ in PARTS].index(self.part) + 1)

    def on_tab_strip_picked(self, event: TabStrip.Picked) -> None:
        """A click on a tab."""
        self.action_jump(PARTS[int(event.key) - 1][0])

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        if isinstance(event.widget, RowList) and event.widget.id in dict(PARTS):
            self.part = str(event.widget.id)
            listed = event.widget
            if listed.count and listed.selected_row is None:
                listed.select(listed.source.key(listed.source.row(0)), reveal=False)

    def selected(self) -> Any:
        focused = self.focused
        return focused.selected_row if isinstance(focused, RowList) else None

    def chosen(self, kind: str) -> str:
        """The id of what is selected, if it is of this kind; in whatever part it stands."""
        row = self.selected()
        if isinstance(row, rows.ControlRow) and row.kind == kind:
            return row.id
        return ""

    def inject(self) -> Mapping[str, Any] | None:
        """The selected inject; the next one while none is."""
        wanted = self.chosen("inject")
        if not wanted:
            return rows.next_inject(self.view)
        return next((one for one in self.view.get("schedule", ()) if one["id"] == wanted), None)
