"""Where the logs pane has its lines from: a page for the range, older pages before it, the tail behind it.

Invariant: a tail is heard exactly while its query is shown, and what it brought stays on screen when it is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import orjson

from warroom.client.view import View
from warroom.telemetry import series as wire_series
from warroom.telemetry import shapes
from warroom.telemetry.log_buffer import LogBuffer
from warroom.telemetry.logs import LogLine, LogPage
from warroom.tui.explore.logs_query import counted
from warroom.tui.widgets.log_counts import Counts, counts_from, counts_of
from warroom.tui.widgets.log_lines import LogLines

if TYPE_CHECKING:
    from warroom.tui.explore.logs_acts import LogsActs

PAGE = 1000
"""Lines asked for at a time."""
MOST_OLDER = 20_000
"""Lines kept from before the tail."""
COUNTS_EVERY = 15.0
"""Seconds between two countings of a live range."""
_COUNTED = 10_000
_COLUMNS = 120


def read_page(said: Any) -> tuple[LogLine, ...]:
    """The lines of an answer, oldest first.

    Raises:
        ValueError: it is no page of log lines.
    """
    return tuple(sorted(shapes.read(LogPage, said).lines, key=lambda line: line.ns))


class LogFeed:
    """The lines of one logs pane, and the counts over them. `changed` is called with what is to be shown anew."""

    def __init__(self, screen: LogsActs, changed: Callable[[LogLines], None]) -> None:
        self._screen, self._changed = screen, changed
        self.lines = LogLines()
        self.query = ""
        self.full = False
        """Whether there may be older lines than those of the page."""
        self.counts: Counts | None = None
        self.lost = self.backfilled = 0
        self.trouble = ""
        self._key = ""
        self._buffer: LogBuffer | None = None
        self._asking_older = False
        self._counted_at = 0.0
        self._no_counts = False

    @property
    def tailing(self) -> bool:
        """Whether the server is asked to tell what comes."""
        return bool(self._key)

    # Asking

    def ask(self, query: str) -> None:
        """Ask for the newest page of the range, and follow what comes if the range is live."""
        screen = self._screen
        start, end = screen.bounds()
        if query != self.query or not screen.range.live:
            self.stop()
        self.query = query
        self.full = False
        screen.ask("logs", self._came, query=query, start=start, end=end, limit=PAGE, direction="backward")
        if screen.range.live:
            self._follow()
        self._no_counts = False
        self.ask_counts()

    def _came(self, said: Any) -> None:
        page = shapes.read(LogPage, said)
        self.full = page.full
        self.lines = LogLines(sorted(page.lines, key=lambda line: line.ns), self._buffer)
        for words in page.warnings:
            self._screen.console.tell(words, "warning")
        self._changed(self.lines)
        if self._no_counts or self.counts is None:
            self._count_lines()

    def failed(self) -> None:
        """The page did not come; what the tail brings is shown all the same."""
        if not len(self.lines):
            self.lines = LogLines((), self._buffer)
            self._changed(self.lines)

    def older(self) -> None:
        """Ask for the page before the oldest line, if there may be one."""
        oldest = self.lines.line(self.lines.first)
        if not self.full or self._asking_older or oldest is None or self.lines.first < -MOST_OLDER:
            return
        lines, start = self.lines, self._screen.bounds()[0]

        def came(future: Future[Any]) -> None:
            self._asking_older = False
            if future.exception() is not None or lines is not self.lines:
                return
            page = shapes.read(LogPage, future.result())
            # Lines of the very nanosecond the page before ended at come again.
            fresh = lines.prepend(sorted(page.lines, key=lambda line: line.ns))
            self.full = page.full and fresh > 0

        end = oldest.ns / 1e9
        params = {"query": self.query, "start": min(start, end - 1), "end": end, "limit": PAGE}
        self._asking_older = self._screen.ask_aside("logs", came, direction="backward", **params)

    # Following

    def _follow(self) -> None:
        wire = self._screen.console.bridge.wire
        if not self._key and wire is not None and hasattr(wire, "tail"):
            self._key = wire.tail(self._screen.incident, self.query)
            self.heard(wire.latest)

    def stop(self) -> None:
        """Hear no more; the lines stay."""
        wire = self._screen.console.bridge.wire
        if self._key and wire is not None:
            wire.untail(self._key)
        self._key, self._buffer = "", None
        self.lost, self.backfilled, self.trouble = 0, 0, ""

    def heard(self, view: View) -> bool:
        """A new view came; True when something other than lines changed: what was lost, trouble."""
        tails: Mapping[str, Any] = getattr(view, "tails", {})
        tail = tails.get(self._key) if self._key else None
        if tail is None:
            return False
        if tail.buffer is not self._buffer:
            self._take(tail.buffer)
        words = "" if tail.trouble is None else str(tail.trouble.message)
        now = (tail.lost, tail.backfilled, words)
        changed = now != (self.lost, self.backfilled, self.trouble)
        self.lost, self.backfilled, self.trouble = now
        return changed

    def _take(self, buffer: LogBuffer) -> None:
        """Let a tail go on behind what is there; after a new connection that is what the one before brought."""
        before, self._buffer = self.lines, buffer
        if before.buffer is None:
            before.attach(buffer)
        else:
            self.lines = LogLines(before.slice(before.end - MOST_OLDER, before.end)[1], buffer)
        self._changed(self.lines)

    # Counting

    def ask_counts(self) -> None:
        """Ask how many lines of which level there were over the range."""
        screen = self._screen
        start, end = screen.bounds()
        step = screen.range.step(_COLUMNS)
        self._counted_at = screen.now()
        query, length = self.query, screen.range.span

        def came(future: Future[Any]) -> None:
            if not screen.is_mounted or query != self.query or length != screen.range.span:
                return
            if future.exception() is None and self._take_counts(future.result(), start, end):
                return
            self._no_counts = True
            self._count_lines()

        try:
            asked = counted(query, step)
        except ValueError:
            return
        screen.ask_aside("logs.matrix", came, query=asked, start=start, end=end, step=step)

    def _take_counts(self, said: Any, start: float, end: float) -> bool:
        if not isinstance(said, dict):
            return False
        try:
            full = wire_series.decode(orjson.dumps(said))
        except ValueError:
            return False
        if not isinstance(full, wire_series.Full):
            return False
        self.counts = counts_from(full, start, end)
        self._screen.redraw_counts()
        return True

    def _count_lines(self) -> None:
        """Without a counting server: the lines at hand, as far as they reach."""
        start, end = self._screen.bounds()
        found = self.lines.glances(self.lines.end - _COUNTED, self.lines.end)
        self.counts = counts_of((line for _, line in found), start, end, _COLUMNS)
        self._screen.redraw_counts()

    def tick(self) -> None:
        """Once a second: count anew when it is due."""
        due = COUNTS_EVERY / 3 if self._no_counts else COUNTS_EVERY
        if self.query and self._screen.range.live and self._screen.now() - self._counted_at >= due:
            if self._no_counts:
                self._counted_at = self._screen.now()
                self._count_lines()
            else:
                self.ask_counts()

    def pinned(self, lines: Sequence[LogLine], query: str) -> LogLines:
        """Show lines that need no server; nothing is asked or heard for them."""
        self.stop()
        self.query, self.full = query, False
        self.lines = LogLines(lines)
        if lines:
            first, last = lines[0].ns / 1e9, lines[-1].ns / 1e9
            self.counts = counts_of(lines, first, max(last + 0.001, first + 1), _COLUMNS)
        return self.lines
