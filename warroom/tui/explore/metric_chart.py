"""The chart of the metrics pane: as on the board, with a cursor that the arrows move."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from warroom.tui.widgets.chart import MetricChart


class ExploreChart(MetricChart, can_focus=True):
    """The chart, with a cursor that the arrows move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "screen.move_cursor(-1)", "Cursor left", show=False),
        Binding("right,l", "screen.move_cursor(1)", "Cursor right", show=False),
        Binding("shift+left,ctrl+left", "screen.move_cursor(-10)", "Cursor far left", show=False),
        Binding("shift+right,ctrl+right", "screen.move_cursor(10)", "Cursor far right", show=False),
    ]
