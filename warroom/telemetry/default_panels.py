"""The panels that any service has: requests, errors, latency, saturation, up.

Invariant: each works with the usual metric names (the Prometheus client libraries', OpenTelemetry's HTTP server
metrics) and with `job` or `service` as the label that names the service; where there is none of them the panel
shows that there is no data.
"""

from warroom.telemetry.panels import PanelTemplate, ThresholdModel

_REQUEST_COUNTERS = (
    "http_requests_total",
    "http_request_duration_seconds_count",
    "http_server_request_duration_seconds_count",
)
_ERROR_COUNTERS = (
    ("http_requests_total", "status"),
    ("http_requests_total", "code"),
    ("http_server_request_duration_seconds_count", "http_response_status_code"),
)
_LATENCY_BUCKETS = ("http_request_duration_seconds_bucket", "http_server_request_duration_seconds_bucket")


def _rate(counter: str, more: str = "") -> str:
    """The rates of a counter of the service, whichever of the two usual labels names it; each series once."""
    return " or ".join(f'rate({counter}{{{label}="$service"{more}}}[$__rate_interval])' for label in ("job", "service"))


def _first_of(*choices: str) -> str:
    return "(" + " or ".join(choices) + ")"


def _failures(counter: str, label: str) -> str:
    return f"sum({_rate(counter, f',{label}=~`5..`')})"


_REQUESTS = _first_of(*(f"sum({_rate(counter)})" for counter in _REQUEST_COUNTERS))
_ERRORS = _first_of(*(_failures(*counter) for counter in _ERROR_COUNTERS), f"{_REQUESTS} * 0")
_P99 = _first_of(*(f"histogram_quantile(0.99, sum by (le) ({_rate(buckets)}))" for buckets in _LATENCY_BUCKETS))

DEFAULT_PANELS: tuple[PanelTemplate, ...] = (
    PanelTemplate(
        title="Error ratio",
        expr=f"{_ERRORS} / {_REQUESTS}",
        legend="errors",
        unit="ratio",
        thresholds=(ThresholdModel(value=0.01, level="warning"), ThresholdModel(value=0.05)),
        description="Share of requests to $service answered with a 5xx status.",
    ),
    PanelTemplate(
        title="Requests",
        expr=_REQUESTS,
        legend="requests",
        unit="per_second",
        description="Requests a second to $service, all instances together.",
    ),
    PanelTemplate(
        title="Latency p99",
        expr=_P99,
        legend="p99",
        unit="seconds",
        thresholds=(ThresholdModel(value=0.5, level="warning"), ThresholdModel(value=1.0)),
        description="The time within which 99 of 100 requests to $service are answered.",
    ),
    PanelTemplate(
        title="CPU",
        expr=_rate("process_cpu_seconds_total"),
        legend="{{instance}}",
        unit="cores",
        description="CPU cores used by each instance of $service.",
    ),
    PanelTemplate(
        title="Up",
        expr='up{job="$service"} or up{service="$service"}',
        legend="{{instance}}",
        unit="bool",
        thresholds=(ThresholdModel(value=1.0, level="critical", above=False),),
        description="Whether Prometheus can scrape each instance of $service.",
    ),
)
