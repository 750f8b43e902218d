"""The HTTP API (version 2) of an Alertmanager over the alert store.

Answers and errors are those of Alertmanager 0.33. Errors come in three shapes: a bare JSON string (a handler's),
`{code, message}` (the validation before it), and nothing at all (a silence that is not there). It notifies nobody.
Format: api/v2/openapi.yaml of github.com/prometheus/alertmanager.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from warroom.embedded.alert_store import AlertStore, Posted
from warroom.embedded.alertmanager_said import alert_json, config_text, moment, receiver_json, silence_json
from warroom.embedded.logql.regex import RegexError, whole
from warroom.embedded.matchers import matcher_of
from warroom.embedded.silence_store import KeptSilence, NoSuchSilence
from warroom.telemetry.alerts import ActiveAlert, Matcher, Silence
from warroom.telemetry.errors import BadQuery, TelemetryError

VERSION = "0.33.1"
"""What its API is like; `/api/v2/status` says so with the word `warroom` behind it."""

LARGEST = 8 * 1024 * 1024
"""Bytes of a body."""

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_LABEL = re.compile(r"[^\s\x00]+")
_V1 = ("The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please use the "
       "equivalent route in the v2 API")  # fmt: skip

Answering = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """An answer that is not the one asked for: a text for a bare string, a number and words for validation."""

    def __init__(self, status: int, words: str = "", code: int = 0) -> None:
        super().__init__(words)
        self.status, self.words, self.code = status, words, code


def alertmanager_app(store: AlertStore) -> Starlette:
    """The application, for a port of its own."""
    api = AlertmanagerApi(store)
    routes = [
        _route("/api/v2/alerts", {"GET": api.alerts, "POST": api.post}),
        _route("/api/v2/alerts/groups", {"GET": api.groups}),
        _route("/api/v2/silences", {"GET": api.silences, "POST": api.put_silence}),
        _route("/api/v2/silence/{silence_id}", {"GET": api.silence, "DELETE": api.expire}),
        _route("/api/v2/status", {"GET": api.status}),
        _route("/api/v2/receivers", {"GET": api.receivers}),
        Route("/api/v1/{rest:path}", _version_1, methods=_METHODS),
        Route("/-/healthy", _ok),
        Route("/-/ready", _ok),
        Route("/-/reload", _reloaded, methods=["POST"]),
        Route("/", _page),
    ]
    missing: Mapping[Any, Any] = {404: _missing}
    return Starlette(routes=routes, exception_handlers=dict(missing))


class AlertmanagerApi:
    """What each path answers. Raises Refused."""

    def __init__(self, store: AlertStore) -> None:
        self._store = store
        self._started_at = store.now()

    async def alerts(self, request: Request) -> Response:
        return _json([alert_json(one, self._updated(one)) for one in self._listed(request)])

    async def groups(self, request: Request) -> Response:
        kept = {one.fingerprint for one in self._listed(request)}
        said = []
        for group in self._store.groups():
            alerts = [alert_json(one, self._updated(one)) for one in group.alerts if one.fingerprint in kept]
            if alerts:
                said.append({"alerts": alerts, "labels": dict(group.labels), "receiver": {"name": group.receiver}})
        return _json(said)

    async def post(self, request: Request) -> Response:
        said = await _body(request, "alerts")
        if not isinstance(said, list):
            raise Refused(400, 'parsing alerts body from "" failed, because a list was expected', 400)
        posted = [_posted(one, number) for number, one in enumerate(said)]
        try:
            self._store.post(posted)
        except BadQuery as wrong:
            raise Refused(400, str(wrong)) from None
        return Response(status_code=200)

    async def silences(self, request: Request) -> Response:
        wanted = _filters(request)
        found = (one for one in self._store.kept_silences() if _looks_like(one, wanted))
        return _json([silence_json(one) for one in found])

    async def silence(self, request: Request) -> Response:
        return _json(silence_json(self._store.kept_silence(_id(request))))

    async def expire(self, request: Request) -> Response:
        self._store.expire_silence(_id(request))
        return Response(status_code=200)

    async def put_silence(self, request: Request) -> Response:
        silence = _silence(await _body(request, "silence"))
        try:
            return _json({"silenceID": self._store.put_silence(silence)})
        except NoSuchSilence:
            raise
        except TelemetryError as wrong:
            raise Refused(400, str(wrong)) from None

    async def status(self, _: Request) -> Response:
        version = f"{VERSION} (warroom)"
        return _json({
            "cluster": {"peers": [], "status": "disabled"},
            "config": {"original": config_text(self._store.routing)},
            "uptime": moment(self._started_at),
            "versionInfo": {"branch": "", "buildDate": "", "buildUser": "", "goVersion": "", "revision": "",
                            "version": version},
        })  # fmt: skip

    async def receivers(self, _: Request) -> Response:
        return _json([receiver_json(self._store.routing.receiver)])

    def _listed(self, request: Request) -> tuple[ActiveAlert, ...]:
        asked = request.query_params
        receiver = asked.get("receiver", "")
        try:
            if receiver and not whole(f"^(?:{receiver})$")(self._store.routing.receiver):
                return ()
        except RegexError as wrong:
            raise Refused(400, f"failed to parse receiver param: {wrong}") from None
        # Whatever is not true is false, as in the real one.
        kinds = {kind: asked.get(kind, "true") in ("true", "1", "t", "T", "TRUE", "True", "on", "yes", "y")
                 for kind in ("active", "silenced", "inhibited")}  # fmt: skip
        try:
            return self._store.alerts(_filters(request), **kinds)
        except BadQuery as wrong:
            raise Refused(400, str(wrong)) from None

    def _updated(self, alert: ActiveAlert) -> float:
        return self._store.updated_at(alert.fingerprint)


def _route(path: str, answers: Mapping[str, Answering]) -> Route:
    """One path: by its method, refusals in the shape that they have."""
    known = ",".join(sorted(answers, reverse=True))

    async def answered(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        if method not in answers:
            words = f"method {request.method} is not allowed, but [{known}] are"
            return _json({"code": 405, "message": words}, 405, {"Allow": known})
        try:
            return await answers[method](request)
        except NoSuchSilence:
            return Response(status_code=404)
        except Refused as refused:
            if refused.code:
                return _json({"code": refused.code, "message": refused.words}, refused.status)
            return _json(refused.words, refused.status)

    return Route(path, answered, methods=_METHODS)


async def _body(request: Request, what: str) -> Any:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, f'unsupported media type "{kind}", only [application/json] are allowed', 415)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise Refused(413, f"the body has more than {LARGEST // 1024**2} MiB", 413)
        parts.append(part)
    try:
        return orjson.loads(b"".join(parts))
    except orjson.JSONDecodeError as wrong:
        said = "unexpected EOF" if "end of" in str(wrong) or "EOF" in str(wrong) else str(wrong)
        raise Refused(400, f'parsing {what} body from "" failed, because {said}', 400) from None


def _posted(said: Any, number: int) -> Posted:
    if not isinstance(said, dict):
        raise Refused(400, 'parsing alerts body from "" failed, because an object was expected', 400)
    if not isinstance(said.get("labels"), dict):
        raise Refused(422, f"{number}.labels in body is required", 602)
    labels = _texts(said["labels"], f"{number}.labels")
    annotations = _texts(said.get("annotations") or {}, f"{number}.annotations")
    for name, _ in (*labels, *annotations):
        if not _LABEL.fullmatch(name):
            raise Refused(400, f'invalid label set: invalid name "{name}"')
    url = said.get("generatorURL") or ""
    if not isinstance(url, str):
        raise Refused(422, f"{number}.generatorURL in body must be of type uri", 601)
    starts, ends = _time(said, "startsAt", f"{number}."), _time(said, "endsAt", f"{number}.")
    return Posted(labels, annotations, starts, ends, url)


def _silence(said: Any) -> Silence:
    if not isinstance(said, dict):
        raise Refused(400, 'parsing silence body from "" failed, because an object was expected', 400)
    for name in ("comment", "createdBy", "endsAt", "matchers", "startsAt"):
        if said.get(name) is None:
            raise Refused(422, f"{name} in body is required", 602)
    if not isinstance(said["matchers"], list):
        raise Refused(422, "matchers in body must be of type array", 601)
    if not said["matchers"]:
        raise Refused(422, "matchers in body should have at least 1 items", 612)
    matchers = tuple(_matcher(one, number) for number, one in enumerate(said["matchers"]))
    silence_id = said.get("id") or ""
    if not all(isinstance(one, str) for one in (silence_id, said["createdBy"], said["comment"])):
        raise Refused(422, "id, createdBy and comment in body must be of type string", 601)
    return Silence(
        silence_id, matchers, _time(said, "startsAt"), _time(said, "endsAt"), said["createdBy"], said["comment"]
    )


def _matcher(said: Any, number: int) -> Matcher:
    if not isinstance(said, dict):
        raise Refused(422, f"matchers.{number} in body must be of type object", 601)
    for name, kind in (("isRegex", bool), ("name", str), ("value", str)):
        if said.get(name) is None:
            raise Refused(422, f"matchers.{number}.{name} in body is required", 602)
        if not isinstance(said[name], kind):
            raise Refused(422, f"matchers.{number}.{name} in body must be of another type", 601)
    equal = said.get("isEqual", True)
    return Matcher(said["name"], said["value"], said["isRegex"], equal is not False)


def _filters(request: Request) -> list[Matcher]:
    found = []
    for said in request.query_params.getlist("filter"):
        try:
            found.append(matcher_of(said))
        except ValueError as wrong:
            raise Refused(400, str(wrong)) from None
    return found


def _looks_like(one: KeptSilence, wanted: Sequence[Matcher]) -> bool:
    """Whether each filter fits one of the silence's matchers, by its name and value."""
    matchers = one.silence.matchers
    return all(any(each.name == mine.name and _fits(each, mine.value) for mine in matchers) for each in wanted)


def _fits(matcher: Matcher, value: str) -> bool:
    if not matcher.is_regex:
        return (matcher.value == value) == matcher.is_equal
    return whole(matcher.value)(value) == matcher.is_equal


def _id(request: Request) -> str:
    said = str(request.path_params["silence_id"])
    try:
        return str(UUID(said)) if len(said) == 36 else str(UUID(""))
    except ValueError:
        raise Refused(422, f'silenceID in path must be of type uuid: "{said}"', 601) from None


def _texts(said: Mapping[Any, Any], where: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(said, dict) or not all(isinstance(one, str) for one in said.values()):
        raise Refused(422, f"{where} in body must be of type string", 601)
    return tuple(sorted(said.items()))


def _time(said: Mapping[str, Any], name: str, where: str = "") -> float:
    text = said.get(name)
    if text is None:
        return 0.0
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00")) if isinstance(text, str) else None
        if at is None or at.tzinfo is None:
            raise ValueError
        # Go's time of nothing: the year 1.
        return 0.0 if at.year == 1 else at.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise Refused(422, f"{where}{name} in body must be of type date-time: {str(text)[:80]!r}", 601) from None


def _json(said: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    told = {"Vary": "Origin", **(headers or {})}
    return Response(orjson.dumps(said) + b"\n", status, told, media_type="application/json")


async def _ok(_: Request) -> Response:
    return PlainTextResponse("OK")


async def _reloaded(_: Request) -> Response:
    return Response(status_code=200)


async def _page(_: Request) -> Response:
    return PlainTextResponse("warroom's embedded Alertmanager: its API is under /api/v2; it notifies nobody\n")


async def _version_1(_: Request) -> Response:
    return _json({"status": "deprecated", "error": _V1}, 410)


async def _missing(request: Request, __: Exception) -> Response:
    if request.url.path.startswith("/api/v2"):
        return _json({"code": 404, "message": f"path {request.url.path} was not found"}, 404)
    return PlainTextResponse("404 page not found\n", 404)
