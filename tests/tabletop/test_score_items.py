"""Each item of the score is won and lost by what stands on a log made through the core."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.tabletop.exercise_tape import FULL, HOST, START, Tape, curve, curves, quiet, terms, well_played
from warroom.tabletop.score.comms import Said, fields_in, owed
from warroom.tabletop.score.curves import Curves
from warroom.tabletop.score.judged import judged
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.shapes import Score, ScoreError, decode, encode
from warroom.tabletop.score.terms import Terms


def scored(tape: Tape, about: Terms | None = None, ended: int | None = 460) -> Score:
    return judged(tape.log(), about or terms(), curves(ended))


def test_a_team_that_does_everything_right_has_everything() -> None:
    score = scored(well_played())
    assert score.total == 100.0
    assert [one.id for one in score.categories] == [
        "outcome", "detection", "roles", "comms", "diagnosis", "safety", "review"
    ]  # fmt: skip
    assert sum(one.of for one in score.categories) == 100.0
    assert score.team == ("ana", "ben", "cleo", "dan")


def test_a_team_that_was_not_there_has_nothing() -> None:
    score = scored(Tape(), ended=None)
    assert score.total == 0.0
    assert not score.took_part
    assert all(item.points == 0.0 and item.why for one in score.categories for item in one.items)


def test_every_item_says_why_and_names_entries_that_are_on_the_log() -> None:
    tape = well_played()
    for category in scored(tape).categories:
        for item in category.items:
            assert item.why
            assert all(1 <= seq <= tape.state.seq for seq in item.entries)


def test_a_log_without_an_exercise_is_refused_in_words() -> None:
    with pytest.raises(ScoreError, match="no exercise"):
        ExerciseLog(())


def test_the_score_reads_back_what_it_wrote() -> None:
    score = scored(well_played())
    assert decode(encode(score)) == score


# -- outcome and detection -------------------------------------------------------------------------------------------


def test_outcome_lies_between_nobody_acting_and_the_reference_run() -> None:
    assert scored(well_played(), ended=720).item("outcome.users").points == pytest.approx(30.0)
    assert scored(well_played(), ended=None).item("outcome.users").points == 0.0
    half = scored(well_played(), ended=720 + (3600 - 720) // 2)
    assert half.item("outcome.users").points == pytest.approx(15.0, abs=0.1)


def test_what_a_harmful_action_saved_is_not_counted() -> None:
    runs = curves(460)
    kept = Curves(runs.team, runs.nothing, runs.reference, without_harm=curves(2000).team)
    worse = judged(well_played().log(), terms(), kept).item("outcome.users")
    assert worse.points < judged(well_played().log(), terms(), runs).item("outcome.users").points
    assert "not counted" in worse.why


def test_where_users_notice_nothing_the_time_that_it_stood_counts() -> None:
    calm = Curves(curve(), curve(), curve())
    good = judged(well_played().log(), terms(), calm).item("outcome.users")
    assert good.points == 30.0
    assert "time counts" in good.why
    assert judged(Tape().log(), terms(), calm).item("outcome.users").points == 0.0


@pytest.mark.parametrize(("second", "points"), [(300, 10.0), (600, 5.0), (900, 2.5)])
def test_detection_halves_with_every_half_life_after_it_was_due(second: int, points: float) -> None:
    tape = Tape()
    tape.tell(second, "ana", "accept-incident")
    assert scored(tape).item("detection.time").points == points


def test_declining_a_real_incident_is_no_detection_until_it_is_opened_again() -> None:
    tape = Tape()
    tape.tell(200, "ana", "decline-incident", reason="looks fine to me")
    assert scored(tape).item("detection.time").points == 0.0
    tape.tell(600, "ana", "reopen-incident", reason="it is not fine")
    assert scored(tape).item("detection.time").points == 5.0


# -- nothing is wrong ------------------------------------------------------------------------------------------------


def standing_down(tape: Tape | None = None) -> Tape:
    tape = tape or Tape(scenario="noop")
    tape.tell(60, "ana", "take-command")
    tape.pin(200, who="ana", title="Share of requests served", query="ok")
    reason = "False alarm. Impact: none. Scope: nobody. We know: all is within bounds. We do: tune the alert"
    tape.tell(300, "ana", "decline-incident", reason=reason)
    return tape


def calm(team: Curves | None = None) -> Curves:
    return team or Curves(curve(), curve(), curve())


def test_saying_that_nothing_is_wrong_wins_where_nothing_is() -> None:
    tape = standing_down()
    tape.tell(400, "ana", "add-task", title="Raise the threshold", follow_up=True, assignee="ana",
              due=(START + timedelta(days=3)).isoformat())  # fmt: skip
    score = judged(tape.log(), quiet(), calm())
    assert score.total >= 95.0
    assert score.item("outcome.users").points == 30.0
    assert score.item("detection.time").points == 10.0


def test_a_false_declaration_loses_and_so_does_silence() -> None:
    false = Tape(scenario="noop")
    false.tell(60, "ana", "take-command")
    false.tell(100, "ana", "accept-incident")
    declared = judged(false.log(), quiet(), calm())
    silent = judged(Tape(scenario="noop").log(), quiet(), calm())
    stood = judged(standing_down().log(), quiet(), calm())
    assert declared.item("detection.time").points == 0.0
    assert stood.total > declared.total > silent.total
    assert silent.total <= 3.0


def test_hurting_users_where_nothing_is_wrong_costs_the_outcome() -> None:
    tape = Tape(scenario="noop")
    tape.act(200, "restart")
    standing_down_later = tape
    standing_down_later.tell(300, "ana", "decline-incident", reason="false alarm after all")
    hurt = Curves(curve([(206, 300, 1.0)]), curve(), curve())
    score = judged(tape.log(), quiet(), hurt)
    assert score.item("outcome.users").points == 0.0
    assert score.item("safety.harm").points == 3.0


# -- roles -----------------------------------------------------------------------------------------------------------


def test_seats_that_nobody_took_and_a_late_lead_cost() -> None:
    tape = Tape()
    tape.tell(250, "ana", "accept-incident")
    tape.tell(480, "ana", "take-command")
    tape.tell(500, "ana", "assign-role", duty="scribe", who="dan")
    score = scored(tape)
    assert score.item("roles.lead").points == pytest.approx(2.0)
    assert score.item("roles.seats").points == pytest.approx(1.5)
    assert "communications lead" in score.item("roles.seats").why


def test_a_person_out_of_reach_leaves_the_seat_empty() -> None:
    tape = Tape()
    tape.tell(100, "ana", "take-command")
    tape.tell(110, "ana", "accept-incident")
    tape.tell(200, HOST, "withhold-person", who="ana", reason="on a flight")
    tape.tell(900, HOST, "return-person", who="ana")
    tape.tell(1000, "ana", "post-chat", text="back")
    assert scored(tape).item("roles.vacant").points == 1.0
    taken = Tape()
    taken.tell(100, "ana", "take-command")
    taken.tell(110, "ana", "accept-incident")
    taken.tell(200, HOST, "withhold-person", who="ana", reason="on a flight")
    taken.tell(300, "ben", "take-command", reason="ana does not answer")
    taken.tell(1000, "ben", "post-chat", text="still here")
    score = scored(taken)
    assert score.item("roles.vacant").points == 2.0
    assert score.item("roles.handed").points == 1.0


# -- communication ---------------------------------------------------------------------------------------------------


def test_fields_of_an_update_are_found_wherever_they_stand_and_only_when_filled() -> None:
    assert len(fields_in(FULL)) == 5
    lines = (
        "**Impact:** checkout fails\n- Scope: eu-west only\nWhat we know: since 13:44\nWe do: undo\nNext update: 14:00"
    )
    assert len(fields_in(lines)) == 5
    assert fields_in("Impact:\nScope: -\nWe know:") == frozenset()
    assert fields_in("We know nothing of the impact yet") == frozenset()


def test_missed_updates_cost_and_a_promise_brings_the_next_one_forward() -> None:
    on_time = [Said(100, 1, "", None), Said(650, 2, "", None), Said(1240, 3, "", None)]
    assert owed(on_time, 120, 600, 1300) == [(120, 1), (700, 2), (1250, 3)]
    assert owed([Said(100, 1, "", None)], 120, 600, 1400) == [(120, 1), (700, None), (1300, None)]
    assert owed([Said(100, 1, "", 300.0)], 120, 600, 900) == [(120, 1), (300, None), (900, None)]
    assert owed([], 900, 600, 400) == [(900, None)]


def test_a_late_first_update_and_an_empty_one_cost() -> None:
    tape = Tape()
    tape.tell(200, "ana", "accept-incident")
    tape.tell(1500, "ana", "publish-update", text="We are looking into it", audience="external", next_in_minutes=0)
    score = scored(tape)
    assert score.item("comms.first").points == pytest.approx(1.5)
    assert score.item("comms.content").points == 0.0
    assert score.item("comms.cadence").points < 8.0


# -- diagnosis -------------------------------------------------------------------------------------------------------


def believing(*steps: tuple[int, str, float]) -> Score:
    tape = Tape()
    for second, text, probability in steps:
        tape.tell(second, "ben", "propose-hypothesis", text=text, probability=probability)
    return scored(tape)


def test_a_confident_wrong_theory_costs_more_than_an_honest_do_not_know() -> None:
    right = (810, "the waf rule burns CPU", 0.9)
    honest = believing(right)
    unsure = believing((130, "an attack", 0.3), right)
    confident = believing((130, "an attack", 1.0), right)
    points = [one.item("diagnosis.belief").points for one in (honest, unsure, confident)]
    assert points[0] > points[1] > points[2]


def test_the_earlier_and_the_surer_the_truth_the_more_it_is_worth() -> None:
    early, late = believing((300, "CHG-118", 0.9)), believing((900, "CHG-118", 0.9))
    faint = believing((300, "CHG-118", 0.3))
    belief = "diagnosis.belief"
    assert early.item(belief).points > late.item(belief).points > 0.0
    assert early.item(belief).points > faint.item(belief).points > 0.0
    assert early.item("diagnosis.rank").points == 4.0
    assert late.item("diagnosis.rank").points < 4.0


def test_nothing_proposed_wins_nothing() -> None:
    score = believing()
    assert score.category("diagnosis").points == 0.0


def test_what_began_before_the_exercise_is_not_known_before_it_either() -> None:
    silent = scored(Tape(), terms(onset=-1500.0))
    assert silent.category("diagnosis").points == 0.0
    right = Tape()
    right.tell(300, "ben", "propose-hypothesis", text="CHG-118", probability=0.9)
    assert scored(right, terms(onset=-1500.0)).item("diagnosis.rank").points == 4.0


def test_a_hosts_verdict_stands_above_the_words() -> None:
    tape = Tape()
    tape.tell(300, "ben", "propose-hypothesis", text="the thing we shipped at lunch", probability=0.9)
    assert scored(tape).item("diagnosis.rank").points == 0.0
    tape.tell(400, HOST, "mark-exercise", rubric="diagnosis", hypothesis=1, verdict="true")
    assert scored(tape).item("diagnosis.rank").points == 4.0


def test_theories_without_evidence_and_dead_ones_left_open_cost() -> None:
    tape = Tape()
    tape.tell(300, "ben", "propose-hypothesis", text="an attack", probability=0.5)
    tape.tell(310, "ben", "propose-hypothesis", text="the waf rule", probability=0.5)
    score = scored(tape)
    assert score.item("diagnosis.evidence").points == 0.0
    assert score.item("diagnosis.closed").points == 0.0
    pin = tape.pin(320)
    tape.tell(330, "ben", "refute-hypothesis", hypothesis=1, evidence="flat", pins=[pin])
    score = scored(tape)
    assert score.item("diagnosis.evidence").points == 1.5
    assert score.item("diagnosis.closed").points == 3.0


# -- safety and review -----------------------------------------------------------------------------------------------


def test_harm_costs_each_time_and_names_the_action() -> None:
    tape = well_played()
    assert scored(tape).item("safety.harm").points == 6.0
    worse = Tape()
    worse.tell(100, "ana", "post-chat", text="let us see")
    worse.act(200, "restart")
    worse.act(400, "restart")
    harm = scored(worse).item("safety.harm")
    assert harm.points == 0.0
    assert "Restart the edge at 3:26" in harm.why


def test_agreeing_with_oneself_is_no_agreement() -> None:
    tape = Tape()
    tape.tell(100, "ana", "take-command")
    tape.act(200, "rule-off", who="ana", by="ana")
    assert scored(tape).item("safety.approved").points == 0.0


def test_resolving_before_users_were_well_for_three_minutes_is_not_checked() -> None:
    tape = Tape()
    tape.tell(150, "ana", "take-command")
    tape.tell(160, "ana", "accept-incident")
    tape.act(400, "rule-off", by="ana")
    tape.tell(500, "ana", "change-status", status="resolved")
    tape.stop(800)
    assert scored(tape).item("safety.verified").points == 0.0


def test_follow_ups_need_an_owner_and_a_date_and_factors_need_their_words() -> None:
    tape = well_played()
    tape.tell(950, "dan", "add-task", title="Somebody should do something", follow_up=True)
    review = scored(tape)
    assert review.item("review.follow-ups").points == 2.0
    bare = Tape()
    bare.tell(900, "dan", "add-note", text="The CPU guard was removed when somebody did a refactor")
    assert scored(bare).item("review.factors").points == 1.0


# -- the whole -------------------------------------------------------------------------------------------------------


def test_hints_are_taken_off() -> None:
    tape = well_played()
    before = scored(tape).total
    hinted = Tape()
    hinted.tell(100, "ana", "post-chat", text="hello")
    hinted.tell(200, HOST, "give-hint", inject="H1", text="look at the edge", cost=4)
    assert scored(hinted).hints == 4.0
    assert scored(hinted).total == max(0.0, round(sum(one.points for one in scored(hinted).categories) - 4, 2))
    assert before == 100.0


def test_a_hosts_mark_on_an_item_replaces_its_points_within_what_it_is_worth() -> None:
    tape = well_played()
    tape.tell(1000, HOST, "mark-exercise", rubric="comms.content", points=1.5, text="too long")
    tape.tell(1001, HOST, "mark-exercise", rubric="roles.lead", points=50)
    tape.tell(1002, HOST, "mark-exercise", rubric="calm", points=2, text="well kept")
    score = scored(tape)
    assert score.item("comms.content").points == 1.5
    assert "too long" in score.item("comms.content").why
    assert score.item("roles.lead").points == 4.0
    assert [(one.rubric, one.counted) for one in score.remarks] == [
        ("comms.content", True), ("roles.lead", True), ("calm", False)
    ]  # fmt: skip


def test_a_scenarios_weights_scale_the_items() -> None:
    weights = {"outcome": 0, "detection": 10, "roles": 10, "comms": 45, "diagnosis": 20, "safety": 10, "review": 5}
    score = scored(well_played(), terms(weights=weights))
    assert score.category("comms").of == pytest.approx(45.0)
    assert score.category("outcome").of == 0.0
    assert score.total == pytest.approx(100.0, abs=0.05)


def test_the_clocks_stand_beside_the_reference_and_beside_nobody_acting() -> None:
    score = scored(well_played())
    clocks = {one.id: one for one in score.clocks}
    assert list(clocks) == [
        "onset", "first_sli_breach", "first_alert", "ack", "declared", "ic_assigned", "first_true_hypothesis",
        "mitigation_started", "sli_restored", "resolved",
    ]  # fmt: skip
    assert clocks["declared"].second == 180.0
    assert clocks["declared"].reference == 300.0
    assert clocks["sli_restored"].second is not None
    assert clocks["sli_restored"].nothing is None
    spans = {one.id: one for one in score.spans}
    assert spans["declare"].seconds == 60.0
    assert spans["declare"].formula == "declared - onset"


def test_what_is_told_without_points() -> None:
    score = scored(well_played())
    found = score.unscored
    assert found.panes == {"logs": 1, "metric": 2}
    assert found.sightings[0].visible == 130.0
    assert found.sightings[0].mentioned == 300.0
    assert found.dead_ends == {1: 80.0}
    assert sum(one.share for one in found.voices) == pytest.approx(1.0, abs=0.001)
    assert all(end - start > 180 for start, end in found.gaps)
