"""The embedded Loki against what a real Loki 3.7.6 was recorded to say, and under warroom's own client of Loki.

The real one had 1,200 lines, of which the recordings tell only some. So what is compared in full are answers that the
lines known suffice for, such as the newest five of a query.
"""

from __future__ import annotations

import gzip
import json
from contextlib import asynccontextmanager

import cramjam
import httpx
import pytest

from tests.contract.loki_cases import BY_NAME
from tests.embedded.served_loki import NOW, RECORDED, asked_of, recorded_lines, served
from warroom.embedded.log_store import LogLimits, LogStore
from warroom.embedded.loki_http import loki_app
from warroom.telemetry.logs import LogLine
from warroom.telemetry.loki import Loki
from warroom.telemetry.source import Source

SECOND = 1_000_000_000
NOW_NS = round(NOW * SECOND)
TOLD_IN_FULL = (
    "query_range_structured_metadata_categorized", "query_range_parsed_categorized", "query_range_streams_backward",
    "query_range_streams_forward", "query_range_json", "query_range_logfmt", "query_range_regexp_linefilter",
    "query_range_trace_id_filter", "query_range_pattern", "query_range_line_format", "query_range_parser_error_label",
    "query_range_empty", "query_range_structured_metadata_merged", "query_range_since", "labels", "labels_empty",
    "label_values", "label_values_filtered", "label_values_unknown", "series", "series_empty", "series_no_match",
    "metric_empty", "instant_empty", "instant_vector_literal", "format_query", "patterns_empty",
    "detected_fields_empty", "detected_field_values_unknown", "index_stats_empty",
)  # fmt: skip
TOLD_AS_REFUSED = (
    "error_bad_direction", "error_bad_duration", "error_bad_limit", "error_bad_start",
    "error_empty_compatible_matcher", "error_empty_matcher", "error_index_volume_no_matchers", "error_invalid_regex",
    "error_limit_too_big", "error_method", "error_negative_limit", "error_no_query_param", "error_not_found",
    "error_parse", "error_parse_pipe", "error_query_missing", "error_range_inverted", "error_range_too_long",
    "error_step_too_fine", "error_volume_no_query", "format_query_error", "instant_log_query_error",
    "patterns_error_pipeline", "query_range_limit_zero", "series_error_bad_match", "tail_http_not_websocket",
)  # fmt: skip
PUSHES = (
    "push_duplicate_accepted", "push_empty_streams", "push_error_bad_label_name", "push_error_future",
    "push_error_label_not_string", "push_error_metadata_too_many", "push_error_no_labels", "push_error_too_far_behind",
    "push_error_too_many_labels", "push_error_too_old", "push_error_ts_ms", "push_json_ok",
    "push_out_of_order_accepted", "push_partial_batch",
)  # fmt: skip
IGNORED = ("stats",)


@asynccontextmanager
async def filled():
    async with served() as loki:
        lines = recorded_lines()
        assert len(lines) > 30
        assert loki.store.append(lines) == ()
        yield loki


def apart(body):
    """A body without what is not compared, streams and label sets in one order."""
    if not isinstance(body, dict):
        return body
    said = json.loads(json.dumps(body))
    data = said.get("data")
    if isinstance(data, dict):
        for key in IGNORED:
            data.pop(key, None)
        if isinstance(data.get("result"), list) and data.get("resultType") in ("streams", "matrix"):
            data["result"].sort(key=lambda one: json.dumps(one, sort_keys=True))
    elif isinstance(data, list) and data and isinstance(data[0], dict):
        data.sort(key=lambda one: json.dumps(one, sort_keys=True))
    return said


async def replayed(loki, name):
    """The answer to a recorded request."""
    request = RECORDED[name]["request"]
    params = {key: str(value) for key, value in (request.get("params") or {}).items()}
    async with httpx.AsyncClient(base_url=loki.url, trust_env=False) as client:
        body = {"json": request["json"]} if "json" in request else {}
        return await client.request(
            request["method"], request["path"], params=params or None, headers=request.get("headers"), **body
        )


def body_of(response):
    return response.json() if "json" in response.headers.get("content-type", "") else response.text


@pytest.mark.parametrize("name", TOLD_IN_FULL)
async def test_a_recorded_question_has_the_recorded_answer(name):
    async with filled() as loki:
        response = await replayed(loki, name)
    assert response.status_code == RECORDED[name]["status"]
    assert apart(body_of(response)) == apart(RECORDED[name]["body"])


@pytest.mark.parametrize("name", TOLD_AS_REFUSED)
async def test_a_recorded_mistake_is_refused_in_the_same_words(name):
    async with filled() as loki:
        response = await replayed(loki, name)
    assert (response.status_code, body_of(response)) == (RECORDED[name]["status"], RECORDED[name]["body"])
    if response.status_code == 400 and name != "format_query_error":
        assert response.headers["content-type"] == RECORDED[name]["headers"]["Content-Type"]


@pytest.mark.parametrize("name", PUSHES)
async def test_a_recorded_push_is_taken_or_refused_in_the_same_words(name):
    now = NOW_NS / SECOND if "too_old" not in name and "ms" not in name and "partial" not in name else 1795247299.0
    store = LogStore()
    newest = LogLine(1795247298747750964, "hello", (("env", "lab"), ("service", "p1")))
    store.append([newest])
    async with served(lambda: now, store) as loki:
        response = await replayed(loki, name)
    assert (response.status_code, response.text) == (RECORDED[name]["status"], RECORDED[name]["body"])


async def test_what_the_client_of_loki_reads_is_what_it_read_of_the_real_one():
    async with filled() as there:
        loki = Loki(Source(there.url, "loki"))
        for name in TOLD_IN_FULL:
            case = BY_NAME.get(name)
            if case is None:
                continue
            asked = asked_of(name)
            said = case.says(RECORDED[name]["body"], asked)
            answer = await case.ask(loki, asked)
            if name == "query_range_structured_metadata_merged":
                continue  # the client asks for metadata apart
            if name.startswith("query_range") and not name.endswith("categorized"):
                assert [(line.ns, line.text) for line in answer[0]] == [(line.ns, line.text) for line in said[0]]
                continue
            assert answer == (tuple(said) if isinstance(answer, tuple) else said), name
        await loki.close()


@pytest.mark.parametrize("name", ["metric_rate", "metric_count_over_time"])
async def test_counts_by_minute_are_those_of_the_real_one(name):
    """The lines are made up so that each minute has as many as it had then."""
    recorded = RECORDED[name]
    store, per = LogStore(), 60 if name == "metric_rate" else 1
    for series in recorded["body"]["data"]["result"]:
        metric = series["metric"]
        labels = (("env", "prod"), ("level", metric.get("level", "x")), ("service", metric.get("service", "cart")))
        level = metric.get("detected_level", "info")
        store.append([
            LogLine(int(at) * SECOND - number * 1000, f"{level} {at} {number}", labels, (("detected_level", level),))
            for at, value in series["values"]
            for number in range(round(float(value) * per))[::-1]
        ])  # fmt: skip
    async with served(store=store) as loki:
        response = await replayed(loki, name)
    assert apart(response.json()) == apart(recorded["body"])


async def test_patterns_and_their_counts_are_those_of_the_real_one():
    recorded = RECORDED["patterns"]
    store = LogStore()
    number = 0
    for row in recorded["body"]["data"]:
        labels = (("env", "prod"), ("level", row["level"]), ("service", "payment"))
        for at, count in row["samples"]:
            lines = []
            for _ in range(count):
                number += 1
                parts = (number, f"{number % 97}.{number % 83:02d}", f"{number % 700}ms", f"{number:032x}")
                text = row["pattern"]
                for part in parts:
                    text = text.replace("<_>", str(part), 1)
                lines.append(LogLine(at * SECOND + number, text, labels))
            store.append(lines)
    async with served(store=store) as loki:
        response = await replayed(loki, "patterns")
    said, wanted = response.json()["data"], recorded["body"]["data"]
    key = lambda row: (row["level"], row["pattern"])  # noqa: E731
    assert sorted(said, key=key) == sorted(wanted, key=key)


async def test_a_value_that_is_no_number_fails_the_metric_query_in_lokis_words():
    text = '{"level": "info", "msg": "add item", "sku": "S-35", "dur_ms": 49, "user": "u12"}'
    store = LogStore()
    asked = asked_of("error_unwrap_pipeline")
    labels = (("env", "prod"), ("level", "info"), ("service", "cart"))
    store.append([LogLine(asked["start"] + SECOND, text, labels)])
    async with served(store=store) as loki:
        response = await replayed(loki, "error_unwrap_pipeline")
    assert (response.status_code, response.text) == (400, RECORDED["error_unwrap_pipeline"]["body"])


async def test_too_many_series_are_refused_in_lokis_words():
    store = LogStore()
    asked = asked_of("error_too_many_series")
    labels = (("service", "checkout"),)
    store.append([
        LogLine(asked["start"] + SECOND + at, "x", labels, (("pod", f"p{at}"), ("trace_id", f"{at:x}")))
        for at in range(501)
    ])  # fmt: skip
    async with served(store=store) as loki:
        response = await replayed(loki, "error_too_many_series")
    assert (response.status_code, response.text) == (400, RECORDED["error_too_many_series"]["body"])


@pytest.mark.parametrize("name", ["index_volume", "index_volume_by_labels", "index_volume_range"])
async def test_volumes_have_the_groups_and_times_of_the_real_one(name):
    """How many bytes a real one counts beside the text is its own affair; the order by size is the same here."""
    store = LogStore()
    for service, size in (("payment", 300), ("checkout", 200), ("cart", 100)):
        store.append([
            LogLine(at * SECOND, "x" * size, (("env", "prod"), ("level", "info"), ("service", service)))
            for at in range(1795246613, 1795247212, 10)
        ])  # fmt: skip
    async with served(store=store) as loki:
        said = (await replayed(loki, name)).json()["data"]
    wanted = RECORDED[name]["body"]["data"]
    assert said["resultType"] == wanted["resultType"]
    assert [one["metric"] for one in said["result"]] == [one["metric"] for one in wanted["result"]]
    for one, other in zip(said["result"], wanted["result"], strict=True):
        if "values" in other:
            assert [at for at, _ in one["values"]] == [at for at, _ in other["values"]]
        else:
            assert one["value"][0] == other["value"][0]


async def test_fields_are_found_with_the_kinds_of_the_real_one():
    async with filled() as loki:
        said = (await replayed(loki, "detected_fields")).json()
    wanted = {one["label"]: (one["type"], one["parsers"]) for one in RECORDED["detected_fields"]["body"]["fields"]}
    assert {one["label"]: (one["type"], one["parsers"]) for one in said["fields"]} == wanted
    assert said["limit"] == RECORDED["detected_fields"]["body"]["limit"]


async def test_labels_to_choose_by_are_those_of_the_real_one():
    async with filled() as loki:
        said = (await replayed(loki, "detected_labels")).json()
    key = lambda one: one["label"]  # noqa: E731
    assert sorted(said["detectedLabels"], key=key) == sorted(
        RECORDED["detected_labels"]["body"]["detectedLabels"], key=key
    )


# -- pushing -----------------------------------------------------------------------------------------------------------


async def post(loki, path, **how):
    async with httpx.AsyncClient(base_url=loki.url, trust_env=False) as client:
        return await client.post(path, **how)


def pushed(*values, labels=None):
    return {"streams": [{"stream": labels or {"service": "p"}, "values": list(values)}]}


def protobuf(labels, ns, text, metadata=()):
    """A logproto.PushRequest with one line, by hand."""

    def field(number, data):
        return bytes([number << 3 | 2, *varint(len(data))]) + data

    def varint(number):
        said = []
        while number > 0x7F:
            said.append(number & 0x7F | 0x80)
            number >>= 7
        return [*said, number]

    time = bytes([8, *varint(ns // SECOND), 16, *varint(ns % SECOND)])
    pairs = b"".join(field(3, field(1, key.encode()) + field(2, value.encode())) for key, value in metadata)
    entry = field(1, time) + field(2, text.encode()) + pairs
    return bytes(cramjam.snappy.compress_raw(field(1, field(1, labels.encode()) + field(2, entry))))


async def test_lines_come_in_as_json_gzipped_json_and_protobuf():
    async with served() as loki:
        body = json.dumps(pushed([str(NOW_NS), "one", {"trace_id": "ab"}])).encode()
        kind = {"Content-Type": "application/json"}
        assert (await post(loki, "/loki/api/v1/push", content=body, headers=kind)).status_code == 204
        body = json.dumps(pushed([str(NOW_NS + 1), "two"])).encode()
        headers = {**kind, "Content-Encoding": "gzip"}
        assert (await post(loki, "/loki/api/v1/push", content=gzip.compress(body), headers=headers)).status_code == 204
        body = protobuf('{service="p"}', NOW_NS + 2, "three", [("trace_id", "cd")])
        assert (await post(loki, "/loki/api/v1/push", content=body)).status_code == 204
        page = loki.logql.query_range('{service="p"}', NOW_NS, NOW_NS + 9, 10, "forward")
    assert [line.text for line in page.lines] == ["one", "two", "three"]
    assert [line.value("trace_id") for line in page.lines] == ["ab", "", "cd"]


async def test_a_line_that_is_too_long_is_refused_in_lokis_words():
    async with served() as loki:
        body = pushed([str(NOW_NS), "x" * 262200], labels={"service": "p6"})
        response = await post(loki, "/loki/api/v1/push", json=body)
    assert (response.status_code, response.text) == (400, RECORDED["push_error_line_too_long"]["body"])


async def test_a_label_that_is_too_long_is_refused_in_lokis_words():
    async with served() as loki:
        response = await post(
            loki, "/loki/api/v1/push", json=pushed([str(NOW_NS), "x"], labels={"service": "v" * 2049})
        )
    said = f'stream \'{{service="{"v" * 2049}", service_name="{"v" * 2049}"}}\' has label value too long: \''
    assert (response.status_code, response.text) == (400, f"{said}{'v' * 2049}'\n")


async def test_too_many_streams_are_refused_with_a_429():
    async with served(store=LogStore(LogLimits(streams=1))) as loki:
        assert (await post(loki, "/loki/api/v1/push", json=pushed([str(NOW_NS), "x"]))).status_code == 204
        response = await post(
            loki, "/loki/api/v1/push", json=pushed([str(NOW_NS), "x"], labels={"env": "lab", "service": "one-too-many"})
        )
    wanted = RECORDED["push_error_stream_limit_429"]["body"].replace("'t1'", "'fake'")
    assert (response.status_code, response.text) == (429, wanted)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no JSON"), (b"{", "no JSON"), (b"[]", "no list"), (b'{"streams":5}', "no list"),
        (b'{"streams":[5]}', "no object"), (b'{"streams":[{"stream":[]}]}', "no object"),
        (b'{"streams":[{"stream":{},"values":5}]}', "no list"),
        (b'{"streams":[{"stream":{},"values":[5]}]}', "no list"),
        (b'{"streams":[{"stream":{},"values":[["1"]]}]}', "no list of a time"),
        (b'{"streams":[{"stream":{},"values":[[1,"x"]]}]}', "a time is a text"),
        (b'{"streams":[{"stream":{},"values":[["x","x"]]}]}', "a time is a text"),
        (b'{"streams":[{"stream":{},"values":[["1",2]]}]}', "a line is no text"),
        (b'{"streams":[{"stream":{},"values":[["1","x",{"a":{"b":1}}]]}]}', "Value is string"),
        (b'{"streams":[{"stream":{"":"x"},"values":[["1","x"]]}]}', "couldn't parse labels"),
    ],
)  # fmt: skip
async def test_what_is_no_push_is_refused_in_words(body, words):
    async with served() as loki:
        response = await post(loki, "/loki/api/v1/push", content=body, headers={"Content-Type": "application/json"})
        assert loki.store.lines_kept == 0
    assert response.status_code == 400
    assert words in response.text


@pytest.mark.parametrize(
    "body", [b"", b"\x00\x01\x02\x03", b"\xff\xff\xff\xff\x0f", bytes(cramjam.snappy.compress_raw(b"\xff\xff"))]
)
async def test_what_is_no_protobuf_is_refused(body):
    async with served() as loki:
        response = await post(loki, "/loki/api/v1/push", content=body)
    assert response.status_code in (400, 413, 422)
    assert "Traceback" not in response.text


async def test_a_bomb_of_zeros_is_not_unpacked():
    async with served() as loki:
        body = gzip.compress(b"0" * 40_000_000)
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        assert (await post(loki, "/loki/api/v1/push", content=body, headers=headers)).status_code == 413


async def test_lines_of_otlp_come_back_as_from_the_real_one():
    pushing = json.loads(OTLP)
    async with served() as loki:
        assert (await post(loki, "/otlp/v1/logs", json=pushing)).status_code == 204
        for name in ("otlp_query_back_categorized", "otlp_query_back_merged"):
            response = await replayed(loki, name)
            assert apart(response.json()) == apart(RECORDED[name]["body"])


async def test_otlp_refusals_are_a_status_in_protobuf():
    async with served() as loki:
        empty = await post(loki, "/otlp/v1/logs", json={"resourceLogs": []})
        kind = await post(loki, "/otlp/v1/logs", content=b"x", headers={"Content-Type": "text/plain"})
        wrong = await post(loki, "/otlp/v1/logs", json={"resourceLogs": 5})
    assert (empty.status_code, empty.content) == (
        422,
        b"\x129error at least one valid stream is required for ingestion",
    )
    assert (kind.status_code, kind.content) == (400, b"\x12)content type: text/plain is not supported")
    assert wrong.status_code == 400
    assert wrong.content[:1] == b"\x12"
    assert wrong.headers["content-type"] == "application/octet-stream"


async def test_a_store_that_is_fed_by_the_process_alone_takes_no_pushes():
    transport = httpx.ASGITransport(loki_app(served_logql(), may_push=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://loki") as client:
        response = await client.post("/loki/api/v1/push", json=pushed([str(NOW_NS), "x"]))
    assert response.status_code == 403


def served_logql():
    from warroom.embedded.logql import LogQL

    return LogQL(LogStore())


OTLP = """{"resourceLogs": [{"resource": {"attributes": [
 {"key": "service.name", "value": {"stringValue": "otlp-svc"}},
 {"key": "service.namespace", "value": {"stringValue": "shop"}},
 {"key": "k8s.pod.name", "value": {"stringValue": "otlp-1"}}, {"key": "host.name", "value": {"stringValue": "h1"}}]},
 "scopeLogs": [{"scope": {"name": "lib", "version": "1.0"}, "logRecords": [
 {"timeUnixNano": "1795247298747750964", "observedTimeUnixNano": "1795247298747750964", "severityNumber": 17,
  "severityText": "ERROR", "body": {"stringValue": "otlp error line"},
  "attributes": [{"key": "http.route", "value": {"stringValue": "/pay"}}, {"key": "retry", "value": {"intValue": "3"}}],
  "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "flags": 1},
 {"timeUnixNano": "1795247298747751964", "severityNumber": 9, "severityText": "INFO",
  "body": {"kvlistValue": {"values": [{"key": "event", "value": {"stringValue": "structured body"}}]}}}]}]}]}"""
"""What the recorded answers were pushed with."""
