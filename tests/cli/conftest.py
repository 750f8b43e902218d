"""Homes for the commands' tests: a fresh one for each test, and one with a server for a whole module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.cli_home import CliHome
from warroom.cli.direct import Line
from warroom.cli.exits import Stop
from warroom.cli.main import main
from warroom.telemetry import shapes


@pytest.fixture
def home(tmp_path: Path) -> Iterator[CliHome]:
    made = CliHome(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CliHome]:
    """A home with a running server."""
    made = CliHome(tmp_path_factory.mktemp("served"))
    try:
        made.ok("declare", "checkout fails", "-s", "2", "--service", "checkout")
        yield made
    finally:
        made.close()


class Here:
    """Commands in this process: quick, and their output is captured."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *args: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        status = int(main(list(args)))
        said = self._capsys.readouterr()
        return status, said.out, said.err


@pytest.fixture
def here(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Here:
    """A home without a server, for commands in this process."""
    _enter(CliHome(tmp_path_factory.mktemp("alone")), monkeypatch)
    return Here(capsys)


@pytest.fixture
def at_server(served: CliHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """The home with a server, for commands in this process."""
    _enter(served, monkeypatch)
    return Here(capsys)


def _enter(home: CliHome, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in home.env.items():
        if name != "PATH":
            monkeypatch.setenv(name, value)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


Asked = list[tuple[str, dict[str, Any]]]
"""Methods and their parameters, in their order."""


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], Asked]:
    """Answers in the place of telemetry sources; everything else goes to the server."""
    really = Line.request

    def answers(given: dict[str, Any]) -> Asked:
        asked: Asked = []

        def request(line: Line, method: str, **params: Any) -> Any:
            if method not in given:
                return really(line, method, **params)
            asked.append((method, params))
            if isinstance(given[method], Stop):
                raise given[method]
            return shapes.plain(given[method])

        monkeypatch.setattr(Line, "request", request)
        return asked

    return answers
