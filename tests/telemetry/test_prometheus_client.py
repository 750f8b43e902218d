"""The Prometheus client against recordings of real servers, and against servers that misbehave."""

import asyncio
import base64
import json
import math
import subprocess
import sys
import threading

import pytest

from tests.telemetry.fake_server import VERSIONS, Asked, FakeServer, Reply, recorded, replay, success
from warroom.telemetry import errors
from warroom.telemetry.prometheus import MetricInfo, Prometheus
from warroom.telemetry.session import Limits, Source

SHORT = Limits(connect=0.3, total=0.4)


def playing(reply: Reply):
    return FakeServer(lambda _asked: reply)


async def ask_range(server: FakeServer, limits: Limits = SHORT, query: str = "up"):
    client = Prometheus(Source(server.url), limits)
    try:
        return await client.range(query, 100.0, 110.0, 1.0)
    finally:
        client.close()


async def ask_instant(reply: Reply, limits: Limits = SHORT):
    async with playing(reply) as server:
        client = Prometheus(Source(server.url), limits)
        try:
            return await client.instant("up")
        finally:
            client.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_recorded_range_is_understood(version):
    exchange = recorded(version)["query_range_matrix"]
    async with playing(replay(exchange)) as server:
        matrix = await ask_range(server)
    result = exchange["body"]["data"]["result"]
    assert len(matrix.lines) == len(result) > 0
    for line, series in zip(matrix.lines, result, strict=True):
        assert dict(line.labels) == series["metric"]
        assert list(line.times) == [at for at, _ in series["values"]]
        assert list(line.values) == [float(text) for _, text in series["values"]]


@pytest.mark.parametrize("version", VERSIONS)
async def test_no_data_is_an_empty_answer_and_no_error(version):
    async with playing(replay(recorded(version)["query_range_empty"])) as server:
        assert (await ask_range(server)).lines == ()


@pytest.mark.parametrize("version", VERSIONS)
async def test_nan_and_infinities_are_values(version):
    vector = await ask_instant(replay(recorded(version)["query_nan_inf"]))
    by_kind = {dict(sample.labels)["k"]: sample.value for sample in vector.samples}
    assert math.isnan(by_kind["nan"])
    assert (by_kind["+inf"], by_kind["-inf"]) == (math.inf, -math.inf)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_scalar_is_one_sample_and_a_string_is_refused_in_words(version):
    exchanges = recorded(version)
    vector = await ask_instant(replay(exchanges["query_scalar"]))
    assert [(sample.labels, sample.value) for sample in vector.samples] == [((), 3.0)]
    for name, kind in (("query_string", "string"), ("query_matrix_instant", "matrix")):
        with pytest.raises(errors.BadQuery, match=kind):
            await ask_instant(replay(exchanges[name]))


@pytest.mark.parametrize("version", VERSIONS)
async def test_native_histograms_are_named_and_not_dropped_in_silence(version):
    async with playing(replay(recorded(version)["native_histogram_range"])) as server:
        matrix = await ask_range(server)
    assert matrix.lines == ()
    assert any("native histograms" in text for text in matrix.warnings)


@pytest.mark.parametrize(
    ("name", "field", "words"),
    [
        ("query_warnings_bad_quantile", "warnings", "quantile value should be between 0 and 1"),
        ("query_infos_rate_on_gauge", "infos", "might not be a counter"),
        ("query_limit_warning", "warnings", "truncated due to limit"),
    ],
)
async def test_the_servers_remarks_are_carried(name, field, words):
    vector = await ask_instant(replay(recorded("3.14.0")[name]))
    assert any(words in text for text in getattr(vector, field))


async def test_the_remarks_of_a_range_are_carried():
    exchange = recorded("3.14.0")["query_range_sort_warning"]
    async with playing(replay(exchange)) as server:
        matrix = await ask_range(server)
    assert [*matrix.warnings, *matrix.infos] == [
        *exchange["body"].get("warnings", ()),
        *exchange["body"].get("infos", ()),
    ]
    assert matrix.warnings or matrix.infos


FAILURES = [
    *((version, "error_parse", errors.BadQuery, "parse error") for version in VERSIONS),
    *((version, "error_many_to_many", errors.BadQuery, "many-to-many") for version in VERSIONS),
    *((version, "error_step_missing", errors.BadQuery, "step") for version in VERSIONS),
    *((version, "error_range_11000_points", errors.TooHeavy, "maximum resolution") for version in VERSIONS),
    *((version, "error_not_found", errors.Protocol, "404") for version in VERSIONS),
    *((version, "error_method", errors.Protocol, "405") for version in VERSIONS),
    ("3.5.3", "error_timeout", errors.TooHeavy, "timed out"),
    ("3.14.0", "error_timeout", errors.TooHeavy, "timed out"),
    ("2.42.0", "error_timeout_503", errors.TooHeavy, "timed out"),
    ("2.42.0", "error_timeout_in_queue_503", errors.TooHeavy, "queue"),
    ("2.42.0", "error_too_many_samples", errors.TooHeavy, "too many samples"),
    ("2.42.0", "starting_query_503", errors.NotReady, "Service Unavailable"),
    ("2.42.0", "disabled_admin_api", errors.NotReady, "admin APIs disabled"),
    ("2.42.0", "disabled_lifecycle", errors.Denied, "403"),
]


@pytest.mark.parametrize(("version", "name", "error", "words"), FAILURES)
async def test_a_recorded_failure_becomes_its_kind(version, name, error, words):
    async with playing(replay(recorded(version)[name])) as server:
        with pytest.raises(error, match=words) as caught:
            await ask_range(server)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"
MISBEHAVIOUR = {
    "a web page": (Reply(200, HTML, "text/html"), errors.Protocol, "web page"),
    "a gateway's page": (Reply(502, HTML, "text/html"), errors.NotReady, "502"),
    "an error page": (Reply(500, HTML, "text/html"), errors.Protocol, "500"),
    "plain words": (Reply(200, b"hello", "text/plain"), errors.Protocol, "hello"),
    "nothing": (Reply(200, b""), errors.Protocol, "not a Prometheus answer"),
    "a list": (Reply(200, b"[1,2]"), errors.Protocol, "not a Prometheus answer"),
    "half of JSON": (Reply(200, b'{"status":"success","data":{"resu'), errors.Protocol, "not a Prometheus"),
    "NaN as a number": (Reply(200, b'{"status":"success","data":NaN}'), errors.Protocol, "not a Prometheus"),
    "no data": (Reply(200, b'{"status":"success"}'), errors.Protocol, "shape"),
    "no result": (success({"resultType": "matrix"}), errors.Protocol, "shape"),
    "a number for result": (success({"resultType": "matrix", "result": 5}), errors.Protocol, "shape"),
    "series of text": (success({"resultType": "matrix", "result": ["x"]}), errors.Protocol, "shape"),
    "values of words": (
        success({"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "many"]]}]}),
        errors.Protocol,
        "shape",
    ),
    "values of three": (
        success({"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "2", "3"]]}]}),
        errors.Protocol,
        "shape",
    ),
    "warnings of numbers": (
        success({"resultType": "matrix", "result": []}, warnings=[1]),
        errors.Protocol,
        "shape",
    ),
    "wrong type, right body": (
        Reply(400, b'{"status":"error","errorType":"bad_data","error":"no"}', "text/html"),
        errors.BadQuery,
        "no",
    ),
    "wants a password": (Reply(401, b"who are you", "text/plain"), errors.Denied, "credentials"),
    "too many requests": (Reply(429, b"slow down", "text/plain"), errors.NotReady, "slow down"),
    "a redirect": (
        Reply(302, b"", "text/plain", {"Location": "https://sso.example/login?secret=1"}),
        errors.Protocol,
        r"redirects to https://sso\.example/login;",
    ),
    "half a body": (
        Reply(raw=b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"status":"success",'),
        errors.Protocol,
        "unfinished",
    ),
    "broken chunks": (
        Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n"),
        errors.Protocol,
        "broken",
    ),
    "not gzip": (
        Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"),
        errors.Protocol,
        "broken",
    ),
    "not HTTP": (Reply(raw=b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), errors.Protocol, "broken"),
    "silence": (Reply(raw=b"", hang=True), errors.Unreachable, "within 0.4 s"),
    "silence after the head": (
        Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", hang=True),
        errors.Unreachable,
        "within 0.4 s",
    ),
    "a dropped connection": (Reply(drop=True), errors.Unreachable, "dropped"),
}


@pytest.mark.parametrize("case", MISBEHAVIOUR)
async def test_misbehaviour_becomes_one_sentence_of_its_kind(case):
    reply, error, words = MISBEHAVIOUR[case]
    async with playing(reply) as server:
        with pytest.raises(error, match=words) as caught:
            await ask_range(server)
    assert type(caught.value) is error
    assert "secret" not in str(caught.value)


async def test_a_trickle_does_not_outlive_the_deadline():
    async def trickle(_asked: Asked) -> Reply:
        return Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", hang=True)

    class Trickler(FakeServer):
        async def _one(self, reader, writer):
            await super()._one(reader, writer)
            return False

        async def _accept(self, reader, writer):
            async def drip() -> None:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not self._over.is_set():
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.wait([asyncio.ensure_future(self._over.wait())], timeout=0.02)

            try:
                await drip()
            except ConnectionError:
                pass
            finally:
                writer.close()

    async with Trickler(trickle) as server:
        with pytest.raises(errors.Unreachable, match="no full answer"):
            await ask_range(server)


async def test_a_kept_connection_that_was_closed_is_tried_once_more():
    seen: list[Asked] = []

    def answer(asked: Asked) -> Reply:
        seen.append(asked)
        return Reply(drop=True) if len(seen) == 2 else success({"resultType": "matrix", "result": []})

    async with FakeServer(answer) as server:
        client = Prometheus(Source(server.url), SHORT)
        await client.range("up", 0, 1, 1)
        await client.range("up", 0, 1, 1)
        client.close()
    assert len(seen) == 3


async def test_nobody_listening_and_no_such_host_are_unreachable():
    async with playing(Reply()) as server:
        gone = server.url
    for url, words in ((gone, "refused"), ("http://no-such-host.invalid:9090", "not known|reached")):
        client = Prometheus(Source(url), SHORT)
        with pytest.raises(errors.Unreachable, match=words):
            await client.range("up", 0, 1, 1)
        client.close()


async def test_an_answer_over_the_limits_is_too_heavy():
    values = [[at, "1"] for at in range(1000)]
    reply = success({"resultType": "matrix", "result": [{"metric": {}, "values": values}]})
    async with playing(reply) as server:
        with pytest.raises(errors.TooHeavy, match="999 samples"):
            await ask_range(server, Limits(samples=999))
        with pytest.raises(errors.TooHeavy, match="MB"):
            await ask_range(server, Limits(body=1000))
        assert len((await ask_range(server, Limits(samples=1000))).lines[0].values) == 1000


async def test_more_points_than_are_granted_are_not_even_asked_for():
    async with playing(success({"resultType": "matrix", "result": []})) as server:
        client = Prometheus(Source(server.url))
        with pytest.raises(errors.TooHeavy, match="11000"):
            await client.range("up", 0, 11_000, 1)
        await client.range("up", 0, 10_999, 1)
        client.close()
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("start", "end"), [(10.0, 5.0), (-1.0, 5.0), (0.0, 1e20), (math.nan, 5.0), (0.0, math.nan), (-math.inf, 0.0)]
)
async def test_a_range_of_impossible_times_is_refused_without_asking(start, end):
    async with playing(success({"resultType": "matrix", "result": []})) as server:
        client = Prometheus(Source(server.url))
        with pytest.raises(errors.BadQuery, match="range"):
            await client.range("up", start, end, 1e18)
        with pytest.raises(errors.BadQuery, match="Unicode"):
            await client.range("up\ud800", 0, 1, 1)
        client.close()
    assert server.asked == []


async def test_times_are_sent_to_the_millisecond_and_gzip_is_asked_for():
    async with playing(success({"resultType": "matrix", "result": []})) as server:
        client = Prometheus(Source(server.url + "/"))
        await client.range("up", 1000.125, 1001.375, 0.25)
        client.close()
    (asked,) = server.asked
    assert (asked.params["start"], asked.params["end"], asked.params["step"]) == ("1000.125", "1001.375", "0.250")
    assert asked.path == "/api/v1/query_range"
    assert "gzip" in asked.headers["accept-encoding"]


async def test_a_long_query_travels_as_a_form():
    long = "up or " * 1000 + "up"
    async with playing(success({"resultType": "matrix", "result": []})) as server:
        await ask_range(server, query="up")
        await ask_range(server, query=long)
    short, form = server.asked
    assert (short.method, short.in_url) == ("GET", True)
    assert (form.method, form.in_url, form.params["query"]) == ("POST", False, long)


async def test_credentials_are_sent_and_never_told():
    def echo(asked: Asked) -> Reply:
        said = {"status": "error", "errorType": "bad_data", "error": f"you sent {asked.headers['authorization']}"}
        return Reply(400, json.dumps(said).encode())

    async with FakeServer(echo) as server:
        for source in (
            Source(server.url, token="s3cret-token"),
            Source(server.url, username="anna", password="s3cret-pass"),
        ):
            client = Prometheus(source)
            with pytest.raises(errors.BadQuery) as caught:
                await client.range("up", 0, 1, 1)
            client.close()
            assert "s3cret" not in str(caught.value) + repr(source) + repr(caught.value)
    bearer, basic = (asked.headers["authorization"] for asked in server.asked)
    assert bearer == "Bearer s3cret-token"
    assert base64.b64decode(basic.removeprefix("Basic ")) == b"anna:s3cret-pass"


async def test_the_environment_gives_no_credentials_and_no_proxy(monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login anna password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with playing(success({"resultType": "matrix", "result": []})) as server:
        await ask_range(server)
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "http://anna:s3cret@h:9090"}, "user and password"),
        ({"url": "ftp://h"}, "http://host"),
        ({"url": "prometheus:9090"}, "http://host"),
        ({"url": "http://h?x=1"}, "query"),
        ({"url": "http://h", "token": "a", "username": "b"}, "not both"),
        ({"url": "http://h", "token": "s3cret\nX: y"}, "line break"),
    ],
)
def test_settings_that_cannot_work_are_refused_without_repeating_secrets(settings, words):
    with pytest.raises(ValueError, match=words) as caught:
        Source(**settings)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("version", VERSIONS)
async def test_labels_values_metadata_version_and_ready(version):
    exchanges = recorded(version)
    pages = {
        "/api/v1/labels": exchanges["labels"],
        "/api/v1/label/job/values": exchanges["label_values"],
        "/api/v1/metadata": exchanges["metadata_limit"],
        "/api/v1/status/buildinfo": exchanges["status_buildinfo"],
        "/-/ready": exchanges["ready"],
    }
    async with FakeServer(lambda asked: replay(pages[asked.path])) as server:
        client = Prometheus(Source(server.url))
        assert list(await client.label_names()) == exchanges["labels"]["body"]["data"]
        assert list(await client.label_values("job")) == exchanges["label_values"]["body"]["data"]
        metadata = await client.metadata()
        assert (await client.version()).startswith(version)
        await client.ready()
        await client.aclose()
    name, (first, *_) = next(iter(exchanges["metadata_limit"]["body"]["data"].items()))
    assert MetricInfo(name, first["type"], first["help"], first["unit"]) in metadata


@pytest.mark.parametrize("version", VERSIONS)
async def test_no_label_name_leads_out_of_its_path(version):
    build, values = recorded(version)["status_buildinfo"], recorded(version)["label_values"]
    async with FakeServer(lambda asked: replay(build if "buildinfo" in asked.path else values)) as server:
        client = Prometheus(Source(server.url))
        if version.startswith("2"):
            with pytest.raises(errors.BadQuery, match=r"not a label name.* is 2\.42\.0.*; 3\.0 knows others"):
                await client.label_values("../../admin")
        else:
            await client.label_values("../../admin")
        for no_name in ("", "a\nb", "a\ud800"):
            with pytest.raises(errors.BadQuery, match="not a label name"):
                await client.label_values(no_name)
        await client.aclose()
    paths = [asked.path for asked in server.asked if "buildinfo" not in asked.path]
    assert paths == ([] if version.startswith("2") else ["/api/v1/label/U___2e__2e__2f__2e__2e__2f_admin/values"])


async def test_a_server_that_starts_is_not_ready():
    exchanges = recorded("2.42.0")
    async with playing(replay(exchanges["starting_ready_503"])) as server:
        client = Prometheus(Source(server.url))
        with pytest.raises(errors.NotReady, match="503"):
            await client.ready()
        await client.aclose()


HANGING = """
import asyncio, contextlib, socket
from warroom.telemetry.prometheus import Prometheus
from warroom.telemetry.session import Limits, Source

async def main():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = Prometheus(Source(f"http://127.0.0.1:{listener.getsockname()[1]}"), Limits(total=3600))
        question = asyncio.ensure_future(client.range("up", 0, 1, 1))
        peer, _ = await asyncio.to_thread(listener.accept)
        await asyncio.to_thread(peer.recv, 100)
        question.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await question
        client.close()
        print("the loop ends", flush=True)
        peer.detach()  # stays open: the question hangs on

asyncio.run(main())
"""


def test_a_hanging_server_does_not_hold_up_the_end_of_the_loop_nor_of_the_process():
    """The question would hang for an hour; were its thread waited for, this would be killed."""
    ended = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "the loop ends\n"), ended.stderr


async def test_hanging_questions_do_not_pile_up():
    async with playing(Reply(raw=b"", hang=True)) as server:
        client = Prometheus(Source(server.url), Limits(connect=0.2, total=0.3, at_once=2))
        answers = await asyncio.gather(*(client.range("up", 0, 1, 1) for _ in range(6)), return_exceptions=True)
        assert all(isinstance(answer, errors.Unreachable) for answer in answers)
        threads = [thread for thread in threading.enumerate() if thread.name.startswith("telemetry-")]
        assert len(threads) <= 2
        client.close()
