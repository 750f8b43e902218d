"""What the relay counts about itself, and how Prometheus reads it.

Invariant: the number of label values is bounded by this code, never by what users ask.
Text format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency histogram in seconds."""


@dataclass
class Counters:
    """`queries` by (kind, outcome): kind is panel or explore, outcome is ok or a failure's reason."""

    queries: Counter[tuple[str, str]] = field(default_factory=Counter)
    frames: Counter[str] = field(default_factory=Counter)
    frame_bytes: int = 0
    deliveries: int = 0
    broken_subscribers: int = 0
    watchers: int = 0
    panels: int = 0
    _latency: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    _seconds: float = 0.0

    def asked(self, kind: str, outcome: str, seconds: float) -> None:
        """One question to a source ended."""
        self.queries[kind, outcome] += 1
        self._latency[bisect_left(BUCKETS, seconds)] += 1
        self._seconds += seconds

    def sent(self, kind: str, size: int, receivers: int) -> None:
        """One frame of `size` bytes went to so many watchers."""
        self.frames[kind] += 1
        self.deliveries += receivers
        self.frame_bytes += size * receivers

    def exposition(self, prefix: str = "warroom_telemetry") -> str:
        """All of it in Prometheus's text format, with a line break at the end."""
        lines = [f"# TYPE {prefix}_queries_total counter"]
        lines += [
            f'{prefix}_queries_total{{kind="{kind}",outcome="{outcome}"}} {count}'
            for (kind, outcome), count in sorted(self.queries.items())
        ]
        lines.append(f"# TYPE {prefix}_query_seconds histogram")
        total = 0
        for bound, count in zip((*BUCKETS, "+Inf"), self._latency, strict=True):
            total += count
            lines.append(f'{prefix}_query_seconds_bucket{{le="{bound}"}} {total}')
        lines += [f"{prefix}_query_seconds_sum {self._seconds}", f"{prefix}_query_seconds_count {total}"]
        lines.append(f"# TYPE {prefix}_frames_total counter")
        lines += [f'{prefix}_frames_total{{kind="{kind}"}} {n}' for kind, n in sorted(self.frames.items())]
        for name, value in (
            ("frame_bytes_total", self.frame_bytes),
            ("deliveries_total", self.deliveries),
            ("broken_subscribers_total", self.broken_subscribers),
        ):
            lines += [f"# TYPE {prefix}_{name} counter", f"{prefix}_{name} {value}"]
        for name, value in (("watchers", self.watchers), ("panels", self.panels)):
            lines += [f"# TYPE {prefix}_{name} gauge", f"{prefix}_{name} {value}"]
        return "\n".join(lines) + "\n"
