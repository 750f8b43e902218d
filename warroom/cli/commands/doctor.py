"""The doctor: what works, what does not, and what to do about it."""

from __future__ import annotations

import click

from warroom.cli import output
from warroom.cli.act import json_option
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop

_SIGNS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red")}


@click.command("doctor")
@json_option
def doctor_command(as_json: bool) -> None:
    """What works, what does not, and what to do about it.

    Exit status 1 when something fails; warnings do not fail.
    """
    from dataclasses import asdict

    from warroom.cli.checks import examine

    findings = examine(context())
    failed = [one for one in findings if one.state == "fail"]
    if as_json:
        output.put_json("doctor", {"ok": not failed, "checks": [asdict(one) for one in findings]})
    else:
        for one in findings:
            word, colour = _SIGNS[one.state]
            output.data(f"{click.style(word, fg=colour, bold=one.state == 'fail')}  {one.name:12}  {one.words}")
            if one.remedy:
                output.data(f"                    -> {one.remedy}")
    if failed:
        raise Stop(Exit.REFUSED, f"{len(failed)} of {len(findings)} checks failed")
