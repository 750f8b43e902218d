"""Questions with one answer: each method, what it takes, who may ask it.

Invariant: an incident that the asker may not see answers exactly as one that is not there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from warroom import __version__
from warroom.incident.record import stamp
from warroom.incident.record_json import record_json
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Reason
from warroom.incident.words import Access
from warroom.playbooks.load import Library
from warroom.playbooks.match import suggest
from warroom.playbooks.model import Playbook
from warroom.server import auth
from warroom.server.clock import Steady
from warroom.server.heads import HeadSigner
from warroom.server.lobby import Lobby
from warroom.server.log import where
from warroom.server.metrics import Metrics
from warroom.server.panels import NO_SOURCE
from warroom.server.settings import ServerSettings
from warroom.store.archive import ArchiveError, export_part, import_archive, read_archive, read_file
from warroom.store.port import EventStore, StoreDamaged, StoreError, StoreFailed
from warroom.store.verify import verify_incident
from warroom.telemetry.default_panels import DEFAULT_PANELS
from warroom.telemetry.errors import TelemetryError
from warroom.telemetry.panels import PanelTemplate, resolve_all
from warroom.telemetry.relay import Relay, UnknownSource
from warroom.telemetry.series import encode
from warroom.wire.codec import first_complaint
from warroom.wire.messages import Incident, Request, Response, Word

LARGEST = 700 * 1024
"""Bytes of the largest result, so that its frame stays within what a client reads."""
PART = 192 * 1024
"""Bytes of one part of what is told in parts: little enough for a slow line to take before it counts as stalled."""
MONTH = 31 * 86_400
_LOG = logging.getLogger(__name__)


class Refused(Exception):
    """The answer is no: `reason` is a stable word, the text is for a person."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason


class Desk(Protocol):
    """What answers stand on."""

    settings: ServerSettings
    store: EventStore
    metrics: Metrics
    lobby: Lobby
    signer: HeadSigner
    relay: Relay | None
    playbooks: Library | None
    panel_templates: tuple[PanelTemplate, ...]
    steady: Steady

    def token_revoked(self, digest: bytes) -> None: ...
    def counts(self) -> dict[str, int]: ...


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks what of whom."""

    desk: Desk
    actor: Actor


class _Params(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Nothing(_Params):
    pass


class OfIncident(_Params):
    incident: Incident


class MaybeIncident(_Params):
    incident: Incident | None = None


class InviteCreate(_Params):
    access: Access = Access.RESPONDER
    ttl_seconds: Annotated[int, Field(ge=60, le=MONTH)] = 8 * 3600
    code_seconds: Annotated[int, Field(ge=60, le=7 * 86_400)] = 3600
    name: Annotated[str, Field(max_length=64)] = ""
    scopes: Annotated[tuple[Word, ...], Field(max_length=50)] = ()


class TokenId(_Params):
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]


class LogRead(_Params):
    incident: Incident
    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 500


class Export(_Params):
    """`after` counts the lines one has; `upto` is `records` of the header, so that all parts are of one moment."""

    incident: Incident
    after: Annotated[int, Field(ge=0)] = 0
    upto: Annotated[int, Field(ge=0)] = 0


class Import(_Params):
    path: Annotated[str, Field(min_length=1, max_length=4096)] = ""
    lines: Annotated[tuple[str, ...], Field(max_length=10_000)] = ()


class Backup(_Params):
    path: Annotated[str, Field(min_length=1, max_length=4096)]


class Explore(_Params):
    incident: Incident | None = None
    source: Word = "prometheus"
    query: Annotated[str, Field(min_length=1, max_length=4000)]
    start: float
    end: float
    step: Annotated[float, Field(gt=0, le=86_400)]


class Suggest(_Params):
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
    _seen(ask, params.incident)
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
        _seen(ask, params.incident)
    wanted = [params.incident] if params.incident else [name for name in ask.desk.lobby.lines if _visible(ask, name)]
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
    _seen(ask, params.incident)
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
    _seen(ask, params.incident)
    heads = await ask.desk.store.signed_heads(params.incident)
    return {
        "incident": params.incident,
        "public_key": ask.desk.signer.public_key.hex(),
        "heads": [
            {"seq": seq, "hash": digest.hex(), "signature": signature.hex(), "at": stamp(at)}
            for seq, digest, signature, at in heads
        ],
    }


async def _panels_for(ask: Question, params: OfIncident) -> Any:
    services = _seen(ask, params.incident).services
    if ask.desk.relay is None:
        return {"panels": [], "words": NO_SOURCE}
    panels = []
    for service in services[:4]:
        for panel in resolve_all(ask.desk.panel_templates or DEFAULT_PANELS, {"service": service}):
            panels.append(
                {
                    "title": panel.title if len(services) == 1 else f"{service}: {panel.title}",
                    "query": panel.expr,
                    "unit": panel.unit,
                    "legend": panel.legend,
                    "source": panel.source,
                    "window": int(panel.window),
                    "step": max(1, int(panel.step)),
                    "thresholds": [{**asdict(line), "label": ""} for line in panel.thresholds[:5]],
                }
            )
    return {"panels": panels, "words": "" if services else "the incident names no service yet"}


async def _explore(ask: Question, params: Explore) -> Any:
    if ask.desk.relay is None:
        raise Refused("unreachable", NO_SOURCE)
    if params.incident is not None:
        _seen(ask, params.incident)
    elif ask.actor.scopes:
        raise Refused(Reason.NOT_ALLOWED, "your token is bounded to some incidents; say for which this is")
    if (params.end - params.start) / params.step > 11_000:
        raise Refused("too-heavy", "that is more than 11,000 points a series; use a longer step")
    try:
        full = await ask.desk.relay.explore(params.source, params.query, params.start, params.end, params.step)
    except UnknownSource as error:
        raise Refused(Reason.NOT_FOUND, str(error)) from None
    except TelemetryError as error:
        raise Refused(error.reason, str(error)) from None
    body = encode(full)
    if len(body) > LARGEST:
        raise Refused("too-heavy", f"the answer has {len(body)} bytes; ask for fewer series or a longer step")
    return orjson.loads(body)


async def _suggest(ask: Question, params: Suggest) -> Any:
    title, services, alerts, severity = params.title, params.services, params.alerts, None
    if params.incident is not None:
        state = _seen(ask, params.incident)
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
        "incidents": sum(_visible(ask, name) for name in desk.lobby.lines),
        "telemetry": desk.relay is not None,
        **desk.counts(),
    }


_Answer = Callable[[Question, Any], Awaitable[Any]]

METHODS: dict[str, tuple[Access, type[_Params], _Answer]] = {
    "invite.create": (Access.RESPONDER, InviteCreate, _invite),
    "token.list": (Access.ADMIN, Nothing, _tokens),
    "token.revoke": (Access.ADMIN, TokenId, _revoke),
    "log.read": (Access.OBSERVER, LogRead, _log_read),
    "verify": (Access.OBSERVER, MaybeIncident, _verify),
    "export": (Access.OBSERVER, Export, _export),
    "import": (Access.ADMIN, Import, _import),
    "backup": (Access.ADMIN, Backup, _backup),
    "signed-heads": (Access.OBSERVER, OfIncident, _signed_heads),
    "panels.for": (Access.OBSERVER, OfIncident, _panels_for),
    "explore": (Access.RESPONDER, Explore, _explore),
    "playbooks.suggest": (Access.OBSERVER, Suggest, _suggest),
    "playbooks.list": (Access.OBSERVER, Nothing, _playbooks),
    "server.info": (Access.OBSERVER, Nothing, _info),
}
"""Method -> the access it needs, its parameters, and who answers."""
UNSCOPED: frozenset[str] = frozenset({"token.list", "token.revoke", "import", "backup"})
"""Methods that a token bounded to some incidents may not use, whatever its access."""


async def answer(desk: Desk, actor: Actor, frame: Request) -> Response:
    """The answer to one request; whatever goes wrong becomes one in words."""
    try:
        return Response(id=frame.id, ok=True, result=await _answer_of(Question(desk, actor), frame))
    except Refused as no:
        return Response(id=frame.id, ok=False, reason=str(no.reason), words=str(no))
    except StoreDamaged as error:
        return Response(id=frame.id, ok=False, reason="damaged", words=str(error))
    except StoreFailed:
        raise
    except StoreError as error:
        return Response(id=frame.id, ok=False, reason="store", words=str(error))
    except Exception as error:  # one question must not end a connection, nor say more than that it failed
        _LOG.error("a request failed", extra={"method": frame.method, "where": where(error)})
        return Response(id=frame.id, ok=False, reason=Reason.INTERNAL.value, words="the server failed on this request")


async def _answer_of(ask: Question, frame: Request) -> Any:
    known = METHODS.get(frame.method)
    if known is None:
        raise Refused(Reason.NOT_FOUND, f"there is no such request; there are {', '.join(METHODS)}")
    needed, model, method = known
    if not ask.actor.access.covers(needed) or (ask.actor.scopes and frame.method in UNSCOPED):
        raise Refused(Reason.NOT_ALLOWED, f"{frame.method} needs {needed} access, and you have {ask.actor.access}")
    try:
        params = model.model_validate_json(orjson.dumps(frame.params))
    except ValidationError as wrong:
        raise Refused(Reason.INVALID, first_complaint(wrong)) from None
    return await method(ask, params)


def _visible(ask: Question, incident: str) -> bool:
    line = ask.desk.lobby.lines.get(incident)
    return line is not None and line.visible_to(ask.actor)


def _seen(ask: Question, incident: str) -> IncidentState:
    """What the list knows of an incident that the asker may see.

    Raises:
        Refused: there is none, or it may not be seen.
    """
    line = ask.desk.lobby.lines.get(incident)
    if line is None or not line.visible_to(ask.actor):
        raise Refused(Reason.NOT_FOUND, f"there is no incident {incident}")
    return IncidentState(id=incident, title=line.shown["title"], services=tuple(line.shown["services"]))


def _newest(ask: Question) -> list[Playbook]:
    library = ask.desk.playbooks
    return [] if library is None else list(library.playbooks)


def _playbook(playbook: Playbook) -> dict[str, Any]:
    pinned: dict[str, Any] = playbook.pinned().model_dump(mode="json")
    return pinned
