"""Who does what: roles, and command as something that is offered and accepted."""

from __future__ import annotations

import click

from warroom.cli.act import IncidentCommand, act, acting, incident_argument
from warroom.cli.context import context
from warroom.cli.parsing import DUTY


class RoleGroup(click.Group):
    """`warroom role INC ROLE WHO` is `warroom role assign INC ROLE WHO`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["assign", *args]
        return super().parse_args(ctx, args)


@click.group("role", cls=RoleGroup)
def role_command() -> None:
    """Assign and release roles."""


class AssignCommand(IncidentCommand):
    """WHO may be left out: oneself."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing and sum(not arg.startswith("-") for arg in args) == 2 and _is_role(args[0]):
            # ROLE WHO, with the incident left out.
            args = ["-", *args]
        return super().parse_args(ctx, args)


def _is_role(text: str) -> bool:
    from warroom.incident.words import Duty

    try:
        Duty.parse(text)
    except ValueError:
        return False
    return True


@role_command.command("assign", cls=AssignCommand)
@incident_argument
@click.argument("role", type=DUTY)
@click.argument("who", required=False)
@acting
def assign(inc: str, role: str, who: str | None, as_json: bool, later: bool) -> None:
    """Assign a role; to oneself when nobody is named."""
    person = who or me()
    command = {"type": "assign-role", "duty": role, "who": person}
    act(command, inc, f"{{inc}}: {person} is {role.replace('_', ' ')}", as_json=as_json, later=later)


@role_command.command("release", cls=AssignCommand)
@incident_argument
@click.argument("role", type=DUTY)
@click.argument("who", required=False)
@acting
def release(inc: str, role: str, who: str | None, as_json: bool, later: bool) -> None:
    """Give a role back; one's own when nobody is named."""
    person = who or me()
    command = {"type": "release-role", "duty": role, "who": person}
    act(command, inc, f"{{inc}}: {person} is no longer {role.replace('_', ' ')}", as_json=as_json, later=later)


def me() -> str:
    """The name the server knows us by, or the login name while it is not known."""
    here = context()
    return here.server.name or here.me


@click.group("command")
def command_command() -> None:
    """Offer, accept, decline and take command."""


@command_command.command("offer", cls=IncidentCommand)
@incident_argument
@click.argument("who")
@click.argument("brief")
@acting
def offer(inc: str, who: str, brief: str, as_json: bool, later: bool) -> None:
    """Offer command to somebody, with the brief they need."""
    command = {"type": "offer-command", "to": who, "brief": brief}
    act(command, inc, f"{{inc}}: command offered to {who}", as_json=as_json, later=later)


@command_command.command("accept", cls=IncidentCommand)
@incident_argument
@acting
def accept(inc: str, as_json: bool, later: bool) -> None:
    """Accept the command that was offered."""
    act({"type": "accept-command"}, inc, "{inc}: you have command", as_json=as_json, later=later)


@command_command.command("decline", cls=IncidentCommand)
@incident_argument
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@acting
def decline(inc: str, reason: str, as_json: bool, later: bool) -> None:
    """Decline an offer of command, or withdraw one's own."""
    command = {"type": "end-command-offer", "reason": reason}
    act(command, inc, "{inc}: the offer is ended", as_json=as_json, later=later)


@command_command.command("take", cls=IncidentCommand)
@incident_argument
@click.option("--reason", default="", metavar="TEXT", help="Why, when somebody has it who does not answer.")
@acting
def take(inc: str, reason: str, as_json: bool, later: bool) -> None:
    """Take command when nobody has it, or from one who does not answer."""
    act({"type": "take-command", "reason": reason}, inc, "{inc}: you have command", as_json=as_json, later=later)
