"""Panels: the charts that responders put on everybody's board."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from warroom.cli import output
from warroom.cli.act import IncidentCommand, act, acting, incident_argument, json_option
from warroom.cli.parsing import DURATION, NUMBER

if TYPE_CHECKING:
    from warroom.incident.state import BoardPanel


@click.group("panel")
def panel_command() -> None:
    """Put charts on everybody's board, and take them off."""


@panel_command.command("add", cls=IncidentCommand)
@incident_argument
@click.argument("query")
@click.option("--title", default="", metavar="TEXT", help="What it shows; the query when not given.")
@click.option("--unit", default="", metavar="UNIT", help="Unit of the values: ratio, seconds, bytes ...")
@click.option("--legend", default="", metavar="TEXT", help="Name of each line, with {{label}} for its labels.")
@click.option(
    "--source", type=click.Choice(("prometheus", "loki")), default="prometheus", show_default=True, help="Whom to ask."
)
@click.option("--window", type=DURATION, default="1h", metavar="TIME", show_default=True, help="How far back it goes.")
@click.option("--step", type=DURATION, default="15s", metavar="TIME", show_default=True, help="Between two points.")
@click.option("--warning", type=float, metavar="VALUE", help="Draw a line; beyond it is a warning.")
@click.option("--critical", type=float, metavar="VALUE", help="Draw a line; beyond it is critical.")
@click.option("--below", is_flag=True, help="Beyond such a line is below it.")
@acting
def panel_add(
    inc: str,
    query: str,
    title: str,
    window: timedelta,
    step: timedelta,
    warning: float | None,
    critical: float | None,
    below: bool,
    as_json: bool,
    later: bool,
    **said: str,
) -> None:
    """Put a chart on everybody's board."""
    lines = [
        {"value": value, "level": level, "above": not below}
        for value, level in ((warning, "warning"), (critical, "critical"))
        if value is not None
    ]
    panel: dict[str, Any] = {
        "title": title or " ".join(query.split())[:100],
        "query": query,
        "thresholds": lines,
        **said,
    }
    panel |= {"window": round(window.total_seconds()), "step": round(step.total_seconds())}
    act({"type": "add-panel", "panel": panel}, inc, "{inc}: on everybody's board", as_json=as_json, later=later)


@panel_command.command("remove", cls=IncidentCommand)
@incident_argument
@click.argument("number", type=NUMBER, metavar="N")
@acting
def panel_remove(inc: str, number: int, as_json: bool, later: bool) -> None:
    """Take a chart off the board."""
    command = {"type": "remove-panel", "number": number}
    act(command, inc, f"{{inc}}: panel {number} taken off", as_json=as_json, later=later)


@panel_command.command("list", cls=IncidentCommand)
@incident_argument
@json_option
def panel_list(inc: str, as_json: bool) -> None:
    """List the charts that responders put on the board."""
    from warroom.cli.rooms import read_room

    state = read_room(inc).state
    if as_json:
        from warroom.cli.shapes import plain

        output.put_json("panels", {"incident": state.id, "panels": plain(state.board)})
        return
    if not state.board:
        output.say(f"{state.id}: no panel was added to its board")
        return
    rows = [_row(one) for one in state.board]
    for row in output.table(rows, ("N", "SOURCE", "WINDOW", "BY", "TITLE", "QUERY")):
        output.data(row)


def _row(panel: BoardPanel) -> tuple[str, ...]:
    from warroom.review.brief import duration

    window = duration(timedelta(seconds=panel.window))
    query = " ".join(panel.query.split())
    return str(panel.number), panel.source, window, panel.added_by, panel.title, query
