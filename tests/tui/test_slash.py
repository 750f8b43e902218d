from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.incident.commands import COMMAND
from warroom.incident.state import IncidentState, PlaybookState, StepState
from warroom.tui.actions import ACTIONS, BY_SLASH
from warroom.tui.slash import SlashError, parse, usage, when

NOW = datetime(2026, 11, 21, 9, 42, 30, tzinfo=UTC)
STATE = IncidentState(
    id="INC-7K3Q",
    playbooks=(
        PlaybookState(
            "latency", "Latency", 1, "", 1, "ana", NOW, (StepState("scope", "Scope"), StepState("shed", "Shed"))
        ),
    ),
)

EXAMPLES = {
    "chat": "hello @marek",
    "note": "@09:41 pool is full",
    "update": "We are rolling back",
    "severity": "1 all of checkout",
    "status": "identified it is the pool",
    "decline": "a test",
    "reopen": "it is back",
    "title": "Checkout is slow",
    "summary": "Rolling back",
    "services": "checkout payments",
    "milestone": "impact_started 08:58",
    "next": "15",
    "impact": "customers 1,214",
    "impact-text": "Payment fails for one in ten",
    "change": "deploy checkout v2.14.0",
    "link": "https://tickets.example/4471 The ticket",
    "merge": "inc-7k3r same pool",
    "private": "",
    "member": "@legal",
    "remove-member": "@legal",
    "role": "ic @ana",
    "release": "scribe",
    "command": "no answer for ten minutes",
    "offer": "@marek pool leak, rollback at 40 %, next: verify",
    "decline-command": "on a train",
    "pin": "3",
    "correct": "3 it was 09:20",
    "redact": "3 a password",
    "task": "@sofia 20m drain the queue",
    "follow-up": "@tomas alert on pool use",
    "task-ack": "1",
    "done": "#1 drained",
    "assign": "1 @marek",
    "drop": "1",
    "hypothesis": "the retry path leaks connections",
    "support": "1 canary shows it",
    "refute": "H1 pool was fine",
    "confirm": "1",
    "decide": "How to mitigate: roll back because it is fastest",
    "decision": "How to mitigate | roll back | hotfix",
    "object": "1 loses the gift-card fix",
    "rate": "1 70%",
    "act": "rollback it began with the release",
    "approve": "1",
    "reject": "1 not now",
    "step": "1 all regions",
    "skip": "shed not needed",
    "step-assign": "2 @sofia",
    "step-reopen": "scope",
}


def said(line: str) -> dict[str, object]:
    command = parse(line, STATE, "ana", NOW).command
    assert command is not None
    return command


@pytest.mark.parametrize(
    "verb", sorted(verb for verb in BY_SLASH if usage(verb) or verb in ("ack", "accept", "accept-command"))
)
def test_every_verb_builds_a_command_the_core_accepts(verb: str) -> None:
    COMMAND.validate_python(said(f"/{verb} {EXAMPLES.get(verb, '')}"))


def test_a_verb_without_its_words_opens_the_form_or_says_how() -> None:
    assert parse("/note", STATE, "ana", NOW).action == "entry.add-note"
    assert parse("/playbook", STATE, "ana", NOW).action == "playbook.attach"
    with pytest.raises(SlashError, match="usage: /decline REASON"):
        parse("/decline", STATE, "ana", NOW)


def test_details() -> None:
    assert said("/note @09:41 pool is full")["occurred_at"] == "2026-11-21T09:41:00+00:00"
    assert said("/note @marek look")["text"] == "@marek look"
    assert said("/role scribe")["who"] == "ana"
    assert said("/task @sofia 2h drain")["time_box_minutes"] == 120
    assert said("/impact customers 1,214")["value"] == 1214
    assert said("/step 2")["step"] == "shed"
    assert said("/decide roll back because it is fastest") == {
        "type": "take-decision",
        "choice": "roll back",
        "reason": "it is fastest",
    }


def test_times_people_write() -> None:
    assert when("5m ago", NOW, UTC) == NOW - timedelta(minutes=5)
    assert when("23:50", NOW, UTC).day == 20, "a clock time still to come was yesterday"
    with pytest.raises(SlashError, match="no time"):
        when("soon", NOW, UTC)


@given(st.text())
def test_whatever_is_typed_is_a_command_a_form_or_a_sentence(line: str) -> None:
    for verb in ("", "note ", "task ", "done ", "milestone ", "merge ", "decide "):
        with suppress(SlashError):
            parsed = parse(f"/{verb}{line}", STATE, "ana", NOW)
            assert parsed.action or parsed.command


def test_ids_and_slash_words_are_unique_and_methods_too() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    slashes = [action.slash for action in ACTIONS if action.slash]
    assert len(set(slashes)) == len(slashes)
