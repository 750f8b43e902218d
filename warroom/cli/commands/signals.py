"""What production says: evidence, alerts, links, changes, the impact on customers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

import click

from warroom.cli.act import IncidentCommand, act, acting, incident_argument
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop
from warroom.cli.parsing import DURATION, TIME

KINDS = ("deploy", "rollback", "config", "flag", "scale", "other")
LINKS = ("ticket", "dashboard", "runbook", "chat", "call", "other")


@click.command("evidence", cls=IncidentCommand)
@incident_argument
@click.argument("query")
@click.option("--title", default="", metavar="TEXT", help="What it shows; the query when not given.")
@click.option("--note", default="", metavar="TEXT", help="What to see in it.")
@click.option("--last", type=DURATION, default="1h", metavar="TIME", show_default=True, help="How far back.")
@click.option("--until", type=TIME, metavar="TIME", help="Up to when; now when not given.")
@click.option("--unit", default="", metavar="UNIT", help="Unit of the values.")
@click.option("--source", default="prometheus", metavar="NAME", show_default=True, help="Whom to ask.")
@acting
def evidence_command(
    inc: str,
    query: str,
    title: str,
    note: str,
    last: timedelta,
    until: datetime | None,
    unit: str,
    source: str,
    as_json: bool,
    later: bool,
) -> None:
    """Pin what a query shows, with its data."""
    here = context()
    incident = here.incident(inc)
    end = until or datetime.now(UTC)
    start = end - last
    step = max(1.0, last.total_seconds() / 240)
    asked = {"source": source, "query": query, "start": start.timestamp(), "end": end.timestamp(), "step": step}
    found = here.line.request("explore", **asked)
    series = series_of(found)
    if not series:
        raise Stop(Exit.REFUSED, "the query has no data in that time; nothing was pinned")
    evidence: dict[str, Any] = {"title": title or query[:200], "source": source, "query": query, "unit": unit}
    evidence |= {"start": start.isoformat(), "end": end.isoformat(), "step_seconds": step, "note": note}
    command = {"type": "pin-evidence", "evidence": {**evidence, "series": series}}
    act(command, incident, "{inc}: evidence pinned", as_json=as_json, later=later)


def series_of(found: Any) -> list[dict[str, Any]]:
    """The answer of `explore` as an evidence pin keeps it: at most 20 lines of 2,000 points."""
    import orjson

    from warroom.telemetry.series import Full, decode

    full = decode(orjson.dumps(found))
    if not isinstance(full, Full):
        raise Stop(Exit.REFUSED, "the server answered with no series")
    lines = []
    for one in full.series[:20]:
        values = [value if value is not None and isfinite(value) else None for value in one.values][-2000:]
        if any(value is not None for value in values):
            lines.append({"label": one.legend[:200], "times": list(one.times[-2000:]), "values": values})
    return lines


@click.group("alert")
def alert_command() -> None:
    """Attach, acknowledge and resolve alerts."""


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


@alert_command.command("ack", cls=IncidentCommand)
@incident_argument
@click.argument("fingerprint")
@source_option
@acting
def alert_ack(inc: str, fingerprint: str, source: str, as_json: bool, later: bool) -> None:
    """Acknowledge an alert."""
    command = {"type": "acknowledge-alert", "source": source, "fingerprint": fingerprint}
    act(command, inc, "{inc}: alert acknowledged", as_json=as_json, later=later)


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
