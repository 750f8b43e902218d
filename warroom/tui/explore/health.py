"""The health pane: the server's own checks, the worst first, with how each was before.

Invariant: what could not be looked at is never shown as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from warroom.ops.health import Health, Result, Status
from warroom.telemetry import shapes
from warroom.tui.explore.health_rows import Checks, check_detail
from warroom.tui.explore.screen import ExploreScreen, explore_bindings
from warroom.tui.explore.trace_rows import Details
from warroom.tui.widgets.rows import RowList


class HealthScreen(ExploreScreen):
    """The checks above, the selected one in full below."""

    PANE = "health"
    TITLE_TEXT = "Health"
    SCOPE = "health"
    REFRESH = 5.0
    BINDINGS: ClassVar[list[BindingType]] = explore_bindings("health")

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.health: Health | None = None

    def compose_body(self) -> ComposeResult:
        yield RowList("Checks", id="checks", empty="asking the server how it is")
        yield RowList("Check", id="check-detail", empty="select a check")

    def focus_target(self) -> Widget | None:
        return self.query_one("#checks", RowList)

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
        rows = self.query_one("#checks", RowList)
        rows.show(Checks(self.health.results, self.health.history))
        rows.styles.max_height = max(6, rows.count + 2)
        if rows.selected_row is None and rows.count:
            rows.select(rows.source.key(rows.source.row(0)))
        self._detail(rows.selected_row)

    def on_row_list_highlighted(self, event: RowList.Highlighted) -> None:
        """The detail follows the selection."""
        event.stop()
        if event.rows.id == "checks":
            self._detail(event.row)

    def _detail(self, row: Any) -> None:
        if isinstance(row, Result) and self.health is not None:
            lines = check_detail(row, self.health.history.get(row.name, ()), self.zone)
            self.query_one("#check-detail", RowList).show(Details(lines))

    def selected(self) -> Any:
        return self.query_one("#checks", RowList).selected_row

    def shown(self) -> dict[str, Any]:
        return {"pane": "health"}

    def show(self, shown: Mapping[str, Any]) -> None:
        self.ask_now()
