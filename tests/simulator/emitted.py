"""What an emitter handed over, and questions about it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from warroom.simulator.emit import Emitter
from warroom.simulator.faults import Fault
from warroom.simulator.load import Load
from warroom.simulator.topology_files import load_topology
from warroom.simulator.world import World
from warroom.telemetry.alerts import Exemplar
from warroom.telemetry.block import Block, SeriesKey
from warroom.telemetry.logs import LogLine
from warroom.telemetry.prometheus_data import MetricInfo
from warroom.telemetry.traces import Span, Trace

START = 1_750_000_000.0


class Kept:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.written: list[LogLine] = []
        self.followed: list[Trace] = []
        self.measured: list[Exemplar] = []
        self.infos: list[MetricInfo] = []

    def append(self, block: Block) -> None:
        self.blocks.append(block)

    def lines(self, lines: Sequence[LogLine]) -> None:
        self.written += lines

    def traces(self, traces: Sequence[Trace]) -> None:
        self.followed += traces

    def exemplars(self, exemplars: Sequence[Exemplar]) -> None:
        self.measured += exemplars

    def metadata(self, infos: Sequence[MetricInfo]) -> None:
        self.infos += infos

    def series(self, name: str, **labels: str) -> dict[SeriesKey, tuple[list[float], list[float]]]:
        """Times and values of each series that fits; where there is no sample there is none."""
        found: dict[SeriesKey, tuple[list[float], list[float]]] = {}
        wanted = {("__name__", name), *labels.items()}
        for block in self.blocks:
            for column, key in enumerate(block.keys):
                if wanted <= set(key):
                    times, values = found.setdefault(key, ([], []))
                    for at, value in zip(block.times.tolist(), block.values[:, column].tolist(), strict=True):
                        if value == value:
                            times.append(at)
                            values.append(value)
        return found

    def gained(self, name: str, since: float, **labels: str) -> float:
        """What counters gained from then on, together; one that begins anew counts from nothing."""
        total = 0.0
        for times, values in self.series(name, **labels).values():
            late = [value for at, value in zip(times, values, strict=True) if at >= since]
            steps = np.diff(late)
            total += float(np.where(steps < 0, late[1:], steps).sum()) if len(late) > 1 else 0.0
        return total

    def last(self, name: str, **labels: str) -> float:
        """The newest values, together."""
        return sum(values[-1] for _, values in self.series(name, **labels).values() if values)

    def most(self, name: str, since: float, **labels: str) -> float:
        """The largest value from then on."""
        return max((value for times, values in self.series(name, **labels).values()
                    for at, value in zip(times, values, strict=True) if at >= since), default=float("nan"))  # fmt: skip

    def samples(self, since: float, **labels: str) -> int:
        """How many samples there are of series with these labels."""
        return sum(
            int(np.isfinite(block.values[block.times >= since][:, column]).sum())
            for block in self.blocks for column, key in enumerate(block.keys) if set(labels.items()) <= set(key)
        )  # fmt: skip

    def said(self, words: str, since: float = 0.0, **labels: str) -> list[LogLine]:
        """Lines with these words."""
        return [one for one in self.written if words in one.text and one.ns >= since * 1e9
                and all(one.value(name) == value for name, value in labels.items())]  # fmt: skip

    def spans(self, **tags: str) -> list[Span]:
        """Spans with these tags; `service` and `kind` are known too."""
        return [span for trace in self.followed for span in trace.spans
                if all({"service": span.service, "kind": span.kind}.get(name, span.tag(name)) == value
                       for name, value in tags.items())]  # fmt: skip

    def digest(self) -> str:
        """The SHA-256 of all that was handed over."""
        found = hashlib.sha256()
        for block in self.blocks:
            found.update(repr(block.keys).encode() + block.times.tobytes() + block.values.tobytes())
        for part in (self.written, self.followed, self.measured, self.infos):
            found.update(repr(part).encode())
        return found.hexdigest()


class Run:
    """A production that lives for a while."""

    def __init__(
        self,
        topology: str = "shop",
        *,
        seed: int = 11,
        warmup: int = 0,
        changes: float = 0.0,
        load: Load | None = None,
        traces: float = 3.0,
        scrape: int = 5,
        logs: bool = True,
    ) -> None:
        self.world = World(
            load_topology(topology), seed, START, load or Load(diurnal=False), warmup=warmup, changes_per_hour=changes
        )
        self.kept = Kept()
        self.emitter = Emitter(self.world, self.kept, traces_per_second=traces, scrape=scrape, logs=logs)

    def live(self, seconds: int) -> Kept:
        """So many seconds, and what was handed over since the beginning."""
        for _ in range(seconds):
            self.world.step()
            self.emitter.after_step()
        self.emitter.flush()
        return self.kept

    def wrong(self, kind: str, target: dict[str, object], **params: object) -> None:
        """Something goes wrong from now on."""
        self.world.begin(Fault(f"F-{kind}", kind, target, params))


@lru_cache(maxsize=4)
def well(topology: str, seconds: int = 300) -> Kept:
    """A production in which nothing is wrong; do not change it."""
    return Run(topology).live(seconds)
