"""The HTTP door of the alert intake.

    POST /alertmanager   webhook of Alertmanager (version 4) and Grafana; bearer token or basic password
    POST /v2/enqueue     PagerDuty Events v2; the routing key is the secret
    GET  /quarantine     what could not be understood or placed; same secret as /alertmanager
    GET  /healthz        whether alerts reach the room, and counts

One invariant: 2xx is answered only when each alert of the body has an outcome that is not owed any more. While the
room cannot be reached the answer is 503 with Retry-After, so that the sender keeps the alert and sends it again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from warroom.participants.intake.alert import Alert, Malformed
from warroom.participants.intake.alertmanager import Webhook, parse_webhook
from warroom.participants.intake.outcome import Handle, Outcome
from warroom.participants.intake.pagerduty import (
    accepted_body,
    dedup_key_of,
    invalid_body,
    parse_event,
    routing_key_of,
)
from warroom.participants.intake.quarantine import Kind, Quarantine
from warroom.participants.intake.reading import Bounds, RateLimit, Rejected, Secrets, credential_of, read_json

log: Final = logging.getLogger(__name__)
RETRY_AFTER: Final = 5


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """`secret` opens /alertmanager and /quarantine; `routing_keys` are PagerDuty integrations, name to key.

    Rates are per address; `handle_seconds` bounds how long one body may take to reach the room.
    """

    secret: str = field(repr=False)
    routing_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    bounds: Bounds = field(default_factory=Bounds)
    per_second: float = 50.0
    burst: int = 200
    handle_seconds: float = 25.0


def _now() -> datetime:
    return datetime.now(UTC)


class Door:
    """The routes and what they count. `app` is the ASGI application."""

    def __init__(
        self,
        settings: DoorSettings,
        handle: Handle,
        quarantine: Quarantine,
        *,
        now: Callable[[], datetime] = _now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ValueError when a secret is too short."""
        self._settings = settings
        self._handle = handle
        self._quarantine = quarantine
        self._now = now
        self._secret = Secrets({"intake": settings.secret})
        self._keys = Secrets(settings.routing_keys)
        self._rate = RateLimit(settings.per_second, settings.burst, monotonic)
        self.counts: Counter[str] = Counter()
        self._last_unavailable = ""
        self.app = Starlette(
            routes=[
                Route("/alertmanager", self._guarded(self._alertmanager), methods=["POST"]),
                Route("/v2/enqueue", self._guarded(self._pagerduty), methods=["POST"]),
                Route("/quarantine", self._guarded(self._listed), methods=["GET"]),
                Route("/healthz", self._health, methods=["GET"]),
            ],
            exception_handlers={HTTPException: _http_error},
        )

    def _guarded(self, endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            address = request.client.host if request.client else ""
            try:
                if not self._rate.admit(address):
                    raise Rejected(429, "too many requests from this address; slow down", retry_after=1)
                return await endpoint(request)
            except Rejected as rejected:
                self.counts[f"rejected_{rejected.status}"] += 1
                return _rejection(rejected)

        return guarded

    def _require_secret(self, request: Request) -> None:
        if self._secret.name_of(credential_of(request.headers.get("authorization", ""))) is None:
            words = "give the intake's secret as a bearer token or as the password of basic authentication"
            raise Rejected(401, words, field="authorization")

    async def _alertmanager(self, request: Request) -> Response:
        self._require_secret(request)
        try:
            value, body = await read_json(request, self._settings.bounds)
        except Rejected as rejected:
            if rejected.body:
                self._keep("malformed", "alertmanager", rejected.words, rejected.body, field=rejected.field)
            raise
        try:
            webhook = parse_webhook(value)
        except Malformed as error:
            self._keep_malformed("alertmanager", error, body)
            raise Rejected(400, str(error), field=error.field) from None
        for bad in webhook.malformed:
            self._keep_malformed("alertmanager", bad, body)
        if webhook.truncated:
            words = f"{webhook.truncated} alerts were left out by the sender; raise max_alerts of its webhook"
            self._keep("unmatched", "alertmanager", words, body, field="truncatedAlerts")
        outcomes = await self._handled(webhook.alerts, "alertmanager")
        return self._webhook_answer(webhook, outcomes)

    def _webhook_answer(self, webhook: Webhook, outcomes: list[Outcome]) -> Response:
        told = [
            {"alert": alert.name, "fingerprint": alert.fingerprint, **_told(outcome)}
            for alert, outcome in zip(webhook.alerts, outcomes, strict=True)
        ]
        unavailable = next((o for o in outcomes if o.word == "unavailable"), None)
        if unavailable is not None:
            return _unavailable({"error": unavailable.reason, "alerts": told})
        if webhook.malformed:
            first = webhook.malformed[0]
            errors = [_named(error) for error in webhook.malformed[:20]]
            return _json(400, {"error": str(first), "field": first.field, "errors": errors, "alerts": told})
        refused = next((o for o in outcomes if o.word == "refused"), None)
        if refused is not None:
            return _json(422, {"error": refused.reason, "alerts": told})
        return _json(200, {"status": "ok", "alerts": told, "left_out_by_sender": webhook.truncated})

    async def _pagerduty(self, request: Request) -> Response:
        try:
            value, body = await read_json(request, self._settings.bounds)
        except Rejected as rejected:
            if rejected.body:
                self._keep(
                    "malformed", "pagerduty", rejected.words, rejected.body, field=rejected.field, known_sender=False
                )
            if rejected.status == 400:
                self.counts["rejected_400"] += 1
                return _json(400, invalid_body([rejected.words]))
            raise
        try:
            integration = self._keys.name_of(routing_key_of(value))
        except Malformed as error:
            self._keep_malformed("pagerduty", error, body, known_sender=False)
            return _json(400, invalid_body([str(error)]))
        if integration is None:
            self.counts["rejected_401"] += 1
            return _json(401, invalid_body(["routing_key: is not known here"]))
        try:
            alert = parse_event(value, integration, self._now())
        except Malformed as error:
            self._keep_malformed("pagerduty", error, body)
            return _json(400, invalid_body([str(error)]))
        outcome = (await self._handled((alert,), "pagerduty"))[0]
        if outcome.word == "unavailable":
            return _unavailable({"status": "unavailable", "message": outcome.reason})
        if outcome.word == "refused":
            return _json(422, invalid_body([outcome.reason]))
        return _json(202, accepted_body(dedup_key_of(value)))

    async def _handled(self, alerts: tuple[Alert, ...], door: str) -> list[Outcome]:
        """One outcome per alert. Once one could not be delivered the rest is not tried: all of it comes again."""
        outcomes: list[Outcome] = []
        deadline = asyncio.get_running_loop().time() + self._settings.handle_seconds
        for alert in alerts:
            if outcomes and outcomes[-1].word == "unavailable":
                outcomes.append(outcomes[-1])
                continue
            outcome = await self._handled_by(alert, deadline)
            self.counts[outcome.word] += 1
            if outcome.word == "refused" or outcome.unmatched:
                kind: Kind = "refused" if outcome.word == "refused" else "unmatched"
                self._keep(kind, door, outcome.reason, orjson.dumps(_shown(alert)))
            outcomes.append(outcome)
        return outcomes

    async def _handled_by(self, alert: Alert, deadline: float) -> Outcome:
        try:
            async with asyncio.timeout_at(deadline):
                outcome = await self._handle(alert)
        except TimeoutError:
            outcome = Outcome("unavailable", reason="the room did not answer in time")
        except Exception:
            # Whatever it is, the sender must keep the alert; a 500 would say the same in worse words.
            log.exception("an alert could not be handled; its sender is asked to send it again")
            outcome = Outcome("unavailable", reason="the intake could not carry the alert to the room")
        self._last_unavailable = outcome.reason if outcome.word == "unavailable" else ""
        return outcome

    async def _listed(self, request: Request) -> Response:
        self._require_secret(request)
        asked = request.query_params.get("limit", "100")
        if not (asked.isascii() and asked.isdigit() and len(asked) <= 6):
            raise Rejected(400, "limit is a whole number", field="limit")
        entries = [asdict(entry) for entry in self._quarantine.entries(int(asked))]
        held = {"kept": self._quarantine.kept, "pushed_out": self._quarantine.pushed_out}
        return _json(200, {"entries": entries, **held, "trouble": self._quarantine.trouble})

    async def _health(self, _request: Request) -> Response:
        troubles = [words for words in (self._last_unavailable, self._quarantine.trouble) if words]
        body = {
            "status": "degraded" if troubles else "ok",
            "troubles": troubles,
            "counts": dict(sorted(self.counts.items())),
            "quarantined": len(self._quarantine),
        }
        return _json(200, body)

    def _keep_malformed(self, door: str, error: Malformed, body: bytes, *, known_sender: bool = True) -> None:
        self.counts["malformed"] += 1
        self._keep(
            "malformed",
            door,
            error.problem,
            body,
            field=error.field,
            expected=error.expected,
            known_sender=known_sender,
        )

    def _keep(
        self,
        kind: Kind,
        door: str,
        problem: str,
        body: bytes,
        *,
        field: str = "",
        expected: str = "",
        known_sender: bool = True,
    ) -> None:
        self._quarantine.keep(
            at=self._now(),
            kind=kind,
            door=door,
            problem=problem,
            body=body,
            field=field,
            expected=expected,
            known_sender=known_sender,
        )


def _shown(alert: Alert) -> dict[str, Any]:
    return {
        "source": alert.source,
        "fingerprint": alert.fingerprint,
        "status": alert.status,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": alert.starts_at,
    }


def _told(outcome: Outcome) -> dict[str, str]:
    return {"outcome": outcome.word, "incident": outcome.incident, "rule": outcome.rule, "reason": outcome.reason}


def _named(error: Malformed) -> dict[str, str]:
    return {"field": error.field, "problem": error.problem, "expected": error.expected}


def _json(status: int, body: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, dict(headers or {}), "application/json")


def _unavailable(body: object) -> Response:
    return _json(503, body, {"Retry-After": str(RETRY_AFTER)})


def _rejection(rejected: Rejected) -> Response:
    headers: dict[str, str] = {}
    if rejected.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="warroom"'
    if rejected.retry_after:
        headers["Retry-After"] = str(rejected.retry_after)
    if rejected.status in (408, 413, 415):
        # The rest of the body is not read.
        headers["Connection"] = "close"
    return _json(rejected.status, {"error": rejected.words, "field": rejected.field}, headers)


def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    words = {404: "there is no such door here", 405: "this door does not take that method"}.get(status, "refused")
    headers = error.headers if isinstance(error, HTTPException) else None
    return _json(status, {"error": words, "field": ""}, headers)
