"""The spans of a walked request, and what each served request of it leaves for logs and exemplars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import add, attrgetter
from typing import Final, NamedTuple

from warroom.simulator.axes import Axes
from warroom.simulator.dice import ID, Dice
from warroom.simulator.operations import method_of, route_of, store_of
from warroom.simulator.roles import KINDS, Role
from warroom.simulator.walk import Node, Walk
from warroom.telemetry.traces import Act, LateSpans, Link, Outline, Pairs, Span, SpanLog, Trace

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
    """A request that a service of ours answered, and when: `start` and `end` are microseconds since the epoch."""

    node: Node
    journey: str
    trace_id: str
    span_id: str
    start: int
    slices: Pairs
    root: bool
    end: int


@dataclass(frozen=True, slots=True)
class Told:
    """A part of a trace: to be handed over once its last span has ended (`due`, microseconds since the epoch)."""

    due: int
    trace: Trace
    served: tuple[Served, ...]


class SpanMaker:
    """Tells walks as traces. `acts` are those of their roles."""

    def __init__(self, axes: Axes, dice: Dice, acts: Sequence[Act]) -> None:
        self._dice, self._acts = dice, acts
        self._words = Words(axes)
        self._sets: dict[frozenset[int], frozenset[Act]] = {}

    def told(self, walk: Walk, start: int) -> list[Told]:
        """The request's own part, then one for each message that somebody took up."""
        trace_id = self._dice.ids(2)
        own = self._spans(walk, walk.nodes, start, "")
        told = [_told(own, walk, walk.nodes, trace_id)]
        for one in walk.later:
            begin = own.starts[one.left] + own.durations[one.left] + int(one.delay * 1e6)
            part = self._spans(walk, one.nodes, begin, own.id_of(one.left))
            told.append(_told(part, walk, one.nodes, trace_id))
        return told

    def _spans(self, walk: Walk, nodes: Sequence[Node], begin: int, parent: str) -> WalkedSpans:
        starts: list[int] = []
        unusual: dict[int, Unusual] = {}
        failed = False
        for at, node in enumerate(nodes):
            starts.append(starts[node.parent] + int(node.offset * 1e6) if at else begin)
            if node.status != 200 or node.attempt > 1 or node.tags:
                unusual[at] = Unusual(node.status, node.mode, node.attempt, node.tags)
                failed = failed or node.status != 200
        durations = [int(node.length * 1e6) or 1 for node in nodes]
        roles = tuple([node.role for node in nodes])
        outline = Outline(begin, max(map(add, starts, durations)), failed, self._acts_of(roles))
        spans = WalkedSpans(outline, self._words, walk.journey, walk.slices, parent)
        spans.ids, spans.parents = self._dice.ids(len(nodes)), tuple([node.parent for node in nodes])
        spans.starts, spans.durations, spans.roles, spans.unusual = tuple(starts), tuple(durations), roles, unusual
        return spans

    def _acts_of(self, roles: Sequence[Role]) -> frozenset[Act]:
        """What they do; the same object for all who do the same."""
        numbers = frozenset([role.act for role in roles])
        acts = self._sets.get(numbers)
        if acts is None:
            acts = self._sets[numbers] = frozenset(self._acts[one] for one in numbers)
        return acts


def _told(spans: WalkedSpans, walk: Walk, nodes: Sequence[Node], trace_id: str) -> Told:
    ids, starts, durations, whole = spans.ids, spans.starts, spans.durations, not spans.parent
    served = [
        Served(
            node, walk.journey, trace_id, ids[ID * at : ID * at + ID], starts[at], walk.slices, whole and not at,
            starts[at] + durations[at],
        )
        for at, node in enumerate(nodes)
        if node.role.serves
    ]  # fmt: skip
    return Told(spans.outline.end, Trace(trace_id, spans), tuple(served))


class Unusual(NamedTuple):
    """What a span says besides its role."""

    status: int
    mode: str
    attempt: int
    tags: Pairs


_USUAL: Final = {kind: Unusual(200, "", int(kind == "client"), ()) for kind in KINDS}


class WalkedSpans(LateSpans):
    """The spans of a part of a walk as columns of plain numbers, in the walk's order; their ids are one text.

    `parents` are places in them; `parent` is the id of the first one's, empty where there is none.
    """

    __slots__ = (
        "durations", "ids", "journey", "parent", "parents", "roles", "slices", "starts", "unusual", "words",
    )  # fmt: skip

    ids: str
    roles: tuple[Role, ...]
    parents: tuple[int, ...]
    starts: tuple[int, ...]
    durations: tuple[int, ...]
    unusual: dict[int, Unusual]

    def __init__(self, outline: Outline, words: Words, journey: str, slices: Pairs, parent: str) -> None:
        super().__init__(outline)
        self.words, self.journey, self.slices, self.parent = words, journey, slices, parent

    def __len__(self) -> int:
        return len(self.roles)

    def make(self) -> tuple[Span, ...]:
        """In order of their starts."""
        columns = zip(*self._ids(), self.starts, self.durations, strict=True)
        spans = [
            self.words.span(role, self.unusual.get(at, _USUAL[role.kind]), self, *said)
            for at, (role, said) in enumerate(zip(self.roles, columns, strict=True))
        ]
        return tuple(sorted(spans, key=_order))

    def links(self) -> Iterable[Link]:
        """From the columns."""
        services = [self.words.services[role.service] for role in self.roles]
        return zip(*self._ids(), services, self.starts, strict=True)

    def id_of(self, at: int) -> str:
        """The id of the span at that place."""
        return self.ids[ID * at : ID * at + ID]

    def _ids(self) -> tuple[list[str], list[str]]:
        """Of each span and of its parent."""
        text = self.ids
        ids = [text[at : at + ID] for at in range(0, len(text), ID)]
        return ids, [self.parent, *(ids[place] for place in self.parents[1:])]


_order = attrgetter("start", "span_id")


class Words:
    """What spans say of their nodes."""

    def __init__(self, axes: Axes) -> None:
        topology = axes.topology
        self.services = tuple(one.name for one in topology.services)
        self._regions = axes.regions
        self._stores = tuple(store_of(one) for one in topology.services)
        self._journeys = {one.name: (method_of(one), route_of(one)) for one in topology.journeys}
        self._namespace = topology.name
        self._processes: dict[tuple[int, int, str], Pairs] = {}
        # Most spans say what many others say: the same tuple serves them all.
        self._usual = lru_cache(8192)(self._tags)

    def span(
        self, role: Role, said: Unusual, of: WalkedSpans, span_id: str, parent: str, start: int, duration: int
    ) -> Span:
        """One of those spans; times are microseconds. Without a parent it is the whole request's."""
        failed = said.status != 200
        logs: tuple[SpanLog, ...] = ()
        if failed:
            words = REASONS.get(said.mode, "failed")
            logs = (SpanLog(start + duration, (("event", "error"), ("message", words))),)
        tags = self._usual(role, said.status, said.attempt, said.tags)
        if not parent or said.mode == "slice":
            tags = self._with_slices(tags, of, root=not parent)
        return Span(
            span_id, parent, self.services[role.service], role.operation, start, duration, role.kind, failed, False,
            tags, self._process(role), logs,
        )  # fmt: skip

    def _process(self, role: Role) -> Pairs:
        """What is said of the process behind a span."""
        place = role.service, role.region, role.version
        found = self._processes.get(place)
        if found is None:
            name, region = self.services[role.service], self._regions[role.region]
            found = self._processes[place] = (
                ("namespace", self._namespace), ("pod", f"{name}-{region}"), ("region", region),
                ("version", role.version),
            )  # fmt: skip
        return found

    def _with_slices(self, plain: Pairs, of: WalkedSpans, *, root: bool) -> Pairs:
        tags = [(f"slice.{dim}", value) for dim, value in of.slices]
        if root:
            method, route = self._journeys[of.journey]
            tags += [("http.method", method), ("http.route", route), ("journey", of.journey)]
        return tuple(sorted((*plain, *tags)))

    def _tags(self, role: Role, status: int, attempt: int, more: Pairs) -> Pairs:
        """What is said of the span itself."""
        tags: list[tuple[str, str]] = [("span.kind", role.kind), ("region", self._regions[role.region]), *more]
        if role.serves:
            tags.append(("version", role.version))
            store = self._stores[role.service]
            tags.append(("db.system", store) if store else ("http.status_code", str(status)))
        elif role.peer:
            tags.append(("peer.service", role.peer))
            if attempt:
                tags.append(("attempt", str(attempt)))
        if status != 200:
            tags.append(("error", "true"))
        return tuple(sorted(tags))
