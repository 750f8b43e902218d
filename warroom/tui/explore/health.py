"""The health pane: the server's own checks, the worst first, with how each was before.

Invariant: what could not be looked at is never shown as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from warroom.ops.health import Health, Status
from warroom.telemetry import shapes
from warroom.tui.explore.health_rows import Checks, check_detail
from warroom.tui.explore.list_detail import ListDetailScreen
from warroom.tui.explore.screen import explore_bindings
from warroom.tui.explore.trace_rows import DetailLine


class HealthScreen(ListDetailScreen):
    """The checks above, the selected one in full below."""

    PANE = "health"
    TITLE_TEXT = "Health"
    SCOPE = "health"
    LIST = ("Checks", "asking the server how it is")
    DETAIL = ("Check", "select a check")
    BINDINGS: ClassVar[list[BindingType]] = explore_bindings("health")

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.health: Health | None = None

    def head_note(self) -> str:
        if self.health is None:
            return ""
        bad = [one.name for one in self.health.results if one.status is not Status.HEALTHY]
        return f"{self.health.status}{': ' + ', '.join(bad) if bad else ''}"

    def ask_now(self) -> None:
        self.ask("health", self._came)

    def _came(self, result: Any) -> None:
        if result["health"] is None:
            self.words = result.get("words", "") or "this server makes no health checks"
            return
        self.health = shapes.read(Health, result["health"])
        self.show_rows(Checks(self.health.results, self.health.history))

    def detail_of(self, row: Any) -> Sequence[DetailLine]:
        history = () if self.health is None else self.health.history.get(row.name, ())
        return check_detail(row, history, self.zone)
