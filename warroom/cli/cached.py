"""The list of incidents as a command last saw it, for completion and for short names while no server answers.

Invariant: reading it costs one small file and never fails.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_LIVE = ("triage", "investigating", "identified", "monitoring")


def is_live(line: Mapping[str, Any]) -> bool:
    """Whether responders are still at work on that line of the list."""
    return line.get("status") in _LIVE


def keep(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Keep the list; a disk that does not take it costs only completion."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = [
            {"incident": one["incident"], "title": one["title"], "status": one["status"], "severity": one["severity"]}
            for one in lines
            if not one.get("private")
        ]
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(kept, file)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)


def recall(path: Path) -> list[dict[str, Any]]:
    """The list as last seen; empty when there is none."""
    try:
        said = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [one for one in said if isinstance(one, dict) and "incident" in one] if isinstance(said, list) else []


def complete_incident(incomplete: str) -> list[CompletionItem]:
    """Completions for an incident id, live ones first, from the file alone."""
    from click.shell_completion import CompletionItem

    from warroom.settings.places import places

    wanted = incomplete.upper()
    lines = recall(places().state / "incidents.json")
    lines.sort(key=lambda line: not is_live(line))
    return [
        CompletionItem(line["incident"], help=f"{line.get('severity', '')} {line.get('title', '')}"[:60])
        for line in lines
        if line["incident"].startswith(wanted) or line["incident"].removeprefix("INC-").startswith(wanted)
    ]
