"""Make the files of `recorded/` from a folder with one recorded exchange a file: the needed ones, cut short.

    python -m tests.contract.record prometheus-2.42.0 FOLDER     takes the exchanges from FOLDER
    python -m tests.contract.record prometheus-2.42.0            only reads again what it has

Look at the difference of the readings before it is committed: they are what the tests hold the client to.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.contract.alertmanager_checks import ALERTMANAGER
from tests.contract.prometheus_checks import PROMETHEUS
from tests.contract.suite import FOLDER, Check, Recording, Suite, ask_of, outcome, player
from warroom.telemetry.alertmanager import Alertmanager
from warroom.telemetry.prometheus import Prometheus
from warroom.telemetry.source import Source

SUITES: Mapping[str, Suite] = {"prometheus": PROMETHEUS, "alertmanager": ALERTMANAGER}

LONGEST = 6
"""Elements that a list keeps, and four times as many that a mapping does."""

KEPT = ("enable-feature", "query.timeout", "scrape_configs")


async def play(recorded: Recording, check: Check) -> Any:
    """What the client reads of a check's recordings."""
    async with player(recorded.exchanges, check) as server:
        first = recorded.exchanges[check.exchanges(recorded.exchanges)[0]]
        if recorded.server.startswith("prometheus"):
            prometheus = Prometheus(Source(server.url))
            try:
                return await outcome(check, prometheus, ask_of(first))
            finally:
                await prometheus.aclose()
        alertmanager = Alertmanager(Source(server.url, name="alertmanager"))
        try:
            return await outcome(check, alertmanager, ask_of(first))
        finally:
            await alertmanager.close()


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(one) for one in value[:LONGEST]]
    if isinstance(value, dict):
        kept = list(value)[: 4 * LONGEST] + [key for key in list(value)[4 * LONGEST :] if key in KEPT]
        return {key: _short(value[key]) for key in kept}
    return value


def _taken(folder: Path, suite: Suite) -> dict[str, Any]:
    found = {}
    for check in suite.checks.values():
        for alternatives in check.recordings.values():
            paths = [path for one in alternatives.split("|") if (path := folder / f"{one}.json").is_file()]
            if not paths:
                continue
            path = paths[0]
            said = json.loads(path.read_text())
            found[path.stem] = {
                "request": {
                    key: said["request"][key] for key in ("method", "path", "params") if key in said["request"]
                },
                "status": said["status"],
                "kind": said["headers"].get("Content-Type", ""),
                "body": _short(said["body"]),
            }
    return found


async def main(server: str, folder: str = "") -> None:
    """Write `recorded/SERVER.json`."""
    suite, target = SUITES[server.partition("-")[0]], FOLDER / f"{server}.json"
    exchanges = _taken(Path(folder), suite) if folder else json.loads(target.read_text())["exchanges"]
    recorded = Recording(server, exchanges, {})
    readings = {name: await play(recorded, suite.checks[name]) for name in suite.recorded(exchanges)}
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in sorted(exchanges.items()))
    read = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in sorted(readings.items()))
    target.write_text(f'{{"exchanges": {{\n{lines}\n}},\n"readings": {{\n{read}\n}}}}\n')


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
