"""Where the metrics pane gets its series: live ones are watched as panels, everything else is asked once.

A live query is a panel like those of the board: the server asks for it once for everybody, and sends what is new.
Invariant: what is watched is exactly what is shown live; nothing stays watched after the pane is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from warroom.client.view import PanelView
from warroom.telemetry.series import Full
from warroom.tui.bridge import Bridge
from warroom.tui.explore.range import TimeRange

COLUMNS = 240
"""Points of a series: the same on every console, so that all of them ask for the same."""
LONGEST_WATCH = 7 * 86_400
LARGEST_STEP = 3600


def grid_of(range_: TimeRange, now: float) -> tuple[float, float, float]:
    """Start, end and step of a question: on multiples of the step, so that equal ranges are equal questions."""
    step = range_.step(COLUMNS)
    start, end = range_.bounds(now)
    return start // step * step, end // step * step, step


_BOARD_UNITS = frozenset({"none", "ratio", "seconds", "per_second", "bytes", "cores", "bool", "count"})


def board_panel(query: str, unit: str, source: str, range_: TimeRange) -> dict[str, object]:
    """The panel of the room's board that shows this query."""
    return {
        "title": query[:90],
        "query": query,
        "source": source,
        "unit": unit if unit in _BOARD_UNITS else "none",
        "window": int(min(max(range_.span, 60), LONGEST_WATCH)),
        "step": max(1, int(range_.step(COLUMNS))),
    }


class Feed:
    """The panels watched for one pane, by query."""

    def __init__(self, bridge: Bridge, incident: str) -> None:
        self._bridge = bridge
        self._incident = incident
        self._keys: dict[tuple[str, str, int, int], str] = {}

    def follow(self, queries: list[str], source: str, range_: TimeRange) -> bool:
        """Watch these live, and nothing else; False when the range is too long to be watched."""
        step, window = int(range_.step(COLUMNS)), int(range_.span)
        if window > LONGEST_WATCH or step > LARGEST_STEP or window < 60:
            self.stop()
            return False
        wanted = {(query, source, max(1, step), window) for query in queries}
        wire = self._bridge.wire
        for gone in set(self._keys) - wanted:
            if wire is not None:
                wire.unwatch(self._keys[gone])
            del self._keys[gone]
        if wire is not None:
            for query, of, every, span in wanted - set(self._keys):
                panel = {"title": query[:100], "query": query, "source": of, "window": span, "step": every}
                self._keys[query, of, every, span] = wire.watch(self._incident, panel)
        return True

    def stop(self) -> None:
        """Watch nothing any more."""
        if self._bridge.wire is not None:
            for key in self._keys.values():
                self._bridge.wire.unwatch(key)
        self._keys.clear()

    def views(self, panels: Mapping[str, PanelView]) -> dict[str, PanelView]:
        """What is known of each watched query."""
        return {about[0]: panels[key] for about, key in self._keys.items() if key in panels}


def shifted(full: Full, seconds: float) -> Full:
    """The same samples so much later, to lie over newer ones."""
    start = full.start + seconds
    return replace(full, start=start, series=tuple(replace(one, start=start) for one in full.series))
