"""Metrics as OTLP pushes them, into the series store: names and labels as Prometheus translates them.

Follows https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/ as Prometheus 3.14 does it
(underscores, suffixes of units and totals). Delta temporality and exponential histograms are refused in words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from warroom.embedded.otlp import OtlpError, attributes, inside, items, pushed, text, whole
from warroom.embedded.otlp_messages import METRICS
from warroom.embedded.remote_write import PLAIN, Pushed, PushRefused, keep
from warroom.embedded.series_store import STALE, SeriesStore
from warroom.telemetry.alerts import Exemplar
from warroom.telemetry.block import SeriesKey
from warroom.telemetry.prometheus_data import MetricInfo

_UNITS = {
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds",
    "ns": "nanoseconds", "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes",
    "TiBy": "tibibytes", "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes", "m": "meters",
    "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams", "Cel": "celsius", "Hz": "hertz", "1": "",
    "%": "percent",
}  # fmt: skip
_PER = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}
_CUMULATIVE = (2, "AGGREGATION_TEMPORALITY_CUMULATIVE")
_NO_VALUE = 1
"""Flag of a point that says: this series has ended."""


def otlp_routes(store: SeriesStore, path: str = "/api/v1/otlp/v1/metrics") -> list[Route]:
    """The route of OTLP metrics, to be put beside Prometheus's API."""

    async def take(request: Request) -> Response:
        try:
            series, infos = series_of(await pushed(request, METRICS))
            keep(store, series, infos)
        except (OtlpError, PushRefused) as wrong:
            # As Prometheus says it: in plain text, whatever the push was written in.
            return Response(f"{wrong}\n", wrong.status, PLAIN)
        return Response(status_code=200)

    return [Route(path, take, methods=["POST"])]


def series_of(said: Mapping[str, Any]) -> tuple[list[Pushed], list[MetricInfo]]:
    """The series of a push. Raises OtlpError, also where a metric is of a kind that is not kept here."""
    found: list[Pushed] = []
    infos: dict[str, MetricInfo] = {}
    for resource in items(said, "resourceMetrics"):
        about = dict(attributes(inside(resource, "resource")))
        target = _target(about)
        latest = 0.0
        for scoped in items(resource, "scopeMetrics"):
            for metric in items(scoped, "metrics"):
                made, info = _metric(metric, target)
                found += made
                infos[info.name] = info
                latest = max([latest, *(time for one in made for time in one.times)])
        rest = {
            name: value for name, value in about.items() if not name.startswith("service.") or name not in _IDENTITY
        }
        if latest and rest and target:
            key = _key("target_info", rest, target)
            found.append(Pushed(key, (latest,), (1.0,)))
    return found, list(infos.values())


_IDENTITY = ("service.name", "service.namespace", "service.instance.id")


def _target(about: Mapping[str, str]) -> dict[str, str]:
    """`job` and `instance`, from who the resource says that it is."""
    name, space = about.get("service.name", ""), about.get("service.namespace", "")
    made = {"job": f"{space}/{name}" if space and name else name, "instance": about.get("service.instance.id", "")}
    return {label: str(value) for label, value in made.items() if value}


def _metric(said: Mapping[str, Any], target: Mapping[str, str]) -> tuple[list[Pushed], MetricInfo]:
    name = text(said, "name")
    if not name:
        raise OtlpError("a metric without a name")
    unit = text(said, "unit")
    kind, kept = _kind_of(said, name)
    full = metric_name(name, unit, kind)
    info = MetricInfo(full, kind, text(said, "description"), unit)
    points = list(items(kept, "dataPoints"))
    made: list[Pushed] = []
    for point in points:
        at = whole(point, "timeUnixNano") / 1e9
        labels = dict(attributes(point))
        for suffix, more, value in _samples(kind, point):
            ended = whole(point, "flags") & _NO_VALUE
            key = _key(full + suffix, labels, target, more)
            exemplars = _exemplars(key, point) if suffix in ("", "_bucket") and not ended else ()
            made.append(Pushed(key, (round(at, 3),), (STALE if ended else value,), exemplars))
    return made, info


def _kind_of(said: Mapping[str, Any], name: str) -> tuple[str, Mapping[str, Any]]:
    for field in ("gauge", "sum", "histogram", "summary", "exponentialHistogram"):
        if field not in said:
            continue
        kept = inside(said, field)
        if field == "exponentialHistogram":
            raise OtlpError(f'metric "{name}": exponential histograms are not kept here; send explicit buckets')
        if field in ("sum", "histogram") and kept.get("aggregationTemporality", 0) not in _CUMULATIVE:
            raise OtlpError(f'invalid temporality and type combination for metric "{name}"', 500, 13)
        if field == "sum":
            return ("counter" if kept.get("isMonotonic") else "gauge"), kept
        return field, kept
    raise OtlpError(f'metric "{name}" has no data of a kind that is known')


def _samples(kind: str, point: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str], float]]:
    """Suffix, further labels and value of each series that a point makes."""
    if kind in ("counter", "gauge"):
        yield "", {}, _number(point)
        return
    yield "_count", {}, float(whole(point, "count"))
    if point.get("sum") is not None:
        yield "_sum", {}, _float(point["sum"])
    if kind == "summary":
        for one in items(point, "quantileValues"):
            yield "", {"quantile": _bound(_float(one.get("quantile", 0.0)))}, _float(one.get("value", 0.0))
        return
    bounds = [_float(one) for one in point.get("explicitBounds") or []]
    counts = [whole({"bucketCounts": one}, "bucketCounts") for one in point.get("bucketCounts") or []]
    if counts and len(counts) != len(bounds) + 1:
        raise OtlpError("a histogram has one count more than it has bounds")
    total = 0
    for bound, count in zip(bounds, counts, strict=False):
        total += count
        yield "_bucket", {"le": _bound(bound)}, float(total)
    yield "_bucket", {"le": "+Inf"}, float(whole(point, "count"))


def _bound(bound: float) -> str:
    """A bound as a label, without an exponent; a whole one as Prometheus 3 writes it, with `.0`."""
    if math.isinf(bound) or math.isnan(bound):
        return "NaN" if math.isnan(bound) else "+Inf" if bound > 0 else "-Inf"
    said = format(Decimal(repr(bound)), "f")
    return said if "." in said else f"{said}.0"


def _number(point: Mapping[str, Any]) -> float:
    return float(whole(point, "asInt")) if "asInt" in point else _float(point.get("asDouble", 0.0))


def _float(said: Any) -> float:
    if isinstance(said, str) and said in ("NaN", "Infinity", "-Infinity"):
        return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}[said]
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise OtlpError("a number was expected")
    return float(said)


def _exemplars(key: SeriesKey, point: Mapping[str, Any]) -> tuple[Exemplar, ...]:
    """The exemplars that belong to this series: of a bucket, those that it is the first to hold."""
    le = dict(key).get("le")
    found = []
    bounds = [-math.inf, *(_float(one) for one in point.get("explicitBounds") or []), math.inf]
    for one in items(point, "exemplars"):
        value = _number(one)
        if le is not None and le != _bound(next(bound for bound in bounds if value <= bound)):
            continue
        trace_id = text(one, "traceId")
        marks = {"trace_id": trace_id, "span_id": text(one, "spanId")} | dict(attributes(one, "filteredAttributes"))
        labels = tuple(sorted((name, str(mark)) for name, mark in marks.items() if mark))
        found.append(Exemplar(key, labels, value, whole(one, "timeUnixNano") / 1e9, trace_id))
    return tuple(found)


def _key(
    name: str, labels: Mapping[str, str], target: Mapping[str, str], more: Mapping[str, str] | None = None
) -> SeriesKey:
    made = {label_name(label): str(value) for label, value in labels.items()} | dict(target) | dict(more or {})
    made["__name__"] = name
    return tuple(sorted((label, value) for label, value in made.items() if value))


def label_name(name: str) -> str:
    """A label as Prometheus translates it: whatever is no letter, digit or _ becomes _."""
    made = re.sub(r"[^a-zA-Z0-9_]", "_", name)
    return f"key_{made}" if made[:1].isdigit() else made


def metric_name(name: str, unit: str, kind: str) -> str:
    """A metric as Prometheus translates it: words with _ between them, then the unit, then `total` or `ratio`."""
    words = [one for one in re.split(r"[^a-zA-Z0-9:]+", name) if one]
    main, _, per = re.sub(r"\{[^}]*\}", "", unit).partition("/")
    for part in (_UNITS.get(main.strip(), main.strip()), _per(per.strip())):
        for word in part.split("_"):
            clean = re.sub(r"[^a-zA-Z0-9:]+", "", word)
            if clean and (clean not in words or word == "per"):
                words.append(clean)
    if kind == "counter":
        words = [*(one for one in words if one != "total"), "total"]
    if unit == "1" and kind == "gauge":
        words = [*(one for one in words if one != "ratio"), "ratio"]
    made = "_".join(words)
    return f"_{made}" if made[:1].isdigit() else made


def _per(said: str) -> str:
    return f"per_{_PER.get(said, said)}" if said else ""
