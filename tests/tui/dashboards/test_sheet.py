"""A dashboard on a sheet: what is asked for it, when its panels change, and how its variables come to their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from warroom.dashboards.data import Chart, Readings
from warroom.dashboards.read import read_dashboard
from warroom.telemetry.series import Full, Series, encode
from warroom.tui.dashboards.questions import Question
from warroom.tui.dashboards.sheet import Sheet

START, END = 1_763_715_600.0, 1_763_719_200.0
PROMETHEUS = {"type": "prometheus", "uid": "p"}


def panel(kind: str, title: str, *exprs: str, y: int = 0, **more: Any) -> dict[str, Any]:
    """A panel with a target for each expression."""
    targets = [{"refId": chr(65 + at), "expr": expr} for at, expr in enumerate(exprs)]
    place = {"x": 0, "y": y, "w": 12, "h": 8}
    return {"type": kind, "title": title, "gridPos": place, "datasource": PROMETHEUS, "targets": targets, **more}


def a_sheet(*panels: dict[str, Any], variables: list[dict[str, Any]] | None = None) -> Sheet:
    """A sheet of these panels over an hour, 120 cells wide."""
    raw = {"title": "D", "uid": "d", "panels": list(panels), "templating": {"list": variables or []}}
    sheet = Sheet(read_dashboard(raw))
    sheet.at(START, END)
    sheet.place(120)
    return sheet


def a_full(question: Question, *values: float) -> dict[str, Any]:
    """The answer of a range question with one series."""
    said = question.as_params()
    line = Series((("job", "api"),), "api", said["start"], said["step"], tuple(values))
    full = Full("p", 1, said["start"], said["step"], len(values), (line,))
    found: dict[str, Any] = orjson.loads(encode(full))
    return found


def chose(sheet: Sheet, answers: Mapping[str, Any], picked: Mapping[str, list[str]] | None = None) -> list[Question]:
    """Let the variables come to their values; returns what was asked."""
    asked: list[Question] = []
    way = sheet.choosing(picked or {})
    try:
        question = next(way)
        while True:
            asked.append(question)
            answer = answers[question.method]
            question = way.send(answer(question) if isinstance(answer, Callable) else answer)  # type: ignore[arg-type]
    except StopIteration as end:
        sheet.settle(*end.value)
    return asked


def test_equal_queries_of_several_panels_are_one_question() -> None:
    sheet = a_sheet(panel("timeseries", "one", "up"), panel("timeseries", "two", "up", "down", y=8))
    questions = sheet.wanted(sheet.keys)
    assert sorted(one.as_params()["query"] for one in questions) == ["down", "up"]
    assert sheet.wanted(sheet.keys) == []
    up = next(one for one in questions if one.as_params()["query"] == "up")
    assert sheet.took(up, a_full(up, 1.0, 2.0)) == [sheet.keys[0]]
    down = next(one for one in questions if one is not up)
    assert sheet.took(down, a_full(down, 1.0, 2.0)) == [sheet.keys[1]]
    body = sheet.data(sheet.keys[1]).body
    assert isinstance(body, Chart)
    assert len(body.lines) == 2


def test_only_the_panels_that_are_named_are_asked_for() -> None:
    sheet = a_sheet(panel("timeseries", "seen", "a"), panel("timeseries", "below", "b", y=8))
    assert [one.as_params()["query"] for one in sheet.wanted(sheet.keys[:1])] == ["a"]
    assert sheet.is_waiting(sheet.keys[1])


def test_a_panel_keeps_what_it_shows_until_all_that_is_newer_has_come() -> None:
    sheet = a_sheet(panel("timeseries", "t", "a", "b"))
    key = sheet.keys[0]
    for question in sheet.wanted([key]):
        sheet.took(question, a_full(question, 1.0, 1.0))
    before = sheet.data(key)
    sheet.at(START + 600, END + 600)
    first, second = sheet.wanted([key])
    assert sheet.took(first, a_full(first, 2.0, 2.0)) == []
    assert sheet.data(key) is before
    assert sheet.took(second, a_full(second, 3.0, 3.0)) == [key]
    assert sheet.data(key) != before


def test_an_answer_for_an_earlier_time_changes_nothing() -> None:
    sheet = a_sheet(panel("timeseries", "t", "a"))
    old = sheet.wanted(sheet.keys)[0]
    sheet.at(START + 3600, END + 3600)
    sheet.wanted(sheet.keys)
    assert sheet.took(old, a_full(old, 9.0)) == []


def test_what_one_query_was_refused_stands_in_its_panel_only() -> None:
    sheet = a_sheet(panel("timeseries", "broken", "rate(", "fine"), panel("timeseries", "well", "fine", y=8))
    for question in sheet.wanted(sheet.keys):
        bad = question.as_params()["query"] == "rate("
        sheet.took(question, ValueError("bad_data: parse error") if bad else a_full(question, 1.0))
    broken, well = (sheet.data(key) for key in sheet.keys)
    assert broken.errors == ("query A: bad_data: parse error",)
    assert isinstance(broken.body, Chart)
    assert len(broken.body.lines) == 1
    assert well.errors == ()


def test_an_answer_of_another_shape_is_a_failure_in_words() -> None:
    sheet = a_sheet(panel("timeseries", "t", "a"), panel("gauge", "g", "b", y=8))
    for question in sheet.wanted(sheet.keys):
        sheet.took(question, {"something": "else"})
    assert all("something else" in sheet.data(key).errors[0] for key in sheet.keys)


def test_a_gauge_asks_for_one_moment() -> None:
    target = {"refId": "A", "expr": "up", "instant": True, "range": False}
    sheet = a_sheet(panel("gauge", "g", targets=[target]))
    question = sheet.wanted(sheet.keys)[0]
    assert (question.method, question.as_params()["at"]) == ("instant", END)
    sheet.took(question, {"samples": [{"labels": [["job", "api"]], "at": END, "value": "+Inf"}]})
    body = sheet.data(sheet.keys[0]).body
    assert isinstance(body, Readings)
    assert body.tiles[0].reading.text == "+Inf"


def test_a_row_is_opened_and_folded_again() -> None:
    inner = panel("timeseries", "inner", "a", y=1)
    row = {"type": "row", "title": "R", "collapsed": True, "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}}
    sheet = a_sheet({**row, "panels": [inner]})
    (key,) = sheet.keys
    assert sheet.wanted(sheet.keys) == []
    assert sheet.fold(key)
    assert [sheet.placed(one).panel.title for one in sheet.keys] == ["R", "inner"]
    assert len(sheet.wanted(sheet.keys)) == 1
    assert sheet.fold(key)
    assert sheet.keys == (key,)
    assert not sheet.fold("no such")


JOB = {"name": "job", "type": "query", "query": "label_values(up, job)", "datasource": PROMETHEUS}
NODE = {"name": "node", "type": "query", "query": 'label_values(up{job="$job"}, instance)', "datasource": PROMETHEUS}


def test_a_variable_is_asked_for_with_the_value_of_the_one_before() -> None:
    sheet = a_sheet(panel("timeseries", "t", 'up{job="$job",instance="$node"}'), variables=[NODE, JOB])

    def values(question: Question) -> Any:
        said = question.as_params()
        return {"values": ["api", "web"] if said["label"] == "job" else [f"{said['matching']}"]}

    asked = chose(sheet, {"metrics.values": values}, {"job": ["web"]})
    assert [one.as_params()["label"] for one in asked] == ["job", "instance"]
    assert asked[1].as_params()["matching"] == 'up{job="web"}'
    assert [(one.variable.name, one.text) for one in sheet.choices] == [("node", 'up{job="web"}'), ("job", "web")]
    assert 'job="web"' in sheet.wanted(sheet.keys)[0].as_params()["query"]


def test_a_variable_whose_question_fails_says_why_and_the_rest_goes_on() -> None:
    sheet = a_sheet(variables=[JOB, {"name": "env", "type": "custom", "query": "prod,dev"}])
    chose(sheet, {"metrics.values": ValueError("prometheus refused the connection")})
    job, env = sheet.choices
    assert job.error == "prometheus refused the connection"
    assert (env.text, env.error) == ("prod", "")


def test_what_a_query_result_variable_offers_is_in_grafanas_words() -> None:
    made = {
        "name": "v",
        "type": "query",
        "query": "query_result(up)",
        "datasource": PROMETHEUS,
        "regex": '/job="([^"]+)"/',
    }
    sheet = a_sheet(variables=[made])
    chose(sheet, {"instant": {"samples": [{"labels": [["__name__", "up"], ["job", "api"]], "at": END, "value": 1.0}]}})
    assert sheet.choices[0].text == "api"


def test_other_values_place_repeated_panels_anew() -> None:
    job = {**JOB, "multi": True, "includeAll": True}
    sheet = a_sheet(panel("timeseries", "of $job", 'up{job="$job"}', repeat="job"), variables=[job])
    answers = {"metrics.values": {"values": ["api", "web", "db"]}}
    chose(sheet, answers, {"job": ["$__all"]})
    assert [sheet.data(key).title for key in sheet.keys] == ["of api", "of web", "of db"]
    chose(sheet, answers, {"job": ["web"]})
    assert [sheet.data(key).title for key in sheet.keys] == ["of web"]


def test_a_list_of_alerts_asks_for_alerts_and_filters_them() -> None:
    options = {"alertName": "High", "alertInstanceLabelFilter": '{service="checkout"}'}
    sheet = a_sheet(panel("alertlist", "Alerts", options=options, targets=[]))
    (question,) = sheet.wanted(sheet.keys)
    assert question.method == "alerts"

    def alert(name: str, service: str) -> dict[str, Any]:
        labels = [["alertname", name], ["service", service], ["severity", "critical"]]
        return {"labels": labels, "starts_at": END - 720, "state": "active"}

    alerts = [alert("CheckoutHigh", "checkout"), alert("CheckoutHigh", "web"), alert("Other", "checkout")]
    sheet.took(question, {"groups": [{"alerts": alerts}]})
    rows = sheet.rows(sheet.keys[0]) or ()
    assert [(one.text, one.level, one.note) for one in rows] == [("CheckoutHigh checkout", "critical", "active 12m")]
