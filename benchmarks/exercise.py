"""A whole exercise in one process, at ten times its speed: room, imaginary production, embedded backends and console.

The reference is the same exercise, played headless with nobody in it: what production and telemetry take by themselves.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from benchmarks.console import run
from benchmarks.report import Figure
from warroom.incident.ids import incident_id
from warroom.tabletop.deeds import FACILITATOR
from warroom.tabletop.drill import Drill
from warroom.tabletop.library import installed
from warroom.tabletop.room import Room

SCENARIO = "first-drill"
SECONDS = 40.0
SPEED = 10


def alone(seconds: int = 300) -> float:
    """The share of one core that production, telemetry and facilitator take at that speed, with nobody in the room."""
    found = installed().find(SCENARIO)
    if found is None:
        raise SystemExit(f"there is no scenario {SCENARIO!r}")
    start = datetime.now(UTC)
    drill = Drill(found.scenario, 90_001, start, key=bytes(32), history=True)
    room = Room(incident_id(1, 6), 1, "00" * 16)
    room.ask(FACILITATOR, drill.declaration(), start)
    before = time.process_time()
    for _ in range(seconds):
        drill.advance(room.state)
    return (time.process_time() - before) / seconds * SPEED


def main() -> list[Figure]:
    """Measure."""
    ran = run(SCENARIO, SECONDS, (120, 40), program="benchmarks.exercise_program").report
    reference = alone()
    return [
        Figure(
            f"Room, production, embedded backends and console at {SPEED}x, in one process",
            f"{ran['cpu'] * 100:.0f} % of a core, at {ran['pace']:.1f}x, {ran['rss']:.0f} MiB",
            f"{reference * 100:.0f} % for production and telemetry alone",
            "at most one core, and it keeps its pace",
            ran["cpu"] <= 1.0 and ran["pace"] >= 0.97 * SPEED,
        ),
        Figure("From nothing to a running exercise", f"{ran['opening']:.1f} s", "", "", None),
    ]
