"""All that is written in a second, from whoever writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from warroom.simulator.axes import Axes
from warroom.simulator.blurs import log_delays
from warroom.simulator.dice import Dice
from warroom.simulator.line_changes import ChangeLines
from warroom.simulator.line_desk import LineDesk
from warroom.simulator.line_models import PlaneLines
from warroom.simulator.line_requests import RequestLines
from warroom.simulator.line_states import SECOND, StateLines
from warroom.simulator.line_troubles import TroubleLines
from warroom.simulator.notes import Notes
from warroom.simulator.spans import Told
from warroom.simulator.tick import Tick
from warroom.telemetry.logs import LogLine

if TYPE_CHECKING:
    from warroom.simulator.changes import Change
    from warroom.simulator.world import ActiveFault


class Writing:
    """Asks every kind of line in turn, and gives out what is due."""

    def __init__(self, axes: Axes, dice: Dice, random: np.random.Generator, notes: Notes) -> None:
        self._axes, self._notes = axes, notes
        self._desk = LineDesk(axes, dice)
        self._requests = RequestLines(axes, dice, self._desk)
        self._troubles = TroubleLines(axes, dice, random, self._desk, self._requests)
        self._states = StateLines(axes, dice, self._desk)
        self._planes = PlaneLines(axes, dice, self._desk)
        self._changes = ChangeLines(axes, dice, self._desk)
        self._names = tuple(one.name for one in axes.topology.services)
        self._told = 0

    def live(
        self, tick: Tick, versions: Sequence[Sequence[str]], faults: Sequence[ActiveFault], started: Sequence[Told],
        changes: Sequence[Change], *, traced: bool,
    ) -> list[LogLine]:  # fmt: skip
        """A second passes. Returns its lines in order of time, save those that come late."""
        ns = round(tick.now) * SECOND
        self._desk.delays = log_delays(faults, self._names)
        for part in started:
            self._requests.write(part)
        self._troubles.live(tick, ns, traced=traced)
        self._states.live(tick, ns)
        self._planes.live(tick, ns)
        self._changes.live(tick, versions, ns)
        fresh = changes[self._told :]
        self._told = len(changes)
        self._changes.changed(fresh, ns)
        for one in fresh:
            if one.fault:
                self._notes.add("change", one.id, one.fault, tick.second)
        lines = self._desk.take(ns + SECOND)
        blamed = self._notes.blamed
        if blamed:
            for line in lines:
                fault = blamed.get(line.labels[2][1])
                if fault is not None and line.level in ("warn", "error", "fatal"):
                    self._notes.add("log", f"{line.labels[2][1]}@{line.ns}", fault, tick.second)
        return lines
