"""What players and hosts of an exercise do from the command line."""

from __future__ import annotations

import json
from typing import Any

import click

from warroom.cli import output
from warroom.cli.act import IncidentCommand, act, acting, incident_argument
from warroom.cli.commands.work import number_argument
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop
from warroom.cli.rooms import read_room


@click.group("exercise")
def exercise_command() -> None:
    """Play an exercise: what is on offer, actions, hints, the inbox, the safe word."""


@exercise_command.command("show", cls=IncidentCommand)
@incident_argument
def show(inc: str) -> None:
    """Show what the exercise offers, and how far each action is."""
    state = read_room(inc).state
    exercise = state.exercise
    if exercise is None:
        raise Stop(Exit.REFUSED, f"{state.id} is no exercise")
    pace = f"stopped ({exercise.stop_reason})" if not exercise.running else f"{exercise.speed:g}x"
    output.data(f"EXERCISE {exercise.title}  {pace}  the safe word is {exercise.safe_word!r}")
    for one in exercise.actions:
        last = next((done for done in reversed(list(state.actions)) if done.action == one.id), None)
        far = "offered" if last is None else f"{last.number}: {last.status}"
        waits = f", approved by the {one.approval.replace('_', ' ')}" if one.approval else ""
        output.data(f"{one.id:<28}  {far:<14}  {one.title} (takes {one.takes_seconds} s{waits})")


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
def inbox(inc: str) -> None:
    """Read what was said to you in private."""
    here = context()
    told = here.line.request("whispers", incident=here.incident(inc))["whispers"]
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
