"""Asking telemetry through the server: metrics, logs, traces, services; and how the server itself is.

Invariant: nothing here speaks to a telemetry server; what is printed came over the same wire as in the console.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import orjson

from warroom.cli import output
from warroom.cli.act import json_option
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop
from warroom.cli.parsing import DURATION, TIME

STEPS = 120
"""Points of a metric that is printed."""

last_option = click.option(
    "--last", type=DURATION, default="1h", metavar="TIME", show_default=True, help="How far back."
)
until_option = click.option("--until", type=TIME, metavar="TIME", help="Up to when; now when not given.")
incident_option = click.option("--incident", "-i", "inc", default="", metavar="INC", help="For which incident.")


def _bounds(last: timedelta, until: datetime | None) -> tuple[float, float]:
    end = (until or datetime.now(UTC)).timestamp()
    return end - last.total_seconds(), end


def _for(inc: str) -> dict[str, str]:
    """The incident that a question is for, where one was named."""
    return {"incident": context().incident(inc)} if inc else {}


def _printed(kind: str, data: Any) -> None:
    """What a piece of evidence of that kind reads like."""
    from warroom.incident.state import EvidencePin
    from warroom.review.evidence_text import evidence_text

    pin = EvidencePin(0, 0, "", "", datetime.now(UTC), kind=kind, data=orjson.dumps(data).decode())
    for row in evidence_text(pin, context().zone, width=output.terminal_width() or 200, most=10_000):
        output.data(row)


@click.command("query")
@click.argument("expr")
@last_option
@until_option
@click.option("--instant", is_flag=True, help="Only the values at the end.")
@click.option("--loki", is_flag=True, help="EXPR is a metric query of LogQL.")
@incident_option
@json_option
def query_command(
    expr: str, last: timedelta, until: datetime | None, instant: bool, loki: bool, inc: str, as_json: bool
) -> None:
    """Ask for metrics: PromQL, as charts of text."""
    start, end = _bounds(last, until)
    line = context().line
    if instant:
        said = line.request("instant", query=expr, at=end, source="loki" if loki else "prometheus", **_for(inc))
        return _samples(said, as_json)
    step = max(1.0, round((end - start) / STEPS))
    method = "logs.matrix" if loki else "explore"
    said = line.request(method, query=expr, start=start // step * step, end=end // step * step, step=step, **_for(inc))
    if as_json:
        return output.put_json("query", {"query": expr, **said})
    for warning in (*said.get("warnings", ()), *said.get("infos", ())):
        output.say(warning)
    if not said["series"]:
        raise Stop(Exit.REFUSED, "no series: the query found nothing in this time")
    from warroom.review.text_chart import number, text_chart

    for series in said["series"]:
        values = [value if isinstance(value, int | float) else None for value in series["values"]]
        known = [value for value in values if value is not None]
        tail = f"  last {number(known[-1])}  least {number(min(known))}  most {number(max(known))}" if known else ""
        output.data(output.heading(f"{series['legend']}{tail}"))
        for row in text_chart(values):
            output.data(row)
    return None


def _samples(said: dict[str, Any], as_json: bool) -> None:
    if as_json:
        return output.put_json("samples", said)
    rows = [
        (", ".join(f"{name}={value}" for name, value in one["labels"]) or "{}", str(one["value"]))
        for one in said["samples"]
    ]
    if not rows:
        raise Stop(Exit.REFUSED, "no samples: the query found nothing at this time")
    for row in output.table(rows, ("SERIES", "VALUE")):
        output.data(row)
    return None


@click.command("logs")
@click.argument("query")
@last_option
@until_option
@click.option("--limit", type=click.IntRange(1, 5000), default=200, show_default=True, help="Lines, the newest.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes; needs an incident.")
@click.option("--patterns", is_flag=True, help="The forms that lines have, and how often.")
@incident_option
@json_option
def logs_command(
    query: str,
    last: timedelta,
    until: datetime | None,
    limit: int,
    follow: bool,
    patterns: bool,
    inc: str,
    as_json: bool,
) -> None:
    """Ask for log lines: LogQL, oldest first."""
    start, end = _bounds(last, until)
    line, about = context().line, _for(inc)
    if patterns:
        return _patterns(line.request("logs.patterns", query=query, start=start, end=end, step=60.0, **about), as_json)
    page = line.request("logs", query=query, start=start, end=end, limit=limit, direction="backward", **about)
    page["lines"] = page["lines"][::-1]
    if as_json:
        output.put_json("logs", {"query": query, **page})
    else:
        if page["full"]:
            output.say(f"the newest {limit} lines; there are more: --limit, or a narrower query")
        _printed("logs", page)
    if follow:
        asyncio.run(_tail(context().incident(inc), query))
    return None


def _patterns(said: dict[str, Any], as_json: bool) -> None:
    found = [{**one, "count": sum(count for _, count in one["samples"])} for one in said["patterns"]]
    found.sort(key=lambda one: -one["count"])
    if as_json:
        return output.put_json("patterns", {"patterns": found})
    for row in output.table(
        [(str(one["count"]), one["level"], one["pattern"]) for one in found], ("LINES", "LEVEL", "")
    ):
        output.data(row)
    return None


async def _tail(incident: str, query: str) -> None:
    from warroom.cli.rooms import caught_up, connected

    async with connected() as client:
        changed = asyncio.Event()
        client.on_change(lambda _topics: changed.set())
        feed = (await caught_up(client, incident)).tail(query)
        at, lost, told = feed.view.buffer.end, 0, ""
        while True:
            await changed.wait()
            changed.clear()
            view = feed.view
            at, lines = view.buffer.slice(at, view.buffer.end)
            if lines:
                _printed("logs", {"lines": lines})
                at += len(lines)
            if view.lost > lost:
                output.say(f"{view.lost - lost} lines were lost: more came than could be sent")
                lost = view.lost
            words = "" if view.trouble is None else view.trouble.message
            if words and words != told:
                output.say(words)
            told = words


@click.command("traces")
@click.argument("service", default="")
@click.option("--operation", default="", metavar="NAME", help="Only this operation.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="Only with this tag; may be given again.")
@click.option("--min", "shortest", type=DURATION, metavar="TIME", help="At least this long, as 1s.")
@click.option("--errors", is_flag=True, help="Only with an error.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="Traces, the newest.")
@last_option
@until_option
@incident_option
@json_option
def traces_command(
    service: str,
    operation: str,
    tags: tuple[str, ...],
    shortest: timedelta | None,
    errors: bool,
    limit: int,
    last: timedelta,
    until: datetime | None,
    inc: str,
    as_json: bool,
) -> None:
    """Search traces; without SERVICE, the services that have some."""
    line, about = context().line, _for(inc)
    if not service:
        names = line.request("traces.services", **about)["values"]
        return output.put_json("services", {"services": names}) if as_json else output.data("\n".join(names))
    for tag in tags:
        if "=" not in tag:
            raise Stop(Exit.USAGE, f"--tag {tag}: write it as NAME=VALUE")
    start, end = _bounds(last, until)
    found = line.request(
        "traces.search",
        service=service,
        start=start,
        end=end,
        operation=operation,
        tags=[tag.split("=", 1) for tag in tags],
        shortest=0.0 if shortest is None else shortest.total_seconds(),
        errors_only=errors,
        limit=limit,
        **about,
    )
    if as_json:
        return output.put_json("traces", found)
    zone = context().zone
    rows = [
        (
            f"{datetime.fromtimestamp(one['start'] / 1e6, zone):%H:%M:%S}",
            f"{one['duration'] / 1000:.1f} ms",
            str(one["spans"]),
            f"{one['errors']} errors" if one["errors"] else "",
            f"{one['service']}: {one['operation']}",
            one["trace_id"],
        )
        for one in found["traces"]
    ]
    for row in output.table(rows, ("AT", "TOOK", "SPANS", "ERRORS", "WHAT", "ID")):
        output.data(row)
    return None


@click.command("trace")
@click.argument("trace_id", metavar="ID")
@incident_option
@json_option
def trace_command(trace_id: str, inc: str, as_json: bool) -> None:
    """Show one trace as a waterfall."""
    found = context().line.request("trace", id=trace_id, **_for(inc))
    if as_json:
        output.put_json("trace", found)
    else:
        _printed("trace", found)


@click.command("map")
@last_option
@until_option
@incident_option
@json_option
def map_command(last: timedelta, until: datetime | None, inc: str, as_json: bool) -> None:
    """Show the services: who calls whom, and how each fares."""
    start, end = _bounds(last, until)
    graph = context().line.request("services", start=start, end=end, **_for(inc))
    for warning in graph["warnings"]:
        output.say(warning)
    if as_json:
        return output.put_json("map", graph)
    _printed("services", graph)
    for edge in sorted(graph["edges"], key=lambda one: -one["calls"]):
        output.data(f"{edge['parent']} -> {edge['child']}  {edge['calls']} calls")
    return None


@click.command("health")
@json_option
def health_command(as_json: bool) -> None:
    """Say how the server and all it stands on are; exit status 1 unless all is well."""
    said = _health()
    status = said["status"]
    if as_json:
        output.put_json("health", said)
    else:
        order = ["UNHEALTHY", "DEGRADED", "HEALTHY"]
        results = sorted(said["results"], key=lambda one: (order.index(one["status"]), one["name"]))
        rows = [
            (_painted(one["status"]), one["name"], f"{one['response_time_ms']:.1f} ms", one["message"])
            for one in results
        ]
        output.data(f"{_painted(status)}")
        for row in output.table(rows, ("STATUS", "CHECK", "TOOK", "")):
            output.data(row)
    if status != "HEALTHY":
        raise click.exceptions.Exit(1)


def _painted(status: str) -> str:
    return click.style(status, fg={"HEALTHY": "green", "DEGRADED": "yellow"}.get(status, "red"), bold=True)


def _health() -> dict[str, Any]:
    """What the server says of itself; of this machine alone when there is none to ask."""
    try:
        found: dict[str, Any] | None = context().line.request("health")["health"]
    except Stop as stop:
        from warroom.ops import machine
        from warroom.telemetry.shapes import plain

        here = context()
        path = here.loaded.settings.data_dir or here.places.data
        results = [plain(one) for one in (machine.processor(), machine.memory(), machine.disk(path.parent))]
        no_server = {"name": "server", "status": "UNHEALTHY", "message": stop.words, "response_time_ms": 0.0, "at": 0.0}
        return {"status": "UNHEALTHY", "at": 0.0, "results": [{**no_server, "details": {}}, *results], "history": {}}
    if found is None:
        raise Stop(Exit.REFUSED, "this server makes no health checks")
    return found
