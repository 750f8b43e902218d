"""Where telemetry comes from in truth: the fault behind a service's trouble, a trace, an error line, a change.

Hidden from the players; the facilitator and the review read it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from warroom.simulator.topology import Topology

if TYPE_CHECKING:
    from warroom.simulator.world import ActiveFault

MOST_NOTES: Final = 20_000
Kind = Literal["service", "metric", "trace", "log", "change"]


@dataclass(frozen=True, slots=True)
class Note:
    """`key` is a service, a metric's name, a trace id, `service@nanoseconds` of a line, or the id of a change."""

    kind: Kind
    key: str
    fault: str
    second: int


class Notes:
    """The newest notes, and whom the faults touch now."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._seen: dict[str, tuple[str, ...]] = {}
        self._kept: deque[Note] = deque(maxlen=MOST_NOTES)
        self.blamed: dict[str, str] = {}
        """By service, the first fault that is active on it."""

    def __iter__(self) -> Iterator[Note]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, kind: Kind, key: str, fault: str, second: int) -> None:
        """Remember one thing."""
        self._kept.append(Note(kind, key, fault, second))

    def live(self, faults: Sequence[ActiveFault], second: int) -> None:
        """These are active in this second."""
        self.blamed = {}
        for one in faults:
            touched = self._seen.get(one.fault.id)
            if touched is None:
                touched = self._seen[one.fault.id] = tuple(touched_by(one, self._topology))
                for service in touched:
                    self.add("service", service, one.fault.id, second)
                if metric := one.fault.aim.get("metric"):
                    self.add("metric", str(metric), one.fault.id, second)
            for service in touched:
                self.blamed.setdefault(service, one.fault.id)


def touched_by(one: ActiveFault, topology: Topology) -> list[str]:
    """The services that a fault acts on directly."""
    target = one.fault.aim
    found: list[str] = []
    if service := target.get("service"):
        found.append(str(service))
    if edge := target.get("edge"):
        found += [name for name in str(edge).split("->") if name in topology.service_index]
    found += [one.target for one in topology.queues if one.name == target.get("queue")]
    found += [one.service for one in topology.models if one.name == target.get("model")]
    found += [one.service for one in topology.flags if one.name == target.get("flag")]
    for quota in topology.quotas:
        if quota.name == target.get("quota"):
            found += [edge.source for edge in topology.edges if edge.target == quota.service]
    for feature in topology.features:
        if feature.name == target.get("feature"):
            found += [feature.producer, *feature.consumers]
    if not found and (networks := target.get("network")):
        names = networks if isinstance(networks, list | tuple) else [networks]
        found += [one.name for one in topology.services if one.network in names]
    return list(dict.fromkeys(found)) or list(topology.entries)
