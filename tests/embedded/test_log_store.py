"""What is kept of the lines that are appended, in which order, and how the async client and its tails give it out."""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warroom.embedded.log_levels import level_of_text
from warroom.embedded.log_store import LogLimits, LogStore
from warroom.embedded.logql import LogQL
from warroom.embedded.logs import EmbeddedLogs
from warroom.telemetry import errors
from warroom.telemetry.logs import LogLine

SECOND = 1_000_000_000
T0 = 1_795_247_280
LABELS = (("app", "shop"),)
KNOWN = (("detected_level", "info"),)


def line(at, text="x", labels=LABELS, metadata=KNOWN):
    return LogLine(T0 * SECOND + round(at * SECOND), text, labels, metadata)


def texts(store):
    return [one.text for one in store.everything()]


def test_lines_are_kept_in_order_of_time_whatever_order_they_come_in():
    store = LogStore()
    store.append([line(at, str(at)) for at in (1, 3, 2, 5, 4, 0)])
    assert texts(store) == ["0", "1", "2", "3", "4", "5"]
    assert (store.lines_kept, store.serial, store.newest_ns) == (6, 6, (T0 + 5) * SECOND)


def test_the_same_text_at_the_same_moment_of_a_stream_is_kept_once():
    store = LogStore()
    other = (("app", "other"),)
    refused = store.append([line(1, "a"), line(1, "a"), line(1, "b"), line(1, "a", other), line(2, "a"), line(1, "b")])
    assert refused == ()
    assert (store.lines_kept, store.serial) == (4, 4)


def test_an_hour_behind_the_newest_is_taken_and_more_is_not():
    store = LogStore()
    store.append([line(7200, "new")])
    refused = store.append(
        [line(3600, "an hour"), line(3599, "more"), line(7201, "newer"), line(0, "x", (("a", "b"),))]
    )
    assert [one.line.text for one in refused] == ["more"]
    assert refused[0].words == (
        "entry too far behind, entry timestamp is: 2026-11-21T08:47:59Z, oldest acceptable timestamp is: "
        "2026-11-21T08:48:00Z"
    )
    assert sorted(texts(store)) == ["an hour", "new", "newer", "x"]


def test_what_a_line_lacks_of_service_and_level_is_added():
    store = LogStore()
    store.append([line(1, "level=warn x=1", (("container", "c1"), ("empty", "")), ())])
    (kept,) = store.everything()
    assert kept.labels == (("container", "c1"), ("service_name", "c1"))
    assert kept.metadata == (("detected_level", "warn"),)
    store = LogStore()
    store.append([line(1, "x", (("level", "ERR"),), (("level", "y"), ("trace_id", "ab")))])
    (kept,) = store.everything()
    assert kept.labels == (("level", "ERR"), ("service_name", "unknown_service"))
    assert kept.metadata == (("detected_level", "error"), ("level_extracted", "y"), ("trace_id", "ab"))


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("level=error x", "error"), ("LVL=Warning", "warn"), ('{"severity":"CRITICAL"}', "critical"),
        ("[ERROR] x", "error"),
        ('{"a":{"level":"debug"}}', "debug"), ('{"a":{"b":{"level":"d"}}}', "unknown"), ("nothing here", "unknown"),
        ("a terror of errors", "unknown"), ("info: started, no error", "info"), ('{"msg":"error"}', "error"),
        ("", "unknown"),
        ("level=nope error", "error"), ("{broken level=warn", "warn"), ("trace", "trace"), ("misc:error", "unknown"),
    ],
)  # fmt: skip
def test_a_level_is_found_in_the_line_itself(text, level):
    assert level_of_text(text) == level


def test_more_streams_than_are_granted_are_refused():
    store = LogStore(LogLimits(streams=2))
    refused = store.append([line(1, "x", (("app", str(number)),)) for number in range(4)])
    assert [one.words.split(",")[0] for one in refused] == [
        f'maximum active stream limit exceeded when trying to create stream {{app="{number}"' for number in (2, 3)
    ]
    assert store.lines_kept == 2


def test_what_is_older_than_the_retention_goes():
    store = LogStore(LogLimits(retention=100.0))
    for at in range(0, 1000, 10):
        store.append([line(at, str(at)), line(at, "only once", (("app", f"a{at // 100}"),))])
    kept = [int(text) for text in texts(store) if text != "only once"]
    assert kept[-1] == 990
    assert 880 <= kept[0] <= 890
    assert store.lines_kept == len(list(store.everything()))
    assert LogQL(store).label_values("app") == ("a8", "a9", "shop")
    assert store.forget((T0 + 2000) * SECOND) > 0
    assert store.lines_kept == 0
    store.append([line(2000, "again")])
    assert texts(store) == ["again"]


def test_listeners_hear_what_is_kept_and_nothing_after_they_stop():
    store = LogStore()
    heard = []
    stop = store.subscribe(heard.extend)
    store.append([line(1, "a"), line(1, "a")])
    stop()
    stop()
    store.append([line(2, "b")])
    assert [one.text for one in heard] == ["a"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from("abc"), st.sampled_from("xyz")), max_size=60),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_a_page_is_what_a_plain_sieve_of_all_lines_would_be(rows, start, length):
    store = LogStore()
    store.append([line(at, text, (("app", app),)) for at, app, text in rows])
    every = {(at, app, text) for at, app, text in rows}
    low, high = (T0 + start) * SECOND, (T0 + start + length) * SECOND
    page = LogQL(store).query_range('{app=~"a|b"} != "z"', low, high, 1000, "forward")
    wanted = sorted(
        (at, app, text) for at, app, text in every if start <= at < start + length and app != "c" and text != "z"
    )
    found = [(one.ns // SECOND - T0, dict(one.labels)["app"], one.text) for one in page.lines]
    assert sorted(found) == wanted
    assert [one[0] for one in found] == [one[0] for one in wanted]
    back = LogQL(store).query_range('{app=~"a|b"} != "z"', low, high, 5, "backward")
    assert list(back.lines) == list(page.lines)[::-1][:5]
    assert back.full == (len(page.lines) >= 5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=60), st.integers(1, 120), st.integers(1, 60))
def test_counts_by_step_are_those_of_a_plain_count(times, interval, step):
    store = LogStore()
    store.append([line(at, str(number)) for number, at in enumerate(sorted(times))])
    found = LogQL(store).matrix(f'sum(count_over_time({{app="shop"}}[{interval}s]))', T0, T0 + 300, step)
    counted = dict(zip(found.lines[0].times, found.lines[0].values, strict=True)) if found.lines else {}
    first = T0 - T0 % step
    for at in range(first, T0 + 301, step):
        wanted = sum(at - interval < T0 + when <= at for when in times)
        assert counted.get(at, 0) == wanted


# -- the client --------------------------------------------------------------------------------------------------------


def client(store):
    return EmbeddedLogs(LogQL(store), lambda: T0 + 100.0)


async def test_the_client_answers_what_panes_ask():
    store = LogStore()
    store.append([line(at, f"level=info msg=paid order={at}", metadata=()) for at in range(10)])
    logs = client(store)
    await logs.ready()
    assert (await logs.query_range('{app="shop"}', T0, T0 + 10, 3)).full
    assert (await logs.matrix('sum(rate({app="shop"}[1m]))', T0, T0 + 60, 60)).lines[0].times == (T0, T0 + 60)
    assert (await logs.instant('sum(count_over_time({app="shop"}[1m]))', T0 + 9)).samples[0].value == 10
    assert await logs.labels() == ("app", "service_name")
    assert await logs.label_values("app", '{service_name="shop"}', T0, T0 + 5) == ("shop",)
    assert (await logs.patterns('{app="shop"}', T0, T0 + 60))[0].pattern == "level=info msg=paid order=<_>"
    assert [field.name for field in await logs.detected_fields('{app="shop"}', T0, T0 + 60)] == [
        "detected_level", "level", "msg", "order",
    ]  # fmt: skip
    assert await logs.detected_field_values("order", '{app="shop"}', T0, T0 + 60, 2) == ("9", "8")
    assert (await logs.volume('{app="shop"}', T0, T0 + 60, 60))[0].samples[0][1] == 10 * 27
    assert await logs.series(['{app="shop"}']) == ((("app", "shop"), ("service_name", "shop")),)
    assert await logs.format_query('{a="b"}|json') == '{a="b"} | json'


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda logs: logs.query_range("{a=", T0, T0 + 1), errors.BadQuery),
        (lambda logs: logs.query_range('rate({a="b"}[1m])', T0, T0 + 1), errors.BadQuery),
        (lambda logs: logs.query_range('{a="b"}', T0, T0 + 1, 9999), errors.TooHeavy),
        (lambda logs: logs.matrix('{a="b"}', T0, T0 + 1, 1), errors.BadQuery),
        (lambda logs: logs.matrix('rate({a="b"}[1m])', T0, T0 + 86_400, 1), errors.TooHeavy),
        (lambda logs: logs.instant('{a="b"}', T0), errors.BadQuery),
        (lambda logs: logs.patterns('{a="b"} |= "x"', T0, T0 + 1), errors.BadQuery),
        (lambda logs: anext(logs.tail("{a=")), errors.BadQuery),
    ],
)
async def test_the_client_refuses_with_errors_of_telemetry(ask, error):
    with pytest.raises(error):
        await ask(client(LogStore()))


async def test_a_tail_tells_older_lines_then_each_new_one_once():
    store = LogStore()
    store.append([line(at, f"old {at}") for at in range(5)])
    logs, heard = client(store), []
    async with asyncio.timeout(20), aclosing(logs.tail('{app="shop"} != "no"', T0, 3)) as tail:
        async for batch in tail:
            heard += [one.text for one in batch.lines]
            if len(heard) == 3:
                store.append([line(10, "new"), line(11, "no"), line(12, "newer"), line(13, "x", (("app", "other"),))])
            if "newer" in heard:
                break
    assert heard == ["old 2", "old 3", "old 4", "new", "newer"]
    store.append([line(20, "after")])
    assert store._listeners == []


async def test_a_tail_hears_of_lines_that_another_thread_appends():
    store = LogStore()
    logs, heard = client(store), []
    async with asyncio.timeout(20), aclosing(logs.tail('{app="shop"} | logfmt | n >= 0', T0)) as tail:
        async for batch in tail:
            if not heard:
                lines = [line(at, f"n={at}") for at in range(200)]
                random.Random(1).shuffle(lines)
                await asyncio.to_thread(store.append, lines)
            heard += [one.text for one in batch.lines]
            if len(heard) >= 200:
                break
    assert sorted(heard) == sorted(f"n={at}" for at in range(200))
