"""The connection itself: made, kept, given up, made again, until told to stop. All bytes of the client pass here.

Invariant: at most one connection at a time, and nothing here waits for the server longer than its deadline.
Deadlines are `asyncio.timeout`: before Python 3.12 `wait_for` may swallow a cancellation.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException

from warroom.client.backoff import Backoff
from warroom.wire.messages import MAX_DOWN, CloseCode

_log = logging.getLogger(__name__)

OPEN_TIMEOUT = 8.0
_CLOSE_TIMEOUT = 0.3
_FINAL = {
    CloseCode.UNAUTHORISED: "the server does not know this token, or it has expired",
    CloseCode.FORBIDDEN: "the server does not let this token in",
    CloseCode.REPLACED: "another client connected with the same outbox",
    CloseCode.TOO_OLD: "this version of warroom and the server's do not understand each other",
}
_HTTP_FINAL = {
    401: "the server does not know this token or invite, or it has expired",
    403: "the server does not let this token in",
}


class Driver(Protocol):
    """What stands on a transport: told what happens, asked what time it needs."""

    def on_connecting(self) -> None: ...
    def on_connected(self) -> None: ...
    def on_text(self, data: str) -> None: ...
    def on_binary(self, data: bytes) -> None: ...
    def on_tick(self) -> None: ...
    def due(self) -> float:
        """Loop time of the next tick."""
        ...

    def on_lost(self, words: str, retry_in: float) -> None: ...
    def on_refused(self, words: str) -> None: ...
    def on_foreign(self) -> bool:
        """The outbox is another name's; returns whether to come again with another one."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """Why a connection ended; `final` when coming back by itself is of no use."""

    words: str
    retry_after: float = 0.0
    final: bool = False
    foreign: bool = False


class Transport:
    """Runs connections to one address for a `Driver`, in `run`."""

    def __init__(
        self,
        url: str,
        headers: Callable[[], dict[str, str]],
        driver: Driver,
        *,
        tls: ssl.SSLContext | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._url = url
        self._headers = headers
        self._driver = driver
        self._tls = tls
        self._backoff = Backoff(rng)
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._ended: asyncio.Future[Ended] | None = None
        self._poke = asyncio.Event()
        self._hurry = asyncio.Event()

    def write(self, data: bytes) -> None:
        """Queue a text frame for the present connection."""
        self._outgoing.put_nowait(data)

    def poke(self) -> None:
        """The time of the next tick may have changed."""
        self._poke.set()

    def hurry(self) -> None:
        """Try to connect now instead of at the end of the wait."""
        self._hurry.set()

    def drop(self, words: str, retry_after: float = 0.0) -> None:
        """Give the present connection up and come back."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(Ended(words, retry_after))

    async def flush(self, timeout: float) -> None:
        """Wait until everything queued has been handed to the network, at most `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._outgoing.join()
        except TimeoutError:
            return

    async def run(self) -> None:
        """Connect, serve the driver, reconnect: until cancelled or refused."""
        loop = asyncio.get_running_loop()
        while True:
            self._driver.on_connecting()
            began = loop.time()
            ended = await self._once()
            self._backoff.was_live(loop.time() - began)
            if ended.foreign and self._driver.on_foreign():
                await asyncio.sleep(self._backoff.next())
                continue
            if ended.final or ended.foreign:
                self._driver.on_refused(ended.words)
                return
            wait = self._backoff.next(ended.retry_after)
            self._driver.on_lost(ended.words, wait)
            self._hurry.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._hurry.wait()
            except TimeoutError:
                continue

    async def _once(self) -> Ended:
        try:
            connection = await connect(
                self._url,
                additional_headers=self._headers(),
                ssl=self._tls,
                proxy=None,
                compression=None,
                open_timeout=OPEN_TIMEOUT,
                ping_interval=None,
                close_timeout=_CLOSE_TIMEOUT,
                max_size=2 * MAX_DOWN,
                max_queue=64,
            )
        except (OSError, EOFError, WebSocketException, ValueError) as failure:
            return explain(failure, self._url)
        self._outgoing = asyncio.Queue()
        self._ended = asyncio.get_running_loop().create_future()
        self._driver.on_connected()
        tasks = [
            asyncio.create_task(self._read(connection)),
            asyncio.create_task(self._write(connection, self._outgoing)),
            asyncio.create_task(self._tick()),
        ]
        try:
            either: list[asyncio.Future[Any]] = [*tasks, self._ended]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            dropped = self._ended.result() if self._ended.done() else None
            self._ended.cancel()
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await _hang_up(connection, politely=dropped is None)
        if dropped is not None:
            return dropped
        for result in results:
            if isinstance(result, ConnectionClosed):
                return explain(result, self._url)
            if isinstance(result, Exception):
                _log.error("the connection ended with a fault of our own", exc_info=result)
                return Ended("this client stumbled over what the server sent", retry_after=1.0)
        return explain(EOFError(), self._url)

    async def _read(self, connection: ClientConnection) -> None:
        while True:
            data = await connection.recv()
            if isinstance(data, str):
                self._driver.on_text(data)
            else:
                self._driver.on_binary(data)
            self._poke.set()

    async def _write(self, connection: ClientConnection, outgoing: asyncio.Queue[bytes]) -> None:
        while True:
            data = await outgoing.get()
            await connection.send(data, text=True)
            outgoing.task_done()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            wait = self._driver.due() - loop.time()
            if wait <= 0:
                self._driver.on_tick()
                wait = max(0.02, self._driver.due() - loop.time())
            self._poke.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._poke.wait()
            except TimeoutError:
                continue


async def _hang_up(connection: ClientConnection, *, politely: bool) -> None:
    """Close; a peer that does not answer is cut off, since closing would wait for it."""
    if politely:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await connection.close()
        except TimeoutError:
            connection.transport.abort()
    else:
        connection.transport.abort()
    await connection.wait_closed()


def explain(failure: Exception, url: str) -> Ended:
    """Why it failed, in words, and whether trying again by itself makes sense."""
    match failure:
        case ConnectionClosed():
            return _closed(failure)
        case InvalidStatus():
            return _status(failure)
        case TimeoutError():
            return Ended(f"no answer from {url}")
        case ssl.SSLCertVerificationError():
            return Ended(f"the certificate of {url} is not trusted: {failure.verify_message}", final=True)
        case ssl.SSLError():
            return Ended(f"no encrypted connection to {url}: {failure.reason or failure}")
        case socket.gaierror():
            return Ended(f"the name in {url} cannot be resolved")
        case ConnectionRefusedError():
            return Ended(f"nothing answers at {url}")
        case OSError():
            return Ended(f"cannot reach {url}: {failure.strerror or 'the network does not allow it'}")
        case ValueError() if not isinstance(failure, WebSocketException):
            return Ended(f"{url} is not an address: {failure}", final=True)
        case InvalidHandshake() if isinstance(failure.__cause__, EOFError):
            return Ended("the connection was cut")
        case InvalidHandshake():
            return Ended(f"what answers at {url} is not a warroom server")
    return Ended("the connection was cut")


def _closed(failure: ConnectionClosed) -> Ended:
    close = failure.rcvd
    if close is None:
        return Ended("the connection was cut")
    if close.code == CloseCode.FOREIGN:
        return Ended(close.reason or "this outbox belongs to somebody else", foreign=True)
    if close.code in _FINAL:
        return Ended(close.reason or _FINAL[close.code], final=True)
    words = close.reason or ("the server is going down" if close.code == CloseCode.RESTART else "the server hung up")
    return Ended(words, retry_after=2.0 if close.code == CloseCode.FLOODING else 0.0)


def _status(failure: InvalidStatus) -> Ended:
    response = failure.response
    code = response.status_code
    if code in _HTTP_FINAL:
        return Ended(_HTTP_FINAL[code], final=True)
    try:
        wait = min(300.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        wait = 5.0 if code == 429 else 0.0
    if code == 429:
        return Ended("too many attempts; the server asks to wait", retry_after=wait)
    return Ended(f"the server answered {code}", retry_after=wait)
