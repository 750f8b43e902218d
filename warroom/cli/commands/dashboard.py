"""Grafana dashboards: what of a file can be shown in a terminal, and the dashboard itself, drawn once."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from warroom.cli import output
from warroom.cli.act import json_option
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop
from warroom.cli.parsing import DURATION, INCIDENT

if TYPE_CHECKING:
    from warroom.tui.dashboards.sheet import Sheet


@click.group("dashboard")
def dashboard_command() -> None:
    """Grafana dashboards: draw one, or check what of a file can be drawn."""


@dashboard_command.command("check")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@json_option
def dashboard_check(file: Path, strict: bool, as_json: bool) -> None:
    """Check a dashboard's JSON file: what can be drawn, and what is left out and why.

    No source is asked. Ends with status 2 when the file is no dashboard; with --strict, with 1 on any warning.
    """
    from warroom.dashboards.check import check
    from warroom.dashboards.model import DashboardError
    from warroom.dashboards.read import load_dashboard

    try:
        report = check(load_dashboard(file))
    except DashboardError as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None
    failed = report.fails(strict=strict)
    if as_json:
        findings = [
            {"code": one.code, "weight": one.weight.value, "path": one.path, "message": one.message}
            for one in report.findings
        ]
        said = {"title": report.title, "panels": report.panels, "drawn": report.drawn}
        output.put_json("dashboard-check", {**said, "findings": findings, "ok": not failed})
    for one in report.findings if not as_json else ():
        output.data(f"{file}: {one}")
    if failed:
        raise Stop(Exit.REFUSED, f"{report.summary}; warnings fail a strict check")
    if not as_json:
        output.say(f"{report.title}: {report.summary}")


def _picked(said: tuple[str, ...]) -> dict[str, list[str]]:
    """`name=value` by name; several of one name are several values."""
    found: dict[str, list[str]] = {}
    for one in said:
        name, sign, value = one.partition("=")
        if not sign or not name:
            raise Stop(Exit.USAGE, f"--var {one}: write it as name=value")
        found.setdefault(name, []).append(value)
    return found


@dashboard_command.command("show")
@click.argument("named", metavar="UID|FILE")
@click.argument("inc", type=INCIDENT, metavar="[INC]", required=False)
@click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="Choose a variable's value; repeatable.")
@click.option(
    "--range", "last", type=DURATION, metavar="TIME", help="How far back; the dashboard's own when not given."
)
@click.option("--width", type=click.IntRange(20, 1000), help="Columns; the terminal's when not given.")
@click.option("--panel", default="", metavar="ID", help="One panel alone, by its id or title.")
@json_option
def dashboard_show(
    named: str,
    inc: str | None,
    variables: tuple[str, ...],
    last: timedelta | None,
    width: int | None,
    panel: str,
    as_json: bool,
) -> None:
    """Draw a dashboard once: of Grafana by its UID, or of a FILE, which needs no Grafana.

    The server is asked for the data. A panel whose query fails says so in its place; when no query at all had an
    answer, the status is 1.
    """
    from time import time

    from warroom.cli.dashboards import Asking, dashboard_of, filled_sheet
    from warroom.cli.dashboards import as_json as plain
    from warroom.dashboards.moments import moment

    here = context()
    with Asking(here, here.incident(inc) if inc else "") as asking:
        dashboard = dashboard_of(asking, named)
        now = time()
        end = now if last is not None else moment(dashboard.time_to, now, upper=True) or now
        start = end - last.total_seconds() if last is not None else moment(dashboard.time_from, now)
        start = end - 21_600.0 if start is None or start >= end else start
        across = width or output.terminal_width() or 120
        sheet, key = filled_sheet(dashboard, asking, (start, end), _picked(variables), across, panel, here.zone)
    keys = [key] if key else list(sheet.keys)
    if as_json:
        output.put_json("dashboard", plain(sheet, keys))
    else:
        _print(sheet, key, across)
    if asking.asked and asking.asked == asking.failed:
        wrong = next((error for one in keys for error in sheet.data(one).errors), "no question had an answer")
        raise Stop(Exit.REFUSED, f"nothing could be asked for: {wrong}")


def _print(sheet: Sheet, key: str, width: int) -> None:
    from warroom.tui import glyphs
    from warroom.tui.dashboards.printed import as_text, board_rows, panel_rows, paper_ink

    glyphs.use(glyphs.select(getattr(sys.stdout, "encoding", None), os.environ))
    theme = context().loaded.settings.console.theme
    ink = paper_ink(light=theme == "warroom-light")
    coloured = output.has_colour(sys.stdout)
    said = [f"{one.label} {one.text}" for one in sheet.choices if one.is_shown]
    output.data(output.heading(sheet.dashboard.title) + (f"   {'   '.join(said)}" if said else ""))
    for choice in sheet.choices:
        if choice.error:
            output.say(f"the variable {choice.variable.name}: {choice.error}")
    rows = panel_rows(sheet, key, width, ink) if key else board_rows(sheet, ink)
    for row in rows:
        output.data(as_text(row, ink.backdrop, coloured=coloured))
