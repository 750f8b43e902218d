"""The players' runbook as a file: read whole, refused with its line, and pinned to the room as a playbook."""

from __future__ import annotations

import pytest

from tests.tabletop.drill_house import RUNBOOK, runbook
from warroom.document import DocumentError
from warroom.tabletop.runbook import parse_runbook


def test_a_runbook_becomes_a_playbook_with_a_step_for_each_check() -> None:
    book = runbook()
    pinned = book.pinned()
    assert [step.id for step in pinned.steps] == [check.id for check in book.checks]
    assert pinned.steps[0].owner == "operations_lead"
    assert book.checks[0].query in pinned.steps[0].instructions


def test_durations_are_words() -> None:
    assert [check.takes for check in runbook().checks] == [20, 30]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ask: metrics", "ask: charts", "ask"),
        ("probability: 0.4", "probability: 1.4", "probability"),
        ('healthy: "value >= 0.985"', 'healthy: "fine"', "write any, none"),
        ("id: own-errors", "id: cpu", "two checks have the id"),
        ("takes: 20s", "takes: a while", "takes"),
        ("          ask: logs", "          ask: logs\n          colour: red", "colour"),
        ("users:", "userz:", "users"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(old: str, new: str, words: str) -> None:
    changed = RUNBOOK.replace(old, new, 1)
    assert changed != RUNBOOK
    with pytest.raises(DocumentError) as caught:
        parse_runbook(changed, "shop.yaml")
    assert words in str(caught.value)
    assert "shop.yaml:" in str(caught.value)


def test_a_list_is_no_runbook() -> None:
    with pytest.raises(DocumentError, match="a runbook is a mapping"):
        parse_runbook("- a", "shop.yaml")
