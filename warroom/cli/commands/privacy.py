"""Who may see an incident."""

from __future__ import annotations

import click

from warroom.cli.act import IncidentCommand, act, acting, incident_argument


@click.command("private", cls=IncidentCommand)
@incident_argument
@click.option("--member", "members", multiple=True, metavar="WHO", help="Who may see it besides you; may be repeated.")
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@acting
def private_command(inc: str, members: tuple[str, ...], reason: str, as_json: bool, later: bool) -> None:
    """Make it private: only members, commanders and admins may see it."""
    command = {"type": "change-privacy", "private": True, "members": list(members), "reason": reason}
    act(command, inc, "{inc}: private", as_json=as_json, later=later)


@click.command("public", cls=IncidentCommand)
@incident_argument
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@acting
def public_command(inc: str, reason: str, as_json: bool, later: bool) -> None:
    """Let everybody see it again."""
    command = {"type": "change-privacy", "private": False, "reason": reason}
    act(command, inc, "{inc}: public", as_json=as_json, later=later)


@click.group("member")
def member_command() -> None:
    """Who may see a private incident."""


@member_command.command("add", cls=IncidentCommand)
@incident_argument
@click.argument("who")
@acting
def add(inc: str, who: str, as_json: bool, later: bool) -> None:
    """Let somebody see a private incident."""
    act({"type": "add-member", "who": who}, inc, f"{{inc}}: {who} may see it", as_json=as_json, later=later)


@member_command.command("remove", cls=IncidentCommand)
@incident_argument
@click.argument("who")
@acting
def remove(inc: str, who: str, as_json: bool, later: bool) -> None:
    """Let somebody see a private incident no longer."""
    command = {"type": "remove-member", "who": who}
    act(command, inc, f"{{inc}}: {who} may see it no longer", as_json=as_json, later=later)
