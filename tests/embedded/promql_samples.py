"""Samples that the corpus of queries is about: counters with resets, gaps, staleness, histograms, odd floats.

The same in every run. `SERIES` maps a label set to (times, values); a marker is `STALE`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from warroom.embedded.series_store import STALE, SeriesStore
from warroom.telemetry.block import SeriesKey

START = 1_700_000_400.0
LASTS = 7200.0
END = START + LASTS
MIDDLE = START + 3661.5
BOUNDS = ("0.005", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "+Inf")

Samples = tuple[list[float], list[float]]


def key(name: str, **labels: str) -> SeriesKey:
    """A series' labels, sorted."""
    return tuple(sorted({"__name__": name, **labels}.items()))


def every(seconds: float, shift: float = 0.0, start: float = 0.0, end: float = LASTS) -> list[float]:
    """Times of a regular scrape, in whole milliseconds."""
    count = int((end - start - shift) / seconds) + 1
    return [round(START + start + shift + seconds * number, 3) for number in range(count)]


def _counter(draw: np.random.Generator, times: list[float], pace: float, resets: int = 0) -> list[float]:
    steps = draw.poisson(pace * 15, len(times)).astype(float)
    values = np.cumsum(steps)
    for at in sorted(draw.integers(10, len(times), resets).tolist()):
        values[at:] -= values[at] - steps[at] / 2
    return [float(value) for value in np.round(values, 3)]


def _requests(draw: np.random.Generator) -> Iterator[tuple[SeriesKey, Samples]]:
    for number, (job, instance) in enumerate([(j, i) for j in ("api", "cart", "pay") for i in ("a:1", "b:2")]):
        times = every(15, shift=0.137 * number)
        for code, pace in (("200", 20.0), ("404", 1.5), ("500", 0.2)):
            labels = {"job": job, "instance": instance, "code": code}
            yield key("http_requests_total", **labels), (times, _counter(draw, times, pace, resets=number % 3))
        yield key("up", job=job, instance=instance), (times, [float(draw.random() > 0.1) for _ in times])
        yield key("memory_bytes", job=job, instance=instance), (
            times, [float(value) for value in np.round(5e8 + np.cumsum(draw.normal(0, 1e6, len(times))))])  # fmt: skip
    yield key("memory_limit_bytes", job="api"), (every(30), [6e8] * len(every(30)))
    yield key("memory_limit_bytes", job="cart"), (every(30), [5e8] * len(every(30)))


def _histograms(draw: np.random.Generator) -> Iterator[tuple[SeriesKey, Samples]]:
    times = every(15, shift=0.5)
    for job in ("api", "cart", "pay"):
        total = np.zeros(len(times))
        for bound, share in zip(BOUNDS, (0.02, 0.3, 0.25, 0.2, 0.1, 0.08, 0.03, 0.02), strict=True):
            total = total + np.cumsum(draw.poisson(share * 100, len(times)))
            values = [float(value) for value in total]
            yield key("latency_seconds_bucket", job=job, le=bound), (times, values)
        yield key("latency_seconds_count", job=job), (times, values)
        yield key("latency_seconds_sum", job=job), (times, [round(value * 0.21, 4) for value in values])
    # Buckets that cannot be: falling counts, no +Inf, bounds below zero, a bound that is none.
    for name, bounds, counts in (
        ("falling_bucket", ("1.0", "2.0", "3.0", "+Inf"), (10.0, 8.0, 12.0, 12.0)),
        ("endless_bucket", ("1.0", "2.0"), (10.0, 18.0)),
        ("below_bucket", ("-2.0", "-1.0", "1.0", "+Inf"), (3.0, 5.0, 9.0, 10.0)),
        ("lone_bucket", ("+Inf",), (4.0,)),
        ("empty_bucket", ("1.0", "+Inf"), (0.0, 0.0)),
        ("nearly_bucket", ("1.0", "2.0", "+Inf"), (10.0, 10.0 - 1e-13, 12.0)),
        ("odd_bucket", ("1.0", "two", "+Inf"), (1.0, 2.0, 3.0)),
    ):
        for bound, count in zip(bounds, counts, strict=True):
            yield key(name, le=bound), (every(60), [count] * len(every(60)))
    # A bucket that came later than the others.
    late = every(60, start=3600)
    yield key("late_bucket", le="1.0"), (every(60), [float(n) for n in range(len(every(60)))])
    yield key("late_bucket", le="2.0"), (late, [float(60 + 2 * n) for n in range(len(late))])
    yield key("late_bucket", le="+Inf"), (every(60), [float(4 * n) for n in range(len(every(60)))])


def _gauges(draw: np.random.Generator) -> Iterator[tuple[SeriesKey, Samples]]:
    times = every(10, shift=0.25)
    for number, zone in enumerate(("eu", "us", "asia")):
        wave = [round(50 * float(np.sin(at / (300 + 77 * number))) + number * 10, 4) for at in times]
        yield key("queue_depth", zone=zone), (times, wave)
        yield key("queue_limit", zone=zone, tier="gold" if number else "base"), (times, [40.0] * len(times))
    yield key("temperature", room="x"), (every(240), [20 + float(n % 7) for n in range(len(every(240)))])
    yield key("rare", room="x"), (every(420), [float(n) for n in range(len(every(420)))])
    yield key("once", room="x"), ([START + 3600.0], [42.0])
    yield key("steady", room="x"), (every(15), [7.5] * len(every(15)))
    yield key("steady", room="y"), (every(15), [-7.5] * len(every(15)))
    yield key("stairs", room="x"), (every(15), [float(n // 20) for n in range(len(every(15)))])
    yield key("mixed", room="x"), (every(15), [float(v) for v in draw.choice([1e17, 1.0, -1e17, 3.0], len(every(15)))])
    yield key("ratio", room="x"), (every(15), [float(v) for v in np.round(draw.random(len(every(15))), 6)])
    for label, start in (("release", 0.0), ("canary", 1800.0)):
        yield (
            key("weight", kind=label),
            (every(15, start=start), [0.9 if start == 0 else 0.1] * len(every(15, start=start))),
        )


def _odd(draw: np.random.Generator) -> Iterator[tuple[SeriesKey, Samples]]:
    times = every(30)
    for kind, value in (
        ("nan", float("nan")), ("inf", float("inf")), ("-inf", float("-inf")), ("zero", 0.0), ("minus zero", -0.0),
        ("tiny", 1e-300), ("huge", 1.7e308), ("plain", 3.25), ("minus", -3.25), ("third", 1 / 3),
    ):  # fmt: skip
        yield key("special", kind=kind), (times, [value] * len(times))
    yield key("nans", kind="some"), (times, [float("nan") if n % 5 == 2 else float(n % 11) for n in range(len(times))])
    yield key("infs", kind="some"), (times, [float("inf") if n % 9 == 4 else float(n % 11) for n in range(len(times))])
    # A gap, and an end with a marker after which it comes again.
    holed = [at for at in every(15) if not START + 2400 < at < START + 3300]
    yield key("holed_total", kind="gap"), (holed, [float(n) for n in range(len(holed))])
    marked = [STALE if n == 150 else float(3 * n % 40) for n in range(len(every(15)))]
    marked[151:200] = [STALE] * 49
    kept = [n for n in range(len(marked)) if not 150 < n < 200]
    yield key("marked", kind="again"), ([every(15)[n] for n in kept], [marked[n] for n in kept])
    ended = every(15, end=3600)
    yield key("ended_total", kind="over"), ([*ended, START + 3615], [*(float(n * 2) for n in range(len(ended))), STALE])
    for version, first, last in (("1.4.0", 0.0, 3000.0), ("1.5.0", 3000.0, 7200.0)):
        alive = every(15, start=first, end=last - 15)
        ends = [round(START + last, 3)] if last < LASTS else []
        yield key("build_info", job="api", version=version), (alive + ends, [1.0] * len(alive) + [STALE] * len(ends))
    paths = ('/a"b', "/new\nline", "/back\\slash", "/grüße", "")
    for number, path in enumerate(paths):
        yield key("odd_labels", path=path or "none", n=str(number)), (times, [float(number)] * len(times))
    yield key("odd_labels", n="9"), (times, [9.0] * len(times))
    yield key("same_a", job="x"), (times, [1.0] * len(times))
    yield key("same_b", job="x"), (times, [2.0] * len(times))
    yield key("epochs", kind="leap"), (times, [951_782_400.0 + 40_000 * n for n in range(len(times))])
    yield key("epochs", kind="old"), (times, [-86_400.0 * 33 * n - 1.5 for n in range(len(times))])
    yield (
        key("noisy_total", job="x"),
        (times, [float(v) for v in np.round(np.abs(draw.normal(100, 60, len(times))), 2)]),
    )
    big = np.cumsum(draw.integers(1, 9, len(times))) + 2.0**52
    big[120:] -= big[120] - 3
    yield key("big_total", job="x"), (times, [float(v) for v in big])


def _all() -> dict[SeriesKey, Samples]:
    draw = np.random.Generator(np.random.PCG64(7))
    parts: tuple[Callable[[np.random.Generator], Iterator[tuple[SeriesKey, Samples]]], ...] = (
        _requests, _histograms, _gauges, _odd,
    )  # fmt: skip
    return {labels: samples for part in parts for labels, samples in part(draw)}


SERIES = _all()


def filled_store() -> SeriesStore:
    """A store with all of them."""
    store = SeriesStore(retention=0)
    for labels, (times, values) in SERIES.items():
        store.append_samples(labels, times, values)
    return store
