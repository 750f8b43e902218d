"""The stack pane: the bundled servers as their engine has them.

Invariant: without an engine, or without the stack, it says so calmly and what to do; nothing else depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from warroom.bundle.state import ServiceState, StackState, summary
from warroom.telemetry import shapes
from warroom.tui.explore.health_rows import StackList
from warroom.tui.explore.screen import ExploreScreen, explore_bindings
from warroom.tui.explore.trace_rows import DetailLine, Details
from warroom.tui.widgets.rows import RowList
from warroom.tui.widgets.units import shown as in_units


class StackScreen(ExploreScreen):
    """The services above, the selected one in full below."""

    PANE = "stack"
    TITLE_TEXT = "Stack"
    SCOPE = "stack"
    REFRESH = 5.0
    BINDINGS: ClassVar[list[BindingType]] = explore_bindings("stack")

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.state: StackState | None = None

    def compose_body(self) -> ComposeResult:
        yield RowList("Stack", id="stack", empty="asking the server for its stack")
        yield RowList("Service", id="service-detail", empty="select a service")

    def focus_target(self) -> Widget | None:
        return self.query_one("#stack", RowList)

    def head_note(self) -> str:
        return "" if self.state is None or not self.state.services else summary(self.state.services)

    def ask_now(self) -> None:
        self.ask("stack", self._came)

    def _came(self, result: Any) -> None:
        rows = self.query_one("#stack", RowList)
        if result["stack"] is None:
            rows.set_empty(result.get("words") or "this server looks after no stack")
            return
        self.state = shapes.read(StackState, result["stack"])
        rows.set_empty(self.state.words or "the stack has no service; `warroom stack up` starts it")
        rows.show(StackList(self.state.services))
        rows.styles.max_height = max(6, rows.count + 2)
        if rows.selected_row is None and rows.count:
            rows.select(rows.source.key(rows.source.row(0)))
        self._detail(rows.selected_row)

    def on_row_list_highlighted(self, event: RowList.Highlighted) -> None:
        """The detail follows the selection."""
        event.stop()
        if event.rows.id == "stack":
            self._detail(event.row)

    def _detail(self, row: Any) -> None:
        if not isinstance(row, ServiceState):
            return
        facts = [
            ("", row.name, "title"),
            ("state", f"{row.state}, {row.health}", _level(row)),
            ("says", row.words, ""),
            ("since", row.since, ""),
            ("image", row.image, ""),
            ("ports", ", ".join(map(str, row.ports)), ""),
            ("restarts", str(row.restarts), "warn" if row.restarts else ""),
            ("cpu", "" if row.cpu is None else f"{row.cpu:.1f} % of a core", ""),
            ("memory", _memory(row), ""),
            ("logs", f"warroom stack logs {row.name}", "quiet"),
            ("restart", f"warroom stack restart {row.name}", "quiet"),
        ]
        lines = [DetailLine(number, *fact) for number, fact in enumerate(facts) if fact[1]]
        self.query_one("#service-detail", RowList).show(Details(lines))

    def selected(self) -> Any:
        return self.query_one("#stack", RowList).selected_row

    def shown(self) -> dict[str, Any]:
        return {"pane": "stack"}

    def show(self, shown: Mapping[str, Any]) -> None:
        self.ask_now()


def _level(row: ServiceState) -> str:
    if row.well or row.absent:
        return ""
    return "warn" if row.health == "starting" else "bad"


def _memory(row: ServiceState) -> str:
    if row.memory is None:
        return ""
    used = in_units(row.memory, "bytes").text
    return used if row.memory_limit is None else f"{used} of {in_units(row.memory_limit, 'bytes').text}"
