"""Where all lines go before they are handed over: in order of time, each to its stream, late ones held back.

Invariant: what is taken never goes back in time within a stream.
"""

from __future__ import annotations

from functools import lru_cache
from heapq import heappop, heappush
from operator import attrgetter
from typing import Final

from warroom.simulator.axes import Axes
from warroom.simulator.dice import Dice
from warroom.simulator.line_forms import Fields, style_of, text_of
from warroom.telemetry.logs import LEVELS, LogLine, Pairs

LEVEL = "detected_level"
EVERYWHERE = "global"
"""The region of lines that belong to none."""
_PRESSED = 64
"""Lines of one second and service at most."""
_BESIDE: Final[dict[str, Pairs]] = {level: ((LEVEL, level),) for level in LEVELS}
"""By level, what stands beside every line of it."""
_when = attrgetter("ns")


class LineDesk:
    """Takes lines as they are thought of; gives them out when their time has come."""

    def __init__(self, axes: Axes, dice: Dice) -> None:
        self._axes, self._dice = axes, dice
        self._styles = tuple(style_of(one) for one in axes.topology.services)
        self._external = tuple(one.kind == "external" for one in axes.topology.services)
        self._streams = tuple(
            tuple(stream(axes.topology.name, region, one.name) for region in axes.regions)
            for one in axes.topology.services
        )
        self._fresh: list[LogLine] = []
        self._waiting: list[tuple[int, int, LogLine]] = []
        """Lines of seconds to come: when, in which order they were thought of, and what."""
        self._number = 0
        self._written: dict[int, int] = {}
        self.delays: dict[str, float] = {}
        """By service, the seconds by which its lines come late."""
        self._held: dict[str, list[tuple[int, LogLine]]] = {}

    def add(
        self, service: int, region: int, ns: int, level: str, msg: str, fields: Fields, metadata: Pairs = ()
    ) -> bool:
        """A line of a service. Returns whether it was written: a service in trouble does not write without end."""
        text = text_of(self._styles[service], level, msg, fields)
        return self.put(service, region, ns, level, text, metadata)

    def put(self, service: int, region: int, ns: int, level: str, text: str, metadata: Pairs = ()) -> bool:
        """As `add`, of a line whose words are made."""
        written = self._written.get(service, 0)
        if self._external[service] or written >= _PRESSED:
            return False
        self._written[service] = written + 1
        # Sorted by name, as what stands beside a line has to be: no other name comes before the level's.
        self._fresh.append(LogLine(ns, text, self._streams[service][region], _BESIDE[level] + metadata))
        return True

    def style(self, service: int) -> str:
        """How that service writes."""
        return self._styles[service]

    def tell(self, name: str, ns: int, level: str, text: str, region: str = EVERYWHERE) -> None:
        """A line of something that is no service: the platform, the record of changes."""
        labels = stream(self._axes.topology.name, region, name)
        self._fresh.append(LogLine(ns, text, labels, _BESIDE[level]))

    def take(self, until: int) -> list[LogLine]:
        """All lines up to that moment (nanoseconds) that are not held back, in order of time."""
        found: list[LogLine] = []
        waiting = self._waiting
        while waiting and waiting[0][0] < until:
            found.append(heappop(waiting)[2])
        for line in self._fresh:
            if line.ns < until:
                found.append(line)
            else:
                self._number += 1
                heappush(waiting, (line.ns, self._number, line))
        self._fresh.clear()
        self._written.clear()
        # Those that waited were thought of first, and come first at the same moment.
        found.sort(key=_when)
        return self._in_time(found, until) if self.delays or self._held else found

    def _in_time(self, lines: list[LogLine], until: int) -> list[LogLine]:
        """Without those that come late, and with those that came late."""
        found: list[LogLine] = []
        for line in lines:
            service = line.labels[2][1]
            if service in self.delays or service in self._held:
                late = until + int(self.delays.get(service, 0.0) * 1e9)
                self._held.setdefault(service, []).append((late, line))
            else:
                found.append(line)
        return found + self._released(until)

    def _released(self, until: int) -> list[LogLine]:
        found: list[LogLine] = []
        for service, lines in list(self._held.items()):
            count = len(lines) if service not in self.delays else sum(due <= until for due, _ in lines)
            found += [line for _, line in lines[:count]]
            del lines[:count]
            if not lines:
                del self._held[service]
        return found


@lru_cache(1024)
def stream(namespace: str, region: str, service: str) -> Pairs:
    """The labels of a stream."""
    return (("namespace", namespace), ("region", region), ("service_name", service))
