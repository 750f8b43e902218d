"""What a list shows: the protocol of its source, and the note a list keeps of each line on screen.

Invariant: a row is known by its key and seen by its identity: a changed row is another object with the same key.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, Protocol

from warroom.tui.palette import Palette
from warroom.tui.widgets.line import Line


class RowSource(Protocol):
    """What a list shows. A row is any object; a row that changed is another object with the same key."""

    row_lines: int | None
    """How many lines every row takes, or None if `render` decides for each."""

    def __len__(self) -> int: ...

    def row(self, index: int) -> Any:
        """The row at a position; must be cheap."""

    def key(self, row: Any) -> Hashable:
        """The row's identity: what selection and view hold on to."""

    def render(self, row: Any, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """The row as at least one line of runs; lines are cropped or padded to the width."""


class Rows:
    """A source over a plain sequence: what most panes need.

    Args:
        rows: the rows, replaced as a whole when something changed.
        key: the identity of a row.
        render: `(row, width, selected, palette)` to lines of runs.
        row_lines: lines of every row, or None if `render` decides.
    """

    def __init__(
        self,
        rows: Sequence[Any],
        key: Callable[[Any], Hashable],
        render: Callable[[Any, int, bool, Palette], Sequence[Line]],
        row_lines: int | None = 1,
    ) -> None:
        self.rows = rows
        self.row_lines = row_lines
        self._key, self._render = key, render

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> Any:
        return self.rows[index]

    def key(self, row: Any) -> Hashable:
        return self._key(row)

    def render(self, row: Any, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        return self._render(row, width, selected, palette)


class SeenLine(NamedTuple):
    """What one screen line shows: the row object, which of its lines, and its mark (0 none, 1 quiet, 2 full)."""

    row: Any
    line: int
    mark: int

    def same(self, other: SeenLine | None) -> bool:
        """Whether both look the same; rows are compared by identity, never by value."""
        return other is not None and self.row is other.row and self.line == other.line and self.mark == other.mark
