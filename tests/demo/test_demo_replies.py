"""What the demo's team makes of what people say, and what it answers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.demo import replies
from warroom.incident.state import IncidentState


@pytest.mark.parametrize(
    ("text", "yes", "wait", "question"),
    [
        ("yes", True, False, False),
        ("go ahead, roll back", True, False, False),
        ("@marek do it", True, False, False),
        ("wait", False, True, False),
        ("no, hold it", False, True, False),
        ("do not roll back", False, True, False),
        ("who leads", False, False, True),
        ("ok?", False, False, True),
        ("I see 503s", False, False, False),
    ],
)
def test_what_people_mean(text: str, yes: bool, wait: bool, question: bool) -> None:
    assert (replies.is_yes(text), replies.is_wait(text), replies.is_question(text)) == (yes, wait, question)


@given(st.text(max_size=300))
def test_any_words_get_a_short_answer(text: str) -> None:
    answer = replies.answer(text, IncidentState(id="INC-7K3Q"), datetime(2026, 1, 1, tzinfo=UTC))
    assert 0 < len(answer) < 300
