"""Automated colleagues: they come, hold duties, report slowly and now and then wrongly, answer, and leave command."""

from __future__ import annotations

from collections.abc import Callable

from tests.tabletop.bots_stage import Stage
from tests.tabletop.test_bots_textbook import broken, calm
from warroom.incident.words import Duty
from warroom.tabletop.deeds import FACILITATOR, Act
from warroom.tabletop.look import PlayerView
from warroom.tabletop.responders import TEAM, Colleagues


def chat(stage: Stage) -> list[tuple[str, str]]:
    return [(entry.actor, entry.text) for entry in stage.state.timeline if entry.kind == "chat-posted"]


def at(second: int, do: Callable[[Stage], object]) -> Callable[[Stage], None]:
    def each(stage: Stage) -> None:
        if stage.second == second:
            do(stage)

    return each


def test_they_come_say_so_and_take_their_seats() -> None:
    stage = Stage(Colleagues(4), calm).until(240)
    assert {who for who, _ in chat(stage)} == set(TEAM)
    assert stage.state.holder(Duty.OPERATIONS_LEAD) == "marek"
    assert stage.state.holder(Duty.COMMUNICATIONS_LEAD) == "june"
    assert stage.state.holder(Duty.SCRIBE) == "tomas"
    assert stage.refused == []


def test_a_seat_that_a_person_has_is_left_to_them() -> None:
    def sit(stage: Stage) -> None:
        stage.say("ana", "take-command")
        stage.say("ana", "assign-role", duty="scribe", who="ana")

    stage = Stage(Colleagues(4), calm).until(400, at(2, sit))
    assert stage.state.holder(Duty.SCRIBE) == "ana"
    assert stage.state.commander == "ana"
    assert stage.refused == []


def test_command_is_a_persons_as_soon_as_one_wants_it() -> None:
    stage = Stage(Colleagues(4), calm).until(340)
    assert stage.state.commander == "marek"
    stage.until(420, at(350, lambda s: s.say("ana", "post-chat", text="I take command now")))
    assert stage.state.offer is not None
    assert stage.state.offer.to == "ana"
    stage.say("ana", "accept-command")
    assert stage.until(440).state.commander == "ana"


def test_what_they_find_is_told_to_everybody() -> None:
    stage = Stage(Colleagues(4), broken("never")).until(500)
    assert any("short of CPU" in text and "Yes" in text for _, text in chat(stage))
    assert any("short of CPU" in one.text for one in stage.state.hypotheses)


def test_steps_of_the_runbook_that_they_asked_are_ticked_off() -> None:
    stage = Stage(Colleagues(4), calm)
    stage.say(FACILITATOR, "attach-playbook", playbook=stage.runbook.pinned().model_dump(mode="json"))
    steps = stage.until(200).state.playbooks[0].steps
    assert [(step.id, step.status, step.words) for step in steps] == [
        ("hot", "done", "it does not hold"), ("wobble", "done", "it does not hold"),
    ]  # fmt: skip
    assert stage.refused == []


def test_they_answer_whoever_names_them() -> None:
    stage = Stage(Colleagues(4), broken("never")).until(300)
    before = len(chat(stage))
    stage.until(360, at(301, lambda s: s.say("ana", "post-chat", text="@sofia how are users?")))
    told = [text for who, text in chat(stage)[before:] if who == "sofia"]
    assert any("60 % of users" in text for text in told)


def test_they_do_what_they_are_asked_to_and_approve_what_waits_for_their_duty() -> None:
    stage = Stage(Colleagues(4), broken("back")).until(340)
    assert stage.state.commander == "marek"
    stage.until(460, at(341, lambda s: s.say("ana", "post-chat", text="marek, please roll edge back")))
    assert stage.done.keys() == {"back"}
    assert stage.state.actions[0].approved_by == "marek"


def test_what_they_do_comes_from_the_seed() -> None:
    def acts(seed: int) -> list[Act]:
        told: list[Act] = []
        colleagues = Colleagues(seed)

        class Recorded:
            name, team = "recorded", TEAM

            def act(self, view: PlayerView) -> list[Act]:
                asked = list(colleagues.act(view))
                told.extend(asked)
                return asked

        Stage(Recorded(), broken("never")).until(600)
        return told

    assert acts(1) == acts(1)
    assert acts(1) != acts(2)


def test_they_are_sometimes_mistaken_but_not_mostly() -> None:
    wrong = right = 0
    for seed in range(40):
        stage = Stage(Colleagues(seed), broken("never")).until(330)
        told = [text for _, text in chat(stage) if "Is a service short of CPU?" in text]
        right += sum("edge" in text for text in told)
        wrong += sum("normal" in text for text in told)
    assert right > 4 * wrong > 0
