"""After the incident: the post-mortem."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from warroom.cli import output
from warroom.cli.act import IncidentCommand, incident_argument, json_option
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop


@click.command("postmortem", cls=IncidentCommand)
@incident_argument
@click.option("-o", "--output", "target", type=click.Path(dir_okay=False), metavar="FILE", help="Write it there.")
@click.option("--force", is_flag=True, help="Replace the file when it is there.")
@json_option
def postmortem_command(inc: str, target: str | None, force: bool, as_json: bool) -> None:
    """Write the post-mortem from the log.

    Markdown, on stdout or into a file.
    """
    from warroom.cli.rooms import read_room
    from warroom.review.postmortem import PostmortemError, render

    state = read_room(inc).state
    signed = context().line.request("signed-heads", incident=state.id)
    last = signed["heads"][-1] if signed["heads"] else None
    signature = f"entry {last['seq']}: {last['signature']} (key {signed['public_key']})" if last else ""
    try:
        text = render(state, at=datetime.now(UTC), signature=signature)
    except PostmortemError as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None
    if target is not None:
        write_file(Path(target), text.encode(), force=force)
        output.say(f"{state.id}: post-mortem written to {target}")
    if as_json:
        body = {"incident": state.id, "seq": state.seq, "head_hash": state.head_hash.hex()}
        output.put_json("postmortem", {**body, "file": target or "", "markdown": text})
    elif target is None:
        output.data(text.rstrip("\n"))


def write_file(path: Path, data: bytes, *, force: bool) -> None:
    """Write a file, 0600; one that is there is replaced only when told to.

    Raises:
        Stop: it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and not force:
            raise Stop(Exit.REFUSED, f"{path} is there already; --force replaces it")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
        fresh.replace(path)
    except OSError as error:
        raise Stop(Exit.REFUSED, f"{path} cannot be written: {error.strerror}") from None
