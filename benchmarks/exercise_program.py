"""What `benchmarks.exercise` starts in a pseudo-terminal: a whole exercise, played alone, in one process.

`python -m benchmarks.exercise_program first-drill REPORT SECONDS`; what it measured of itself is left in REPORT.
"""

from __future__ import annotations

import gc
import resource
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.console_program import Report

SPEED = 10.0
_SETTLED = 30
"""Seconds of the exercise that pass before it is measured."""


def play(scenario: str, report: Report, seconds: float) -> None:
    """Open the console on an exercise at ten times its speed, and note the processor time of all threads."""
    gc.disable()
    from warroom.app_exercise import ExercisePlan
    from warroom.app_show import Show
    from warroom.tabletop.library import installed
    from warroom.tui.app import WarroomApp

    found = installed().find(scenario)
    if found is None:
        raise SystemExit(f"there is no scenario {scenario!r}")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        plan = ExercisePlan(
            found.scenario, 90_001, "ana", Path(folder) / "run", datetime.now(UTC), speed=SPEED, solo=True
        )
        with Show(plan) as show:
            app = WarroomApp(show.opener, show.options(theme="warroom-night"))

            def measure() -> None:
                while show.opened is None or show.opened.facilitator.drill.second < 1:
                    time.sleep(0.05)
                report.more["opening"] = time.monotonic() - begun
                drill = show.opened.facilitator.drill
                while drill.second < _SETTLED:
                    time.sleep(0.05)
                before = drill.second
                report.begin()
                time.sleep(seconds)
                wall, _ = report.so_far()
                report.more["pace"] = (drill.second - before) / wall
                report.more["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                report.end()
                app.call_from_thread(app.exit)

            threading.Thread(target=measure, daemon=True).start()
            app.run()


def main() -> None:
    """Play, as asked on the command line."""
    scenario, path, seconds = sys.argv[1:]
    play(scenario, Report(Path(path)), float(seconds))


if __name__ == "__main__":
    main()
