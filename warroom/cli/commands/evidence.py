"""Evidence: what telemetry said, pinned with its data, listed, and read again without a backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any

import click

from warroom.cli import output
from warroom.cli.act import IncidentCommand, act, acting, incident_argument, json_option
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop
from warroom.cli.parsing import DURATION, NUMBER, TIME

if TYPE_CHECKING:
    from warroom.incident.state import EvidencePin

MOST_LINES = 1000
_SOURCES = {"metric": "prometheus", "logs": "loki", "trace": "jaeger"}


class PinsByDefault(click.Group):
    """A group whose first word may be left out: what is none of its commands is a query to pin."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["pin", *args]
        return super().parse_args(ctx, args)


@click.group("evidence", cls=PinsByDefault)
def evidence_command() -> None:
    """Pin what telemetry says, with its data; list and read it.

    `warroom evidence INC QUERY` pins: the word `pin` may be left out.
    """


@evidence_command.command("pin", cls=IncidentCommand)
@incident_argument
@click.argument("query")
@click.option("--logs", is_flag=True, help="QUERY is LogQL: pin the log lines.")
@click.option("--trace", is_flag=True, help="QUERY is the id of a trace: pin its spans.")
@click.option("--title", default="", metavar="TEXT", help="What it shows; the query when not given.")
@click.option("--note", default="", metavar="TEXT", help="What to see in it.")
@click.option("--last", type=DURATION, default="1h", metavar="TIME", show_default=True, help="How far back.")
@click.option("--until", type=TIME, metavar="TIME", help="Up to when; now when not given.")
@click.option("--unit", default="", metavar="UNIT", help="Unit of a metric's values.")
@click.option(
    "--limit", type=click.IntRange(1, MOST_LINES), default=200, show_default=True, help="Log lines, the newest."
)
@click.option("--source", default="", metavar="NAME", help="Whom to ask for a metric; prometheus when not given.")
@acting
def pin(
    inc: str,
    query: str,
    logs: bool,
    trace: bool,
    title: str,
    note: str,
    last: timedelta,
    until: datetime | None,
    unit: str,
    limit: int,
    source: str,
    as_json: bool,
    later: bool,
) -> None:
    """Pin what a query shows, with its data: a metric, log lines or a trace."""
    if logs and trace:
        raise Stop(Exit.USAGE, "say --logs or --trace, not both")
    incident = context().incident(inc)
    end = until or datetime.now(UTC)
    kind = "logs" if logs else "trace" if trace else "metric"
    evidence: dict[str, Any] = {"query": query, "source": source or _SOURCES[kind], "kind": kind, "note": note}
    if logs:
        evidence |= _lines(incident, query, end - last, end, limit)
    elif trace:
        evidence |= _spans(incident, query)
    else:
        evidence |= _samples(incident, query, end - last, end, evidence["source"]) | {"unit": unit}
    evidence["title"] = title or evidence.get("title") or query[:200]
    act(
        {"type": "pin-evidence", "evidence": evidence}, incident, "{inc}: evidence pinned", as_json=as_json, later=later
    )


def _samples(incident: str, query: str, start: datetime, end: datetime, source: str) -> dict[str, Any]:
    step = max(1.0, (end - start).total_seconds() / 240)
    asked = {"source": source, "query": query, "start": start.timestamp(), "end": end.timestamp(), "step": step}
    series = series_of(context().line.request("explore", incident=incident, **asked))
    if not series:
        raise Stop(Exit.REFUSED, "the query has no data in that time; nothing was pinned")
    return {"series": series, "start": start.isoformat(), "end": end.isoformat(), "step_seconds": step}


def _lines(incident: str, query: str, start: datetime, end: datetime, limit: int) -> dict[str, Any]:
    """The newest lines, oldest first."""
    asked = {"query": query, "start": start.timestamp(), "end": end.timestamp(), "limit": limit}
    page = context().line.request("logs", incident=incident, direction="backward", **asked)
    lines = _list_of(page, "lines")
    if not lines:
        raise Stop(Exit.REFUSED, "the query has no line in that time; nothing was pinned")
    lines.sort(key=lambda line: line.get("ns", 0))
    return {"data": _kept("logs", {**page, "lines": lines}), "start": start.isoformat(), "end": end.isoformat()}


def _spans(incident: str, trace: str) -> dict[str, Any]:
    """A trace, titled by its root and how long it took, with its own range."""
    from warroom.incident.observed import moment

    found = context().line.request("trace", incident=incident, id=trace)
    spans = _list_of(found, "spans")
    if not spans:
        raise Stop(Exit.REFUSED, f"trace {trace} has no spans; nothing was pinned")
    root = next((one for one in spans if not one.get("parent")), spans[0])
    start = min(one["start"] for one in spans)
    end = max(one["start"] + one["duration"] for one in spans)
    title = f"{root['service']}: {root['operation']}, {(end - start) / 1e6:.3g} s"[:200]
    times = {"start": moment(start / 1e6).isoformat(), "end": moment(end / 1e6).isoformat()}
    return {"data": _kept("trace", found), "title": title, **times}


def _kept(kind: str, answer: Any) -> str:
    from warroom.incident.observed import fitted

    data = fitted(kind, answer)
    if not data:
        raise Stop(Exit.REFUSED, "one part of the answer is larger than all that a piece of evidence holds")
    return data


def _list_of(answer: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(answer, Mapping) or not isinstance(answer.get(name), list):
        raise Stop(Exit.REFUSED, f"the server answered with no {name}")
    return [one for one in answer[name] if isinstance(one, dict)]


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


@evidence_command.command("list", cls=IncidentCommand)
@incident_argument
@json_option
def list_evidence(inc: str, as_json: bool) -> None:
    """List what was pinned."""
    from warroom.cli.rooms import read_room

    state = read_room(inc).state
    if as_json:
        output.put_json("evidence", {"incident": state.id, "evidence": [_shape(one) for one in state.evidence]})
        return
    if not state.evidence:
        output.say(f"{state.id}: no evidence was pinned")
        return
    rows = [_row(one) for one in state.evidence]
    for row in output.table(rows, ("N", "KIND", "HOLDS", "PINNED", "BY", "TITLE")):
        output.data(row)


def _row(pin: EvidencePin) -> tuple[str, ...]:
    return (
        str(pin.number),
        pin.kind,
        _holds(pin),
        f"{pin.at.astimezone(context().zone):%Y-%m-%d %H:%M}",
        pin.who,
        pin.title,
    )


def _holds(pin: EvidencePin) -> str:
    from warroom.incident.observed import counted

    lines = len(pin.series)
    return f"{lines} series" if pin.kind == "metric" and lines else counted(pin.kind, pin.data)


def _shape(pin: EvidencePin, left_out: Sequence[str] = ("series", "data")) -> dict[str, Any]:
    from warroom.cli.shapes import plain

    body: dict[str, Any] = plain(pin)
    return {name: value for name, value in body.items() if name not in left_out} | {"holds": _holds(pin)}


@evidence_command.command("show", cls=IncidentCommand)
@incident_argument
@click.argument("number", type=NUMBER, metavar="N")
@json_option
def show_evidence(inc: str, number: int, as_json: bool) -> None:
    """Show what was pinned: a chart, log lines, a trace, alerts, services. No backend is asked."""
    from warroom.cli.rooms import read_room
    from warroom.incident.observed import read_data
    from warroom.review.evidence_text import evidence_text, pinned_words

    state = read_room(inc).state
    if number > len(state.evidence):
        raise Stop(Exit.REFUSED, f"{state.id} has no evidence {number}")
    pin = state.evidence[number - 1]
    if as_json:
        body = {"incident": state.id, **_shape(pin, ("data",)), "data": read_data(pin.data)}
        output.put_json("evidence-pin", body)
        return
    zone = context().zone
    output.data(output.heading(f"Evidence {pin.number}, {pin.kind}: {pin.title}"))
    output.data(pinned_words(pin, zone))
    for words in (pin.query if pin.query != pin.title else "", pin.note):
        if words:
            output.data(words)
    rows = evidence_text(pin, zone, width=output.terminal_width() or 4000, most=10**9)
    output.data("\n".join(["", *(rows or ["nothing was kept with it"])]))
