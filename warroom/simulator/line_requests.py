"""The lines of requests that were followed: each carries the trace in which it can be seen."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from warroom.simulator.axes import Axes
from warroom.simulator.dice import Dice
from warroom.simulator.line_desk import LineDesk
from warroom.simulator.operations import method_of, route_of
from warroom.simulator.spans import REASONS, Served, Told
from warroom.simulator.walk import Node
from warroom.telemetry.logs import Pairs

_REMEMBERED: Final = 24
_SHOWN: Final = 0.5
"""The share of good answers, below the entry, that a line tells of."""


class RequestLines:
    """Writes them, and remembers the newest failures of each service: other lines of the same trouble name them."""

    def __init__(self, axes: Axes, dice: Dice, desk: LineDesk) -> None:
        self._axes, self._dice, self._desk = axes, dice, desk
        self._journeys = {one.name: (method_of(one), route_of(one)) for one in axes.topology.journeys}
        self._names = tuple(one.name for one in axes.topology.services)
        self._databases = {one.name for one in axes.topology.services if one.kind == "database"}
        self._timeouts = {(edge.source, edge.target): f"{edge.timeout_ms:g}" for edge in axes.topology.edges}
        self._pools = {(edge.source, edge.target): edge.pool_timeout_ms for edge in axes.topology.edges}
        self._failures: dict[int, deque[Served]] = {}
        self._pods = tuple(
            tuple(tuple(("pod", f"{name}-{region}-{number}") for number in range(4)) for region in axes.regions)
            for name in self._names
        )

    def failure(self, service: int, since: int) -> Served | None:
        """A followed request that failed at that service, since then (microseconds); None if none."""
        known = self._failures.get(service)
        while known and known[0].start < since:
            known.popleft()
        return known[int(self._dice.share() * len(known))] if known else None

    def write(self, told: Told) -> None:
        """The lines of one part of a trace."""
        for one in told.served:
            if one.node.failed:
                self._failures.setdefault(one.node.service, deque(maxlen=_REMEMBERED)).append(one)
                self._failed(one)
            elif one.root or self._dice.share() < _SHOWN:
                self._answered(one)
            self._repeated(one)

    def metadata(self, one: Served) -> Pairs:
        """What stands beside a line of that request."""
        node = one.node
        # Four replicas by the last digit of the span: 0 to 3, and again.
        pod = self._pods[node.service][node.region][int(one.span_id[-1], 16) & 3]
        return (pod, ("span_id", one.span_id), ("trace_id", one.trace_id), ("version", node.version))

    def _fields(self, one: Served) -> dict[str, Any]:
        node = one.node
        said = {"status": node.status, "duration_ms": round(node.length * 1000, 1), "trace_id": one.trace_id}
        if one.root:
            method, route = self._journeys[one.journey]
            return {"method": method, "route": route, **said, **dict(one.slices)}
        if node.kind == "consumer":
            return {"queue": node.operation.removeprefix("process "), **said}
        return {"operation": node.operation, **said}

    def _answered(self, one: Served) -> None:
        node = one.node
        msg = "message handled" if node.kind == "consumer" else "request"
        self._desk.add(node.service, node.region, one.end * 1000, "info", msg, self._fields(one), self.metadata(one))

    def _failed(self, one: Served) -> None:
        node = one.node
        fields = self._fields(one)
        msg, more = self.words(node)
        fields |= more
        if node.mode == "slice":
            fields |= dict(one.slices)
        self._desk.add(node.service, node.region, one.end * 1000, "error", msg, fields, self.metadata(one))

    def words(self, node: Node) -> tuple[str, dict[str, Any]]:
        """What a service says of a failure of that mode, and what beside it."""
        return self.words_for(node.mode, self._names[node.service], node.peer)

    def words_for(self, mode: str, name: str, peer: str) -> tuple[str, dict[str, Any]]:
        """As `words`, by names."""
        reason = REASONS.get(mode, "failed")
        if mode == "refused":
            return "request rejected", {"reason": "queue full"}
        if mode == "timeout":
            return "upstream timed out", {
                "peer": peer,
                "timeout_ms": self._timeouts.get((name, peer), "0"),
                "error": reason,
            }
        if mode == "pool":
            waited = self._pools.get((name, peer), 1000.0)
            return "timeout waiting for a connection", {"pool": peer, "waited_ms": round(waited), "error": reason}
        if mode == "dns":
            return "lookup failed", {"peer": peer, "error": f"lookup {peer}: no such host"}
        if mode == "tls":
            return "tls handshake failed", {"peer": peer, "error": reason}
        if mode == "network":
            return "connection failed", {"peer": peer, "error": reason}
        if mode == "missing":
            return ("rows missing" if name in self._databases else "request failed"), {"error": reason}
        if mode == "quota":
            return "upstream failed", {"peer": peer, "error": reason, "status": 429}
        if mode in ("peer", "breaker", "readonly"):
            return "upstream failed", {"peer": peer, "error": reason}
        return "request failed", {"error": reason}

    def _repeated(self, one: Served) -> None:
        """Retries that the request made on its way."""
        for child in one.node.children:
            if child.kind == "client" and child.attempt > 1:
                at = (one.start + int(child.offset * 1e6)) * 1000
                fields = {"peer": child.peer, "attempt": child.attempt, "trace_id": one.trace_id}
                self._desk.add(one.node.service, one.node.region, at, "warn", "retrying", fields, self.metadata(one))
