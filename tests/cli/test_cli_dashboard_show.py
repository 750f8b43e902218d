"""`warroom dashboard show`: a dashboard drawn once on stdout, of a file or of Grafana, with the house's exit codes.

The server is real; the sources behind it are not asked: their answers are real shapes, given in their place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.cli.conftest import Asked, Here
from warroom.cli.exits import Exit, Stop
from warroom.telemetry.series import Full, Series, encode
from warroom.tui import glyphs

PROMETHEUS = {"type": "prometheus", "uid": "p"}
MODEL = {
    "title": "Checkout",
    "uid": "checkout",
    "time": {"from": "now-30m", "to": "now"},
    "panels": [
        {"type": "timeseries", "id": 7, "title": "Latency of $job", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 8},
         "datasource": PROMETHEUS,
         "targets": [{"refId": "A", "expr": 'latency{job=~"$job"}', "legendFormat": "{{job}}"}],
         "fieldConfig": {"defaults": {"unit": "s"}}},
        {"type": "geomap", "id": 8, "title": "Where", "gridPos": {"x": 0, "y": 8, "w": 24, "h": 4}},
    ],
    "templating": {"list": [{"name": "job", "type": "custom", "query": "api,web", "multi": True}]},
}  # fmt: skip
_LINE = Series((("job", "api"),), "api", 1_763_715_600.0, 60.0, (1.0, 2.0, 4.0))
FULL = orjson.loads(encode(Full("p", 1, _LINE.start, _LINE.step, 3, (_LINE,))))


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A terminal with every glyph, and the glyphs as they were afterwards: the command chooses them for its process."""
    monkeypatch.setenv("TERM", "xterm-256color")
    before = glyphs.glyphs()
    yield
    glyphs.use(before)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """The dashboard as a file."""
    path = tmp_path / "checkout.json"
    path.write_text(json.dumps(MODEL))
    return str(path)


def test_a_file_is_drawn_without_grafana_and_without_colour_into_a_pipe(
    at_server: Here, telemetry: Callable[[dict[str, Any]], Asked], file: str
) -> None:
    asked = telemetry({"explore": FULL})
    status, out, err = at_server("dashboard", "show", file, "--width", "80", "--range", "1h")
    assert (status, err) == (0, "")
    assert "\x1b" not in out
    rows = out.splitlines()
    assert rows[0].startswith("Checkout")
    assert "job api" in rows[0]
    assert any(row.startswith("╭─ Latency of api ─") and len(row) == 80 for row in rows)
    assert any("api 4 s" in row for row in rows)
    assert any("a map has no shape in a terminal" in row for row in rows)
    (method, params), *rest = asked
    assert (method, params["query"], rest) == ("explore", 'latency{job=~"api"}', [])
    assert 3540 <= params["end"] - params["start"] <= 3660


def test_colour_is_for_those_who_want_it(
    at_server: Here, telemetry: Callable[[dict[str, Any]], Asked], file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry({"explore": FULL})
    monkeypatch.setenv("FORCE_COLOR", "1")
    _, out, _ = at_server("dashboard", "show", file, "--width", "80")
    assert "\x1b[" in out


def test_a_dashboard_of_grafana_is_asked_for_by_its_uid_for_an_incident(
    at_server: Here, telemetry: Callable[[dict[str, Any]], Asked]
) -> None:
    status, out, err = at_server("declare", "dashboards")
    assert status == 0, err
    inc = out.strip()
    asked = telemetry({"dashboard": {"dashboard": MODEL, "url": ""}, "explore": FULL})
    status, out, err = at_server("dashboard", "show", "checkout", inc, "--var", "job=web", "--var", "job=api")
    assert status == 0, err
    assert asked[0] == ("dashboard", {"incident": inc, "uid": "checkout"})
    assert asked[1][1]["incident"] == inc
    assert asked[1][1]["query"] == 'latency{job=~"(web|api)"}'


def test_one_panel_alone_by_id_or_title_and_as_json(
    at_server: Here, telemetry: Callable[[dict[str, Any]], Asked], file: str
) -> None:
    telemetry({"explore": FULL})
    status, out, _ = at_server("dashboard", "show", file, "--panel", "7", "--width", "60")
    assert status == 0
    assert "Where" not in out
    status, out, _ = at_server("dashboard", "show", file, "--panel", "Latency of api", "--json")
    body = json.loads(out)
    assert (body["schema"], body["variables"]) == ("warroom.dashboard/1", {"job": ["api"]})
    (panel,) = body["panels"]
    assert (panel["id"], panel["body"]["lines"][0]["values"]) == (7, [1.0, 2.0, 4.0])


def test_when_nothing_could_be_asked_the_status_is_1_and_the_panels_say_why(
    at_server: Here, telemetry: Callable[[dict[str, Any]], Asked], file: str
) -> None:
    telemetry({"explore": Stop(Exit.REFUSED, "prometheus at 127.0.0.1:9090 refused the connection")})
    status, out, err = at_server("dashboard", "show", file, "--width", "100")
    assert status == Exit.REFUSED
    assert "✗ query A: prometheus at 127.0.0.1:9090 refused the connection" in out
    assert "refused the connection" in err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--var", "nope=1"), "--var nope: the dashboard has no such variable; it has: job"),
        (("--var", "job"), "--var job: write it as name=value"),
        (("--panel", "99"), "--panel 99: no panel has that id or title; the ids are 7, 8"),
        (("--width", "3"), "--width"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(
    at_server: Here, file: str, args: tuple[str, ...], words: str
) -> None:
    status, out, err = at_server("dashboard", "show", file, *args)
    assert (status, out) == (Exit.USAGE, "")
    assert words in err


def test_a_file_that_is_no_dashboard_says_so(at_server: Here, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("[1, 2")
    status, _, err = at_server("dashboard", "show", str(path))
    assert status == Exit.USAGE
    assert "is not JSON" in err


def test_without_a_server_there_is_nobody_to_ask(here: Here, file: str) -> None:
    status, _, err = here("dashboard", "show", file)
    assert status == Exit.UNREACHABLE
    assert "no server runs on this machine" in err
