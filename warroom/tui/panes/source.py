"""Rows for short lists: rebuilt from a slice, but a row that says the same stays the same object.

Invariant: a list repaints only rows that are new objects, so reuse here is what keeps a redraw small.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from warroom.tui.palette import Palette
from warroom.tui.widgets.line import Line

Row = TypeVar("Row", bound=tuple[Any, ...])


class Rows(ABC, Generic[Row]):
    """A source over a finished list of rows. A row is a named tuple whose first member is its key."""

    row_lines: int | None = 1

    def __init__(self, rows: Iterable[Row], previous: Rows[Row] | None = None) -> None:
        before = previous.by_key if previous is not None else {}
        self.rows: list[Row] = [old if (old := before.get(row[0])) == row else row for row in rows]
        self.by_key: dict[Hashable, Row] = {row[0]: row for row in self.rows}

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> Row:
        """The row at a position."""
        return self.rows[index]

    def key(self, row: Row) -> Hashable:
        """Its first member."""
        key: Hashable = row[0]
        return key

    @abstractmethod
    def render(self, row: Row, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """The row as lines of runs."""
