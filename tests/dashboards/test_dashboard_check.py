"""`warroom dashboard check`: every finding has a code and a place, and the exit status says what a script needs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.made import dashboard, panel
from warroom.cli.main import main
from warroom.dashboards.check import CODES, Weight, check, unbalanced


def found(*panels: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    return [(one.code, one.path) for one in check(dashboard(*panels, **more)).findings]


def test_a_dashboard_without_fault_has_no_findings() -> None:
    report = check(dashboard(panel("timeseries", "up"), {"type": "row"}, {"type": "text", "options": {"content": "x"}}))
    assert (report.findings, report.summary) == ((), "2 of 2 panels can be drawn")


@pytest.mark.parametrize(
    ("one", "code", "path"),
    [
        (panel("geomap", "up"), "panel.unsupported-type", "$.panels[0]"),
        (panel("stat"), "panel.no-query", "$.panels[0]"),
        ({"id": 1, "libraryPanel": {"name": "L"}}, "panel.library", "$.panels[0]"),
        (panel("stat", "up", datasource={"type": "mysql"}), "datasource.unsupported", "$.panels[0].targets[0]"),
        (panel("stat", "sum(up"), "query.unparsable", "$.panels[0].targets[0].expr"),
        (panel("stat", "up{a='$nope'}"), "query.unknown-variable", "$.panels[0].targets[0].expr"),
        (panel("stat", "up", transformations=[{"id": "configFromData"}]), "transformation.ignored",
         "$.panels[0].transformations[0]"),
        (panel("stat", "up", fieldConfig={"defaults": {"unit": "apples"}}), "unit.unknown",
         "$.panels[0].fieldConfig.defaults.unit"),
        (panel("stat", "up", fieldConfig={"overrides": [{"matcher": {"id": "byMoon"}}]}), "override.ignored",
         "$.panels[0].fieldConfig.overrides[0]"),
        (panel("stat", "up", options={"reduceOptions": {"calcs": ["magic"]}}), "calculation.unknown",
         "$.panels[0].options.reduceOptions.calcs"),
        (panel("stat", "up", repeat="nope"), "repeat.unknown-variable", "$.panels[0].repeat"),
        (panel("stat", targets=[{"refId": "A", "datasource": {"uid": "__expr__"}, "type": "sql"}]),
         "expression.unsupported", "$.panels[0].targets[0]"),
    ],
)  # fmt: skip
def test_each_fault_of_a_panel_is_found_at_its_place(one: dict[str, Any], code: str, path: str) -> None:
    assert (code, path) in found(one)


@pytest.mark.parametrize(
    ("variable", "code"),
    [
        ({"name": "v", "type": "magic"}, "variable.unsupported"),
        ({"name": "v", "query": "SHOW TAGS"}, "variable.query"),
        ({"name": "v", "query": "label_values(a)", "regex": "/(/"}, "variable.regex"),
        ({"name": "v", "query": "label_values(up{a='$v'}, b)"}, "variable.circle"),
    ],
)
def test_each_fault_of_a_variable_is_found(variable: dict[str, Any], code: str) -> None:
    assert code in [one for one, _ in found(variables=[variable])]


def test_panels_of_a_collapsed_row_are_found_where_they_are() -> None:
    row = {"type": "row", "collapsed": True, "panels": [panel("stat", "up"), panel("geomap", "up")]}
    report = check(dashboard(row))
    assert report.summary == "1 of 2 panels can be drawn"
    assert [one.path for one in report.findings] == ["$.panels[0].panels[1]"]


def test_every_code_that_is_given_is_explained() -> None:
    source = Path(check.__code__.co_filename).read_text()
    given = set(re.findall(r'Finding\(\s*"([a-z.-]+)"', source))
    assert given == set(CODES)


@pytest.mark.parametrize(
    ("expr", "problem"),
    [
        ("sum(up)", ""), ("up{a='(['}", ""), ("up # (", ""), ("{a=`\\`}", ""), ('up{a="\\""}', ""),
        ("sum(up", "'(' is not closed"), ("up)", "')' at character 3 closes nothing"),
        ("up[5m}", "'}' at character 6 closes nothing"), ('up{a="x}', 'a string that begins with " does not end'),
    ],
)  # fmt: skip
def test_brackets_and_quotes_are_counted(expr: str, problem: str) -> None:
    assert unbalanced(expr) == problem


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    said = {
        "good": {"title": "Good", "panels": [panel("stat", "up")]},
        "noted": {"title": "Noted", "panels": [panel("stat", "up", fieldConfig={"defaults": {"unit": "apples"}})]},
        "warned": {"title": "Warned", "panels": [panel("geomap", "up"), panel("stat", "up")]},
        "broken": [1],
    }
    made = {}
    for name, body in said.items():
        made[name] = tmp_path / f"{name}.json"
        made[name].write_text(json.dumps(body))
    return made


@pytest.mark.parametrize(
    ("name", "plain", "strict"), [("good", 0, 0), ("noted", 0, 0), ("warned", 0, 1), ("broken", 2, 2)]
)
def test_the_exit_status(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str], name: str, plain: int, strict: int
) -> None:
    assert main(["dashboard", "check", str(files[name])]) == plain
    assert main(["dashboard", "check", "--strict", str(files[name])]) == strict
    assert "Traceback" not in capsys.readouterr().err


def test_the_words_and_the_json(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    main(["dashboard", "check", str(files["warned"])])
    said = capsys.readouterr()
    assert said.out.strip() == (
        f"{files['warned']}: warning panel.unsupported-type $.panels[0]: geomap: a map has no shape in a terminal"
    )
    assert said.err.strip() == "Warned: 1 of 2 panels can be drawn"
    main(["dashboard", "check", "--json", str(files["warned"])])
    body = json.loads(capsys.readouterr().out)
    assert (body["schema"], body["panels"], body["drawn"], body["ok"]) == ("warroom.dashboard-check/1", 2, 1, True)
    assert body["findings"][0]["code"] == "panel.unsupported-type"
    assert body["findings"][0]["weight"] == Weight.WARNING
    main(["dashboard", "check", str(files["broken"])])
    assert (
        capsys.readouterr().err
        == f"warroom: {files['broken']}: is no dashboard: it must be a JSON object, not a list\n"
    )
