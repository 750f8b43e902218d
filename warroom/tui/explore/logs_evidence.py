"""Log lines as evidence on the incident's log: what is kept of them, and how it is read again.

Invariant: the line that was selected is always kept, and what was left out is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from warroom.telemetry import shapes
from warroom.telemetry.logs import LogLine, LogPage
from warroom.tui.widgets.log_line import level_word

MOST_LINES = 200
LARGEST = 120_000
"""Bytes of what is kept; what a log takes is a little more."""
_LONGEST = 8_000
"""Characters of one line that are kept when it alone is too large."""


def page_of(data: str) -> tuple[LogLine, ...]:
    """The lines that evidence kept, oldest first.

    Raises:
        ValueError: this is no page of log lines; the text names the field.
    """
    try:
        said = orjson.loads(data)
    except orjson.JSONDecodeError as wrong:
        raise ValueError(f"this evidence is no JSON: {wrong}") from None
    return tuple(sorted(shapes.read(LogPage, said).lines, key=lambda line: line.ns))


def evidence_of(lines: Sequence[LogLine], chosen: LogLine | None, query: str) -> dict[str, Any] | None:
    """The evidence of a `pin-evidence` command; None without a line.

    Args:
        lines: oldest first.
        chosen: the line it is about, one of them; what does not fit goes from the far ends. None keeps the newest.
        query: what was asked.
    """
    if not lines:
        return None
    at = next((number for number, line in enumerate(lines) if line is chosen), len(lines) - 1)
    kept, left = _bounded(list(lines), at)
    words = (f"{left} of {len(lines)} lines were left out",) if left else ()
    data = _dumped(kept, words)
    start, end = (datetime.fromtimestamp(one.ns / 1e9, UTC).isoformat() for one in (kept[0], kept[-1]))
    return {
        "kind": "logs",
        "title": _title(chosen, kept),
        "source": "loki",
        "query": query[:10_000],
        "start": start,
        "end": end,
        "data": data,
    }


def _title(chosen: LogLine | None, kept: Sequence[LogLine]) -> str:
    if chosen is None:
        return f"{len(kept)} log lines" if len(kept) > 1 else "a log line"
    parts = (level_word(chosen.level).strip("-"), chosen.service, " ".join(chosen.text.split()))
    return " ".join(part for part in parts if part)[:190]


def _dumped(lines: Sequence[LogLine], warnings: tuple[str, ...]) -> str:
    return orjson.dumps(LogPage(tuple(lines), bool(warnings), warnings)).decode()


def _bounded(lines: list[LogLine], at: int) -> tuple[list[LogLine], int]:
    """As many lines around `at` as may be kept, and how many are not."""
    low, high = max(0, at - MOST_LINES // 2), min(len(lines), at + MOST_LINES // 2)
    if high - low < MOST_LINES:
        low, high = max(0, high - MOST_LINES), min(len(lines), low + MOST_LINES)
    sizes = {number: len(orjson.dumps(lines[number])) + 1 for number in range(low, high)}
    total = sum(sizes.values())
    if sizes[at] > LARGEST:
        # JSON may need six bytes for a character.
        lines[at] = replace(lines[at], text=lines[at].text[:_LONGEST], metadata=lines[at].metadata[:20])
        return [lines[at]], len(lines) - 1
    while total > LARGEST:
        gone = low if at - low >= high - 1 - at else high - 1
        low, high = (low + 1, high) if gone == low else (low, high - 1)
        total -= sizes[gone]
    return lines[low:high], len(lines) - (high - low)
