"""The client of Loki against what Loki 3.7.6 said, and against the same with one thing changed."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from tests.contract.loki_cases import BY_NAME, IGNORED, between
from tests.contract.replay import Replay, exchanges, mutations, params_of
from warroom.telemetry import errors
from warroom.telemetry.logs import LogLine
from warroom.telemetry.loki import CATEGORIZE, Loki
from warroom.telemetry.source import Access, Source

RECORDED = exchanges("loki-3.7.6")
PUSHED = LogLine(1795247298747750964, "x", (("service", "p5"),))


@asynccontextmanager
async def playing(exchange, access=None):
    loki = Loki(Source("http://loki:3100", "loki"), access=access, transport=Replay(exchange))
    try:
        yield loki
    finally:
        await loki.close()


def asked_of(exchange):
    return {**params_of(exchange), "path": exchange["request"]["path"]}


async def answer_to(name, exchange):
    case = BY_NAME[name]
    async with playing(exchange) as loki:
        return await case.ask(loki, asked_of(RECORDED[name]))


@pytest.mark.parametrize("name", BY_NAME)
async def test_what_was_recorded_is_understood(name):
    exchange = RECORDED[name]
    said = BY_NAME[name].says(exchange["body"], asked_of(exchange))
    answer = await answer_to(name, exchange)
    assert answer == (tuple(said) if isinstance(answer, tuple) else said)


@pytest.mark.parametrize("name", BY_NAME)
async def test_a_recording_that_says_another_thing_is_noticed(name):
    exchange = RECORDED[name]
    said = await answer_to(name, exchange)
    tried = 0
    for what, changed in mutations(exchange, IGNORED, seed=20):
        tried += 1
        try:
            answer = await answer_to(name, changed)
        except errors.TelemetryError:
            continue
        assert answer != said, f"nobody noticed that {what} was changed"
    assert tried > 0


@pytest.mark.parametrize("name", ["query_range_streams_backward", "metric_rate", "instant_topk", "patterns"])
async def test_metadata_is_always_asked_for_apart_from_the_labels(name):
    exchange = RECORDED[name]
    replay = Replay(exchange)
    loki = Loki(Source("http://loki:3100", "loki"), transport=replay)
    await BY_NAME[name].ask(loki, asked_of(exchange))
    await loki.close()
    assert [replay.asked[0].headers[key] for key in CATEGORIZE] == list(CATEGORIZE.values())


async def test_metadata_beside_the_lines_keeps_streams_whole():
    apart, _, _ = await answer_to(
        "query_range_structured_metadata_categorized", RECORDED["query_range_structured_metadata_categorized"]
    )
    merged, _, _ = await answer_to(
        "query_range_structured_metadata_merged", RECORDED["query_range_structured_metadata_merged"]
    )
    assert [line.text for line in apart] == [line.text for line in merged]
    assert len({line.labels for line in apart}) < len({line.labels for line in merged})
    assert all(line.value("trace_id") and line.level in ("info", "error") for line in apart)


async def test_a_line_that_its_parser_could_not_read_is_a_line_with_a_reason():
    lines, _, _ = await answer_to("query_range_parser_error_label", RECORDED["query_range_parser_error_label"])
    assert {line.value("__error__") for line in lines} == {"JSONParserErr"}


ERRORS = {
    "error_bad_direction": errors.BadQuery,
    "error_bad_duration": errors.BadQuery,
    "error_bad_start": errors.BadQuery,
    "error_empty_compatible_matcher": errors.BadQuery,
    "error_empty_matcher": errors.BadQuery,
    "error_invalid_regex": errors.BadQuery,
    "error_limit_over_tenant_max": errors.TooHeavy,
    "error_limit_too_big": errors.TooHeavy,
    "error_max_query_length_6h": errors.TooHeavy,
    "error_missing_required_labels": errors.BadQuery,
    "error_parse": errors.BadQuery,
    "error_parse_pipe": errors.BadQuery,
    "error_query_missing": errors.BadQuery,
    "error_range_inverted": errors.BadQuery,
    "error_range_too_long": errors.TooHeavy,
    "error_too_many_matchers": errors.TooHeavy,
}


@pytest.mark.parametrize("name", ERRORS)
async def test_a_refusal_is_told_in_lokis_own_words(name):
    exchange = RECORDED[name]
    asked = params_of(exchange)
    start = asked["start"] if isinstance(asked["start"], int) else 1
    loose = {**exchange, "request": {**exchange["request"], "params": {}, "headers": {}}}
    del loose["request"]["params"]
    async with playing(loose) as loki:
        with pytest.raises(ERRORS[name]) as told:
            await loki.query_range_ns(asked["query"], start, asked["end"], max(1, int(asked.get("limit", 5))))
    said = " ".join(exchange["body"].split())
    assert str(told.value) in (f"loki: {said}", f"loki: {said[:299]}…")


@pytest.mark.parametrize("name", ["error_step_too_fine", "error_max_query_series", "error_too_many_series"])
async def test_a_metric_query_that_costs_too_much_is_told_as_that(name):
    exchange = {**RECORDED[name], "request": {**RECORDED[name]["request"], "headers": {}}}
    asked = params_of(exchange)
    async with playing(exchange) as loki:
        with pytest.raises(errors.TooHeavy, match=exchange["body"][:40].replace("(", r"\(").replace(")", r"\)")):
            await loki.matrix(asked["query"], *between(asked), float(asked["step"].removesuffix("s")))


async def test_a_pipeline_error_of_a_metric_query_names_the_series():
    exchange = RECORDED["error_unwrap_pipeline"]
    asked = params_of(exchange)
    async with playing(exchange) as loki:
        with pytest.raises(errors.BadQuery, match="SampleExtractionErr"):
            await loki.matrix(asked["query"], *between(asked), 60.0)


async def test_a_log_query_at_one_moment_is_refused_in_words():
    exchange = RECORDED["instant_log_query_error"]
    asked = params_of(exchange)
    async with playing(exchange) as loki:
        with pytest.raises(errors.BadQuery, match="not supported as an instant query"):
            await loki.instant(asked["query"], asked["time"] / 1e9)


async def test_the_one_error_that_is_json_is_told_as_its_words():
    async with playing(RECORDED["format_query_error"]) as loki:
        with pytest.raises(errors.BadQuery, match=r"^loki: parse error at line 1, col 4"):
            await loki.format_query("{a=")


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_limit_that_loki_refuses_is_not_asked_for(limit):
    async with playing(RECORDED["query_range_limit_zero"]) as loki:
        with pytest.raises(errors.BadQuery, match="limit"):
            await loki.query_range("{a='b'}", 1.0, 2.0, limit)
        assert loki.upstream._client._transport.asked == []


async def test_a_full_page_is_told_by_its_length_alone():
    exchange = RECORDED["query_range_nanosecond_paging"]
    asked = params_of(exchange)
    async with playing(exchange) as loki:
        page = await loki.query_range_ns(asked["query"], asked["start"], asked["end"], asked["limit"])
    assert len(page.lines) == asked["limit"]
    assert page.full


async def test_a_metric_query_is_no_list_of_lines_and_a_log_query_no_chart():
    exchange = RECORDED["metric_rate"]
    loose = {**exchange, "request": {"method": "GET", "path": exchange["request"]["path"]}}
    async with playing(loose) as loki:
        with pytest.raises(errors.BadQuery, match="counts lines"):
            await loki.query_range("rate({a='b'}[1m])", 1.0, 2.0)
    exchange = RECORDED["query_range_streams_backward"]
    loose = {**exchange, "request": {"method": "GET", "path": exchange["request"]["path"]}}
    async with playing(loose) as loki:
        with pytest.raises(errors.BadQuery, match="count_over_time"):
            await loki.matrix("{a='b'}", 1.0, 2.0, 1.0)


async def test_too_many_questions_at_once_are_told_as_too_heavy():
    exchange = RECORDED["error_too_many_outstanding_429"]
    async with playing(exchange) as loki:
        with pytest.raises(errors.TooHeavy, match="too many outstanding requests"):
            await loki.query_range("{a='b'}", 1.0, 2.0)


async def test_no_tenant_is_told_with_what_to_set():
    async with playing(RECORDED["tenant_error_no_org_id_query"]) as loki:
        with pytest.raises(errors.Denied, match=r"no org id.*tenant"):
            await loki.labels()
    async with playing(RECORDED["tenant_error_bad_org_id"], Access(tenant="a/b")) as loki:
        with pytest.raises(errors.BadQuery, match="unsupported character"):
            await loki.labels()
    async with playing(RECORDED["tenant_ok_empty"], Access(tenant="other")) as loki:
        assert await loki.labels() == ()


async def test_what_is_switched_off_names_the_setting():
    off = {"request": {"method": "GET", "path": "/loki/api/v1/patterns"}, "status": 404, "headers": {}, "body": "no"}
    async with playing(off) as loki:
        with pytest.raises(errors.BadQuery, match=r"pattern_ingester\.enabled"):
            await loki.patterns("{a='b'}", 1.0, 2.0)
    off["request"]["path"] = "/loki/api/v1/index/volume_range"
    async with playing(off) as loki:
        with pytest.raises(errors.BadQuery, match="volume_enabled"):
            await loki.volume("{a='b'}", 1.0, 2.0, 1.0)


async def test_patterns_and_volumes_want_a_plain_selector_and_say_so():
    asked = params_of(RECORDED["patterns_error_pipeline"])
    async with playing(RECORDED["patterns_error_pipeline"]) as loki:
        with pytest.raises(errors.BadQuery, match="only label matchers are supported"):
            await loki.patterns(asked["query"], *between(asked))


async def test_ready_and_not_ready():
    async with playing(RECORDED["ready"]) as loki:
        await loki.ready()
    async with playing(RECORDED["starting_ready_503"], Access(tenant="t1")) as loki:
        with pytest.raises(errors.NotReady, match="Some services are not Running"):
            await loki.ready()


async def test_a_query_that_hung_while_loki_starts_is_not_blamed_on_the_query():
    class Starting(Replay):
        async def handle_async_request(self, request):
            name = "starting_ready_503" if request.url.path == "/ready" else "starting_query"
            self.exchange = RECORDED[name]
            return await super().handle_async_request(request)

    asked = params_of(RECORDED["starting_query"])
    loki = Loki(Source("http://loki:3100", "loki"), access=Access(tenant="t1"), transport=Starting({}))
    with pytest.raises(errors.NotReady, match="not ready"):
        await loki.query_range_ns(asked["query"], asked["start"], asked["end"])
    await loki.close()


async def test_a_query_that_takes_too_long_is_too_heavy():
    class Slow(Replay):
        async def handle_async_request(self, request):
            self.exchange = RECORDED["ready" if request.url.path == "/ready" else "error_query_timeout_streams"]
            return await super().handle_async_request(request)

    asked = params_of(RECORDED["error_query_timeout_streams"])
    loki = Loki(Source("http://loki:3100", "loki"), access=Access(tenant="t1"), transport=Slow({}))
    with pytest.raises(errors.TooHeavy, match="request timed out, decrease the duration"):
        await loki.query_range_ns(asked["query"], asked["start"], asked["end"], 10)
    await loki.close()


async def test_a_push_says_nanoseconds_as_text_and_metadata_beside_the_line():
    labels = (("env", "lab"), ("service", "p1"))
    async with playing(RECORDED["push_json_ok"]) as loki:
        await loki.push(
            [
                LogLine(1795247298747750964, "hello", labels),
                LogLine(1795247298747750965, "with md", labels, (("trace_id", "abc"), ("user", "7"))),
            ]
        )


async def test_a_push_that_was_refused_in_part_says_that_the_rest_is_kept():
    exchange = RECORDED["push_partial_batch"]
    labels = (("service", "p8"),)
    lines = [LogLine(1795247298747750964, "good", labels), LogLine(1794469698747750964, "bad old", labels)]
    async with playing(exchange) as loki:
        with pytest.raises(errors.BadQuery, match=r"too old.*did not refuse are kept"):
            await loki.push(lines)
        assert len(loki.upstream._client._transport.asked) == 1


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("push_error_too_old", errors.BadQuery),
        ("push_error_future", errors.BadQuery),
        ("push_error_too_far_behind", errors.BadQuery),
        ("push_error_too_many_labels", errors.TooHeavy),
        ("push_error_line_too_long", errors.TooHeavy),
        ("push_error_metadata_too_many", errors.TooHeavy),
        ("push_error_bad_label_name", errors.BadQuery),
        ("push_error_per_stream_rate_429", errors.TooHeavy),
        ("push_error_rate_limited_429", errors.TooHeavy),
        ("push_error_stream_limit_429", errors.TooHeavy),
    ],
)
async def test_a_push_that_is_refused_is_told_in_words_and_not_repeated(name, error):
    loose = {**RECORDED[name], "request": {"method": "POST", "path": "/loki/api/v1/push"}}
    async with playing(loose) as loki:
        with pytest.raises(error) as told:
            await loki.push([PUSHED])
        assert len(loki.upstream._client._transport.asked) == 1
    assert " ".join(loose["body"].split())[:60] in str(told.value)


async def test_a_push_of_what_is_there_already_is_no_error_and_one_of_nothing_is_not_said():
    async with playing(RECORDED["push_duplicate_accepted"]) as loki:
        await loki.push([LogLine(1795247298747750964, "hello", (("env", "lab"), ("service", "p1")))])
    async with playing(RECORDED["push_empty_streams"]) as loki:
        await loki.push([])
        assert loki.upstream._client._transport.asked == []


@pytest.mark.parametrize(
    ("status", "body", "kind", "error", "words"),
    [
        (404, "404 page not found\n", "text/plain", errors.BadQuery, "404 page not found"),
        (405, "", "", errors.Protocol, "loki answered 405"),
        (502, "<html><h1>Bad Gateway</h1></html>", "text/html", errors.NotReady, "loki answered 502"),
        (503, "Ingester not ready: waiting for 15s after being ready", "text/plain", errors.NotReady, "not ready"),
    ],
)
async def test_what_loki_or_a_gateway_says_as_plain_text_is_told(status, body, kind, error, words):
    exchange = {
        "request": {"method": "GET", "path": "/loki/api/v1/labels"}, "status": status, "body": body,
        "headers": {"Content-Type": kind},
    }  # fmt: skip
    async with playing(exchange) as loki:
        with pytest.raises(error, match=words) as told:
            await loki.labels()
    assert "<" not in str(told.value)


async def test_a_push_in_milliseconds_is_stopped_before_it_is_read_as_1970():
    async with playing(RECORDED["push_error_ts_ms"]) as loki:
        with pytest.raises(errors.BadQuery, match="not in nanoseconds"):
            await loki.push([LogLine(1795247298747, "ms not ns", (("service", "p5"),))])
        assert loki.upstream._client._transport.asked == []


async def test_a_long_query_travels_as_a_form():
    exchange = RECORDED["query_range_streams_backward"]
    asked = params_of(exchange)
    query = asked["query"] + " |= `" + "x" * 2000 + "`"
    longer = {**exchange, "request": {**exchange["request"], "params": {**asked, "query": query}}}
    async with playing(longer) as loki:
        await loki.query_range_ns(query, asked["start"], asked["end"], asked["limit"])
        (request,) = loki.upstream._client._transport.asked
    assert (request.method, request.url.query) == ("POST", b"")


async def test_an_answer_that_no_loki_gives_is_told_without_repeating_it():
    for body in ("<html>hello</html>", [], {"status": "error"}, {"status": "success", "data": 5}):
        strange = {"request": {"method": "GET", "path": "/loki/api/v1/query_range"}, "status": 200, "body": body}
        async with playing(strange) as loki:
            with pytest.raises(errors.Protocol, match=r"^loki answered in a shape that is not its own"):
                await loki.query_range("{a='b'}", 1.0, 2.0)
