"""Hostile input at the server's port: each case, and the exact answer it gets.

`CASES` is the table; `rows` runs it against a server while another room is being written to, and returns what a
report shows.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from tests.server.house import DEADLINE, House
from warroom.incident.words import Access
from warroom.server.auth import digest_of

Attack = Callable[["Attacker"], Awaitable[str]]
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@dataclass(frozen=True, slots=True)
class Case:
    """`expected` is `http 401`, `close 4400`, or `refused invalid`; `words` what the answer's text must hold."""

    name: str
    door: str
    expected: str
    attack: Attack


class Socket:
    """A TCP connection that says whatever it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def frame(self, data: bytes, opcode: int = 1, *, fin: bool = True, masked: bool = True, rsv: int = 0) -> None:
        head = bytes([(0x80 if fin else 0) | rsv | opcode])
        size, bit = len(data), 0x80 if masked else 0
        if size < 126:
            head += bytes([bit | size])
        elif size < 65536:
            head += struct.pack("!BH", bit | 126, size)
        else:
            head += struct.pack("!BQ", bit | 127, size)
        self.writer.write(head + (b"\0\0\0\0" if masked else b"") + data)
        await self.writer.drain()

    async def say(self, **frame: Any) -> None:
        await self.frame(orjson.dumps(frame))

    async def hello(self, **more: Any) -> None:
        said = {"t": "hello", "protocol": [1, 1], "client": f"hostile-{os.urandom(6).hex()}", **more}
        await self.say(**said)

    async def receive(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame; (8, b"") when the connection just ended."""
        try:
            head = await self.reader.readexactly(2)
            size = head[1] & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return head[0] & 0xF, await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return 8, b""

    async def until(self, kind: str) -> dict[str, Any]:
        while True:
            opcode, data = await self.receive()
            if opcode == 8:
                return {"t": "closed", "code": int.from_bytes(data[:2], "big"), "words": data[2:].decode()}
            if opcode == 1:
                said: dict[str, Any] = orjson.loads(data)
                if said["t"] == kind:
                    return said

    async def end(self) -> str:
        """How the connection ended: `close N`, or `cut` without a word."""
        while True:
            opcode, data = await self.receive()
            if opcode == 8:
                return f"close {int.from_bytes(data[:2], 'big')}" if data else "cut"


class Attacker:
    """Opens connections to the server under attack."""

    def __init__(self, home: House, token: str, incident: str) -> None:
        self.home = home
        self.token = token
        self.incident = incident
        self._sockets: list[Socket] = []

    async def tcp(self) -> Socket:
        socket = Socket(*await asyncio.open_connection("127.0.0.1", self.home.server.port, limit=2**22))
        self._sockets.append(socket)
        return socket

    async def http(self, start: str, headers: dict[str, str] | None = None, *, host: str = "127.0.0.1") -> str:
        """Send a request; the status as `http N`."""
        socket = await self.tcp()
        lines = [start, f"Host: {host}", *(f"{key}: {value}" for key, value in (headers or {}).items())]
        socket.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        try:
            await socket.writer.drain()
            line = await socket.reader.readline()
        except ConnectionError:
            line = b""
        return f"http {line.split()[1].decode()}" if line else "cut"

    async def handshake(self, headers: dict[str, str], path: str = "/ws", host: str = "127.0.0.1") -> str:
        return await self.http(f"GET {path} HTTP/1.1", {**UPGRADE, **headers}, host=host)

    async def admitted(self, token: str | None = None, **hello: Any) -> Socket:
        """A connection that was welcomed (unless the hello itself is the attack)."""
        socket = await self.opened(token)
        await socket.hello(**hello)
        return socket

    async def opened(self, token: str | None = None) -> Socket:
        """A connection after the handshake, before its hello."""
        socket = await self.tcp()
        headers = {**UPGRADE, "Host": "127.0.0.1", "Authorization": f"Bearer {token or self.token}"}
        lines = ["GET /ws HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items())]
        socket.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = await socket.reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in answer.split(b"\r\n")[0], answer
        return socket

    async def frame(self, data: bytes, **how: Any) -> str:
        socket = await self.admitted()
        await socket.until("welcome")
        await socket.frame(data, **how)
        return await socket.end()

    async def says(self, **frame: Any) -> str:
        return await self.frame(orjson.dumps(frame))

    async def command(self, command: dict[str, Any], incident: str | None = None, token: str | None = None) -> str:
        """Send a command; `refused REASON`."""
        socket = await self.admitted(token)
        await socket.until("welcome")
        await socket.say(t="command", n=1, incident=self.incident if incident is None else incident, command=command)
        said = await socket.until("outcome")
        return f"refused {said['reason']}" if said["t"] == "outcome" else f"close {said['code']}"

    async def request(self, method: str, token: str | None = None, **params: Any) -> str:
        socket = await self.admitted(token)
        await socket.until("welcome")
        await socket.say(t="request", id=1, method=method, params=params)
        said = await socket.until("response")
        return f"refused {said['reason']}" if said["t"] == "response" else f"close {said['code']}"

    async def weak(self, access: Access = Access.OBSERVER, **more: Any) -> str:
        return await self.home.token("mallory", access, **more)

    async def close(self) -> None:
        for socket in self._sockets:
            socket.writer.transport.abort()
        await asyncio.gather(*(s.writer.wait_closed() for s in self._sockets), return_exceptions=True)


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}
NOTE = {"type": "add-note", "text": "x"}
CASES: list[Case] = []


def case(name: str, door: str, expected: str) -> Callable[[Attack], Attack]:
    def add(attack: Attack) -> Attack:
        CASES.append(Case(name, door, expected, attack))
        return attack

    return add


def simple(name: str, door: str, expected: str, attack: Attack) -> None:
    CASES.append(Case(name, door, expected, attack))


def _nested(depth: int) -> bytes:
    return b'{"t":"request","id":1,"method":"x","params":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"


_BAD_TOKEN = "wr_" + "A" * 43
for _method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"):
    simple(f"{_method} /ws", "http", "http 405", lambda a, m=_method: a.http(f"{m} /ws HTTP/1.1"))  # type: ignore[misc]
for _path in ("/", "/admin", "/ws/", "/metrics/..", "/.env", "/healthz%00", "//ws"):
    simple(f"GET {_path}", "http", "http 404", lambda a, p=_path: a.http(f"GET {p} HTTP/1.1"))  # type: ignore[misc]
simple("not HTTP at all", "http", "cut", lambda a: a.http("\x16\x03\x01 hello"))
simple("a line of 20,000 bytes", "http", "http 414", lambda a: a.http("GET /" + "a" * 20_000 + " HTTP/1.1"))
simple("300 headers", "http", "http 431", lambda a: a.http("GET /ws HTTP/1.1", {f"X-{i}": "y" for i in range(300)}))
simple("a header of 20,000 bytes", "http", "http 431", lambda a: a.http("GET /ws HTTP/1.1", {"X": "y" * 20_000}))
simple("GET /ws without upgrade", "http", "http 426", lambda a: a.http("GET /ws HTTP/1.1"))
simple("foreign Host on loopback", "http", "http 403", lambda a: a.handshake({}, host="evil.example"))
simple("foreign Host for metrics", "http", "http 403", lambda a: a.http("GET /metrics HTTP/1.1", host="evil.example"))
simple("Host that is no name", "http", "http 403", lambda a: a.handshake({}, host="[::1"))

simple("no token", "handshake", "http 401", lambda a: a.handshake({}))
simple("wrong token", "handshake", "http 401", lambda a: a.handshake({"Authorization": f"Bearer {_BAD_TOKEN}"}))
simple("empty token", "handshake", "http 401", lambda a: a.handshake({"Authorization": "Bearer "}))
simple("Basic credentials", "handshake", "http 401", lambda a: a.handshake({"Authorization": "Basic amFuYTp4"}))
simple(
    "a token of 8,000 bytes", "handshake", "http 401", lambda a: a.handshake({"Authorization": "Bearer " + "x" * 8000})
)
simple("token with a quote", "handshake", "http 401", lambda a: a.handshake({"Authorization": "Bearer wr_' OR 1=1 --"}))
simple("unknown invite", "handshake", "http 401", lambda a: a.handshake({"Authorization": "Invite 0000-0000"}))
simple("invite that is none", "handshake", "http 401", lambda a: a.handshake({"Authorization": "Invite x"}))
simple("?token= in the URL", "handshake", "http 400", lambda a: a.handshake({}, path="/ws?token=wr_x"))
simple("?access_token= in the URL", "handshake", "http 400", lambda a: a.handshake({}, path="/ws?a=1&ACCESS_TOKEN=x"))
simple(
    "token in the URL and the header", "handshake", "http 400",
    lambda a: a.handshake({"Authorization": f"Bearer {a.token}"}, path=f"/ws?token={a.token}"),
)  # fmt: skip
for _origin in ("https://evil.example", "null", "http://127.0.0.1", "file://", ""):
    simple(
        f"Origin {_origin!r} with a right token", "handshake", "http 403",
        lambda a, o=_origin: a.handshake({"Origin": o, "Authorization": f"Bearer {a.token}"}),  # type: ignore[misc]
    )  # fmt: skip
simple(
    "websocket version 8", "handshake", "http 400",
    lambda a: a.handshake({"Authorization": f"Bearer {a.token}", "Sec-WebSocket-Version": "8"}),
)  # fmt: skip
simple(
    "no websocket key", "handshake", "http 400",
    lambda a: a.handshake({"Authorization": f"Bearer {a.token}", "Sec-WebSocket-Key": ""}),
)  # fmt: skip


@case("expired token", "handshake", "http 401")
async def _expired(a: Attacker) -> str:
    token = await a.weak(ttl_seconds=-1)
    return await a.handshake({"Authorization": f"Bearer {token}"})


@case("revoked token", "handshake", "http 401")
async def _revoked(a: Attacker) -> str:
    token = await a.weak()
    await a.home.store.revoke_token(digest_of(token), datetime.now(UTC))
    return await a.handshake({"Authorization": f"Bearer {token}"})


@case("an invite used twice", "handshake", "http 401")
async def _twice(a: Attacker) -> str:
    from warroom.server.auth import invite

    code = await invite(a.home.store, Access.OBSERVER, by="test", at=datetime.now(UTC), code_seconds=60)
    first = await a.handshake({"Authorization": f"Invite {code}"})
    assert first == "http 101", first
    return await a.handshake({"Authorization": f"Invite {code}"})


@case("an invite code as a token", "handshake", "http 401")
async def _code_as_token(a: Attacker) -> str:
    from warroom.server.auth import invite

    code = await invite(a.home.store, Access.ADMIN, by="test", at=datetime.now(UTC), code_seconds=60)
    return await a.handshake({"Authorization": f"Bearer {code}"})


@case("guessing tokens", "handshake", "http 429")
async def _guess(a: Attacker) -> str:
    said = ""
    for number in range(40):
        said = await a.handshake({"Authorization": f"Bearer wr_{number:043d}"})
    return said


@case("guessing invites", "handshake", "http 429")
async def _guess_invites(a: Attacker) -> str:
    said = ""
    for number in range(40):
        said = await a.handshake({"Authorization": f"Invite {number:08d}"})
    return said


@case("two Authorization headers", "handshake", "http 400")
async def _two(a: Attacker) -> str:
    return await a.handshake({"Authorization": f"Bearer {a.token}", "authorization": f"Bearer {_BAD_TOKEN}"})


@case("silence after the handshake", "hello", "close 4408")
async def _silent(a: Attacker) -> str:
    return await (await a.opened()).end()


@case("silence before the handshake", "hello", "cut")
async def _slow(a: Attacker) -> str:
    socket = await a.tcp()
    socket.writer.write(b"GET /ws HT")
    return "cut" if not await socket.reader.read(1) else "an answer"


def _first(name: str, expected: str, **frame: Any) -> None:
    async def attack(a: Attacker) -> str:
        socket = await a.opened()
        await socket.say(**frame)
        return await socket.end()

    CASES.append(Case(name, "hello", expected, attack))


_HELLO: dict[str, Any] = {"t": "hello", "protocol": [1, 1], "client": "hostile-hello"}
_first("a command before the hello", "close 4400", t="command", n=1, incident="", command=NOTE)
_first("protocol 2 to 3", "close 4426", **{**_HELLO, "protocol": [2, 3]})
_first("protocol as text", "close 4400", **{**_HELLO, "protocol": "1"})
_first("client id too short", "close 4400", **{**_HELLO, "client": "x"})
_first("client id with a slash", "close 4400", **{**_HELLO, "client": "../../etc/passwd"})
_first("client id of 10,000 letters", "close 1009", **{**_HELLO, "client": "x" * 10_000})
_first("unknown field", "close 4400", **{**_HELLO, "admin": True})
_first("negative first", "close 4400", **{**_HELLO, "first": -1})
_first("first beyond 2^53", "close 4400", **{**_HELLO, "first": 2**60})
_first("a second token", "close 4400", **{**_HELLO, "token": _BAD_TOKEN})


@case("another's outbox", "hello", "close 4410")
async def _outbox(a: Attacker) -> str:
    owner = await a.admitted(client="outbox-of-jana")
    await owner.until("welcome")
    thief = await a.admitted(await a.weak(), client="outbox-of-jana")
    return await thief.end()


def _frame(name: str, expected: str, data: bytes, **how: Any) -> None:
    CASES.append(Case(name, "frames", expected, lambda a: a.frame(data, **how)))


_frame("not JSON", "close 4400", b"hello?")
_frame("half an object", "close 4400", b'{"t":"ping"')
_frame("an array", "close 4400", b"[1,2,3]")
_frame("a number", "close 4400", b"42")
_frame("null", "close 4400", b"null")
_frame("an empty frame", "close 4400", b"")
_frame("NaN", "close 4400", b'{"t":"ping","at":NaN}')
_frame("infinity by exponent", "close 4400", b'{"t":"ping","at":1e999}')
_frame("a lone surrogate", "close 4400", b'{"t":"unwatch","id":"\\ud800"}')
_frame("bytes that are not UTF-8", "close 1007", b'{"t":"unwatch","id":"\xff\xfe"}')
_frame("nested 40 deep", "close 4400", _nested(40))
_frame("nested 100,000 deep", "close 4400", _nested(20_000))
_frame("nested arrays", "close 4400", b"[" * 100_000)
_frame("a frame of 300 KB", "close 1009", b"x" * 300_000)
_frame("binary", "close 4400", b"\0\1\2", opcode=2)
_frame("unknown opcode", "close 1002", b"x", opcode=3)
_frame("reserved bit", "close 1002", b"x", rsv=0x40)
_frame("unmasked", "close 1002", b"x", masked=False)
_frame("a ping of 200 bytes", "close 1002", b"x" * 200, opcode=9)
_frame("a continuation of nothing", "close 1002", b"x", opcode=0)
_frame("a close frame of one byte", "close 1002", b"x", opcode=8)


def _says(name: str, expected: str, **frame: Any) -> None:
    CASES.append(Case(name, "frames", expected, lambda a: a.says(**frame)))


_AT = {"incident": "INC-0000"}
_says("unknown t", "close 4400", t="exec", cmd="id")
_says("no t", "close 4400", n=1)
_says("t is a list", "close 4400", t=["ping"])
_says("t of the server", "close 4400", t="welcome")
_says("a second hello", "close 4400", **_HELLO)
_says("n is text", "close 4400", t="command", n="1", incident="", command=NOTE)
_says("n is 0", "close 4400", t="command", n=0, incident="", command=NOTE)
_says("n is true", "close 4400", t="command", n=True, incident="", command=NOTE)
_says("n is 1.5", "close 4400", t="command", n=1.5, incident="", command=NOTE)
_says("n beyond 2^53", "close 4400", t="command", n=2**60, incident="", command=NOTE)
_says("command is text", "close 4400", t="command", n=1, incident="", command="note")
_says("incident is a path", "close 4400", t="command", n=1, incident="../INC", command=NOTE)
_says("unknown field in a command frame", "close 4400", t="command", n=1, incident="", command=NOTE, actor="root")
_says("confirm of the future", "close 4400", t="confirm", n=10**9)
_says("confirm of less than nothing", "close 4400", t="confirm", n=-1)
_says("subscribe without position", "close 4400", t="subscribe")
_says("position with a negative seq", "close 4400", t="subscribe", position={**_AT, "seq": -5})
_says("hash that is no hex", "close 4400", t="subscribe", position={**_AT, "hash": "zz"})
_says("presence of 10 million seconds", "close 4400", t="presence", incident="INC-0000", idle=10**9)
_says("looking at 1,000 letters", "close 4400", t="presence", incident="INC-0000", looking_at="x" * 1000)
_says("panel without a query", "close 4400", t="watch", incident="INC-0000", id="a", panel={"title": "x"})
_says(
    "panel step 0", "close 4400", t="watch", incident="INC-0000", id="a", panel={"title": "x", "query": "up", "step": 0}
)
_says("request id is text", "close 4400", t="request", id="1", method="server.info")
_says("request params are a list", "close 4400", t="request", id=1, method="server.info", params=[1])


def _command(name: str, expected: str, command: dict[str, Any], incident: str | None = None) -> None:
    CASES.append(Case(name, "commands", expected, lambda a: a.command(command, incident)))


_command("unknown command", "refused invalid", {"type": "drop-table"})
_command("no type", "refused invalid", {"text": "x"})
_command("unknown field", "refused invalid", {**NOTE, "actor": "root"})
_command("text of 200 KB", "refused invalid", {"type": "add-note", "text": "x" * 200_000})
_command("text is a number", "refused invalid", {"type": "add-note", "text": 5})
_command("empty text", "refused invalid", {"type": "add-note", "text": "   "})
_command("severity SEV9", "refused invalid", {"type": "change-severity", "severity": "SEV9"})
_command("a script as link", "refused invalid", {"type": "add-link", "title": "x", "url": "javascript:alert(1)"})
_command("10,000 services", "refused invalid", {"type": "change-services", "services": ["a"] * 10_000})
_command("an incident that is not there", "refused not-found", NOTE, "INC-ZZZZ")
_command("a command for no incident", "refused not-found", NOTE, "")
_command("declare with an id", "refused invalid", {"type": "declare-incident", "title": "x"}, "INC-AAAA")
_command("merge into nothing", "refused not-found", {"type": "merge-incident", "into": "INC-ZZZZ"})
_command("redact what is not there", "refused not-found", {"type": "redact-entry", "entry": 10**6, "reason": "x"})
_command("an occurrence in the year 9999", "refused invalid", {**NOTE, "occurred_at": "9999-01-01T00:00:00Z"})


@case("an observer writes", "commands", "refused not-allowed")
async def _observer(a: Attacker) -> str:
    return await a.command(NOTE, token=await a.weak())


@case("a responder redacts", "commands", "refused not-allowed")
async def _redacts(a: Attacker) -> str:
    token = await a.weak(Access.RESPONDER)
    return await a.command({"type": "redact-entry", "entry": 1, "reason": "x"}, token=token)


@case("a token of another incident writes", "commands", "refused not-found")
async def _scoped(a: Attacker) -> str:
    return await a.command(NOTE, token=await a.weak(Access.RESPONDER, scopes=("INC-AAAA",)))


@case("a token of one incident declares", "commands", "refused not-allowed")
async def _scoped_declare(a: Attacker) -> str:
    token = await a.weak(Access.RESPONDER, scopes=("INC-AAAA",))
    return await a.command({"type": "declare-incident", "title": "x"}, "", token=token)


def _request(name: str, expected: str, method: str, by: Access = Access.ADMIN, **params: Any) -> None:
    async def attack(a: Attacker) -> str:
        return await a.request(method, token=await a.weak(by), **params)

    CASES.append(Case(name, "requests", expected, attack))


_request("unknown method", "refused not-found", "__class__")
_request("tokens by a commander", "refused not-allowed", "token.list", Access.COMMANDER)
_request("revoke by a responder", "refused not-allowed", "token.revoke", Access.RESPONDER, id="00000000")
_request("invite above oneself", "refused not-allowed", "invite.create", Access.RESPONDER, access="admin")
_request("invite by an observer", "refused not-allowed", "invite.create", Access.OBSERVER)
_request("invite for ever", "refused invalid", "invite.create", ttl_seconds=10**12)
_request("backup by a commander", "refused not-allowed", "backup", Access.COMMANDER, path="/tmp/x")
_request("backup to a relative path", "refused invalid", "backup", path="../../etc/cron.d/x")
_request("log of what is not there", "refused not-found", "log.read", incident="INC-ZZZZ")
_request("log read with limit 10^9", "refused invalid", "log.read", incident="INC-ZZZZ", limit=10**9)
_request("import of what is no archive", "refused invalid", "import", lines=["{}"])
_request("explore without telemetry", "refused unreachable", "explore", query="up", start=0, end=60, step=1)
_request("unknown parameter", "refused invalid", "server.info", verbose=True)


@case("a flood of pings", "floods", "close 4429")
async def _flood(a: Attacker) -> str:
    socket = await a.admitted()
    await socket.until("welcome")
    ping = b"\x81\x8c\0\0\0\0" + b'{"t":"ping"}'
    with_words = asyncio.create_task(socket.end())
    try:
        for _ in range(40):
            socket.writer.write(ping * 100)
            await socket.writer.drain()
    except ConnectionError:
        pass
    return await with_words


@case("a flood of commands", "floods", "close 4429")
async def _flood_commands(a: Attacker) -> str:
    socket = await a.admitted()
    await socket.until("welcome")
    ended = asyncio.create_task(socket.end())
    try:
        for n in range(1, 600):
            await socket.say(t="command", n=n, incident=a.incident, command={"type": "post-chat", "text": "spam"})
    except ConnectionError:
        pass
    return await ended


async def run(case: Case, home: House, token: str, incident: str) -> str:
    """What the attack led to."""
    attacker = Attacker(home, token, incident)
    try:
        return await asyncio.wait_for(case.attack(attacker), DEADLINE)
    finally:
        await attacker.close()


async def rows(home: House, incident: str) -> list[tuple[str, str, str, str]]:
    """(door, name, expected, got) of every case, run against `home`; those that get an address blocked come last."""
    token = await home.token("eve", Access.COMMANDER)
    last = sorted(CASES, key=lambda one: "guessing" in one.name)
    return [(one.door, one.name, one.expected, await run(one, home, token, incident)) for one in last]
