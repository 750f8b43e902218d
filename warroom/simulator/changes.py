"""What was changed in the production: by people, by faults, and the harmless changes that every day has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from warroom.simulator.topology import Topology

ChangeKind: TypeAlias = Literal[
    "deploy", "rollback", "flag", "config", "scale", "failover", "certificate", "dns", "restart", "model", "maintenance"
]
FIRST_NUMBER: Final = 101
PEOPLE: Final = ("amara", "bjorn", "chen", "divya", "elena", "farid", "grace", "hiro", "deploy-bot", "renovate")
NOTES: Final = (
    "log level of one package", "retry metrics renamed", "dependency update", "copy texts", "dashboards as code",
    "unused endpoint removed", "structured logging", "test coverage", "feature clean-up", "translations",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One change, with the second in which it began. `fault` is hidden from those who look."""

    second: int
    id: str
    kind: str
    service: str
    version: str
    text: str
    by: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Harmless:
    """A change that does nothing: `minutes` until all replicas have it, for a deployment."""

    kind: str
    service: str
    text: str
    by: str
    minutes: float


def harmless(topology: Topology, draws: tuple[float, float, float, float]) -> Harmless:
    """A harmless change from four uniform draws."""
    own = [one for one in topology.services if one.kind == "service"]
    service = own[int(draws[0] * len(own))]
    by = PEOPLE[int(draws[1] * len(PEOPLE))]
    note = NOTES[int(draws[2] * len(NOTES))]
    if draws[3] < 0.65:
        return Harmless("deploy", service.name, note, by, 4 + 14 * draws[2])
    settings = [one for one in topology.settings if one.service == service.name]
    if settings and draws[3] < 0.85:
        return Harmless("config", service.name, f"{settings[0].key} reviewed, value unchanged", by, 0)
    return Harmless("maintenance", service.name, f"nightly job of {service.name} ran early", by, 0)
