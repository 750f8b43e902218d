"""What is pushed to the embedded Prometheus and Jaeger: taken, named and refused as real ones do."""

from __future__ import annotations

import gzip
import json
import struct
from typing import Any

import cramjam
import httpx
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.contract.remote_write import Native, Written, write
from tests.embedded.recorded_jaeger import RECORDED
from tests.embedded.served_app import served
from warroom.embedded.jaeger_http import jaeger_app
from warroom.embedded.metrics import EmbeddedMetrics
from warroom.embedded.otlp_messages import TRACES
from warroom.embedded.otlp_metrics import metric_name, otlp_routes
from warroom.embedded.prometheus_http import prometheus_app
from warroom.embedded.promql import Engine
from warroom.embedded.protobuf import Message, ProtobufError, read
from warroom.embedded.remote_write import write_routes
from warroom.embedded.series_store import SeriesStore
from warroom.embedded.trace_store import TraceStore

AT = 1_795_248_081.0
PUSHED = RECORDED["otlp_http_traces_ok"]["request"]["json"]
METRICS: dict[str, Any] = {
    "resourceMetrics": [{
        "resource": {"attributes": [
            {"key": "service.name", "value": {"stringValue": "otel-checkout"}},
            {"key": "service.instance.id", "value": {"stringValue": "i-1"}},
            {"key": "deployment.environment", "value": {"stringValue": "prod"}},
        ]},
        "scopeMetrics": [{"scope": {"name": "lib"}, "metrics": [
            {"name": "http.server.active_requests", "unit": "{request}", "gauge": {"dataPoints": [
                {"asDouble": 4, "timeUnixNano": "1795248081000000000",
                 "attributes": [{"key": "http.route", "value": {"stringValue": "/pay"}}]}]}},
            {"name": "http.server.requests", "unit": "1", "sum": {
                "aggregationTemporality": 2, "isMonotonic": True,
                "dataPoints": [{"asInt": "12", "timeUnixNano": "1795248081000000000"}]}},
            {"name": "http.server.duration", "unit": "s", "histogram": {
                "aggregationTemporality": 2,
                "dataPoints": [{"count": "6", "sum": 7.5, "timeUnixNano": "1795248081000000000",
                                "explicitBounds": [0.1, 1], "bucketCounts": ["1", "2", "3"],
                                "exemplars": [{"asDouble": 0.5, "timeUnixNano": "1795248080000000000",
                                               "traceId": "0af7651916cd43dd8448eb211c80319c"}]}]}},
        ]}],
    }]
}  # fmt: skip
SAID = {
    'http_server_active_requests{http_route="/pay",instance="i-1",job="otel-checkout"}': 4.0,
    'http_server_requests_total{instance="i-1",job="otel-checkout"}': 12.0,
    'http_server_duration_seconds_count{instance="i-1",job="otel-checkout"}': 6.0,
    'http_server_duration_seconds_sum{instance="i-1",job="otel-checkout"}': 7.5,
    'http_server_duration_seconds_bucket{instance="i-1",job="otel-checkout",le="0.1"}': 1.0,
    'http_server_duration_seconds_bucket{instance="i-1",job="otel-checkout",le="1.0"}': 3.0,
    'http_server_duration_seconds_bucket{instance="i-1",job="otel-checkout",le="+Inf"}': 6.0,
    'target_info{deployment_environment="prod",instance="i-1",job="otel-checkout"}': 1.0,
}
"""The first two and the last as a Prometheus 3.14 answered after the same push."""


class Prometheus:
    def __init__(self) -> None:
        self.store = SeriesStore(retention=0)
        self.engine = Engine(self.store)
        metrics = EmbeddedMetrics(self.engine, lambda: AT)
        self.app = prometheus_app(metrics, [*write_routes(self.store), *otlp_routes(self.store)])

    def holds(self) -> dict[str, float]:
        found = {}
        for one in self.engine.instant('{__name__=~".+"}', AT).samples:
            labels = dict(one.labels)
            name = labels.pop("__name__")
            found[name + "{" + ",".join(f'{key}="{value}"' for key, value in sorted(labels.items())) + "}"] = one.value
        return found


def as_protobuf(said: dict[str, Any], message: Any) -> bytes:
    """JSON of OTLP as protobuf, by the real library; ids are hex in the one and bytes in the other."""

    def ids(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: _base64(one) if key.endswith(("traceId", "panId")) else ids(one) for key, one in value.items()}
        return [ids(one) for one in value] if isinstance(value, list) else value

    data: bytes = json_format.ParseDict(ids(said), message).SerializeToString()
    return data


def _base64(said: str) -> str:
    import base64

    return base64.b64encode(bytes.fromhex(said)).decode()


def http(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False)


async def test_metrics_of_otlp_are_named_as_prometheus_names_them() -> None:
    prometheus = Prometheus()
    async with served(prometheus.app) as url, http(url) as client:
        answer = await client.post("/api/v1/otlp/v1/metrics", json=METRICS)
    assert answer.status_code == 200
    assert prometheus.holds() == SAID
    (exemplar,) = await EmbeddedMetrics(prometheus.engine, lambda: AT).exemplars(
        "http_server_duration_seconds_bucket", AT - 60, AT
    )
    assert (exemplar.trace_id, dict(exemplar.series)["le"]) == ("0af7651916cd43dd8448eb211c80319c", "1.0")


async def test_protobuf_says_the_same_as_json() -> None:
    prometheus, traces, others = Prometheus(), TraceStore(), TraceStore()
    kind = {"Content-Type": "application/x-protobuf"}
    zipped = gzip.compress(as_protobuf(PUSHED, ExportTraceServiceRequest()))
    async with served(prometheus.app) as url, http(url) as client:
        body = as_protobuf(METRICS, ExportMetricsServiceRequest())
        assert (await client.post("/api/v1/otlp/v1/metrics", content=body, headers=kind)).status_code == 200
    async with (
        served(jaeger_app(traces, lambda: AT)) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        answer = await client.post("/v1/traces", content=zipped, headers={**kind, "Content-Encoding": "gzip"})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/x-protobuf"
    async with (
        served(jaeger_app(others, lambda: AT)) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        answer = await client.post("/v1/traces", json=PUSHED)
        assert (answer.status_code, answer.json()) == (200, {"partialSuccess": {}})
    assert prometheus.holds() == SAID
    one = PUSHED["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"]
    assert len(traces) == len(others) == 1
    assert traces.trace(one) == others.trace(one) is not None


async def test_pushes_that_cannot_be_taken_are_refused_in_words() -> None:
    prometheus = Prometheus()
    delta = json.loads(json.dumps(METRICS).replace('"aggregationTemporality": 2', '"aggregationTemporality": 1'))
    native = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "x", "exponentialHistogram": {}}]}]}]}
    async with served(prometheus.app) as url, http(url) as client:
        path = "/api/v1/otlp/v1/metrics"
        told = await client.post(path, json=delta)
        words = 'invalid temporality and type combination for metric "http.server.requests"\n'
        assert (told.status_code, told.text) == (500, words)
        told = await client.post(path, json=native)
        assert (told.status_code, "exponential histograms are not kept here" in told.text) == (400, True)
        assert (await client.post(path, content=b"x", headers={"Content-Type": "text/plain"})).status_code == 415
        assert (await client.post(path, content=b"{", headers={"Content-Type": "application/json"})).status_code == 400
        head = {"Content-Type": "application/x-protobuf"}
        assert (await client.post(path, content=b"\xff\xff", headers=head)).status_code == 400
        bomb = {**head, "Content-Encoding": "gzip"}
        told = await client.post(path, content=gzip.compress(bytes(40 * 1024**2)), headers=bomb)
        assert told.status_code == 413
    async with served(jaeger_app(TraceStore(), lambda: AT)) as url, http(url) as client:
        told = await client.post("/v1/traces", content=b"x", headers={"Content-Type": "text/plain"})
        known = "415 unsupported media type, supported: [application/json, application/x-protobuf]"
        assert (told.status_code, told.text) == (415, known)
        told = await client.get("/v1/traces")
        assert (told.status_code, told.text) == (405, "405 method not allowed, supported: [POST]")
        zero = await client.post("/v1/traces", json=RECORDED["otlp_zero_trace_id"]["request"]["json"])
        assert zero.json()["partialSuccess"]["rejectedSpans"] == "1"
    assert prometheus.holds() == {}


def post(url: str, body: bytes, **headers: str) -> httpx.Response:
    kinds = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf", **headers}
    return httpx.post(f"{url}/api/v1/write", content=body, headers=kinds, trust_env=False)


async def test_remote_write_is_taken_and_refused_as_prometheus_does() -> None:
    import asyncio

    prometheus = Prometheus()
    series = {"__name__": "x", "job": "a"}
    async with served(prometheus.app) as url:

        async def pushed(*written: Written) -> tuple[int, str]:
            answer = await asyncio.to_thread(write, url, written)
            return answer.status_code, answer.text

        exemplar = [({"trace_id": "0af7651916cd43dd8448eb211c80319c"}, 0.5, AT - 5)]
        assert await pushed(Written(series, [(AT - 10, 1.0), (AT - 5, 3.0)], exemplar)) == (204, "")
        assert prometheus.holds() == {'x{job="a"}': 3.0}
        status, words = await pushed(Written(series, [(AT - 5, 9.0)]))
        assert status == 400
        assert words.startswith("duplicate sample for timestamp")
        status, words = await pushed(Written(series, [(AT - 60, 9.0)]))
        assert (status, words.startswith("out of order sample")) == (400, True)
        status, words = await pushed(Written({"__name__": "h"}, histograms=[(AT, Native((1, 2), 3.0))]))
        assert (status, "native histograms are not kept" in words) == (400, True)
        assert (await pushed(Written({"job": "nameless"}, [(AT, 1.0)])))[0] == 400
        answer = await asyncio.to_thread(post, url, b"\xff\xff\xff\x00x")
        assert (answer.status_code, answer.text.strip()) == (400, "s2: corrupt input")
        version_2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"
        answer = await asyncio.to_thread(lambda: post(url, b"", **{"Content-Type": version_2}))
        assert answer.status_code == 415
        huge = bytes(cramjam.snappy.compress_raw(bytes(40 * 1024**2)))
        assert (await asyncio.to_thread(post, url, huge)).status_code == 413
    assert prometheus.store.exemplars_of((), AT - 60, AT)[0].trace_id == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("name", "unit", "kind", "full"),
    [
        ("http.server.duration", "ms", "histogram", "http_server_duration_milliseconds"),
        ("system.memory.usage", "By", "gauge", "system_memory_usage_bytes"),
        ("requests", "{request}/s", "gauge", "requests_per_second"),
        ("jobs_total", "", "counter", "jobs_total"),
        ("cpu.utilization", "1", "gauge", "cpu_utilization_ratio"),
        ("2xx.responses", "", "counter", "_2xx_responses_total"),
    ],
)  # fmt: skip
def test_names_are_translated(name: str, unit: str, kind: str, full: str) -> None:
    assert metric_name(name, unit, kind) == full


def test_hostile_protobuf_ends_in_words() -> None:
    deep = b""
    for _ in range(60):
        deep = b"\x0a" + _varint(len(deep)) + deep
    itself = Message("self")
    from warroom.embedded.protobuf import Field

    itself.fields[1] = Field("inner", itself)
    for body, message in (
        (b"\x0a\xff\xff\xff\xff\x0f", TRACES), (b"\x0a", TRACES), (b"\x0b", TRACES), (b"\x00\x00", TRACES),
        (b"\xff" * 11, TRACES), (deep, itself), (b"\x0a\x04\x12\x02\x12\x05", TRACES),
    ):  # fmt: skip
        with pytest.raises(ProtobufError):
            read(body, message)
    assert read(struct.pack("<BQ", 0x79, 5), TRACES) == {}


def _varint(number: int) -> bytes:
    said = b""
    while number > 0x7F:
        said += bytes([number & 0x7F | 0x80])
        number >>= 7
    return said + bytes([number])
