"""What Loki adds to a line that it takes in: the `service_name` of its stream and a `detected_level` beside it.

Follows Loki 3.7 (`discover_service_name`, `discover_log_levels`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from warroom.embedded.logfmt import pairs_of
from warroom.telemetry.logs import LogLine, Pairs

CLASH = "_extracted"
"""What the name of a field gets behind it where a label is called so already."""

LEVEL = "detected_level"
SERVICE = "service_name"
UNKNOWN_SERVICE = "unknown_service"

SERVICE_LABELS = (
    "service", "app", "application", "app_name", "name", "app_kubernetes_io_name", "container", "container_name",
    "k8s_container_name", "component", "workload", "job", "k8s_job_name",
)  # fmt: skip
LEVEL_FIELDS = (
    "level", "LEVEL", "Level", "log.level", "severity", "SEVERITY", "Severity", "SeverityText", "lvl", "LVL", "Lvl",
    "severity_text", "Severity_Text", "SEVERITY_TEXT",
)  # fmt: skip
_SPELLINGS = {
    "trace": "trace", "trc": "trace", "debug": "debug", "dbg": "debug", "info": "info", "inf": "info",
    "information": "info", "warn": "warn", "wrn": "warn", "warning": "warn", "error": "error", "err": "error",
    "critical": "critical", "fatal": "fatal",
}  # fmt: skip
_SEVERITIES = ((0, "unknown"), (4, "trace"), (8, "debug"), (12, "info"), (16, "warn"), (20, "error"), (24, "fatal"))
_WORD = re.compile(
    r"(?:^|(?<=[ \t\n\[({\"'=|]))(trace|debug|fatal|critical|error|err|warning|warn|info)(?=[ \t\n\[\](){}:,!\"'=|]|$)",
    re.IGNORECASE,
)
_DEEPEST = 2


def completed_labels(labels: Pairs) -> Pairs:
    """A stream's labels without empty ones, and with the name of its service, sorted by name."""
    known = {name: value for name, value in labels if value}
    if SERVICE not in known:
        known[SERVICE] = next((known[name] for name in SERVICE_LABELS if name in known), UNKNOWN_SERVICE)
    full = tuple(sorted(known.items()))
    return labels if full == labels else full


def completed_metadata(line: LogLine, base: Mapping[str, str]) -> Pairs:
    """A line's metadata with its level, sorted by name. What is called as a label of the stream gets another name."""
    metadata = {name + CLASH if name in base else name: value for name, value in line.metadata}
    metadata[LEVEL] = _level(line.text, base, metadata)
    return tuple(sorted(metadata.items()))


def _level(text: str, base: Mapping[str, str], metadata: Mapping[str, str]) -> str:
    for known in (base, metadata):
        for name in LEVEL_FIELDS:
            if known.get(name):
                return _SPELLINGS.get(known[name].lower(), known[name])
    number = metadata.get("severity_number")
    if number:
        return _of_severity(number)
    return level_of_text(text)


def _of_severity(number: str) -> str:
    if not number.isdecimal():
        return "info"
    return next((level for most, level in _SEVERITIES if int(number) <= most), "unknown")


def level_of_text(text: str) -> str:
    """The level that a line itself tells, by a field of JSON or logfmt, else by the first word that is one."""
    said = ""
    if text[:1] == "{" or text.lstrip()[:1] == "{":
        said = _of_json(text) if text.rstrip().endswith("}") else ""
    elif "=" in text:
        said = _of_logfmt(text)
    known = _SPELLINGS.get(said.lower())
    if known is not None:
        return known
    found = _WORD.search(text)
    return _SPELLINGS[found[1].lower()] if found is not None else "unknown"


def _of_logfmt(text: str) -> str:
    found = {key.lower(): value for key, value in reversed(pairs_of(text)[0])}
    return next((found[name.lower()] for name in LEVEL_FIELDS if name.lower() in found), "")


def _of_json(text: str) -> str:
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return ""
    return _inside(said, 0)


def _inside(said: Any, depth: int) -> str:
    if not isinstance(said, dict) or depth >= _DEEPEST:
        return ""
    for key, value in said.items():
        if isinstance(value, str):
            if key in LEVEL_FIELDS:
                return value
        elif isinstance(value, dict) and (found := _inside(value, depth + 1)):
            return found
    return ""
