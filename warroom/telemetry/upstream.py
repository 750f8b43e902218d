"""HTTP to a telemetry server: let in, bounded in time and size, cancellable, and honest about failures.

Invariant: whatever leaves `Upstream` is an answer read to its end or a TelemetryError whose sentence carries the
server's own words and no secret. Redirects are not followed; proxies and certificates come from the settings only.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx
import orjson

from warroom.telemetry.errors import BadQuery, Denied, NotReady, Protocol, TelemetryError, TooHeavy, Unreachable
from warroom.telemetry.source import Access, Limits, Source

__all__ = ["Access", "Answer", "Limits", "Params", "Source", "Upstream", "Words", "tls_of"]

Params: TypeAlias = Sequence[tuple[str, str]]
"""Query parameters or form fields; a name may come several times."""

_BUSY = frozenset({429, 502, 503, 504})
_HEAVY = ("too many", "exceed", "deadline", "timed out", "timeout", "too long", "limit", "too large")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `kind` is its content type, in lower case."""

    status: int
    body: bytes
    kind: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text, whatever is in it."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """What the body says, whatever content type was claimed. Raises ValueError when it is no JSON."""
        return orjson.loads(self.body)


Words: TypeAlias = Callable[[Answer], str]
"""Finds a server's own words in an answer that is no success; empty when there are none."""


class Upstream:
    """One server. Belongs to one event loop; `close` it there.

    `transport` is for tests of what no real server can be made to do.
    """

    def __init__(
        self,
        source: Source,
        limits: Limits | None = None,
        access: Access | None = None,
        *,
        words: Words | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """
        Raises:
            ValueError: a certificate or a key cannot be used; the sentence says which.
        """
        self.source = source
        self.limits = limits or Limits()
        self.access = access or Access()
        self._words = words or (lambda answer: answer.text)
        self._places = asyncio.Semaphore(self.limits.at_once)
        self._client = httpx.AsyncClient(
            auth=_auth(source),
            headers=_headers(source, self.access),
            verify=tls_of(source, self.access),
            proxy=source.proxy,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(self.limits.total, connect=self.limits.connect),
            transport=transport,
        )

    async def close(self) -> None:
        """Drop the kept connections."""
        await self._client.aclose()

    async def get(self, path: str, params: Params = (), *, timeout: float | None = None) -> Answer:
        """A question that only reads; a kept connection that the server had closed is tried once more."""
        return await self.ask("GET", path, params=params, timeout=timeout, again=True)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        form: Params | None = None,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        again: bool = False,
    ) -> Answer:
        """Any exchange that succeeds. `path` begins with a slash; `timeout` (seconds) bounds all of it.

        `again` allows one more try where the connection ended before an answer: only for what may be said twice.
        Raises a TelemetryError for everything else.
        """
        answer = await self.exchange(
            method, path, params=params, form=form, json=json, content=content, headers=headers, timeout=timeout,
            again=again,
        )  # fmt: skip
        if answer.ok:
            return answer
        raise self.refusal(answer)

    async def exchange(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        form: Params | None = None,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        again: bool = False,
    ) -> Answer:
        """As `ask`, but an answer that is no success is an answer too."""
        sent, kind = _body(form, json, content)
        request = self._client.build_request(
            method,
            self.source.base + path,
            params=list(params) or None,
            content=sent,
            headers={**kind, **(headers or {})},
        )
        limit = timeout or self.limits.total
        for last in (False, True) if again else (True,):
            try:
                async with asyncio.timeout(limit), self._places:
                    return await self._read(request)
            except TimeoutError:
                raise Unreachable(self._too_slow(limit)) from None
            except (httpx.RemoteProtocolError, httpx.ReadError) as dropped:
                if last:
                    raise self._told(dropped) from None
            except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as failed:
                raise self._told(failed) from None
        raise AssertionError("the last try returns or raises")

    async def _read(self, request: httpx.Request) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            self._refuse_redirect(response)
            blocks: list[bytes] = []
            size = 0
            async for block in response.aiter_bytes():
                size += len(block)
                if size > self.limits.body:
                    most = self.limits.body // 1_000_000
                    raise TooHeavy(f"{self.source.name} began an answer of more than {most} MB; ask for less")
                blocks.append(block)
        finally:
            await response.aclose()
        return Answer(response.status_code, b"".join(blocks), response.headers.get("content-type", "").lower())

    def _refuse_redirect(self, response: httpx.Response) -> None:
        if 300 <= response.status_code < 400:
            target = urlsplit(response.headers.get("location", ""))
            where = f"{target.scheme}://{target.hostname}{target.path}" if target.hostname else target.path
            raise Protocol(
                self.source.clean(
                    f"{self.source.name} redirects to {where or 'nowhere'}; set its URL to where it really answers"
                )
            )

    def refusal(self, answer: Answer) -> TelemetryError:
        """The error for an answer that is no success, with the server's own words."""
        name, status = self.source.name, answer.status
        html = "html" in answer.kind or answer.text.lstrip().startswith("<")
        said = "" if html else self.source.clean(self._words(answer)[:2000])
        quoted = f": {said}" if said else ""
        if status in (401, 403):
            return Denied(f"{name} answered {status}{quoted}; are the credentials in the settings right?")
        if any(word in said.lower() for word in _HEAVY) and status in (400, 413, 422, 429, 500, 503, 504):
            return TooHeavy(f"{name}{quoted}")
        if status in _BUSY:
            return NotReady(f"{name} answered {status}{quoted}")
        if html:
            return Protocol(f"{name} answered {status} with a web page; is its URL right?")
        if status in (400, 404, 409, 410, 413, 422, 501):
            return BadQuery(f"{name}{quoted}" if said else f"{name} answered {status}")
        return Protocol(f"{name} answered {status}{quoted}")

    def strange(self, what: object) -> Protocol:
        """The error for an answer of a shape that no such server gives."""
        return Protocol(f"{self.source.name} answered in a shape that is not its own ({what})")

    def _told(self, failed: Exception) -> TelemetryError:
        """The sentence for a failed exchange; the exception's own text could repeat a whole URL."""
        name, where, text = self.source.name, urlsplit(self.source.url).netloc, repr(failed)
        if "CERTIFICATE" in text or "SSL" in text:
            return Unreachable(f"{name} at {where} has a TLS certificate that the settings do not trust, or wants one")
        if isinstance(failed, httpx.TimeoutException):
            return Unreachable(self._too_slow(self.limits.total))
        if isinstance(failed, httpx.ProxyError):
            return Unreachable(f"the proxy on the way to {name} at {where} does not answer")
        if "Name or service not known" in text or "getaddrinfo" in text or "nodename" in text:
            return Unreachable(f"the host name of {name}, {where}, is not known")
        if isinstance(failed, httpx.ConnectError):
            return Unreachable(f"{name} at {where} refused the connection")
        if isinstance(failed, httpx.DecodingError | httpx.RemoteProtocolError):
            return Protocol(f"{name} at {where} gave a broken or unfinished answer")
        return Unreachable(f"{name} at {where} cannot be reached, or dropped the connection")

    def _too_slow(self, seconds: float) -> str:
        where = urlsplit(self.source.url).netloc
        return f"{self.source.name} at {where} gave no full answer within {seconds:g} s"


def tls_of(source: Source, access: Access) -> ssl.SSLContext | bool:
    """What to trust and what to show, as the settings say.

    Raises:
        ValueError: a file cannot be used; the sentence says which.
    """
    if not source.base.startswith("https"):
        return False
    try:
        context = ssl.create_default_context(cafile=source.verify if isinstance(source.verify, str) else None)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"ca_file of {source.name}: {source.verify} cannot be used: {error}") from None
    if source.verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if access.client_cert:
        try:
            context.load_cert_chain(access.client_cert, access.client_key or None)
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"client_cert of {source.name}: {access.client_cert} cannot be used: {error}") from None
    return context


def _auth(source: Source) -> httpx.Auth | None:
    if source.username is None:
        return None
    return httpx.BasicAuth(source.username.encode(), (source.password or "").encode())


def _headers(source: Source, access: Access) -> dict[str, str]:
    headers = {"User-Agent": "warroom", **access.headers}
    if source.token is not None:
        headers["Authorization"] = f"Bearer {source.token}"
    if access.tenant:
        headers["X-Scope-OrgID"] = access.tenant
    return headers


def _body(form: Params | None, json: Any, content: bytes | None) -> tuple[bytes | None, dict[str, str]]:
    if form is not None:
        return str(httpx.QueryParams(list(form))).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    if json is not None:
        return orjson.dumps(json), {"Content-Type": "application/json"}
    return content, {}
