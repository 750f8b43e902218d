"""Servers that the contract suites run against: Debian stable's, newer ones, and any that an option names.

    pytest tests/contract --prometheus-url https://prometheus.example --alertmanager-url ...

What is named so is only read from, unless `--contract-write` allows to create and end silences and to post alerts.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.lab import Lab, start_alertmanager_lab, start_prometheus_lab
from tests.newer_servers import NO_NEWER, CannotBeHad, newer_alertmanager, newer_prometheus
from tests.real_servers import ALERTMANAGER, PROMETHEUS, RealServer

KINDS = ("prometheus", "alertmanager", "loki", "jaeger", "grafana")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract", "live servers for tests/contract")
    for kind in KINDS:
        group.addoption(f"--{kind}-url", default="", metavar="URL", help=f"run the checks of {kind} against it as well")
    group.addoption("--contract-write", action="store_true", help="allow changes on the servers that are named")


def live_url(config: pytest.Config, kind: str) -> str:
    """The server of that kind that an option names; empty when none does."""
    return str(config.getoption(f"{kind}_url", default="") or "").rstrip("/")


@pytest.fixture
def may_write(request: pytest.FixtureRequest) -> bool:
    """Whether a server that is named by an option may be changed."""
    return bool(request.config.getoption("contract_write", default=False))


@pytest.fixture
def prometheus_url(request: pytest.FixtureRequest) -> str:
    return _named(request, "prometheus")


@pytest.fixture
def alertmanager_url(request: pytest.FixtureRequest) -> str:
    return _named(request, "alertmanager")


@pytest.fixture
def loki_url(request: pytest.FixtureRequest) -> str:
    return _named(request, "loki")


@pytest.fixture
def jaeger_url(request: pytest.FixtureRequest) -> str:
    return _named(request, "jaeger")


@pytest.fixture
def grafana_url(request: pytest.FixtureRequest) -> str:
    return _named(request, "grafana")


def _named(request: pytest.FixtureRequest, kind: str) -> str:
    url = live_url(request.config, kind)
    if not url:
        pytest.skip(f"no --{kind}-url is given")
    return url


def prometheus_program(age: str) -> str:
    """The program of Debian stable ("debian") or of a newer release ("newer"); skips loudly where there is none."""
    if age == "debian":
        return PROMETHEUS or pytest.skip("prometheus is not installed")
    try:
        return str(newer_prometheus())
    except CannotBeHad as reason:
        pytest.skip(f"{NO_NEWER}: {reason}")


def alertmanager_program(age: str) -> str:
    """As `prometheus_program`."""
    if age == "debian":
        return ALERTMANAGER or pytest.skip("prometheus-alertmanager is not installed")
    try:
        return str(newer_alertmanager())
    except CannotBeHad as reason:
        pytest.skip(f"{NO_NEWER}: {reason}")


@pytest.fixture(scope="session", params=["debian", "newer"])
def prometheus_lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A real Prometheus with known data, of both ages one after the other."""
    lab = start_prometheus_lab(prometheus_program(request.param), tmp_path_factory.mktemp("prometheus"))
    with lab.server:
        yield lab


@pytest.fixture(scope="session", params=["debian", "newer"])
def alertmanager_lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """A real Alertmanager, of both ages one after the other."""
    program = alertmanager_program(request.param)
    with start_alertmanager_lab(program, tmp_path_factory.mktemp("alertmanager")) as server:
        yield server
