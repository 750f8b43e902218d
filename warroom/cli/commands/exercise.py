"""What players and hosts of an exercise do from the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from warroom.cli import output
from warroom.cli.act import IncidentCommand, act, acting, incident_argument, json_option
from warroom.cli.commands.work import number_argument
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop
from warroom.cli.rooms import read_room
from warroom.cli.shapes import plain

_SHOWN = (
    "scenario", "version", "title", "speed", "safe_word", "hosts", "roles", "actions", "withheld", "hints",
    "started_at", "stopped_at", "stop_reason",
)  # fmt: skip


@click.group("exercise")
def exercise_command() -> None:
    """Play an exercise: what is on offer, actions, hints, the inbox, the safe word."""


@exercise_command.command("show", cls=IncidentCommand)
@incident_argument
@json_option
def show(inc: str, as_json: bool) -> None:
    """Show what the exercise offers, and how far each action is."""
    state = read_room(inc).state
    exercise = state.exercise
    if exercise is None:
        raise Stop(Exit.REFUSED, f"{state.id} is no exercise")
    from warroom.review.exercise_words import exercise_line, now_in, short_clock

    now = now_in(state, datetime.now(UTC))
    if as_json:
        second = exercise.second_at(exercise.stopped_at or now)
        told = plain(exercise)
        body = {name: told[name] for name in _SHOWN}
        output.put_json(
            "exercise", {"incident": state.id, "second": second, **body, "asked": plain(state.actions)}
        )  # fmt: skip
        return
    output.data(output.heading(exercise_line(state, now)))
    rows = []
    for one in exercise.actions:
        last = next((done for done in reversed(list(state.actions)) if done.action == one.id), None)
        far = "offered" if last is None else f"{last.number} {last.status}"
        rows.append((one.id, far, short_clock(one.takes_seconds), one.needs, one.approval, one.title))
    for row in output.table(rows, ("ACTION", "STANDS", "TAKES", "MAY ASK", "APPROVES", "TITLE")):
        output.data(row)


@exercise_command.command("act", cls=IncidentCommand)
@incident_argument
@click.argument("action", metavar="ACTION")
@click.option("--note", default="", metavar="TEXT", help="Why; it becomes an entry of its own.")
@acting
def act_command(inc: str, action: str, note: str, as_json: bool, later: bool) -> None:
    """Ask for one of the actions that the exercise offers."""
    command = {"type": "request-action", "action": action, "note": note}
    act(command, inc, f"{{inc}}: {action} asked for", as_json=as_json, later=later)


@exercise_command.command("approve", cls=IncidentCommand)
@incident_argument
@number_argument
@acting
def approve(inc: str, number: int, as_json: bool, later: bool) -> None:
    """Agree to an action, by the duty it waits for."""
    command = {"type": "approve-action", "number": number}
    act(command, inc, f"{{inc}}: action {number} approved", as_json=as_json, later=later)


@exercise_command.command("reject", cls=IncidentCommand)
@incident_argument
@number_argument
@click.argument("reason", required=False, default="")
@acting
def reject(inc: str, number: int, reason: str, as_json: bool, later: bool) -> None:
    """Say no to an action, or take back your own."""
    command = {"type": "reject-action", "number": number, "reason": reason}
    act(command, inc, f"{{inc}}: action {number} rejected", as_json=as_json, later=later)


@exercise_command.command("hint", cls=IncidentCommand)
@incident_argument
@acting
def hint(inc: str, as_json: bool, later: bool) -> None:
    """Ask the facilitator for a hint; it may cost points."""
    act({"type": "ask-for-hint"}, inc, "{inc}: hint asked for", as_json=as_json, later=later)


@exercise_command.command("stop", cls=IncidentCommand)
@incident_argument
@click.option("--text", default="", metavar="TEXT", help="What you are needed for.")
@acting
def stop(inc: str, text: str, as_json: bool, later: bool) -> None:
    """The safe word: end the exercise for everybody, at once."""
    command = {"type": "stop-exercise", "reason": "safe_word", "text": text}
    act(command, inc, "{inc}: the exercise is stopped", as_json=as_json, later=later)


@exercise_command.command("inbox", cls=IncidentCommand)
@incident_argument
@json_option
def inbox(inc: str, as_json: bool) -> None:
    """Read what was said to you in private."""
    here = context()
    incident = here.incident(inc)
    told = here.line.request("whispers", incident=incident)["whispers"]
    if as_json:
        output.put_json("inbox", {"incident": incident, "whispers": told})
        return
    output.data(f"EXERCISE {incident}: nothing here is real")
    for one in told:
        output.data(f"{one['at'][11:19]}  {one['sender'] or 'The facilitator'}: {one['text']}")
    if not told:
        output.say("nothing was said to you in private")


@exercise_command.command("host")
@click.argument("inc", metavar="INC")
@click.argument("word", metavar="WORD")
@click.argument("told", nargs=-1, metavar="NAME=VALUE...")
def host(inc: str, word: str, told: tuple[str, ...]) -> None:
    """Let something happen, as a host: pause, fire inject_id=I1, hint, reveal, stop.

    A value is JSON where it can be read as such, else text. A wrong word is answered with those there are.
    """
    here = context()
    said = here.line.request("facilitate", incident=here.incident(inc), do=word, told=dict(map(_pair, told)))
    output.say(f"{here.incident(inc)}: {said['words']}")


def _pair(text: str) -> tuple[str, Any]:
    """`second=90` as a name and a number."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise Stop(Exit.USAGE, f"{text!r} is no NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
