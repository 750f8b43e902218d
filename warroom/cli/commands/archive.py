"""The log as a thing: prove it, take it out, bring it in, copy it, put it back.

While a server runs all goes through it; without one these commands open the log themselves, under its lock.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from warroom.cli import output
from warroom.cli.act import IncidentCommand, incident_argument, json_option
from warroom.cli.context import NO_SERVER, context
from warroom.cli.exits import Exit, Stop

if TYPE_CHECKING:
    from warroom.store.sqlite import SqliteStore
    from warroom.store.verify import Verification

T = TypeVar("T")
SMALL = 200 * 1024


def log_path() -> Path:
    """The file of this machine's log."""
    here = context()
    return (here.loaded.settings.data_dir or here.places.data) / "log.db"


def has_server() -> bool:
    """Whether a server is named or runs here."""
    try:
        return bool(context().server)
    except Stop as stop:
        if stop.words == NO_SERVER:
            return False
        raise


@asynccontextmanager
async def opened() -> AsyncIterator[SqliteStore]:
    """This machine's log, held for us alone.

    Raises:
        Stop: there is none.
    """
    from warroom.store.sqlite import SqliteStore

    path = log_path()
    if not path.exists():
        raise Stop(Exit.REFUSED, f"there is no log at {path}, and no server runs")
    store = await SqliteStore.open(path)
    try:
        yield store
    finally:
        await store.close()


def on_store(work: Callable[[SqliteStore], Awaitable[T]]) -> T:
    """Do something with this machine's log while no server runs.

    Raises:
        Stop: it cannot be opened, or the work failed, with the fitting status.
    """

    async def run() -> T:
        async with opened() as store:
            return await work(store)

    return guarded(lambda: asyncio.run(run()))


def guarded(work: Callable[[], T]) -> T:
    """Do something with a log; what goes wrong as a sentence and a status.

    Raises:
        Stop: always that.
    """
    from warroom.store.archive import ArchiveError
    from warroom.store.port import StoreDamaged, StoreError

    try:
        return work()
    except StoreDamaged as damaged:
        raise Stop(Exit.DAMAGED, str(damaged)) from None
    except (StoreError, ArchiveError) as error:
        raise Stop(Exit.REFUSED, str(error)) from None


def own_key() -> bytes | None:
    """The public key that signs this machine's logs, None when there is none yet."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from warroom.server.heads import KEY_FILE, KeyTrouble, load_key

    path = log_path().with_name(KEY_FILE)
    try:
        key = load_key(path) if path.exists() else None
    except KeyTrouble as trouble:
        raise Stop(Exit.REFUSED, str(trouble)) from None
    return None if key is None else key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


@click.command("verify")
@click.argument("what", required=False, metavar="[INC | FILE]")
@json_option
def verify_command(what: str | None, as_json: bool) -> None:
    """Prove that nobody changed the log, or name the first broken record.

    One incident, an exported file, or all incidents. Exit status 5 when something does not hold.
    """
    from warroom.cli.parsing import looks_like_incident

    if what and Path(what).is_file():
        proofs = [_file_proof(Path(what))]
    elif what and what != "-" and not looks_like_incident(what):
        raise Stop(Exit.USAGE, f"there is no file {what!r}, and it is no incident id either")
    elif has_server():
        asked = {"incident": context().incident(what)} if what else {}
        proofs = context().line.request("verify", **asked)["incidents"]
    else:
        proofs = on_store(lambda store: _stored_proofs(store, what))
    if as_json:
        output.put_json("verify", {"ok": all(proof["ok"] for proof in proofs), "incidents": proofs})
    else:
        for proof in proofs:
            output.data(_sentence(proof))
    broken = [proof["incident"] for proof in proofs if not proof["ok"]]
    if broken:
        raise Stop(Exit.DAMAGED, f"the log does not hold: {', '.join(broken)}")


async def _stored_proofs(store: SqliteStore, what: str | None) -> list[dict[str, Any]]:
    from warroom.cli.context import the_one
    from warroom.store.verify import verify_incident

    known = [{"incident": one.incident, "title": "", "status": ""} for one in await store.incidents()]
    wanted = [the_one(what, known)] if what else [one["incident"] for one in known]
    return [_proof(await verify_incident(store, incident, own_key())) for incident in wanted]


def _file_proof(path: Path) -> dict[str, Any]:
    from warroom.store.archive import read_file, verify_archive

    return _proof(guarded(lambda: verify_archive(read_file(path))))


def _proof(proof: Verification) -> dict[str, Any]:
    return {
        "incident": proof.incident,
        "ok": proof.broken is None,
        "records": proof.records,
        "head": proof.head.hash.hex(),
        "seq": proof.head.seq,
        "redacted": proof.redacted,
        "signatures": proof.signatures,
        "broken": None if proof.broken is None else {"seq": proof.broken.seq, "what": proof.broken.what},
    }


def _sentence(proof: dict[str, Any]) -> str:
    if not proof["ok"]:
        return f"{proof['incident']}: BROKEN at record {proof['broken']['seq']}: {proof['broken']['what']}"
    redacted = f", {proof['redacted']} redacted" if proof["redacted"] else ""
    return (
        f"{proof['incident']}: whole, {proof['records']} records{redacted}, "
        f"{proof['signatures']} signed heads hold, head {proof['head'][:16]}"
    )


@click.command("export", cls=IncidentCommand)
@incident_argument
@click.option("-o", "--output", "target", type=click.Path(dir_okay=False), metavar="FILE", help="Write it there.")
@click.option("--force", is_flag=True, help="Replace the file when it is there.")
def export_command(inc: str, target: str | None, force: bool) -> None:
    """Take one incident out as a file that proves itself.

    JSON lines: a header, then every record. `warroom verify FILE` proves it, `warroom import` brings it in.
    """
    if has_server():
        incident = context().incident(inc)
        lines = _exported_by_server(incident)
    else:
        incident, lines = on_store(lambda store: _exported(store, inc))
    data = "".join(f"{line}\n" for line in lines).encode()
    if target is None:
        click.echo(data, nl=False)
        return
    from warroom.cli.commands.review import write_file

    write_file(Path(target), data, force=force)
    output.say(f"{incident}: {len(lines) - 1} records in {target}")


def _exported_by_server(incident: str) -> list[str]:
    part = context().line.request("export", incident=incident)
    lines: list[str] = part["lines"]
    upto = json.loads(lines[0])["records"]
    while part["next"] is not None:
        part = context().line.request("export", incident=incident, after=part["next"], upto=upto)
        lines += part["lines"]
    return lines


async def _exported(store: SqliteStore, inc: str) -> tuple[str, list[str]]:
    from warroom.cli.context import the_one
    from warroom.store.archive import export_lines

    known = [{"incident": one.incident, "title": "", "status": "triage"} for one in await store.incidents()]
    incident = the_one(inc, known)
    return incident, [line.decode().rstrip("\n") async for line in export_lines(store, incident, own_key())]


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def import_command(file: Path, as_json: bool) -> None:
    """Bring an exported incident into this server's log."""
    if has_server():
        here = context()
        if here.server.is_local:
            done = here.line.request("import", path=str(file.absolute()))
        elif file.stat().st_size <= SMALL:
            done = here.line.request("import", lines=file.read_text("utf-8").splitlines())
        else:
            raise Stop(Exit.USAGE, f"{file} is too large to send; run this on the server's own machine")
    else:
        done = on_store(lambda store: _imported(store, file))
    if as_json:
        output.put_json("imported", done)
    else:
        output.say(f"{done['incident']}: {done['added']} records added, {done['seq']} in all")


async def _imported(store: SqliteStore, file: Path) -> dict[str, Any]:
    from warroom.store.archive import import_archive, read_file

    done = await import_archive(store, read_file(file))
    return {"incident": done.incident, "seq": done.head.seq, "added": done.added}


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def backup_command(file: Path, as_json: bool) -> None:
    """Copy the whole log while the server goes on.

    FILE is on the server's machine; its manifest lies beside it. `warroom restore` takes both.
    """
    path = str(file.absolute())
    if has_server():
        context().line.request("backup", path=path)
    else:
        on_store(lambda store: store.backup(path))
    if as_json:
        output.put_json("backup", {"path": path})
    else:
        output.say(f"backed up to {path}")


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
def restore_command(file: Path, yes: bool, as_json: bool) -> None:
    """Put a proven backup in place of the log; the server must be stopped.

    What is replaced is kept beside under another name.
    """
    from warroom.store.backup import restore

    target = log_path()
    if target.exists():
        output.confirm(f"Replace {target} by {file}?", yes=yes)
    done = guarded(lambda: restore(file, target))
    replaced = str(done.replaced) if done.replaced else ""
    if as_json:
        output.put_json("restored", {"path": str(target), "incidents": sorted(done.heads), "replaced": replaced})
        return
    kept = f"; what was there is kept as {replaced}" if replaced else ""
    output.say(f"{len(done.heads)} incidents restored to {target}{kept}")
