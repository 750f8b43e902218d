"""Parameters of requests to Prometheus's API, read as it reads them. Refusals are PromqlError with its words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import isfinite
from urllib.parse import parse_qsl

from starlette.requests import Request

from warroom.embedded.promql.errors import PromqlError

LARGEST = 4 * 1024 * 1024
"""Bytes of a form."""

_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?")
_SECONDS = (31_536_000.0, 604_800.0, 86_400.0, 3600.0, 60.0, 1.0, 0.001)
_ESCAPED = re.compile(r"__|_([0-9A-Fa-f]{1,6})_|_")


class Params:
    """Of the URL and of a form, in that order."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = pairs

    def get(self, name: str, default: str = "") -> str:
        """The first value of a name."""
        return next((value for one, value in self._pairs if one == name), default)

    def all(self, name: str) -> list[str]:
        """All values of a name."""
        return [value for one, value in self._pairs if one == name]

    def time(self, name: str, default: float) -> float:
        """Seconds since the epoch, or RFC 3339."""
        text = self.get(name)
        if not text:
            return default
        found = _number(text)
        if found is None:
            try:
                at = datetime.fromisoformat(text)
            except ValueError:
                at = None
            found = at.timestamp() if at is not None and at.tzinfo is not None else None
        if found is None:
            words = f'cannot parse "{text}" to a valid timestamp'
            # Only the moment of an instant query is named twice.
            raise wrong(name, f"invalid time value for '{name}': {words}" if name == "time" else words)
        return found

    def seconds(self, name: str) -> float:
        """A duration: seconds, or Prometheus's words for it."""
        text = self.get(name)
        found = _number(text)
        if found is None:
            parts = _DURATION.fullmatch(text) if text else None
            if parts is None:
                raise wrong(name, f'cannot parse "{text}" to a valid duration')
            found = sum(int(part) * size for part, size in zip(parts.groups(), _SECONDS, strict=True) if part)
        return found

    def limit(self) -> int:
        """How many items at most; 0 for all."""
        text = self.get("limit")
        if not text:
            return 0
        if not text.lstrip("-").isdigit():
            raise wrong("limit", f'cannot parse "{text}" to a valid limit')
        if int(text) < 0:
            raise wrong("limit", "limit must be non-negative")
        return int(text)


async def params_of(request: Request) -> Params:
    """The parameters of a request. Raises PromqlError for a form that is too large or no text."""
    pairs = list(request.query_params.multi_items())
    if request.method == "POST":
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > LARGEST:
                raise PromqlError("bad_data", "error parsing form values: http: request body too large")
        try:
            # A form counts before the URL.
            pairs = [*parse_qsl(body.decode(), keep_blank_values=True), *pairs]
        except (UnicodeDecodeError, ValueError):
            raise PromqlError("bad_data", "error parsing form values: it is no text") from None
    return Params(pairs)


def wrong(name: str, words: str) -> PromqlError:
    """A parameter that cannot be."""
    return PromqlError("bad_data", f'invalid parameter "{name}": {words}')


def label_name(escaped: str) -> str:
    """The name in a path: one that begins with `U__` has its odd signs as hex digits between underscores."""
    if not escaped.startswith("U__"):
        return escaped

    def sign(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) if found[1] else "_"

    try:
        return _ESCAPED.sub(sign, escaped[3:])
    except (ValueError, OverflowError):
        raise PromqlError("bad_data", f'invalid label name: "{escaped}"') from None


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if isfinite(found) and "_" not in text else None


def chosen(values: Mapping[str, Sequence[str]], name: str, value: str) -> bool:
    """Whether a filter lets a value through: it is not asked for, or the value is among what is asked for."""
    wanted = values.get(name, ())
    return not wanted or value in wanted
