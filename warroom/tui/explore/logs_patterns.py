"""The forms that lines have: mined from the lines at hand, or as the server counts them, and which of them are new.

Mining follows Drain (He et al., 2017, "Drain: An Online Log Parsing Approach with Fixed Depth Tree"): lines of as
many words that begin alike are one form when at least half of their words are the same; where they differ stands
`<_>`, Loki's own sign. Invariant: what varies by nature (numbers, ids, addresses) never makes a form of its own.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from rich.style import Style

from warroom.telemetry.logs import LogLine, LogPattern
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.line import Line, Span, justify
from warroom.tui.widgets.log_counts import level_colour
from warroom.tui.widgets.log_line import level_word
from warroom.tui.widgets.log_rows import grouped

HOLE = "<_>"
MOST_GROUPS = 1000
"""Forms kept; a line that fits none of them after that is counted with none."""
_ALIKE = 0.5
_MOST_WORDS = 60
_VARIES = re.compile(
    r"""
    [0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{22,}   # a UUID
    | \b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b            # an address
    | \b0x[0-9a-fA-F]+\b
    | \b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}\b           # an id
    | (?<![A-Za-z_])[-+]?\d+(?:[.,:]\d+)*(?:[eE][-+]?\d+)?
    """,
    re.VERBOSE,
)
_HOLES = re.compile(r"(?:<_>)(?:[-.:/]?<_>)+")


def tokens_of(text: str) -> tuple[str, ...]:
    """The words of a line, with `<_>` in place of what varies by nature."""
    masked = _HOLES.sub(HOLE, _VARIES.sub(HOLE, text))
    return tuple(masked.split()[:_MOST_WORDS])


class _Group:
    __slots__ = ("levels", "samples", "tokens")

    def __init__(self, tokens: tuple[str, ...]) -> None:
        self.tokens = tokens
        self.levels: dict[str, int] = {}
        self.samples: dict[int, int] = {}


class PatternMiner:
    """Takes lines, gives their forms. `step` is seconds of one sample."""

    def __init__(self, step: float) -> None:
        self.step = max(1.0, step)
        self.lines = 0
        self._tree: dict[tuple[int, str], list[_Group]] = {}
        self._known: dict[tuple[str, ...], _Group] = {}
        self._count = 0

    def add(self, lines: Iterable[LogLine]) -> None:
        """Count these lines in."""
        for line in lines:
            self.lines += 1
            tokens = tokens_of(line.text)
            group = self._known.get(tokens)
            if group is None:
                group = self._find(tokens)
                if group is None:
                    continue
                if len(self._known) < 50_000:
                    self._known[tokens] = group
            at = int(line.ns / 1e9 // self.step)
            group.samples[at] = group.samples.get(at, 0) + 1
            level = line.level
            group.levels[level] = group.levels.get(level, 0) + 1

    def _find(self, tokens: tuple[str, ...]) -> _Group | None:
        lead = tokens[0] if tokens and HOLE not in tokens[0] else HOLE
        groups = self._tree.setdefault((len(tokens), lead), [])
        best, most = None, 0.0
        for group in groups:
            same = sum(one == two for one, two in zip(group.tokens, tokens, strict=True))
            share = same / len(tokens) if tokens else 1.0
            if share > most:
                best, most = group, share
        if best is not None and most >= _ALIKE:
            best.tokens = tuple(
                one if one == two else HOLE for one, two in zip(best.tokens, tokens, strict=True)
            )  # fmt: skip
            return best
        if self._count >= MOST_GROUPS:
            return None
        self._count += 1
        made = _Group(tokens)
        groups.append(made)
        return made

    def patterns(self) -> list[LogPattern]:
        """The forms found so far, the most frequent first."""
        found = []
        for groups in self._tree.values():
            for group in groups:
                level = max(group.levels, key=lambda one: group.levels[one], default="unknown")
                samples = tuple((at * self.step, count) for at, count in sorted(group.samples.items()))
                found.append(LogPattern(_HOLES.sub(HOLE, " ".join(group.tokens)), level, samples))
        return sorted(found, key=lambda one: (-one.count, one.pattern))


@dataclass(frozen=True, slots=True)
class PatternRow:
    """A form with its counts in the range shown. `new`: no line of it is known from before the incident."""

    pattern: str
    level: str
    count: int
    before: int
    new: bool
    trend: tuple[int, ...]

    @property
    def words(self) -> str:
        """What copying gives."""
        return self.pattern


def rows_of(patterns: Sequence[LogPattern], start: float, end: float, began: float | None) -> list[PatternRow]:
    """The forms seen between `start` and `end`, new ones first, then the most frequent.

    Args:
        patterns: with samples from before the incident too, as far as there are any.
        start: of the range, seconds since the epoch.
        end: of the range.
        began: when the incident's impact began; None when nothing can be called new.
    """
    # With nothing known from before, everything would be new, which says nothing.
    known = began is not None and any(at < began and count for one in patterns for at, count in one.samples)
    out = []
    for one in patterns:
        inside = [(at, count) for at, count in one.samples if start - 1 <= at <= end and count]
        if not inside:
            continue
        before = 0 if began is None else sum(count for at, count in one.samples if at < began)
        new = known and not before
        out.append(
            PatternRow(one.pattern, one.level, sum(c for _, c in inside), before, new, _trend(inside, start, end))
        )
    return sorted(out, key=lambda row: (not row.new, -row.count, row.pattern))


def _trend(samples: Sequence[tuple[float, int]], start: float, end: float, width: int = 24) -> tuple[int, ...]:
    row, length = [0] * width, max(1e-9, end - start)
    for at, count in samples:
        row[min(width - 1, max(0, int((at - start) / length * width)))] += count
    return tuple(row)


class PatternRows:
    """The forms as rows: new or not, how many, level, trend, the form itself."""

    row_lines: int | None = None

    def __init__(self, rows: Sequence[PatternRow]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> PatternRow:
        return self.rows[index]

    def key(self, row: PatternRow) -> Hashable:
        return row.pattern

    def render(self, row: PatternRow, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """One line; all of the form while selected."""
        level = row.level if row.level in ("fatal", "error", "warn", "info", "debug", "trace") else "unknown"
        ink = level_colour(level, palette)
        left: list[Span] = [
            ("NEW" if row.new else "   ", palette.filled(palette.accent) if row.new else Style.null()),
            (f"{grouped(row.count):>8} ", style(palette.text, bold=True)),
            (f"{level_word(level):<6}", style(ink, bold=level in ("fatal", "error", "warn"))),
        ]
        if width >= 70:
            trend = row.trend if width >= 100 else _halved(row.trend)
            left += [(spark(trend), style(ink)), ("  ", Style.null())]
        indent = sum(len(text) for text, _ in left)
        room = max(8, width - indent)
        parts = _cut(row.pattern, room) if selected else [row.pattern]
        lines: list[Line] = [justify([*left, *_form(parts[0], palette)], [], width)]
        return [*lines, *([(" " * indent, Style.null()), *_form(part, palette)] for part in parts[1:6])]


def _cut(text: str, room: int) -> list[str]:
    return [text[at : at + room] for at in range(0, len(text), room)] or [""]


def _halved(trend: Sequence[int]) -> tuple[int, ...]:
    return tuple(sum(trend[at : at + 2]) for at in range(0, len(trend), 2))


def _form(text: str, palette: Palette) -> list[Span]:
    spans: list[Span] = []
    for number, part in enumerate(text.split(HOLE)):
        if number:
            spans.append((HOLE, style(palette.muted)))
        if part:
            spans.append((part, style(palette.text)))
    return spans


def spark(values: Sequence[int]) -> str:
    """The values as a row of small bars on their own scale; nothing where there was none."""
    signs, most = glyphs().spark, max(values, default=0)
    return "".join(signs[min(len(signs) - 1, value * len(signs) // (most + 1))] if value else " " for value in values)
