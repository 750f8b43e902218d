"""The services and who calls whom: data only, no network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Health: TypeAlias = Literal["green", "amber", "red", "unknown"]


@dataclass(frozen=True, slots=True)
class ServiceNode:
    """One service. Rates are per second over the range asked for; None where no source told them.

    `words` say why it is not green, or why nothing is known.
    """

    name: str
    health: Health = "unknown"
    rate: float | None = None
    error_ratio: float | None = None
    p95_seconds: float | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class ServiceEdge:
    """`calls` from parent to child in the range asked for."""

    parent: str
    child: str
    calls: int


@dataclass(frozen=True, slots=True)
class ServiceGraph:
    """All of it. `sources` say what each fact came from, `warnings` what could not be asked."""

    nodes: tuple[ServiceNode, ...]
    edges: tuple[ServiceEdge, ...]
    sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
