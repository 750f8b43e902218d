"""What each action asks before it can act.

Invariant: a form never acts on its own; it yields the same command as the action's twin in the chat line.
"""

from __future__ import annotations

from collections.abc import Callable

from warroom.incident.words import PHASES, Duty, Milestone, Severity, Status
from warroom.tui.forms import Choice, Context, Field, Form, Values
from warroom.tui.slash import Payload, SlashError, percent, when


def _payload(type_: str, *names: str) -> Callable[[Values], Payload]:
    return lambda values: {"type": type_, **{name: values[name] for name in names}}


def _who(context: Context, label: str = "Who", value: str = "") -> Field:
    return Field("who", label, value=value or context.me, suggestions=context.people)


def _number(context: Context, label: str) -> Field:
    return Field("number", label, value=context.number, hint="its number")


def _int(values: Values, name: str) -> int:
    text = values[name].strip().lstrip("#")
    if not text.isdigit():
        raise SlashError(f"{values[name]!r} is not a number")
    return int(text)


def note(context: Context) -> Form:
    """A note, with the time it is about when that is not now."""

    def build(values: Values) -> Payload:
        payload: Payload = {"type": "add-note", "text": values["text"]}
        if values["at"]:
            payload["occurred_at"] = when(values["at"], context.now, context.zone).isoformat()
        return payload

    return Form(
        "Note",
        (
            Field("text", "What you see, or did", lines=4),
            Field("at", "When, if not now", hint="09:41 or 5m ago", needed=False),
        ),
        build,
    )


def severity(context: Context) -> Form:
    """The severities with what they mean; the present one is preselected."""
    choices = tuple(Choice(one.value, one.value, one.meaning) for one in Severity)
    return Form(
        "How bad is it?",
        (
            Field("severity", "Severity", choices, context.state.severity.value),
            Field("reason", "Why", hint="optional", needed=False),
        ),
        _payload("change-severity", "severity", "reason"),
        note="When unsure between two, choose the worse; it can be lowered later.",
    )


_STATUS_HELP = {
    "investigating": "We look for the cause",
    "identified": "We know the cause and work on the fix",
    "monitoring": "The fix is in; customers recover; we watch",
    "resolved": "Customers are fine again",
    "closed": "Nothing more is expected; the record is complete",
}


def status(context: Context) -> Form:
    """The statuses that may come next, with what they mean; the one after the present is preselected."""
    now = context.state.status
    ending = now not in PHASES or not now.is_live
    able = (Status.CLOSED,) if ending else tuple(one for one in PHASES[1:-1] if one is not now)
    choices = tuple(Choice(one.value, one.value, _STATUS_HELP[one.value]) for one in able)
    later = [one for one in able if now in PHASES and PHASES.index(one) > PHASES.index(now)]
    following = (later or able)[0].value
    return Form(
        "Where are we?",
        (Field("status", "Status", choices, following), Field("reason", "Why", hint="optional", needed=False)),
        _payload("change-status", "status", "reason"),
    )


def role(context: Context) -> Form:
    """A duty and who takes it."""
    choices = tuple(Choice(one.value, one.label, context.state.holder(one) or "open") for one in Duty)
    start = Duty.OPERATIONS_LEAD if context.state.commander else Duty.INCIDENT_COMMANDER
    return Form(
        "Who does what?",
        (Field("duty", "Duty", choices, start.value), _who(context)),
        _payload("assign-role", "duty", "who"),
    )


def release(context: Context) -> Form:
    """One of the duties that are held."""
    held = tuple(Choice(f"{one.duty.value}:{one.who}", one.duty.label, one.who) for one in context.state.roles)

    def build(values: Values) -> Payload:
        duty, _, who = values["held"].partition(":")
        return {"type": "release-role", "duty": duty, "who": who}

    return Form("Which duty ends?", (Field("held", "Duty", held),), build)


def offer(context: Context) -> Form:
    """Command is offered with a brief; it changes hands when it is accepted."""
    others = tuple(name for name in context.people if name != context.me)
    return Form(
        "Offer command",
        (
            Field("to", "To", suggestions=others, value=others[0] if len(others) == 1 else ""),
            Field("brief", "Brief: what is known, what is under way, what is next", lines=4),
        ),
        _payload("offer-command", "to", "brief"),
        note="You lead until it is accepted.",
    )


def take_command(context: Context) -> Form:
    """With the reason when somebody leads already."""
    leads = context.state.commander
    note_ = f"{leads} leads. Command is better offered than taken; the reason goes on record." if leads else ""
    field = Field("reason", "Why", hint="" if leads else "optional", needed=bool(leads))
    return Form("Take command", (field,), _payload("take-command", "reason"), note_, dangerous=bool(leads))


def task(context: Context, *, follow_up: bool = False) -> Form:
    """A title, a named person, and a time box, or a day for a follow-up."""

    def build(values: Values) -> Payload:
        payload: Payload = {"type": "add-task", "title": values["title"], "follow_up": follow_up}
        if values["who"]:
            payload["assignee"] = values["who"]
        if values["time"]:
            if follow_up:
                payload["due"] = when(values["time"], context.now, context.zone).isoformat()
            else:
                payload["time_box_minutes"] = _int({"time": values["time"].removesuffix("m")}, "time")
        return payload

    last = Field("time", "Due", hint="2026-12-01", needed=False)
    if not follow_up:
        last = Field("time", "Time box in minutes", hint="20", needed=False)
    who = Field("who", "Who", hint="a named person", needed=False, suggestions=context.people)
    return Form("Follow-up" if follow_up else "Task", (Field("title", "What is to be done"), who, last), build)


def hypothesis(context: Context) -> Form:  # noqa: ARG001 - every form is made from the context
    """What may be the cause, and how likely."""

    def build(values: Values) -> Payload:
        payload: Payload = {"type": "propose-hypothesis", "text": values["text"]}
        return {**payload, "probability": percent(values["percent"])} if values["percent"] else payload

    fields = (
        Field("text", "What may be the cause", lines=3),
        Field("percent", "How likely, in percent", hint="optional", needed=False),
    )
    return Form("Hypothesis", fields, build)


def verdict(type_: str, title: str) -> Callable[[Context], Form]:
    """Evidence for or against the selected hypothesis, in words and by what was pinned, the newest first."""

    def form(context: Context) -> Form:
        def build(values: Values) -> Payload:
            pin = values.get("pin", "")
            payload = {"type": type_, "hypothesis": _int(values, "number"), "evidence": values["evidence"]}
            return {**payload, "pins": [int(pin)]} if pin else payload

        evidence = Field("evidence", "What shows it", lines=3, needed=type_ != "confirm-hypothesis")
        newest = tuple(context.state.evidence)[::-1]
        pinned = tuple(Choice(str(one.number), one.title, f"pinned by {one.who}") for one in newest)
        fields = [_number(context, "Hypothesis"), evidence]
        if pinned:
            choices = (*pinned, Choice("", "nothing that was pinned"))
            fields.append(Field("pin", "Pinned", choices, pinned[0].value, needed=False))
        return Form(title, tuple(fields), build)

    return form


def decision(context: Context) -> Form:
    """Question, choice and reason in one step; or an open decision that is selected."""
    open_ones = tuple(one for one in context.state.decisions if not one.choice)

    def build(values: Values) -> Payload:
        payload: Payload = {"type": "take-decision", "choice": values["choice"], "reason": values["reason"]}
        number = next((one.number for one in open_ones if one.question == values["question"]), None)
        return {**payload, "decision": number} if number else {**payload, "question": values["question"]}

    return Form(
        "Decision",
        (
            Field("question", "Question", value=open_ones[-1].question if open_ones else "", needed=False),
            Field("choice", "Decided", suggestions=open_ones[-1].options if open_ones else ()),
            Field("reason", "Because", lines=2, needed=False),
        ),
        build,
    )


def update(context: Context) -> Form:
    """What stakeholders are told; the cadence sets the next."""

    def build(values: Values) -> Payload:
        payload: Payload = {"type": "publish-update", "text": values["text"]}
        if values["next"]:
            payload["next_in_minutes"] = _int({"next": values["next"].removesuffix("m")}, "next")
        return payload

    last = context.state.updates[-1].text if context.state.updates else ""
    return Form(
        "Publish an update",
        (
            Field("text", "What happened, what we do, when you hear more", lines=5),
            Field("next", "Next update in minutes", hint="by severity when left empty", needed=False),
        ),
        build,
        note=f"Last: {last[:200]}" if last else "Readers look for Impact: Scope: We know: We do:",
    )


def impact(context: Context) -> Form:
    """A counter and its present value."""

    def build(values: Values) -> Payload:
        value = _int({"value": values["value"].replace(" ", "").replace(",", "")}, "value")
        return {"type": "count-impact", "counter": values["counter"], "value": value, "source": values["source"]}

    known = tuple(one.name for one in context.state.counters)
    return Form(
        "Customer impact",
        (
            Field("counter", "What is counted", value=known[0] if known else "customers", suggestions=known),
            Field("value", "How many now"),
            Field("source", "Where the number is from", needed=False),
        ),
        build,
    )


def change(context: Context) -> Form:
    """A deploy, rollback or other change, with the time it took effect."""
    kinds = tuple(Choice(kind, kind) for kind in ("deploy", "rollback", "config", "flag", "scale", "other"))

    def build(values: Values) -> Payload:
        payload: Payload = {"type": "record-change", **{name: values[name] for name in ("kind", "service", "version")}}
        if values["at"]:
            payload["occurred_at"] = when(values["at"], context.now, context.zone).isoformat()
        return payload

    services = context.state.services
    return Form(
        "Record a change",
        (
            Field("kind", "What", kinds, "deploy"),
            Field("service", "Service", value=services[0] if services else "", suggestions=services, needed=False),
            Field("version", "Version", needed=False),
            Field("at", "When, if not now", hint="09:41 or 5m ago", needed=False),
        ),
        build,
    )


def text_form(
    title: str, label: str, type_: str, field: str, *, lines: int = 1, dangerous: bool = False
) -> Callable[[Context], Form]:
    """A form of one text."""
    return lambda _: Form(title, (Field(field, label, lines=lines),), _payload(type_, field), dangerous=dangerous)


def on_entry(title: str, label: str, type_: str, field: str, *, dangerous: bool = False) -> Callable[[Context], Form]:
    """A form on the selected entry of the timeline."""

    def form(context: Context) -> Form:
        def build(values: Values) -> Payload:
            return {"type": type_, "entry": _int(values, "number"), field: values[field]}

        shown = context.selected.words if hasattr(context.selected, "words") and type_ == "correct-entry" else ""
        fields = (_number(context, "Entry"), Field(field, label, value=shown, lines=3))
        return Form(title, fields, build, dangerous=dangerous)

    return form


def on_task(title: str, type_: str, field: str, label: str, *, needed: bool = False) -> Callable[[Context], Form]:
    """A form on the selected task."""

    def form(context: Context) -> Form:
        def build(values: Values) -> Payload:
            return {"type": type_, "task": _int(values, "number"), field: values[field]}

        suggestions = context.people if field == "assignee" else ()
        return Form(
            title, (_number(context, "Task"), Field(field, label, needed=needed, suggestions=suggestions)), build
        )

    return form


def on_step(title: str, type_: str, field: str, label: str, *, needed: bool = False) -> Callable[[Context], Form]:
    """A form on the selected step of the playbook."""

    def form(context: Context) -> Form:
        steps = tuple(
            Choice(f"{one.id}/{step.id}", f"{place} {step.title}", step.status)
            for one in context.state.playbooks
            for place, step in enumerate(one.steps, start=1)
        )
        key = getattr(context.selected, "key", None)
        chosen = "/".join(key) if isinstance(key, tuple) and len(key) == 2 and "/".join(map(str, key)) else ""
        chosen = chosen if any(choice.value == chosen for choice in steps) else steps[0].value if steps else ""

        def build(values: Values) -> Payload:
            playbook, _, step = values["step"].partition("/")
            return {"type": type_, "playbook": playbook, "step": step, field: values[field]}

        suggestions = context.people if field == "assignee" else ()
        return Form(
            title,
            (Field("step", "Step", steps, chosen), Field(field, label, needed=needed, suggestions=suggestions)),
            build,
        )

    return form


def milestone(context: Context) -> Form:
    """One of the eight times."""

    def build(values: Values) -> Payload:
        at = when(values["at"], context.now, context.zone).isoformat()
        return {"type": "correct-milestone", "milestone": values["milestone"], "at": at, "reason": values["reason"]}

    known = context.state.milestones
    choices = tuple(
        Choice(
            one.value,
            one.value,
            known[one].astimezone(context.zone).strftime("%H:%M:%S") if one in known else "not known",
        )
        for one in Milestone
    )
    return Form(
        "Correct a milestone",
        (
            Field("milestone", "Milestone", choices),
            Field("at", "When", hint="08:58"),
            Field("reason", "Why", needed=False),
        ),
        build,
    )


def merge(context: Context) -> Form:
    """Another incident where the work goes on."""
    others = tuple(Choice(id_, id_, title) for id_, title in context.incidents if id_ != context.state.id)
    return Form(
        "Merge into", (Field("into", "Incident", others), Field("reason", "Why", needed=False)),
        _payload("merge-incident", "into", "reason"), dangerous=True,
    )  # fmt: skip


def services(context: Context) -> Form:
    """The affected services, separated by blanks."""
    field = Field("services", "Services", value=" ".join(context.state.services), hint="separated by blanks")
    return Form(
        "Affected services",
        (field,),
        lambda values: {"type": "change-services", "services": values["services"].split()},
    )


def next_update(context: Context) -> Form:  # noqa: ARG001 - every form is made from the context
    """Minutes from now."""
    field = Field("minutes", "Minutes from now", hint="empty for none", needed=False)

    def build(values: Values) -> Payload:
        return {"type": "set-next-update", "in_minutes": _int(values, "minutes") if values["minutes"] else None}

    return Form("When is the next update due?", (field,), build)


def link(context: Context) -> Form:  # noqa: ARG001 - every form is made from the context
    """An address, what it is, and its kind."""
    kinds = tuple(Choice(kind, kind) for kind in ("ticket", "dashboard", "runbook", "chat", "call", "other"))
    return Form(
        "Link",
        (Field("url", "Address", hint="https://..."), Field("title", "Title"), Field("kind", "Kind", kinds, "other")),
        _payload("add-link", "url", "title", "kind"),
    )


def open_decision(context: Context) -> Form:  # noqa: ARG001 - every form is made from the context
    """A question and its options, one a line."""

    def build(values: Values) -> Payload:
        options = [line.strip() for line in values["options"].splitlines() if line.strip()]
        return {"type": "open-decision", "question": values["question"], "options": options}

    return Form(
        "Open a decision",
        (Field("question", "What is to be decided"), Field("options", "Options, one a line", lines=4, needed=False)),
        build,
    )


def objection(context: Context) -> Form:
    """What speaks against an open decision."""
    choices = tuple(Choice(str(one.number), one.question) for one in context.state.decisions if not one.choice)

    def build(values: Values) -> Payload:
        return {"type": "raise-objection", "decision": _int(values, "number"), "text": values["text"]}

    return Form(
        "Object", (Field("number", "Decision", choices), Field("text", "What speaks against it", lines=3)), build
    )
