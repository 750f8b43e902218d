"""The summary of patterns: asked of the server with the time before the incident, or mined from the lines at hand.

Invariant: mining goes in slices between two frames, and is given up when the lines are other ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from warroom.incident.words import Milestone
from warroom.telemetry import shapes
from warroom.telemetry.logs import LogPattern
from warroom.tui.explore.logs_feed import PAGE, read_page
from warroom.tui.explore.logs_patterns import PatternMiner, PatternRow, rows_of
from warroom.tui.widgets.log_lines import LogLines

if TYPE_CHECKING:
    from warroom.tui.explore.logs_acts import LogsActs

BEFORE = 3600.0
"""Seconds before the incident that are looked at, to tell what is new."""
MOST_MINED = 20_000
_SLICE = 500


class LogForms:
    """The patterns of one logs pane. `words` say where they are from and what `NEW` compares."""

    def __init__(self, screen: LogsActs, came: Callable[[Sequence[PatternRow]], None]) -> None:
        self._screen, self._came = screen, came
        self.words = ""
        self.mined = False
        self._serial = 0

    @property
    def began(self) -> float | None:
        """When the incident's impact began, or it was declared; seconds since the epoch."""
        room = self._screen.room
        if room is None:
            return None
        times = room.state.milestones
        found = times.get(Milestone.IMPACT_STARTED) or times.get(Milestone.DECLARED)
        return None if found is None else found.timestamp()

    def ask(self, query: str, lines: LogLines) -> None:
        """Ask for the patterns of a query; the lines are mined when nobody answers that."""
        self._serial += 1
        serial, began = self._serial, self.began
        start, end = self._screen.bounds()
        first = start if began is None else min(start, began - BEFORE)
        self.words = "asking for patterns"

        def came(future: Future[Any]) -> None:
            if serial != self._serial or not self._screen.is_mounted:
                return
            error = future.exception()
            said = None if error is not None else future.result()
            found = said.get("patterns") if isinstance(said, dict) else None
            if found:
                self._show([shapes.read(LogPattern, one) for one in found], start, end, mined=False)
            else:
                self._mine(lines, query, serial)

        params = {"query": query, "start": first, "end": end, "step": max(1.0, (end - first) / 120)}
        if not query or not self._screen.ask_aside("logs.patterns", came, **params):
            self._mine(lines, query, serial)

    def _show(self, patterns: Sequence[LogPattern], start: float, end: float, *, mined: bool, count: int = 0) -> None:
        self.mined = mined
        rows = rows_of(patterns, start, end, self.began)
        source = f"from the {count} lines at hand" if mined else "as the server counts them"
        fresh = sum(row.new for row in rows)
        known = self.began is not None and any(at < self.began for one in patterns for at, _ in one.samples)
        compared = f"{fresh} new since the incident began" if known else "none known from before the incident"
        self.words = f"{len(rows)} patterns {source}, {compared}"
        self._came(rows)

    def _mine(self, lines: LogLines, query: str, serial: int) -> None:
        """Mine the lines at hand, with a page from before the incident where they do not reach back to that."""
        first, stop = max(lines.first, lines.end - MOST_MINED), lines.end
        oldest, newest = lines.line(first), lines.line(stop - 1)
        if oldest is None or newest is None:
            self.words = "no lines to find patterns in"
            self._came(())
            return
        start, end = oldest.ns / 1e9, newest.ns / 1e9 + 0.001
        miner, began = PatternMiner((end - start) / 120), self.began

        def work(at: int) -> None:
            if serial != self._serial or not self._screen.is_mounted:
                return
            begin, found = lines.slice(at, min(stop, at + _SLICE))
            miner.add(found)
            if found and begin + len(found) < stop:
                self._screen.set_timer(0.005, lambda: work(begin + len(found)))
            else:
                self._show(miner.patterns(), start, end, mined=True, count=min(stop - first, miner.lines))

        def came(future: Future[Any]) -> None:
            if future.exception() is None and future.result():
                miner.add(read_page(future.result()))
            work(first)

        before = {"start": (began or 0) - BEFORE, "end": began, "limit": PAGE, "direction": "backward"}
        reaches = began is None or start < began
        if reaches or not query or not self._screen.ask_aside("logs", came, query=query, **before):
            work(first)
