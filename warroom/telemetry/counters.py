"""What the relay counts about itself, and how Prometheus reads it.

Invariant: the number of label values is bounded by this code and the settings, never by what users ask.
Text format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency histogram in seconds."""


@dataclass
class Counters:
    """`queries` by (source, kind, outcome): kind is panel or what was asked, outcome is ok, a failure's reason, or
    paused where the server was not asked at all. `shared` by (source, how) are answers that cost no question: cached
    or joined.
    """

    queries: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    shared: Counter[tuple[str, str]] = field(default_factory=Counter)
    frames: Counter[str] = field(default_factory=Counter)
    frame_bytes: int = 0
    deliveries: int = 0
    broken_subscribers: int = 0
    over_cap: int = 0
    tail_lines: int = 0
    tail_lost: int = 0
    watchers: int = 0
    panels: int = 0
    tails: int = 0
    tail_readers: int = 0
    cache_bytes: int = 0
    open_breakers: dict[str, int] = field(default_factory=dict)
    _latency: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    _seconds: float = 0.0

    def asked(self, source: str, kind: str, outcome: str, seconds: float) -> None:
        """One question to a source ended."""
        self.queries[source, kind, outcome] += 1
        self._latency[bisect_left(BUCKETS, seconds)] += 1
        self._seconds += seconds

    def paused(self, source: str, kind: str) -> None:
        """A question was not put, because its source does not answer at present."""
        self.queries[source, kind, "paused"] += 1

    def sent(self, kind: str, size: int, receivers: int) -> None:
        """One frame of `size` bytes went to so many watchers."""
        self.frames[kind] += 1
        self.deliveries += receivers
        self.frame_bytes += size * receivers

    def exposition(self, prefix: str = "warroom_telemetry") -> str:
        """All of it in Prometheus's text format, with a line break at the end."""
        lines = [f"# TYPE {prefix}_queries_total counter"]
        lines += [
            f'{prefix}_queries_total{{source="{source}",kind="{kind}",outcome="{outcome}"}} {count}'
            for (source, kind, outcome), count in sorted(self.queries.items())
        ]
        lines.append(f"# TYPE {prefix}_shared_answers_total counter")
        lines += [
            f'{prefix}_shared_answers_total{{source="{source}",how="{how}"}} {count}'
            for (source, how), count in sorted(self.shared.items())
        ]
        lines.append(f"# TYPE {prefix}_query_seconds histogram")
        total = 0
        for bound, count in zip((*BUCKETS, "+Inf"), self._latency, strict=True):
            total += count
            lines.append(f'{prefix}_query_seconds_bucket{{le="{bound}"}} {total}')
        lines += [f"{prefix}_query_seconds_sum {self._seconds}", f"{prefix}_query_seconds_count {total}"]
        lines.append(f"# TYPE {prefix}_frames_total counter")
        lines += [f'{prefix}_frames_total{{kind="{kind}"}} {n}' for kind, n in sorted(self.frames.items())]
        for name in ("frame_bytes", "deliveries", "broken_subscribers", "over_cap", "tail_lines", "tail_lost"):
            lines += [f"# TYPE {prefix}_{name}_total counter", f"{prefix}_{name}_total {getattr(self, name)}"]
        for name in ("watchers", "panels", "tails", "tail_readers", "cache_bytes"):
            lines += [f"# TYPE {prefix}_{name} gauge", f"{prefix}_{name} {getattr(self, name)}"]
        lines.append(f"# TYPE {prefix}_breaker_open gauge")
        lines += [f'{prefix}_breaker_open{{source="{name}"}} {on}' for name, on in sorted(self.open_breakers.items())]
        return "\n".join(lines) + "\n"
