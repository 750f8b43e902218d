"""What players of an exercise are asked before an action, an approval, a rejection, and a probability."""

from __future__ import annotations

from warroom.incident.exercise_state import ActionState, ExerciseState, OfferedAction
from warroom.incident.words import Duty
from warroom.tui.exercise.banner import waits_for
from warroom.tui.forms import Choice, Context, Field, Form, Values
from warroom.tui.glyphs import short_clock
from warroom.tui.slash import Payload, SlashError, percent


def exercise_of(context: Context) -> ExerciseState:
    """The exercise.

    Raises:
        SlashError: the incident is none.
    """
    if context.state.exercise is None:
        raise SlashError(f"{context.state.id} is no exercise: this works in exercises alone")
    return context.state.exercise


def duty_word(duty: str) -> str:
    """A duty as people say it."""
    return Duty(duty).label if duty in set(Duty) else duty


def terms(one: OfferedAction) -> str:
    """How long it takes, who may ask for it and who has to agree, in a line."""
    parts = [f"takes {short_clock(one.takes_seconds)}" if one.takes_seconds else "takes no time"]
    parts.append(f"the {duty_word(one.needs).lower()} may ask" if one.needs else "anybody may ask")
    parts.append(f"the {duty_word(one.approval).lower()} approves" if one.approval else "begins at once")
    return "; ".join(parts)


def request(one: OfferedAction) -> Form:
    """The last question before an action: what it does, to what, how long; a note can go with it."""
    target = f" on {one.target}" if one.target else ""
    told = f"{one.text}\n{terms(one)}." if one.text else f"{terms(one)}."

    def build(values: Values) -> Payload:
        payload: Payload = {"type": "request-action", "action": one.id}
        return {**payload, "note": values["note"]} if values["note"] else payload

    return Form(
        f"Ask for: {one.title}{target}?",
        (Field("note", "Why, or what you expect", hint="optional, goes on record", needed=False),),
        build,
        note=told,
    )


def choose(context: Context) -> Form:
    """Which of the actions that the exercise offers."""
    offered = exercise_of(context).actions
    if not offered:
        raise SlashError("this exercise offers no action")
    choices = tuple(Choice(one.id, one.title, f"{one.target}  {terms(one)}".strip()) for one in offered)

    def build(values: Values) -> Payload:
        payload: Payload = {"type": "request-action", "action": values["action"]}
        return {**payload, "note": values["note"]} if values["note"] else payload

    fields = (Field("action", "Action", choices), Field("note", "Why", hint="optional", needed=False))
    return Form("Ask for an action", fields, build)


def _waiting(context: Context) -> tuple[ActionState, ...]:
    exercise_of(context)
    mine = waits_for(context.state, context.me)
    found = mine or tuple(one for one in context.state.actions if one.status == "requested" and one.approval)
    if not found:
        raise SlashError("no action waits for an approval")
    return found


def _numbered(context: Context, chosen: int | None) -> Field:
    choices = tuple(
        Choice(str(one.number), f"{one.number} {one.title}", f"asked by {one.requested_by}")
        for one in _waiting(context)
    )
    return Field("number", "Action", choices, "" if chosen is None else str(chosen))


def approve(context: Context) -> Form:
    """Which of those that wait."""
    return Form(
        "Approve an action",
        (_numbered(context, None),),
        lambda values: {"type": "approve-action", "number": int(values["number"])},
    )


def reject(context: Context, chosen: int | None = None) -> Form:
    """Which, and why."""
    fields = (_numbered(context, chosen), Field("reason", "Why not", needed=False))
    return Form(
        "Reject an action",
        fields,
        lambda values: {"type": "reject-action", "number": int(values["number"]), "reason": values["reason"]},
    )


def rate(context: Context) -> Form:
    """How likely a hypothesis is held to be."""
    value = ""
    number = context.number
    for one in context.state.hypotheses:
        if str(one.number) == number and one.probability is not None:
            value = f"{one.probability * 100:g}"

    def build(values: Values) -> Payload:
        text = values["number"].strip().lstrip("#Hh")
        if not text.isdigit():
            raise SlashError(f"{values['number']!r} is not a number")
        return {"type": "rate-hypothesis", "hypothesis": int(text), "probability": percent(values["percent"])}

    return Form(
        "How likely is it?",
        (
            Field("percent", "Percent", value=value, hint="0 to 100"),
            Field("number", "Hypothesis", value=number, hint="its number"),
        ),
        build,
        note="An honest number is worth more than a safe one: 50 says that you do not know.",
    )
