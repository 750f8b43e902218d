"""What production says: alerts, links, changes, the impact on customers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from warroom.cli import output
from warroom.cli.act import IncidentCommand, act, acting, incident_argument, json_option
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop
from warroom.cli.parsing import DURATION, TIME

if TYPE_CHECKING:
    from warroom.cli.direct import Answer

KINDS = ("deploy", "rollback", "config", "flag", "scale", "other")
LINKS = ("ticket", "dashboard", "runbook", "chat", "call", "other")


@click.group("alert")
def alert_command() -> None:
    """Attach, acknowledge, resolve, list and silence alerts."""


source_option = click.option(
    "--source", default="alertmanager", metavar="NAME", show_default=True, help="Who raised it."
)


@alert_command.command("attach", cls=IncidentCommand)
@incident_argument
@click.argument("name")
@click.option("--fingerprint", default="", metavar="TEXT", help="What tells it from others; the name when not given.")
@click.option("--severity", default="", metavar="TEXT", help="What its rule says.")
@click.option("--service", default="", metavar="NAME", help="The service it is about.")
@click.option("--summary", default="", metavar="TEXT", help="What it says.")
@click.option("--url", default="", metavar="URL", help="Where it came from.")
@click.option("--at", type=TIME, metavar="TIME", help="Since when it fires; now when not given.")
@click.option("--source", default="manual", metavar="NAME", show_default=True, help="Who raised it.")
@acting
def attach(inc: str, name: str, fingerprint: str, at: datetime | None, as_json: bool, later: bool, **said: str) -> None:
    """Attach an alert by hand."""
    starts = (at or datetime.now(UTC)).isoformat()
    alert = {"name": name, "fingerprint": fingerprint or name, "starts_at": starts, **said}
    act({"type": "attach-alert", "alert": alert}, inc, "{inc}: alert attached", as_json=as_json, later=later)


@alert_command.command("list")
@click.option("--silences", is_flag=True, help="The silences in place of the alerts.")
@click.option("--incident", "-i", "inc", default="", metavar="INC", help="For which incident.")
@json_option
def alert_list(silences: bool, inc: str, as_json: bool) -> None:
    """List what Alertmanager has, firing first."""
    about = {"incident": context().incident(inc)} if inc else {}
    said = context().line.request("silences" if silences else "alerts", **about)
    if as_json:
        output.put_json("silences" if silences else "alerts", said)
    elif silences:
        kept = [(one["state"], one["created_by"], _matchers(one), one["comment"]) for one in said["silences"]]
        for row in output.table(kept, ("STATE", "BY", "MATCHERS", "COMMENT")):
            output.data(row)
    else:
        from warroom.incident.observed import alert_body, alerts_in

        alerts = sorted(alerts_in(said), key=lambda one: (one.get("state") != "active", one.get("starts_at", 0)))
        rows = [
            (str(one.get("state", "")), body["severity"], body["service"], body["name"], body["summary"])
            for one, body in ((one, alert_body(one)) for one in alerts)
        ]
        for row in output.table(rows, ("STATE", "SEVERITY", "SERVICE", "ALERT", "SUMMARY")):
            output.data(row)


def _matchers(silence: dict[str, Any]) -> str:
    signs = {(False, True): "=", (False, False): "!=", (True, True): "=~", (True, False): "!~"}
    return ", ".join(
        f"{one['name']}{signs[one['is_regex'], one['is_equal']]}{one['value']}" for one in silence["matchers"]
    )


@alert_command.command("silence")
@click.argument("matchers", nargs=-1, required=True, metavar="NAME=VALUE...")
@click.option("--for", "length", type=DURATION, default="1h", metavar="TIME", show_default=True, help="How long.")
@click.option("--comment", required=True, metavar="TEXT", help="Why; whoever wonders at night reads it.")
@click.option("--incident", "-i", "inc", default="", metavar="INC", help="For which incident.")
def alert_silence(matchers: tuple[str, ...], length: timedelta, comment: str, inc: str) -> None:
    """Silence alerts for a while, with the reason."""
    if wrong := next((one for one in matchers if "=" not in one), None):
        raise Stop(Exit.USAGE, f"{wrong}: write a matcher as NAME=VALUE")
    wanted = [dict(zip(("name", "value"), one.split("=", 1), strict=True)) for one in matchers]
    about = {"incident": context().incident(inc)} if inc else {}
    seconds = length.total_seconds()
    made = context().line.request("silence.create", matchers=wanted, seconds=seconds, comment=comment, **about)
    output.data(made["id"])


@alert_command.command("unsilence")
@click.argument("id_", metavar="ID")
def alert_unsilence(id_: str) -> None:
    """End a silence now."""
    context().line.request("silence.expire", id=id_)
    output.say(f"the silence {id_} is over")


@alert_command.command("ack", cls=IncidentCommand)
@incident_argument
@click.argument("fingerprint")
@source_option
@acting
def alert_ack(inc: str, fingerprint: str, source: str, as_json: bool, later: bool) -> None:
    """Say that you are on an alert.

    One that Alertmanager has and that is not attached yet is attached first; its name will do for FINGERPRINT.
    """
    command = {"type": "acknowledge-alert", "source": source, "fingerprint": fingerprint}

    def with_alert(answer: Answer) -> dict[str, Any] | None:
        if source != "alertmanager" or answer.reason not in ("not-found", "conflict"):
            return None
        found = _active(context().incident(inc), fingerprint)
        return found and {**command, "fingerprint": found["fingerprint"], "alert": found}

    done = "{inc}: alert acknowledged"
    act(command, inc, done, as_json=as_json, later=later, otherwise=with_alert)


def _active(incident: str, wanted: str) -> dict[str, Any] | None:
    """The alert of that fingerprint, or else of that name, as Alertmanager has it; None where it cannot be told.

    Raises:
        Stop: several have that name.
    """
    from warroom.incident.observed import alert_body, alerts_in

    try:
        said = context().line.request("alerts", incident=incident)
    except Stop as stop:
        output.say(f"Alertmanager cannot be asked for it: {stop.words}")
        return None
    alerts = [alert_body(one) for one in alerts_in(said)]
    unique = {one["fingerprint"]: one for one in alerts if wanted in (one["fingerprint"], one["name"])}
    if len(unique) > 1:
        names = ", ".join(sorted(unique))
        raise Stop(Exit.REFUSED, f"{len(unique)} alerts are called {wanted}: name one by its fingerprint, {names}")
    return next(iter(unique.values()), None)


@alert_command.command("resolve", cls=IncidentCommand)
@incident_argument
@click.argument("fingerprint")
@click.option("--at", type=TIME, metavar="TIME", help="When it ended.")
@source_option
@acting
def alert_resolve(inc: str, fingerprint: str, at: datetime | None, source: str, as_json: bool, later: bool) -> None:
    """Say that an alert is over."""
    command: dict[str, Any] = {"type": "resolve-alert", "source": source, "fingerprint": fingerprint}
    if at:
        command["ended_at"] = at.isoformat()
    act(command, inc, "{inc}: alert resolved", as_json=as_json, later=later)


@click.command("link", cls=IncidentCommand)
@incident_argument
@click.argument("url")
@click.argument("title")
@click.option("--kind", type=click.Choice(LINKS), default="other", show_default=True, help="What is there.")
@acting
def link_command(inc: str, url: str, title: str, kind: str, as_json: bool, later: bool) -> None:
    """Add a link: a ticket, a dashboard, a runbook, a call."""
    command = {"type": "add-link", "url": url, "title": title, "kind": kind}
    act(command, inc, "{inc}: link added", as_json=as_json, later=later)


@click.command("change", cls=IncidentCommand)
@incident_argument
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--service", default="", metavar="NAME", help="What was changed.")
@click.option("--version", default="", metavar="TEXT", help="To which version.")
@click.option("--text", default="", metavar="TEXT", help="What it was about.")
@click.option("--at", type=TIME, metavar="TIME", help="When it took effect.")
@acting
def change_command(
    inc: str, kind: str, service: str, version: str, text: str, at: datetime | None, as_json: bool, later: bool
) -> None:
    """Record a deploy, a rollback or another change."""
    command: dict[str, Any] = {"type": "record-change", "kind": kind, "service": service, "version": version}
    command["text"] = text
    if at:
        command["occurred_at"] = at.isoformat()
    act(command, inc, f"{{inc}}: {kind} recorded", as_json=as_json, later=later)


@click.group("impact")
def impact_command() -> None:
    """Count and describe what customers feel."""


@impact_command.command("count", cls=IncidentCommand)
@incident_argument
@click.argument("counter")
@click.argument("value", type=click.IntRange(0, 10**15))
@click.option("--source", default="", metavar="TEXT", help="Where the number comes from.")
@acting
def count(inc: str, counter: str, value: int, source: str, as_json: bool, later: bool) -> None:
    """Count what is affected: requests failed, customers, orders."""
    command = {"type": "count-impact", "counter": counter, "value": value, "source": source}
    act(command, inc, f"{{inc}}: {value:,} {counter}", as_json=as_json, later=later)


@impact_command.command("describe", cls=IncidentCommand)
@incident_argument
@click.argument("text")
@acting
def describe(inc: str, text: str, as_json: bool, later: bool) -> None:
    """Say what customers feel."""
    act({"type": "describe-impact", "text": text}, inc, "{inc}: impact described", as_json=as_json, later=later)
