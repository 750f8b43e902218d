"""The lines of requests that were followed: each carries the trace in which it can be seen."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import Any, Final

from warroom.simulator.axes import Axes
from warroom.simulator.dice import Dice
from warroom.simulator.line_desk import LineDesk
from warroom.simulator.line_forms import Form, form_of
from warroom.simulator.operations import method_of, route_of
from warroom.simulator.spans import REASONS, Served, Told
from warroom.simulator.walk import Node
from warroom.telemetry.logs import Pairs

_REMEMBERED: Final = 24
_SHOWN: Final = 0.5
"""The share of good answers, below the entry, that a line tells of."""
_REPLICAS: Final = {digit: int(digit, 16) & 3 for digit in "0123456789abcdef"}
"""By the last digit of a span, the replica that answered: 0 to 3, and again."""


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
        # Most lines say what many others say.
        self._form = lru_cache(4096)(self._form_of)

    def failure(self, service: int, since: int) -> Served | None:
        """A followed request that failed at that service, since then (microseconds); None if none."""
        known = self._failures.get(service)
        while known and known[0].start < since:
            known.popleft()
        return known[int(self._dice.share() * len(known))] if known else None

    def write(self, told: Told) -> None:
        """The lines of one part of a trace."""
        share = self._dice.share
        for one in told.served:
            node = one.node
            if node.failed:
                self._failures.setdefault(node.service, deque(maxlen=_REMEMBERED)).append(one)
                self._failed(one)
            elif one.root or share() < _SHOWN:
                self._answered(one)
            for child in node.children:
                if child.attempt > 1 and child.kind == "client":
                    self._repeated(one, child)

    def metadata(self, one: Served) -> Pairs:
        """What stands beside a line of that request."""
        node = one.node
        pod = self._pods[node.service][node.region][_REPLICAS[one.span_id[-1]]]
        return (pod, ("span_id", one.span_id), ("trace_id", one.trace_id), _version(node.version))

    def _fields(self, one: Served) -> dict[str, Any]:
        node = one.node
        return self._said(
            node.kind, node.operation, one.journey if one.root else "", one.slices,
            {"status": node.status, "duration_ms": round(node.length * 1000, 1), "trace_id": one.trace_id},
        )  # fmt: skip

    def _said(self, kind: str, operation: str, journey: str, slices: Pairs, said: dict[str, Any]) -> dict[str, Any]:
        """What lines of a request say; `journey` is empty below the entry."""
        if journey:
            method, route = self._journeys[journey]
            return {"method": method, "route": route, **said, **dict(slices)}
        if kind == "consumer":
            return {"queue": operation.removeprefix("process "), **said}
        return {"operation": operation, **said}

    def _form_of(self, service: int, kind: str, operation: str, journey: str, slices: Pairs) -> Form:
        """The line of a request that was answered well."""

        def fields(took: float, trace: str) -> dict[str, Any]:
            said = {"status": 200, "duration_ms": took, "trace_id": trace}
            return self._said(kind, operation, journey, slices, said)

        msg = "message handled" if kind == "consumer" else "request"
        return form_of(self._desk.style(service), "info", msg, fields)

    def _answered(self, one: Served) -> None:
        node = one.node
        journey, slices = (one.journey, one.slices) if one.root else ("", ())
        form = self._form(node.service, node.kind, node.operation, journey, slices)
        text = form(node.length * 1000, one.trace_id)
        self._desk.put(node.service, node.region, one.end * 1000, "info", text, self.metadata(one))

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

    def _repeated(self, one: Served, child: Node) -> None:
        """A retry that the request made on its way."""
        at = (one.start + int(child.offset * 1e6)) * 1000
        fields = {"peer": child.peer, "attempt": child.attempt, "trace_id": one.trace_id}
        self._desk.add(one.node.service, one.node.region, at, "warn", "retrying", fields, self.metadata(one))


@lru_cache(1024)
def _version(name: str) -> tuple[str, str]:
    return "version", name
