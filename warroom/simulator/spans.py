"""The spans of a walked request, and what each served request of it leaves for logs and exemplars."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Final

from warroom.simulator.axes import Axes
from warroom.simulator.dice import Dice
from warroom.simulator.operations import method_of, route_of, store_of
from warroom.simulator.walk import Node, Walk
from warroom.telemetry.traces import Pairs, Span, SpanLog, Trace

REASONS: Final = {
    "own": "internal error",
    "slice": "internal error",
    "missing": "not found",
    "refused": "queue is full",
    "breaker": "circuit breaker is open",
    "pool": "timeout waiting for a connection",
    "timeout": "deadline exceeded",
    "peer": "callee answered with an error",
    "dns": "no such host",
    "tls": "x509: certificate has expired or is not yet valid",
    "network": "i/o timeout",
    "quota": "quota is used up",
    "readonly": "cannot execute INSERT in a read-only transaction",
}
"""What a span and a line say of a failure, by its mode."""


@dataclass(slots=True, eq=False)
class Served:
    """A request that a service of ours answered, and when (microseconds since the epoch)."""

    node: Node
    journey: str
    trace_id: str
    span_id: str
    start: int
    slices: Pairs
    root: bool

    @property
    def end(self) -> int:
        """When the answer went out."""
        return self.start + max(1, int(self.node.length * 1e6))


@dataclass(frozen=True, slots=True)
class Told:
    """A part of a trace: to be handed over once its last span has ended (`due`, microseconds since the epoch)."""

    due: int
    trace: Trace
    served: tuple[Served, ...]


class SpanMaker:
    """Makes spans of walks."""

    def __init__(self, axes: Axes, dice: Dice) -> None:
        self._axes, self._dice = axes, dice
        self.services = tuple(one.name for one in axes.topology.services)
        self._stores = tuple(store_of(one) for one in axes.topology.services)
        self._journeys = {one.name: (method_of(one), route_of(one)) for one in axes.topology.journeys}
        self._namespace = axes.topology.name
        self._processes: dict[tuple[int, int, str], Pairs] = {}
        # Most spans say what many others say: the same tuple serves them all.
        self._usual = lru_cache(8192)(self._tags)

    def told(self, walk: Walk, start: int) -> list[Told]:
        """The request's own part, then one for each message that somebody took up."""
        trace_id = self._dice.id() + self._dice.id()
        made = _Making(self, walk, trace_id, self._dice)
        made.add(walk.root, "", start, root=True)
        found = [made.finish()]
        for delay, left, taken in walk.later:
            parent = made.ids.get(id(left))
            if parent is not None:
                part = _Making(self, walk, trace_id, self._dice)
                part.add(taken, parent[0], parent[1] + int(delay * 1e6), root=False)
                found.append(part.finish())
        return found

    def process(self, node: Node) -> Pairs:
        """What is said of the process behind a span."""
        place = node.service, node.region, node.version
        found = self._processes.get(place)
        if found is None:
            name, region = self.services[node.service], self._axes.regions[node.region]
            found = self._processes[place] = (
                ("namespace", self._namespace), ("pod", f"{name}-{region}"), ("region", region),
                ("version", node.version),
            )  # fmt: skip
        return found

    def tags(self, node: Node, walk: Walk, *, root: bool) -> Pairs:
        """What is said of the span itself."""
        plain = self._usual(
            node.kind, node.service, node.region, node.version, node.status, node.peer, node.attempt, node.tags
        )
        if not root and node.mode != "slice":
            return plain
        tags = [(f"slice.{dim}", value) for dim, value in walk.slices]
        if root:
            method, route = self._journeys[walk.journey]
            tags += [("http.method", method), ("http.route", route), ("journey", walk.journey)]
        return tuple(sorted((*plain, *tags)))

    def _tags(
        self, kind: str, service: int, region: int, version: str, status: int, peer: str, attempt: int, more: Pairs
    ) -> Pairs:
        tags: list[tuple[str, str]] = [("span.kind", kind), ("region", self._axes.regions[region]), *more]
        if kind in ("server", "consumer"):
            tags.append(("version", version))
            store = self._stores[service]
            tags.append(("db.system", store) if store else ("http.status_code", str(status)))
        elif peer:
            tags.append(("peer.service", peer))
            if attempt:
                tags.append(("attempt", str(attempt)))
        if status != 200:
            tags.append(("error", "true"))
        return tuple(sorted(tags))


_order = attrgetter("start", "span_id")


class _Making:
    """Spans of one part of a trace."""

    __slots__ = ("_dice", "_end", "_maker", "_served", "_spans", "_trace_id", "_walk", "ids")

    def __init__(self, maker: SpanMaker, walk: Walk, trace_id: str, dice: Dice) -> None:
        self._maker, self._walk, self._trace_id, self._dice = maker, walk, trace_id, dice
        self._spans: list[Span] = []
        self._served: list[Served] = []
        self._end = 0
        self.ids: dict[int, tuple[str, int]] = {}
        """By producer node: its span and when it ended."""

    def add(self, node: Node, parent: str, start: int, *, root: bool) -> None:
        """A node with all below it."""
        span_id = self._dice.id()
        duration = int(node.length * 1e6) or 1
        failed = node.status != 200
        logs: tuple[SpanLog, ...] = ()
        if failed:
            words = REASONS.get(node.mode, "failed")
            logs = (SpanLog(start + duration, (("event", "error"), ("message", words))),)
        maker = self._maker
        self._spans.append(
            Span(
                span_id, parent, maker.services[node.service], node.operation, start, duration, node.kind, failed,
                False, maker.tags(node, self._walk, root=root), maker.process(node), logs,
            )
        )  # fmt: skip
        if start + duration > self._end:
            self._end = start + duration
        kind = node.kind
        if kind in ("server", "consumer"):
            walk = self._walk
            self._served.append(Served(node, walk.journey, self._trace_id, span_id, start, walk.slices, root))
        elif kind == "producer":
            self.ids[id(node)] = (span_id, start + duration)
        for child in node.children:
            self.add(child, span_id, start + int(child.offset * 1e6), root=False)

    def finish(self) -> Told:
        """All that was added."""
        spans = tuple(sorted(self._spans, key=_order))
        return Told(self._end, Trace(self._trace_id, spans), tuple(self._served))
