"""A tail of Loki over real websockets: recorded sessions, bursts, lost connections, and what cannot be got back."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from tests.contract.replay import exchanges
from tests.contract.tail_server import Session, TailServer, frame, recorded_session, until
from warroom.telemetry import errors
from warroom.telemetry.loki import Loki
from warroom.telemetry.loki_tail import follow
from warroom.telemetry.loki_tail_merge import Pace
from warroom.telemetry.source import Access, Limits, Source

TAILS = exchanges("loki-3.7.6", "tails")
A = {"service": "a"}
FAST = Pace(settle=0.05, hold=0.2, first_wait=0.01, longest_wait=0.05)
BASE = 1_795_247_417_000_000_000


async def gather(server, enough, query='{service="a"}', *, pace=FAST, trouble=None, access=None, source=None, **how):
    """Batches until they are enough."""
    loki = Loki(source or Source(server.url, "loki"), Limits(connect=2.0, total=5.0), access)
    batches = []
    asked = {"since": None, "limit": 100, "delay_for": 0, **how}
    try:
        async with asyncio.timeout(20), aclosing(follow(loki, query, **asked, trouble=trouble, pace=pace)) as tail:
            async for batch in tail:
                batches.append(batch)
                if enough(batches):
                    return batches
    finally:
        await loki.close()
    raise AssertionError("a tail does not end by itself")


def lines_of(batches):
    return [(line.ns, line.text) for batch in batches for line in batch.lines]


@pytest.mark.parametrize("name", [name for name, tail in TAILS.items() if tail["frames"] and name != "tail_burst"])
async def test_a_recorded_session_is_heard_whole_and_in_order(name):
    tail = TAILS[name]
    streams = [stream for one in tail["frames"] for stream in one["data"]["streams"]]
    said = sorted((int(value[0]), value[1]) for stream in streams for value in stream["values"])
    async with TailServer([recorded_session(tail)]) as server:
        batches = await gather(server, until(len(said)), tail["request"]["params"]["query"])
    assert lines_of(batches) == said
    assert sum(batch.lost + batch.backfilled for batch in batches) == 0


async def test_a_line_keeps_the_metadata_that_a_tail_gives_only_to_those_who_ask():
    async with TailServer([recorded_session(TAILS["tail_categorized"])]) as server:
        ((line,),) = [batch.lines for batch in await gather(server, until(1))]
    assert server.headers[0]["x-loki-response-encoding-flags"] == "categorize-labels"
    assert line.value("trace_id") == "bb"
    assert dict(line.labels) == {"env": "lab", "service": "tail2", "service_name": "tail2"}


async def test_how_much_and_since_when_is_asked_for_in_nanoseconds():
    tail = TAILS["tail_with_history"]
    asked = tail["request"]["params"]
    async with TailServer([recorded_session(tail)]) as server:
        await gather(server, until(4), asked["query"], since=asked["start"], limit=3, delay_for=2)
    assert server.tails == [{"query": asked["query"], "start": str(asked["start"]), "limit": "3", "delay_for": "2"}]


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("tail_error_parse", errors.BadQuery, "syntax error: unexpected"),
        ("tail_error_metric_query", errors.BadQuery, "only log selector is supported"),
        ("tail_error_delay_too_big", errors.BadQuery, "delay_for can't be greater than 5"),
    ],
)
async def test_a_tail_that_loki_refuses_ends_with_its_words(name, error, words):
    async with TailServer([recorded_session(TAILS[name])]) as server:
        with pytest.raises(error, match=words):
            await gather(server, until(1))
        assert len(server.tails) == 1


async def test_a_delay_that_loki_refuses_is_not_asked_for():
    async with TailServer([]) as server:
        with pytest.raises(errors.BadQuery, match="0 to 5 s"):
            await gather(server, until(1), delay_for=9)
        assert server.tails == []


async def test_the_eleventh_tail_of_a_tenant_is_told_in_words():
    words = "max concurrent tail requests limit exceeded, count > limit (10 > 10)"
    async with TailServer([Session(close=(1011, words))]) as server:
        with pytest.raises(errors.TooHeavy, match=r"10 > 10.*end another tail"):
            await gather(server, until(1))


async def test_credentials_and_tenant_are_shown_and_wrong_ones_told():
    async with TailServer([Session(refuse=(401, "no org id\n"))]) as server:
        with pytest.raises(errors.Denied, match=r"no org id.*tenant"):
            await gather(
                server, until(1), access=Access(tenant="t1"), source=Source(server.url, "loki", token="s3cret")
            )
        assert server.headers[0]["authorization"] == "Bearer s3cret"
        assert server.headers[0]["x-scope-orgid"] == "t1"
    async with TailServer([Session(refuse=(403, "s3cret is wrong"))]) as server:
        source = Source(server.url, "loki", username="ann", password="s3cret")
        with pytest.raises(errors.Denied) as told:
            await gather(server, until(1), source=source)
        assert server.headers[0]["authorization"] == "Basic YW5uOnMzY3JldA=="
        assert "s3cret" not in str(told.value)


async def test_a_redirect_is_not_followed_with_the_credentials():
    async with TailServer([Session(refuse=(302, "over there"))]) as server:
        with pytest.raises(errors.Protocol, match="redirects"):
            await gather(server, until(1))


def burst():
    """The 45,000 lines of the recorded burst: 30 pushes of 1,500, a nanosecond apart within a push."""
    starts = {0: 1795247417354592093, 4: 1795247417434305256, 14: 1795247417568453766, 29: 1795247417796711861}
    known = sorted(starts)
    for push in range(30):
        if push not in starts:
            low = max(one for one in known if one < push)
            high = min(one for one in known if one > push)
            starts[push] = starts[low] + (starts[high] - starts[low]) * (push - low) // (high - low)
    labels = {"env": "lab", "service": "burst", "service_name": "burst"}
    return [
        (starts[push] + line, f"burst {push}-{line} {'x' * 80}", labels) for push in range(30) for line in range(1500)
    ]


async def test_a_burst_that_loki_dropped_most_of_arrives_whole():
    """The recording holds 4 of the 2,871 lines that the tail delivered and 6 of the 8,362 that it named as dropped;
    45,000 were pushed. All of them arrive, once, in order, and 44,996 are told to be backfilled.
    """
    lines = burst()
    recorded = recorded_session(TAILS["tail_burst"])
    told = {(int(ns), text) for one in recorded.frames for stream in one["streams"] for ns, text in stream["values"]}
    assert len(told) == 4
    assert told <= {(ns, text) for ns, text, _ in lines}
    async with TailServer([recorded], lines) as server:
        batches = await gather(server, until(45_000), '{service="burst"}')
    assert lines_of(batches) == [(ns, text) for ns, text, _ in lines]
    assert sum(batch.backfilled for batch in batches) == 45_000 - 4
    assert sum(batch.lost for batch in batches) == 0
    assert {query["query"] for query in server.queries} == {'{service="burst"}'}
    assert all(len(batch.lines) <= 5000 for batch in batches)


async def test_lines_that_vanish_unnamed_in_a_rush_are_asked_for():
    """No frame says that anything was dropped; the rush alone is reason enough to look."""
    stored = [(BASE + at, f"line {at}", A) for at in range(3000)]
    heard = [frame((BASE, "line 0"), labels=A)]
    heard += [frame(*[(BASE + at, f"line {at}") for at in range(low, low + 400)], labels=A) for low in (1, 800, 2599)]
    async with TailServer([Session(heard)], stored) as server:
        batches = await gather(server, until(3000))
    assert lines_of(batches) == [(ns, text) for ns, text, _ in stored]
    assert sum(batch.backfilled for batch in batches) == 3000 - 1 - 3 * 400


async def test_equal_lines_are_told_apart_by_how_many_there_are():
    stored = [(BASE, "same", A), (BASE, "same", A), (BASE, "same", A), (BASE + 1, "end", A)]
    heard = [frame((BASE, "same"), labels=A), frame((BASE + 1, "end"), labels=A, dropped=[BASE, BASE])]
    async with TailServer([Session(heard)], stored) as server:
        batches = await gather(server, until(4))
    assert sorted(lines_of(batches)) == [(BASE, "same")] * 3 + [(BASE + 1, "end")]
    assert sum(batch.backfilled for batch in batches) == 2


async def test_named_lines_that_no_query_finds_are_told_as_lost():
    stored = [(BASE, "one", A), (BASE + 5, "two", A)]
    heard = [frame((BASE, "one"), labels=A), frame((BASE + 5, "two"), labels=A, dropped=[BASE + 2, BASE + 3])]
    async with TailServer([Session(heard)], stored) as server:
        batches = await gather(server, lambda batches: any(batch.lost for batch in batches))
    assert lines_of(batches) == [(BASE, "one"), (BASE + 5, "two")]
    assert sum(batch.lost for batch in batches) == 2


async def test_a_query_that_fails_at_first_is_asked_again_and_the_lines_flow_meanwhile():
    stored = [(BASE + at, f"line {at}", A) for at in range(10)]
    heard = [frame((BASE, "line 0"), labels=A), frame((BASE + 9, "line 9"), labels=A, dropped=[BASE + 4])]
    async with TailServer([Session(heard)], stored, queries_fail=2) as server:
        batches = await gather(server, until(10))
    assert lines_of(batches)[:2] == [(BASE, "line 0"), (BASE + 9, "line 9")]
    assert sorted(lines_of(batches)) == [(ns, text) for ns, text, _ in stored]
    assert sum(batch.lost for batch in batches) == 0


async def test_when_even_the_queries_fail_the_loss_is_told():
    heard = [frame((BASE, "line 0"), labels=A), frame((BASE + 9, "line 9"), labels=A, dropped=[BASE + 4, BASE + 5])]
    pace = Pace(settle=0.02, hold=0.1, tries=2, longest_wait=0.02)
    async with TailServer([Session(heard)], queries_fail=100) as server:
        batches = await gather(server, lambda batches: any(batch.lost for batch in batches), pace=pace)
    assert lines_of(batches) == [(BASE, "line 0"), (BASE + 9, "line 9")]
    assert sum(batch.lost for batch in batches) == 2
    assert len(server.queries) == 2


@pytest.mark.parametrize("end", [Session(cut=True), Session(close=(1011, "rpc error: ingester is gone"))])
async def test_a_lost_connection_leaves_no_gap_and_repeats_nothing(end):
    """Five lines before, one of them told again afterwards, three that nobody told, and one that came late."""
    stored = [(BASE + at, f"line {at}", A) for at in range(9)]
    before = frame(*[(ns, text) for ns, text, _ in stored[:5]], labels=A)
    after = frame((BASE + 4, "line 4"), (BASE + 8, "line 8"), labels=A)
    said = []
    sessions = [Session([before], end.close, cut=end.cut), Session([after])]
    async with TailServer(sessions, stored) as server:
        batches = await gather(server, until(9), trouble=said.append)
    assert lines_of(batches) == [(ns, text) for ns, text, _ in stored]
    assert server.tails[1]["start"] == str(BASE + 4)
    assert isinstance(said[0], errors.Unreachable)
    assert said[1] is None


async def test_lines_that_came_late_and_out_of_order_while_away_are_found():
    stored = [(BASE, "one", A), (BASE + 2_000_000_000, "two", A), (BASE + 1_000_000_000, "late", A)]
    before = frame((BASE, "one"), (BASE + 2_000_000_000, "two"), labels=A)
    async with TailServer([Session([before], cut=True), Session()], stored) as server:
        batches = await gather(server, until(3))
    assert lines_of(batches)[-1] == (BASE + 1_000_000_000, "late")


async def test_the_end_of_an_hour_is_bridged_in_silence():
    stored = [(BASE, "one", A), (BASE + 1, "between", A), (BASE + 2, "two", A)]
    said = []
    first = Session([frame((BASE, "one"), labels=A)], (1011, "reached tail max duration limit"))
    async with TailServer([first, Session([frame((BASE + 2, "two"), labels=A)])], stored) as server:
        batches = await gather(server, until(3), trouble=said.append)
    assert lines_of(batches) == [(ns, text) for ns, text, _ in stored]
    assert said == []


async def test_a_loki_that_is_not_ready_is_asked_again_until_it_is():
    said = []
    sessions = [Session(refuse=(503, "Ingester not ready")), Session([frame((BASE, "one"), labels=A)])]
    async with TailServer(sessions, [(BASE, "one", A)]) as server:
        batches = await gather(server, until(1), trouble=said.append)
    assert lines_of(batches) == [(BASE, "one")]
    assert [type(one) for one in said] == [errors.NotReady, type(None)]


async def test_an_idle_tail_answers_pings_and_stays():
    assert TAILS["tail_idle"]["frames"] == []
    async with TailServer([Session([frame((BASE, "one"), labels=A)], pings=3)]) as server:
        batches = await gather(server, until(1))
    assert lines_of(batches) == [(BASE, "one")]
    assert len(server.tails) == 1


async def test_an_upgrade_that_was_lost_on_the_way_is_told_as_that():
    plain = exchanges("loki-3.7.6")["tail_http_not_websocket"]
    async with TailServer([Session(refuse=(plain["status"], plain["body"]))]) as server:
        with pytest.raises(errors.Protocol, match="does a proxy let them through"):
            await gather(server, until(1))


async def test_a_frame_that_no_loki_sends_ends_the_tail_in_words():
    async with TailServer([Session([{"streams": [{"stream": {}, "values": [[5, "x"]]}]}])]) as server:
        with pytest.raises(errors.Protocol, match="shape that is not its own"):
            await gather(server, until(1))


async def test_ending_a_tail_closes_its_connection():
    async with TailServer([Session([frame((BASE, "one"), labels=A)])], [(BASE, "one", A)]) as server:
        await gather(server, until(1))
        async with asyncio.timeout(5):
            await server.idle.wait()


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("most", [100, 5000])
async def test_pages_give_every_line_once_also_where_many_share_a_nanosecond(direction, most):
    stored = [(BASE + at // 7, f"line {at}", A) for at in range(6000)]
    async with TailServer([], stored, most=most) as server:
        loki = Loki(Source(server.url, "loki"))
        pages = [page async for page in loki.pages("{}", BASE, BASE + 10_000, direction)]
        await loki.close()
    found = [line for page in pages for line in page.lines]
    assert sorted((line.ns, line.text) for line in found) == sorted((ns, text) for ns, text, _ in stored)
    times = [line.ns for line in found]
    assert times == sorted(times, reverse=direction == "backward")
    assert not any(page.warnings for page in pages)


async def test_a_nanosecond_with_more_lines_than_a_page_is_passed_with_a_warning():
    stored = [(BASE, f"line {at}", A) for at in range(30)] + [(BASE + 1, "after", A)]
    async with TailServer([], stored, most=10) as server:
        loki = Loki(Source(server.url, "loki"))
        pages = [page async for page in loki.pages("{}", BASE, BASE + 10, "forward")]
        await loki.close()
    assert [line.text for line in pages[-1].lines] == ["after"]
    assert any("not all shown" in word for page in pages for word in page.warnings)
