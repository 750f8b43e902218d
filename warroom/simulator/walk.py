"""One request followed through the production: who worked on it, how long, and what went wrong on the way.

A server's time is drawn from the very law that its histogram is drawn from. A caller's and its callees' times hang
together (a slow request is slow because of those it waits for) through one shared part of the normal numbers behind
them, which leaves each one's law as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Final

from warroom.simulator.axes import Axes
from warroom.simulator.dice import Dice
from warroom.simulator.laws import Laws
from warroom.simulator.roles import Call, Message, Role, Roles
from warroom.telemetry.traces import Pairs

SHARED: Final = 0.9
_REST: Final = sqrt(1.0 - SHARED * SHARED)
_MOST_CALLS: Final = 3
_MOST_TRIES: Final = 6
_MOST_NODES: Final = 120
_LONGEST: Final = 120.0
"""Seconds: no span is longer."""
_SHORTEST: Final = 1e-5
"""Seconds: no time is less on average."""
_SHORT: Final = 0.0005
"""Seconds for a connection that are not worth a span."""
_UNCONNECTED: Final = {
    "breaker": (0.0002, 503), "dns": (0.01, 502), "tls": (0.02, 502), "quota": (0.005, 429), "network": (0.001, 502),
    "readonly": (0.002, 502),
}  # fmt: skip
"""What an attempt costs that the callee never sees, in seconds, and its status. Lost packets are sent again: their time
is in the network's."""


class Node:
    """A span to be. `offset` counts from its parent's start, both in seconds; `mode` is why it failed, in one word.

    `parent` is its parent's place among the nodes of the same part of a walk, -1 for the first.
    """

    __slots__ = (
        "attempt", "children", "lasting", "length", "mode", "offset", "parent", "peer", "role", "status", "tags",
    )  # fmt: skip

    def __init__(self, role: Role, parent: int = -1) -> None:
        self.role, self.parent = role, parent
        self.length = self.offset = 0.0
        self.status, self.mode, self.attempt = 200, "", 0
        self.lasting = False
        """Whether trying again does not help."""
        self.peer = role.peer
        """Whom it called, or who made it fail."""
        self.tags: Pairs = ()
        self.children: Sequence[Node] = ()
        """What it did for its request where it answers one: calls and messages."""

    @property
    def service(self) -> int:
        """Whose it is."""
        return self.role.service

    @property
    def region(self) -> int:
        """Where that is."""
        return self.role.region

    @property
    def version(self) -> str:
        """In which version."""
        return self.role.version

    @property
    def operation(self) -> str:
        """What it did."""
        return self.role.operation

    @property
    def kind(self) -> str:
        """As a span's."""
        return self.role.kind

    @property
    def failed(self) -> bool:
        """Whether it ended badly."""
        return self.status != 200


@dataclass(frozen=True, slots=True)
class Later:
    """What a request left in a queue: which of its nodes did, and `delay` seconds later those of the taker."""

    left: int
    delay: float
    nodes: list[Node]


@dataclass(frozen=True, slots=True)
class Walk:
    """A request: its nodes, each behind its parent and before what comes after it, and what it left in queues."""

    journey: str
    region: int
    slices: Pairs
    nodes: list[Node]
    later: tuple[Later, ...]


class Walker:
    """Follows requests, one at a time."""

    def __init__(self, axes: Axes, dice: Dice) -> None:
        self._dice, self._regions = dice, axes.count
        self.roles = Roles(axes)
        self._journeys = tuple(one.name for one in axes.topology.journeys)
        self._dims = tuple((dim, tuple(shares), tuple(shares.values())) for dim, shares in axes.topology.slices.items())
        self._names: tuple[tuple[str, ...], ...] = ()
        self.own_status: dict[int, int] = {}
        """By service, the status of its own failures where it is not 500."""

    def walk(self, laws: Laws, versions: tuple[tuple[str, ...], ...]) -> Walk | None:
        """A request of this second; None where nobody asks for anything."""
        if sum(laws.asked) <= 0:
            return None
        self._names = versions
        dice = self._dice
        journey = dice.pick(laws.asked)
        region = dice.pick(laws.requests[journey])
        slices = tuple([(dim, names[dice.pick(shares)]) for dim, names, shares in self._dims])
        one = _Request(laws, journey, slices)
        self._serve(one, self.roles.entries[journey], region, dice.normal(), -1)
        return Walk(self._journeys[journey], region, slices, one.first, tuple(one.later))

    def _serve(self, one: _Request, act: int, region: int, z: float, parent: int) -> Node:
        """A service answers."""
        dice, nodes, service = self._dice, one.nodes, self.roles.services[act]
        one.steps += 1
        row = service * self._regions + region
        slot, refused, lasting, weight, own, time, mean, sigma = one.stops[row]
        if slot < 0:
            slot = dice.pick(weight)
        role = self.roles[act, region, self._names[service][slot]]
        node = Node(role, parent)
        here = len(nodes)
        nodes.append(node)
        if refused and dice.happens(refused):
            return _ended(node, 0.0005 + 0.001 * dice.share(), 503, "refused")
        mean *= time[slot]
        fails, hurt = own[slot], 0.0
        for dim, value, extra, errors in one.laws.slices:
            if (dim, value) in one.slices:
                mean += extra[row]
                hurt = max(hurt, errors[row])
        node.length = _time(mean, sigma, z)
        if node.length > _LONGEST:
            node.length = _LONGEST
        failing = 1.0 - (1.0 - fails) * (1.0 - hurt)
        if failing > 0 and dice.share() < failing:
            node.status, node.mode = self.own_status.get(service, 500), "slice" if hurt > fails else "own"
            if node.mode == "own" and dice.share() * fails < lasting:
                node.mode, node.lasting = "missing", True
            return node
        if role.calls or role.messages:
            self._call_others(one, node, here, z)
        return node

    def _call_others(self, one: _Request, node: Node, here: int, z: float) -> None:
        """The calls that a service makes for a request, then what it leaves in queues."""
        made: list[Node] = []
        lengths: list[float] = []
        calls, role, share = one.calls, node.role, self._dice.share
        for call in role.calls:
            times, left = calls[call.row]
            if left and share() < left:
                times += 1
            for _ in range(times if times < _MOST_CALLS else _MOST_CALLS):
                if one.steps > _MOST_NODES:
                    break
                last = self._attempt(one, call, here, z)
                last.attempt = 1
                made.append(last)
                lengths.append(last.length)
                if last.status != 200:
                    last = self._repeat(one, call, here, z, made, lengths)
                    if last.status != 200 and call.edge.critical:
                        node.status = 504 if last.mode == "timeout" else 502
                        node.mode, node.peer, node.lasting = last.mode, call.edge.target, last.lasting
                        break
            if node.status != 200:
                break
        else:
            for message in role.messages:
                for _ in range(min(self._dice.count(message.queue.messages), 2)):
                    made.append(self._publish(one, message, role.region, here))
                    lengths.append(made[-1].length)
        if made:
            node.children = made
            _place(node, made, lengths)

    def _repeat(self, one: _Request, call: Call, here: int, z: float, made: list[Node], lengths: list[float]) -> Node:
        """The repetitions of a failed call, in order; gives the last."""
        first = len(made) - 1
        attempt = made[first]
        _, _, _, _, retries, granted, _ = one.laws.legs[call.row]
        most = 1 + min(int(retries), _MOST_TRIES)
        while attempt.status != 200 and not attempt.lasting and len(made) - first < most:
            if self._dice.share() >= granted:
                break
            attempt = self._attempt(one, call, here, z)
            made.append(attempt)
            attempt.attempt = len(made) - first
        lengths[-1] = sum([each.length for each in made[first:]])
        return attempt

    def _attempt(self, one: _Request, call: Call, parent: int, z: float) -> Node:
        laws, dice, nodes = one.laws, self._dice, one.nodes
        one.steps += 1
        row, _, outside, answer, role, _ = call
        broken, wait, network, timeout, _, _, home = laws.legs[row]
        made = Node(role, parent)
        here = len(nodes)
        nodes.append(made)
        if broken and dice.happens(broken):
            return self._unconnected(one, call, made, here)
        waited = self._waited(one, call, here).length if wait > _SHORT else 0.0
        shared = SHARED * z + _REST * dice.normal()
        if outside >= 0:
            made.length = _time(laws.call_mean[row], laws.call_sigma[row], shared)
            if made.length <= timeout and dice.happens(laws.errors[outside]):
                made.status, made.mode = 502, "peer"
        else:
            there = home if home >= 0 else dice.pick(laws.route[row])
            answered = self._serve(one, answer, there, shared, here)
            answered.offset = network + waited
            made.length = answered.offset + answered.length + network
            if answered.status != 200:
                made.status, made.mode, made.lasting = 502, "peer", answered.lasting
        return made if made.length <= timeout else _ended(made, timeout, 504, "timeout")

    def _waited(self, one: _Request, call: Call, parent: int) -> Node:
        """The wait for a connection of a pool."""
        wait = Node(call.waiting, parent)
        one.nodes.append(wait)
        wait.length = min(-log(1.0 - self._dice.share()) * one.laws.legs[call.row][1], _LONGEST)
        in_use, most = one.laws.pool(call.row)
        wait.tags = (("pool.in_use", f"{in_use:.0f}"), ("pool.max", f"{most:.0f}"))
        return wait

    def _unconnected(self, one: _Request, call: Call, made: Node, here: int) -> Node:
        """An attempt that the callee never saw."""
        draw = self._dice.share()
        reason = one.laws.reason(call.row, self._dice.share())
        if reason == "pool":
            wait = self._waited(one, call, here)
            wait.length = call.edge.pool_timeout_ms / 1000
            return _ended(made, wait.length, 503, "pool")
        length, status = _UNCONNECTED[reason]
        return _ended(made, min(length * (0.5 + draw), one.laws.legs[call.row][3]), status, reason)

    def _publish(self, one: _Request, message: Message, region: int, parent: int) -> Node:
        """A message left for another service, which takes it up later."""
        made = Node(message.role, parent)
        nodes = one.nodes
        nodes.append(made)
        made.length = 0.0008 + 0.002 * self._dice.share()
        made.tags = message.tags
        if one.steps < _MOST_NODES:
            left = len(nodes) - 1
            one.nodes = []
            taken = self._serve(one, message.taken, region, self._dice.normal(), -1)
            taken.tags = message.tags
            # What a taker leaves in turn is not followed.
            if nodes is one.first:
                one.later.append(Later(left, one.laws.lag[message.number][region] + 0.002, one.nodes))
            one.nodes = nodes
        return made


class _Request:
    """What a walk carries along."""

    __slots__ = ("calls", "first", "later", "laws", "nodes", "slices", "steps", "stops")

    def __init__(self, laws: Laws, journey: int, slices: Pairs) -> None:
        self.laws, self.slices = laws, slices
        self.stops, self.calls = laws.stops[journey], laws.calls[journey]
        self.steps = 0
        self.first: list[Node] = []
        self.nodes = self.first
        self.later: list[Later] = []


def _time(mean: float, sigma: float, z: float) -> float:
    return exp(log(mean if mean > _SHORTEST else _SHORTEST) - 0.5 * sigma * sigma + sigma * z)


def _ended(node: Node, length: float, status: int, mode: str) -> Node:
    node.length, node.status, node.mode = length, status, mode
    return node


def _place(node: Node, made: list[Node], lengths: list[float]) -> None:
    """Put the calls into the caller's time: one after the other where there is time for it, else side by side.

    `lengths` are of calls with all their repetitions.
    """
    longest, total, length = max(lengths), sum(lengths), node.length
    if length < longest * 1.01 + 0.0001:
        length = node.length = longest * 1.01 + 0.0001
    head = 0.3 * (length - total) if length > total else 0.0
    if head > 0.2 * length:
        head = 0.2 * length
    room, squeeze = length - head, 1.0
    if total > room:
        # Every start is moved forward alike, so that the last ends in time.
        squeeze = min(1.0, (room - longest) / max(total - min(lengths), 1e-9))
    at, start, unit = head, head, 0
    for child in made:
        if child.attempt < 2:
            took = lengths[unit]
            unit += 1
            start = at if at < length - took else length - took
            at += took * squeeze
        child.offset = start
        start += child.length
