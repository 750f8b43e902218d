"""Telemetry on its way into a store of this process: samples in blocks, and who takes them.

Invariant: a `SeriesKey` is one object for the life of a series, so that a receiver may know a block's columns again by
identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from warroom.telemetry.alerts import Exemplar
from warroom.telemetry.logs import LogLine
from warroom.telemetry.prometheus_data import MetricInfo
from warroom.telemetry.traces import Trace

SeriesKey: TypeAlias = tuple[tuple[str, str], ...]
"""All labels of a series, `__name__` among them, sorted by name."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Samples of several series at the same times: `values` is (times, series), NaN where a series has none.

    `times` are seconds since the epoch, strictly increasing.
    """

    keys: tuple[SeriesKey, ...]
    times: NDArray[np.float64]
    values: NDArray[np.float64]


class Sink(Protocol):
    """Where telemetry goes. Nothing is handed over twice, and times never go back within a series or stream."""

    def append(self, block: Block) -> None: ...
    def lines(self, lines: Sequence[LogLine]) -> None: ...
    def traces(self, traces: Sequence[Trace]) -> None: ...
    def exemplars(self, exemplars: Sequence[Exemplar]) -> None: ...
    def metadata(self, infos: Sequence[MetricInfo]) -> None: ...
