"""The client of Jaeger against what Jaeger 2.19.0 said, and against the same with one thing changed."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.contract.jaeger_cases import BY_NAME, IGNORED, search_of
from tests.contract.replay import Replay, exchanges, mutations, params_of
from warroom.telemetry import errors
from warroom.telemetry.jaeger import Jaeger, NotConfigured
from warroom.telemetry.jaeger_read import trace_id_of
from warroom.telemetry.source import Source
from warroom.telemetry.trace_shape import shape_of
from warroom.telemetry.traces import SpanLink, TraceSearch

RECORDED = exchanges("jaeger-2.19.0")
SEARCH = TraceSearch("a", 1.0, 2.0)


@asynccontextmanager
async def playing(exchange, base=""):
    jaeger = Jaeger(Source(f"http://jaeger:16686{base}", "jaeger"), transport=Replay(exchange))
    try:
        yield jaeger
    finally:
        await jaeger.close()


def loosely(name):
    """A recorded answer, whatever the parameters of the question are."""
    recorded = RECORDED[name]["request"]
    return {**RECORDED[name], "request": {"method": recorded["method"], "path": recorded["path"]}}


def asked_of(name):
    """As it was asked for; ids are sent with all of their digits, and durations in microseconds."""
    return {**params_of(RECORDED[name]), "path": RECORDED[name]["request"]["path"]}


async def answer_to(name, exchange):
    request = dict(exchange["request"])
    if "/api/traces/" in request["path"]:
        request["path"] = f"/api/traces/{trace_id_of(request['path'].split('/')[-1])}"
    params = dict(request.get("params", {}))
    for bound in ("minDuration", "maxDuration"):
        if bound in params:
            params[bound] = params[bound].replace("ms", "000us")
    if params:
        request["params"] = params
    async with playing({**exchange, "request": request}) as jaeger:
        return await BY_NAME[name].ask(jaeger, asked_of(name))


def plain(said):
    """Tuples for the small dataclasses within spans."""
    if isinstance(said, list):
        return [plain(one) for one in said]
    if isinstance(said, tuple):
        return tuple(plain(one) for one in said)
    if isinstance(said, dict):
        return {name: plain(value) for name, value in said.items()}
    if hasattr(said, "__slots__") and not isinstance(said, str | int | float):
        return tuple(plain(getattr(said, name)) for name in said.__slots__)
    return said


@pytest.mark.parametrize("name", BY_NAME)
async def test_what_was_recorded_is_understood(name):
    said = BY_NAME[name].says(RECORDED[name]["body"], asked_of(name))
    assert plain(await answer_to(name, RECORDED[name])) == said


@pytest.mark.parametrize("name", BY_NAME)
async def test_a_recording_that_says_another_thing_is_noticed(name):
    exchange = RECORDED[name]
    said = await answer_to(name, exchange)
    unread = IGNORED
    if "metrics" in name:
        unread = (IGNORED - {"type"}) | {"body.name"}
    if BY_NAME[name] is BY_NAME["search_operation"]:
        unread = IGNORED | UNSEEN_IN_A_SEARCH
    tried = 0
    for what, changed in mutations(exchange, unread, seed=16686):
        if what == "name":
            continue
        tried += 1
        try:
            answer = await answer_to(name, changed)
        except errors.TelemetryError:
            continue
        assert answer != said, f"nobody noticed that {what} was changed"
    assert tried > 0


UNSEEN_IN_A_SEARCH = frozenset(
    {"tags", "logs", "references", "warnings", "spanID", "operationName", "startTime", "duration"}
)
"""A line of a search is a summary: what is within single spans shows in it only by chance."""


async def test_times_of_a_search_are_microseconds_and_those_of_dependencies_milliseconds():
    exchange = RECORDED["search_service_limit2"]
    replay = Replay(exchange)
    jaeger = Jaeger(Source("http://jaeger:16686", "jaeger"), transport=replay)
    await jaeger.search(search_of(asked_of("search_service_limit2")))
    sent = replay.asked[0].url.params
    assert (sent["start"], sent["end"]) == ("1795245096714172", "1795248756714172")
    replay.exchange = RECORDED["dependencies"]
    await jaeger.dependencies(1795248756.714, 3600.0)
    sent = replay.asked[1].url.params
    assert (sent["endTs"], sent["lookback"]) == ("1795248756714", "3600000")
    await jaeger.close()


async def test_a_search_always_says_its_own_limit_and_range_since_the_server_has_others():
    replay = Replay(loosely("search_empty_unknown_service"))
    jaeger = Jaeger(Source("http://jaeger:16686", "jaeger"), transport=replay)
    assert await jaeger.search(TraceSearch("nope", 1.0, 2.0, shortest=0.1, longest=1.5)) == ()
    sent = dict(replay.asked[0].url.params)
    assert sent == {
        "service": "nope", "start": "1000000", "end": "2000000", "limit": "50",
        "minDuration": "100000us", "maxDuration": "1500000us",
    }  # fmt: skip
    await jaeger.close()


async def test_errors_only_asks_for_the_tag_and_looks_again_itself():
    exchange = RECORDED["search_tags_json"]
    asked = asked_of("search_tags_json")
    wanted = replace(search_of(asked), tags=(), errors_only=True)
    async with playing(exchange) as jaeger:
        found = await jaeger.search(wanted)
    assert [one.errors for one in found] == [3, 3]
    async with playing(loosely("search_min_max_duration")) as jaeger:
        everything = await jaeger.search(SEARCH)
        failed = await jaeger.search(replace(SEARCH, errors_only=True))
    assert [one for one in everything if one.errors] == list(failed)
    assert len(failed) < len(everything)


async def test_a_tag_that_occurs_twice_stays_twice_and_one_true_is_an_error():
    async with playing(RECORDED["trace"]) as jaeger:
        trace = await jaeger.trace("0af7651916cd43dd8448eb211c80319c")
    twice = [span for span in trace.spans if sum(key == "error" for key, _ in span.tags) == 2]
    assert [span.operation for span in twice] == ["payment.Charge"]
    assert [span.operation for span in trace.spans if span.error] == ["GET /checkout", "charge", "payment.Charge"]
    changed = json.loads(json.dumps(RECORDED["trace"]).replace('"value": true', '"value": false'))
    changed = json.loads(json.dumps(changed).replace('"ERROR"', '"OK"'))
    tags = changed["body"]["data"][0]["spans"][-1]["tags"]
    [tag for tag in tags if tag["key"] == "error"][1]["value"] = True
    async with playing(changed) as jaeger:
        trace = await jaeger.trace("0af7651916cd43dd8448eb211c80319c")
    assert [span.operation for span in trace.spans if span.error] == ["payment.Charge"]


async def test_a_tag_keeps_what_it_says_whatever_its_type():
    async with playing(RECORDED["trace"]) as jaeger:
        trace = await jaeger.trace("0af7651916cd43dd8448eb211c80319c")
    span = next(one for one in trace.spans if one.operation == "POST /api/checkout")
    assert (span.tag("cart.items"), span.tag("cart.total"), span.tag("premium")) == ("3", "99.5", "true")


async def test_a_span_without_its_parent_is_an_orphan_and_still_in_the_tree():
    async with playing(RECORDED["trace_orphan_parent"]) as jaeger:
        trace = await jaeger.trace("bbbb651916cd43dd8448eb211c80319c")
    (span,) = trace.spans
    assert (span.parent, span.orphan) == ("", True)
    assert "not in the trace" in span.warnings[0]
    assert shape_of(trace).roots == (span,)


async def test_a_link_into_another_trace_is_no_parent():
    async with playing(RECORDED["trace_async_link_follows_from"]) as jaeger:
        trace = await jaeger.trace("aaaa651916cd43dd8448eb211c80319c")
    publish, process = trace.spans
    assert process.parent == publish.span_id
    assert process.links == (SpanLink("0af7651916cd43dd8448eb211c80319c", "0496be3975f99ac4"),)


async def test_skewed_clocks_are_left_as_they_are_and_the_warning_is_kept():
    async with playing(RECORDED["trace_clock_skew"]) as jaeger:
        trace = await jaeger.trace("cccc651916cd43dd8448eb211c80319c")
    assert any("clock skew adjustment disabled" in word for span in trace.spans for word in span.warnings)


async def test_the_same_span_sent_twice_is_one():
    async with playing(RECORDED["trace_duplicate_span_sent_twice"]) as jaeger:
        assert len((await jaeger.trace("eeee651916cd43dd8448eb211c80319c")).spans) == 1


@pytest.mark.parametrize(
    "said", ["0AF7651916CD43DD8448EB211C80319C", " 0af7651916cd43dd8448eb211c80319c\n", "CvdlGRbNQ92ESOshHIAxnA=="]
)
async def test_an_id_is_found_in_any_of_its_spellings(said):
    async with playing(RECORDED["trace"]) as jaeger:
        assert (await jaeger.trace(said)).trace_id == "0af7651916cd43dd8448eb211c80319c"


async def test_a_short_id_gets_its_zeros_back():
    exchange = {**RECORDED["trace_short_id_zero_padded"]}
    exchange["request"] = {"method": "GET", "path": "/api/traces/000000000000000000000000deadbeef"}
    async with playing(exchange) as jaeger:
        assert (await jaeger.trace("deadbeef")).trace_id == "000000000000000000000000deadbeef"


@pytest.mark.parametrize("said", ["xyz", "", "f" * 33, "0" * 32, "0", "../services", "%2e%2e"])
async def test_what_is_no_id_is_not_asked_for(said):
    async with playing(RECORDED["trace_error_bad_id"]) as jaeger:
        with pytest.raises(errors.BadQuery, match="trace id"):
            await jaeger.trace(said)
        assert jaeger.upstream._client._transport.asked == []


async def test_a_trace_that_is_not_there_is_told():
    async with playing(RECORDED["trace_not_found"]) as jaeger:
        with pytest.raises(errors.BadQuery, match=r"^jaeger: trace not found$"):
            await jaeger.trace("f" * 32)


async def test_misses_that_come_with_a_success_are_kept_as_warnings():
    exchange = loosely("search_traceid_list")
    exchange["request"] = {"method": "GET", "path": "/api/traces/0af7651916cd43dd8448eb211c80319c"}
    async with playing(exchange) as jaeger:
        trace = await jaeger.trace("0af7651916cd43dd8448eb211c80319c")
    assert trace.warnings == ("trace not found (ffffffffffffffffffffffffffffffff)",)


@pytest.mark.parametrize(
    "name",
    [
        "search_error_bad_start", "search_error_bad_min_duration", "search_error_bad_limit", "search_error_bad_tag",
        "search_error_bad_tags_json", "search_error_max_lt_min", "search_error_no_service", "search_limit_zero",
        "search_error_negative_limit",
    ],
)  # fmt: skip
async def test_an_error_that_calls_itself_plain_text_is_read_nevertheless(name):
    (told,) = json.loads(RECORDED[name]["body"])["errors"]
    async with playing(loosely(name)) as jaeger:
        with pytest.raises(errors.BadQuery) as refused:
            await jaeger.search(SEARCH)
    assert str(refused.value) == f"jaeger: {told['msg']}"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (replace(SEARCH, limit=0), "limit"),
        (replace(SEARCH, limit=-1), "limit"),
        (replace(SEARCH, service=""), "service"),
        (replace(SEARCH, end=1.0), "range"),
        (replace(SEARCH, shortest=5.0, longest=1.0), "duration"),
        (replace(SEARCH, tags=(("a", "1"), ("a", "2"))), "once"),
    ],
)
async def test_what_jaeger_would_refuse_is_not_asked_for(wanted, words):
    async with playing(RECORDED["search_no_match"]) as jaeger:
        with pytest.raises(errors.BadQuery, match=words):
            await jaeger.search(wanted)
        assert jaeger.upstream._client._transport.asked == []


async def test_service_performance_that_is_not_set_up_is_told_as_that():
    async with playing(loosely("metrics_not_configured_501"), "/jaeger/ui") as jaeger:
        with pytest.raises(NotConfigured, match=r"metrics querying is currently disabled.*storage of metrics"):
            await jaeger.calls(["a"], 1.0, 61.0, 30.0)


@pytest.mark.parametrize("name", ["metrics_error_bad_step", "metrics_error_bad_span_kind", "metrics_error_no_service"])
async def test_a_question_for_performance_that_is_refused_is_told_in_words(name):
    (told,) = json.loads(RECORDED[name]["body"])["errors"]
    async with playing(loosely(name)) as jaeger:
        with pytest.raises(errors.BadQuery) as refused:
            await jaeger.calls(["checkout"], 1.0, 61.0, 30.0)
    assert str(refused.value) == f"jaeger: {told['msg']}"


async def test_a_base_path_is_part_of_the_url_and_missing_it_is_told():
    async with playing(RECORDED["base_path_wrong_root"]) as jaeger:
        with pytest.raises(errors.BadQuery, match="base path"):
            await jaeger.services()
    moved = {**RECORDED["services"], "request": {"method": "GET", "path": "/jaeger/ui/api/services"}}
    async with playing(moved, "/jaeger/ui") as jaeger:
        assert "checkout" in await jaeger.services()


async def test_jaeger_traces_itself_and_is_among_the_services():
    async with playing(RECORDED["services_empty"]) as jaeger:
        assert await jaeger.services() == ("jaeger",)


async def test_the_version_is_read_from_the_page_or_left_empty():
    page = {"request": {"method": "GET", "path": "/"}, "status": 200, "headers": {"Content-Type": "text/html"}}
    body = '<script>const JAEGER_VERSION = {"gitCommit":"abc","gitVersion":"v2.19.0","buildDate":""};</script>'
    async with playing({**page, "body": body}) as jaeger:
        assert await jaeger.version() == "2.19.0"
    async with playing(RECORDED["root_html"]) as jaeger:
        assert await jaeger.version() == ""


async def test_an_answer_that_no_jaeger_gives_is_told():
    for body in ("<html>hello</html>", [], {"data": 5}, {"data": [{}]}, {"errors": None}):
        strange = {"request": {"method": "GET", "path": "/api/traces"}, "status": 200, "body": body}
        async with playing(strange) as jaeger:
            with pytest.raises(errors.Protocol, match=r"^jaeger answered in a shape that is not its own"):
                await jaeger.search(SEARCH)


def test_no_recorded_push_of_the_tests_has_the_id_that_hides_older_traces():
    """A span with a trace id of zeros hides every older trace of Jaeger's memory store from its search."""
    sent = json.dumps(RECORDED["otlp_zero_trace_id"]["request"])
    assert "0" * 32 in sent
    with pytest.raises(ValueError, match="zeros"):
        trace_id_of("0" * 32)
