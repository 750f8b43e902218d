import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.local_wire import LocalWire
from tests.tui.story import tell
from warroom.review.brief import brief, duration
from warroom.review.postmortem import PostmortemError, render, words
from warroom.review.text_chart import text_chart

ROOM = "INC-7K30"


@pytest.fixture(scope="module")
def resolved() -> LocalWire:
    wire = tell()
    wire.act("ana", {"type": "confirm-hypothesis", "hypothesis": 1, "evidence": "trace 7f1c"}, ROOM)
    evidence = {
        "title": "p99 latency",
        "unit": "s",
        "query": "histogram_quantile(0.99, x)",
        "series": [{"label": "p99", "times": [1, 2, 3, 4], "values": [0.1, 2.5, None, 0.4]}],
    }
    wire.act("ana", {"type": "pin-evidence", "evidence": evidence}, ROOM)
    wire.act("ana", {"type": "change-status", "status": "resolved"}, ROOM)
    return wire


def test_no_blank_that_the_log_could_fill(resolved: LocalWire) -> None:
    state = resolved.states[ROOM]
    text = render(state, at=resolved.clock)
    assert text.startswith(f"# Post-mortem {ROOM}: Checkout latency and 5xx spike, eu-west-1\n")
    for entry in state.timeline:
        if entry.kind not in ("chat-posted", "entry-pinned", "next-update-set"):
            assert f"| {entry.seq} | {entry.actor} |" in text, entry
    for holding in state.roles:
        assert holding.duty.label in text
    for task in state.tasks:
        assert f"| T{task.number} | {task.title}" in text
    assert "Roll back checkout-api to v2.13.8" in text
    assert "Because: fastest; loses the gift-card fix" in text
    assert "Confirmed: v2.14.0 leaks database connections" in text
    assert "| H2 | The payment provider is slow | refuted |" in text
    assert "| MTTD (time to detect) | 4 min | MTTD = detected - impact\\_started |" in text
    assert "p99  last 0.4 s  peak 2.5 s" in text
    assert "█" in text
    assert state.head_hash.hex() in text
    assert "\n\n\n" not in text


def test_an_incident_that_knows_nothing_says_what_is_missing_and_how_to_add_it() -> None:
    wire = LocalWire()
    wire.act("ana", {"type": "declare-incident", "title": "Odd"})
    text = render(wire.states[ROOM], at=wire.clock + timedelta(minutes=7))
    assert "warroom impact count" in text
    assert "No hypothesis was confirmed" in text
    assert "not known when the impact started" in text
    assert "Lasts for | 7 min" in text


def test_foreign_words_are_no_markup() -> None:
    wire = LocalWire()
    wire.act("ana", {"type": "declare-incident", "title": "a|b <script> *x* `y` [z](http://evil)"})
    wire.act("ana", {"type": "add-note", "text": "{{ 7 * 7 }} | # no heading\n# second"}, ROOM)
    text = render(wire.states[ROOM], at=wire.clock)
    assert "<script>" not in text
    assert "a\\|b" in text
    assert "{{ 7 \\* 7 }}" in text, "what people wrote is data, never a template"
    rows = [line for line in text.splitlines() if line.startswith("| 08:58:00 |")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)


@given(st.text(max_size=60))
def test_escaping_keeps_the_words(text: str) -> None:
    assert re.sub(r"\\([\\`*_\[\]<>|#~])", r"\1", words(text)) == "\n".join(text.splitlines())


def test_a_users_template_cannot_reach_out(tmp_path: Path, resolved: LocalWire) -> None:
    state = resolved.states[ROOM]
    (tmp_path / "postmortem.md.j2").write_text("{{ incident.__class__.__mro__ }}")
    with pytest.raises(PostmortemError, match=r"postmortem\.md\.j2"):
        render(state, at=datetime(2026, 11, 21, 10, tzinfo=UTC), template_dirs=(tmp_path,))
    (tmp_path / "postmortem.md.j2").write_text("fine\n{% if %}")
    with pytest.raises(PostmortemError, match=r"postmortem\.md\.j2:2"):
        render(state, at=datetime(2026, 11, 21, 10, tzinfo=UTC), template_dirs=(tmp_path,))


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)), max_size=300))
def test_any_values_make_a_chart_or_none(values: list[float | None]) -> None:
    rows = text_chart(values)
    assert len(rows) in (0, 7)
    assert len({len(row.split("│")[0]) for row in rows[:-1]}) <= 1


def test_the_brief_answers_what_a_late_joiner_asks(resolved: LocalWire) -> None:
    wire = tell()
    sections = {section.title: section.lines for section in brief(wire.states[ROOM], wire.clock, UTC, since_seq=35)}
    assert "SEV1, identified, since 08:58, for 44 min" in sections["Now"]
    assert "Incident commander: ana" in sections["Who does what"]
    assert any("H1 supported" in line for line in sections["What is known"])
    assert any("rollback checkout-api v2.13.8" in line for line in sections["What was tried"])
    assert any(
        line.startswith("T1 Roll back to v2.13.8, 30 pods (marek, acknowledged, due in 2 min")
        for line in sections["What is next"]
    )
    assert sections["Since you left"][-1] == "4 chat messages"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(30, "30 s"), (150, "2 min 30 s"), (2820, "47 min"), (4980, "1 h 23 min"), (180_000, "2 d 2 h")],
)
def test_durations(seconds: int, said: str) -> None:
    assert duration(timedelta(seconds=seconds)) == said


def test_the_example_in_the_documentation_is_what_the_template_makes() -> None:
    page = Path(__file__).parents[2] / "docs" / "example-postmortem.md"
    sys.path.insert(0, str(page.parent))
    try:
        from example import example
    finally:
        sys.path.remove(str(page.parent))
    assert page.read_text(encoding="utf-8") == example(), "`make example` rewrites it"
