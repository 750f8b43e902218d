"""A Prometheus that refuses: which error it is, with its own words.

Errors are `{"status": "error", "errorType": kind, "error": message}`, or plain text where no API stands behind the
path. The same trouble has other statuses in other versions: 2.42 answers 422 `execution` when time runs out while
it expands series, 3.x 503 `timeout`; so the words count more than the status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warroom.telemetry.errors import BadQuery, Denied, NotReady, Protocol, TelemetryError, TooHeavy
from warroom.telemetry.source import Source

_HEAVY_WORDS = ("too many samples", "maximum resolution", "deadline exceeded", "timed out", "context canceled")


def failure(source: Source, status: int, body: bytes, kind: str, payload: object) -> TelemetryError:
    """The error for an answer that is no success. `kind` is its content type, `payload` its JSON if it is any."""
    name = source.name
    if isinstance(payload, Mapping) and payload.get("status") == "error":
        said = source.clean(str(payload.get("error") or payload.get("errorType") or "no reason given"))
        return _refusal(status, payload, f"{name}: {said}", name)
    said = source.clean(body[:2000].decode("utf-8", "replace"))
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


def _refusal(status: int, payload: Mapping[Any, Any], message: str, name: str) -> TelemetryError:
    kind, lowered = payload.get("errorType"), message.lower()
    if kind in ("timeout", "canceled") or any(word in lowered for word in _HEAVY_WORDS):
        return TooHeavy(message)
    if status in (401, 403):
        return Denied(message)
    if kind in ("bad_data", "execution") or status in (400, 422):
        return BadQuery(message)
    if status in (429, 502, 503, 504) or kind == "unavailable":
        return NotReady(message)
    return Protocol(f"{message} ({name} answered {status})")
