"""Playbooks: the library, and the checklist of an incident."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from warroom.cli import output
from warroom.cli.act import IncidentCommand, act, acting, incident_argument, json_option
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop

if TYPE_CHECKING:
    from warroom.incident.state import PlaybookState


@click.group("playbook")
def playbook_command() -> None:
    """Playbooks: list, read, check, attach, tick off."""


@playbook_command.command("list")
@json_option
def playbook_list(as_json: bool) -> None:
    """List the playbooks of this machine."""
    from warroom.playbooks.load import installed_library

    library = installed_library()
    for error in library.errors:
        output.say(str(error))
    if as_json:
        rows = [
            {"id": one.id, "version": one.version, "title": one.title, "steps": len(one.steps)}
            for one in library.playbooks
        ]
        output.put_json("playbooks", {"playbooks": rows})
        return
    table = [(one.id, str(one.version), str(len(one.steps)), one.title) for one in library.playbooks]
    for row in output.table(table, ("ID", "VERSION", "STEPS", "TITLE")):
        output.data(row)


@playbook_command.command("show")
@click.argument("playbook")
@json_option
def playbook_show(playbook: str, as_json: bool) -> None:
    """Read a playbook."""
    from warroom.playbooks.load import installed_library

    library = installed_library()
    found = library.find(playbook)
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(playbook, [one.id for one in library.playbooks], n=1)
        hint = f"did you mean {near[0]!r}?" if near else "`warroom playbook list` lists them"
        raise Stop(Exit.REFUSED, f"there is no playbook {playbook!r}; {hint}")
    pinned = found.playbook.pinned()
    if as_json:
        output.put_json("playbook", {"file": found.source, **pinned.model_dump(mode="json")})
        return
    output.data(output.heading(f"{pinned.title} ({pinned.id}, version {pinned.version})"))
    for number, step in enumerate(pinned.steps, 1):
        owner = f" [{step.owner}]" if step.owner else ""
        output.data(f"\n{number:2}. {step.title}{owner}  ({step.id})")
        for line in step.instructions.splitlines():
            output.data(f"    {line}")
        if step.expected:
            output.data(f"    Expected: {step.expected}")


@playbook_command.command("lint")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@json_option
def playbook_lint(files: tuple[Path, ...], strict: bool, as_json: bool) -> None:
    """Check playbook files; all that are installed when none is named."""
    from warroom.playbooks.lint import error_findings, is_failure, lint_file, lint_library
    from warroom.playbooks.load import PlaybookError, installed_library, load_file

    findings: list[Any] = []
    if files:
        for path in files:
            try:
                findings += lint_file(load_file(path))
            except PlaybookError as error:
                findings += error_findings([error])
    else:
        library = installed_library()
        findings += [*error_findings(library.errors), *lint_library(library)]
    if as_json:
        output.put_json("lint", {"findings": [str(one) for one in findings], "ok": not is_failure(findings)})
    for one in findings if not as_json else ():
        output.data(str(one))
    if is_failure(findings, strict=strict):
        raise Stop(Exit.REFUSED, f"{len(findings)} findings")
    if not as_json:
        output.say("the playbooks are right" if not findings else f"{len(findings)} findings, none of them an error")


@playbook_command.command("suggest", cls=IncidentCommand)
@incident_argument
@json_option
def playbook_suggest(inc: str, as_json: bool) -> None:
    """Suggest playbooks for an incident."""
    here = context()
    incident = here.incident(inc)
    found = here.line.request("playbooks.suggest", incident=incident)["playbooks"]
    if as_json:
        output.put_json("suggestions", {"incident": incident, "playbooks": found})
        return
    if not found:
        output.say("no playbook fits; `warroom playbook list` lists all")
    for one in found:
        output.data(f"{one['id']}  {one['title']}: {', '.join(one['reasons'])}")


@playbook_command.command("attach", cls=IncidentCommand)
@incident_argument
@click.argument("playbook")
@acting
def playbook_attach(inc: str, playbook: str, as_json: bool, later: bool) -> None:
    """Attach a playbook to an incident, pinned to its version."""
    here = context()
    known = here.line.request("playbooks.list")["playbooks"]
    pinned = next((one for one in known if one["id"] == playbook), None)
    if pinned is None:
        names = ", ".join(one["id"] for one in known) or "none"
        raise Stop(Exit.REFUSED, f"the server has no playbook {playbook!r}; it has {names}")
    command = {"type": "attach-playbook", "playbook": pinned}
    act(command, inc, f"{{inc}}: {playbook} attached", as_json=as_json, later=later)


playbook_option = click.option("--playbook", metavar="ID", help="Which, when several are attached.")
step_argument = click.argument("step")


@playbook_command.command("done", cls=IncidentCommand)
@incident_argument
@step_argument
@playbook_option
@click.option("--result", default="", metavar="TEXT", help="What came of it.")
@acting
def playbook_done(inc: str, step: str, playbook: str | None, result: str, as_json: bool, later: bool) -> None:
    """Tick off a step, by its number or id."""
    _on_step(inc, step, playbook, {"type": "complete-step", "result": result}, "done", as_json=as_json, later=later)


@playbook_command.command("skip", cls=IncidentCommand)
@incident_argument
@step_argument
@click.argument("reason")
@playbook_option
@acting
def playbook_skip(inc: str, step: str, reason: str, playbook: str | None, as_json: bool, later: bool) -> None:
    """Skip a step, with the reason."""
    _on_step(inc, step, playbook, {"type": "skip-step", "reason": reason}, "skipped", as_json=as_json, later=later)


@playbook_command.command("assign", cls=IncidentCommand)
@incident_argument
@step_argument
@click.argument("who")
@playbook_option
@acting
def playbook_assign(inc: str, step: str, who: str, playbook: str | None, as_json: bool, later: bool) -> None:
    """Give a step to somebody."""
    command = {"type": "assign-step", "assignee": who}
    _on_step(inc, step, playbook, command, f"is {who}'s", as_json=as_json, later=later)


@playbook_command.command("reopen", cls=IncidentCommand)
@incident_argument
@step_argument
@playbook_option
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@acting
def playbook_reopen(inc: str, step: str, playbook: str | None, reason: str, as_json: bool, later: bool) -> None:
    """Open a step again."""
    _on_step(inc, step, playbook, {"type": "reopen-step", "reason": reason}, "open again", as_json=as_json, later=later)


def _on_step(
    inc: str, step: str, playbook: str | None, command: dict[str, Any], done: str, *, as_json: bool, later: bool
) -> None:
    from warroom.cli.rooms import read_room

    state = read_room(inc).state
    attached = the_playbook(state.playbooks, playbook)
    found = the_step(attached, step)
    command |= {"playbook": attached.id, "step": found}
    act(command, state.id, f"{{inc}}: step {step} {done}", as_json=as_json, later=later)


def the_playbook(attached: tuple[PlaybookState, ...], wanted: str | None) -> PlaybookState:
    """The playbook that is meant.

    Raises:
        Stop: none, or several.
    """
    found = [one for one in attached if wanted is None or one.id == wanted]
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.id for one in attached)
    if not attached:
        raise Stop(Exit.REFUSED, "no playbook is attached; `warroom playbook attach` does")
    if wanted:
        raise Stop(Exit.REFUSED, f"{wanted!r} is not attached; {names} is")
    raise Stop(Exit.USAGE, f"several playbooks are attached; say which with --playbook: {names}")


def the_step(playbook: PlaybookState, wanted: str) -> str:
    """The id of a step given by its number or id.

    Raises:
        Stop: there is none.
    """
    for number, step in enumerate(playbook.steps, 1):
        if wanted in (str(number), step.id):
            return step.id
    raise Stop(Exit.REFUSED, f"{playbook.id} has no step {wanted!r}; it has 1 to {len(playbook.steps)}")
