"""What telemetry answered, as the log keeps it: plain JSON, read without a model, wherever it came from.

Invariant: nothing here raises on foreign JSON but `clean_json`, whose ValueError says what would be right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from warroom.incident.text import clean_line, clean_shape, clean_text

MOST_DATA = 128 * 1024
"""UTF-8 bytes of the data of one piece of evidence."""
SERVICE_LABELS = ("service", "service_name", "app", "app_kubernetes_io_name", "job", "component")
"""Where the name of an alert's service is looked for, first one wins."""

_ESCAPED = re.compile(r"\\[ubfr]")
"""What JSON escapes and a terminal would obey; line feeds and tabs are not among it."""
_MOST_FRAMED = 200 * 1024
"""Bytes of the data once more quoted, as a frame carries it; a frame holds 256 KiB."""
_HEAVY = frozenset({"tags", "process", "logs", "links"})
_COUNTED = {
    "logs": ("lines", "line"),
    "trace": ("spans", "span"),
    "alerts": ("groups", "alert"),
    "services": ("nodes", "service"),
}


def clean_json(text: str) -> str:
    """The same JSON in its shortest form, with nothing in its texts that a terminal would obey; empty stays empty.

    Raises:
        ValueError: no JSON, neither an object nor a list, or larger than `MOST_DATA`.
    """
    if not text:
        return ""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as wrong:
        raise ValueError(f"must be JSON: {wrong}") from None
    if not isinstance(value, dict | list):
        raise ValueError("must be a JSON object or list")
    try:
        written = orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise ValueError("must be JSON of fewer levels") from None
    said = written.decode()
    # Most answers are clean, and a log is read more often than it is written.
    if _ESCAPED.search(said) or clean_shape(said) != said:
        written = orjson.dumps(_cleaned(value))
        said = written.decode()
    if len(written) > MOST_DATA:
        raise ValueError(f"has {len(written)} bytes, and at most {MOST_DATA} are kept; take a part of it")
    return said


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean_shape(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    if isinstance(value, dict):
        return {clean_shape(key): _cleaned(one) for key, one in value.items()}
    return value


def fitted(kind: str, value: Any) -> str:
    """An answer as the `data` of evidence: all of it, or as much as one piece of evidence and one frame hold.

    Of log lines the newest stay, of spans the first, without their tags where that is enough; the data says so by
    `full` or in its `warnings`.
    """
    text = orjson.dumps(value).decode()
    if kind == "trace" and isinstance(value, dict) and not _fits(text):
        value = {**value, "spans": [_bare(span) for span in items(value, "spans")]}
        value["warnings"] = [*items(value, "warnings"), "kept without tags and events: it was too large"]
        text = orjson.dumps(value).decode()
    whole = len(_parts(kind, value))
    size = whole
    while not _fits(text) and size:
        # The share that fits, and a little less, because no two parts are of the same size.
        size = min(size - 1, int(size * 0.9 * MOST_DATA / max(len(text.encode()), MOST_DATA)))
        text = orjson.dumps(_part(kind, value, size, whole)).decode()
    return text if _fits(text) else ""


def _fits(text: str) -> bool:
    return len(text.encode()) <= MOST_DATA and len(orjson.dumps(text)) <= _MOST_FRAMED


def _bare(span: Any) -> Any:
    return {key: part for key, part in span.items() if key not in _HEAVY} if isinstance(span, dict) else span


def _parts(kind: str, value: Any) -> list[Any]:
    return items(value, _COUNTED[kind][0]) if kind in _COUNTED else []


def _part(kind: str, value: Any, size: int, whole: int) -> Any:
    parts = _parts(kind, value)
    if kind == "logs":
        newest = sorted(range(whole), key=lambda place: -_ns(parts[place]))[:size]
        return {"lines": [parts[place] for place in sorted(newest)], "full": True, "warnings": []}
    if not isinstance(value, dict):
        return parts[:size]
    name, word = _COUNTED[kind]
    left_out = f"{whole - size:,} of {whole:,} {word}s are left out: it was too large"
    return {**value, name: parts[:size], "warnings": [*items(value.get("warnings"), ""), left_out]}


def _ns(line: Any) -> int:
    ns = line.get("ns") if isinstance(line, dict) else None
    return ns if isinstance(ns, int) else 0


def read_data(text: str) -> Any:
    """The value of an evidence pin's `data`; None where there is none."""
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None


def items(value: Any, name: str) -> list[Any]:
    """The list under `name` of an object, or the list itself; empty where there is none."""
    found = value.get(name) if isinstance(value, dict) else value
    return found if isinstance(found, list) else []


def alerts_in(value: Any) -> list[dict[str, Any]]:
    """Every alert of a list of groups, or of a list of alerts."""
    found: list[dict[str, Any]] = []
    for one in items(value, "groups"):
        if isinstance(one, dict):
            found += [alert for alert in items(one, "alerts") if isinstance(alert, dict)] if "alerts" in one else [one]
    return found


def counted(kind: str, data: str) -> str:
    """How much a piece of evidence holds, `40 lines`; empty for a kind that is not counted."""
    if kind not in _COUNTED:
        return ""
    name, word = _COUNTED[kind]
    value = read_data(data)
    size = len(alerts_in(value)) if kind == "alerts" else len(items(value, name))
    return f"{size:,} {word}{'' if size == 1 else 's'}"


def labels_of(value: Any) -> dict[str, str]:
    """Labels from an object or a list of pairs, whichever it is."""
    if isinstance(value, dict):
        return {str(name): str(text) for name, text in value.items()}
    pairs = [pair for pair in value if isinstance(pair, list) and len(pair) == 2] if isinstance(value, list) else []
    return {str(name): str(text) for name, text in pairs}


def alert_body(active: Mapping[str, Any], source: str = "alertmanager") -> dict[str, Any]:
    """The `alert` of a command from one that Alertmanager has: cut to the log's bounds.

    `active` has `fingerprint`, `labels`, `annotations`, `starts_at` (seconds since the epoch) and `url`.
    """
    labels, annotations = labels_of(active.get("labels")), labels_of(active.get("annotations"))
    url = clean_line(str(active.get("url") or ""))
    summary = annotations.get("summary") or annotations.get("description") or annotations.get("message") or ""
    return {
        "fingerprint": str(active.get("fingerprint") or ""),
        "source": source,
        "name": clean_line(labels.get("alertname", ""))[:200].strip() or "alert",
        "severity": clean_line(labels.get("severity", ""))[:200].strip(),
        "service": next((clean_line(labels[one])[:100].strip() for one in SERVICE_LABELS if labels.get(one)), ""),
        "summary": clean_text(summary)[:10_000],
        "labels": _bounded(labels),
        "annotations": _bounded(annotations),
        "starts_at": moment(active.get("starts_at")).isoformat(),
        "url": url if len(url) <= 2000 else "",
    }


def moment(seconds: Any) -> datetime:
    """The time so many seconds after the epoch; the epoch itself for what is no time."""
    known = isinstance(seconds, int | float) and 0 <= seconds < 253_402_300_800
    return datetime.fromtimestamp(seconds if known else 0, UTC)


def _bounded(pairs: Mapping[str, str]) -> dict[str, str]:
    kept = list(pairs.items())[:60]
    return {clean_line(name)[:200]: clean_text(value)[:2000] for name, value in kept}
