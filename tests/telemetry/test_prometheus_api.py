"""The Prometheus client beyond queries: how it is let in, how a wait ends, and what it makes of odd answers."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from tests.client.test_client_tls import certificate
from tests.telemetry.fake_server import Asked, FakeServer, Reply, recorded, replay, success
from warroom.telemetry import errors, shapes
from warroom.telemetry.prometheus import Histogram, Line, Prometheus
from warroom.telemetry.source import Access, Limits, Source

__all__ = ["certificate"]

EMPTY = {"resultType": "vector", "result": []}


def questions(client: Prometheus):
    """One over each of the two ways to the server, and the other calls that stand on them."""
    return {
        "range": lambda: client.range("up", 0, 1, 1),
        "evaluate": lambda: client.evaluate("up"),
        "label_values": lambda: client.label_values("job"),
        "version": client.version,
        "rules": client.rules,
        "exemplars": lambda: client.exemplars("up", 0, 1),
        "series": lambda: client.series("up"),
        "format_query": lambda: client.format_query("up"),
    }


NAMES = tuple(questions(Prometheus(Source("http://127.0.0.1:1"))))


@pytest.mark.parametrize("name", NAMES)
async def test_a_cancelled_question_ends_at_once_whatever_the_server_does(name):
    async with FakeServer(lambda asked: Reply(raw=b"", hang=True)) as server:
        client = Prometheus(Source(server.url), Limits(total=3600))
        question = asyncio.ensure_future(questions(client)[name]())
        await server.met.wait()
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question
        await client.aclose()


@pytest.mark.parametrize("name", NAMES)
async def test_a_hanging_server_is_given_up_in_time(name):
    async with FakeServer(lambda asked: Reply(raw=b"", hang=True)) as server:
        client = Prometheus(Source(server.url), Limits(connect=0.2, total=0.3))
        with pytest.raises(errors.Unreachable, match=r"within 0\.3 s"):
            await questions(client)[name]()
        await client.aclose()


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply(404, b"404 page not found\n", "text/plain"), errors.Protocol, "404 page not found"),
        (Reply(503, b"Service Unavailable", "text/plain"), errors.NotReady, "503: Service Unavailable"),
        (Reply(401, b"", "text/plain"), errors.Denied, "credentials"),
        (Reply(200, b"<html>", "text/html"), errors.Protocol, "web page"),
        (Reply(200, b'{"status":"success"}'), errors.Protocol, "shape"),
        (success(None), errors.Protocol, "shape"),
        (success([{"a": 1}]), errors.Protocol, "shape"),
        (Reply(302, b"", "text/plain", {"Location": "https://sso.example/x?secret=1"}), errors.Protocol, "redirects"),
    ],
)
async def test_both_ways_to_the_server_tell_the_same_trouble_alike(reply, kind, words):
    async with FakeServer(lambda asked: reply) as server:
        client = Prometheus(Source(server.url))
        for question in (client.version, client.rules, client.targets, lambda: client.label_values("job")):
            with pytest.raises(kind, match=words) as caught:
                await question()
            assert "secret" not in str(caught.value)
        await client.aclose()


async def test_tenant_token_and_headers_go_out_with_every_question():
    def answer(asked: Asked) -> Reply:
        return success(EMPTY) if asked.path.endswith("query") else success([])

    async with FakeServer(answer) as server:
        access = Access(tenant="team-a", headers={"X-Extra": "1"})
        client = Prometheus(Source(server.url, token="s3cret"), access=access)
        await client.instant("up")
        await client.series("up")
        await client.aclose()
    assert len(server.asked) == 2
    for asked in server.asked:
        assert asked.headers["x-scope-orgid"] == "team-a"
        assert asked.headers["x-extra"] == "1"
        assert asked.headers["authorization"] == "Bearer s3cret"
        assert asked.headers["user-agent"] == "warroom"


class TlsServer(FakeServer):
    """Shows a certificate, and wants one that it signed."""

    def __init__(self, answer, pem) -> None:
        super().__init__(answer)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        self._context.load_verify_locations(pem)
        self._context.verify_mode = ssl.CERT_REQUIRED

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._context)
        self.url = f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self


async def test_a_server_that_wants_a_certificate_is_shown_one_both_ways(certificate):
    def answer(asked: Asked) -> Reply:
        return success(EMPTY) if asked.path.endswith("query") else success([])

    async with TlsServer(answer, certificate) as server:
        trusting = Source(server.url, verify=str(certificate))
        client = Prometheus(trusting, access=Access(client_cert=str(certificate)))
        assert (await client.instant("up")).samples == ()
        assert await client.series("up") == ()
        await client.aclose()

        for source in (trusting, Source(server.url)):
            client = Prometheus(source, Limits(connect=2, total=5))
            for question in (lambda: client.instant("up"), lambda: client.series("up")):  # noqa: B023
                with pytest.raises(errors.TelemetryError):
                    await question()
            await client.aclose()
    assert len(server.asked) == 2


def test_a_certificate_that_cannot_be_used_is_told_before_anything_is_asked(tmp_path):
    (tmp_path / "broken.pem").write_text("no certificate")
    for path in ("missing.pem", "broken.pem"):
        with pytest.raises(ValueError, match=f"client_cert of prometheus: .*{path} cannot be used"):
            Prometheus(Source("https://127.0.0.1:1"), access=Access(client_cert=str(tmp_path / path)))


async def test_a_kept_connection_that_was_closed_is_tried_once_more():
    def answer(asked: Asked) -> Reply:
        return Reply(drop=True) if len(server.asked) == 2 else success([])

    async with FakeServer(answer) as server:
        client = Prometheus(Source(server.url))
        await client.series("up")
        await client.series("up")
        await client.aclose()
    assert len(server.asked) == 3


async def test_a_starting_server_says_how_far_it_is():
    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("walreplay"):
            return success({"min": 0, "max": 12, "current": 3})
        return replay(recorded("2.42.0")["starting_ready_503"])

    async with FakeServer(answer) as server:
        client = Prometheus(Source(server.url))
        with pytest.raises(errors.NotReady, match="503 Service Unavailable, and has read 3 of 12 parts of its log"):
            await client.ready()
        await client.aclose()


async def test_a_long_question_travels_as_a_form_and_keeps_every_selector():
    many = [f'up{{instance="host-{number}"}}' for number in range(100)]
    async with FakeServer(lambda asked: success([])) as server:
        client = Prometheus(Source(server.url))
        await client.series(many, 1000.125, 2000.5)
        await client.label_names(many)
        await client.exemplars("up or " * 400 + "up", 0, 1)
        await client.aclose()
    asked = [one for one in server.asked if not one.path.endswith("flags")]
    assert [one.method for one in asked] == ["POST"] * 3
    assert not any(one.in_url for one in asked)
    assert (asked[0].params["start"], asked[0].params["end"]) == ("1000.125", "2000.500")


@pytest.mark.parametrize(("start", "end"), [(-1.0, 5.0), (10.0, 5.0), (float("nan"), 5.0), (0.0, 1e20)])
async def test_impossible_times_are_refused_without_asking(start, end):
    async with FakeServer(lambda asked: success([])) as server:
        client = Prometheus(Source(server.url))
        for question in (client.exemplars("up", start, end), client.series("up", start, end)):
            with pytest.raises(errors.BadQuery, match="a range starts after 1970"):
                await question
        with pytest.raises(errors.BadQuery, match="at least one selector"):
            await client.series([])
        with pytest.raises(errors.BadQuery, match="no Unicode text"):
            await client.series("up\ud800")
        await client.aclose()
    assert server.asked == []


@pytest.mark.parametrize("name", ["trace_id", "traceID", "traceId"])
async def test_an_exemplar_opens_its_trace_however_the_label_is_written(name):
    said = [{"seriesLabels": {"a": "b"}, "exemplars": [{"labels": {name: "abc"}, "value": "1", "timestamp": 1.5}]}]
    async with FakeServer(lambda asked: success(said)) as server:
        client = Prometheus(Source(server.url))
        (exemplar,) = await client.exemplars("up", 0, 2)
        await client.aclose()
    assert (exemplar.trace_id, exemplar.value, exemplar.at) == ("abc", 1.0, 1.5)


async def test_a_series_that_became_a_native_histogram_is_in_both_lists():
    histogram = {"count": "3", "sum": "1.5", "buckets": [[1, "-2", "-1", "1"], [3, "-0.1", "0.1", "2"]]}
    series = {"metric": {"a": "b"}, "values": [[0, "1"]], "histograms": [[1, histogram]]}
    async with FakeServer(lambda asked: success({"resultType": "matrix", "result": [series]})) as server:
        client = Prometheus(Source(server.url))
        matrix = await client.range("up", 0, 1, 1)
        await client.aclose()
    assert matrix.lines == (Line((("a", "b"),), (0.0,), (1.0,)),)
    (line,) = matrix.histograms
    negative, zero = line.values[0].buckets
    assert isinstance(line.values[0], Histogram)
    assert (negative.low_in, negative.high_in, zero.low_in, zero.high_in) == (True, False, True, True)
    assert shapes.plain(matrix)["histograms"][0]["values"][0]["sum"] == 1.5


async def test_too_many_samples_at_one_moment_are_too_heavy():
    result = [{"metric": {"i": str(number)}, "value": [0, "1"]} for number in range(11)]
    async with FakeServer(lambda asked: success({"resultType": "vector", "result": result})) as server:
        client = Prometheus(Source(server.url), Limits(samples=10))
        with pytest.raises(errors.TooHeavy, match="more than 10 samples"):
            await client.instant("up")
        await client.aclose()
