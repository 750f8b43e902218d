"""Grafana dashboards: what of a file can be shown in a terminal."""

from __future__ import annotations

from pathlib import Path

import click

from warroom.cli import output
from warroom.cli.act import json_option
from warroom.cli.exits import Exit, Stop


@click.group("dashboard")
def dashboard_command() -> None:
    """Grafana dashboards: check what of a file can be drawn."""


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
