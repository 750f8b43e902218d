"""A request and the question it led to, as spans: `request logs` and inside it `upstream loki`.

A question that others asked already is shared: then there is no `upstream`. Invariant: the spans hold names of the
code, ids and sizes, nothing of what was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson

from warroom.server import methods
from warroom.server.asking import Desk
from warroom.server.log import ASKED, Asked
from warroom.telemetry.errors import TelemetryError
from warroom.telemetry.relay import Call
from warroom.tracing.spans import Open, Tracer
from warroom.wire.messages import Request

if TYPE_CHECKING:
    from warroom.server.session import Session

_OK = b'"ok":true'


async def answered(desk: Desk, session: Session, frame: Request) -> bytes:
    """The encoded answer to a request; what is logged meanwhile has its id, and its trace where there is one."""
    name = f"{session.id}:{frame.id}"
    with _asked(desk, frame, name) as span:
        body = await methods.answer(desk, session.actor, frame)
        if span is not None:
            span.attributes["bytes"] = len(body)
            span.error = "" if _OK in body[:64] else str(orjson.loads(body)["reason"])
            span.attributes["outcome"] = span.error or "ok"
        return body


def around(tracer: Tracer) -> Callable[[str, str, Call], Call]:
    """What the relay puts around each question to a server."""

    def put(source: str, kind: str, call: Call) -> Call:
        async def traced(client: Any) -> bytes:
            with tracer.span(f"upstream {source}", "client", source=source, question=kind) as span:
                try:
                    return await call(client)
                except TelemetryError as error:
                    span.error = error.reason
                    raise
                finally:
                    span.attributes["outcome"] = span.error or "ok"

        return traced

    return put


@contextmanager
def _asked(desk: Desk, frame: Request, name: str) -> Iterator[Open | None]:
    tracer = desk.tracer
    if tracer is None:
        token = ASKED.set(Asked(name))
        try:
            yield None
        finally:
            ASKED.reset(token)
        return
    method = frame.method if frame.method in methods.METHODS else "unknown"
    incident = frame.params.get("incident")
    known = {"incident.id": incident} if isinstance(incident, str) and incident in desk.lobby.lines else {}
    with tracer.span(f"request {method}", "server", **{"request.id": name, "method": method, **known}) as span:
        token = ASKED.set(Asked(name, span.context))
        try:
            yield span
        finally:
            ASKED.reset(token)
