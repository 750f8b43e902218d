"""One request followed through the production: who worked on it, how long, and what went wrong on the way.

A server's time is drawn from the very law that its histogram is drawn from. A caller's and its callees' times hang
together (a slow request is slow because of those it waits for) through one shared part of the normal numbers behind
them, which leaves each one's law as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, log, sqrt
from typing import Final

from warroom.simulator.axes import Axes
from warroom.simulator.dice import Dice
from warroom.simulator.laws import Laws
from warroom.simulator.operations import (
    client_operation,
    consumer_operation,
    journey_operation,
    producer_operation,
    server_operation,
)
from warroom.simulator.topology import Edge, Queue

SHARED: Final = 0.9
_REST: Final = sqrt(1.0 - SHARED * SHARED)
_MOST_CALLS: Final = 3
_MOST_TRIES: Final = 6
_MOST_NODES: Final = 120
_LONGEST: Final = 120.0
"""Seconds: no span is longer."""
_SHORT: Final = 0.0005
"""Seconds for a connection that are not worth a span."""
_UNCONNECTED: Final = {
    "breaker": (0.0002, 503), "dns": (0.01, 502), "tls": (0.02, 502), "quota": (0.005, 429), "network": (0.001, 502),
    "readonly": (0.002, 502),
}  # fmt: skip
"""What an attempt costs that the callee never sees, in seconds, and its status. Lost packets are sent again: their time
is in the network's."""


@dataclass(slots=True)
class Node:
    """A span to be. `offset` counts from its parent's start, both in seconds; `mode` is why it failed, in one word."""

    service: int
    region: int
    version: str
    operation: str
    kind: str
    length: float = 0.0
    offset: float = 0.0
    status: int = 200
    mode: str = ""
    lasting: bool = False
    """Whether trying again does not help."""
    peer: str = ""
    attempt: int = 0
    tags: tuple[tuple[str, str], ...] = ()
    children: list[Node] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether it ended badly."""
        return self.status != 200


@dataclass(frozen=True, slots=True)
class Walk:
    """A request: its root, and what it left in queues: seconds until it is taken up, who left it, who takes it."""

    journey: str
    region: int
    slices: tuple[tuple[str, str], ...]
    root: Node
    later: tuple[tuple[float, Node, Node], ...]


class Walker:
    """Follows requests, one at a time."""

    def __init__(self, axes: Axes, dice: Dice) -> None:
        self._axes, self._dice = axes, dice
        topology = self._topology = axes.topology
        where = topology.service_index
        self.targets = tuple(where[one.target] for one in topology.edges)
        self.sources = tuple(where[one.source] for one in topology.edges)
        self._calls: list[list[tuple[int, Edge]]] = [[] for _ in topology.services]
        for at, edge in enumerate(topology.edges):
            self._calls[self.sources[at]].append((at, edge))
        self._queues: list[list[tuple[int, Queue]]] = [[] for _ in topology.services]
        for at, queue in enumerate(topology.queues):
            self._queues[where[queue.source]].append((at, queue))
        self._external = tuple(one.kind == "external" for one in topology.services)
        self._client = tuple(client_operation(one) for one in topology.edges)
        self._operations = tuple(server_operation(one, topology) for one in topology.services)
        self._entries = tuple(where[one.entry] for one in topology.journeys)
        self._dims = tuple((dim, tuple(shares), tuple(shares.values())) for dim, shares in topology.slices.items())
        self._names: tuple[tuple[str, ...], ...] = ()
        self.own_status: dict[int, int] = {}
        """By service, the status of its own failures where it is not 500."""

    def walk(self, laws: Laws, versions: tuple[tuple[str, ...], ...]) -> Walk | None:
        """A request of this second; None where nobody asks for anything."""
        if sum(laws.asked) <= 0:
            return None
        self._names = versions
        journey = self._dice.pick(laws.asked)
        region = self._dice.pick(laws.requests[journey])
        slices = tuple((dim, names[self._dice.pick(shares)]) for dim, names, shares in self._dims)
        one = _Request(laws, journey, dict(slices))
        root = self._serve(one, self._entries[journey], region, self._dice.normal())
        root.operation = journey_operation(self._topology.journeys[journey])
        return Walk(self._topology.journeys[journey].name, region, slices, root, tuple(one.later))

    def _serve(self, one: _Request, service: int, region: int, z: float) -> Node:
        """A service answers."""
        laws, dice, journey = one.laws, self._dice, one.journey
        one.nodes += 1
        slot = laws.only[service][region]
        if slot < 0:
            slot = dice.pick(laws.weight[service][region])
        node = Node(service, region, self._names[service][slot], self._operations[service], "server")
        if dice.happens(laws.refused[service][region]):
            node.length, node.status, node.mode = 0.0005 + 0.001 * dice.share(), 503, "refused"
            return node
        mean = laws.mean[journey][service][region] * laws.version_time[service][region][slot]
        fails, hurt = laws.version_own[service][region][slot], 0.0
        for dim, value, extra, errors in laws.slices:
            if one.slices.get(dim) == value:
                mean += extra[service][region]
                hurt = max(hurt, errors[service][region])
        node.length = min(_time(mean, laws.sigma[journey][service][region], z), _LONGEST)
        if dice.happens(1.0 - (1.0 - fails) * (1.0 - hurt)):
            node.status, node.mode = self.own_status.get(service, 500), "slice" if hurt > fails else "own"
            if node.mode == "own" and dice.share() * fails < laws.lasting[service][region]:
                node.mode, node.lasting = "missing", True
            return node
        self._call_others(one, node, z)
        return node

    def _call_others(self, one: _Request, node: Node, z: float) -> None:
        """The calls that a service makes for a request, then what it leaves in queues."""
        units: list[list[Node]] = []
        calls, region, count = one.laws.calls[one.journey], node.region, self._dice.count
        for at, edge in self._calls[node.service]:
            for _ in range(min(count(calls[at][region]), _MOST_CALLS)):
                if one.nodes > _MOST_NODES:
                    break
                unit = self._call(one, at, edge, node, z)
                units.append(unit)
                if unit[-1].failed and edge.critical:
                    node.status = 504 if unit[-1].mode == "timeout" else 502
                    node.mode, node.peer, node.lasting = unit[-1].mode, edge.target, unit[-1].lasting
                    break
            if node.failed:
                break
        if not node.failed:
            for at, queue in self._queues[node.service]:
                for _ in range(min(self._dice.count(queue.messages), 2)):
                    units.append([self._publish(one, at, queue, node)])
        _place(node, units)

    def _call(self, one: _Request, at: int, edge: Edge, node: Node, z: float) -> list[Node]:
        """One call with its repetitions, in order."""
        attempt = self._attempt(one, at, edge, node, z)
        attempt.attempt = 1
        tries = [attempt]
        most = 1 + min(int(one.laws.retries[at][node.region]), _MOST_TRIES)
        while attempt.status != 200 and not attempt.lasting and len(tries) < most:
            if self._dice.share() >= one.laws.granted[at][node.region]:
                break
            attempt = self._attempt(one, at, edge, node, z)
            tries.append(attempt)
            attempt.attempt = len(tries)
        return tries

    def _attempt(self, one: _Request, at: int, edge: Edge, node: Node, z: float) -> Node:
        laws, dice, region = one.laws, self._dice, node.region
        one.nodes += 1
        target, timeout = self.targets[at], laws.timeout[at][region]
        made = Node(node.service, region, node.version, self._client[at], "client", peer=edge.target)
        if dice.happens(laws.broken[at][region]):
            return self._unconnected(laws, at, edge, made)
        waited = 0.0
        if laws.pool_wait[at][region] > _SHORT:
            wait = self._waited(laws, at, made)
            made.children.append(wait)
            waited = wait.length
        shared = SHARED * z + _REST * dice.normal()
        if self._external[target]:
            made.length = _time(laws.call_mean[at][region], laws.call_sigma[at][region], shared)
            if made.length <= timeout and dice.happens(laws.errors[target][region]):
                made.status, made.mode = 502, "peer"
        else:
            where = laws.home[at][region]
            answered = self._serve(one, target, where if where >= 0 else dice.pick(laws.route[at][region]), shared)
            half = max(laws.network[at][region], 1e-5) / 2
            answered.offset = half + waited
            made.children.append(answered)
            made.length = answered.offset + answered.length + half
            if answered.status != 200:
                made.status, made.mode, made.lasting = 502, "peer", answered.lasting
        return made if made.length <= timeout else _ended(made, timeout, 504, "timeout")

    def _waited(self, laws: Laws, at: int, made: Node) -> Node:
        """The wait for a connection of a pool."""
        region = made.region
        wait = Node(made.service, region, made.version, "pool.acquire", "internal", peer=made.peer)
        wait.length = min(-log(1.0 - self._dice.share()) * laws.pool_wait[at][region], _LONGEST)
        in_use, most = laws.pool_used[at][region], laws.pool_size[at][region]
        wait.tags = (("pool.in_use", f"{in_use:.0f}"), ("pool.max", f"{most:.0f}"))
        return wait

    def _unconnected(self, laws: Laws, at: int, edge: Edge, made: Node) -> Node:
        """An attempt that the callee never saw."""
        region, draw = made.region, self._dice.share()
        reason = laws.reason(at, region, self._dice.share())
        if reason == "pool":
            made.children.append(self._waited(laws, at, made))
            made.children[0].length = edge.pool_timeout_ms / 1000
            return _ended(made, edge.pool_timeout_ms / 1000, 503, "pool")
        length, status = _UNCONNECTED[reason]
        return _ended(made, min(length * (0.5 + draw), laws.timeout[at][region]), status, reason)

    def _publish(self, one: _Request, at: int, queue: Queue, node: Node) -> Node:
        """A message left for another service, which takes it up later."""
        laws, target = one.laws, self._topology.service_index[queue.target]
        made = Node(node.service, node.region, node.version, producer_operation(queue), "producer", peer=queue.target)
        made.length = 0.0008 + 0.002 * self._dice.share()
        if one.nodes < _MOST_NODES:
            taken = self._serve(one, target, node.region, self._dice.normal())
            taken.operation, taken.kind = consumer_operation(queue), "consumer"
            taken.tags = (("messaging.destination", queue.name), ("messaging.system", "kafka"))
            one.later.append((laws.lag[at][node.region] + 0.002, made, taken))
        made.tags = (("messaging.destination", queue.name), ("messaging.system", "kafka"))
        return made


class _Request:
    """What a walk carries along."""

    __slots__ = ("journey", "later", "laws", "nodes", "slices")

    def __init__(self, laws: Laws, journey: int, slices: dict[str, str]) -> None:
        self.laws, self.journey, self.slices = laws, journey, slices
        self.nodes = 0
        self.later: list[tuple[float, Node, Node]] = []


def _time(mean: float, sigma: float, z: float) -> float:
    sigma = max(sigma, 0.02)
    return exp(log(max(mean, 1e-5)) - 0.5 * sigma * sigma + sigma * z)


def _ended(node: Node, length: float, status: int, mode: str) -> Node:
    node.length, node.status, node.mode = length, status, mode
    return node


def _place(node: Node, units: list[list[Node]]) -> None:
    """Put the calls into the caller's time: one after the other where there is time for it, else side by side."""
    if not units:
        return
    lengths = [unit[0].length if len(unit) == 1 else sum([child.length for child in unit]) for unit in units]
    longest, total = max(lengths), sum(lengths)
    length = node.length = max(node.length, longest * 1.01 + 0.0001)
    head = min(0.3 * max(length - total, 0.0), 0.2 * length)
    room = length - head
    # Every start is moved forward alike, so that the last ends in time.
    squeeze = min(1.0, (room - longest) / max(total - min(lengths), 1e-9)) if total > room else 1.0
    at = head
    for unit, took in zip(units, lengths, strict=True):
        start = min(at, length - took)
        for child in unit:
            child.offset = start
            start += child.length
        node.children += unit
        at += took * squeeze
