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
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
import urllib3
from requests import exceptions as refused
from requests.auth import HTTPBasicAuth

from warroom.telemetry.errors import (
    BadQuery,
    Denied,
    NotReady,
    Protocol,
    TelemetryError,
    TooHeavy,
    Unreachable,
)

LONGEST_QUERY = 1000
"""Characters of a query that go into a URL (escaped, up to three times as many); longer ones are sent as a form."""

_FORM_PATHS = ("/api/v1/query", "/api/v1/query_range", "/api/v1/labels")
_HEAVY_WORDS = ("too many samples", "maximum resolution", "deadline exceeded", "timed out", "context canceled")
_BLOCK = 65_536
_LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Limits:
    """`connect` and `total` are seconds, `body` is bytes after decompression, `samples` are values of one answer,
    `at_once` is how many questions may be open at the same time.
    """

    connect: float = 3.0
    total: float = 10.0
    body: int = 32 * 1024 * 1024
    samples: int = 500_000
    at_once: int = 8


@dataclass(frozen=True, slots=True)
class Source:
    """Where a telemetry server is and how to be let in. Secrets are not in its repr.

    `name` is what people see ("prometheus"); `url` has no user, password or query in it; give either a bearer
    `token` or `username` and `password`. `verify` is True, False, or the path of a CA file.
    Raises ValueError with one sentence about the field that cannot work.
    """

    url: str
    name: str = "prometheus"
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    verify: bool | str = True
    proxy: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url of {self.name}: it must look like http://host:9090 or https://host/prefix")
        if parts.username is not None or parts.password is not None:
            raise ValueError(f"url of {self.name}: user and password have settings of their own")
        if parts.query or parts.fragment:
            raise ValueError(f"url of {self.name}: it must not have a query or a fragment")
        if self.token is not None and self.username is not None:
            raise ValueError(f"credentials of {self.name}: give a token or a username, not both")
        for word in (self.token, self.username, self.password):
            if word is not None and not word.isprintable():
                raise ValueError(f"credentials of {self.name}: there is a line break or control character in them")

    @property
    def base(self) -> str:
        """The URL without a slash at its end."""
        return self.url.rstrip("/")

    def clean(self, text: str) -> str:
        """`text` on one line, of bounded length, with every secret of these settings struck out."""
        for secret in (self.token, self.password):
            if secret:
                text = text.replace(secret, "***")
        line = " ".join(text.split())
        return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"


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

    def __init__(self, source: Source, limits: Limits, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._source = source
        self._limits = limits
        self._monotonic = monotonic
        self._mine = threading.local()
        self.trust_env = False
        self.verify = source.verify
        self.headers["User-Agent"] = "warroom"
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
        raise self._failure(status, body, kind, payload)

    def text(self, path: str) -> tuple[int, str]:
        """Status and body of a plain-text page such as /-/ready. Raises Unreachable, TooHeavy or Protocol."""
        status, body, _kind = self._exchange("GET", self._source.base + path, {})
        return status, body.decode("utf-8", "replace")

    def _exchange(self, method: str, url: str, params: dict[str, Any]) -> tuple[int, bytes, str]:
        """Status, whole body and content type. A kept connection that the server had closed is tried once more:
        every question here only reads, so asking twice is harmless.
        """
        deadline = self._monotonic() + self._limits.total
        long = method == "POST" or len(params.get("query", "")) > LONGEST_QUERY
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

    def _failure(self, status: int, body: bytes, kind: str, payload: dict[str, Any] | None) -> TelemetryError:
        """The error for an answer that is no success."""
        name = self._source.name
        if payload is not None and payload.get("status") == "error":
            said = self._source.clean(str(payload.get("error") or payload.get("errorType") or "no reason given"))
            return _refusal(status, str(payload.get("errorType")), f"{name}: {said}", name)
        said = self._source.clean(body[:2000].decode("utf-8", "replace"))
        html = "html" in kind.lower() or said.startswith("<")
        quoted = "" if html or not said else f": {said}"
        if status in (401, 403):
            return Denied(f"{name} answered {status}; the credentials in the settings are missing or not enough")
        if status in (429, 502, 503, 504):
            return NotReady(f"{name} answered {status}{quoted}")
        if status in (413, 414):
            return TooHeavy(f"{name} answered {status}: the query is too long for it")
        if html:
            return Protocol(f"{name} answered {status} with a web page; is its URL that of a Prometheus?")
        if 200 <= status < 300:
            return Protocol(f"{name} answered with something that is not a Prometheus answer{quoted}")
        return Protocol(f"{name} answered {status}{quoted}")

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


def _refusal(status: int, kind: str, message: str, name: str) -> TelemetryError:
    """The error for an answer of the form `{"status": "error", "errorType": kind, "error": message}`."""
    lowered = message.lower()
    if kind in ("timeout", "canceled") or any(word in lowered for word in _HEAVY_WORDS):
        return TooHeavy(message)
    if status in (401, 403):
        return Denied(message)
    if kind in ("bad_data", "execution") or status in (400, 422):
        return BadQuery(message)
    if status in (429, 502, 503, 504) or kind == "unavailable":
        return NotReady(message)
    return Protocol(f"{message} ({name} answered {status})")


def _was_dropped(failed: Exception) -> bool:
    """Whether a connection ended before one byte of an answer, as kept ones do when the server closed them."""
    text = repr(failed)
    return "RemoteDisconnected" in text or "ConnectionResetError" in text or "BrokenPipeError" in text
