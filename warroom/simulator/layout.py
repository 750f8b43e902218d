"""A topology as arrays: who stands where, who calls whom, and what everything is when nothing is wrong.

The users are one more service (the last row), whose calls are one edge a journey (the last rows of the edges): what
they wait for and what fails for them follows from the same formulas as between two services.

Axes: S services and the users, R regions, E edges and journeys, K journeys, Q queues. Seconds and bytes. Small arrays
cost by the operation, not by the number, and most when their shapes differ; so a second is lived on flat ones:

    places (S, R)     a service in a region
    stops (K * S * R) a journey's requests at a place
    cells (E * R)     an edge from a region
    ways (W * R)      a cell for a journey that comes there and calls on it; those of the users are the last ones
"""

from __future__ import annotations

import math
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from warroom.simulator.topology import Edge, Service, Topology
from warroom.simulator.units import Units

Array: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]
MB: Final = 1_048_576.0
GB: Final = 1_073_741_824.0
FULL_DISK: Final = 0.995
"""The share of a disk at which nothing can be written any more."""
WORKING_MEMORY: Final = 0.12
"""Of the memory that a service always uses: how much more it uses when all its threads work."""
GC_PRESSURE: Final = 0.85
"""The share of the memory in use from which on collecting it takes longer."""


class Layout:
    """The unchanging arrays of a topology; nothing here is written after it is built."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        services, edges, journeys = topology.services, topology.edges, topology.journeys
        self.regions = len(topology.regions)
        self.services = len(services)
        self.edges = len(edges)
        self.journeys = len(journeys)
        self.users = self.services
        self.rows = self.services + 1
        self.links = self.edges + self.journeys
        at = topology.service_index
        self.source: Ints = np.array([*(at[e.source] for e in edges), *[self.users] * self.journeys], dtype=np.intp)
        self.target: Ints = np.array([*(at[e.target] for e in edges), *(at[j.entry] for j in journeys)], dtype=np.intp)
        self.to_target = _indicator(self.rows, self.target)
        self.present = self._present()
        self.service_rows()
        self.edge_rows()
        self.visits = self._visits()
        unvisited = self.visits.sum(axis=1) == 0
        self.visits[unvisited] = [one.share for one in journeys]
        self.ways()
        self.rtt = self._rtt()
        self.groups = max([len(one.groups) for one in topology.models], default=0)

    def _present(self) -> Array:
        there = np.zeros((self.rows, self.regions))
        for row, service in enumerate(self.topology.services):
            for region in service.regions or tuple(self.topology.region_index):
                there[row, self.topology.region_index[region]] = 1.0
        there[self.users] = 1.0
        return there

    def _of(self, read: Any, users: float) -> Array:
        """A value of every service, the same in all regions; `users` for the last row."""
        column = np.array([*(float(read(one)) for one in self.topology.services), users])
        return np.repeat(column[:, None], self.regions, axis=1)

    def _of_queues(self, read: Any) -> Array:
        """A value of every queue, the same in all regions."""
        column = np.array([float(read(one)) for one in self.topology.queues])
        return np.repeat(column[:, None], self.regions, axis=1)

    def service_rows(self) -> None:
        """What each service is in each region."""
        self.cpu = self._of(lambda s: s.cpu_ms / 1000, 0.0)
        self.io = self._of(lambda s: max(s.service_time_ms - s.cpu_ms, 0.0) / 1000, 0.0)
        self.threads = self._of(lambda s: s.threads, 1e12)
        self.cores = self._of(lambda s: s.cores, 1e12)
        self.errors = self._of(lambda s: s.errors, 0.0)
        self.queue = self._of(lambda s: s.queue or 1e9, 1e12)
        self.held = self._of(lambda s: s.held, 0.0)
        self.replicas = self._of(lambda s: s.replicas, 1.0) * self.present
        self.memory_base = self._of(lambda s: s.memory_base_mb * MB, 0.0)
        self.memory_limit = self._of(lambda s: s.memory_mb * MB, 1.0)
        self.tight = bool((self.memory_base * (1 + WORKING_MEMORY) >= GC_PRESSURE * self.memory_limit).any())
        """Whether memory may come near to its limit when nothing leaks."""
        self.gc = self._of(lambda s: s.gc, 0.0)
        self.disk = self._of(lambda s: s.disk_used_gb * GB, 0.0)
        self.disk_size = self._of(lambda s: s.disk_gb * GB, 0.0)
        self.has_disks = bool(self.disk_size.any())
        self.disk_full = np.where(self.disk_size > 0, FULL_DISK * self.disk_size, np.inf)
        self.disk_rate = self._of(lambda s: s.disk_gb_per_hour * GB / 3600, 0.0)
        self.start = self._of(lambda s: max(s.start_s, 1.0), 1.0)
        self.hit = self._of(lambda s: s.hit, 0.0)
        self.warm = self._of(lambda s: s.warm_s, 1.0)
        sigma = self._of(lambda s: s.sigma, 0.01)
        self.sigma = sigma
        self.spread = np.expm1(sigma**2)
        """The variance of a service's own work, over its mean squared."""
        self.databases: Ints = np.array(
            [i for i, s in enumerate(self.topology.services) if s.kind == "database"], np.intp
        )
        self.caches: Ints = np.array([i for i, s in enumerate(self.topology.services) if s.hit > 0], np.intp)
        self.scaled: Ints = np.array([i for i, s in enumerate(self.topology.services) if s.autoscaler], np.intp)
        self.replication = self._of(lambda s: s.replication_ms / 1000, 0.0)

    def _link(self, read: Any, users: Any) -> Array:
        edges, journeys = self.topology.edges, self.topology.journeys
        column = np.array([*(float(read(one)) for one in edges), *(float(users(one)) for one in journeys)])
        return np.repeat(column[:, None], self.regions, axis=1)

    def edge_rows(self) -> None:
        """What each edge is from each region."""
        self.timeout = self._link(lambda e: e.timeout_ms / 1000, lambda j: j.timeout_ms / 1000)
        self.retries = self._link(lambda e: e.retries, lambda j: j.retries)
        self.budget = self._link(lambda e: math.inf if e.budget is None else e.budget, lambda _: math.inf)
        self.network = self._link(lambda e: e.network_ms / 1000, lambda _: 0.0)
        self.critical = self._link(lambda e: e.critical, lambda _: 1.0)
        self.pool = self._link(lambda e: e.pool or 1e9, lambda _: 1e12)
        self.pooled: Ints = np.array([i for i, e in enumerate(self.topology.edges) if e.pool], np.intp)
        self.pool_timeout = self._link(lambda e: e.pool_timeout_ms / 1000, lambda _: 1.0)
        self.writes = np.array([*(e.writes for e in self.topology.edges), *[False] * self.journeys])
        self.late = np.array([one.late_ms / 1000 for one in self.topology.journeys])
        self.log_late = np.log(self.late)
        at = self.topology.service_index
        cached = [at[e.cached_by] if e.cached_by else -1 for e in self.topology.edges]
        self.cached: Ints = np.array([i for i, cache in enumerate(cached) if cache >= 0], np.intp)
        self.cached_by: Ints = np.array([cache for cache in cached if cache >= 0], np.intp)
        # The users are no cache: their row has no hits, which is what an edge without a cache needs.
        by = [*(self.users if cache < 0 else cache for cache in cached), *[self.users] * self.journeys]
        self.cell_cache = self.cells_of(np.array(by, np.intp))
        self.guarded: Ints = np.array([i for i, e in enumerate(self.topology.edges) if e.breaker], np.intp)
        rules = [self.topology.edges[row].breaker for row in self.guarded]
        limits = np.array([(one.errors, one.window_s, one.open_s) for one in rules if one is not None])
        self.breakers = np.repeat(limits.reshape(-1, 3).T, self.regions, axis=1)
        """(3, guarded cells): the share of errors that opens a breaker, over how long, and for how long."""
        self.pool_cells = self.cells_of(self.pooled)
        self.pool_source = self.cells_of(self.source[self.pooled])
        self.pool_limit = self.pool_timeout.take(self.pool_cells)
        self.guard_cells = self.cells_of(self.guarded)
        self.quota_links = np.array(
            [self.target == at[one.service] for one in self.topology.quotas], dtype=float
        ).reshape(len(self.topology.quotas), self.links)
        self.quota_cells = np.repeat(self.quota_links, self.regions, axis=1)
        queues = self.topology.queues
        self.queue_source = self.cells_of(np.array([at[one.source] for one in queues], np.intp))
        self.queue_target = self.cells_of(np.array([at[one.target] for one in queues], np.intp))
        self.messages = np.array([[one.messages] for one in queues]).reshape(len(queues), 1)
        self.queue_limit = np.array([[float(one.limit or 1e12)] for one in queues]).reshape(len(queues), 1)
        self.promised = np.array([[one.late_s if one.felt else 1e12] for one in queues]).reshape(len(queues), 1)
        self.consumers = self._of_queues(lambda q: q.consumers)
        self.consume = self._of_queues(lambda q: q.consume_ms / 1000)
        self.calls = self._calls()
        self.calls_by_journey = np.ascontiguousarray(np.repeat(self.calls.T[:, :, None], self.regions, axis=2))
        """(K, E, R)"""

    def cells_of(self, rows: Ints) -> Ints:
        """(len(rows) * R,): where rows of an (E, R) or (S, R) array stand in the flat one."""
        found: Ints = (rows[:, None] * self.regions + np.arange(self.regions)).reshape(-1)
        return found

    def ways(self) -> None:
        """The ways and stops, and where each belongs."""
        there = (self.calls != 0) & (self.visits[self.source] > 0)
        edge, journey = np.nonzero(there)
        self.way_cell = self.cells_of(edge)
        self.way_source = self.cells_of(journey * self.rows + self.source[edge])
        self.way_calls = np.repeat(self.calls[edge, journey], self.regions)
        self.way_critical = self.critical.take(self.way_cell)
        self.cell_source = self.cells_of(self.source)
        self.places, self.cells = self.rows * self.regions, self.links * self.regions
        self.stops, self.user_ways = self.journeys * self.places, self.journeys * self.regions
        self.stop_place: Ints = np.tile(np.arange(self.places), self.journeys)
        self.user_stops = self.cells_of(np.arange(self.journeys) * self.rows + self.users)
        self.units = Units(self)

    def _calls(self) -> Array:
        """(E, K): calls that one request of the source makes, by journey."""
        calls = np.zeros((self.links, self.journeys))
        for row, edge in enumerate(self.topology.edges):
            calls[row] = [_calls_of(edge, one.name) for one in self.topology.journeys]
        for at in range(self.journeys):
            calls[self.edges + at, at] = 1.0
        return calls

    def _visits(self) -> Array:
        """(S, K): requests at a service for one that a user makes, when nothing is kept away or tried again."""
        visits = np.zeros((self.rows, self.journeys))
        visits[self.users] = 1.0
        waiting = list(range(self.links))
        done = {self.users}
        indegree = {row: int(np.sum(self.target == row)) for row in range(self.rows)}
        done |= {row for row, count in indegree.items() if count == 0}
        while waiting:
            ready = [e for e in waiting if self.source[e] in done]
            for e in ready:
                visits[self.target[e]] += visits[self.source[e]] * self.calls[e]
                indegree[int(self.target[e])] -= 1
            done |= {row for row, count in indegree.items() if count == 0}
            waiting = [e for e in waiting if e not in set(ready)]
        return visits

    def _rtt(self) -> Array:
        """(R, R): round trips between regions, seconds."""
        rtt = np.zeros((self.regions, self.regions))
        for row, region in enumerate(self.topology.regions):
            for other, column in self.topology.region_index.items():
                back = self.topology.regions[column].rtt_ms.get(region.name, 80.0)
                rtt[row, column] = 0.0 if row == column else region.rtt_ms.get(other, back) / 1000
        return rtt

    def service(self, name: str) -> Service:
        """A service by name."""
        return self.topology.services[self.topology.service_index[name]]


def _calls_of(edge: Edge, journey: str) -> float:
    return edge.journeys.get(journey, 0.0) if edge.journeys else edge.calls


def _indicator(rows: int, index: Ints) -> Array:
    """(rows, len(index)): 1 where a column belongs to a row."""
    found = np.zeros((rows, len(index)))
    found[index, np.arange(len(index))] = 1.0
    return found
