"""The HTTP session under the Prometheus library: bounded in time and size, and honest about failures.

`PrometheusConnect` leaves a few things open that matter here, so this session closes them underneath it: the
whole exchange has a deadline (the library's timeout is per socket operation), an answer has a largest size, a
long query travels as a form (the library puts even a POST's query into the URL), redirects are not followed,
proxies, netrc and certificates come from the settings and never from the environment, every failure is one of
`warroom.telemetry.errors`, and the warnings and infos that the library drops stay readable (`answer`).

Invariant: whatever leaves `request` is either a parsed `{"status": "success"}` answer or a TelemetryError.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
import urllib3
from requests import exceptions as refused
from requests.auth import HTTPBasicAuth

from warroom.telemetry.errors import Protocol, TelemetryError, TooHeavy, Unreachable
from warroom.telemetry.prometheus_errors import failure
from warroom.telemetry.source import Access, Limits, Source

__all__ = ["LONGEST_QUERY", "Access", "Answer", "BoundedSession", "Limits", "Source"]

LONGEST_QUERY = 1000
"""Characters of a query that go into a URL (escaped, up to three times as many); longer ones are sent as a form."""

_FORM_PATHS = ("/api/v1/query", "/api/v1/query_range", "/api/v1/labels")
_BLOCK = 65_536


class Answer(requests.Response):
    """A response that was read to its end and parsed once; `payload` is the whole JSON object."""

    def __init__(self, status: int, url: str, body: bytes, payload: Any) -> None:
        super().__init__()
        self.status_code = status
        self.url = url
        self._content = body
        self.payload = payload

    def json(self, **_kwargs: Any) -> Any:
        """What the body says; parsed already."""
        return self.payload


class BoundedSession(requests.Session):
    """See the module. Used by many threads at once: what belongs to one exchange is kept by thread."""

    def __init__(
        self,
        source: Source,
        limits: Limits,
        access: Access | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        access = access or Access()
        self._source = source
        self._limits = limits
        self._monotonic = monotonic
        self._mine = threading.local()
        self.trust_env = False
        self.verify = source.verify
        self.headers.update({"User-Agent": "warroom", **access.headers})
        if access.tenant:
            self.headers["X-Scope-OrgID"] = access.tenant
        if access.client_cert:
            self.cert = (access.client_cert, access.client_key) if access.client_key else access.client_cert
        if source.token is not None:
            self.headers["Authorization"] = f"Bearer {source.token}"
        if source.username is not None:
            self.auth = HTTPBasicAuth(source.username.encode(), (source.password or "").encode())
        if source.proxy is not None:
            self.proxies = {"http": source.proxy, "https": source.proxy}

    @property
    def answer(self) -> Answer:
        """The last answer that this thread was given."""
        answer: Answer = self._mine.answer
        return answer

    def request(  # type: ignore[override]
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        **_ignored: Any,
    ) -> Answer:
        """One question to the API, answered with a success or a TelemetryError.

        What else the library passes (timeout, certificate, its own auth) is fixed by the source and the limits.
        """
        status, body, kind = self._exchange(method, url, dict(params or {}))
        payload = self._parsed(body)
        if 200 <= status < 300 and payload is not None and payload.get("status") == "success":
            answer = self._mine.answer = Answer(status, url, body, payload)
            return answer
        raise failure(self._source, status, body, kind, payload)

    def text(self, path: str) -> tuple[int, str]:
        """Status and body of a plain-text page such as /-/ready. Raises Unreachable, TooHeavy or Protocol."""
        status, body, _kind = self._exchange("GET", self._source.base + path, {})
        return status, body.decode("utf-8", "replace")

    def _exchange(self, method: str, url: str, params: dict[str, Any]) -> tuple[int, bytes, str]:
        """Status, whole body and content type. A kept connection that the server had closed is tried once more:
        every question here only reads, so asking twice is harmless.
        """
        deadline = self._monotonic() + self._limits.total
        long = method == "POST" or sum(len(str(value)) for value in params.values()) > LONGEST_QUERY
        as_form = long and url.endswith(_FORM_PATHS)
        for last_try in (False, True):
            try:
                with super().request(
                    "POST" if as_form else "GET",
                    url,
                    params=None if as_form else params,
                    data=params if as_form else None,
                    stream=True,
                    allow_redirects=False,
                    timeout=(self._limits.connect, max(0.05, deadline - self._monotonic())),
                ) as response:
                    body = self._read(response, deadline)
                    self._refuse_redirect(response)
                    return response.status_code, body, response.headers.get("Content-Type", "")
            except (refused.RequestException, urllib3.exceptions.HTTPError) as failed:
                if last_try or not _was_dropped(failed):
                    raise self._told(failed) from None
        raise AssertionError("the second try returns or raises")

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        blocks: list[bytes] = []
        size = 0
        while block := response.raw.read1(_BLOCK, decode_content=True):
            size += len(block)
            blocks.append(block)
            if size > self._limits.body:
                raise TooHeavy(
                    f"{self._source.name} began an answer of more than {self._limits.body // 1_000_000} MB; "
                    "ask for fewer series or a longer step"
                )
            if self._monotonic() > deadline:
                raise Unreachable(self._too_slow())
        return b"".join(blocks)

    def _refuse_redirect(self, response: requests.Response) -> None:
        if 300 <= response.status_code < 400:
            target = urlsplit(response.headers.get("Location", ""))
            where = f"{target.scheme}://{target.hostname}{target.path}" if target.hostname else target.path
            raise Protocol(
                self._source.clean(
                    f"{self._source.name} redirects to {where or 'nowhere'}; set its URL to where it really answers"
                )
            )

    def _parsed(self, body: bytes) -> dict[str, Any] | None:
        try:
            payload = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        return payload if isinstance(payload, dict) else None

    def _told(self, failed: Exception) -> TelemetryError:
        """The sentence for a failed exchange; the exception's own text would repeat the whole URL."""
        name, where = self._source.name, urlsplit(self._source.url).netloc
        text = repr(failed)
        if isinstance(failed, refused.SSLError | urllib3.exceptions.SSLError) or "CERTIFICATE" in text:
            return Unreachable(f"{name} at {where} has a TLS certificate that the settings do not trust")
        if isinstance(failed, refused.Timeout | urllib3.exceptions.TimeoutError) or "timed out" in text:
            return Unreachable(self._too_slow())
        if isinstance(failed, refused.ProxyError) or "ProxyError" in text:
            return Unreachable(f"the proxy on the way to {name} at {where} does not answer")
        if "NameResolutionError" in text or "getaddrinfo" in text:
            return Unreachable(f"the host name of {name}, {where}, is not known")
        if "refused" in text:
            return Unreachable(f"{name} at {where} refused the connection")
        if "BadStatusLine" in text or "IncompleteRead" in text or "Decode" in text or "InvalidChunk" in text:
            return Protocol(f"{name} at {where} gave a broken or unfinished answer")
        return Unreachable(f"{name} at {where} cannot be reached, or dropped the connection")

    def _too_slow(self) -> str:
        where = urlsplit(self._source.url).netloc
        return f"{self._source.name} at {where} gave no full answer within {self._limits.total:g} s"


def _was_dropped(failed: Exception) -> bool:
    """Whether a connection ended before one byte of an answer, as kept ones do when the server closed them."""
    text = repr(failed)
    return "RemoteDisconnected" in text or "ConnectionResetError" in text or "BrokenPipeError" in text
