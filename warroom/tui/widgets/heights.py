"""How many lines each row of a list takes, and which row a line belongs to.

Invariant: all questions and changes cost O(log n), also with 100,000 rows; a row that was not measured yet
counts one line. A Fenwick tree (P. M. Fenwick, 1994) is kept from the first row that is not one line high.
"""

from __future__ import annotations


class Heights:
    """Line counts of `count` rows, at first one line each."""

    def __init__(self, count: int = 0) -> None:
        self._count = count
        self._own: list[int] | None = None
        self._tree: list[int] = []

    def __len__(self) -> int:
        return self._count

    @property
    def total(self) -> int:
        """Lines of all rows together."""
        return self.offset(self._count)

    def __getitem__(self, row: int) -> int:
        return 1 if self._own is None else self._own[row]

    def append(self, count: int) -> None:
        """Add rows of one line at the end."""
        if self._own is None:
            self._count += count
            return
        for _ in range(count):
            self._count += 1
            at = self._count
            value, child, stop = 1, at - 1, at - (at & -at)
            while child > stop:
                value += self._tree[child]
                child -= child & -child
            self._tree.append(value)
            self._own.append(1)

    def set(self, row: int, lines: int) -> int:
        """Say how many lines a row takes; gives by how much that differs from before."""
        if self._own is None:
            if lines == 1:
                return 0
            self._own = [1] * self._count
            self._tree = [at & -at for at in range(self._count + 1)]
        change = lines - self._own[row]
        if change:
            self._own[row] = lines
            at = row + 1
            while at <= self._count:
                self._tree[at] += change
                at += at & -at
        return change

    def offset(self, row: int) -> int:
        """Lines above this row; with `row` the number of rows, all lines."""
        if self._own is None:
            return row
        total = 0
        while row:
            total += self._tree[row]
            row -= row & -row
        return total

    def find(self, line: int) -> tuple[int, int]:
        """The row that a line belongs to, and which of the row's lines it is.

        A line before the first belongs to the first row, one behind the last to the last row's last line.
        There must be at least one row.
        """
        if line <= 0:
            return 0, 0
        if self._own is None:
            return min(line, self._count - 1), 0
        at, left = 0, line
        step = 1 << self._count.bit_length()
        while step:
            after = at + step
            if after <= self._count and self._tree[after] <= left:
                at, left = after, left - self._tree[after]
            step >>= 1
        return (at, left) if at < self._count else (self._count - 1, self._own[-1] - 1)
