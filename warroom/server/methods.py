"""Every request there is, and the way each of them goes: found, allowed, read, answered.

A room with requests of its own adds its table here, one line. Invariant: a request is checked the same way whatever
module answers it.
"""

from __future__ import annotations

import logging
from typing import Any

import orjson
from pydantic import ValidationError

from warroom.incident.state import Actor
from warroom.incident.verdict import Reason
from warroom.server import (
    ask_alerts,
    ask_dashboards,
    ask_exercise,
    ask_health,
    ask_logs,
    ask_metrics,
    ask_traces,
    requests,
)
from warroom.server.asking import LARGEST, Desk, Method, Question, Refused, seen
from warroom.server.log import where
from warroom.server.shown import may_query
from warroom.store.port import StoreDamaged, StoreError, StoreFailed
from warroom.telemetry.errors import TelemetryError
from warroom.telemetry.relay import UnknownSource
from warroom.wire.codec import encode, encode_answer, first_complaint
from warroom.wire.messages import Request, Response

METHODS: dict[str, Method] = {
    **requests.METHODS,
    **ask_metrics.METHODS,
    **ask_logs.METHODS,
    **ask_traces.METHODS,
    **ask_alerts.METHODS,
    **ask_dashboards.METHODS,
    **ask_health.METHODS,
    **ask_exercise.METHODS,
}
"""Method by name; the order is that of the page on the protocol."""

_LOG = logging.getLogger(__name__)
_AUDIT = logging.getLogger("warroom.queries")


async def answer(desk: Desk, actor: Actor, frame: Request) -> bytes:
    """The encoded answer to one request; whatever goes wrong becomes one in words."""
    try:
        return encode_answer(frame.id, await _answer_of(Question(desk, actor), frame))
    except Refused as no:
        reason, words = str(no.reason), str(no)
    except UnknownSource as error:
        reason, words = Reason.NOT_FOUND.value, str(error)
    except TelemetryError as error:
        reason, words = error.reason, str(error)
    except StoreDamaged as error:
        reason, words = "damaged", str(error)
    except StoreFailed:
        raise
    except StoreError as error:
        reason, words = "store", str(error)
    except Exception as error:  # one question must not end a connection, nor say more than that it failed
        _LOG.error("a request failed", extra={"method": frame.method, "where": where(error)})
        reason, words = Reason.INTERNAL.value, "the server failed on this request"
    return encode(Response(id=frame.id, ok=False, reason=reason, words=words))


async def _answer_of(ask: Question, frame: Request) -> bytes:
    method = METHODS.get(frame.method)
    if method is None:
        raise Refused(Reason.NOT_FOUND, f"there is no such request; there are {', '.join(METHODS)}")
    if not ask.actor.access.covers(method.access) or (ask.actor.scopes and not method.scoped):
        words = f"{frame.method} needs {method.access} access, and you have {ask.actor.access}"
        raise Refused(Reason.NOT_ALLOWED, words)
    try:
        params = method.params.model_validate_json(orjson.dumps(frame.params))
    except ValidationError as wrong:
        raise Refused(Reason.INVALID, first_complaint(wrong)) from None
    if method.telemetry:
        _for_incident(ask, frame.method, method, params)
    result = await method.answer(ask, params)
    body = result if isinstance(result, bytes) else orjson.dumps(result)
    if method.telemetry and len(body) > LARGEST:
        raise Refused("too-heavy", f"the answer has {len(body)} bytes; ask for less: fewer series, a shorter range")
    return body


def _for_incident(ask: Question, name: str, method: Method, params: Any) -> None:
    """Whether this may be asked of the telemetry servers, by this person for this incident; a query is noted."""
    if params.incident is not None:
        seen(ask, params.incident)
    elif ask.actor.scopes:
        raise Refused(Reason.NOT_ALLOWED, "your token is bounded to some incidents; say for which this is")
    if not method.free:
        return
    may_query(ask, name, params)
    query = getattr(params, "query", "") or getattr(params, "service", "")
    _AUDIT.info(
        "query",
        extra={"who": ask.actor.name, "incident": params.incident or "", "method": name, "query": query[:500]},
    )
