"""What the spans of a trace say together: the tree, who spent the time, and the path that decided how long it took.

Pure. The critical path is that of Jaeger's trace view: from the end of the root backwards, always into the child that
finished last before that moment; what no child covers is the span's own part
(https://www.jaegertracing.io/docs/latest/frontend-ui/#critical-path; Barford and Crovella, "Critical path analysis of
TCP transactions", 2000).

Invariant: every span is in the tree exactly once, whatever its references say, and the segments of the critical path
are disjoint and cover the root from its start to its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from warroom.telemetry.traces import Span, Trace

FEWEST_REPEATS = 4
"""As many like siblings in a row are shown as one."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the critical path that was spent in the span itself, microseconds since the epoch."""

    span_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Shape:
    """The tree of one trace. `children` are by start time; `self_time` in microseconds by span id."""

    trace: Trace
    roots: tuple[Span, ...]
    children: Mapping[str, tuple[Span, ...]]
    self_time: Mapping[str, int]
    critical: tuple[Segment, ...]

    @property
    def critical_time(self) -> dict[str, int]:
        """Microseconds of the critical path by span id, for the spans that are on it."""
        times: dict[str, int] = {}
        for part in self.critical:
            times[part.span_id] = times.get(part.span_id, 0) + part.end - part.start
        return times


@dataclass(frozen=True, slots=True)
class WaterfallRow:
    """One line of a waterfall. `members` are the span ids that it stands for: several where like siblings are shown as
    one; `span` is then the longest of them, and `start` and `end` cover all. `inside` counts the spans below it that
    are not shown.
    """

    span: Span
    depth: int
    start: int
    end: int
    self_time: int
    errors: int
    members: tuple[str, ...]
    inside: int = 0
    has_children: bool = False
    last_child: bool = False

    @property
    def repeats(self) -> int:
        """How many spans the line stands for."""
        return len(self.members)


def shape_of(trace: Trace) -> Shape:
    """The tree and what follows from it. Linear in the spans but for sorting them."""
    spans = _unique(trace.spans)
    parents = _parents(spans)
    children: dict[str, list[Span]] = {}
    roots: list[Span] = []
    for span in sorted(spans.values(), key=lambda one: (one.start, -one.duration, one.span_id)):
        parent = parents[span.span_id]
        if parent:
            children.setdefault(parent, []).append(span)
        else:
            roots.append(span)
    kept = {name: tuple(below) for name, below in children.items()}
    self_time = {name: _self_time(span, kept.get(name, ())) for name, span in spans.items()}
    critical = _critical(max(roots, key=lambda one: one.duration), kept) if roots else ()
    return Shape(trace, tuple(roots), kept, self_time, critical)


def waterfall(
    shape: Shape, folded: frozenset[str] = frozenset(), unfolded: frozenset[str] = frozenset()
) -> tuple[WaterfallRow, ...]:
    """The lines from top to bottom. `folded` spans hide what is below them; runs of like siblings are one line unless
    the first of the run is in `unfolded`.
    """
    rows: list[WaterfallRow] = []
    todo: list[tuple[tuple[Span, ...], int, bool]] = [
        (run, 0, last) for run, last in reversed(list(_runs(shape.roots, shape, unfolded)))
    ]
    while todo:
        run, depth, last = todo.pop()
        below = shape.children.get(run[0].span_id, ()) if len(run) == 1 else ()
        hidden = len(run) > 1 or run[0].span_id in folded
        rows.append(_row(run, depth, last, shape, hidden))
        if not hidden:
            todo += [(one, depth + 1, end) for one, end in reversed(list(_runs(below, shape, unfolded)))]
    return tuple(rows)


def _row(run: tuple[Span, ...], depth: int, last: bool, shape: Shape, hidden: bool) -> WaterfallRow:
    longest = max(run, key=lambda one: one.duration)
    inside = [one for span in run for one in _below(span, shape)] if hidden else []
    return WaterfallRow(
        span=longest if len(run) > 1 else run[0],
        depth=depth,
        start=min(one.start for one in run),
        end=max(one.end for one in run),
        self_time=sum(shape.self_time[one.span_id] for one in run),
        errors=sum(one.error for one in (*run, *inside)),
        members=tuple(one.span_id for one in run),
        inside=len(inside),
        has_children=any(one.span_id in shape.children for one in run),
        last_child=last,
    )


def _runs(siblings: Sequence[Span], shape: Shape, unfolded: frozenset[str]) -> Iterator[tuple[tuple[Span, ...], bool]]:
    """Siblings in order, like ones in a row together, and whether it is the last line of its parent."""
    runs: list[tuple[Span, ...]] = []
    at = 0
    while at < len(siblings):
        stop = at + 1
        while stop < len(siblings) and _alike(siblings[at], siblings[stop], shape):
            stop += 1
        run = tuple(siblings[at:stop])
        if len(run) < FEWEST_REPEATS or run[0].span_id in unfolded:
            runs += [(one,) for one in run]
        else:
            runs.append(run)
        at = stop
    for number, run in enumerate(runs, start=1):
        yield run, number == len(runs)


def _alike(one: Span, other: Span, shape: Shape) -> bool:
    """Whether both do the same; a failed one is never hidden among those that worked."""
    return (
        (one.service, one.operation, one.error) == (other.service, other.operation, other.error)
        and _fails_below(one, shape) == _fails_below(other, shape)
    )  # fmt: skip


def _fails_below(span: Span, shape: Shape) -> bool:
    return any(one.error for one in shape.children.get(span.span_id, ()))


def _below(span: Span, shape: Shape) -> Iterator[Span]:
    todo = list(shape.children.get(span.span_id, ()))
    while todo:
        one = todo.pop()
        yield one
        todo += shape.children.get(one.span_id, ())


def _unique(spans: Sequence[Span]) -> dict[str, Span]:
    """By id; of two spans with one id (a client and a server that share it) both stay, the second renamed."""
    found: dict[str, Span] = {}
    for span in spans:
        name = span.span_id
        while name in found:
            name += "'"
        found[name] = span if name == span.span_id else _renamed(span, name)
    return found


def _renamed(span: Span, name: str) -> Span:
    return replace(span, span_id=name, parent=span.span_id)


def _parents(spans: Mapping[str, Span]) -> dict[str, str]:
    """The parent of each span, empty for a root: one whose parent is missing, or that would close a circle."""
    parents = {
        name: span.parent if span.parent in spans and span.parent != name else "" for name, span in spans.items()
    }
    safe: set[str] = set()
    for name in parents:
        path: list[str] = []
        seen: set[str] = set()
        at = name
        while at and at not in safe:
            if at in seen:
                parents[at] = ""
                break
            seen.add(at)
            path.append(at)
            at = parents[at]
        safe.update(path)
    return parents


def _self_time(span: Span, children: Sequence[Span]) -> int:
    """Its duration without what its children cover of it; children that overlap count once."""
    covered, reached = 0, span.start
    for child in children:
        start, end = max(child.start, reached), min(child.end, span.end)
        if end > start:
            covered += end - start
            reached = end
    return span.duration - covered


def _critical(root: Span, children: Mapping[str, tuple[Span, ...]]) -> tuple[Segment, ...]:
    parts: list[Segment] = []
    todo: list[tuple[Span, int, int]] = [(root, root.start, root.end)]
    while todo:
        span, begin, at = todo.pop()
        for child in sorted(children.get(span.span_id, ()), key=lambda one: (one.end, one.start), reverse=True):
            start, end = max(child.start, begin), min(child.end, span.end)
            # One that ends after the moment reached was waited for by something that is on the path already.
            if end > at or end <= start:
                continue
            if at > end:
                parts.append(Segment(span.span_id, end, at))
            todo.append((child, start, end))
            at = start
        if at > begin:
            parts.append(Segment(span.span_id, begin, at))
    return tuple(sorted(parts, key=lambda part: part.start))
