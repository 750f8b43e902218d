"""The work: tasks, hypotheses, decisions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import click

from warroom.cli.act import IncidentCommand, act, acting, incident_argument
from warroom.cli.parsing import DURATION, NUMBER, TIME

number_argument = click.argument("number", type=NUMBER, metavar="N")


@click.group("task")
def task_command() -> None:
    """Add tasks, and say what became of them."""


@task_command.command("add", cls=IncidentCommand)
@incident_argument
@click.argument("title")
@click.option("--assignee", "--to", metavar="WHO", help="Who does it.")
@click.option("--time-box", type=DURATION, metavar="TIME", help="How long it may take, 15m.")
@click.option("--follow-up", is_flag=True, help="For after the incident.")
@click.option("--due", type=TIME, metavar="TIME", help="When it is due.")
@acting
def task_add(
    inc: str,
    title: str,
    assignee: str | None,
    time_box: timedelta | None,
    follow_up: bool,
    due: datetime | None,
    as_json: bool,
    later: bool,
) -> None:
    """Add a task."""
    command: dict[str, Any] = {"type": "add-task", "title": title, "assignee": assignee, "follow_up": follow_up}
    if time_box is not None:
        command["time_box_minutes"] = round(time_box.total_seconds() / 60)
    if due:
        command["due"] = due.isoformat()
    act(command, inc, "{inc}: task added", as_json=as_json, later=later)


@task_command.command("assign", cls=IncidentCommand)
@incident_argument
@number_argument
@click.argument("who")
@acting
def task_assign(inc: str, number: int, who: str, as_json: bool, later: bool) -> None:
    """Give a task to somebody."""
    command = {"type": "assign-task", "task": number, "assignee": who}
    act(command, inc, f"{{inc}}: task {number} is {who}'s", as_json=as_json, later=later)


@task_command.command("ack", cls=IncidentCommand)
@incident_argument
@number_argument
@acting
def task_ack(inc: str, number: int, as_json: bool, later: bool) -> None:
    """Say that you are on it."""
    command = {"type": "acknowledge-task", "task": number}
    act(command, inc, f"{{inc}}: task {number} acknowledged", as_json=as_json, later=later)


@task_command.command("done", cls=IncidentCommand)
@incident_argument
@number_argument
@click.option("--result", default="", metavar="TEXT", help="What came of it.")
@acting
def task_done(inc: str, number: int, result: str, as_json: bool, later: bool) -> None:
    """Say that a task is done."""
    command = {"type": "finish-task", "task": number, "result": result}
    act(command, inc, f"{{inc}}: task {number} done", as_json=as_json, later=later)


@task_command.command("drop", cls=IncidentCommand)
@incident_argument
@number_argument
@click.option("--reason", default="", metavar="TEXT", help="Why it is not needed.")
@acting
def task_drop(inc: str, number: int, reason: str, as_json: bool, later: bool) -> None:
    """Drop a task."""
    command = {"type": "drop-task", "task": number, "reason": reason}
    act(command, inc, f"{{inc}}: task {number} dropped", as_json=as_json, later=later)


@click.group("hypothesis")
def hypothesis_command() -> None:
    """Propose causes, and speak for or against them."""


@hypothesis_command.command("propose", cls=IncidentCommand)
@incident_argument
@click.argument("text")
@click.option("--probability", type=click.FloatRange(0, 100), metavar="PERCENT", help="How likely you hold it to be.")
@acting
def propose(inc: str, text: str, probability: float | None, as_json: bool, later: bool) -> None:
    """Propose a cause."""
    command: dict[str, Any] = {"type": "propose-hypothesis", "text": text}
    if probability is not None:
        command["probability"] = probability / 100
    act(command, inc, "{inc}: hypothesis proposed", as_json=as_json, later=later)


@hypothesis_command.command("rate", cls=IncidentCommand)
@incident_argument
@number_argument
@click.argument("percent", type=click.FloatRange(0, 100), metavar="PERCENT")
@acting
def rate(inc: str, number: int, percent: float, as_json: bool, later: bool) -> None:
    """Say how likely a hypothesis is held to be."""
    command = {"type": "rate-hypothesis", "hypothesis": number, "probability": percent / 100}
    act(command, inc, f"{{inc}}: hypothesis {number} held to be {percent:g} % likely", as_json=as_json, later=later)


def _judge(word: str, done: str, help_: str) -> None:
    @hypothesis_command.command(word, cls=IncidentCommand, help=help_)
    @incident_argument
    @number_argument
    @click.option("--evidence", default="", metavar="TEXT", help="What speaks for that.")
    @click.option("--pin", "pins", type=NUMBER, multiple=True, metavar="N", help="An evidence pin; may be repeated.")
    @acting
    def judge(inc: str, number: int, evidence: str, pins: tuple[int, ...], as_json: bool, later: bool) -> None:
        command = {"type": f"{word}-hypothesis", "hypothesis": number, "evidence": evidence, "pins": list(pins)}
        act(command, inc, f"{{inc}}: hypothesis {number} {done}", as_json=as_json, later=later)


_judge("support", "supported", "Say what speaks for a hypothesis.")
_judge("refute", "refuted", "Say what rules a hypothesis out.")
_judge("confirm", "confirmed", "Say what proves a hypothesis.")


@click.group("decision")
def decision_command() -> None:
    """Open decisions, object to them, take them."""


@decision_command.command("open", cls=IncidentCommand)
@incident_argument
@click.argument("question")
@click.option("--option", "options", multiple=True, metavar="TEXT", help="A way to choose; may be repeated.")
@acting
def decision_open(inc: str, question: str, options: tuple[str, ...], as_json: bool, later: bool) -> None:
    """Ask for a decision."""
    command = {"type": "open-decision", "question": question, "options": list(options)}
    act(command, inc, "{inc}: decision open", as_json=as_json, later=later)


@decision_command.command("object", cls=IncidentCommand)
@incident_argument
@number_argument
@click.argument("text")
@acting
def decision_object(inc: str, number: int, text: str, as_json: bool, later: bool) -> None:
    """Say what speaks against it."""
    command = {"type": "raise-objection", "decision": number, "text": text}
    act(command, inc, f"{{inc}}: objected to decision {number}", as_json=as_json, later=later)


@decision_command.command("take", cls=IncidentCommand)
@incident_argument
@click.argument("choice")
@click.option("--decision", "number", type=NUMBER, metavar="N", help="The open decision this settles.")
@click.option("--question", default="", metavar="TEXT", help="What was decided, where no decision was open.")
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@acting
def decision_take(
    inc: str, choice: str, number: int | None, question: str, reason: str, as_json: bool, later: bool
) -> None:
    """Decide.

    With --decision an open decision; without, the decision is opened and taken in one step.
    """
    command: dict[str, Any] = {"type": "take-decision", "choice": choice, "reason": reason}
    command |= {"decision": number} if number else {"question": question or choice}
    act(command, inc, "{inc}: decided", as_json=as_json, later=later)
