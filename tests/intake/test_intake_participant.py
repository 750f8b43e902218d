"""The participant on the real core: what alerts lead to, and that nothing is doubled when answers are lost or late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.intake.core_client import NOW, CoreClient
from tests.intake.hostile_requests import recorded_bodies
from warroom.incident.commands import (
    AcceptIncident,
    AttachAlert,
    ChangeStatus,
    DeclareIncident,
    DeclineIncident,
    MergeIncident,
    ResolveAlert,
)
from warroom.incident.measures import measures
from warroom.incident.words import Access, Milestone, Severity, Status
from warroom.participants.intake.alert import Alert
from warroom.participants.intake.alertmanager import parse_webhook
from warroom.participants.intake.pagerduty import parse_event
from warroom.participants.intake.participant import RULE_REMARK, Intake
from warroom.participants.intake.rules import load_rules, parse_rules

RULES = load_rules()
RESOLVED, CLOSED = Status.RESOLVED, Status.CLOSED


def make_intake(client: CoreClient, **changes: Any) -> Intake:
    told: dict[str, Any] = {"patience": 5.0, "now": lambda: NOW, **changes}
    return Intake(client, RULES, **told)  # type: ignore[arg-type]


@pytest.fixture
async def client() -> CoreClient:
    return CoreClient()


@pytest.fixture
async def intake(client: CoreClient) -> AsyncIterator[Intake]:
    async with make_intake(client) as joined:
        yield joined


def firing(fingerprint: str = "f1", service: str = "shop", **changes: Any) -> Alert:
    body = recorded_bodies()[0]
    labels = {"alertname": "HighErrorRate", "service": service, "severity": "critical"}
    raw = {**body["alerts"][0], "labels": labels, "fingerprint": fingerprint}
    alert = parse_webhook({**body, "alerts": [raw], "groupLabels": {}}).alerts[0]
    return replace(alert, **changes)


def over(alert: Alert) -> Alert:
    return replace(alert, status="resolved", ends_at=NOW)


def close(client: CoreClient, incident: str) -> None:
    steps = (AcceptIncident(), *(ChangeStatus(status=status, reason="enough") for status in (RESOLVED, CLOSED)))
    assert all(client.record(step, incident).accepted for step in steps)


async def test_a_recorded_alert_opens_an_incident_in_triage(client: CoreClient, intake: Intake) -> None:
    alert = parse_webhook(recorded_bodies()[0]).alerts[0]
    outcome = await intake.handle(alert)
    assert (outcome.word, outcome.incident, outcome.rule) == ("opened", "INC-0001", "open")
    state = client.states["INC-0001"]
    assert (state.title, state.severity, state.status) == ("loki 127.0.0.1:13100 is down", Severity.SEV1, Status.TRIAGE)
    assert state.services == ("loki",)
    assert state.milestones[Milestone.DETECTED] == alert.starts_at
    assert Milestone.IMPACT_STARTED not in state.milestones
    assert "Opened by the alert TargetDown of alertmanager (rule open, rules 1-" in state.summary
    attached = state.alert("alertmanager", "559c75590e2dd6f3")
    assert attached is not None
    assert attached.url == alert.generator_url
    assert dict(attached.annotations)[RULE_REMARK] == f"open, rules {RULES.revision}"
    assert dict(attached.annotations)["runbook_url"] == "https://example.invalid/rb/target-down"


async def test_repeats_double_nothing(client: CoreClient, intake: Intake) -> None:
    words = [(await intake.handle(firing())).word for _ in range(5)]
    assert words == ["opened"] + ["duplicate"] * 4
    assert len(client.submitted) == 1


async def test_repeats_at_the_same_time_double_nothing(client: CoreClient, intake: Intake) -> None:
    outcomes = await asyncio.gather(*(intake.handle(firing()) for _ in range(20)))
    assert sorted(outcome.word for outcome in outcomes) == ["duplicate"] * 19 + ["opened"]
    assert list(client.states) == ["INC-0001"]


async def test_a_storm_becomes_one_incident_even_if_the_list_comes_late(client: CoreClient, intake: Intake) -> None:
    client.lobby_comes = False
    outcomes = await asyncio.gather(*(intake.handle(firing(f"f{i}")) for i in range(100)))
    assert sum(outcome.word == "opened" for outcome in outcomes) == 1
    assert len(client.states["INC-0001"].alerts) == 100


async def test_fire_resolve_fire_again(client: CoreClient, intake: Intake) -> None:
    alert = firing()
    words = [(await intake.handle(a)).word for a in (alert, over(alert), over(alert), alert, alert)]
    assert words == ["opened", "resolved", "duplicate", "attached", "duplicate"]
    held = client.states["INC-0001"].alert(*alert.key)
    assert held is not None
    assert (held.status, held.times_fired) == ("firing", 2)


async def test_an_alert_joins_what_a_person_declared_for_its_service(client: CoreClient, intake: Intake) -> None:
    client.record(DeclareIncident(title="Shop is odd", services=("shop",)))
    outcome = await intake.handle(firing())
    assert (outcome.word, outcome.incident) == ("attached", "INC-0001")


@pytest.mark.parametrize("end", ["closed", "declined"])
async def test_an_alert_that_outlives_its_incident_is_resolved_there_and_opens_no_other(
    client: CoreClient, intake: Intake, end: str
) -> None:
    alert = firing()
    await intake.handle(alert)
    if end == "declined":
        client.record(DeclineIncident(reason="a test"), "INC-0001")
    else:
        close(client, "INC-0001")
    assert client.states["INC-0001"].status.is_over
    assert (await intake.handle(alert)).word == "duplicate"
    assert (await intake.handle(firing("other"))).incident == "INC-0002"
    assert (await intake.handle(over(alert))).word == "resolved"
    held = client.states["INC-0001"].alert(*alert.key)
    assert held is not None
    assert held.status == "resolved"
    await intake.handle(firing("third"))
    await intake.handle(firing("fourth"))
    assert "INC-0001" not in client.rooms


async def test_the_answer_to_a_recorded_command_is_lost_and_the_sender_comes_again(client: CoreClient) -> None:
    async with make_intake(client, patience=0.02) as intake:
        client.answers = False
        assert (await intake.handle(firing())).word == "unavailable"
        assert (await intake.handle(firing())).word == "unavailable"
        assert (await intake.handle(firing("f2"))).word == "unavailable"
        assert len(client.submitted) == 1
        client.deliver_answers()
        assert (await intake.handle(firing())).word == "duplicate"
        assert (await intake.handle(firing("f2"))).word == "attached"
    assert list(client.states) == ["INC-0001"]


async def test_a_sender_that_hangs_up_leaves_nothing_half_done(client: CoreClient, intake: Intake) -> None:
    client.answers = False
    waiting = asyncio.create_task(intake.handle(firing()))
    await client.reached.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    again = asyncio.create_task(intake.handle(firing()))
    await asyncio.sleep(0)
    client.deliver_answers()
    assert (await again).word == "duplicate"
    assert len(client.submitted) == 1


async def test_a_new_process_knows_what_the_old_one_did(client: CoreClient, intake: Intake) -> None:
    await intake.handle(firing())
    again = CoreClient(states=client.states)
    async with make_intake(again) as fresh:
        assert (await fresh.handle(firing())).word == "duplicate"
        assert (await fresh.handle(over(firing()))).word == "resolved"


async def test_no_server_is_unavailable_with_the_reason(client: CoreClient, intake: Intake) -> None:
    client.online = False
    outcome = await intake.handle(firing())
    assert (outcome.word, outcome.reason) == ("unavailable", "cut off")
    assert client.submitted == []
    client.online = True
    assert (await intake.handle(firing())).word == "opened"


async def test_a_token_that_may_not_act_costs_no_alert(client: CoreClient, intake: Intake) -> None:
    client.access = Access.OBSERVER
    outcome = await intake.handle(firing())
    assert (outcome.word, outcome.reason) == ("unavailable", "an observer may read, and change nothing")
    assert client.refused == ()


async def test_somebody_was_first_so_it_looks_again(client: CoreClient, intake: Intake) -> None:
    """The incident ends between the decision and the command; the alert then opens its own."""
    client.record(DeclareIncident(title="Shop is odd", services=("shop",)))
    await intake.handle(firing("f0"))
    submit = client.submit

    def late(command: Any, incident: str = "") -> Any:
        if isinstance(command, AttachAlert) and client.states["INC-0001"].status.is_live:
            close(client, "INC-0001")
        return submit(command, incident)

    client.submit = late  # type: ignore[method-assign]
    outcome = await intake.handle(firing("f1"))
    assert (outcome.word, outcome.incident) == ("opened", "INC-0002")


async def test_what_the_core_refuses_for_good_is_refused_in_its_words(client: CoreClient, intake: Intake) -> None:
    await intake.handle(firing())
    state = client.states["INC-0001"]
    for number in range(1000 - len(state.alerts)):
        recorded = firing(f"x{number}").recorded()
        assert client.record(AttachAlert(alert=recorded), "INC-0001").accepted
    outcome = await intake.handle(firing("one-too-many"))
    assert outcome.word == "refused"
    assert "1000" in outcome.reason


async def test_a_senders_clock_that_runs_ahead_costs_no_alert(client: CoreClient, intake: Intake) -> None:
    ahead = firing(starts_at=NOW + timedelta(days=400))
    assert (await intake.handle(ahead)).word == "opened"
    assert client.states["INC-0001"].milestones[Milestone.DETECTED] == NOW
    ancient = firing("f2", "other", starts_at=NOW - timedelta(days=9000))
    assert (await intake.handle(ancient)).word == "opened"
    late = replace(ahead, status="resolved", ends_at=NOW + timedelta(days=500))
    assert (await intake.handle(late)).word == "resolved"


async def test_clocks_that_differ_cost_no_alert(client: CoreClient) -> None:
    async with make_intake(client, now=lambda: NOW + timedelta(days=1)) as intake:
        ahead = firing(starts_at=NOW + timedelta(hours=5))
        assert (await intake.handle(ahead)).word == "opened"
        assert (await intake.handle(replace(over(ahead), ends_at=NOW + timedelta(hours=6)))).word == "resolved"
    assert Milestone.DETECTED not in client.states["INC-0001"].milestones or (
        client.states["INC-0001"].milestones[Milestone.DETECTED] <= NOW
    )


async def test_incidents_without_number_are_followed_up_to_a_bound_the_live_ones_first(
    client: CoreClient, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warroom.participants.intake.participant.MOST_FOLLOWED", 5)
    for number in range(10):
        assert (await intake.handle(firing(f"f{number}", f"service-{number}"))).word == "opened"
        if number < 8:
            assert client.record(DeclineIncident(reason="a test"), f"INC-{number + 1:04}").accepted
    assert (await intake.handle(firing("late", "service-9"))).incident == "INC-0010"
    assert (await intake.handle(firing("later", "service-8"))).incident == "INC-0009"
    assert len(client.rooms) <= 6
    assert {"INC-0009", "INC-0010"} <= set(client.rooms)


async def test_a_merged_incident_gets_its_resolution(client: CoreClient, intake: Intake) -> None:
    client.access = Access.COMMANDER
    alert = firing()
    await intake.handle(alert)
    client.record(DeclareIncident(title="The real one"))
    client.record(MergeIncident(into="INC-0002"), "INC-0001")
    assert (await intake.handle(alert)).word == "duplicate"
    assert (await intake.handle(over(alert))).word == "resolved"


async def test_pagerduty_events_run_their_course(client: CoreClient, intake: Intake) -> None:
    def event(action: str, **more: Any) -> Alert:
        payload = {"summary": "disk is full", "source": "db-1", "severity": "critical", "component": "postgres"}
        body = {"routing_key": "k", "event_action": action, "dedup_key": "k" * 255, **more}
        return parse_event({**body, "payload": payload}, "shop", NOW)

    actions = ("trigger", "trigger", "acknowledge", "acknowledge", "resolve", "resolve", "trigger")
    words = [(await intake.handle(event(action))).word for action in actions]
    assert words == ["opened", "duplicate", "acknowledged", "duplicate", "resolved", "duplicate", "attached"]
    state = client.states["INC-0001"]
    assert (state.title, state.services, state.severity) == ("disk is full", ("postgres",), Severity.SEV1)
    assert state.alerts[0].source == "pagerduty/shop"


async def test_rules_that_say_so_open_private_incidents_in_earnest(client: CoreClient) -> None:
    text = "version: 1\nrules:\n  - {name: s, open: {title: Secret, private: true, triage: false, severity: SEV2}}\n"
    async with Intake(client, parse_rules(text, "r"), now=lambda: NOW) as intake:  # type: ignore[arg-type]
        assert (await intake.handle(firing())).word == "opened"
        assert (await intake.handle(firing("f2"))).word == "attached"
    state = client.states["INC-0001"]
    assert (state.private, state.status, state.severity) == (True, Status.INVESTIGATING, Severity.SEV2)


async def test_an_alert_on_what_users_feel_tells_when_the_impact_started(client: CoreClient) -> None:
    rules = parse_rules("version: 1\nrules:\n  - {name: felt, open: {impact: true}}\n", "test")
    alert = firing(starts_at=NOW - timedelta(minutes=7))
    async with Intake(client, rules, patience=5.0, now=lambda: NOW) as intake:  # type: ignore[arg-type]
        incident = (await intake.handle(alert)).incident
    state = client.states[incident]
    assert state.milestones[Milestone.IMPACT_STARTED] == alert.starts_at
    assert state.milestones[Milestone.DETECTED] == state.milestones[Milestone.DECLARED]
    detect = next(one for one in measures(state) if one.name == "MTTD")
    assert detect.value is not None
    assert detect.value >= timedelta(minutes=7)


async def test_what_is_ignored_reaches_nobody(client: CoreClient, intake: Intake) -> None:
    watchdog = firing(labels={"alertname": "Watchdog"})
    outcome = await intake.handle(watchdog)
    assert (outcome.word, outcome.rule, outcome.unmatched) == ("ignored", "heartbeat", False)
    assert (await intake.handle(over(firing("never-seen")))).word == "ignored"
    assert client.submitted == []


TEXT = st.text(max_size=40)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(TEXT, TEXT, min_size=1, max_size=6), st.dictionaries(TEXT, TEXT, max_size=3), TEXT)
def test_any_alert_that_can_be_read_can_be_recorded(
    labels: dict[str, str], annotations: dict[str, str], fingerprint: str
) -> None:
    body = recorded_bodies()[0]
    raw = {**body["alerts"][0], "labels": labels, "annotations": annotations, "fingerprint": fingerprint}
    webhook = parse_webhook({**body, "alerts": [raw]})

    async def run() -> list[str]:
        client = CoreClient()
        async with make_intake(client) as intake:
            return [(await intake.handle(webhook.alerts[0])).word for _ in range(2)]

    assert asyncio.run(run()) in (["opened", "duplicate"], ["ignored", "ignored"])


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.booleans(), st.sampled_from(["answer", "late", "lost"])), max_size=12
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_any_course_of_late_and_lost_answers_converges_without_doubling(
    steps: list[tuple[str, bool, str]],
) -> None:
    """Each alert is sent until it has an outcome, as Alertmanager does; then it is as it was sent last, once."""

    async def run() -> CoreClient:
        client = CoreClient()
        async with make_intake(client, patience=0.005) as intake:
            for fingerprint, is_over, network in steps:
                alert = over(firing(fingerprint)) if is_over else firing(fingerprint)
                client.answers = network == "answer"
                outcome = await intake.handle(alert)
                client.deliver_answers()
                if outcome.word == "unavailable":
                    outcome = await intake.handle(alert)
                assert outcome.word != "unavailable"
        return client

    client = asyncio.run(run())
    last = {fingerprint: is_over for fingerprint, is_over, _ in steps}
    assert len(client.states) <= 1
    held = {a.fingerprint: a for state in client.states.values() for a in state.alerts}
    for fingerprint, is_over in last.items():
        if fingerprint in held:
            assert (held[fingerprint].status == "resolved") == is_over
        else:
            assert all(done for name, done, _ in steps if name == fingerprint)
    declares = [command for command in client.submitted if isinstance(command, DeclareIncident)]
    assert len(declares) == len(client.states)
    resolves = [command for command in client.submitted if isinstance(command, ResolveAlert)]
    assert len(resolves) <= sum(is_over for _, is_over, _ in steps)
    assert orjson.dumps([command.model_dump(mode="json") for command in client.submitted])
