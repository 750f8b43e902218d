"""How long a person waits for a command: `warroom --version`, and `warroom note` against a running server.

Both are told as a multiple of what loading click alone takes in the same run, by the median of interleaved runs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.report import Figure

ROUNDS = 21
PYTHON = sys.executable


def environment(base: Path) -> dict[str, str]:
    """A home of its own with free ports, so that nothing of this machine is touched."""
    (base / "run").mkdir(mode=0o700, exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(base),
        "XDG_RUNTIME_DIR": str(base / "run"),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "USER": "bench",
        "LOGNAME": "bench",
        "WARROOM_LISTEN__PORT": "0",
        "WARROOM_INTAKE__PORT": "0",
        "WARROOM_PROMETHEUS__URL": "",
    }


def seconds(words: list[str], env: dict[str, str]) -> float:
    """The wall time of one process."""
    before = perf_counter()
    subprocess.run(words, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return perf_counter() - before


def main(rounds: int = ROUNDS) -> list[Figure]:
    """Both figures; each round runs all three, so that a busy machine slows them alike."""
    with tempfile.TemporaryDirectory() as directory:
        env = environment(Path(directory))
        warroom = [PYTHON, "-m", "warroom"]
        declared = subprocess.run(
            [*warroom, "declare", "how quick are commands"], env=env, check=True, capture_output=True, text=True
        )
        try:
            kinds = {
                "click": [PYTHON, "-c", "import click"],
                "version": [*warroom, "--version"],
                "note": [*warroom, "note", declared.stdout.strip(), "a line on the timeline"],
            }
            times: dict[str, list[float]] = {kind: [] for kind in kinds}
            for _ in range(rounds):
                for kind, words in kinds.items():
                    times[kind].append(seconds(words, env))
        finally:
            runtime = json.loads((Path(directory) / "run/warroom/server.json").read_text())
            os.kill(runtime["pid"], signal.SIGTERM)
            subprocess.run([*warroom, "stop"], env=env, check=True, capture_output=True)
    base = median(times["click"])
    reference = f"import click: {base * 1000:.0f} ms"
    return [
        _figure("warroom --version", median(times["version"]), base, 1.5, reference),
        _figure("warroom note, server running", median(times["note"]), base, 4.0, reference),
    ]


def _figure(name: str, taken: float, base: float, most: float, reference: str) -> Figure:
    times = taken / base
    return Figure(name, f"{taken * 1000:.0f} ms, {times:.2f}x", reference, f"at most {most:g}x", times <= most)


if __name__ == "__main__":
    for figure in main():
        print(figure)
