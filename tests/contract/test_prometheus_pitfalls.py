"""Where a real Prometheus surprises, old and new: each surprise, and that the client copes with it or tells of it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.contract.conftest import prometheus_program
from tests.contract.lab import STEP, Lab, launch_prometheus
from tests.contract.remote_write import Written, write
from tests.contract.suite import numbers
from tests.real_servers import RealServer
from warroom.telemetry import errors
from warroom.telemetry.prometheus import Matrix, Prometheus
from warroom.telemetry.prometheus_api import TRUNCATED
from warroom.telemetry.prometheus_errors import failure
from warroom.telemetry.source import Limits, Source
from warroom.telemetry.upstream import Answer, Upstream

pytestmark = pytest.mark.servers

PAGE = b"""# TYPE lab_seconds histogram
lab_seconds_bucket{le="1"} 3
lab_seconds_bucket{le="+Inf"} 4
lab_seconds_sum 5
lab_seconds_count 4
# TYPE lab_gauge gauge
lab_gauge 1
"""


class Exporter:
    """A page of metrics; `kind` is its content type, empty for none. `close` lets it refuse connections."""

    def __init__(self, kind: str) -> None:
        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                if kind:
                    self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(PAGE)

            def log_message(self, *_words: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self._server.daemon_threads = True
        self.target = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Bare:
    """A Prometheus of the default settings, which scrapes a well-behaved exporter and one that names no format."""

    server: RealServer
    good: Exporter
    nameless: Exporter


@pytest.fixture(scope="module", params=["debian", "newer"])
def bare(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    good, nameless = Exporter("text/plain; version=0.0.4"), Exporter("")
    program = prometheus_program(request.param)
    more = {"good": good.target, "nameless": nameless.target}
    server, _ = launch_prometheus(program, tmp_path_factory.mktemp("bare"), ["--query.max-samples=2000"], more)
    with server:
        yield Bare(server, good, nameless)
    nameless.close()


@pytest.fixture
async def prometheus(prometheus_lab: Lab):
    client = Prometheus(Source(prometheus_lab.server.url))
    yield client
    await client.aclose()


@pytest.fixture
async def bare_client(bare: Bare):
    client = Prometheus(Source(bare.server.url))
    yield client
    await client.aclose()


async def is_new(client: Prometheus) -> bool:
    """Whether it is of the third generation; the frozen newer release is 2.53."""
    return numbers(await client.version()) >= (3,)


async def exchange(url: str, method: str, path: str, **said) -> tuple[Answer, errors.TelemetryError]:
    """A raw exchange that the API refuses, and the error for it."""
    source = Source(url)
    upstream = Upstream(source)
    answer = await upstream.exchange(method, path, **said)
    await upstream.close()
    try:
        payload = answer.json()
    except ValueError:
        payload = None
    return answer, failure(source, answer.status, answer.body, answer.kind, payload)


# -- what is not an error, and should not be taken for good news ------------------------------------------------------


async def test_a_server_without_the_exemplar_flag_answers_nothing_and_the_client_says_why(bare_client, prometheus):
    found = await bare_client.exemplars("lab_seconds_bucket", 1e9, 4e9)
    assert found == ()
    assert found.infos == ("prometheus keeps no exemplars: it runs without --enable-feature=exemplar-storage",)
    # One that keeps them, and has none of this series, does not say so.
    nothing = await prometheus.exemplars("up", 1e9, 4e9)
    assert (nothing, nothing.infos) == ((), ())


async def test_a_limit_is_kept_and_told_also_by_a_version_that_ignores_it(prometheus, prometheus_lab):
    start, end = prometheus_lab.end - 60, prometheus_lab.end
    for found in (
        await prometheus.series("http_requests_total", start, end, limit=2),
        await prometheus.label_names(limit=2),
        await prometheus.label_values("job", limit=2),
    ):
        assert len(found) == 2
        assert TRUNCATED in found.warnings
    assert (await prometheus.label_values("job", limit=1000)).warnings == ()


async def test_rule_filters_that_2_42_ignores_are_applied(prometheus, prometheus_lab):
    answer, _ = await exchange(prometheus_lab.server.url, "GET", "/api/v1/rules", params=[("rule_name[]", "Quiet")])
    rules = [rule["name"] for group in answer.json()["data"]["groups"] for rule in group["rules"]]
    assert (rules == ["Quiet"]) == (numbers(await prometheus.version()) >= (2, 44))
    assert [rule.name for rule in await prometheus.rules(names=["Quiet"])] == ["Quiet"]


async def test_remarks_are_there_from_2_48_on(prometheus, prometheus_lab):
    found = await prometheus.instant("quantile(2, up)", prometheus_lab.end)
    assert bool(found.warnings) == (numbers(await prometheus.version()) >= (2, 48))


async def test_a_range_has_no_sample_at_its_left_edge_from_3_on(prometheus, prometheus_lab):
    """Two samples are 5 s apart: a range of 5 s that ends at the newest has both in 2.x, and one in 3.x."""
    found = await prometheus.evaluate(f"queue_depth[{STEP:g}s]", prometheus_lab.end)
    assert isinstance(found, Matrix)
    (line,) = found.lines
    assert len(line.values) == (1 if await is_new(prometheus) else 2)
    assert line.times[-1] == prometheus_lab.end


async def test_a_written_sample_is_seen_for_five_minutes_and_not_longer(prometheus, prometheus_lab):
    assert (await prometheus.instant("queue_depth", prometheus_lab.end + 299)).samples
    assert (await prometheus.instant("queue_depth", prometheus_lab.end + 301)).samples == ()


async def test_bucket_bounds_are_written_another_way_from_3_on(bare_client):
    values = await bare_client.label_values("le", "lab_seconds_bucket")
    assert set(values) == ({"1.0", "+Inf"} if await is_new(bare_client) else {"1", "+Inf"})


async def test_an_exporter_that_names_no_format_is_down_from_3_on_and_says_why(bare, bare_client):
    (target,) = [target for target in await bare_client.targets() if target.job == "nameless"]
    if await is_new(bare_client):
        assert target.health == "down"
        assert "Content-Type" in target.error
    else:
        assert (target.health, target.error) == ("up", "")


async def test_a_target_that_goes_away_is_stale_at_its_next_scrape(bare, bare_client):
    assert [sample.value for sample in (await bare_client.instant('lab_gauge{job="good"}')).samples] == [1.0]
    await asyncio.to_thread(bare.good.close)
    async with asyncio.timeout(30):
        while (await bare_client.instant('lab_gauge{job="good"}')).samples:
            await asyncio.wait([asyncio.ensure_future(bare_client.ready())])
    assert [sample.value for sample in (await bare_client.instant('up{job="good"}')).samples] == [0.0]


# -- names and functions of the third generation -----------------------------------------------------------------------


async def test_labels_beyond_plain_names_are_found_from_3_on_and_refused_in_words_before(prometheus, prometheus_lab):
    labels = {"__name__": "utf8_probe", "service.name": "cart", "a/b": "slash", "ü_x": "umlaut"}
    if not await is_new(prometheus):
        for name in ("service.name", "a/b"):
            with pytest.raises(errors.BadQuery, match=r"not a label name.*3\.0 knows others"):
                await prometheus.label_values(name)
        # Later ones of the second generation read the syntax already.
        if numbers(await prometheus.version()) < (2, 50):
            with pytest.raises(errors.BadQuery, match="parse error"):
                await prometheus.instant('{"http.requests"}')
        return
    assert write(prometheus_lab.server.url, [Written(labels, [(prometheus_lab.end, 1.0)])]).status_code == 204
    assert await prometheus.label_values("service.name") == ("cart",)
    assert await prometheus.label_values("a/b") == ("slash",)
    assert await prometheus.label_values("ü_x") == ("umlaut",)
    assert await prometheus.label_values("no.such") == ()
    found = await prometheus.instant('{"utf8_probe", "service.name"="cart"}', prometheus_lab.end)
    assert len(found.samples) == 1


@pytest.mark.parametrize(
    ("query", "known"),
    [
        ("mad_over_time(up[1m])", lambda version: False),  # needs a feature flag where it is known
        ('sort_by_label(up, "job")', lambda version: False),
        ("holt_winters(up[1m], 0.5, 0.5)", lambda version: version < (3,)),
        ("first_over_time(up[1m])", lambda version: version >= (3, 7)),
        ("histogram_avg(rw_native_seconds)", lambda version: version >= (2, 51)),
    ],
)
async def test_a_function_that_the_version_lacks_is_named(prometheus, query, known):
    version = numbers(await prometheus.version())
    if known(version):
        await prometheus.instant(query)
        return
    with pytest.raises(errors.BadQuery, match=query.partition("(")[0]):
        await prometheus.instant(query)


@pytest.mark.parametrize(
    ("path", "since"),
    [("/parse_query?query=up", (3,)), ("/notifications", (3,)), ("/features", (3, 9)), ("/nope", (99,))],
)
async def test_an_endpoint_that_the_version_lacks_is_a_page_of_text(prometheus, prometheus_lab, path, since):
    answer, error = await exchange(prometheus_lab.server.url, "GET", f"/api/v1{path}")
    assert answer.ok == (numbers(await prometheus.version()) >= since)
    if not answer.ok:
        assert answer.kind.startswith("text/plain")
        assert type(error) is errors.Protocol
        assert str(error) == "prometheus answered 404: 404 page not found"


# -- refusals ----------------------------------------------------------------------------------------------------------

RANGE = [("query", "up"), ("start", "1000"), ("end", "100000")]


@pytest.mark.parametrize(
    ("method", "path", "params", "status", "kind", "words"),
    [
        ("GET", "/api/v1/query_range", [*RANGE, ("step", "0")], 400, errors.BadQuery, "zero or negative .* step"),
        ("GET", "/api/v1/query_range", [*RANGE, ("step", "1")], 400, errors.TooHeavy, "maximum resolution of 11,000"),
        ("GET", "/api/v1/query_range", [*RANGE, ("step", "x")], 400, errors.BadQuery, "cannot parse .x. to a valid d"),
        ("GET", "/api/v1/query", [("query", "up"), ("time", "noon")], 400, errors.BadQuery, 'parse "noon"'),
        ("GET", "/api/v1/series", [], 400, errors.BadQuery, r"no match\[\] parameter provided"),
        ("GET", "/api/v1/rules", [("type", "x")], 400, errors.BadQuery, "type"),
        ("DELETE", "/api/v1/query", [], 405, errors.Protocol, "405: Method Not Allowed"),
        ("POST", "/api/v1/admin/tsdb/snapshot", [], 500, errors.NotReady, "admin APIs disabled"),
        ("POST", "/-/reload", [], 403, errors.Denied, "403"),
        ("POST", "/api/v1/write", [], 404, errors.Protocol, "remote write receiver needs to be enabled"),
    ],
)
async def test_a_refusal_is_of_its_kind_and_in_the_servers_words(bare, method, path, params, status, kind, words):
    answer, error = await exchange(bare.server.url, method, path, params=params)
    assert answer.status == status
    assert type(error) is kind
    with pytest.raises(kind, match=words):
        raise error


async def test_two_series_of_one_label_set_are_a_question_to_correct(prometheus, prometheus_lab):
    query = 'label_replace(http_requests_total{service="cart"}, "code", "", "", "")'
    with pytest.raises(errors.BadQuery, match="same labelset"):
        await prometheus.instant(query, prometheus_lab.end)


async def test_too_many_samples_are_too_heavy(bare_client):
    with pytest.raises(errors.TooHeavy, match="too many samples"):
        await bare_client.instant("max_over_time(vector(1)[3h:1s])")


@pytest.mark.parametrize("query", ['count by (__name__) (rate({__name__=~".+"}[5m]))', 'count({__name__=~".+"})'])
async def test_time_that_runs_out_is_too_heavy_whichever_status_says_so(prometheus_lab, query):
    """While series are expanded 2.42 answers 422 `execution`, later ones 503 `timeout`; while it computes, both 503;
    before either began, 3.x answers 400 `bad_data`.
    """
    answer, error = await exchange(
        prometheus_lab.server.url, "GET", "/api/v1/query", params=[("query", query), ("timeout", "0.000001")]
    )
    assert answer.status in (400, 422, 503)
    assert type(error) is errors.TooHeavy


@pytest.mark.parametrize(
    ("at", "value", "words"), [(0, 99.0, "duplicate sample|out of order"), (-10_000_000, 1.0, "out of bounds|too old")]
)
async def test_a_written_sample_that_is_refused_is_a_page_of_text(prometheus_lab, at, value, words):
    series = {"__name__": "queue_depth", "queue": "q1", "job": "app"}
    answer = await asyncio.to_thread(
        write, prometheus_lab.server.url, [Written(series, [(prometheus_lab.end + at, value)])]
    )
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    with pytest.raises(errors.Protocol, match=words):
        raise failure(Source(prometheus_lab.server.url), 400, answer.content, "text/plain", None)


async def test_gzip_is_understood_on_both_ways(prometheus, prometheus_lab):
    answer, _ = await exchange(
        prometheus_lab.server.url, "GET", "/api/v1/label/__name__/values", headers={"Accept-Encoding": "gzip"}
    )
    assert answer.json()["data"] == list(await prometheus.label_values("__name__"))


async def test_an_answer_over_the_limits_is_too_heavy_and_the_next_question_is_answered(prometheus_lab):
    client = Prometheus(Source(prometheus_lab.server.url), Limits(body=2000))
    try:
        for over_session_and_upstream in (lambda: client.label_values("__name__"), client.api.flags):
            with pytest.raises(errors.TooHeavy, match="MB"):
                await over_session_and_upstream()
        assert await client.label_values("queue") == ("q1",)
    finally:
        await client.aclose()


# -- while it starts ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("age", ["debian", "newer"])
async def test_a_server_that_reads_its_log_is_not_ready_and_questions_say_so(age, tmp_path):
    """Killed with much in its log, it answers 503 in plain text to everything but its progress, for a while."""
    flags = ["--web.enable-remote-write-receiver"]
    server, _ = launch_prometheus(prometheus_program(age), tmp_path, flags)
    now = float(int(time.time()))
    many = [
        Written({"__name__": "many", "number": str(number)}, [(now + second, 1.0) for second in range(3)])
        for number in range(40_000)
    ]
    for at in range(0, len(many), 20_000):
        assert write(server.url, many[at : at + 20_000]).status_code == 204
    server.kill()
    client = Prometheus(Source(server.url))
    starting = asyncio.create_task(asyncio.to_thread(server.start))
    said = []
    try:
        while not starting.done():
            for question in (client.ready, lambda: client.instant("up"), client.rules):
                try:
                    await question()
                except errors.Unreachable:
                    pass
                except errors.TelemetryError as error:
                    said.append(error)
        await starting
        await client.ready()
        assert (await client.instant("count(many)", now + 2)).samples[0].value == 40_000
    finally:
        await client.aclose()
        server.stop()
    assert said
    assert {type(error) for error in said} == {errors.NotReady}
    assert any("503: Service Unavailable" in str(error) for error in said)
    assert any("is not ready: it answered 503" in str(error) for error in said)
