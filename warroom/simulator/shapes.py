"""What the simulator says of a second, beside the telemetry it emits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SloSecond:
    """What users felt within one second: requests, and of them those that failed and those that came too late."""

    requests: float
    failed: float
    late: float
