"""Questions about the log, the people and the playbooks: each method, what it takes, who may ask it.

Invariant: an incident that the asker may not see answers exactly as one that is not there.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from warroom import __version__
from warroom.incident.record import stamp
from warroom.incident.record_json import record_json
from warroom.incident.verdict import Reason
from warroom.incident.words import Access
from warroom.playbooks.match import suggest
from warroom.playbooks.model import Playbook
from warroom.server import auth
from warroom.server.asking import MaybeIncident, Method, Nothing, OfIncident, Params, Question, Refused, seen, visible
from warroom.store.archive import ArchiveError, export_part, import_archive, read_archive, read_file
from warroom.store.port import StoreError, StoreFailed
from warroom.store.verify import verify_incident
from warroom.wire.messages import Incident, Word

PART = 192 * 1024
"""Bytes of one part of what is told in parts: little enough for a slow line to take before it counts as stalled."""
MONTH = 31 * 86_400
_LOG = logging.getLogger(__name__)


class InviteCreate(Params):
    access: Access = Access.RESPONDER
    ttl_seconds: Annotated[int, Field(ge=60, le=MONTH)] = 8 * 3600
    code_seconds: Annotated[int, Field(ge=60, le=7 * 86_400)] = 3600
    name: Annotated[str, Field(max_length=64)] = ""
    scopes: Annotated[tuple[Word, ...], Field(max_length=50)] = ()


class TokenId(Params):
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]


class LogRead(Params):
    incident: Incident
    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 500


class Export(Params):
    """`after` counts the lines one has; `upto` is `records` of the header, so that all parts are of one moment."""

    incident: Incident
    after: Annotated[int, Field(ge=0)] = 0
    upto: Annotated[int, Field(ge=0)] = 0


class Import(Params):
    path: Annotated[str, Field(min_length=1, max_length=4096)] = ""
    lines: Annotated[tuple[str, ...], Field(max_length=10_000)] = ()


class Backup(Params):
    path: Annotated[str, Field(min_length=1, max_length=4096)]


class Suggest(Params):
    incident: Incident | None = None
    title: Annotated[str, Field(max_length=500)] = ""
    services: Annotated[tuple[Word, ...], Field(max_length=50)] = ()
    alerts: Annotated[tuple[Word, ...], Field(max_length=50)] = ()


async def _invite(ask: Question, params: InviteCreate) -> Any:
    if not ask.actor.access.covers(params.access):
        raise Refused(Reason.NOT_ALLOWED, f"you have {ask.actor.access} access and cannot invite to {params.access}")
    scopes = params.scopes
    if ask.actor.scopes and (not scopes or not ask.actor.scopes.issuperset(scopes)):
        raise Refused(Reason.NOT_ALLOWED, "your token is bounded to some incidents; an invite by it must be too")
    if params.name and not auth.person(params.name):
        raise Refused(Reason.INVALID, "`name`: is no name of a person")
    if await auth.is_anothers(ask.desk.store, params.name, ask.actor, ask.desk.steady()):
        raise Refused(Reason.NOT_ALLOWED, f"{params.name} is somebody else here; only an admin invites under that name")
    code = await auth.invite(
        ask.desk.store,
        params.access,
        by=ask.actor.name,
        at=ask.desk.steady(),
        code_seconds=params.code_seconds,
        ttl_seconds=params.ttl_seconds,
        name=auth.person(params.name) if params.name else "",
        scopes=scopes,
    )
    return {"code": code, "access": params.access.value, "code_seconds": params.code_seconds}


async def _tokens(ask: Question, _: Nothing) -> Any:
    at = ask.desk.steady()
    return {
        "tokens": [
            {
                "id": row.digest.hex()[:16],
                "name": row.name,
                "access": row.access,
                "scopes": row.scopes,
                "created_at": stamp(row.created_at),
                "created_by": row.created_by,
                "expires_at": stamp(row.expires_at) if row.expires_at else "",
                "live": auth.is_live(row, at) and row.used_at is None,
                "invite": row.single_use,
            }
            for row in await ask.desk.store.tokens()
        ]
    }


async def _revoke(ask: Question, params: TokenId) -> Any:
    found = [row for row in await ask.desk.store.tokens() if row.digest.hex().startswith(params.id)]
    if len(found) != 1:
        raise Refused(Reason.NOT_FOUND, f"{len(found) or 'no'} tokens have an id that begins with {params.id}")
    await ask.desk.store.revoke_token(found[0].digest, ask.desk.steady())
    ask.desk.token_revoked(found[0].digest)
    return {"id": found[0].digest.hex()[:16], "name": found[0].name}


async def _log_read(ask: Question, params: LogRead) -> Any:
    seen(ask, params.incident)
    records: list[dict[str, Any]] = []
    size = 0
    for record in await ask.desk.store.read(params.incident, params.after, params.limit):
        size += len(record.payload or b"") + 500
        if records and size > PART:
            break
        records.append(record_json(record))
    head = await ask.desk.store.head(params.incident)
    return {"incident": params.incident, "records": records, "head": head.seq}


async def _verify(ask: Question, params: MaybeIncident) -> Any:
    if params.incident is not None:
        seen(ask, params.incident)
    wanted = [params.incident] if params.incident else [name for name in ask.desk.lobby.lines if visible(ask, name)]
    proofs = []
    for incident in wanted:
        proof = await verify_incident(ask.desk.store, incident, ask.desk.signer.public_key)
        proofs.append(
            {
                "incident": incident,
                "ok": proof.broken is None,
                "records": proof.records,
                "head": proof.head.hash.hex(),
                "seq": proof.head.seq,
                "redacted": proof.redacted,
                "signatures": proof.signatures,
                "broken": None if proof.broken is None else {"seq": proof.broken.seq, "what": proof.broken.what},
            }
        )
    return {"incidents": proofs, "ok": all(proof["ok"] for proof in proofs)}


async def _export(ask: Question, params: Export) -> Any:
    """The archive's lines, in parts: `next` is where to go on, None at the end."""
    seen(ask, params.incident)
    if not params.after:
        await ask.desk.signer.sign(params.incident)
    key = ask.desk.signer.public_key
    try:
        lines, more = await export_part(ask.desk.store, params.incident, key, params.after, params.upto, PART)
    except ArchiveError as error:
        raise Refused(Reason.CONFLICT, str(error)) from None
    return {"lines": lines, "next": more}


async def _import(ask: Question, params: Import) -> Any:
    try:
        if params.path:
            path = Path(params.path)
            # A device or a pipe would be read for ever.
            if not await asyncio.to_thread(path.is_file):
                raise Refused(Reason.INVALID, f"{path} is not a file on the server")
            archive = await asyncio.to_thread(read_file, path)
        else:
            archive = await asyncio.to_thread(read_archive, [line.encode() + b"\n" for line in params.lines])
        imported = await import_archive(ask.desk.store, archive)
    except ArchiveError as error:
        raise Refused(Reason.INVALID, str(error)) from None
    await ask.desk.lobby.refresh(imported.incident)
    return {"incident": imported.incident, "seq": imported.head.seq, "added": imported.added}


async def _backup(ask: Question, params: Backup) -> Any:
    if not Path(params.path).is_absolute():
        raise Refused(Reason.INVALID, "`path`: must be absolute; it is a path on the server")
    await ask.desk.signer.sign_all(ask.desk.lobby.heads())
    try:
        await ask.desk.store.backup(params.path)
    except StoreFailed:
        raise
    except StoreError as error:
        raise Refused(Reason.INVALID, str(error)) from None
    return {"path": params.path}


async def _signed_heads(ask: Question, params: OfIncident) -> Any:
    seen(ask, params.incident)
    heads = await ask.desk.store.signed_heads(params.incident)
    return {
        "incident": params.incident,
        "public_key": ask.desk.signer.public_key.hex(),
        "heads": [
            {"seq": seq, "hash": digest.hex(), "signature": signature.hex(), "at": stamp(at)}
            for seq, digest, signature, at in heads
        ],
    }


async def _suggest(ask: Question, params: Suggest) -> Any:
    title, services, alerts, severity = params.title, params.services, params.alerts, None
    if params.incident is not None:
        state = seen(ask, params.incident)
        room = await ask.desk.lobby.room(params.incident)
        state = room.state if room is not None else state
        title, services, severity = state.title, state.services, state.severity
        alerts = tuple(alert.name for alert in state.alerts if alert.status != "resolved")
    found = suggest(_newest(ask), title=title, services=services, alert_names=alerts, severity=severity)
    return {
        "playbooks": [{**_playbook(one.playbook), "score": one.score, "reasons": one.reasons} for one in found[:10]]
    }


async def _playbooks(ask: Question, _: Nothing) -> Any:
    return {"playbooks": [_playbook(playbook) for playbook in _newest(ask)]}


async def _info(ask: Question, _: Nothing) -> Any:
    desk = ask.desk
    return {
        "name": desk.settings.name,
        "version": __version__,
        "epoch": desk.store.epoch,
        "public_key": desk.signer.public_key.hex(),
        "now": stamp(desk.settings.clock()),
        "incidents": sum(visible(ask, name) for name in desk.lobby.lines),
        "telemetry": desk.relay is not None,
        **desk.counts(),
    }


METHODS: dict[str, Method] = {
    "invite.create": Method(Access.RESPONDER, InviteCreate, _invite),
    "token.list": Method(Access.ADMIN, Nothing, _tokens, scoped=False),
    "token.revoke": Method(Access.ADMIN, TokenId, _revoke, scoped=False),
    "log.read": Method(Access.OBSERVER, LogRead, _log_read),
    "verify": Method(Access.OBSERVER, MaybeIncident, _verify),
    "export": Method(Access.OBSERVER, Export, _export),
    "import": Method(Access.ADMIN, Import, _import, scoped=False),
    "backup": Method(Access.ADMIN, Backup, _backup, scoped=False),
    "signed-heads": Method(Access.OBSERVER, OfIncident, _signed_heads),
    "playbooks.suggest": Method(Access.OBSERVER, Suggest, _suggest),
    "playbooks.list": Method(Access.OBSERVER, Nothing, _playbooks),
    "server.info": Method(Access.OBSERVER, Nothing, _info),
}
"""What is asked about the log, the people and the playbooks."""


def _newest(ask: Question) -> list[Playbook]:
    library = ask.desk.playbooks
    return [] if library is None else list(library.playbooks)


def _playbook(playbook: Playbook) -> dict[str, Any]:
    pinned: dict[str, Any] = playbook.pinned().model_dump(mode="json")
    return pinned
