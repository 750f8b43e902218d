"""What is answered before a connection becomes a websocket: probes, metrics, and who may come in.

    GET /healthz   200 while the process works
    GET /readyz    200 while commands are taken, else 503 and why
    GET /metrics   Prometheus text
    GET /ws        the websocket

Invariant: nothing of a request but its method and path is looked at before its Host and Origin were found right.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit
from weakref import WeakKeyDictionary

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from warroom.server.auth import Denied, Door, Identity
from warroom.server.connection import Wire
from warroom.server.metrics import Metrics
from warroom.server.settings import ServerSettings

SECRETS_IN_URL = frozenset({"token", "access_token", "code", "invite", "authorization", "key"})
PATHS = ("/healthz", "/readyz", "/metrics", "/ws")
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Front:
    """Answers every HTTP request on the port; an admitted one finds its `Identity` in `admitted`.

    `not_ready` says why commands are not taken, or nothing. `more_metrics` is text to append.
    """

    def __init__(
        self,
        settings: ServerSettings,
        door: Door,
        metrics: Metrics,
        *,
        not_ready: Callable[[], str],
        more_metrics: Callable[[], str],
        crowded: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._door = door
        self._metrics = metrics
        self._not_ready = not_ready
        self._more_metrics = more_metrics
        self._crowded = crowded
        self._hosts = {"localhost", "127.0.0.1", "::1", settings.host.lower(), *(h.lower() for h in settings.hosts)}
        self.admitted: WeakKeyDictionary[ServerConnection, Identity] = WeakKeyDictionary()

    async def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """None lets the websocket handshake go on."""
        path, _, query = request.path.partition("?")
        if request.method != "GET":
            response = self._refuse(connection, 405, "method", "only GET is answered here")
            response.headers["Allow"] = "GET"
            return response
        if path not in PATHS:
            return self._refuse(connection, 404, "path", f"there is nothing here; try {', '.join(PATHS)}")
        if self._settings.loopback and not self._is_own_host(request):
            return self._refuse(connection, 403, "host", "this server does not go by that name (Host header)")
        if query and SECRETS_IN_URL & {key.lower() for key in parse_qs(query, keep_blank_values=True)}:
            words = "a token never belongs in a URL, where it would be logged; send it as Authorization: Bearer"
            return self._refuse(connection, 400, "token-in-url", words)
        if path != "/ws":
            return self._probe(connection, path)
        return await self._websocket(connection, request)

    async def _websocket(self, connection: ServerConnection, request: Request) -> Response | None:
        origins = request.headers.get_all("Origin")
        if any(origin not in self._settings.origins for origin in origins):
            return self._refuse(connection, 403, "origin", "web pages of that origin may not connect")
        if "websocket" not in request.headers.get("Upgrade", "").lower():
            response = self._refuse(connection, 426, "no-upgrade", "this is a websocket")
            response.headers["Upgrade"] = "websocket"
            return response
        if self._crowded():
            return self._refuse(connection, 503, "crowded", "the server has as many connections as it takes")
        headers = request.headers.get_all("Authorization")
        if not headers and origins:
            return None  # a page cannot set headers: its token comes in the first frame
        if len(headers) > 1:
            return self._refuse(connection, 400, "credentials", "there is more than one Authorization header")
        address = connection.address if isinstance(connection, Wire) else ""
        name = request.headers.get_all("X-Warroom-Name")
        verdict = await self._door.let_in(headers[0] if headers else "", address, name[0] if name else "")
        if isinstance(verdict, Denied):
            response = self._refuse(connection, verdict.status, verdict.reason, verdict.words)
            if verdict.status == 401:
                response.headers["WWW-Authenticate"] = 'Bearer realm="warroom"'
            if verdict.status == 429:
                response.headers["Retry-After"] = "60"
            return response
        self.admitted[connection] = verdict
        return None

    def _probe(self, connection: ServerConnection, path: str) -> Response:
        if path == "/metrics":
            response = connection.respond(HTTPStatus.OK, self._metrics.exposition(self._more_metrics()))
            del response.headers["Content-Type"]
            response.headers["Content-Type"] = METRICS_TYPE
        elif path == "/readyz" and (why := self._not_ready()):
            response = connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, f"not ready: {why}\n")
        else:
            response = connection.respond(HTTPStatus.OK, "ok\n")
        response.headers["Cache-Control"] = "no-store"
        return response

    def _refuse(self, connection: ServerConnection, status: int, reason: str, words: str) -> Response:
        self._metrics.refused.add(reason)
        return connection.respond(HTTPStatus(status), words + "\n")

    def _is_own_host(self, request: Request) -> bool:
        hosts = request.headers.get_all("Host")
        if len(hosts) != 1:
            return False
        try:
            name = urlsplit(f"//{hosts[0]}").hostname
        except ValueError:
            return False
        return name is not None and name.lower() in self._hosts
