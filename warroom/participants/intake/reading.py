"""Reading of requests that strangers may send: size, time, type, depth, secret, rate.

One invariant: `read_json` either returns decoded JSON within all limits, or raises `Rejected` with the exact status.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.requests import ClientDisconnect, Request

_JSON: Final = re.compile(
    r"application/(?:[\w.-]+\+)?json\s*(?:;\s*charset\s*=\s*\"?utf-?8\"?\s*)?;?\s*", re.IGNORECASE
)
_MOST_ADDRESSES: Final = 4096


class Rejected(Exception):
    """A request that is answered with `status` and one sentence. `body` is what was read, if anything."""

    def __init__(self, status: int, words: str, *, field: str = "", body: bytes = b"", retry_after: int = 0) -> None:
        super().__init__(words)
        self.status = status
        self.words = words
        self.field = field
        self.body = body
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one request."""

    size: int = 1024 * 1024
    depth: int = 32
    seconds: float = 10.0


async def read_json(request: Request, bounds: Bounds) -> tuple[Any, bytes]:
    """The decoded body, and its bytes.

    Raises:
        Rejected: 415 not JSON or compressed, 411 or 413 no or too much length, 408 too slow, 400 not decodable.
    """
    kind = request.headers.get("content-type", "")
    if not _JSON.fullmatch(kind):
        raise Rejected(415, "send the body as application/json in UTF-8", field="content-type")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Rejected(415, "send the body without compression", field="content-encoding")
    body = await _read_body(request, bounds)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        words = f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise Rejected(400, words, field="body", body=body) from None
    if too_deep(value, bounds.depth):
        raise Rejected(400, f"the body is nested deeper than {bounds.depth} levels", field="body", body=body)
    return value, body


async def _read_body(request: Request, bounds: Bounds) -> bytes:
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told[:20]) > bounds.size:
        raise Rejected(413, f"the body is larger than {bounds.size} bytes", field="content-length")
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(bounds.seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > bounds.size:
                    raise Rejected(413, f"the body is larger than {bounds.size} bytes", field="body")
                chunks.append(chunk)
    except TimeoutError:
        raise Rejected(408, f"the body took longer than {bounds.seconds:g} seconds", field="body") from None
    except ClientDisconnect:
        raise Rejected(400, "the connection ended before the body did", field="body") from None
    return b"".join(chunks)


def too_deep(value: Any, limit: int) -> bool:
    """Whether lists and objects stand in one another more than `limit` deep. Does not recurse."""
    level = [value] if isinstance(value, dict | list) else []
    depth = 0
    while level:
        depth += 1
        if depth > limit:
            return True
        children = (child for parent in level for child in (parent.values() if isinstance(parent, dict) else parent))
        level = [child for child in children if isinstance(child, dict | list)]
    return False


class Secrets:
    """Named secrets, held as digests and compared in constant time."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        for name, secret in secrets.items():
            if len(secret) < 16:
                raise ValueError(
                    f"the secret {name!r} is shorter than 16 characters; make one with: openssl rand -hex 16"
                )
        self._digests = [(name, _digest(secret)) for name, secret in secrets.items()]

    def name_of(self, given: str) -> str | None:
        """The name of the secret that was given, or None. All are compared, so time tells nothing."""
        digest = _digest(given)
        found: str | None = None
        for name, known in self._digests:
            if hmac.compare_digest(digest, known):
                found = name
        return found

    def __bool__(self) -> bool:
        return bool(self._digests)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def credential_of(authorization: str) -> str:
    """The secret in an Authorization header: a bearer token, or the password of basic authentication."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic" and len(rest) <= 4096:
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


class RateLimit:
    """Token buckets, one per address; the least recently seen address is forgotten first."""

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admit(self, address: str) -> bool:
        """Take one token of this address; False when it has none left."""
        now = self._clock()
        tokens, then = self._buckets.pop(address, (self._burst, now))
        tokens = min(self._burst, tokens + max(0.0, now - then) * self._per_second)
        admitted = tokens >= 1.0
        self._buckets[address] = (tokens - 1.0 if admitted else tokens, now)
        if len(self._buckets) > _MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return admitted
