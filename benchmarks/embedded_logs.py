"""The embedded Loki: lines a second that are kept, and how long queries over a hundred thousand of them take.

The reference of each is the plainest code that would do for that one question: a list, a comprehension, a loop.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable

from benchmarks.report import Figure
from warroom.embedded.log_store import LogStore
from warroom.embedded.logql import LogQL
from warroom.telemetry.logs import LogLine

COUNT = 100_000
KEPT_GOAL = 200_000
SECOND = 1_000_000_000
T0 = 1_795_247_280
END = T0 + COUNT // 100
"""A hundred lines a second."""

QUANTILE = 'quantile_over_time(0.95, {env="prod"} | logfmt | unwrap duration(took) [1m]) by (service_name)'


def lines() -> list[LogLine]:
    """Lines of twelve services as an exercise emits them: levels and traces beside them."""
    labels = [(("env", "prod"), ("service_name", f"service-{number}")) for number in range(12)]
    made = []
    for number in range(COUNT):
        level = "error" if number % 17 == 0 else "info"
        status = 500 if level == "error" else 200
        text = f'level={level} msg="charge card" order_id={number} took={number % 900}ms status={status}'
        beside = (("detected_level", level), ("trace_id", f"{number:032x}"))
        made.append(LogLine(T0 * SECOND + number * SECOND // 100, text, labels[number % 12], beside))
    return made


def best(work: Callable[[], object], times: int = 5) -> float:
    """Seconds of the quickest of several runs."""
    took = []
    for _ in range(times):
        gc.collect()
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took)


def main() -> list[Figure]:
    """Measure, and say what came out."""
    made = lines()
    figures = [_kept(made)]
    store = LogStore()
    store.append(made)
    logql = LogQL(store)
    start, end = T0 * SECOND, END * SECOND
    texts = [line.text for line in made]

    def listed(query: str) -> Callable[[], object]:
        return lambda: logql.query_range(query, start, end)

    def counted(query: str) -> Callable[[], object]:
        return lambda: logql.matrix(query, T0, END, 15)

    def sieved() -> None:
        [one for one in texts if "nowhere" in one]

    def minutes() -> None:
        Counter((line.labels, line.ns // (60 * SECOND)) for line in made if "error" in line.text)

    queries = (
        ("a word that no line has", listed('{env="prod"} |= "nowhere"'), sieved),
        ("a regular expression that no line has", listed('{env="prod"} |~ "no.*where"'), None),
        ("a field of logfmt, compared", listed('{env="prod"} | logfmt | took > 2s'), None),
        ("the newest thousand lines", listed('{env="prod"}'), None),
        ("errors a second by service, 67 steps",
         counted('sum by (service_name) (rate({env="prod"} |= "error" [1m]))'), minutes),
        ("a quantile of an unwrapped field by service, 67 steps",
         counted(QUANTILE), None),
    )  # fmt: skip
    for name, query, plainest in queries:
        took = best(query)
        beside = f"{best(plainest) * 1000:,.1f} ms, in the plainest code" if plainest is not None else ""
        name = f"{name}, of {COUNT:,} lines"
        figures.append(Figure(name, f"{took * 1000:,.1f} ms", beside, "under 1 s", took < 1.0))
    for figure in figures:
        print(f"  {figure.name}: {figure.value} ({figure.reference})", flush=True)
    return figures


def _kept(made: list[LogLine]) -> Figure:
    def keep() -> None:
        LogStore().append(made)

    rate = COUNT / best(keep)
    plain = COUNT / best(lambda: [*made].sort(key=lambda line: line.ns))
    return Figure(
        "lines kept a second, in bulk", f"{rate:,.0f}", f"{plain:,.0f}, copied and sorted", f"{KEPT_GOAL:,}",
        rate >= KEPT_GOAL,
    )  # fmt: skip
