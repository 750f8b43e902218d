"""Run the benchmarks, print each figure beside its reference and goal, and rewrite docs/performance.md.

`python -m benchmarks` runs all of them, `python -m benchmarks core store` only some (and leaves the page alone).
"""

from __future__ import annotations

import argparse
import importlib
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import Figure

SUITES = {
    "core": "The core",
    "store": "The log",
    "room": "The room",
    "console": "The console",
    "logs": "The logs pane",
    "commands": "The commands",
    "telemetry": "Telemetry",
}
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"

_HEAD = """# Performance

Measured by `make bench` on {day}: {machine}. Each figure was taken beside its reference in the same run, because
machines are noisy: read the ratios, and the absolute times only for orientation.

{met} of {judged} goals are met.
"""


def verdict(figure: Figure) -> str:
    """What became of a goal, in words."""
    return "no goal" if figure.met is None else "met" if figure.met else "**missed**"


def table(figures: Sequence[Figure]) -> str:
    """The figures of one suite as a Markdown table."""
    rows = [
        f"| {one.name} | {one.value} | {one.reference} | {one.goal} | {verdict(one)} |".replace("\n", " ")
        for one in figures
    ]
    return "\n".join(["| what | measured | reference | goal | |", "|---|---|---|---|---|", *rows])


def page(suites: dict[str, Sequence[Figure]]) -> str:
    """The whole of docs/performance.md."""
    everything = [figure for figures in suites.values() for figure in figures]
    judged = [figure for figure in everything if figure.met is not None]
    machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, {_cores()}"
    head = _HEAD.format(
        day=datetime.now(UTC).strftime("%Y-%m-%d"),
        machine=machine,
        met=sum(bool(figure.met) for figure in judged),
        judged=len(judged),
    )
    parts = [f"## {SUITES[name]}\n\n{table(figures)}\n" for name, figures in suites.items()]
    missed = [f"- {figure.name}: {figure.value} against {figure.goal}" for figure in judged if not figure.met]
    fall = "\n## What falls short\n\n" + "\n".join(missed) + "\n" if missed else ""
    return head + "\n" + "\n".join(parts) + fall


def _cores() -> str:
    import os

    return f"{os.cpu_count()} cores"


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; 2 for an unknown suite."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="*", help=f"any of {', '.join(SUITES)}; all when none is named")
    wanted = parser.parse_args(arguments).suites or list(SUITES)
    unknown = [name for name in wanted if name not in SUITES]
    if unknown:
        print(f"there is no suite {unknown[0]!r}; use any of {', '.join(SUITES)}", file=sys.stderr)
        return 2
    results: dict[str, Sequence[Figure]] = {}
    for name in wanted:
        print(f"\n{SUITES[name]}", flush=True)
        results[name] = importlib.import_module(f"benchmarks.{name}").main()
        for one in results[name]:
            print(f"  {one.name}: {one.value} ({one.reference}); goal {one.goal}: {verdict(one)}", flush=True)
    if list(results) == list(SUITES):
        PAGE.write_text(page(results), encoding="utf-8")
        print(f"\nwritten to {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
