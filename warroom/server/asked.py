"""How questions to the telemetry servers are put: who asks, in which range, through the relay.

Invariant: ranges that follow the present are laid on a common beat, so that all who look at the same thing ask the
same question.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from math import ceil, floor
from time import time
from typing import Annotated, Any

import orjson
from pydantic import Field

from warroom.server.asking import MaybeIncident, Question, Refused
from warroom.server.panels import NO_SOURCE
from warroom.telemetry.relay import By, Relay
from warroom.wire.messages import Word

MONTH_SECONDS = 31 * 86_400.0
YEAR_SECONDS = 400 * 86_400.0
BEAT = 2.0
"""Seconds by which live ranges move on."""
LIVE = 60.0
"""A range that ends at most so many seconds ago follows the present."""

Moment = Annotated[float, Field(ge=0, le=2**35)]
Step = Annotated[float, Field(gt=0, le=86_400)]


class OfSource(MaybeIncident):
    """Whatever is asked for an incident."""


class Ranged(OfSource):
    start: Moment
    end: Moment


class Named(OfSource):
    source: Word = "prometheus"


def relay_of(ask: Question) -> Relay:
    """The relay.

    Raises:
        Refused: there is none.
    """
    if ask.desk.relay is None:
        raise Refused("unreachable", NO_SOURCE)
    return ask.desk.relay


def by(ask: Question, params: MaybeIncident) -> By:
    """Whose question it is."""
    return By(ask.actor.name, params.incident or "")


async def put(
    ask: Question,
    params: MaybeIncident,
    source: str,
    kind: str,
    key: Hashable,
    fresh: float,
    call: Callable[[Any], Awaitable[Any]],
) -> bytes:
    """Ask through the relay; what `call` gives (plain values and dataclasses) is encoded once for all who ask."""

    async def encoded(client: Any) -> bytes:
        result = await call(client)
        return result if isinstance(result, bytes) else orjson.dumps(result)

    return await relay_of(ask).ask(source, kind, key, fresh, encoded, by(ask, params))


def checked(params: Ranged, longest: float) -> None:
    """That a range is one.

    Raises:
        Refused: it ends before it starts, or is longer than `longest` seconds.
    """
    if params.end < params.start:
        raise Refused("bad-query", "`end`: is before `start`")
    if params.end - params.start > longest:
        raise Refused("too-heavy", f"the range is longer than {longest / 86_400:.0f} days; ask for less")


def on_beat(start: float, end: float, step: float = 0.0) -> tuple[float, float]:
    """The range to ask for: as it is when it is past, else moved to the last beat, as wide as it was.

    With a `step` the points stay whole steps apart and end at the beat; without one the end is the next beat, so that
    nothing newest is missing.
    """
    if end < time() - LIVE:
        return start, end
    if step > 0:
        moved = floor(end / BEAT) * BEAT
        return moved - round((end - start) / step) * step, moved
    return floor(start / BEAT) * BEAT, ceil(end / BEAT) * BEAT


def points(params: Ranged, step: float) -> None:
    """That a range has no more points than a source grants.

    Raises:
        Refused: it has.
    """
    if (params.end - params.start) / step > 11_000:
        raise Refused("too-heavy", "that is more than 11,000 points a series; use a longer step")
