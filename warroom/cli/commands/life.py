"""From declaring to closing: what an incident is, how bad, where it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from warroom.cli import output
from warroom.cli.act import IncidentCommand, act, acting, incident_argument
from warroom.cli.context import context
from warroom.cli.parsing import INCIDENT, SEVERITY, TIME

STATES = ("investigating", "identified", "monitoring", "resolved", "closed")
MILESTONES = ("impact-started", "detected", "acknowledged", "declared", "identified", "mitigated", "resolved", "closed")


@click.command("declare")
@click.argument("title")
@click.option("--severity", "-s", type=SEVERITY, metavar="SEV", help="SEV1 to SEV5; unset when not yet known.")
@click.option("--service", "services", multiple=True, metavar="NAME", help="A service it is about; may be repeated.")
@click.option("--summary", default="", metavar="TEXT", help="How things stand, in plain words.")
@click.option("--triage", is_flag=True, help="Leave it to be accepted or declined.")
@click.option("--private", is_flag=True, help="Only members, commanders and admins may see it.")
@click.option("--impact-started", type=TIME, metavar="TIME", help="When customers first felt it.")
@click.option("--detected", type=TIME, metavar="TIME", help="When it was first noticed.")
@acting
def declare_command(
    title: str,
    severity: str | None,
    services: tuple[str, ...],
    summary: str,
    triage: bool,
    private: bool,
    impact_started: datetime | None,
    detected: datetime | None,
    as_json: bool,
    later: bool,
) -> None:
    """Declare an incident; a title is enough."""
    command: dict[str, Any] = {"type": "declare-incident", "title": title, "services": list(services)}
    command |= {"summary": summary, "triage": triage, "private": private}
    if severity:
        command["severity"] = severity
    if impact_started:
        command["impact_started_at"] = impact_started.isoformat()
    if detected:
        command["detected_at"] = detected.isoformat()
    declare(command, as_json=as_json, later=later)


def declare(command: dict[str, Any], *, as_json: bool, later: bool) -> None:
    """Declare, on a local server that is started when none runs; the id alone goes to stdout."""
    from warroom.cli.exits import Exit, Stop
    from warroom.cli.local import find_or_start

    here = context()
    if not here.loaded.settings.server and not here.joined():
        try:
            find_or_start(here.places, output.say)
        except Stop as stop:
            if not later or stop.status is not Exit.UNREACHABLE:
                raise
    act(command, "", "declared {inc}", as_json=as_json, later=later, prints_id=True)


@click.command("ack", cls=IncidentCommand)
@incident_argument
@acting
def ack_command(inc: str, as_json: bool, later: bool) -> None:
    """Say that somebody is on it."""
    act({"type": "acknowledge-incident"}, inc, "{inc}: acknowledged", as_json=as_json, later=later)


@click.command("accept", cls=IncidentCommand)
@incident_argument
@acting
def accept_command(inc: str, as_json: bool, later: bool) -> None:
    """Out of triage: this is an incident."""
    act({"type": "accept-incident"}, inc, "{inc}: accepted", as_json=as_json, later=later)


@click.command("decline", cls=IncidentCommand)
@incident_argument
@click.argument("reason")
@acting
def decline_command(inc: str, reason: str, as_json: bool, later: bool) -> None:
    """Out of triage: a false alarm, with the reason."""
    command = {"type": "decline-incident", "reason": reason}
    act(command, inc, "{inc}: declined", as_json=as_json, later=later)


def meanings() -> str:
    """The severities and what they mean, a line each."""
    from warroom.incident.words import SEVERITY_MEANINGS

    return "\n".join(f"{output.severity_word(one.value, 5)}  {words}" for one, words in SEVERITY_MEANINGS.items())


class SeverityCommand(IncidentCommand):
    """`warroom severity` alone shows what the severities mean."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            output.data(meanings())
            ctx.exit()
        return super().parse_args(ctx, args)


@click.command("severity", cls=SeverityCommand)
@incident_argument
@click.argument("severity", type=SEVERITY, metavar="SEV")
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@acting
def severity_command(inc: str, severity: str, reason: str, as_json: bool, later: bool) -> None:
    """Set how bad it is; without a severity, what they mean."""
    command = {"type": "change-severity", "severity": severity, "reason": reason}
    act(command, inc, f"{{inc}}: {severity}", as_json=as_json, later=later)


def change_status(inc: str, state: str, reason: str, at: datetime | None, *, as_json: bool, later: bool) -> None:
    """Send a change of status."""
    command: dict[str, Any] = {"type": "change-status", "status": state, "reason": reason}
    if at:
        command["occurred_at"] = at.isoformat()
    act(command, inc, f"{{inc}}: {state}", as_json=as_json, later=later)


@click.command("status", cls=IncidentCommand)
@incident_argument
@click.argument("state", type=click.Choice(STATES, case_sensitive=False))
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@click.option("--at", type=TIME, metavar="TIME", help="When it came to be so: 09:41, '5m ago' or ISO 8601.")
@acting
def status_command(inc: str, state: str, reason: str, at: datetime | None, as_json: bool, later: bool) -> None:
    """Change where it stands: investigating, identified, monitoring, resolved, closed."""
    change_status(inc, state, reason, at, as_json=as_json, later=later)


@click.command("resolve", cls=IncidentCommand)
@incident_argument
@click.option("--reason", default="", metavar="TEXT", help="What resolved it.")
@click.option("--at", type=TIME, metavar="TIME", help="When it was resolved.")
@acting
def resolve_command(inc: str, reason: str, at: datetime | None, as_json: bool, later: bool) -> None:
    """Say that it is resolved."""
    change_status(inc, "resolved", reason, at, as_json=as_json, later=later)


@click.command("close", cls=IncidentCommand)
@incident_argument
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@acting
def close_command(inc: str, reason: str, as_json: bool, later: bool) -> None:
    """Close it: nothing more is expected."""
    change_status(inc, "closed", reason, None, as_json=as_json, later=later)


@click.command("reopen", cls=IncidentCommand)
@incident_argument
@click.argument("reason")
@acting
def reopen_command(inc: str, reason: str, as_json: bool, later: bool) -> None:
    """Open it again, with the reason."""
    act({"type": "reopen-incident", "reason": reason}, inc, "{inc}: open again", as_json=as_json, later=later)


@click.command("merge", cls=IncidentCommand)
@incident_argument
@click.argument("into", type=INCIDENT, metavar="INTO")
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@acting
def merge_command(inc: str, into: str, reason: str, yes: bool, as_json: bool, later: bool) -> None:
    """End it as a duplicate of another incident."""
    here = context()
    target, incident = here.incident(into), here.incident(inc)
    output.confirm(f"End {incident} as a duplicate of {target}?", yes=yes)
    command = {"type": "merge-incident", "into": target, "reason": reason}
    act(command, incident, f"{{inc}}: merged into {target}", as_json=as_json, later=later)


@click.command("title", cls=IncidentCommand)
@incident_argument
@click.argument("text")
@acting
def title_command(inc: str, text: str, as_json: bool, later: bool) -> None:
    """Change its title."""
    act({"type": "change-title", "title": text}, inc, "{inc}: title changed", as_json=as_json, later=later)


@click.command("summary", cls=IncidentCommand)
@incident_argument
@click.argument("text")
@acting
def summary_command(inc: str, text: str, as_json: bool, later: bool) -> None:
    """Say in plain words how things stand, for whoever joins now."""
    act({"type": "change-summary", "summary": text}, inc, "{inc}: summary changed", as_json=as_json, later=later)


@click.command("services")
@click.argument("inc", type=INCIDENT)
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@acting
def services_command(inc: str, services: tuple[str, ...], as_json: bool, later: bool) -> None:
    """Name the services it is about.

    INC has to be given here. The list replaces the one before; none at all empties it.
    """
    command = {"type": "change-services", "services": list(services)}
    act(command, inc, "{inc}: services changed", as_json=as_json, later=later)


@click.command("milestone", cls=IncidentCommand)
@incident_argument
@click.argument("milestone", type=click.Choice(MILESTONES, case_sensitive=False))
@click.argument("at", type=TIME, metavar="TIME")
@click.option("--reason", default="", metavar="TEXT", help="Why it was corrected.")
@acting
def milestone_command(inc: str, milestone: str, at: datetime, reason: str, as_json: bool, later: bool) -> None:
    """Correct one of its eight times."""
    canonical = milestone.replace("-", "_") + "_at"
    command = {"type": "correct-milestone", "milestone": canonical, "at": at.isoformat(), "reason": reason}
    act(command, inc, f"{{inc}}: {milestone} corrected", as_json=as_json, later=later)
