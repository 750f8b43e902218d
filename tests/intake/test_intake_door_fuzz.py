"""Whatever is sent to the door: an answer, and never a 500."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.intake.hostile_requests import Request, am, event, webhook
from tests.intake.open_door import Room, asgi, make_door
from warroom.participants.intake.reading import too_deep

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda kids: st.lists(kids, max_size=4) | st.dictionaries(st.text(max_size=8), kids, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["version", "alerts", "labels", "status", "startsAt", "endsAt", "fingerprint", "annotations", "groupLabels",
     "truncatedAlerts", "generatorURL", "receiver", "groupKey", "orgId", "routing_key", "event_action", "dedup_key",
     "payload", "summary", "source", "severity", "timestamp", "component", "custom_details", "links", "images"]
)  # fmt: skip


def status_of(request: Request) -> int:
    return asyncio.run(asgi(make_door(Room()).app, request)).status


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["/alertmanager", "/v2/enqueue"]))
def test_any_bytes_are_400(body: bytes, path: str) -> None:
    assert status_of(Request(path=path, body=body)) == 400


@settings(max_examples=250, deadline=None)
@given(st.dictionaries(FIELDS, JSON, max_size=6), st.sampled_from(["top", "alert", "event", "payload"]))
def test_any_values_in_known_fields_are_answered_and_never_500(values: dict[str, Any], where: str) -> None:
    body: Any
    if where == "top":
        body = {**webhook(), **values}
    elif where == "alert":
        body = webhook(alerts=[{**webhook()["alerts"][0], **values}])
    elif where == "event":
        body = {**event(), **values}
    else:
        body = event(payload={**event()["payload"], **values})
    raw = json.dumps(body).encode()
    # A number that no double holds is not JSON for a strict reader.
    path = "/alertmanager" if where in ("top", "alert") else "/v2/enqueue"
    assert status_of(Request(path=path, body=raw)) in (200, 202, 400, 401)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(max_size=12), st.text(max_size=60), max_size=5), st.text(max_size=10))
def test_any_headers_are_answered_and_never_500(headers: dict[str, str], secret: str) -> None:
    told = {name: value for name, value in headers.items() if name.isascii() and value.isascii()}
    assert status_of(am(webhook(), secret=secret, headers={**told, "Content-Type": "application/json"})) in (401, 415)


@given(st.integers(0, 60), st.integers(1, 50))
def test_depth_is_counted_as_people_count(depth: int, limit: int) -> None:
    value = orjson.loads(b"[" * depth + b"]" * depth) if depth else 1
    assert too_deep(value, limit) == (depth > limit)
    mixed = {"a": [1, value], "b": "x"}
    assert too_deep(mixed, limit) == (depth + 2 > limit)
