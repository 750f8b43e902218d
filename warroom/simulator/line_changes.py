"""Lines of what changed: the record of changes, the platform's events, and what services say when they are changed.

Told once, when it happens. Invariant: no line says which fault a change belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from warroom.simulator.axes import Axes, Floats
from warroom.simulator.dice import Dice
from warroom.simulator.line_desk import LineDesk
from warroom.simulator.line_forms import logfmt
from warroom.simulator.line_states import SECOND
from warroom.simulator.line_still import Still
from warroom.simulator.tick import Tick

if TYPE_CHECKING:
    from warroom.simulator.changes import Change

CHANGES = "changes"
PLATFORM = "kubernetes"
_MOST = 3


class ChangeLines:
    """Looks at what is otherwise than a second ago."""

    def __init__(self, axes: Axes, dice: Dice, desk: LineDesk) -> None:
        self._axes, self._dice, self._desk = axes, dice, desk
        self._names = tuple(one.name for one in axes.topology.services)
        self._before: Tick | None = None
        # All that lines of changes follow from.
        self._still = Still("restarts", "oom_kills", "wanted", "breaker", "primary")

    def changed(self, changes: Sequence[Change], ns: int) -> None:
        """These were made in the second from `ns` on."""
        for at, one in enumerate(changes):
            fields = {"change": one.id, "kind": one.kind, "service": one.service}
            if one.version:
                fields["version"] = one.version
            fields["by"] = one.by or "pipeline"
            self._desk.tell(CHANGES, ns + 1_000_000 * at, "info", logfmt("info", one.text, fields))
            place = self._axes.topology.service_index.get(one.service)
            if place is not None and one.kind in ("config", "flag"):
                _, regions = self._axes.runs(one.service)
                for region in regions:
                    words = {"change": one.id, "key": one.kind}
                    self._desk.add(place, region, ns + 2_000_000, "info", "config loaded", words)

    def live(self, tick: Tick, versions: Sequence[Sequence[str]], ns: int) -> None:
        """A second passes, from `ns` (nanoseconds) on."""
        before, self._before = self._before, tick
        if self._still.since(tick.moment) or before is None:
            return
        self._restarted(before, tick, versions, ns)
        self._scaled(before.desired, tick.desired, ns)
        self._breakers(before, tick, ns)
        if not np.array_equal(before.primary, tick.primary):
            self._primaries(before, tick, ns)

    def _restarted(self, before: Tick, tick: Tick, versions: Sequence[Sequence[str]], ns: int) -> None:
        more = np.floor(tick.restarts) - np.floor(before.restarts)
        killed = np.floor(tick.oom_kills) - np.floor(before.oom_kills)
        if not (more > 0).any() and not (killed > 0).any():
            return
        for service, region in self._axes.pairs:
            for _ in range(min(_MOST, int(killed[service, region]))):
                self._platform(ns, "warn", "OOMKilled", service, region, {"reason": "memory limit reached"})
            for _ in range(min(_MOST, int(more[service, region]))):
                self._platform(
                    ns, "warn", "BackOff restarting", service, region, {"restarts": int(tick.restarts[service, region])}
                )
                at = ns + int(self._dice.share() * SECOND)
                words = {"version": versions[service][0], "pid": self._dice.between(2, 40)}
                if not killed[service, region]:
                    self._desk.add(
                        service,
                        region,
                        at - 1,
                        "fatal",
                        "panic",
                        {"error": "unrecoverable error, exiting", "exit_code": 2},
                    )
                self._desk.add(service, region, at, "info", "process started", words)

    def _scaled(self, before: Floats, now: Floats, ns: int) -> None:
        was, wants = np.rint(before), np.rint(now)
        if np.array_equal(was, wants):
            return
        for service, region in self._axes.pairs:
            if was[service, region] != wants[service, region]:
                words: dict[str, object] = {"from": int(was[service, region]), "replicas": int(wants[service, region])}
                self._platform(ns, "info", "Scaled", service, region, words)

    def _breakers(self, before: Tick, tick: Tick, ns: int) -> None:
        opened, closed = (tick.breaker >= 2) & (before.breaker < 2), (tick.breaker < 1) & (before.breaker >= 1)
        if not opened.any() and not closed.any():
            return
        where = self._axes.topology.service_index
        for edge, region in np.argwhere(opened | closed).tolist():
            one = self._axes.topology.edges[edge]
            said = ("warn", "circuit breaker opened") if opened[edge, region] else ("info", "circuit breaker closed")
            self._desk.add(
                where[one.source], region, ns + int(self._dice.share() * SECOND), *said, {"peer": one.target}
            )

    def _primaries(self, before: Tick, tick: Tick, ns: int) -> None:
        for service, region in self._axes.pairs:
            now = int(tick.primary[service])
            if now != int(before.primary[service]) and now >= 0:
                words = {"primary": self._axes.regions[now]}
                self._desk.add(service, region, ns + 5_000_000, "info", "topology change", words)
                if region != now:
                    self._desk.add(service, region, ns + 400_000_000, "error", "write refused", words)

    def _platform(self, ns: int, level: str, msg: str, service: int, region: int, fields: dict[str, object]) -> None:
        where = {"service": self._names[service], "region": self._axes.regions[region]}
        at = ns + int(self._dice.share() * SECOND)
        self._desk.tell(PLATFORM, at, level, logfmt(level, msg, {**where, **fields}), self._axes.regions[region])
