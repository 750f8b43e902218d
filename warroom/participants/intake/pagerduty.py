"""Events of the PagerDuty Events API v2, read into alerts, and the answers its clients expect.

One invariant: a client written for PagerDuty gets the same status codes and the same shape of body from here.
Source of the format: PagerDuty's developer documentation, "Send an alert event".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from warroom.participants.intake.alert import (
    Alert,
    Malformed,
    Status,
    identity,
    kind_of,
    read_mapping,
    read_text,
    read_time,
    service_of,
)

SEVERITIES: Final = ("critical", "error", "warning", "info")
ACTIONS: Final[Mapping[str, Status]] = {
    "trigger": "firing",
    "acknowledge": "acknowledged",
    "resolve": "resolved",
}
_LONGEST_SUMMARY: Final = 1024
_LONGEST_KEY: Final = 255
_MOST_DETAILS: Final = 40


def routing_key_of(body: Any) -> str:
    """The routing key, which is the sender's secret. Malformed when there is none or it is no string."""
    return read_text(read_mapping(body, "").get("routing_key"), "routing_key", longest=200)


def parse_event(body: Any, integration: str, received_at: datetime) -> Alert:
    """Read a decoded event. `integration` is the name under which its routing key is known, never the key.

    A trigger without `dedup_key` gets one made of its content, so that sending the same event again is no second
    alert. An event without a timestamp begins when it was received.

    Raises:
        Malformed: names the first field that is wrong.
    """
    event = read_mapping(body, "")
    action = read_text(event.get("event_action"), "event_action", longest=40)
    if action not in ACTIONS:
        raise Malformed("event_action", f"is {action!r}", "trigger, acknowledge or resolve")
    key = read_text(event.get("dedup_key"), "dedup_key", longest=_LONGEST_KEY, default="")
    if action != "trigger" and not key:
        raise Malformed("dedup_key", "is missing", f"the key of the alert to {action}")
    payload = _payload(event.get("payload"), required=action == "trigger")
    links = _links(event)
    key = key or _content_key(event)
    labels = _labels(payload, key)
    ended = ACTIONS[action] == "resolved"
    at = read_time(payload["timestamp"], "payload.timestamp") if payload.get("timestamp") is not None else received_at
    return Alert(
        fingerprint=identity(key),
        source="pagerduty" if not integration else f"pagerduty/{integration}",
        status=ACTIONS[action],
        labels=labels,
        annotations=links,
        starts_at=at,
        ends_at=at if ended else None,
        generator_url=read_text(event.get("client_url"), "client_url", default=""),
        name=labels.get("class") or labels.get("component") or payload.get("summary") or key,
        severity=labels.get("severity", ""),
        service=service_of(labels),
        summary=payload.get("summary") or "",
        group_key=labels.get("group", ""),
        group_labels={},
    )


def accepted_body(dedup_key: str) -> dict[str, str]:
    """The body of the 202 that PagerDuty gives."""
    return {"status": "success", "message": "Event processed", "dedup_key": dedup_key}


def invalid_body(errors: Sequence[str]) -> dict[str, object]:
    """The body of the 400 that PagerDuty gives."""
    return {"status": "invalid event", "message": "Event object is invalid", "errors": list(errors)}


def dedup_key_of(body: Any) -> str:
    """The key that is answered: the client's own, or the one made of the event's content."""
    key = body.get("dedup_key")
    return key if isinstance(key, str) and key else _content_key(body)


def _content_key(event: Mapping[str, Any]) -> str:
    told = {name: value for name, value in event.items() if name != "routing_key"}
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _payload(value: Any, *, required: bool) -> dict[str, Any]:
    if value is None:
        if required:
            raise Malformed("payload", "is missing", "an object with summary, source and severity")
        return {}
    payload = read_mapping(value, "payload")
    for name in ("summary", "source", "severity"):
        text = read_text(payload.get(name), f"payload.{name}", default=None if required else "")
        if required and not text.strip():
            raise Malformed(f"payload.{name}", "is empty", "a text")
    summary = payload.get("summary") or ""
    if len(summary) > _LONGEST_SUMMARY:
        raise Malformed("payload.summary", f"has {len(summary)} characters", f"at most {_LONGEST_SUMMARY}")
    if payload.get("severity") and payload["severity"] not in SEVERITIES:
        raise Malformed("payload.severity", f"is {payload['severity'][:40]!r}", ", ".join(SEVERITIES))
    for name in ("component", "group", "class"):
        read_text(payload.get(name), f"payload.{name}", default="")
    return payload


def _labels(payload: Mapping[str, Any], key: str) -> dict[str, str]:
    labels = {
        name: payload[name] for name in ("severity", "source", "component", "group", "class") if payload.get(name)
    }
    details = payload.get("custom_details")
    if isinstance(details, dict):
        for name, value in list(details.items())[:_MOST_DETAILS]:
            labels.setdefault(name, value if isinstance(value, str) else orjson.dumps(value).decode())
    elif details is not None:
        labels["custom_details"] = details if isinstance(details, str) else orjson.dumps(details).decode()
    labels.setdefault("dedup_key", key)
    return labels


def _links(event: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    client = read_text(event.get("client"), "client", default="")
    if client:
        found["client"] = client
    for name, address in (("links", "href"), ("images", "src")):
        items = event.get(name)
        if items is None:
            continue
        if not isinstance(items, list):
            raise Malformed(name, f"is {kind_of(items)}", "a list")
        for i, item in enumerate(items[:20]):
            at = f"{name}[{i}]"
            url = read_text(read_mapping(item, at).get(address), f"{at}.{address}", longest=2000)
            label = read_text(item.get("text") or item.get("alt"), f"{at}.text", default="")
            found[f"{name[:-1]}_{i + 1}"] = f"{label} {url}".strip()
    return found
