"""Lines of requests that nobody followed: failures by their rate, capped, and good answers while nothing is traced.

Where a followed request failed the same way within the last half minute, a line names its trace.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from warroom.simulator.axes import Axes, Floats
from warroom.simulator.dice import Dice
from warroom.simulator.line_desk import LineDesk
from warroom.simulator.line_requests import RequestLines
from warroom.simulator.line_states import SECOND
from warroom.simulator.line_still import Still
from warroom.simulator.tick import Tick

_CAP: Final = 1.5
"""Lines a second of one kind and place at most."""
_SHARE: Final = 0.1
_USUAL: Final = 0.003
_FRESH: Final = 30_000_000
_PLACE_MODES: Final = ("own", "refused")
_EDGE_MODES: Final = ("timeout", "peer", "pool", "dns", "tls", "network", "breaker")


class TroubleLines:
    """Draws how many there are of each kind, then writes them."""

    def __init__(
        self, axes: Axes, dice: Dice, random: np.random.Generator, desk: LineDesk, requests: RequestLines
    ) -> None:
        self._axes, self._dice, self._random, self._desk, self._requests = axes, dice, random, desk, requests
        topology = axes.topology
        where = topology.service_index
        self._targets = np.array([where[one.target] for one in topology.edges], np.intp)
        self._sources = tuple(where[one.source] for one in topology.edges)
        self._names = tuple(one.name for one in topology.services)
        self._stores = tuple(one.kind in ("database", "cache") for one in topology.services)
        self._seen = np.zeros((len(topology.services), axes.count), bool)
        for service, region in axes.pairs:
            self._seen[service, region] = True
        # All that `own_errors` and `shed` follow from.
        self._still, self._failing = Still("plan", "now.bad", "now.turned"), False

    def live(self, tick: Tick, ns: int, *, traced: bool) -> None:
        """A second passes, from `ns` (nanoseconds) on."""
        # The few failures of a good day are told by the requests that are followed.
        if not self._still.since(tick.moment):
            self._failing = bool(tick.own_errors.max() > _USUAL or tick.shed.max() > _USUAL)
        if self._failing or tick.call_errors.max(initial=0.0) > _USUAL:
            self._troubles(tick, ns)
        if not traced:
            self._answered(tick, ns)

    def _troubles(self, tick: Tick, ns: int) -> None:
        places, edges = self._expected(tick)
        drawn = self._random.poisson(np.concatenate([places.ravel(), edges.ravel()]))
        for at in np.flatnonzero(drawn).tolist():
            own = at < places.size
            mode, place = divmod(at if own else at - places.size, places[0].size if own else edges[0].size)
            row, region = divmod(place, self._axes.count)
            for _ in range(int(drawn[at])):
                if own:
                    self._own(row, region, ns, _PLACE_MODES[mode])
                else:
                    self._call(tick, row, region, ns, _EDGE_MODES[mode])

    def _expected(self, tick: Tick) -> tuple[Floats, Floats]:
        places = np.stack([tick.served * tick.own_errors, tick.shed]) * _SHARE
        targets, calls = self._targets, tick.calls
        broken = np.maximum(tick.call_errors - tick.timed_out, 0.0)
        unnamed = (1.0 - tick.dns[targets]) * (tick.call_errors > 0.001)
        untrusted = tick.handshake_errors[targets] * (tick.call_errors > 0.001)
        lost = np.where(tick.loss > 0.002, np.minimum(tick.loss, np.maximum(tick.call_errors, tick.timed_out)), 0.0)
        open_now = tick.breaker >= 2
        known = np.maximum.reduce([unnamed, untrusted, tick.pool_timeouts, lost])
        peer = np.where(open_now, 0.0, np.maximum(broken - known, 0.0))
        edges = np.stack([
            tick.timed_out, peer, tick.pool_timeouts, unnamed, untrusted, lost, np.where(open_now, broken, 0.0),
        ]) * calls * _SHARE  # fmt: skip
        return np.minimum(places * self._seen, _CAP), np.minimum(edges, _CAP)

    def _own(self, service: int, region: int, ns: int, mode: str) -> None:
        msg, fields = self._requests.words_for(mode, self._names[service], "")
        status = {"status": 503 if mode == "refused" else 500}
        self._write(service, region, ns, msg, {**status, **fields}, mode)

    def _call(self, tick: Tick, edge: int, region: int, ns: int, mode: str) -> None:
        source = self._sources[edge]
        peer = self._names[int(self._targets[edge])]
        msg, fields = self._requests.words_for(mode, self._names[source], peer)
        if mode == "pool":
            size = round(float(tick.pool_size[edge, region]))
            fields |= {"in_use": round(float(tick.pool_used[edge, region])), "max": size}
        self._write(source, region, ns, msg, fields, mode)

    def _write(self, service: int, region: int, ns: int, msg: str, fields: dict[str, Any], mode: str) -> None:
        at = ns + int(self._dice.share() * SECOND)
        known = self._requests.failure(service, ns // 1000 - _FRESH)
        if known is not None and known.node.mode == mode:
            fields = {**fields, "trace_id": known.trace_id}
            self._desk.add(service, region, at, "error", msg, fields, self._requests.metadata(known))
        else:
            self._desk.add(service, region, at, "error", msg, fields)

    def _answered(self, tick: Tick, ns: int) -> None:
        """A few of the good answers, in proportion to who gives them."""
        dice = self._dice
        served = np.where(self._seen, tick.served, 0.0)
        total = float(served.sum())
        if total <= 0:
            return
        for _ in range(dice.count(1.5)):
            at = int(np.searchsorted(np.cumsum(served.ravel()), dice.share() * total))
            service, region = divmod(min(at, served.size - 1), self._axes.count)
            took = float(tick.latency[service, region]) * (0.5 + dice.share())
            fields = {"status": 200, "duration_ms": round(1000 * took, 1)}
            self._desk.add(service, region, ns + int(dice.share() * SECOND), "info", "request", fields)
