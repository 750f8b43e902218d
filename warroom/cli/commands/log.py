"""The log: entry by entry, as words or as JSON lines, and as it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from warroom.cli import output
from warroom.cli.act import IncidentCommand, incident_argument, json_option
from warroom.cli.context import context

if TYPE_CHECKING:
    from warroom.incident.state import IncidentState

PAGE = 500


@click.command("log", cls=IncidentCommand)
@incident_argument
@click.option("--since", type=click.IntRange(0), default=0, metavar="SEQ", help="Only entries after this one.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes.")
@click.option("--json", "as_json", is_flag=True, help="Print records, one JSON object a line.")
def log_command(inc: str, since: int, follow: bool, as_json: bool) -> None:
    """Print an incident's log, entry by entry."""
    incident = context().incident(inc)
    if as_json:
        since = _print_records(incident, since)
        if follow:
            _follow(incident, since, _print_records)
        return
    _follow(incident, since, None, once=not follow)


@click.command("follow", cls=IncidentCommand)
@incident_argument
@click.option("--plain", is_flag=True, help="Only words: no number, no colour; for screen readers.")
@json_option
def follow_command(inc: str, plain: bool, as_json: bool) -> None:
    """Follow an incident, a plain line for each event.

    Starts with how things stand, then prints what comes, until Ctrl-C.
    """
    incident = context().incident(inc)
    if as_json:
        _follow(incident, _print_records(incident, 0), _print_records)
    else:
        _follow(incident, None, None, plain=plain)


def _print_records(incident: str, after: int) -> int:
    """Print the records after a seq as the server has them; returns the last seq printed."""
    here = context()
    while True:
        answer = here.line.request("log.read", incident=incident, after=after, limit=PAGE)
        records: list[dict[str, Any]] = answer["records"]
        for record in records:
            output.put_line({"incident": incident, **record})
            after = record["seq"]
        if len(records) < PAGE:
            return after


def _follow(incident: str, since: int | None, records: Any, *, once: bool = False, plain: bool = False) -> None:
    asyncio.run(_following(incident, since, records, once=once, plain=plain))


async def _following(incident: str, since: int | None, records: Any, *, once: bool, plain: bool) -> None:
    from warroom.cli.rooms import caught_up, connected

    async with connected() as client:
        changed = asyncio.Event()
        client.on_change(lambda _topics: changed.set())
        room = await caught_up(client, incident)
        printed = since
        if records is None and room.state.exercise is not None:
            output.data(_exercise(room.state))
        if printed is None:
            output.data(opening(room.state))
            printed = room.state.seq
        status = client.link.status
        while True:
            if room.state.seq > printed:
                if records is not None:
                    printed = await asyncio.to_thread(_in_context, records, incident, printed)
                else:
                    for line in new_lines(room.state, printed, plain=plain):
                        output.data(line)
                    printed = room.state.seq
            if once:
                return
            if room.view.ended:
                output.say(f"{incident}: {room.view.ended}")
                return
            if client.link.status != status:
                status = client.link.status
                output.say(f"{status}{': ' + client.link.words if client.link.words else ''}")
            await changed.wait()
            changed.clear()


def _in_context(records: Any, incident: str, printed: int) -> int:
    last: int = records(incident, printed)
    return last


def _exercise(state: IncidentState) -> str:
    from warroom.review.exercise_words import exercise_line, now_in

    return exercise_line(state, now_in(state, datetime.now(UTC)))


def opening(state: IncidentState) -> str:
    """How things stand, in one line."""
    leads = f"{state.commander} leads" if state.commander else "nobody leads"
    return (
        f"{state.id}, {state.severity.value}, {state.status.value}: {state.title}. {leads}. {state.seq} entries so far."
    )


def new_lines(state: IncidentState, after: int, *, plain: bool) -> Iterator[str]:
    """A line for each entry after a seq."""
    from warroom.cli.paint import entry_line

    zone = context().zone
    for entry in state.timeline[after:]:
        if plain:
            words = " / ".join(line for line in entry.words.splitlines() if line.strip())
            yield f"{entry.occurred_at.astimezone(zone):%H:%M}, {entry.actor}: {words or entry.kind}"
        else:
            yield entry_line(entry, zone, dated=after == 0)
