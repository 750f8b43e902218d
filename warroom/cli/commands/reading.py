"""Reading: the list, one incident, and the brief for whoever joins now."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import click

from warroom.cli import output
from warroom.cli.act import IncidentCommand, incident_argument, json_option
from warroom.cli.cached import is_live
from warroom.cli.context import context


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@json_option
def list_command(everything: bool, as_json: bool) -> None:
    """List the incidents."""
    here = context()
    lines = [line for line in here.lobby() if everything or is_live(line) or line["status"] == "resolved"]
    lines.sort(key=lambda line: (not is_live(line), line["severity"], line["incident"]))
    if as_json:
        output.put_json("list", {"incidents": lines})
        return
    if not lines:
        output.say("no incident is open" + ("" if everything else "; --all shows those that are over"))
        return
    rows = [_row(line, here.zone) for line in lines]
    for row in output.table(rows, ("INCIDENT", "SEV", "STATUS", "COMMANDER", "SINCE", "ALERTS", "TITLE")):
        output.data(row)


def _row(line: dict[str, Any], zone: tzinfo) -> tuple[str, ...]:
    since = datetime.fromisoformat(line["declared_at"]).astimezone(zone) if line["declared_at"] else None
    return (
        line["incident"],
        output.severity_word(line["severity"]),
        line["status"],
        line["commander"] or "nobody",
        f"{since:%Y-%m-%d %H:%M}" if since else "",
        str(line["firing"]),
        line["title"] + ("  (private)" if line["private"] else ""),
    )


@click.command("show", cls=IncidentCommand)
@incident_argument
@json_option
def show_command(inc: str, as_json: bool) -> None:
    """Show an incident: all that is known now."""
    from warroom.cli.rooms import read_room

    view = read_room(inc)
    if as_json:
        from warroom.cli.shapes import incident_shape, plain

        output.put_json("incident", {**incident_shape(view.state), "people": plain(view.people)})
        return
    from warroom.cli.paint import incident_lines

    for line in incident_lines(view, datetime.now(UTC), context().zone):
        output.data(line)


@click.command("catchup", cls=IncidentCommand)
@incident_argument
@click.option(
    "--since", type=int, metavar="SEQ", help="What is new since this entry; since your last look when not given."
)
@json_option
def catchup_command(inc: str, since: int | None, as_json: bool) -> None:
    """Catch up: who leads, how bad, what was tried, what is next."""
    from warroom.cli.rooms import read_room
    from warroom.review.brief import brief

    here = context()
    state = read_room(inc).state
    seen = _seen(here.places.state / "seen.json")
    last = seen.get(state.id, 0) if since is None else since
    sections = brief(state, datetime.now(UTC), here.zone, since_seq=min(last, state.seq))
    _see(here.places.state / "seen.json", {**seen, state.id: state.seq})
    if as_json:
        body = [{"title": one.title, "lines": list(one.lines)} for one in sections]
        output.put_json("catchup", {"incident": state.id, "seq": state.seq, "since": last, "sections": body})
        return
    for number, one in enumerate(sections):
        output.data(("\n" if number else "") + output.heading(one.title))
        for line in one.lines:
            output.data("  " + line.replace("\n", "\n  "))


def _seen(path: Path) -> dict[str, int]:
    try:
        said = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: at for key, at in said.items() if isinstance(at, int)} if isinstance(said, dict) else {}


def _see(path: Path, seen: dict[str, int]) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.write_text(json.dumps(seen), "utf-8")
        fresh.replace(path)
    except OSError as error:
        output.say(f"cannot remember that you looked: {error.strerror}")
