"""The after-action report: what it tells, in Markdown and in a real browser, and that foreign words stay words."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from tests.tabletop.exercise_tape import HOST, START, Tape, curves, well_played
from warroom.tabletop.load import parse_scenario
from warroom.tabletop.model import Scenario
from warroom.tabletop.review.report import html, markdown, report
from warroom.tabletop.score.shapes import ScoreError
from warroom.tabletop.score.total import score

HERE = Path(__file__).parent
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)> [a](http://evil.example) | `b` **c**"
SECTIONS = (
    "Score card", "What users felt", "Clocks", "Milestones", "What went well", "What did not", "Theories", "Actions",
    "Evidence", "Injects", "The truth", "Improvements", "Questions to talk about", "Participants",
)  # fmt: skip


@cache
def edge_rule() -> Scenario:
    return parse_scenario((HERE / "edge_rule.yaml").read_text("utf-8"), "edge_rule.yaml").scenario


def written(tape: Tape, *, blameless: bool = False, ended: int | None = 460) -> tuple[str, str]:
    runs = curves(ended)
    judged = score(tape.records, edge_rule(), runs)
    made = report(tape.records, edge_rule(), judged, runs, at=START + timedelta(hours=2), blameless=blameless)
    return markdown(made), html(made)


def hostile() -> Tape:
    tape = Tape()
    tape.tell(100, "<b>eve</b>", "take-command")
    tape.tell(110, "<b>eve</b>", "propose-hypothesis", text=HOSTILE, probability=0.5)
    tape.tell(120, "<b>eve</b>", "publish-update", text=HOSTILE, audience="</td><script>")
    tape.pin(130, "<b>eve</b>", title=HOSTILE[:190])
    tape.tell(140, HOST, "deliver-inject", inject="I9", sender="</text><script>", text=HOSTILE)
    tape.tell(150, "<b>eve</b>", "add-task", title=HOSTILE[:190], follow_up=True, assignee="<i>x</i>")
    tape.tell(160, HOST, "mark-exercise", rubric="</title><script>", points=1, text=HOSTILE)
    return tape


def dom(page: str, tmp_path: Path) -> str:
    """What a real browser makes of the page."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not on the PATH")
    file = tmp_path / "report.html"
    file.write_text(page, "utf-8")
    asked = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
             "--dump-dom", file.as_uri()]  # fmt: skip
    return subprocess.run(asked, capture_output=True, check=True, timeout=100, text=True).stdout


def test_both_forms_tell_the_same_and_say_that_it_was_an_exercise() -> None:
    text, page = written(well_played())
    for form in (text, page):
        assert "EXERCISE" in form
        assert "Edge CPU pinned worldwide" in form
        assert "A new rule made every request burn CPU on the edge" in form
        assert "What made the change log hard to read?" in form
        assert "Put the CPU guard back" in form
        assert "2026-03-10" in form
    assert [one for one in SECTIONS if f"## {one}" not in text] == []


def test_markdown_draws_what_users_felt_and_where_the_team_acted() -> None:
    text, _ = written(well_played())
    fence = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    assert fence is not None
    assert "█" in fence[1]
    assert "A───" in fence[1]
    assert "0:00" in fence[1]


def test_a_browser_shows_the_page_and_fetches_nothing(tmp_path: Path) -> None:
    page = written(well_played())[1]
    assert not re.search(r"<(script|link|iframe|img|object)\b|@import|url\(", page)
    assert set(re.findall(r'(?:href|src)="([^"]+)"', page)) == {"https://example.com/account"}
    shown = dom(page, tmp_path)
    assert shown.count("<svg") == 2
    assert "Switch the rule off (right, done)" in shown
    assert "<title>EXERCISE INC-7K3Q: Edge CPU pinned worldwide</title>" in shown
    assert shown.count('class="card"') == 7


def test_foreign_words_are_no_markup_in_a_browser(tmp_path: Path) -> None:
    page = written(hostile(), ended=None)[1]
    shown = dom(page, tmp_path)
    assert "<script" not in shown
    assert "<img" not in shown
    assert "<b>eve" not in shown
    assert "owned" not in re.findall(r"<title>(.*?)</title>", shown)[0]
    assert "&lt;script&gt;" in shown


def test_foreign_words_are_no_markup_in_markdown() -> None:
    text = written(hostile(), ended=None)[0]
    assert "<script>" not in text
    assert "<b>eve" not in text
    assert "[a](http" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows
    assert all(row.endswith("|") for row in rows)


def test_blameless_masks_every_name_everywhere() -> None:
    tape = well_played()
    tape.tell(1000, "dan", "add-task", title="Ask ana and ben what they saw", follow_up=True, assignee="cleo")
    for form in written(tape, blameless=True):
        words = re.sub(r"<style>.*?</style>", "", form, flags=re.DOTALL)
        assert not re.search(r"\b(ana|ben|cleo|dan)\b", words)
        assert "responder 1" in words
    assert re.search(r"\bana\b", written(tape)[0])


def test_the_same_log_gives_the_same_report() -> None:
    assert written(well_played()) == written(well_played())


def test_a_team_that_was_not_there_gets_a_report_that_says_so() -> None:
    text, page = written(Tape(), ended=None)
    assert "**Total** | **0**" in text
    assert "Nobody proposed one." in text
    assert "Nobody took part." in page


def test_milestones_and_injects_stand_beside_what_came() -> None:
    tape = well_played()
    late = Tape()
    late.tell(240, HOST, "deliver-inject", inject="I1", sender="CEO", to="communications_lead", whispered=True,
              forces="comms.exec_update")  # fmt: skip
    text = written(late, ended=None)[0]
    assert "What do I tell the board?" in text
    assert "never came" in text
    lines = {one.id: one for one in score(tape.records, edge_rule(), curves(460)).milestones}
    assert [lines[name].status for name in ("M1", "M2", "M4", "M5", "M6")] == ["met"] * 5
    assert lines["M4"].entry is not None
    assert lines["M6"].second is not None
    assert lines["M6"].second >= 460


def test_a_log_of_another_scenario_or_version_is_refused_in_words() -> None:
    with pytest.raises(ScoreError, match="played on scenario 'other'"):
        score(Tape(scenario="other").records, edge_rule(), curves())
    newer = edge_rule().model_copy(update={"metadata": edge_rule().metadata.model_copy(update={"version": 2})})
    with pytest.raises(ScoreError, match="version 1"):
        score(Tape().records, newer, curves())
    tape = Tape()
    tape.tell(100, HOST, "stop-exercise", reason="finished", key="00" * 32)
    with pytest.raises(ScoreError, match="changed since"):
        score(tape.records, edge_rule(), curves())
