"""More hostile input at the server's port: odd HTTP, fragments, floods, hidden rooms, files on the server.

`CASES` run against the same server as those of `tests.server.hostile`.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Callable
from typing import Any

from tests.server.hostile import NOTE, UPGRADE, Attacker, Case, Socket
from warroom.incident.words import Access
from warroom.server.session import MOST_QUESTIONS

CASES: list[Case] = []


def case(name: str, door: str, expected: str) -> Callable[[Any], Any]:
    def add(attack: Any) -> Any:
        CASES.append(Case(name, door, expected, attack))
        return attack

    return add


async def welcomed(a: Attacker, token: str | None = None, **hello: Any) -> Socket:
    socket = await a.admitted(token, **hello)
    await socket.until("welcome")
    return socket


# -- HTTP --------------------------------------------------------------------------------------------------------------


def _raw(name: str, expected: str, data: bytes) -> None:
    async def attack(a: Attacker) -> str:
        socket = await a.tcp()
        socket.writer.write(data)
        try:
            await socket.writer.drain()
            line = await socket.reader.readline()
        except ConnectionError:
            line = b""
        return f"http {line.split()[1].decode()}" if line else "cut"

    CASES.append(Case(name, "http", expected, attack))


_raw("no Host", "http 403", b"GET /healthz HTTP/1.1\r\n\r\n")
_raw("two Hosts", "http 403", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
_raw("Host with a path", "http 403", b"GET /healthz HTTP/1.1\r\nHost: evil.example/localhost\r\n\r\n")
_raw("Host that only begins right", "http 403", b"GET /healthz HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n")
_raw("user name in Host", "http 403", b"GET /healthz HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n")
_raw("absolute address", "http 404", b"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
_raw("HTTP/1.0", "http 200", b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
_raw("HTTP/2 preface", "cut", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
_raw("a TLS hello", "cut", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64 + b"\r\n\r\n")
_raw("a body by length", "cut", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello")
_raw("a body by chunks", "cut", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
_raw("a header without colon", "cut", b"GET /healthz HTTP/1.1\r\nHost localhost\r\n\r\n")
_raw("a header with NUL", "cut", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n")
_raw("bare line feeds", "cut", b"GET /healthz HTTP/1.1\nHost: localhost\n\n")
_raw("a folded header", "cut", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n")
_raw("an escape sequence as path", "http 404", b"GET /\x1b[31m HTTP/1.1\r\nHost: localhost\r\n\r\n")


# -- frames ------------------------------------------------------------------------------------------------------------


@case("a message in 10,000 fragments", "frames", "close 1009")
async def _fragments(a: Attacker) -> str:
    socket = await welcomed(a)
    said = b'{"t":"ping","at":1.0' + b" " * 9_979 + b"}"
    parts = b"".join(
        bytes([(1 if at == 0 else 0) | (0x80 if at == len(said) - 1 else 0), 0x81]) + b"\0\0\0\0" + said[at : at + 1]
        for at in range(len(said))
    )
    socket.writer.write(parts)
    return await socket.end()


@case("fragments without end", "frames", "close 1009")
async def _endless(a: Attacker) -> str:
    socket = await welcomed(a)
    ended = asyncio.create_task(socket.end())
    try:
        await socket.frame(b"{", fin=False)
        for _ in range(80):
            await socket.frame(b" " * 4096, opcode=0, fin=False)
    except ConnectionError:
        pass
    return await ended


@case("a new message between fragments", "frames", "close 1002")
async def _between(a: Attacker) -> str:
    socket = await welcomed(a)
    await socket.frame(b"{", fin=False)
    await socket.frame(b"{}")
    return await socket.end()


@case("a fragmented ping", "frames", "close 1002")
async def _control(a: Attacker) -> str:
    socket = await welcomed(a)
    await socket.frame(b"x", opcode=9, fin=False)
    return await socket.end()


@case("a compressed bomb", "frames", "close 1002")
async def _bomb(a: Attacker) -> str:
    socket = await a.tcp()
    asked = {**UPGRADE, "Host": "127.0.0.1", "Authorization": f"Bearer {a.token}"}
    asked["Sec-WebSocket-Extensions"] = "permessage-deflate; client_max_window_bits"
    socket.writer.write(
        "".join(["GET /ws HTTP/1.1\r\n", *(f"{k}: {v}\r\n" for k, v in asked.items()), "\r\n"]).encode()
    )
    answer = await socket.reader.readuntil(b"\r\n\r\n")
    if b"permessage-deflate" in answer:
        return "compression was agreed to"
    await socket.hello()
    await socket.until("welcome")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    await socket.frame(packer.compress(b" " * 50_000_000) + packer.flush(zlib.Z_SYNC_FLUSH), rsv=0x40)
    return await socket.end()


def _json(name: str, expected: str, data: bytes) -> None:
    CASES.append(Case(name, "frames", expected, lambda a: a.frame(data)))


_json("two `t`, the last one counts", "close 4400", b'{"t":"ping","t":"exec"}')
_json("a number of 10,000 digits", "close 4400", b'{"t":"confirm","n":' + b"9" * 10_000 + b"}")
_json("100,000 keys", "close 4400", b'{"t":"ping",' + b",".join(b'"k%d":1' % n for n in range(18_000)) + b"}")
_json("a NUL in a name", "close 4400", b'{"t":"request","id":1,"method":"x","par\\u0000ams":{}}')
_json("a byte order mark", "close 4400", b'\xef\xbb\xbf{"t":"ping"}')
_json("two frames in one", "close 4400", b'{"t":"ping"}{"t":"ping"}')
_json("a comment", "close 4400", b'{"t":"ping"/* */}')


# -- what must not be seen or kept -------------------------------------------------------------------------------------


async def _hidden(a: Attacker) -> str:
    owner = await a.home.raw(await a.home.token("owner"))
    try:
        return await owner.declare(title="Secret", private=True)
    finally:
        await owner.close()


@case("subscribe to a private incident", "hidden", "closed not-found")
async def _private(a: Attacker) -> str:
    socket = await welcomed(a, await a.weak(Access.RESPONDER))
    await socket.say(t="subscribe", position={"incident": await _hidden(a)})
    return f"closed {(await socket.until('closed'))['reason']}"


@case("a private incident in the list", "hidden", "not listed")
async def _listed(a: Attacker) -> str:
    hidden = await _hidden(a)
    socket = await welcomed(a, await a.weak(Access.RESPONDER))
    await socket.say(t="lobby")
    lines = (await socket.until("incidents"))["lines"]
    return "listed" if hidden in [line["incident"] for line in lines] else "not listed"


def _of_hidden(method: str, **params: Any) -> None:
    async def attack(a: Attacker) -> str:
        token = await a.weak(Access.RESPONDER)
        return await a.request(method, token=token, incident=await _hidden(a), **params)

    CASES.append(Case(f"{method} of a private incident", "hidden", "refused not-found", attack))


for _method in ("log.read", "verify", "export", "signed-heads", "panels.for", "playbooks.suggest"):
    _of_hidden(_method)


@case("a command to a private incident", "hidden", "refused not-found")
async def _into(a: Attacker) -> str:
    return await a.command(NOTE, await _hidden(a), token=await a.weak(Access.RESPONDER))


@case("a panel of a private incident", "hidden", "closed not-found")
async def _panel(a: Attacker) -> str:
    socket = await welcomed(a, await a.weak(Access.RESPONDER))
    await socket.say(t="watch", incident=await _hidden(a), id="a", panel={"title": "x", "query": "up"})
    return f"closed {(await socket.until('closed'))['reason']}"


@case("the list by a token of another incident", "hidden", "not listed")
async def _scoped(a: Attacker) -> str:
    socket = await welcomed(a, await a.weak(Access.ADMIN, scopes=("INC-AAAA",)))
    await socket.say(t="lobby")
    return "listed" if (await socket.until("incidents"))["lines"] else "not listed"


@case("tokens by an admin of one incident", "hidden", "refused not-allowed")
async def _scoped_admin(a: Attacker) -> str:
    return await a.request("token.list", token=await a.weak(Access.ADMIN, scopes=("INC-AAAA",)))


@case("an unbounded invite by a bounded token", "hidden", "refused not-allowed")
async def _wider(a: Attacker) -> str:
    token = await a.weak(Access.RESPONDER, scopes=("INC-AAAA",))
    return await a.request("invite.create", token=token, access="responder")


@case("an invite to act as somebody else", "requests", "refused not-allowed")
async def _as_another(a: Attacker) -> str:
    await a.home.token("ana", Access.COMMANDER)
    return await a.request("invite.create", token=await a.weak(Access.RESPONDER), name="Ana")


@case("escape sequences in a note", "commands", "stored without them")
async def _escapes(a: Attacker) -> str:
    socket = await welcomed(a)
    text = "\x1b[2J\x1b]0;owned\x07\u202egpj.exe\x00\x9b31m fine"
    await socket.say(t="command", n=1, incident=a.incident, command={"type": "add-note", "text": text})
    seq = (await socket.until("outcome"))["seq"]
    params = {"incident": a.incident, "after": seq - 1, "limit": 1}
    await socket.say(t="request", id=1, method="log.read", params=params)
    kept = (await socket.until("response"))["result"]["records"][0]["event"]["text"]
    return "stored without them" if kept == "[2J]0;ownedgpj.exe31m fine" else f"stored as {kept!r}"


@case("a password file as an archive", "requests", "refused invalid")
async def _file(a: Attacker) -> str:
    socket = await welcomed(a, await a.weak(Access.ADMIN))
    await socket.say(t="request", id=1, method="import", params={"path": "/etc/passwd"})
    said = await socket.until("response")
    return "its text was told" if "root:" in json.dumps(said) else f"refused {said['reason']}"


@case("a directory as an archive", "requests", "refused invalid")
async def _directory(a: Attacker) -> str:
    return await a.request("import", token=await a.weak(Access.ADMIN), path="/etc")


@case("an endless file as an archive", "requests", "refused invalid")
async def _zero(a: Attacker) -> str:
    return await a.request("import", token=await a.weak(Access.ADMIN), path="/dev/zero")


@case("a backup over a file", "requests", "refused invalid")
async def _over(a: Attacker) -> str:
    return await a.request("backup", token=await a.weak(Access.ADMIN), path="/etc/hostname")


@case("201 incidents followed", "floods", "closed limit")
async def _followed(a: Attacker) -> str:
    socket = await welcomed(a)
    await socket.say(t="subscribe", position={"incident": a.incident})
    first = await socket.until("snapshot")
    return "closed limit" if await _fill(a, socket) == "limit" else str(first)


async def _fill(a: Attacker, socket: Socket) -> str:
    writer = await a.home.raw(await a.home.token("maker"))
    for n in range(1, 202):
        incident = await writer.declare(n=n)
        await socket.say(t="subscribe", position={"incident": incident})
        while (said := await _next(socket))["t"] not in ("snapshot", "closed") or said["incident"] != incident:
            continue
        if said["t"] == "closed":
            await writer.close()
            return str(said["reason"])
    await writer.close()
    return "all"


async def _next(socket: Socket) -> dict[str, Any]:
    while True:
        opcode, data = await socket.receive()
        if opcode == 8:
            return {"t": "closed", "incident": "", "reason": f"close {int.from_bytes(data[:2], 'big')}"}
        if opcode == 1:
            said: dict[str, Any] = json.loads(data)
            return said


# -- floods ------------------------------------------------------------------------------------------------------------


def _flood(name: str, frame: dict[str, Any], times: int) -> None:
    async def attack(a: Attacker) -> str:
        socket = await welcomed(a)
        ended = asyncio.create_task(socket.end())
        data = json.dumps(frame).encode()
        try:
            for _ in range(times):
                await socket.frame(data)
        except ConnectionError:
            pass
        return await ended

    CASES.append(Case(name, "floods", "close 4429", attack))


_flood("a flood of subscribes", {"t": "subscribe", "position": {"incident": "INC-0000"}}, 3000)
_flood("a flood of requests", {"t": "request", "id": 1, "method": "server.info"}, 3000)
_flood("a flood of presence", {"t": "presence", "incident": "INC-0000", "typing": True}, 3000)
_flood("a flood of bytes", {"t": "request", "id": 1, "method": "x", "params": {"a": "y" * 200_000}}, 60)


@case("500 verifications of the whole log at once", "floods", "32 answered at a time, refused limit")
async def _questions(a: Attacker) -> str:
    socket = await welcomed(a)
    for n in range(500):
        await socket.say(t="request", id=n, method="verify")
    reasons = {(await socket.until("response"))["reason"] for _ in range(500)}
    return f"{MOST_QUESTIONS} answered at a time, refused limit" if reasons == {"", "limit"} else str(sorted(reasons))


@case("100 handshakes that never end", "floods", "cut")
async def _slow(a: Attacker) -> str:
    opened = [await a.tcp() for _ in range(100)]
    for one in opened:
        one.writer.write(b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    answers = await asyncio.gather(*(one.reader.read(1) for one in opened), return_exceptions=True)
    return "cut" if all(said == b"" or isinstance(said, ConnectionError) for said in answers) else str(answers)


@case("200 silent connections", "floods", "close 4408")
async def _silent(a: Attacker) -> str:
    opened = [await a.opened() for _ in range(200)]
    return ", ".join(sorted(set(await asyncio.gather(*(one.end() for one in opened)))))
