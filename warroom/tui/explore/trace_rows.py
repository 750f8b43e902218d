"""The lines of the traces pane: found traces, the waterfall of one, and what a span says of itself.

Invariant: an error is told by a sign and a word, never by colour alone; the critical path by a heavier bar.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TypeAlias

from rich.style import Style

from warroom.telemetry.trace_shape import Shape, WaterfallRow
from warroom.telemetry.traces import Span as TraceSpan
from warroom.telemetry.traces import TraceSummary
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.line import Line, Span, crop, justify, safe, width_of, wrap


def micros_text(micros: int) -> str:
    """A duration as people read it: `812 µs`, `48.2 ms`, `4.82 s`, `2m05s`."""
    if micros < 1000:
        return f"{micros} {'us' if glyphs().ascii else 'µs'}"
    if micros < 1_000_000:
        return f"{micros / 1000:.3g} ms" if micros < 999_500 else "1 s"
    if micros < 60_000_000:
        return f"{micros / 1_000_000:.3g} s"
    minutes, seconds = divmod(round(micros / 1_000_000), 60)
    return f"{minutes}m{seconds:02d}s"


@dataclass(frozen=True, slots=True)
class Colours:
    """Each service's place in the palette, by the order in which it first appears."""

    places: dict[str, int]

    @classmethod
    def of(cls, services: Sequence[str]) -> Colours:
        return cls({name: place for place, name in enumerate(dict.fromkeys(services))})

    def colour(self, service: str, palette: Palette) -> str:
        return palette.chart(self.places.get(service, 0))


class Summaries:
    """Found traces, one line each; bars are on the scale of the longest."""

    row_lines: int | None = 1

    def __init__(self, traces: Sequence[TraceSummary], zone: tzinfo) -> None:
        self.traces, self._zone = traces, zone
        self._longest = max((one.duration for one in traces), default=1) or 1
        self._colours = Colours.of(sorted({one.service for one in traces}))

    def __len__(self) -> int:
        return len(self.traces)

    def row(self, index: int) -> TraceSummary:
        return self.traces[index]

    def key(self, row: TraceSummary) -> Hashable:
        return row.trace_id

    def render(self, row: TraceSummary, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """Time, what it was, a bar for how long, spans, errors."""
        g = glyphs()
        at = datetime.fromtimestamp(row.start / 1e6, self._zone)
        left: list[Span] = [
            (f"{at:%H:%M:%S}.{row.start // 1000 % 1000:03d} ", style(palette.muted)),
            (f"{g.cross} ERROR " if row.errors else "        ", style(palette.bad, bold=True)),
            (f"{row.service} ", style(self._colours.colour(row.service, palette))),
            (row.operation, style(palette.text)),
        ]
        bar = max(6, min(40, width // 5))
        filled = max(1, round(bar * row.duration / self._longest))
        colour = palette.bad if row.errors else palette.hue("cyan")
        right: list[Span] = []
        if width >= 150:
            others = ", ".join(name for name, _ in row.services if name != row.service)
            right += [*crop([(safe(others), style(palette.faint))], 30), ("  ", Style.null())]
        if width >= 96:
            right.append((f"{row.spans:>4} spans  ", style(palette.muted)))
        right += [
            (g.heavy_rule * filled, style(colour)),
            (g.middot * (bar - filled), style(palette.faint)),
            (f" {micros_text(row.duration):>8}", style(palette.text, bold=True)),
        ]
        return [justify(left, right, width)]


class Waterfall:
    """One trace as bars on its own time; `rows` as `warroom.telemetry.trace_shape.waterfall` gives them."""

    row_lines: int | None = 1

    def __init__(self, shape: Shape, rows: Sequence[WaterfallRow], colours: Colours) -> None:
        self.shape, self.rows, self.colours = shape, rows, colours
        self._start, self._length = shape.trace.start, max(1, shape.trace.duration)
        self._critical: dict[str, list[tuple[int, int]]] = {}
        for part in shape.critical:
            self._critical.setdefault(part.span_id, []).append((part.start, part.end))

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> WaterfallRow:
        return self.rows[index]

    def key(self, row: WaterfallRow) -> Hashable:
        return row.span.span_id

    def names_width(self, width: int) -> int:
        """Cells for the names, of a line of `width`."""
        return max(20, min(64, width * 2 // 5))

    def axis(self, width: int, palette: Palette) -> Line:
        """The line over the bars: times since the trace began."""
        room = width - self.names_width(width) - _TIMES
        marks = max(2, min(6, room // 12))
        cells = [" "] * room
        for place in range(marks):
            text = micros_text(round(self._length * place / (marks - 1))) if place else "0"
            at = min(room - len(text), round((room - 1) * place / (marks - 1)))
            cells[at : at + len(text)] = list(text)
        return [(" " * self.names_width(width), Style.null()), ("".join(cells), style(palette.muted))]

    def render(self, row: WaterfallRow, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """The name in its place of the tree, its bar, how long it took and how much of that was its own."""
        names = self.names_width(width)
        left = self._name(row, names, palette)
        pad = names - width_of(left)
        bar = self._bar(row, width - names - _TIMES, palette)
        took = micros_text(row.end - row.start)
        paint = style(palette.bad if row.errors else palette.text, bold=row.span.span_id in self._critical)
        return [[*left, (" " * pad, Style.null()), *bar, (f"{took:>{_TIMES - 1}} ", paint)]]

    def _name(self, row: WaterfallRow, width: int, palette: Palette) -> list[Span]:
        g = glyphs()
        stem = "  " * max(0, row.depth - 1) + (f"{g.branch} " if row.depth else "")
        fold = "" if not row.has_children else f"{g.pointer} " if row.inside else ""
        out: list[Span] = [(stem, style(palette.faint)), (fold, style(palette.accent))]
        if row.repeats > 1:
            out.append((f"{row.repeats}x ", style(palette.hue("orange"), bold=True)))
        out.append((f"{row.span.service} ", style(self.colours.colour(row.span.service, palette), bold=True)))
        out.append((row.span.operation, style(palette.text)))
        if row.inside:
            out.append((f" +{row.inside}", style(palette.muted)))
        sign: list[Span] = []
        if row.errors:
            count = f"{row.errors} " if row.repeats > 1 or (row.inside and row.errors > 1) else ""
            sign = [(f" {g.cross}{count and ' ' + count.strip()}", style(palette.bad, bold=True))]
        if row.span.orphan:
            sign.append((f" {g.unknown}", style(palette.warn)))
        return [*crop(out, width - 1 - width_of(sign)), *sign]

    def _bar(self, row: WaterfallRow, room: int, palette: Palette) -> list[Span]:
        """Cells: dots up to the bar, then the bar; what is on the critical path is heavy, the rest is light."""
        g = glyphs()
        first, last = self._cells(row.start, row.end, room)
        heavy = set[int]()
        for name in row.members:
            for start, end in self._critical.get(name, ()):
                begin, stop = self._cells(start, end, room)
                heavy.update(range(begin, stop + 1))
        own = palette.bad if row.span.error else self.colours.colour(row.span.service, palette)
        strong, weak = style(own, bold=True), style(palette.fade(own, 0.55))
        out: list[Span] = [(g.middot * first, style(palette.faint))]
        at = first
        while at <= last:
            stop = at
            while stop <= last and (stop in heavy) == (at in heavy):
                stop += 1
            out.append(((g.spark[-1] if at in heavy else g.heavy_rule) * (stop - at), strong if at in heavy else weak))
            at = stop
        out.append((" " * (room - 1 - last), Style.null()))
        return out

    def _cells(self, start: int, end: int, room: int) -> tuple[int, int]:
        first = min(room - 1, max(0, int((start - self._start) / self._length * room)))
        last = min(room - 1, max(first, int((end - self._start) / self._length * room - 1e-9)))
        return first, last


Pair: TypeAlias = tuple[str, str]
_ERROR_WORDS = ("otel.status_description", "error.message")
"""Tags that say why a span failed."""

_TIMES = 10
"""Cells for the duration at the right of a waterfall."""


@dataclass(frozen=True, slots=True)
class DetailLine:
    """One line of a span's detail: a name and a value, or a heading without a value."""

    key: int
    name: str
    value: str
    level: str = ""


def detail_of(span: TraceSpan, row: WaterfallRow, shape: Shape, zone: tzinfo) -> list[DetailLine]:
    """What a span says of itself: times first, then tags, logs, links and its process."""
    at = datetime.fromtimestamp(span.start / 1e6, zone)
    critical = shape.critical_time.get(span.span_id, 0)
    facts: list[tuple[str, str, str]] = [
        ("", f"{span.service}: {span.operation}", "title"),
        (
            "started",
            f"{at:%H:%M:%S}.{span.start % 1_000_000:06d}, {micros_text(span.start - shape.trace.start)} in",
            "",
        ),
        ("took", f"{micros_text(span.duration)}, of it {micros_text(shape.self_time[span.span_id])} itself", ""),
    ]
    if row.repeats > 1:
        facts.append(("repeated", f"{row.repeats} times, {micros_text(row.self_time)} in all; this is the longest", ""))
    if critical:
        share = critical / max(1, shape.trace.duration)
        facts.append(("critical path", f"{micros_text(critical)}, {share:.0%} of the whole trace", ""))
    if span.kind:
        facts.append(("kind", span.kind, ""))
    told: set[Pair] = set()
    if span.error:
        words = next(filter(None, map(span.tag, _ERROR_WORDS)), "") or "this span failed"
        facts.append(("ERROR", words, "bad"))
        told = {("error", "true"), *((name, words) for name in _ERROR_WORDS)}
    facts += [("warning", words, "warn") for words in span.warnings]
    if span.orphan:
        facts.append(("warning", "its parent is missing from the trace", "warn"))
    facts += [
        (name, value, "bad" if name == "error" and value != "false" else "")
        for name, value in span.tags
        if (name, value) not in told
    ]
    for log in span.logs:
        moment = micros_text(max(0, log.at - span.start))
        facts.append(("", f"after {moment}", "title"))
        facts += [(name, value, "") for name, value in log.fields]
    facts += [("follows from", f"{link.trace_id} span {link.span_id}", "") for link in span.links]
    facts += [(f"process {name}", value, "quiet") for name, value in span.process]
    return [DetailLine(number, *fact) for number, fact in enumerate(facts)]


class Details:
    """A span's detail as a list; long values wrap."""

    row_lines: int | None = None

    def __init__(self, lines: Sequence[DetailLine]) -> None:
        self.lines = lines
        self._names = max((len(line.name) for line in lines), default=0) + 2

    def __len__(self) -> int:
        return len(self.lines)

    def row(self, index: int) -> DetailLine:
        return self.lines[index]

    def key(self, row: DetailLine) -> Hashable:
        return row.key

    def render(self, row: DetailLine, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """Name at the left, value at the right, wrapped under itself."""
        if row.level == "title":
            return [[(row.value, style(palette.accent, bold=True))]]
        paint = {
            "bad": style(palette.bad, bold=True),
            "warn": style(palette.warn),
            "link": style(palette.accent),
            "quiet": style(palette.muted),
        }.get(row.level, style(palette.text))
        names = max(12, min(self._names, 32, width * 2 // 5))
        name = crop([(row.name, style(palette.muted))], names - 1)
        first, *more = wrap(row.value, max(8, width - names))[:12]
        pad = " " * (names - width_of(name))
        return [
            [*name, (pad, Style.null()), (first, paint)],
            *([(" " * names, Style.null()), (w, paint)] for w in more),
        ]
