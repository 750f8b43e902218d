"""Service performance as Jaeger's API answers it, from the span metrics of the embedded Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import QueryParams

from warroom.embedded.jaeger_wrong import Wrong, number, whole
from warroom.embedded.promql import Engine
from warroom.embedded.traces import performance, performance_query
from warroom.telemetry.errors import TelemetryError
from warroom.telemetry.prometheus_data import Line

_KINDS = ("server", "client", "producer", "consumer", "internal", "unspecified")
_NAMES = {"calls": "call_rate", "errors": "error_rate", "latencies": "latencies"}
_HELP = {
    "calls": "calls/sec",
    "errors": "error rate, computed as a fraction of errors/sec over calls/sec",
    "latencies": "{:g}th quantile latency",
}


def metrics_json(engine: Engine, what: str, asked: QueryParams, now: float) -> dict[str, Any]:
    """The answer to /api/metrics/{calls,errors,latencies}. Raises Wrong."""
    services = [one for one in asked.getlist("service") if one]
    if not services:
        raise Wrong("unable to parse param 'service': please provide at least one service name")
    by_operation = asked.get("groupByOperation", "false") == "true"
    end = _seconds(asked, "endTs", now)
    lookback, step = _seconds(asked, "lookback", 3600.0), _seconds(asked, "step", 5.0)
    window = _seconds(asked, "ratePer", 600.0)
    kind = asked.get("spanKind", "server")
    if kind not in _KINDS:
        raise Wrong(f"unable to parse param 'spanKind': unsupported span kind: '{kind[:80]}'")
    if min(lookback, step, window) <= 0:
        raise Wrong("lookback, step and ratePer must be more than 0 ms")
    quantile = number(asked.get("quantile", ""), "quantile") if what == "latencies" else 0.95
    query = performance_query(what, services, window, kind=kind, by_operation=by_operation, quantile=quantile)
    try:
        found = performance(engine, query, end - lookback, end, step)
    except TelemetryError as wrong:
        raise Wrong(str(wrong), 500) from None
    grouped = "service & operation" if by_operation else "service"
    return {
        "name": f"service_{'operation_' if by_operation else ''}{_NAMES[what]}",
        "type": "GAUGE",
        "help": f"{_HELP[what].format(quantile)}, grouped by {grouped}",
        "metrics": [_metric(line) for line in found.lines],
    }


def _metric(line: Line) -> Mapping[str, Any]:
    # The service comes first, as in Jaeger.
    labels = sorted(line.labels, key=lambda pair: pair[0] != "service_name")
    points = [
        {"gaugeValue": {"doubleValue": value if value == value else "NaN"}, "timestamp": _moment(at)}
        for at, value in zip(line.times, line.values, strict=True)
    ]
    return {"labels": [{"name": name, "value": value} for name, value in labels], "metricPoints": points}


def _moment(at: float) -> str:
    said = datetime.fromtimestamp(round(at, 3), UTC).isoformat(timespec="milliseconds")
    return said.replace("+00:00", "").rstrip("0").rstrip(".") + "Z"


def _seconds(asked: QueryParams, name: str, otherwise: float) -> float:
    found = whole(asked.get(name, ""), name)
    return otherwise if found is None else found / 1000
