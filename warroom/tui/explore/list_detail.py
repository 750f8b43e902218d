"""A telemetry pane of two parts: a list, and below it all that its selected row says.

Invariant: the detail is that of the selected row as it is now, also when new rows come.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.widget import Widget

from warroom.tui.explore.screen import ExploreScreen
from warroom.tui.explore.trace_rows import DetailLine, Details
from warroom.tui.widgets.row_source import RowSource
from warroom.tui.widgets.rows import RowList


class ListDetailScreen(ExploreScreen):
    """The base. A subclass names its parts, asks, and hands the rows to `show_rows`."""

    LIST: ClassVar[tuple[str, str]] = ("", "")
    """The list's title, and what it says before the first answer."""
    DETAIL: ClassVar[tuple[str, str]] = ("", "")
    """The same of the detail."""
    REFRESH = 5.0

    @abstractmethod
    def detail_of(self, row: Any) -> Sequence[DetailLine]:
        """All that a row says."""

    def compose_body(self) -> ComposeResult:
        yield RowList(self.LIST[0], id="listed", empty=self.LIST[1])
        yield RowList(self.DETAIL[0], id="detail", empty=self.DETAIL[1])

    @property
    def listed(self) -> RowList:
        """The list."""
        return self.query_one("#listed", RowList)

    def focus_target(self) -> Widget | None:
        return self.listed

    def show_rows(self, source: RowSource) -> None:
        """Show these rows; the list takes no more room than it needs, and its first row is selected at first."""
        rows = self.listed
        rows.show(source)
        rows.styles.max_height = max(6, rows.count * (source.row_lines or 1) + 2)
        if rows.selected_row is None and rows.count:
            rows.select(rows.source.key(rows.source.row(0)))
        self._show_detail(rows.selected_row)

    def on_row_list_highlighted(self, event: RowList.Highlighted) -> None:
        """The detail follows the selection."""
        event.stop()
        if event.rows is self.listed:
            self._show_detail(event.row)

    def _show_detail(self, row: Any) -> None:
        if row is not None:
            self.query_one("#detail", RowList).show(Details(self.detail_of(row)))

    def selected(self) -> Any:
        return self.listed.selected_row

    def shown(self) -> dict[str, Any]:
        return {"pane": self.PANE}

    def show(self, shown: Mapping[str, Any]) -> None:
        self.ask_now()
