"""Scraping: the text formats, a real node exporter's page, and what a target leaves behind when it goes away."""

from __future__ import annotations

import math

import httpx
import pytest

from warroom.embedded.exposition import BadExposition, read_exposition
from warroom.embedded.promql import Engine
from warroom.embedded.scrape import BadTarget, Scraper, target_of
from warroom.embedded.series_store import SeriesStore

PAGE = """# HELP requests_total All of "them" \\\\ here.
# TYPE requests_total counter
requests_total{path="/a\\"b\\\\c\\nd",code="200"} 3
requests_total{path="/b",code="500",} 1.5e3 1395066363000
# TYPE seconds histogram
seconds_bucket{le="0.1"} 1
seconds_bucket{le="+Inf"} 2
untyped NaN
negative{} -Inf
"""


class Clock:
    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def wait(self, seconds: float) -> None:
        self.at += seconds


def test_the_text_format_is_read() -> None:
    samples, infos = read_exposition(PAGE)
    assert dict(samples[0].labels) == {"__name__": "requests_total", "path": '/a"b\\c\nd', "code": "200"}
    assert (samples[1].value, samples[1].at) == (1500.0, 1395066363.0)
    assert math.isnan(samples[4].value)
    assert samples[5].value == -math.inf
    assert {info.name: info.kind for info in infos} == {"requests_total": "counter", "seconds": "histogram"}
    assert infos[0].help == 'All of "them" \\ here.'


def test_openmetrics_brings_exemplars_and_seconds() -> None:
    page = 'x_bucket{le="1"} 2 12.5 # {trace_id="ab"} 0.7 12.25\n# EOF\nnever read'
    ((sample,), _) = read_exposition(page, openmetrics=True)
    assert sample.at == 12.5
    assert sample.exemplar == ((("trace_id", "ab"),), 0.7, 12.25)


@pytest.mark.parametrize(
    "line",
    ["x", "x{ 1", 'x{a="b} 1', "x 1 2 3", "x one", "{} 1", "x 1_0", 'x{a="1",a="2"} 1', "1x 1", "x 1 1.5", "x{a=b} 1"],
)
def test_a_line_that_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(BadExposition, match=r"^line 2: "):
        read_exposition(f"good 1\n{line}\n")


@pytest.mark.parametrize("said", ["example.org:9100", "10.0.0.1:80", "localhost", "=127.0.0.1:1", "https://localhost:1",
                                  "http://u:p@localhost:1", "localhost:notaport", "x=y=z", ""])  # fmt: skip
def test_only_targets_of_this_machine_are_taken(said: str) -> None:
    with pytest.raises(BadTarget, match=r"would be one$"):
        target_of(said)


def test_targets_are_named() -> None:
    one = target_of("node=127.0.0.1:9100")
    assert (one.job, one.instance, one.url) == ("node", "127.0.0.1:9100", "http://127.0.0.1:9100/metrics")
    assert target_of("[::1]:80/x?a=b").url == "http://[::1]:80/x?a=b"


class Page:
    """A target whose page can be another one, or gone."""

    def __init__(self) -> None:
        self.text: str | None = 'a 1\nb{job="own"} 2\n'

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.text is None:
            raise httpx.ConnectError("connection refused", request=request)
        return httpx.Response(200, text=self.text)


async def test_series_end_when_a_target_no_longer_tells_them() -> None:
    store, clock, page = SeriesStore(), Clock(), Page()
    engine = Engine(store)
    target = target_of("app=127.0.0.1:8000")
    scraper = Scraper(store, [target], clock, transport=httpx.MockTransport(page.answer))

    def value(query: str) -> list[float]:
        return [one.value for one in engine.instant(query, clock.at).samples]

    await scraper.once()
    assert value('a{job="app",instance="127.0.0.1:8000"}') == [1.0]
    assert value('b{exported_job="own"}') == [2.0]
    assert (value("up"), value("scrape_samples_scraped"), value("scrape_series_added")) == ([1.0], [2.0], [2.0])
    clock.at += 5
    page.text = "a 5\n"
    await scraper.once()
    assert (value("a"), value("b"), value("scrape_series_added")) == ([5.0], [], [0.0])
    clock.at += 5
    page.text = None
    await scraper.once()
    assert (value("a"), value("up")) == ([], [0.0])
    (seen,) = scraper.targets()
    assert (seen.health, seen.error) == ("down", "connection refused")
    clock.at += 5
    page.text = "a one\n"
    await scraper.once()
    assert (value("up"), scraper.targets()[0].error) == ([0.0], "line 1: 'one' is no number: 'a one'")
