"""Rules of exercises: the hosts let things happen, the players ask for actions, a duty approves, anybody may stop."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from warroom.incident import commands as c
from warroom.incident import events as e
from warroom.incident.exercise_state import ActionState, ExerciseState
from warroom.incident.folds.change import at_number
from warroom.incident.rules.rule import (
    ALREADY,
    Ask,
    Need,
    Rule,
    conflict,
    events,
    invalid,
    known_as,
    limit,
    not_found,
)
from warroom.incident.rules.rule import (
    refuse as refused,
)
from warroom.incident.verdict import Reason, Refusal, Verdict
from warroom.incident.words import Duty

MARK = "EXERCISE: "
"""What the title of every exercise begins with, so that no screen and no export can be taken for the real thing."""
LONGEST_TITLE = 200
MOST_ACTIONS = 500
MOST_INJECTS = 1000
MOST_MARKS = 200
MOST_CHANGES = 200


def marked(title: str) -> str:
    """The title of an exercise: marked once, and no longer than a title may be."""
    bare = title.removeprefix(MARK)
    whole = MARK + bare
    return whole if len(whole) <= LONGEST_TITLE else whole[: LONGEST_TITLE - 1] + "…"


def withheld(ask: Ask, command: c.Command) -> Refusal | None:
    """Why somebody who is taken out of the exercise may not, or None. The safe word is for everybody."""
    exercise = ask.state.exercise
    if exercise is None or ask.actor.name not in exercise.withheld or isinstance(command, c.StopExercise):
        return None
    return refused(Reason.NOT_ALLOWED, f"{ask.actor.name} is out of reach until the facilitator returns you")


def _exercise(ask: Ask) -> ExerciseState | Refusal:
    exercise = ask.state.exercise
    return conflict(f"{ask.state.id} is no exercise") if exercise is None else exercise


def _running(ask: Ask) -> ExerciseState | Refusal:
    exercise = _exercise(ask)
    if isinstance(exercise, ExerciseState) and not exercise.running:
        return conflict(f"the exercise {ask.state.id} is over")
    return exercise


def _hosted(rule: Callable[[Ask, ExerciseState, Any], Verdict], *, after: bool = False) -> Rule:
    """A rule for the hosts of a running exercise; with `after`, of one that is over as well."""

    @wraps(rule)
    def checked(ask: Ask, command: Any) -> Verdict:
        exercise = _exercise(ask) if after else _running(ask)
        if isinstance(exercise, Refusal):
            return exercise
        if ask.actor.name not in exercise.hosts:
            hosts = ", ".join(exercise.hosts) or "nobody"
            return refused(Reason.NOT_ALLOWED, f"this is for those who host the exercise ({hosts})")
        return rule(ask, exercise, command)

    return checked


# -- what the hosts do -----------------------------------------------------------------------------------------------


def _inject(_: Ask, exercise: ExerciseState, command: c.DeliverInject) -> Verdict:
    if command.whispered and command.text:
        return invalid("the words of a whisper are not for the log; leave `text` empty")
    if not command.whispered and not command.text:
        return invalid("an inject that is not whispered needs its words in `text`")
    if len(exercise.injects) >= MOST_INJECTS:
        return limit("injects", MOST_INJECTS)
    return events(e.InjectDelivered(**command.model_dump(exclude={"type"})))


def _hint(_: Ask, __: ExerciseState, command: c.GiveHint) -> Verdict:
    return events(e.HintGiven(inject=command.inject, text=command.text, cost=command.cost))


def _withhold(ask: Ask, exercise: ExerciseState, command: c.WithholdPerson) -> Verdict:
    who = known_as(ask, command.who)
    if who in exercise.hosts:
        return conflict(f"{who} hosts the exercise and cannot be taken out of it")
    return ALREADY if who in exercise.withheld else events(e.PersonWithheld(who=who, reason=command.reason))


def _return(ask: Ask, exercise: ExerciseState, command: c.ReturnPerson) -> Verdict:
    who = known_as(ask, command.who)
    return events(e.PersonReturned(who=who)) if who in exercise.withheld else ALREADY


def _pace(_: Ask, exercise: ExerciseState, command: c.SetPace) -> Verdict:
    return ALREADY if exercise.speed == command.speed else events(e.PaceSet(speed=command.speed))


def _change(_: Ask, exercise: ExerciseState, command: c.ChangeWorld) -> Verdict:
    if exercise.world_changes >= MOST_CHANGES:
        return limit("changes by hand", MOST_CHANGES)
    return events(e.WorldChanged(number=exercise.world_changes + 1, sealed=command.sealed))


def _mark(ask: Ask, exercise: ExerciseState, command: c.MarkExercise) -> Verdict:
    if command.hypothesis is not None and at_number(ask.state.hypotheses, command.hypothesis) is None:
        return not_found(f"{ask.state.id} has no hypothesis {command.hypothesis}")
    if command.verdict and command.hypothesis is None:
        return invalid("a verdict is on a hypothesis; name its number")
    if len(exercise.marks) >= MOST_MARKS:
        return limit("marks", MOST_MARKS)
    return events(e.ExerciseMarked(**command.model_dump(exclude={"type"})))


def _reveal(_: Ask, __: ExerciseState, command: c.RevealTruth) -> Verdict:
    return events(e.TruthRevealed(stage=command.stage, text=command.text))


def _stop(ask: Ask, command: c.StopExercise) -> Verdict:
    exercise = _exercise(ask)
    if isinstance(exercise, Refusal):
        return exercise
    hosting = ask.actor.name in exercise.hosts
    if not hosting and command.reason != "safe_word":
        return refused(Reason.NOT_ALLOWED, f"only its hosts end an exercise; the safe word is {exercise.safe_word!r}")
    if command.key and not hosting:
        return refused(Reason.NOT_ALLOWED, "the key comes from those who host the exercise")
    if not exercise.running and (exercise.key or not command.key):
        return ALREADY
    # One who is not a host stops at once; the facilitator then says the key in a second event.
    return events(e.ExerciseStopped(reason=command.reason, text=command.text, key=command.key))


# -- what the players do ---------------------------------------------------------------------------------------------


def _ask_hint(ask: Ask, _: c.AskForHint) -> Verdict:
    exercise = _running(ask)
    return exercise if isinstance(exercise, Refusal) else events(e.HintAsked())


def _request(ask: Ask, command: c.RequestAction) -> Verdict:
    exercise = _running(ask)
    if isinstance(exercise, Refusal):
        return exercise
    offered = exercise.offered(command.action)
    if offered is None:
        known = ", ".join(one.id for one in exercise.actions) or "none"
        return not_found(f"the exercise offers no action {command.action!r}; it offers {known}")
    if offered.needs and Duty(offered.needs) not in ask.state.duties_of(ask.actor.name):
        duty = Duty(offered.needs).label.lower()
        return refused(Reason.NOT_ALLOWED, f"{offered.title!r} is for the {duty}; take that duty first")
    if any(one.action == command.action and one.is_open for one in ask.state.actions):
        return conflict(f"{offered.title!r} has been asked for already")
    if len(ask.state.actions) >= MOST_ACTIONS:
        return limit("actions", MOST_ACTIONS)
    asked = e.ActionRequested(
        number=len(ask.state.actions) + 1, action=offered.id, title=offered.title, target=offered.target,
        approval=Duty(offered.approval) if offered.approval else None,
    )  # fmt: skip
    return events(asked, e.NoteAdded(text=command.note)) if command.note else events(asked)


def _action(ask: Ask, number: int) -> ActionState | Refusal:
    exercise = _running(ask)
    if isinstance(exercise, Refusal):
        return exercise
    found = at_number(ask.state.actions, number)
    return not_found(f"{ask.state.id} has no action {number}") if found is None else found


def _may_approve(ask: Ask, action: ActionState) -> Refusal | None:
    """Whether the actor holds the duty that approves, or hosts. An access level stands in for no duty here: who may
    decide is part of what is practised.
    """
    exercise = ask.state.exercise
    hosting = exercise is not None and ask.actor.name in exercise.hosts
    if not action.approval or hosting or Duty(action.approval) in ask.state.duties_of(ask.actor.name):
        return None
    return refused(Reason.NOT_ALLOWED, f"{action.title!r} waits for the {Duty(action.approval).label.lower()}")


def _approve(ask: Ask, command: c.ApproveAction) -> Verdict:
    action = _action(ask, command.number)
    if isinstance(action, Refusal):
        return action
    if action.status != "requested":
        return ALREADY if action.status in ("approved", "running", "done") else _past(action)
    return _may_approve(ask, action) or events(e.ActionApproved(number=action.number))


def _reject(ask: Ask, command: c.RejectAction) -> Verdict:
    action = _action(ask, command.number)
    if isinstance(action, Refusal):
        return action
    if action.status not in ("requested", "approved"):
        return ALREADY if action.status == "rejected" else _past(action)
    if ask.actor.name != action.requested_by:
        no = _may_approve(ask, action)
        if no is not None:
            return no
    return events(e.ActionRejected(number=action.number, reason=command.reason))


def _past(action: ActionState) -> Refusal:
    return conflict(f"action {action.number} is {action.status}")


def _start(ask: Ask, _: ExerciseState, command: c.StartAction) -> Verdict:
    action = _action(ask, command.number)
    if isinstance(action, Refusal):
        return action
    waits = "approved" if action.approval else "requested"
    if action.status not in (waits, "approved"):
        return ALREADY if action.status == "running" else _past(action)
    return events(e.ActionStarted(number=action.number, second=command.second, ends=command.ends))


def _finish(ask: Ask, _: ExerciseState, command: c.FinishAction) -> Verdict:
    found = at_number(ask.state.actions, command.number)
    if found is None:
        return not_found(f"{ask.state.id} has no action {command.number}")
    if not found.is_open:
        return ALREADY if found.status == command.outcome else _past(found)
    return events(e.ActionFinished(**command.model_dump(exclude={"type"})))


def _rate(ask: Ask, command: c.RateHypothesis) -> Verdict:
    found = at_number(ask.state.hypotheses, command.hypothesis)
    if found is None:
        return not_found(f"{ask.state.id} has no hypothesis {command.hypothesis}")
    if found.probability == command.probability:
        return ALREADY
    return events(e.HypothesisRated(hypothesis=command.hypothesis, probability=command.probability))


RULES: dict[type[c.Command], tuple[Need, Rule]] = {
    c.DeliverInject: (Need.WORK, _hosted(_inject, after=True)),
    c.AskForHint: (Need.WORK, _ask_hint),
    c.GiveHint: (Need.WORK, _hosted(_hint)),
    c.WithholdPerson: (Need.WORK, _hosted(_withhold)),
    c.ReturnPerson: (Need.WORK, _hosted(_return, after=True)),
    c.SetPace: (Need.WORK, _hosted(_pace, after=True)),
    c.RequestAction: (Need.WORK, _request),
    c.ApproveAction: (Need.WORK, _approve),
    c.RejectAction: (Need.WORK, _reject),
    c.StartAction: (Need.WORK, _hosted(_start)),
    c.FinishAction: (Need.WORK, _hosted(_finish, after=True)),
    c.ChangeWorld: (Need.WORK, _hosted(_change)),
    c.MarkExercise: (Need.WORK, _hosted(_mark, after=True)),
    c.RevealTruth: (Need.WORK, _hosted(_reveal, after=True)),
    c.StopExercise: (Need.WORK, _stop),
    c.RateHypothesis: (Need.WORK, _rate),
}
