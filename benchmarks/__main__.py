"""Run the benchmarks, print each figure beside its reference and goal, and rewrite docs/performance.md.

`python -m benchmarks` runs all of them, `python -m benchmarks core store` only some, and the page keeps the others.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import Figure

SUITES = {
    "core": "The core",
    "store": "The log",
    "room": "The room",
    "console": "The console",
    "logs": "The logs pane",
    "dashboards": "The dashboards pane",
    "commands": "The commands",
    "telemetry": "Telemetry",
    "simulator": "The simulator",
    "exercise": "An exercise, live",
    "embedded": "The embedded Prometheus",
    "embedded_logs": "The embedded Loki",
}
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"

_HEAD = """# Performance

Measured by `make bench`: {machine}. Each figure was taken beside its reference in the same run, because machines are
noisy: read the ratios, and the absolute times only for orientation.

{met} of {judged} goals are met.
"""
_MET, _MISSED = "met", "**missed**"
_FALL = "What falls short"


def verdict(figure: Figure) -> str:
    """What became of a goal, in words."""
    return "no goal" if figure.met is None else _MET if figure.met else _MISSED


def table(figures: Sequence[Figure]) -> str:
    """The figures of one suite as a Markdown table."""
    rows = [
        f"| {one.name} | {one.value} | {one.reference} | {one.goal} | {verdict(one)} |".replace("\n", " ")
        for one in figures
    ]
    return "\n".join(["| what | measured | reference | goal | |", "|---|---|---|---|---|", *rows])


def section(figures: Sequence[Figure]) -> str:
    """What stands under a suite's heading."""
    return f"{datetime.now(UTC):%Y-%m-%d}\n\n{table(figures)}\n"


def sections(text: str) -> dict[str, str]:
    """The sections of a page by their headings, without the last one, which follows from the others."""
    parts = text.split("\n## ")[1:]
    found = {title.strip(): body.strip() + "\n" for title, _, body in (part.partition("\n") for part in parts)}
    found.pop(_FALL, None)
    return found


def page(parts: Mapping[str, str]) -> str:
    """The whole of docs/performance.md, from the sections by their headings."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for body in parts.values()
        for line in body.splitlines()
        if line.startswith("|")
    ]
    met = sum(row[-1] == _MET for row in rows)
    missed = [row for row in rows if row[-1] == _MISSED]
    machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, {_cores()}"
    head = _HEAD.format(machine=machine, met=met, judged=met + len(missed))
    body = "\n".join(f"## {title}\n\n{text}" for title, text in parts.items())
    short = "\n".join(f"- {row[0]}: {row[1]} against {row[3]}" for row in missed)
    return f"{head}\n{body}" + (f"\n## {_FALL}\n\n{short}\n" if missed else "")


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
    known = sections(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    fresh = {SUITES[name]: section(figures) for name, figures in results.items()}
    parts = {title: fresh.get(title, known.get(title, "")) for title in SUITES.values()}
    PAGE.write_text(page({title: text for title, text in parts.items() if text}), encoding="utf-8")
    print(f"\nwritten to {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
