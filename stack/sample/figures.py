"""What the sample's services count, as Prometheus reads it; where there is a trace, its id goes along as an exemplar.

Invariant: label values come from the tables of `shop.py`, never from a request, so the number of series is bounded.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

requests = Counter(
    "http_requests_total", "Requests answered.", ("service", "route", "method", "status"), registry=REGISTRY
)
duration = Histogram(
    "http_request_duration_seconds",
    "From a request to its answer.",
    ("service", "route"),
    buckets=SECONDS,
    registry=REGISTRY,
)
in_flight = Gauge("http_requests_in_flight", "Requests being answered now.", ("service",), registry=REGISTRY)
workers = Gauge("service_workers", "Requests that a service answers at once.", ("service",), registry=REGISTRY)
workers_in_use = Gauge("service_workers_in_use", "Workers that are busy.", ("service",), registry=REGISTRY)

model_requests = Counter(
    "model_requests_total", "Predictions asked for.", ("service", "model", "status"), registry=REGISTRY
)
model_duration = Histogram(
    "model_request_duration_seconds",
    "From a question to its prediction.",
    ("service", "model"),
    buckets=SECONDS,
    registry=REGISTRY,
)
model_connections = Gauge(
    "model_active_connections", "Connections to a model now.", ("service", "model"), registry=REGISTRY
)
model_memory = Gauge("model_memory_bytes", "Memory that a model uses.", ("service", "model"), registry=REGISTRY)
model_memory_limit = Gauge(
    "model_memory_limit_bytes", "Memory that a model may use.", ("service", "model"), registry=REGISTRY
)
model_errors = Counter(
    "model_errors_total",
    "Errors of a model by type (timeout, out_of_memory, bad_input) and severity (warning, critical).",
    ("service", "model", "type", "severity"),
    registry=REGISTRY,
)

sent = Counter("sample_otlp_sent_total", "Spans and log lines handed to the collector.", ("signal",), registry=REGISTRY)
lost = Counter("sample_otlp_lost_total", "Spans and log lines that nobody took.", ("signal",), registry=REGISTRY)
