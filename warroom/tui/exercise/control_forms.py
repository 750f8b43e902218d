"""What a host is asked before something happens by hand: each form yields the facilitator's word and what it takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from warroom.incident.words import Duty
from warroom.tui.forms import Choice, Context, Field, Form, Values
from warroom.tui.glyphs import short_clock
from warroom.tui.slash import Payload, SlashError

TOOLS = ("prometheus", "loki", "jaeger", "alertmanager", "dashboards")
PANES = ("metrics", "logs", "traces", "alerts")
METHODS = ("channel", "dm", "call", "email", "news", "page")
PACES = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
"""Paces that the keys go through."""


def doing(what: str, **told: Any) -> Payload:
    """What the facilitator is asked for."""
    return {"do": what, "told": told}


def second_of(text: str) -> int:
    """`15:00`, `1:05:00`, `15m`, `90s` or `900` as seconds from the start.

    Raises:
        SlashError: none of these.
    """
    clock = re.fullmatch(r"(?:(\d+):)?(\d{1,3}):(\d{2})", text)
    short = re.fullmatch(r"(\d+)([smh]?)", text)
    if clock:
        return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + int(clock[3])
    if short:
        return int(short[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[short[2]]
    raise SlashError(f"{text!r} is no moment of the exercise; write 15:00, 15m or 900")


def number_of(text: str, what: str) -> float:
    """A number.

    Raises:
        SlashError: it is none.
    """
    try:
        return float(text.strip().rstrip("x%").strip())
    except ValueError:
        raise SlashError(f"{text!r} is no {what}; write a number") from None


def edit(inject: Mapping[str, Any]) -> Form:
    """Other words."""
    field = Field("text", "What it says", value=str(inject["text"]), lines=5)
    return Form(
        f"Edit {inject['id']}", (field,), lambda values: doing("edit", inject_id=inject["id"], text=values["text"])
    )


def reschedule(inject: Mapping[str, Any], second: int) -> Form:
    """Another moment."""
    at = inject["at"] if isinstance(inject["at"], int) else second + 60
    field = Field("at", "When, from the start", value=short_clock(at), hint="15:00, 15m or 900")
    return Form(
        f"When does {inject['id']} come?",
        (field,),
        lambda values: doing("reschedule", inject_id=inject["id"], second=second_of(values["at"])),
        note=f"It is T+{short_clock(second)} now.",
    )


def say(context: Context, *, whisper: bool) -> Form:
    """Words that are not in the script."""
    hosts = context.state.exercise.hosts if context.state.exercise is not None else ()
    people = [Choice(name, name, "") for name in context.people if name not in hosts]
    duties = [Choice(one.value, one.label, context.state.holder(one) or "nobody holds it") for one in Duty]
    everybody = [Choice("all", "everybody")]
    to = (*people, *duties, *everybody) if whisper else (*everybody, *duties, *people)
    fields = [
        Field("to", "To", tuple(to)),
        Field("sender", "From", hint="who says it: a customer, the CFO, a provider"),
        Field("text", "What they say", lines=4),
    ]
    if not whisper:
        fields.append(Field("method", "How", tuple(Choice(one, one) for one in METHODS), "channel"))

    def build(values: Values) -> Payload:
        told = {"to": values["to"], "sender": values["sender"], "text": values["text"]}
        if whisper:
            return doing("adhoc", **told, whisper=True)
        return doing("adhoc", **told, method=values["method"])

    note = "In private: its words go to whom it is for and are not on the log." if whisper else ""
    return Form("Whisper" if whisper else "Say", tuple(fields), build, note=note)


def hint(hints: Sequence[Mapping[str, Any]], chosen: str) -> Form:
    """One of the script, or words of one's own."""
    choices = (
        *(Choice(one["id"], one["id"], f"costs {one['cost']:g}: {' '.join(one['text'].split())}") for one in hints),
        Choice("", "own words", "as you write them below"),
    )

    def build(values: Values) -> Payload:
        if values["hint"]:
            return doing("hint", inject_id=values["hint"])
        if not values["text"]:
            raise SlashError("write the hint, or choose one of the script")
        cost = number_of(values["cost"], "cost") if values["cost"] else 0.0
        return doing("hint", text=values["text"], cost=cost)

    fields = (
        Field("hint", "Hint", choices, chosen, needed=False),
        Field("text", "Own words", lines=3, needed=False),
        Field("cost", "Cost of own words", hint="points, 0 if empty", needed=False),
    )
    return Form("Give a hint", fields, build)


def withhold(context: Context, chosen: str) -> Form:
    """Who is taken out, and why."""
    exercise = context.state.exercise
    hosts = exercise.hosts if exercise is not None else ()
    out = exercise.withheld if exercise is not None else frozenset()
    people = tuple(
        Choice(name, name, ", ".join(duty.label for duty in context.state.duties_of(name)))
        for name in context.people
        if name not in hosts and name not in out
    )
    if not people:
        raise SlashError("there is nobody to take out")

    def build(values: Values) -> Payload:
        return doing("withhold", who=values["who"], reason=values["reason"])

    return Form(
        "Who is out of reach?",
        (Field("who", "Who", people, chosen), Field("reason", "Why", hint="a flight, asleep, ill", needed=False)),
        build,
    )


def bring_back(context: Context, chosen: str) -> Form:
    """Who comes back."""
    exercise = context.state.exercise
    out = tuple(Choice(name, name) for name in sorted(exercise.withheld)) if exercise is not None else ()
    if not out:
        raise SlashError("nobody is withheld")
    return Form("Who is back?", (Field("who", "Who", out, chosen),), lambda values: doing("return", who=values["who"]))


def fault(view: Mapping[str, Any], chosen: str, *, begin: bool) -> Form:
    """One of the scenario's faults that acts, or does not."""
    fitting = [one for one in view.get("faults", ()) if (one["severity"] > 0) != begin]
    if not fitting:
        raise SlashError("every fault acts already" if begin else "no fault acts now")
    choices = tuple(Choice(one["id"], f"{one['id']} {one['type'].replace('_', ' ')}", one["text"]) for one in fitting)
    name = "fault" if begin else "fault_id"
    return Form(
        "Which fault begins?" if begin else "Which fault ends?",
        (Field("fault", "Fault", choices, chosen),),
        lambda values: doing("begin-fault" if begin else "end-fault", **{name: values["fault"]}),
        dangerous=begin,
    )


def degrade(chosen: str) -> Form:
    """A tool that is slow, fails, or is down."""

    def build(values: Values) -> Payload:
        if values["how"] == "down":
            return doing("degrade", tool=values["tool"], down=True)
        told: dict[str, Any] = {}
        if values["latency"]:
            told["latency"] = number_of(values["latency"], "latency")
        if values["errors"]:
            told["error_rate"] = number_of(values["errors"], "share of errors") / 100
        if not told:
            raise SlashError("say how slow, how many errors, or choose down")
        return doing("degrade", tool=values["tool"], **told)

    return Form(
        "Degrade a tool",
        (
            Field("tool", "Tool", tuple(Choice(one, one) for one in TOOLS), chosen),
            Field("how", "How", (Choice("slow", "slow or failing"), Choice("down", "down")), "slow"),
            Field("latency", "Seconds that an answer takes longer", hint="3", needed=False),
            Field("errors", "Percent of answers that fail", hint="20", needed=False),
        ),
        build,
    )


def restore(view: Mapping[str, Any], chosen: str) -> Form:
    """A tool that works again."""
    tools = tuple(Choice(one, one) for one in view.get("tools", {}))
    if not tools:
        raise SlashError("every tool works")
    return Form(
        "Which tool works again?",
        (Field("tool", "Tool", tools, chosen),),
        lambda values: doing("restore", tool=values["tool"]),
    )


def override(_: Context) -> Form:
    """What a metric says."""

    def build(values: Values) -> Payload:
        value = number_of(values["value"], "value") if values["value"] else None
        return doing("override", metric=values["metric"], value=value)

    return Form(
        "Override a metric",
        (
            Field("metric", "Metric", hint='a name, or a selector such as up{job="cart"}'),
            Field("value", "Value", hint="empty: it says nothing at all", needed=False),
        ),
        build,
        note="Every series that fits has this value from now on; users feel nothing of it.",
    )


def override_words(value: float | None) -> str:
    """What an overridden metric says."""
    return "says nothing" if value is None else f"says {value:g}"


def end_override(view: Mapping[str, Any], chosen: str) -> Form:
    """A metric that tells the truth again."""
    metrics = tuple(Choice(one, one, override_words(value)) for one, value in view.get("overrides", {}).items())
    if not metrics:
        raise SlashError("no metric is overridden")
    return Form(
        "Which metric tells the truth again?",
        (Field("metric", "Metric", metrics, chosen),),
        lambda values: doing("end-override", metric=values["metric"]),
    )


def mute(view: Mapping[str, Any], chosen: str) -> Form:
    """A pane that shows nothing, or speaks again."""
    silent = set(view.get("muted", ()))
    choices = tuple(Choice(one, one, "silent now: it speaks again" if one in silent else "") for one in PANES)
    return Form(
        "Mute or unmute a pane",
        (Field("pane", "Pane", choices, chosen),),
        lambda values: doing("unmute" if values["pane"] in silent else "mute", pane=values["pane"]),
    )


def mark(context: Context, hypothesis: str) -> Form:
    """What a host judges."""
    guesses = (
        Choice("", "none"),
        *(Choice(str(one.number), f"H{one.number}", one.text) for one in context.state.hypotheses),
    )
    verdicts = (Choice("", "no verdict"), Choice("true", "names the truth"), Choice("false", "is wrong"))

    def build(values: Values) -> Payload:
        told: dict[str, Any] = {"rubric": values["rubric"], "text": values["text"]}
        if values["points"]:
            told["points"] = number_of(values["points"], "number of points")
        if values["verdict"]:
            if not values["hypothesis"]:
                raise SlashError("a verdict is on a hypothesis; choose one")
            told |= {"hypothesis": int(values["hypothesis"]), "verdict": values["verdict"]}
        return doing("mark", **told)

    return Form(
        "Mark",
        (
            Field("rubric", "On what", hint="communication, handover, diagnosis"),
            Field("points", "Points", hint="-100 to 100", needed=False),
            Field("text", "Why", needed=False),
            Field("hypothesis", "Hypothesis", guesses, hypothesis, needed=False),
            Field("verdict", "It", verdicts, "", needed=False),
        ),
        build,
    )


def stop(_: Context) -> Form:
    """How it ends."""
    reasons = (
        Choice("finished", "finished", "it is done; on to the debrief"),
        Choice("abandoned", "abandoned", "it does not count"),
        Choice("hard_stop", "out of time", "as at the hard stop"),
        Choice("safe_word", "safe word", "something real has come up"),
    )
    return Form(
        "Stop the exercise for everybody?",
        (Field("reason", "Why", reasons, "finished"), Field("text", "In words", needed=False)),
        lambda values: doing("stop", reason=values["reason"], text=values["text"]),
        dangerous=True,
    )


def faster(speed: float) -> float:
    """The next pace up."""
    return next((one for one in PACES if one > speed), PACES[-1])


def slower(speed: float) -> float:
    """The next pace down; never a pause."""
    return next((one for one in reversed(PACES) if one < speed), PACES[0])
