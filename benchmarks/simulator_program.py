"""What the simulator's benchmark measures in processes of their own: `same` plays an exercise, `history` fills stores.

One JSON object on standard output.
"""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from typing import Any

import orjson

from warroom.embedded.backends import Backends
from warroom.embedded.series_store import SeriesStore
from warroom.incident.ids import incident_id
from warroom.simulator.emit import Emitter
from warroom.simulator.load import Load
from warroom.simulator.topology_files import load_topology
from warroom.simulator.world import World
from warroom.tabletop.bots import make
from warroom.tabletop.deeds import FACILITATOR
from warroom.tabletop.drill import Drill
from warroom.tabletop.headless import USUAL_START, encode_run, play
from warroom.tabletop.library import installed
from warroom.tabletop.room import Room
from warroom.tabletop.score.total import score

SCENARIO, SEED, SECONDS = "first-drill", 90_001, 600
START = 1_764_000_000.0
HISTORY = 6 * 3_600


def samples_digest(store: SeriesStore) -> str:
    """The SHA-256 of every sample of a store, series by series."""
    found = hashlib.sha256()
    picked = store.pick(())
    for part in picked.parts:
        times, values, count = part.table.data
        found.update(times[:count].tobytes())
        for place, row in zip(part.places.tolist(), part.rows.tolist(), strict=True):
            found.update(repr(picked.keys[place]).encode() + values[row, :count].tobytes())
    return found.hexdigest()


def same() -> dict[str, str]:
    """Digests of what an exercise with a team that acts leaves behind."""
    found = installed().find(SCENARIO)
    if found is None:
        raise SystemExit(f"there is no scenario {SCENARIO!r}")
    drill = Drill(found.scenario, SEED, USUAL_START, key=bytes(32))
    room = Room(incident_id(1, 6), SEED)
    room.ask(FACILITATOR, drill.declaration(), USUAL_START)
    run = play(drill, room, make("textbook", SEED), seconds=SECONDS)
    backends = drill.backends
    lines = hashlib.sha256(repr(list(backends.log_store.everything())).encode())
    return {
        "samples": samples_digest(backends.series_store),
        "lines": lines.hexdigest(),
        "log": hashlib.sha256(encode_run(run)).hexdigest(),
        "score": repr(score(run.records, found.scenario).total),
        "actions": str(len(run.state.actions)),
    }


def history() -> dict[str, float]:
    """Seconds of CPU and MiB that six hours of the past take, made as a drill makes them: metrics and log lines."""
    before = time.process_time()
    world = World(load_topology("shop"), 2, START, Load(), warmup=HISTORY, changes_per_hour=0.0)
    backends = Backends(lambda: world.now)
    emitter = Emitter(world, backends, traces_per_second=0.0, seed=1)
    while world.second < 0:
        world.step()
        emitter.after_step()
    emitter.flush()
    return {
        "seconds": time.process_time() - before,
        "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "samples": float(emitter.figures.samples),
    }


def main(asked: str) -> None:
    """Measure one thing."""
    told: dict[str, Any] = dict(same() if asked == "same" else history())
    sys.stdout.write(orjson.dumps(told).decode() + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
