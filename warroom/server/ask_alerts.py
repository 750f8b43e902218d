"""Questions about alerts and silences, and what changes a silence: always under the asker's own name."""

from __future__ import annotations

from time import time
from typing import Annotated, Any

from pydantic import Field

from warroom.incident.text import clean_line
from warroom.incident.verdict import Reason
from warroom.incident.words import Access
from warroom.server.asked import MONTH_SECONDS, OfSource, put
from warroom.server.asking import Method, Params, Question, Refused
from warroom.telemetry.alerts import Matcher
from warroom.telemetry.clients import Alerts

FRESH = 2.0
ALERTMANAGER = "alertmanager"

Id = Annotated[str, Field(pattern=r"^[0-9a-zA-Z-]{1,64}$")]
Length = Annotated[float, Field(ge=60, le=MONTH_SECONDS)]


class MatcherSaid(Params):
    name: Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=200)]
    value: Annotated[str, Field(max_length=1000)]
    is_regex: bool = False
    is_equal: bool = True


class NewSilence(OfSource):
    matchers: Annotated[tuple[MatcherSaid, ...], Field(min_length=1, max_length=20)]
    seconds: Length
    comment: Annotated[str, Field(max_length=500)] = ""


class LongerSilence(OfSource):
    """`seconds` are from now on."""

    id: Id
    seconds: Length


class SilenceId(OfSource):
    id: Id


async def _alerts(ask: Question, params: OfSource) -> bytes:
    async def call(alertmanager: Alerts) -> Any:
        return {"groups": (await alertmanager.groups())[:2000]}

    return await put(ask, params, ALERTMANAGER, "alerts", "", FRESH, call)


async def _silences(ask: Question, params: OfSource) -> bytes:
    async def call(alertmanager: Alerts) -> Any:
        return {"silences": (await alertmanager.silences())[:2000]}

    return await put(ask, params, ALERTMANAGER, "silences", "", FRESH, call)


async def _create(ask: Question, params: NewSilence) -> bytes:
    matchers = tuple(Matcher(one.name, one.value, one.is_regex, one.is_equal) for one in params.matchers)
    if not any(_narrows(one) for one in matchers):
        raise Refused(Reason.INVALID, "`matchers`: match every alert; name at least one value that is not empty")
    about = f" for {params.incident}" if params.incident else ""
    comment = f"{clean_line(params.comment)} (by {ask.actor.name}{about}, warroom)".strip()

    async def call(alertmanager: Alerts) -> Any:
        now = time()
        made = await alertmanager.create_silence(matchers, now, now + params.seconds, ask.actor.name, comment)
        return {"id": made}

    return await put(ask, params, ALERTMANAGER, "silence", "", 0, call)


def _narrows(matcher: Matcher) -> bool:
    return matcher.is_equal and matcher.value not in ("", ".*", ".+") and bool(matcher.value.strip())


async def _extend(ask: Question, params: LongerSilence) -> bytes:
    async def call(alertmanager: Alerts) -> Any:
        return {"id": await alertmanager.extend_silence(params.id, time() + params.seconds)}

    return await put(ask, params, ALERTMANAGER, "silence", "", 0, call)


async def _expire(ask: Question, params: SilenceId) -> bytes:
    async def call(alertmanager: Alerts) -> Any:
        await alertmanager.expire_silence(params.id)
        return {}

    return await put(ask, params, ALERTMANAGER, "silence", "", 0, call)


METHODS: dict[str, Method] = {
    "alerts": Method(Access.OBSERVER, OfSource, _alerts, telemetry=True),
    "silences": Method(Access.OBSERVER, OfSource, _silences, telemetry=True),
    "silence.create": Method(Access.RESPONDER, NewSilence, _create, telemetry=True),
    "silence.extend": Method(Access.RESPONDER, LongerSilence, _extend, telemetry=True),
    "silence.expire": Method(Access.RESPONDER, SilenceId, _expire, telemetry=True),
}
"""What is asked of Alertmanager."""
