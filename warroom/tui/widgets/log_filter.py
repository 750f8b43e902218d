"""What a reader keeps of the lines that are loaded: words, levels, fields; and the index of what passes.

The language: `pool timeout` needs both words, `!health` leaves out, `level>=warn` and `level=error` go by level,
`service=checkout` and `status!=200` by a label or what came beside the line. "Two words" in quotes are one.
Invariant: a filter reads each line once, in slices, so that neither a full ring nor ten thousand lines a second
hold up the interface.
"""

from __future__ import annotations

import re
import shlex
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from warroom.telemetry.logs import LEVELS, Told
from warroom.tui.widgets.log_lines import LogLines

_TERM = re.compile(r"(?P<name>[A-Za-z_][\w.]*)(?P<sign>>=|<=|!=|=|>|<)(?P<value>.+)", re.DOTALL)
_ALIASES = {"warning": "warn", "err": "error", "critical": "fatal", "information": "info"}
Test = Callable[[Told], bool]


@dataclass(frozen=True, slots=True)
class LineFilter:
    """A filter as it was typed; `words` are what to mark in a line that passes, in lower case."""

    text: str
    words: tuple[str, ...]
    tests: tuple[Test, ...] = field(repr=False)

    def keeps(self, line: Told) -> bool:
        """Whether a line passes."""
        for test in self.tests:  # noqa: SIM110 - a generator costs as much again as the tests
            if not test(line):
                return False
        return True


def parse_filter(text: str) -> LineFilter | None:
    """The filter that somebody typed; None for nothing typed.

    Raises:
        ValueError: a level there is none of, or a quote without its end; one sentence.
    """
    try:
        parts = shlex.split(text, posix=True) if '"' in text else text.split()
    except ValueError:
        raise ValueError(f"a quote is not closed in {text!r}") from None
    if not parts:
        return None
    needed, unwanted, tests = list[str](), list[str](), list[Test]()
    for part in parts:
        found = _TERM.fullmatch(part)
        if found and found["name"].casefold() == "level":
            tests.append(_by_level(found["sign"], found["value"]))
        elif found and found["sign"] in ("=", "!="):
            tests.append(_by_field(found["name"], found["value"], keep=found["sign"] == "="))
        elif part[0] == "!" and len(part) > 1:
            unwanted.append(part[1:].casefold())
        elif part != "!":
            needed.append(part.casefold())
    if needed or unwanted:
        tests.append(_by_words(tuple(needed), tuple(unwanted)))
    return LineFilter(text.strip(), tuple(needed), tuple(tests))


def pattern_filter(pattern: str) -> LineFilter:
    """The lines of one pattern, `<_>` for what varies: the rest as it stands, from the start of the line on."""
    parts = [re.escape(part) for part in pattern.split("<_>")]
    fits = re.compile(r"\s*" + ".+?".join(parts).replace(r"\ ", r"\s+")).match
    words = tuple(part.strip().casefold() for part in pattern.split("<_>") if len(part.strip()) > 3)
    return LineFilter(pattern, words, (lambda line: fits(line.text) is not None,))


def _by_words(needed: tuple[str, ...], unwanted: tuple[str, ...]) -> Test:
    def test(line: Told) -> bool:
        said = line.text.casefold()
        for word in needed:
            if word not in said:
                return False
        for word in unwanted:  # noqa: SIM110 - a generator costs as much again as the search
            if word in said:
                return False
        return True

    return test


def _by_level(sign: str, value: str) -> Test:
    wanted = _ALIASES.get(value.casefold(), value.casefold())
    if wanted not in LEVELS:
        raise ValueError(f"there is no level {value!r}: it is one of {', '.join(LEVELS)}")
    at = LEVELS.index(wanted)
    order = range(LEVELS.index("unknown"))
    chosen = {
        "=": {at},
        "!=": set(range(len(LEVELS))) - {at},
        ">=": {one for one in order if one >= at},
        ">": {one for one in order if one > at},
        "<=": {one for one in order if one <= at},
        "<": {one for one in order if one < at},
    }[sign]
    levels = frozenset(LEVELS[one] for one in chosen)
    return lambda line: line.level in levels


def _by_field(name: str, value: str, *, keep: bool) -> Test:
    wanted = value.casefold()
    if name == "service":
        return lambda line: (line.service.casefold() == wanted) is keep
    return lambda line: (line.value(name).casefold() == wanted) is keep


class LineIndex:
    """The numbers of the lines that pass, ascending; built from where the reader is towards both ends.

    `scanned` counts the lines looked at since it was made.
    """

    def __init__(self, lines: LogLines, keep: LineFilter) -> None:
        self.lines, self.keep = lines, keep
        self.scanned = 0
        self._down = self._up = lines.end
        # Built downwards, so kept with the sign turned: then it ascends and can be searched.
        self._older: list[int] = []
        self._newer: list[int] = []
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._older) + len(self._newer) - self._dropped

    @property
    def complete(self) -> bool:
        """Whether every line that is kept was looked at."""
        return self._down <= self.lines.first and self._up >= self.lines.end

    def number(self, at: int) -> int:
        """The number of the line at a position."""
        older = len(self._older)
        return -self._older[older - 1 - at] if at < older else self._newer[at - older + self._dropped]

    def position(self, number: int) -> int:
        """Where a number is, or where the next higher one is: how many lower ones pass."""
        below = len(self._older) - bisect_right(self._older, -number)
        return below + max(0, bisect_left(self._newer, number, self._dropped) - self._dropped)

    def work(self, most: int) -> bool:
        """Look at up to `most` lines further, new ones first. Returns whether the index changed."""
        before = len(self)
        most -= self._forward(most)
        if most > 0:
            self._backward(most)
        self._evict()
        return len(self) != before

    def _forward(self, most: int) -> int:
        start, stop = max(self._up, self.lines.first), min(self.lines.end, self._up + most)
        keeps = self.keep.keeps
        self._newer += [number for number, line in self.lines.glances(start, stop) if keeps(line)]
        self._up = max(self._up, stop)
        self.scanned += max(0, stop - start)
        return max(0, stop - start)

    def _backward(self, most: int) -> None:
        stop = self._down
        start = max(self.lines.first, stop - most)
        keeps = self.keep.keeps
        self._older += [-number for number, line in self.lines.glances(start, stop, -1) if keeps(line)]
        self._down = min(start, stop)
        self.scanned += max(0, stop - start)

    def _evict(self) -> None:
        first = self.lines.first
        while self._older and -self._older[-1] < first:
            self._older.pop()
        if self._older:
            return
        self._dropped = bisect_left(self._newer, first, self._dropped)
        if self._dropped > 10_000:
            del self._newer[: self._dropped]
            self._dropped = 0
