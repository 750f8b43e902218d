"""The stack pane: the bundled servers as their engine has them.

Invariant: without an engine, or without the stack, it says so calmly and what to do; nothing else depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from warroom.bundle.state import ServiceState, StackState, summary
from warroom.telemetry import shapes
from warroom.tui.explore.health_rows import StackList
from warroom.tui.explore.list_detail import ListDetailScreen
from warroom.tui.explore.screen import explore_bindings
from warroom.tui.explore.trace_rows import DetailLine
from warroom.tui.widgets.units import shown as in_units


class StackScreen(ListDetailScreen):
    """The services above, the selected one in full below."""

    PANE = "stack"
    TITLE_TEXT = "Stack"
    SCOPE = "stack"
    LIST = ("Stack", "asking the server for its stack")
    DETAIL = ("Service", "select a service")
    BINDINGS: ClassVar[list[BindingType]] = explore_bindings("stack")

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.state: StackState | None = None

    def head_note(self) -> str:
        return "" if self.state is None or not self.state.services else summary(self.state.services)

    def ask_now(self) -> None:
        self.ask("stack", self._came)

    def _came(self, result: Any) -> None:
        rows = self.listed
        if result["stack"] is None:
            rows.set_empty(result.get("words") or "this server looks after no stack")
            return
        self.state = shapes.read(StackState, result["stack"])
        rows.set_empty(self.state.words or "the stack has no service; `warroom stack up` starts it")
        self.show_rows(StackList(self.state.services))

    def detail_of(self, row: Any) -> Sequence[DetailLine]:
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
        return [DetailLine(number, *fact) for number, fact in enumerate(facts) if fact[1]]


def _level(row: ServiceState) -> str:
    if row.well or row.absent:
        return ""
    return "warn" if row.health == "starting" else "bad"


def _memory(row: ServiceState) -> str:
    if row.memory is None:
        return ""
    used = in_units(row.memory, "bytes").text
    return used if row.memory_limit is None else f"{used} of {in_units(row.memory_limit, 'bytes').text}"
