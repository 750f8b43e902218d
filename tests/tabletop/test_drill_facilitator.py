"""The facilitator: what reaches the players, what their actions lead to, what the hosts do by hand, how it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.tabletop.drill_house import QUIET, SCENARIO, START, rules, runbook, scenario
from warroom.incident.decode import read_event
from warroom.incident.state import IncidentState
from warroom.tabletop.by_hand import HANDS, told_of
from warroom.tabletop.controls import ControlError
from warroom.tabletop.deeds import FACILITATOR, Act, Command, Deed, Whisper, act
from warroom.tabletop.drill import Drill
from warroom.tabletop.headless import Run, acts, run_headless
from warroom.tabletop.host_view import host_view
from warroom.tabletop.replay import replay_log, world_deeds
from warroom.tabletop.room import Room
from warroom.tabletop.seal import fits, open_change


class Session:
    """A drill and its room, second by second, with people who do what a test says."""

    def __init__(self, seed: int = 3) -> None:
        self.drill = Drill(scenario(), seed, START, telemetry=QUIET, runbook=runbook(), rules=rules())
        self.room = Room("INC-TEST", seed)
        assert self.room.ask(FACILITATOR, self.drill.declaration(), START) is None
        self.deeds: list[tuple[int, Deed]] = []

    def until(self, second: int) -> Session:
        while self.drill.second < second and not self.drill.finished:
            self.carry_out(self.drill.advance(self.room.state))
        return self

    def carry_out(self, deeds: Sequence[Deed]) -> None:
        for deed in deeds:
            self.deeds.append((self.drill.second, deed))
            if isinstance(deed, Command):
                refusal = self.room.ask(FACILITATOR, deed.fields, self.drill.moment)
                assert refusal is None, refusal.words

    def ask(self, who: str, type_: str, /, **fields: Any) -> str:
        refusal = self.room.ask(who, {"type": type_, **fields}, self.drill.moment)
        return "" if refusal is None else refusal.words

    def seated(self) -> Session:
        self.ask("ana", "take-command")
        for duty, who in (("operations_lead", "bo"), ("communications_lead", "cy"), ("scribe", "di")):
            self.ask("ana", "assign-role", duty=duty, who=who)
        self.ask("ana", "accept-incident")
        return self

    def told(self, type_: str) -> list[tuple[int, Mapping[str, Any]]]:
        return [(at, d.fields) for at, d in self.deeds if isinstance(d, Command) and d.tag == type_]


def play(*pairs: tuple[int, Act], seed: int = 3) -> Run:
    return run_headless(
        scenario(), seed, acts(pairs), telemetry=QUIET, runbook=runbook(), rules=rules(), incident="INC-TEST"
    )


SEATED = (
    (5, act("ana", "take-command")), (6, act("ana", "assign-role", duty="operations_lead", who="bo")),
    (6, act("ana", "assign-role", duty="communications_lead", who="cy")),
    (6, act("ana", "assign-role", duty="scribe", who="di")), (90, act("ana", "accept-incident")),
)  # fmt: skip


def test_the_room_opens_with_briefing_runbook_panel_and_the_changes_before() -> None:
    session = Session().until(2)
    state = session.room.state
    assert state.title == "EXERCISE: Checkouts fail"
    assert state.exercise is not None
    assert state.exercise.scenario == "autumn"
    assert "briefing" in state.exercise.injects
    assert [book.id for book in state.playbooks] == ["shop-test"]
    assert [panel.title for panel in state.board] == ["users: availability"]
    assert fits(session.drill.key, session.drill.scenario.sealed, state.exercise.truth)


def test_alerts_of_the_ruler_are_attached_and_resolved_and_changes_recorded_as_they_happen() -> None:
    session = Session().seated().until(200)
    assert [alert.name for alert in session.room.state.alerts] == ["UsersFail"]
    assert session.room.state.alerts[0].status == "firing"
    assert any(
        "checkout v656" in change.text and change.text.startswith("CHG-") for change in session.room.state.changes
    )
    session.ask("bo", "request-action", action="rollback-checkout")
    session.ask("ana", "approve-action", number=1)
    session.until(480)
    assert session.room.state.alerts[0].status == "resolved"


def test_changes_from_before_the_start_keep_their_time_and_are_not_crowded_out_by_an_autoscaler() -> None:
    text = SCENARIO.replace(
        "changes:\n", "changes:\n  - {id: C3, at: -55m, kind: deploy, service: web, text: A footer}\n", 1
    )
    drill = Drill(scenario(text), 7, START, telemetry=QUIET, runbook=runbook(), rules=rules())
    for number in range(20):
        drill.world.add_change("scale", "web", f"web: {number} replicas", by="autoscaler")
    told = [deed.fields for deed in drill.advance(IncidentState()) if isinstance(deed, Command)]
    told = [fields for fields in told if fields["type"] == "record-change"]
    footer = next(fields for fields in told if "A footer" in fields["text"])
    assert footer["occurred_at"] == (START - timedelta(minutes=55)).isoformat()
    assert not any("replicas" in fields["text"] for fields in told)


def test_private_words_are_whispered_and_are_not_on_the_log() -> None:
    session = Session().until(10)
    whispers = [deed for _, deed in session.deeds if isinstance(deed, Whisper)]
    assert whispers == []
    session.seated().until(250)
    whispers = [deed for _, deed in session.deeds if isinstance(deed, Whisper)]
    assert [(one.to, one.inject) for one in whispers] == [
        ("communications_lead", "brief:communications_lead"), ("communications_lead", "I1"),
    ]  # fmt: skip
    log = b"".join(record.payload or b"" for record in session.room.records)
    assert b"forty tickets about failed payments" not in log
    assert b"the board" not in log


def test_an_inject_by_condition_comes_only_when_its_condition_holds() -> None:
    assert any(fields["inject"] == "I2" for _, fields in Session().until(130).told("deliver-inject"))
    assert all(fields["inject"] != "I2" for _, fields in Session().seated().until(130).told("deliver-inject"))


def test_an_action_waits_for_approval_takes_its_time_and_is_felt_at_the_second_the_log_names() -> None:
    run = play(
        *SEATED,
        (100, act("bo", "request-action", action="rollback-checkout")),
        (130, act("ana", "approve-action", number=1)),
    )
    action = run.state.actions[0]
    assert action.status == "done"
    assert action.started_at is not None
    assert (action.started_at - START).total_seconds() == 131
    assert action.second == 191
    before, after = run.curve.failed[150:190], run.curve.failed[200:240]
    assert sum(after) < 0.2 * sum(before)


def test_only_the_duty_that_may_asks_and_approves() -> None:
    session = Session().seated().until(100)
    assert "operations lead" in session.ask("cy", "request-action", action="rollback-checkout")
    assert session.ask("bo", "request-action", action="rollback-checkout") == ""
    assert "incident commander" in session.ask("bo", "approve-action", number=1)


def test_a_wrong_action_has_its_side_effect_and_cannot_be_repeated_at_once() -> None:
    session = Session().seated().until(70)
    session.ask("bo", "request-action", action="restart-cart")
    session.until(100)
    assert session.drill.production.active("F2")
    session.ask("bo", "request-action", action="restart-cart")
    session.until(103)
    assert session.room.state.actions[1].status == "failed"
    assert "another" in session.room.state.actions[1].words


def test_an_action_that_is_not_possible_is_refused_in_the_scenarios_words() -> None:
    session = Session().seated().until(70)
    session.ask("bo", "request-action", action="flag-off")
    session.until(90)
    assert (session.room.state.actions[0].status, session.room.state.actions[0].words) == (
        "failed", "The flag service does not know this form.",
    )  # fmt: skip


def test_somebody_is_taken_out_and_comes_back() -> None:
    session = Session().seated().until(200)
    exercise = session.room.state.exercise
    assert exercise is not None
    assert exercise.withheld == {"di"}
    assert "out of reach" in session.ask("di", "add-note", text="hello")
    session.until(365)
    assert session.ask("di", "add-note", text="back") == ""


def test_a_hint_costs_what_the_scenario_says_and_comes_once() -> None:
    session = Session().seated().until(40)
    session.ask("ana", "ask-for-hint")
    session.until(42)
    session.ask("ana", "ask-for-hint")
    session.until(44)
    assert [(fields["inject"], fields["cost"]) for _, fields in session.told("give-hint")] == [
        ("H1", 4),
        ("no-hint", 0.0),
    ]
    assert session.room.state.exercise is not None
    assert session.room.state.exercise.hints == 4


def test_a_tool_is_lost_while_the_fault_lasts_and_comes_back_with_its_end() -> None:
    session = Session().seated().until(125)
    assert session.drill.degraded == {"jaeger": (0.0, 0.0, True)}
    assert session.drill.backends.degraded["jaeger"].down
    session.carry_out(session.drill.end_fault("F1"))
    session.until(130)
    assert session.drill.degraded == {}
    assert "jaeger" not in session.drill.backends.degraded


def test_the_schedule_can_be_changed_by_hand() -> None:
    session = Session().seated().until(10)
    session.carry_out(session.drill.skip("I1"))
    session.carry_out(session.drill.edit("I3", "Sixty tickets."))
    session.carry_out(session.drill.reschedule("I3", 20))
    session.until(300)
    told = {fields["inject"]: (at, fields["text"]) for at, fields in session.told("deliver-inject")}
    assert told["I3"] == (20, "Sixty tickets.")
    assert "I1" not in told
    states = {row.id: row.state for row in session.drill.schedule}
    assert (states["I1"], states["I3"], states["I2"]) == ("skipped", "fired", "waiting")
    with pytest.raises(ControlError, match="reached the players already"):
        session.drill.fire("I3")
    with pytest.raises(ControlError, match="has passed"):
        session.drill.reschedule("I2", 30)
    with pytest.raises(ControlError, match="no inject I9"):
        session.drill.skip("I9")


def test_a_change_by_hand_is_felt_sealed_and_replayed() -> None:
    session = Session().seated().until(30)
    fault = {"id": "X1", "type": "error_rate", "target": {"service": "edge"}, "params": {"rate": 0.5}}
    session.carry_out(session.drill.begin_fault(fault))
    session.until(50)
    assert session.drill.world.slo.failed > 0.3 * session.drill.world.slo.requests
    sealed = next(read_event(record) for record in session.room.records if record.tag == "world-changed")
    assert open_change(session.drill.key, sealed.sealed)["fault"]["id"] == "X1"
    assert b"error_rate" not in b"".join(record.payload or b"" for record in session.room.records)
    session.carry_out(session.drill.stop("abandoned"))
    session.until(60)
    assert [(one.second, one.kind) for one in world_deeds(session.room.records)] == [(30, "hand")]
    curve = replay_log(session.drill.scenario, session.room.records, seconds=50)
    assert sum(curve.failed[35:50]) > 0.3 * sum(curve.requests[35:50])
    with pytest.raises(ControlError, match="needs id and type"):
        session.drill.begin_fault({"type": "error_rate"})
    with pytest.raises(ControlError, match="does not act now"):
        session.drill.end_fault("F2")


def test_a_metric_can_be_overridden_and_a_pane_muted() -> None:
    session = Session().until(20)
    session.carry_out(session.drill.override('process_cpu_utilisation{job="cart"}', 0.99))
    session.carry_out(session.drill.mute("logs"))
    session.until(40)
    seen = session.drill.look()
    assert {row.value for row in seen.ask("metrics", 'process_cpu_utilisation{job="cart"}').rows} == {0.99}
    assert session.drill.muted == {"logs"}
    told_hosts = host_view(session.drill, session.room.state, 1.0)
    assert told_hosts["overrides"] == {'process_cpu_utilisation{job="cart"}': 0.99}
    session.carry_out(session.drill.unmute("logs"))
    told = told_of("end-override", HANDS["end-override"], {"metric": 'process_cpu_utilisation{job="cart"}'})
    session.carry_out(HANDS["end-override"].of(session.drill)(**told))
    session.until(60)
    assert session.drill.degraded == {}
    assert host_view(session.drill, session.room.state, 1.0)["overrides"] == {}
    true = session.drill.look().ask("metrics", 'process_cpu_utilisation{job="cart"}')
    assert 0.99 not in {row.value for row in true.rows}
    for call in (
        lambda: session.drill.override("", 1.0),
        lambda: session.drill.mute("tea"),
        lambda: session.drill.degrade("loki", latency=-1),
    ):
        with pytest.raises(ControlError):
            call()


def test_the_safe_word_ends_it_at_once_and_the_key_opens_the_truth() -> None:
    session = Session().seated().until(20)
    session.ask("cy", "post-chat", text="real incident: payments are down for real")
    session.until(30)
    exercise = session.room.state.exercise
    assert exercise is not None
    assert (exercise.stop_reason, session.drill.second) == ("safe_word", 21)
    assert fits(bytes.fromhex(exercise.key), session.drill.scenario.sealed, exercise.truth)
    assert [fields["stage"] for _, fields in session.told("reveal-truth")] == [1, 2]
    assert session.drill.advance(session.room.state) == ()


def test_whoever_stops_it_with_the_safe_word_is_followed_by_the_key() -> None:
    session = Session().until(10)
    assert session.ask("cy", "stop-exercise", reason="safe_word") == ""
    session.until(20)
    assert session.room.state.exercise is not None
    assert session.room.state.exercise.key == session.drill.key.hex()
    assert session.room.state.exercise.stop_reason == "safe_word"


def test_it_ends_a_minute_after_the_team_says_that_nothing_is_wrong() -> None:
    run = play((5, act("ana", "take-command")), (30, act("ana", "decline-incident", reason="all is well")))
    assert run.state.exercise is not None
    assert (run.state.exercise.stop_reason, run.seconds) == ("finished", 91)


def test_calling_it_over_while_users_still_suffer_ends_nothing() -> None:
    run = play(*SEATED, (200, act("ana", "change-status", status="resolved")))
    assert run.state.exercise is not None
    assert run.state.exercise.stop_reason == "hard_stop"
