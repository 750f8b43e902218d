"""Traces as rows: whose own time it is, whose spans fail, which call is slow, and what differs by a tag.

Invariant: pure; rows come in the order of their names, so that the same traces give the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from warroom.tabletop.answers import Row
from warroom.telemetry.trace_shape import shape_of
from warroom.telemetry.traces import Span, Trace

_MICRO = 1e-6


@dataclass(frozen=True, slots=True)
class Mean:
    """A sum and how many there were of it."""

    total: float = 0.0
    count: int = 0

    @property
    def value(self) -> float:
        """The mean; 0 of none."""
        return self.total / self.count if self.count else 0.0


def rows_of(traces: Sequence[Trace], by: str) -> tuple[Row, ...]:
    """One row for each trace, service, call or tag value. `by` is trace, self_time, service, errors, edge or tag.NAME.

    Values are seconds, but for errors: the share of a service's spans that failed. A self time is the mean of a trace.

    Raises:
        ValueError: `by` is something else.
    """
    if by.startswith("tag."):
        name = by.removeprefix("tag.")
        return _means(((root.tag(name), trace.duration * _MICRO) for trace, root in _roots(traces)), name)
    reader = _READERS.get(by)
    if reader is None:
        raise ValueError(f"traces are told by {', '.join(_READERS)} or tag.NAME, not by {by!r}")
    return reader(traces)


def _roots(traces: Iterable[Trace]) -> Iterator[tuple[Trace, Span]]:
    for trace in traces:
        root = next((span for span in trace.spans if not span.parent), None)
        if root is not None:
            yield trace, root


def _each(traces: Sequence[Trace]) -> tuple[Row, ...]:
    rows = []
    for trace, root in _roots(traces):
        failed = any(span.error for span in trace.spans)
        labels = {
            "service": root.service, "operation": root.operation, "trace_id": trace.trace_id,
            "error": "true" if failed else "false", **dict(root.tags),
        }  # fmt: skip
        rows.append(Row(labels, trace.duration * _MICRO, root.operation, trace.start * _MICRO))
    return tuple(rows)


def _self_time(traces: Sequence[Trace]) -> tuple[Row, ...]:
    spent: dict[str, float] = {}
    for trace in traces:
        shape = shape_of(trace)
        for span in trace.spans:
            spent[span.service] = spent.get(span.service, 0.0) + shape.self_time.get(span.span_id, 0) * _MICRO
    return tuple(Row({"service": name}, spent[name] / len(traces)) for name in sorted(spent))


def _services(traces: Sequence[Trace]) -> tuple[Row, ...]:
    return _means(((span.service, span.duration * _MICRO) for trace in traces for span in trace.spans), "service")


def _errors(traces: Sequence[Trace]) -> tuple[Row, ...]:
    return _means(((span.service, float(span.error)) for trace in traces for span in trace.spans), "service")


def _edges(traces: Sequence[Trace]) -> tuple[Row, ...]:
    calls: dict[tuple[str, str], Mean] = {}
    for trace in traces:
        spans = {span.span_id: span for span in trace.spans}
        for span in trace.spans:
            above = spans.get(span.parent)
            if above is not None and above.service != span.service:
                pair = (above.service, span.service)
                held = calls.get(pair, Mean())
                calls[pair] = Mean(held.total + span.duration * _MICRO, held.count + 1)
    return tuple(
        Row({"client": client, "server": server}, calls[client, server].value) for client, server in sorted(calls)
    )


def _means(pairs: Iterable[tuple[str, float]], label: str) -> tuple[Row, ...]:
    means: dict[str, Mean] = {}
    for name, value in pairs:
        held = means.get(name, Mean())
        means[name] = Mean(held.total + value, held.count + 1)
    return tuple(Row({label: name}, means[name].value) for name in sorted(means) if name)


_READERS: Mapping[str, Callable[[Sequence[Trace]], tuple[Row, ...]]] = {
    "trace": _each, "self_time": _self_time, "service": _services, "errors": _errors, "edge": _edges,
}  # fmt: skip
