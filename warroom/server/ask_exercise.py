"""Questions in an exercise: what its hosts see and do, and what was whispered to whoever asks.

Whoever facilitates answers them; the server only knows who may ask. A whisper is never on the log: its event tells the
one it is for that there is something to fetch.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from warroom.incident.verdict import Reason
from warroom.incident.words import Access
from warroom.server.asking import Facilitation, Method, OfIncident, Question, Refused, seen
from warroom.wire.messages import Word


class Facilitate(OfIncident):
    """`do` is what to let happen, `told` what it takes."""

    do: Word
    told: Annotated[dict[str, Any], Field(max_length=20)] = Field(default_factory=dict)


def _of(ask: Question, incident: str) -> Facilitation:
    seen(ask, incident)
    found = ask.desk.facilitation
    if found is None or found.incident != incident:
        raise Refused(Reason.NOT_FOUND, f"{incident} is no exercise of this server")
    return found


def _hosted(ask: Question, incident: str) -> Facilitation:
    found = _of(ask, incident)
    if ask.actor.name not in found.hosts:
        raise Refused(Reason.NOT_ALLOWED, "this is for those who host the exercise")
    return found


async def _exercise(ask: Question, params: OfIncident) -> Any:
    return dict(_hosted(ask, params.incident).view())


async def _facilitate(ask: Question, params: Facilitate) -> Any:
    host = _hosted(ask, params.incident)
    try:
        return {"words": await host.do(params.do, params.told, ask.actor.name)}
    except ValueError as wrong:
        raise Refused(Reason.INVALID, str(wrong)) from None


async def _whispers(ask: Question, params: OfIncident) -> Any:
    return {"whispers": [dict(one) for one in _of(ask, params.incident).whispers(ask.actor.name)]}


METHODS: dict[str, Method] = {
    "exercise": Method(Access.RESPONDER, OfIncident, _exercise),
    "facilitate": Method(Access.RESPONDER, Facilitate, _facilitate),
    "whispers": Method(Access.OBSERVER, OfIncident, _whispers),
}
