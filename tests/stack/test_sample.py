"""The sample service: what it exports hangs together, and it fails as it is told."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.stack.files import STACK
from tests.stack.sample import Sample, start_sample


class Receiver:
    """Takes OTLP over HTTP in JSON, and keeps it."""

    def __init__(self) -> None:
        self.spans: list[dict[str, Any]] = []
        self.lines: list[dict[str, Any]] = []
        receiver = self

        class Page(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.take(self.path, body)
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_words: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, path: str, body: dict[str, Any]) -> None:
        outer, middle, inner, kept = {
            "/v1/traces": ("resourceSpans", "scopeSpans", "spans", self.spans),
            "/v1/logs": ("resourceLogs", "scopeLogs", "logRecords", self.lines),
        }[path]
        for resource in body[outer]:
            service = attributes(resource["resource"])["service.name"]
            for scope in resource[middle]:
                kept.extend({**item, "service": service} for item in scope[inner])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def attributes(item: dict[str, Any]) -> dict[str, Any]:
    """The attributes of OTLP's JSON as a mapping."""
    return {pair["key"]: next(iter(pair["value"].values())) for pair in item["attributes"]}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def sample(tmp_path: Path, receiver: Receiver) -> Iterator[Sample]:
    with start_sample(tmp_path / "sample.log", "--otlp", receiver.url, "--rate", "40") as one:
        yield one


def value(text: str, name: str, **labels: str) -> float:
    """The sum of the series of that name with these labels."""
    total = 0.0
    for line in text.splitlines():
        if line.startswith((name + "{", name + " ")) and all(f'{key}="{what}"' in line for key, what in labels.items()):
            total += float(line.split(" # ")[0].rpartition(" ")[2])
    return total


def test_traces_logs_and_exemplars_name_the_same_trace(sample: Sample, receiver: Receiver) -> None:
    sample.post("/fail?ratio=0.5")
    sample.wait_until(lambda: any(line["severityText"] == "ERROR" for line in receiver.lines), "failing")
    sample.wait_until(lambda: len(receiver.spans) > 200, "traced")
    text = sample.open_metrics()
    sample.stop()  # sends what is left, so that every trace is whole

    by_id = {span["spanId"]: span for span in receiver.spans}
    assert len(by_id) == len(receiver.spans)
    assert {span["service"] for span in receiver.spans} == {
        "shop", "checkout", "payment", "inventory", "recommend", "models",
    }  # fmt: skip
    for span in receiver.spans:
        assert re.fullmatch(r"[0-9a-f]{32}", span["traceId"])
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        if parent := span.get("parentSpanId"):
            assert by_id[parent]["traceId"] == span["traceId"]
            assert int(by_id[parent]["startTimeUnixNano"]) <= int(span["startTimeUnixNano"])
            assert int(by_id[parent]["endTimeUnixNano"]) >= int(span["endTimeUnixNano"])
        else:
            assert span["service"] == "shop"
    failed = [span for span in receiver.spans if span["service"] == "payment" and span["status"]["code"] == 2]
    assert failed
    # Whoever asked the one that failed failed too, up to the customer.
    for span in failed:
        above = [one for one in receiver.spans if one["traceId"] == span["traceId"] and one["service"] == "shop"]
        assert all(one["status"]["code"] == 2 for one in above if "parentSpanId" not in one)
    traces = {span["traceId"] for span in receiver.spans}
    assert {line["traceId"] for line in receiver.lines} <= traces
    exemplars = set(re.findall(r'trace_id="([0-9a-f]{32})"', text))
    assert exemplars
    assert exemplars <= traces


def test_what_is_written_out_is_json_with_the_trace(sample: Sample, receiver: Receiver) -> None:
    sample.wait_until(lambda: bool(receiver.lines), "logging")
    sample.stop()
    lines = [json.loads(line) for line in sample.log.read_text().splitlines() if line.startswith("{")]
    assert {line["trace_id"] for line in lines} == {line["traceId"] for line in receiver.lines}
    assert all(line["level"] in {"info", "warn", "error"} and line["message"] for line in lines)


def test_it_fails_as_it_is_told_and_heals(sample: Sample) -> None:
    def failed() -> float:
        return value(sample.get("/metrics"), "http_requests_total", service="payment", status="503")

    assert failed() == 0
    assert sample.post("/fail?ratio=1&latency=20ms") == (
        200,
        {"service": "payment", "ratio": 1.0, "latency_seconds": 0.02},
    )
    assert sample.post("/buy")[0] == 503
    assert failed() > 0
    assert sample.post("/heal")[0] == 200
    assert sample.post("/buy")[0] == 200


def test_a_model_that_fails_says_how_bad_it_is(sample: Sample) -> None:
    assert sample.post("/v1/models/large/predict")[0] == 200
    sample.post("/fail?ratio=1&service=models")
    assert sample.post("/v1/models/small/predict")[0] == 503
    text = sample.get("/metrics")
    assert value(text, "model_errors_total", type="out_of_memory", severity="critical") > 0
    assert value(text, "model_requests_total", status="error") > 0
    assert value(text, "model_requests_total", model="large", status="ok") > 0
    assert value(text, "model_request_duration_seconds_count", model="large") > 0
    assert 0 < value(text, "model_memory_bytes", model="large") < value(text, "model_memory_limit_bytes", model="large")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("ratio=2", "ratio is a number from 0 to 1, not '2'"),
        ("ratio=nan", "ratio is a number from 0 to 1"),
        ("latency=fast", "latency is a time such as 400ms or 2s"),
        ("latency=31s", "at most 30s"),
        ("service=bank", "service is one of shop, checkout"),
        ("speed=1", "'speed' is unknown"),
    ],
)
def test_wrong_wishes_are_refused_in_a_sentence(sample: Sample, query: str, words: str) -> None:
    status, said = sample.post(f"/fail?{query}")
    assert status == 400
    assert words in said["error"]
    assert sample.post("/buy")[0] == 200


def test_a_collector_that_is_gone_slows_nobody(tmp_path: Path) -> None:
    with start_sample(tmp_path / "log", "--otlp", "http://127.0.0.1:9", "--rate", "40") as sample:
        sample.wait_until(lambda: value(sample.get("/metrics"), "sample_otlp_lost_total", signal="traces") > 0, "lossy")
        assert sample.post("/buy")[0] == 200


@pytest.mark.parametrize("words", [("--otlp", "https://example.org"), ("--rate", "0"), ("--port", "99999999")])
def test_wrong_options_end_it_with_a_sentence(words: tuple[str, str]) -> None:
    done = subprocess.run(
        (sys.executable, str(STACK / "sample/service.py"), *words), capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert words[0] in done.stderr
    assert "Traceback" not in done.stderr
