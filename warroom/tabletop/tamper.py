"""Telemetry that the facilitator overrides by hand on its way to the players: a figure held, or a series gone.

Invariant: without an override everything is handed on untouched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from warroom.tabletop.asked import matches
from warroom.telemetry.alerts import Exemplar, Matcher
from warroom.telemetry.block import Block, SeriesKey, Sink
from warroom.telemetry.logs import LogLine
from warroom.telemetry.prometheus_data import MetricInfo
from warroom.telemetry.traces import Trace


class Tampering:
    """A sink before the sink. `overrides` are matchers and the value that every fitting series has, None for gone."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.overrides: dict[str, tuple[tuple[Matcher, ...], float | None]] = {}

    def append(self, block: Block) -> None:
        """Hand a block on, with what is overridden in it."""
        for wanted, value in self.overrides.values():
            columns = [place for place, key in enumerate(block.keys) if _fits(wanted, key)]
            if columns:
                values = block.values.copy()
                values[:, columns] = np.nan if value is None else value
                block = Block(block.keys, block.times, values)
        self._sink.append(block)

    def lines(self, lines: Sequence[LogLine]) -> None:
        """Hand log lines on."""
        self._sink.lines(lines)

    def traces(self, traces: Sequence[Trace]) -> None:
        """Hand traces on."""
        self._sink.traces(traces)

    def exemplars(self, exemplars: Sequence[Exemplar]) -> None:
        """Hand exemplars on."""
        self._sink.exemplars(exemplars)

    def metadata(self, infos: Sequence[MetricInfo]) -> None:
        """Hand on what metrics say of themselves."""
        self._sink.metadata(infos)


def _fits(wanted: Sequence[Matcher], key: SeriesKey) -> bool:
    labels = dict(key)
    return all(matches(one, labels.get(one.name, "")) for one in wanted)
