"""Counts of what the server does, in Prometheus's text format.

Invariant: label values come from closed sets in the code, never from a client, so the number of series is bounded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping

BOUNDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048)
"""Upper bounds of the latency buckets, in seconds."""


class Counter:
    """Values by labels, that only grow (a gauge may be `set`)."""

    def __init__(self, name: str, words: str, labels: tuple[str, ...] = (), kind: str = "counter") -> None:
        self.name = name
        self.words = words
        self.kind = kind
        self._labels = labels
        self._values: dict[tuple[str, ...], float] = {} if labels else {(): 0.0}

    def add(self, *labels: str, amount: float = 1) -> None:
        self._values[labels] = self._values.get(labels, 0) + amount

    def set(self, *labels: str, to: float) -> None:
        self._values[labels] = to

    def value(self, *labels: str) -> float:
        return self._values.get(labels, 0)

    def total(self) -> float:
        return sum(self._values.values())

    def lines(self) -> Iterable[str]:
        yield f"# HELP {self.name} {self.words}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in sorted(self._values.items()):
            yield f"{self.name}{_braces(dict(zip(self._labels, labels, strict=True)))} {value:.12g}"


class Histogram:
    """How long something took."""

    def __init__(self, name: str, words: str) -> None:
        self.name = name
        self.words = words
        self._counts = [0] * (len(BOUNDS) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._sum += seconds

    @property
    def count(self) -> int:
        return sum(self._counts)

    @property
    def mean(self) -> float:
        """Seconds; 0 before the first."""
        return self._sum / self.count if self.count else 0.0

    def lines(self) -> Iterable[str]:
        yield f"# HELP {self.name} {self.words}"
        yield f"# TYPE {self.name} histogram"
        so_far = 0
        for bound, count in zip(BOUNDS, self._counts, strict=False):
            so_far += count
            yield f'{self.name}_bucket{{le="{bound:g}"}} {so_far}'
        yield f'{self.name}_bucket{{le="+Inf"}} {self.count}'
        yield f"{self.name}_sum {self._sum:.9g}"
        yield f"{self.name}_count {self.count}"


class Metrics:
    """All of the server's own metrics."""

    def __init__(self) -> None:
        self.connections = Counter("warroom_connections", "Open sessions by kind of client.", ("kind",), "gauge")
        self.opened = Counter("warroom_connections_opened_total", "Sessions that were welcomed.")
        self.closed = Counter("warroom_connections_closed_total", "Connections by close code.", ("code",))
        self.rooms = Counter("warroom_rooms", "Incidents held in memory.", (), "gauge")
        self.incidents = Counter("warroom_incidents", "Incidents in the log.", (), "gauge")
        self.commands = Counter("warroom_commands_total", "Commands by what came of them.", ("outcome",))
        self.records = Counter("warroom_records_total", "Records appended to logs.")
        self.refused = Counter("warroom_refusals_total", "Connections and frames refused, by reason.", ("reason",))
        self.evicted = Counter("warroom_evictions_total", "Readers cut off because they fell behind.", ("reason",))
        self.snapshots = Counter("warroom_snapshots_total", "Snapshots sent, by reason.", ("reason",))
        self.received = Counter("warroom_received_bytes_total", "Bytes of frames read.")
        self.sent = Counter("warroom_sent_bytes_total", "Bytes of frames written.")
        self.writable = Counter("warroom_store_writable", "1 while the log takes records.", (), "gauge")
        self.commit = Histogram("warroom_commit_seconds", "From a decided batch to its being on stable storage.")
        self.fanout = Histogram("warroom_fanout_seconds", "From stable storage to the last follower's socket.")
        self.writable.set(to=1)

    def exposition(self, more: str = "") -> str:
        """The text; `more` is appended as it is."""
        lines: list[str] = []
        for metric in vars(self).values():
            lines += metric.lines()
        return "\n".join(lines) + "\n" + more


def _braces(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}" if labels else ""
