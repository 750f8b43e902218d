"""Many log lines in little room: what repeats is kept once, and a line is made only when somebody looks at it.

Invariant: a block never changes, so threads share it without a lock; the lines it makes equal those it was made of.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TypeAlias, overload

from warroom.telemetry.logs import LEVEL_NAMES, SERVICE_NAMES, LogLine, Pairs

Kind: TypeAlias = tuple[Pairs, tuple[str, ...]]
"""What lines of one form share: the labels of their stream, and the names of what came beside them, sorted."""


class LineBlock(Sequence[LogLine]):
    """Lines in columns. `ns` are their times and `texts` their texts; the rest comes with a line that is made."""

    __slots__ = ("_kinds", "_of", "_places", "_values", "ns", "texts")

    def __init__(
        self, kinds: Iterable[Kind], of: array[int], ns: array[int], texts: list[str], values: list[str]
    ) -> None:
        """`kinds` are all different, `of` has the place of each line's kind in them, and `values` what came beside
        the lines, one line's after the other's, in the order of its kind's names.
        """
        self.ns, self.texts = ns, texts
        self._kinds, self._of, self._values = tuple(kinds), of, values
        widths = [len(names) for _, names in self._kinds]
        self._places: Sequence[int]
        if len(set(widths)) == 1 and widths[0]:
            self._places = range(0, len(of) * widths[0], widths[0])
        else:
            self._places = array("I", accumulate(map(widths.__getitem__, of), initial=0))

    @classmethod
    def of(cls, lines: Iterable[LogLine]) -> LineBlock:
        """These lines; a block is one already."""
        if isinstance(lines, LineBlock):
            return lines
        kinds, places = dict[Kind, int](), array("I")
        ns, texts, values = array("q"), list[str](), list[str]()
        for line in lines:
            names = tuple([name for name, _ in line.metadata])
            places.append(kinds.setdefault((line.labels, names), len(kinds)))
            ns.append(line.ns)
            texts.append(line.text)
            values += [value for _, value in line.metadata]
        return cls(kinds, places, ns, texts, values)

    def joined(self, other: LineBlock) -> LineBlock:
        """The lines of this block and then those of the other."""
        kinds = {kind: at for at, kind in enumerate(self._kinds)}
        moved = [kinds.setdefault(kind, len(kinds)) for kind in other._kinds]
        of = self._of + array("I", map(moved.__getitem__, other._of))
        return LineBlock(kinds, of, self.ns + other.ns, self.texts + other.texts, self._values + other._values)

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[LogLine]:
        return map(self._line, range(len(self)))

    @overload
    def __getitem__(self, at: int) -> LogLine: ...
    @overload
    def __getitem__(self, at: slice) -> LineBlock: ...
    def __getitem__(self, at: int | slice) -> LogLine | LineBlock:
        wanted = range(len(self))[at]
        return self._line(wanted) if isinstance(wanted, int) else LineBlock.of(map(self._line, wanted))

    def _line(self, at: int) -> LogLine:
        labels, names = self._kinds[self._of[at]]
        return LogLine(self.ns[at], self.texts[at], labels, tuple(zip(names, self._beside(at, names), strict=True)))

    def _beside(self, at: int, names: tuple[str, ...]) -> list[str]:
        if not names:
            return []
        start = self._places[at]
        return self._values[start : start + len(names)]

    def levels(self, start: int = 0, stop: int | None = None) -> list[str]:
        """The levels of the lines from `start` up to `stop`, without making the lines."""
        glance = Glance(self)
        return [glance.level for glance.at in range(len(self))[start:stop]]


class Glance:
    """What a `LogLine` says of the line at place `at`, without making it; setting `at` goes to another line."""

    __slots__ = ("_block", "_levels", "_services", "at")

    def __init__(self, block: LineBlock, at: int = 0) -> None:
        self.at = at
        self._block = block
        self._levels = _Words(block, LEVEL_NAMES, lambda line: line.level)
        self._services = _Words(block, SERVICE_NAMES, lambda line: line.service)

    @property
    def ns(self) -> int:
        return self._block.ns[self.at]

    @property
    def text(self) -> str:
        return self._block.texts[self.at]

    @property
    def labels(self) -> Pairs:
        return self._block._kinds[self._block._of[self.at]][0]

    @property
    def level(self) -> str:
        return self._levels.of(self.at)

    @property
    def service(self) -> str:
        return self._services.of(self.at)

    def value(self, name: str) -> str:
        block, at = self._block, self.at
        labels, names = block._kinds[block._of[at]]
        if name in names:
            return block._values[block._places[at] + names.index(name)]
        return next((value for key, value in labels if key == name), "")


class _Words:
    """A word of each line that only its labels and the fields of some names tell: worked out once for like lines."""

    __slots__ = ("_block", "_known", "_read", "_telling")

    def __init__(self, block: LineBlock, names: Sequence[str], read: Callable[[LogLine], str]) -> None:
        self._block, self._read = block, read
        self._telling = [[at for at, name in enumerate(own) if name in names] for _, own in block._kinds]
        self._known = dict[tuple[object, ...], str]()

    def of(self, at: int) -> str:
        block = self._block
        kind = block._of[at]
        telling = self._telling[kind]
        first = block._places[at] if telling else 0
        said = (kind, *[block._values[first + place] for place in telling])
        found = self._known.get(said)
        if found is None:
            found = self._known[said] = self._read(block[at])
        return found
