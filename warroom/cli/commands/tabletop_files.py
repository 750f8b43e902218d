"""Scenario files: list, read, check, begin, and exchange with tools of exercise planners."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from warroom.cli import output
from warroom.cli.act import json_option
from warroom.cli.exits import Exit, Stop

if TYPE_CHECKING:
    from warroom.tabletop.load import ScenarioFile
    from warroom.tabletop.model import Scenario

_FILE = click.Path(path_type=Path)


@click.command("list")
@click.option("--spoilers", is_flag=True, help="Also what each is about; not for players.")
@json_option
def list_command(spoilers: bool, as_json: bool) -> None:
    """List the scenarios of this machine, without giving anything away."""
    from warroom.tabletop.library import installed

    library = installed()
    for error in library.errors:
        output.say(str(error))
    found = [file.scenario for file in library.newest]
    if as_json:
        output.put_json("scenarios", {"scenarios": [_summary(one, spoilers=spoilers) for one in found]})
        return
    heads = ["NAME", "TITLE", "LEVEL", "TIME", "SEATS", "WORLD"]
    rows = []
    for one in found:
        meta = one.metadata
        seats = "solo" if meta.solo else str(len(one.roles.required))
        row = [meta.code, meta.title, "*" * meta.difficulty, f"{meta.duration.expected // 60}m", seats]
        rows.append([*row, one.world.topology, *([meta.id, ", ".join(meta.tags)] if spoilers else [])])
    for line in output.table(rows, [*heads, *(["ID", "TAGS"] if spoilers else [])]):
        output.data(line)


def _summary(one: Scenario, *, spoilers: bool) -> dict[str, Any]:
    meta = one.metadata
    told: dict[str, Any] = {
        "name": meta.code,
        "title": meta.title,
        "version": meta.version,
        "difficulty": meta.difficulty,
        "minutes": meta.duration.expected // 60,
        "most_minutes": meta.duration.hard_stop // 60,
        "solo": meta.solo,
        "seats": [duty.value for duty in one.roles.required],
        "audience": list(meta.audience),
        "topology": one.world.topology,
    }
    if spoilers:
        source = meta.inspired_by.public_source if meta.inspired_by else ""
        told |= {"id": meta.id, "tags": list(meta.tags), "inspired_by": source}
    return told


@click.command("show")
@click.argument("name", metavar="ID")
@click.option("--spoilers", is_flag=True, help="Also the faults, the injects and the truth.")
@json_option
def show_command(name: str, spoilers: bool, as_json: bool) -> None:
    """Read a scenario as players do; with --spoilers, all of it."""
    file = the_scenario(name)
    one = file.scenario
    if as_json:
        whole = one.model_dump(mode="json", by_alias=True) if spoilers else for_players(one)
        output.put_json("scenario", {"scenario": whole, "digest": file.digest})
        return
    meta = one.metadata
    output.data(output.heading(f"{meta.title} ({meta.code}, version {meta.version})"))
    times = f"{meta.duration.expected // 60} minutes, at most {meta.duration.hard_stop // 60}"
    output.prose(f"{'*' * meta.difficulty} of 5; {times}; {one.world.topology}; seats: {', '.join(one.roles.required)}")
    output.prose(f"\n{one.briefing}\n")
    if one.objectives:
        output.data(output.heading("You practise"))
        for objective in one.objectives:
            output.prose(f"  {objective.id}  {objective.text}", hang=len(objective.id) + 4)
    output.data(output.heading("You may"))
    for action in one.actions:
        about = f"{action.takes // 60} min {action.takes % 60:02} s" if action.takes else "at once"
        leave = f", approved by {action.approval.value}" if action.approval else ""
        output.prose(f"  {action.title}  ({about}{leave})", hang=4)
    if spoilers:
        _put_spoilers(one)


def _put_spoilers(one: Scenario) -> None:
    sealed = one.sealed
    output.data("\n" + output.heading("The truth"))
    output.prose(f"  {sealed.root_cause.text if sealed.root_cause else 'Nothing is wrong.'}")
    for fault in one.all_faults:
        begins = f"at {fault.at} s" if fault.at is not None else f"when {fault.when}" if fault.when else "by an action"
        told = f"  {fault.id}  {fault.type}  {begins}{'  (harmless)' if fault.harmless else ''}"
        output.prose(told, hang=len(fault.id) + 4)
    output.data(output.heading("What each action does"))
    for action in one.actions:
        effects = ", ".join(effect.kind for effect in action.effects) or "nothing"
        output.prose(f"  {action.verdict:<8}  {action.id}: {effects}", hang=12)
    output.data(output.heading("What players are told"))
    for inject in one.injects:
        when = f"{inject.at} s" if inject.at is not None else f"when {inject.when}"
        output.prose(f"  {inject.id}  {when}  {inject.from_} to {inject.to}: {inject.text}", hang=len(inject.id) + 4)


def for_players(one: Scenario) -> dict[str, Any]:
    """What of a scenario players may see before it is over."""
    shown = ("id", "title", "kind", "target", "text", "takes", "needs", "approval")
    return {
        **_summary(one, spoilers=False),
        "briefing": one.briefing,
        "objectives": [objective.text for objective in one.objectives],
        "actions": [action.model_dump(mode="json", include=set(shown)) for action in one.actions],
    }


def the_scenario(name: str) -> ScenarioFile:
    """The scenario that is meant: a name or id of the library, or a file.

    Raises:
        Stop: there is none, or it is wrong.
    """
    from warroom.tabletop.library import installed
    from warroom.tabletop.load import ScenarioError, load_file

    if name.endswith((".yaml", ".yml")) or "/" in name:
        try:
            return load_file(Path(name))
        except ScenarioError as error:
            raise Stop(Exit.USAGE, str(error)) from None
    library = installed()
    found = library.find(name)
    if found is None:
        near = library.near(name)
        hint = f"did you mean {near!r}?" if near else "`warroom tabletop list` lists them"
        raise Stop(Exit.REFUSED, f"there is no scenario {name!r}; {hint}")
    return found


@click.command("lint")
@click.argument("files", nargs=-1, type=_FILE, metavar="[FILE]...")
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@json_option
def lint_command(files: tuple[Path, ...], strict: bool, as_json: bool) -> None:
    """Check scenario files; all that are installed when none is named."""
    from warroom.tabletop.library import installed
    from warroom.tabletop.lint import error_findings, is_failure, lint_file
    from warroom.tabletop.load import ScenarioError, load_file

    findings: list[Any] = []
    if files:
        for path in files:
            try:
                findings += lint_file(load_file(path))
            except ScenarioError as error:
                findings += error_findings([error])
    else:
        library = installed()
        findings += error_findings(library.errors)
        for file in library.files:
            findings += lint_file(file)
    failed = is_failure(findings, strict=strict)
    if as_json:
        output.put_json("lint", {"findings": [str(one) for one in findings], "ok": not failed})
    for one in findings if not as_json else ():
        output.data(str(one))
    if failed:
        raise Stop(Exit.USAGE, f"{len(findings)} findings")
    if not as_json:
        output.say("the scenarios are right" if not findings else f"{len(findings)} findings, none of them an error")


@click.command("new")
@click.argument("name", metavar="ID")
@click.option("--file", "path", type=_FILE, metavar="FILE", help="Where to; the user's own directory by default.")
def new_command(name: str, path: Path | None) -> None:
    """Write the beginning of a scenario of your own."""
    from warroom.data import user_data_dir
    from warroom.tabletop.beginning import beginning
    from warroom.tabletop.load import ScenarioError, parse_scenario

    target = path or user_data_dir("scenarios") / f"{name}.yaml"
    text = beginning(name)
    try:
        parse_scenario(text, str(target))
    except ScenarioError as error:
        raise Stop(Exit.USAGE, str(error.problems[0])) from None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Stop(Exit.REFUSED, f"{target} is there already; nothing was written") from None
    except OSError as error:
        raise Stop(Exit.REFUSED, f"{target} cannot be written: {error.strerror or error}") from None
    output.data(str(target))
    output.say(f"check it with `warroom tabletop lint {target}`")


@click.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of scenario files."""
    from warroom.tabletop.schema import schema_text

    output.data(schema_text().rstrip("\n"))


@click.group("msel")
def msel_command() -> None:
    """The injects as an events list in CSV: out, and back in."""


@msel_command.command("export")
@click.argument("name", metavar="ID")
def msel_export(name: str) -> None:
    """Print a scenario's injects and hints as CSV. It gives everything away."""
    from warroom.tabletop.msel import write_msel

    output.data(write_msel(the_scenario(name).scenario).rstrip("\n"))


@msel_command.command("import")
@click.argument("path", type=_FILE, metavar="FILE")
def msel_import(path: Path) -> None:
    """Print the injects of a CSV file as the `injects` and `hints` of a scenario file."""
    import yaml

    from warroom.tabletop.msel import MOST_BYTES, MselError, read_msel

    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1).decode("utf-8-sig")
        injects, hints = read_msel(text, str(path))
    except (MselError, UnicodeDecodeError) as error:
        words = str(error) if isinstance(error, MselError) else f"{path}: is not UTF-8 text; save it as UTF-8"
        raise Stop(Exit.USAGE, words) from None
    except OSError as error:
        raise Stop(Exit.USAGE, f"{path}: cannot be read: {error.strerror or error}") from None
    parts = {
        name: [one.model_dump(mode="json", by_alias=True, exclude_defaults=True) for one in found]
        for name, found in (("injects", injects), ("hints", hints))
        if found
    }
    output.data(yaml.safe_dump(parts, sort_keys=False, allow_unicode=True, width=110).rstrip("\n"))
