"""Every panel of every dashboard asks something that parses, about something that is there.

What is there is read from the running programs: the sample service, warroom, Prometheus, Alertmanager and the node
exporter. For servers that are not installed here it is in `exported/*.txt`, which names its sources.
"""

from __future__ import annotations

import json
import re
import shutil
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.house import Person, Served
from tests.real_servers import ALERTMANAGER, PROMETHEUS, RealServer, free_port, start_alertmanager, start_prometheus
from tests.stack.files import RULES, Query, boards, metric_names, queries, recorded, rules
from tests.stack.sample import start_sample

NODE_EXPORTER = shutil.which("prometheus-node-exporter")

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(not (PROMETHEUS and ALERTMANAGER), reason="Prometheus or Alertmanager is not installed"),
]

EXPORTED = Path(__file__).parent / "exported"
MADE_BY_PROMETHEUS = {"up", "ALERTS", "scrape_duration_seconds"}
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}
_STAGES = re.compile(r'\s*(?:(\|=|!=|\|~|!~)\s*(?:`[^`]*`|"[^"]*")|\|\s*(json|logfmt|\w+\s*(?:=~|!~|=|!=)\s*"[^"]*"))')
_SELECTOR = re.compile(r'\{\s*\w+\s*(?:=~|!~|=|!=)\s*"[^"]*"(?:\s*,\s*\w+\s*(?:=~|!~|=|!=)\s*"[^"]*")*\s*\}')


def exposed(text: str) -> set[str]:
    """The series that a page of /metrics has, or would have once there is a first label value."""
    names: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:4]
            names |= {name + suffix for suffix in _SUFFIXES.get(kind, ("",))}
        elif line and not line.startswith("#"):
            names.add(re.split(r"[{ ]", line, maxsplit=1)[0])
    return names


def listed() -> set[str]:
    """What the lists of `exported` say; AssertionError for one without a source."""
    names: set[str] = set()
    for path in EXPORTED.glob("*.txt"):
        lines = path.read_text().splitlines()
        assert any(line.startswith("#") and "github.com/" in line for line in lines), f"{path} names no source"
        names |= {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    return names


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with start_alertmanager(tmp_path_factory.mktemp("alertmanager"), "http://127.0.0.1:9/") as server:
        yield server


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, alertmanager: RealServer) -> Iterator[RealServer]:
    """At work: it scrapes, has rules and somebody to tell, else it would not count that it does."""
    folder = tmp_path_factory.mktemp("prometheus")
    targets = {"alertmanager": [f"127.0.0.1:{alertmanager.port}"]}
    with start_prometheus(folder, targets, RULES[0].read_text(), alertmanager.url) as server:
        yield server


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory, prometheus: RealServer, alertmanager: RealServer) -> set[str]:
    """Every metric that something in the stack exports."""
    folder = tmp_path_factory.mktemp("truth")
    with ExitStack() as stack:
        sample = stack.enter_context(start_sample(folder / "sample.log"))
        owner = Person("olga", folder, {"WARROOM_PROMETHEUS__URL": prometheus.url})
        room = stack.enter_context(Served(owner).start())
        pages = [server.get("/metrics") for server in (sample, alertmanager, prometheus, room)]
        if NODE_EXPORTER:
            port = free_port()
            command = (NODE_EXPORTER, f"--web.listen-address=127.0.0.1:{port}")
            node = _Node(command, port, folder / "node.log")
            pages.append(stack.enter_context(node.start()).get("/metrics"))
    if not NODE_EXPORTER:
        pages.append("node_filesystem_avail_bytes 0\nnode_filesystem_size_bytes 0\n")
    return set.union(*map(exposed, pages)) | listed() | recorded() | MADE_BY_PROMETHEUS


class _Node(RealServer):
    """It has no readiness page: what it is for must answer."""

    def _ready(self) -> bool:
        try:
            self.get("/metrics")
        except (OSError, AssertionError):
            return False
        return True


def of_kind(kind: str) -> list[Query]:
    return [query for query in queries() if query.kind == kind]


@pytest.mark.parametrize("query", of_kind("prometheus"), ids=str)
def test_prometheus_understands_it(query: Query, prometheus: RealServer) -> None:
    asked = urllib.parse.urlencode({"query": query.expr})
    assert json.loads(prometheus.get(f"/api/v1/format_query?{asked}"))["status"] == "success"
    assert metric_names(query.expr), "it reads nothing"


def test_dashboards_ask_for_nothing_that_nobody_exports(truth: set[str]) -> None:
    missing = {
        f"{query.board}: {query.panel}: {name}"
        for query in of_kind("prometheus")
        for name in metric_names(query.expr) - truth
    }
    assert not missing


def test_rules_ask_for_nothing_that_nobody_exports(truth: set[str]) -> None:
    missing = {
        f"{rule.get('alert') or rule['record']}: {name}"
        for rule in rules()
        for name in metric_names(rule["expr"]) - truth
    }
    assert not missing


def test_a_name_that_nobody_exports_is_found(truth: set[str]) -> None:
    assert metric_names('sum by (job) (rate(nobody_has_this_total{a="b"}[5m])) / on (job) up') - truth == {
        "nobody_has_this_total"
    }


@pytest.mark.parametrize("query", of_kind("loki"), ids=str)
def test_logql_has_a_selector_that_loki_takes(query: Query) -> None:
    """Loki wants one matcher that does not match nothing, and then only stages that it knows."""
    selectors = _SELECTOR.findall(query.expr)
    assert len(selectors) == 1, query.expr
    matchers = re.findall(r'\w+\s*(=~|!~|=|!=)\s*"([^"]*)"', selectors[0])
    assert any((how == "=~" and not re.fullmatch(value, "")) or (how == "=" and value) for how, value in matchers), (
        "it would match streams without any label"
    )
    before, _, after = query.expr.partition(selectors[0])
    if before:
        assert re.fullmatch(r"(sum|count)( by \(\w+\))? \((count_over_time|rate|bytes_over_time)\(", before)
        assert re.fullmatch(r"\[\w+\]\)\)", after)
    else:
        assert _STAGES.sub("", after) == ""


def test_the_list_of_boards_is_whole() -> None:
    assert set(boards()) == {"incident", "services", "slos", "itself"}
