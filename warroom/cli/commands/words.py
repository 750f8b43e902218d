"""What people write: notes, chat, updates, corrections, pins, redactions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import click

from warroom.cli import output
from warroom.cli.act import IncidentCommand, act, acting, incident_argument
from warroom.cli.context import context
from warroom.cli.parsing import DURATION, NUMBER, TIME

text_argument = click.argument("text")


@click.command("note", cls=IncidentCommand)
@incident_argument
@text_argument
@click.option("--at", type=TIME, metavar="TIME", help="When it happened: 09:41, '5m ago' or ISO 8601.")
@acting
def note_command(inc: str, text: str, at: datetime | None, as_json: bool, later: bool) -> None:
    """Write a note on the timeline."""
    command: dict[str, Any] = {"type": "add-note", "text": text}
    if at:
        command["occurred_at"] = at.isoformat()
    act(command, inc, "{inc}: note {seq}", as_json=as_json, later=later)


@click.command("chat", cls=IncidentCommand)
@incident_argument
@text_argument
@acting
def chat_command(inc: str, text: str, as_json: bool, later: bool) -> None:
    """Write to everybody in the room."""
    act({"type": "post-chat", "text": text}, inc, "{inc}: said", as_json=as_json, later=later)


def _minutes(length: timedelta) -> int:
    return max(1, round(length.total_seconds() / 60)) if length else 0


@click.command("update", cls=IncidentCommand)
@incident_argument
@text_argument
@click.option("--audience", default="everyone", metavar="WHO", show_default=True, help="For whom it is.")
@click.option("--next", "next_in", type=DURATION, metavar="TIME", help="When the next is due, 30m; 0 for no more.")
@acting
def update_command(inc: str, text: str, audience: str, next_in: timedelta | None, as_json: bool, later: bool) -> None:
    """Publish an update."""
    command: dict[str, Any] = {"type": "publish-update", "text": text, "audience": audience}
    if next_in is not None:
        command["next_in_minutes"] = _minutes(next_in)
    act(command, inc, "{inc}: update published", as_json=as_json, later=later)


@click.command("next-update", cls=IncidentCommand)
@incident_argument
@click.argument("due", type=DURATION, metavar="MINUTES")
@acting
def next_update_command(inc: str, due: timedelta, as_json: bool, later: bool) -> None:
    """Say when the next update is due.

    In minutes from now, or as 1h30m; 0 for no more.
    """
    command = {"type": "set-next-update", "in_minutes": _minutes(due) or None}
    act(command, inc, "{inc}: next update set", as_json=as_json, later=later)


@click.command("correct", cls=IncidentCommand)
@incident_argument
@click.argument("seq", type=NUMBER)
@click.argument("text", required=False, default="")
@click.option("--at", type=TIME, metavar="TIME", help="When it really happened.")
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@acting
def correct_command(
    inc: str, seq: int, text: str, at: datetime | None, reason: str, as_json: bool, later: bool
) -> None:
    """Correct an entry; the first version stays readable."""
    command: dict[str, Any] = {"type": "correct-entry", "entry": seq, "text": text, "reason": reason}
    if at:
        command["occurred_at"] = at.isoformat()
    elif not text.strip():
        raise click.UsageError("say the right words, or the right time with --at")
    act(command, inc, f"{{inc}}: entry {seq} corrected", as_json=as_json, later=later)


@click.command("pin", cls=IncidentCommand)
@incident_argument
@click.argument("seq", type=NUMBER)
@acting
def pin_command(inc: str, seq: int, as_json: bool, later: bool) -> None:
    """Pin an entry."""
    act({"type": "pin-entry", "entry": seq}, inc, f"{{inc}}: entry {seq} pinned", as_json=as_json, later=later)


@click.command("unpin", cls=IncidentCommand)
@incident_argument
@click.argument("seq", type=NUMBER)
@acting
def unpin_command(inc: str, seq: int, as_json: bool, later: bool) -> None:
    """Take a pin off."""
    act({"type": "unpin-entry", "entry": seq}, inc, f"{{inc}}: entry {seq} unpinned", as_json=as_json, later=later)


@click.command("redact", cls=IncidentCommand)
@incident_argument
@click.argument("seq", type=NUMBER)
@click.argument("reason")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@acting
def redact_command(inc: str, seq: int, reason: str, yes: bool, as_json: bool, later: bool) -> None:
    """Erase an entry's words for good; a tombstone stays."""
    incident = context().incident(inc)
    output.confirm(f"Erase the words of entry {seq} of {incident} for good?", yes=yes)
    command = {"type": "redact-entry", "entry": seq, "reason": reason}
    act(command, incident, f"{{inc}}: entry {seq} redacted", as_json=as_json, later=later)
