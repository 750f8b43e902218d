"""What spans say whatever happens: who does what, where, in which version, and what it may do next."""

from __future__ import annotations

from typing import Final, NamedTuple

from warroom.simulator.axes import Axes
from warroom.simulator.operations import (
    client_operation,
    consumer_operation,
    journey_operation,
    producer_operation,
    server_operation,
)
from warroom.simulator.topology import Edge, Queue
from warroom.telemetry.traces import Act, Pairs

KINDS: Final = ("server", "client", "producer", "consumer", "internal")
SERVING: Final = ("server", "consumer")
"""Kinds of spans with which a service answers."""


class Role:
    """One object for all spans that say the same. `act` is its place among `Roles.acts`."""

    __slots__ = (
        "act", "calls", "kind", "messages", "operation", "peer", "region", "serves", "service", "version",
    )  # fmt: skip

    def __init__(self, act: int, service: int, region: int, version: str, doing: _Doing) -> None:
        self.act, self.service, self.region, self.version = act, service, region, version
        self.operation, self.kind, self.peer = doing.operation, doing.kind, doing.peer
        self.serves = doing.kind in SERVING
        self.calls: tuple[Call, ...] = ()
        self.messages: tuple[Message, ...] = ()


class Call(NamedTuple):
    """A call that is made from a region. `row` is its place in the laws, `answer` the act of its callee, `outside` the
    place of a callee that is not of the house, -1 for all others.
    """

    row: int
    edge: Edge
    outside: int
    answer: int
    role: Role
    waiting: Role
    """While no connection is free."""


class Message(NamedTuple):
    """A message that is left in a region. `number` is its queue's, `taken` the act of who takes it up."""

    number: int
    queue: Queue
    taken: int
    role: Role
    tags: Pairs


class _Doing(NamedTuple):
    service: int
    operation: str
    kind: str
    peer: str


class Roles(dict[tuple[int, int, str], Role]):
    """Roles by act, region and version, made when they are first needed."""

    def __init__(self, axes: Axes) -> None:
        super().__init__()
        topology = axes.topology
        self._count = axes.count
        where = self._where = topology.service_index
        self.acts: list[Act] = []
        self._doings: list[_Doing] = []
        self.services: list[int] = []
        """By act."""
        self.answers = [self._act(one.name, server_operation(one, topology), "server") for one in topology.services]
        """The act with which each service answers; `entries` those for each journey."""
        self.entries = [self._act(one.entry, journey_operation(one), "server") for one in topology.journeys]
        self._calls = [self._act(one.source, client_operation(one), "client", one.target) for one in topology.edges]
        self._waiting = [self._act(one.source, "pool.acquire", "internal", one.target) for one in topology.edges]
        queues = topology.queues
        self._left = [self._act(one.source, producer_operation(one), "producer", one.target) for one in queues]
        self._taken = [self._act(one.target, consumer_operation(one), "consumer") for one in queues]
        self._external = [one.kind == "external" for one in topology.services]
        self._edges_of = [
            [(at, edge) for at, edge in enumerate(topology.edges) if where[edge.source] == service]
            for service in range(len(topology.services))
        ]
        self._queues_of = [
            [(at, queue) for at, queue in enumerate(queues) if where[queue.source] == service]
            for service in range(len(topology.services))
        ]

    def __missing__(self, key: tuple[int, int, str]) -> Role:
        act, region, version = key
        doing = self._doings[act]
        made = self[key] = Role(act, doing.service, region, version, doing)
        if made.serves:
            made.calls = tuple(self._call(at, edge, region, version) for at, edge in self._edges_of[doing.service])
            made.messages = tuple(
                self._message(at, queue, region, version) for at, queue in self._queues_of[doing.service]
            )
        return made

    def _act(self, service: str, operation: str, kind: str, peer: str = "") -> int:
        self.acts.append((service, operation, kind))
        self._doings.append(_Doing(self._where[service], operation, kind, peer))
        self.services.append(self._where[service])
        return len(self.acts) - 1

    def _call(self, at: int, edge: Edge, region: int, version: str) -> Call:
        target = self._where[edge.target]
        role, waiting = self[self._calls[at], region, version], self[self._waiting[at], region, version]
        row = at * self._count + region
        outside = target * self._count + region if self._external[target] else -1
        return Call(row, edge, outside, self.answers[target], role, waiting)

    def _message(self, at: int, queue: Queue, region: int, version: str) -> Message:
        tags = ("messaging.destination", queue.name), ("messaging.system", "kafka")
        return Message(at, queue, self._taken[at], self[self._left[at], region, version], tags)
