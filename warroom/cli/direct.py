"""One short conversation with the server, blocking, for commands that say one thing and are gone.

The client library keeps replicas, an outbox and a connection alive; loading it takes longer than most commands run.
What is said here is the same protocol: one client id for this call, so a command that is sent again after a broken
connection gets its first answer and is never recorded twice.

Invariant: no token is ever part of an error.
"""

from __future__ import annotations

import json
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from warroom.cli.exits import Exit, Stop

if TYPE_CHECKING:
    import ssl

    from websockets.http11 import Request

    from warroom.tracing.spans import Tracer

PROTOCOL = 1
LONGEST = 1024 * 1024
_AGAIN = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command; `reason` empty for accepted, `seq` the entry it led to (0: already so)."""

    incident: str
    seq: int
    reason: str
    words: str


class Broken(Exception):
    """The connection could not be made, or ended; worth another try. The text says why."""


class Line:
    """A conversation with `url`; `with Line(...) as line`. Every call ends by `deadline` (monotonic seconds)."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float,
        tls: ssl.SSLContext | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.url = url
        self._token = token
        self._tls = tls
        self._tracer = tracer
        self._deadline = time.monotonic() + timeout
        self._timeout = timeout
        self._client = "cli-" + secrets.token_urlsafe(16)
        self._n = 0
        self._settled = 0
        self._asked = 0
        self._socket: socket.socket | None = None
        self._protocol: ClientProtocol | None = None
        self._frames: list[dict[str, Any]] = []
        self._closing = ""
        self.welcome: dict[str, Any] = {}

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    # -- what can be said ----------------------------------------------------------------------------------------

    def submit(self, command: Mapping[str, Any], incident: str = "") -> Answer:
        """Send a command and wait for its answer.

        Raises:
            Stop: no server, no entry, or no answer in time.
        """
        self._n += 1
        n = self._n
        frame = {"t": "command", "n": n, "incident": incident, "command": dict(command)}

        def settled(said: Mapping[str, Any]) -> Answer | None:
            return _answer(said) if said.get("t") == "outcome" and said.get("n") == n else None

        def known() -> Answer | None:
            return next((_answer(one) for one in self.welcome.get("known", ()) if one.get("n") == n), None)

        answer = self._submitted(frame, lambda: self._converse(frame, settled, known))
        self._settled = n
        return answer

    def _submitted(self, frame: dict[str, Any], converse: Callable[[], Answer]) -> Answer:
        if self._tracer is None:
            return converse()
        with self._tracer.span(f"command {frame['command'].get('type', '')}", "client") as span:
            frame["trace"] = span.context.header
            answer = converse()
            span.error = answer.reason
            span.attributes |= {"incident.id": answer.incident, "outcome": answer.reason or "accepted"}
            return answer

    def lobby(self) -> list[dict[str, Any]]:
        """The list of incidents.

        Raises:
            Stop: as `submit`.
        """

        def listed(said: Mapping[str, Any]) -> list[dict[str, Any]] | None:
            return said["lines"] if said.get("t") == "incidents" and said.get("whole") else None

        lines: list[dict[str, Any]] = self._converse({"t": "lobby", "follow": True}, listed)
        return lines

    def request(self, method: str, **params: Any) -> Any:
        """Ask one question.

        Raises:
            Stop: as `submit`, and when the server says no.
        """
        self._asked += 1
        asked = self._asked

        def answered(said: Mapping[str, Any]) -> Mapping[str, Any] | None:
            return said if said.get("t") == "response" and said.get("id") == asked else None

        said = self._converse({"t": "request", "id": asked, "method": method, "params": params}, answered)
        if not said["ok"]:
            raise Stop(status_of(said.get("reason", "")), said.get("words") or said.get("reason") or "refused")
        return said.get("result")

    # -- the conversation ----------------------------------------------------------------------------------------

    def _converse(
        self,
        frame: Mapping[str, Any],
        wanted: Callable[[Mapping[str, Any]], Any],
        known: Callable[[], Any] = lambda: None,
    ) -> Any:
        """Say `frame` and read until `wanted` finds its answer; through a broken connection, again."""
        sent, trouble = False, ""
        while True:
            try:
                if self._socket is None:
                    self._connect()
                found = known()
                if found is not None:
                    return found
                self._send(frame)
                sent = True
                while True:
                    said = self._next()
                    found = wanted(said)
                    if found is not None:
                        return found
                    if said.get("t") == "bye":
                        raise Broken(str(said.get("words") or "the server is going down"))
                    if said.get("t") == "resend":
                        self._send(frame)
            except Broken as broken:
                trouble = str(broken)
                self._hang_up()
            except TimeoutError:
                trouble = f"no answer in {self._timeout:g} seconds"
                self._hang_up()
            if self._left() <= _AGAIN or not sent:
                break
            # The kernel wakes us for nothing here, so a short pause stands between two tries.
            select_pause(_AGAIN)
        if sent:
            raise Stop(Exit.TIMEOUT, f"{self.url}: {trouble}; whether it was recorded is not known")
        raise Stop(Exit.UNREACHABLE, f"cannot reach {self.url}: {trouble}")

    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _connect(self) -> None:
        uri = parse_uri(self.url)
        try:
            made = socket.create_connection((uri.host, uri.port), timeout=max(0.05, self._left()))
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if uri.secure:
                made = self._secured(made, uri.host)
        except TimeoutError:
            raise Broken(f"no answer in {self._timeout:g} seconds") from None
        except OSError as error:
            raise Broken((error.strerror or str(error) or "the connection failed").lower()) from None
        self._socket = made
        self._closing = ""
        self._frames = []
        self._protocol = protocol = ClientProtocol(uri, max_size=16 * LONGEST)
        request = protocol.connect()
        self._introduce(request)
        protocol.send_request(request)
        self._flush()
        while protocol.state is State.CONNECTING:
            self._read()
        hello = {
            "t": "hello",
            "protocol": [PROTOCOL, PROTOCOL],
            "client": self._client,
            "first": max(1, self._n),
            "kind": "cli",
        }
        self._send(hello)
        while (said := self._next()).get("t") != "welcome":
            pass
        self.welcome = said

    def _secured(self, plain: socket.socket, host: str) -> socket.socket:
        import ssl

        context = self._tls or ssl.create_default_context()
        try:
            return context.wrap_socket(plain, server_hostname=host)
        except ssl.SSLError as error:
            plain.close()
            words = getattr(error, "verify_message", "") or error.reason or str(error)
            raise Stop(Exit.REFUSED, f"the certificate of {self.url} is not trusted: {words}") from None

    def _introduce(self, request: Request) -> None:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        from warroom import __version__

        request.headers["User-Agent"] = f"warroom/{__version__}"

    def _next(self) -> dict[str, Any]:
        while not self._frames:
            if self._closing:
                raise Broken(self._closing)
            self._read()
        return self._frames.pop(0)

    def _send(self, frame: Mapping[str, Any]) -> None:
        if self._protocol is None or self._protocol.state is not State.OPEN:
            raise Broken(self._closing or "the server closed the connection")
        if "trace" in frame and not self.welcome.get("traces"):
            frame = {key: value for key, value in frame.items() if key != "trace"}
        self._protocol.send_text(json.dumps(frame, ensure_ascii=False).encode())
        self._flush()

    def _flush(self) -> None:
        if self._protocol is None or self._socket is None:
            raise Broken("the connection is closed")
        try:
            for data in self._protocol.data_to_send():
                if data:
                    self._socket.sendall(data)
        except OSError as error:
            raise Broken(error.strerror or "the connection broke") from None

    def _read(self) -> None:
        protocol, line = self._protocol, self._socket
        if protocol is None or line is None:
            raise Broken("the connection is closed")
        left = self._left()
        if left <= 0:
            raise TimeoutError
        line.settimeout(left)
        try:
            data = line.recv(65_536)
        except TimeoutError:
            raise
        except OSError as error:
            raise Broken(error.strerror or "the connection broke") from None
        if data:
            protocol.receive_data(data)
        else:
            protocol.receive_eof()
        self._flush()
        for event in protocol.events_received():
            self._hear(event)
        if protocol.handshake_exc is not None:
            raise self._denied(protocol.handshake_exc)
        if not data and not self._frames:
            self._closing = self._closing or "the server closed the connection"

    def _hear(self, event: Any) -> None:
        if isinstance(event, Response):
            if event.status_code in (401, 403, 426, 429):
                words = (event.body or b"").decode("utf-8", "replace").strip()
                raise Stop(Exit.REFUSED, words or f"{self.url} does not let us in (HTTP {event.status_code})")
            return
        if event.opcode is Opcode.TEXT:
            said = json.loads(event.data)
            if isinstance(said, dict):
                self._frames.append(said)
        elif event.opcode is Opcode.CLOSE and self._protocol is not None:
            reason = self._protocol.close_reason or "the server closed the connection"
            if (self._protocol.close_code or 0) in (4400, 4401, 4403, 4426):
                raise Stop(Exit.REFUSED, reason)
            self._closing = reason

    def _denied(self, error: BaseException) -> Exception:
        words = str(error) if isinstance(error, InvalidHandshake) else "what answers there is no warroom server"
        return Stop(Exit.UNREACHABLE, f"{self.url}: {words}")

    def _hang_up(self) -> None:
        protocol, line, self._protocol, self._socket = self._protocol, self._socket, None, None
        if line is None:
            return
        try:
            if protocol is not None and protocol.state is State.OPEN:
                if self._settled:
                    # The server need not keep the answer for us any longer.
                    protocol.send_text(json.dumps({"t": "confirm", "n": self._settled}).encode())
                protocol.send_close(1000)
                for data in protocol.data_to_send():
                    if data:
                        line.sendall(data)
        except OSError:
            # It was broken already; there is nobody to say goodbye to.
            pass
        finally:
            line.close()


def select_pause(seconds: float) -> None:
    """Wait without a clock of our own: nothing is ever readable here."""
    import select

    select.select([], [], [], seconds)


def _answer(said: Mapping[str, Any]) -> Answer:
    return Answer(said.get("incident", ""), said.get("seq", 0), said.get("reason", ""), said.get("words", ""))


def status_of(reason: str) -> Exit:
    """The exit status for a refusal: what makes no sense whatever the state is wrong usage."""
    return Exit.USAGE if reason in ("invalid", "bad-params", "malformed") else Exit.REFUSED
