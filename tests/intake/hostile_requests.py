"""Requests that a hostile or broken sender makes, each with the exact status it must get.

The table is data, so that a report can count it: `CASES` is a list of (name, request, status).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECRET = "0123456789abcdef0123456789abcdef"
ROUTING_KEY = "fedcba9876543210fedcba9876543210"
MOST_BYTES = 64 * 1024
RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.json"))


@dataclass(frozen=True)
class Request:
    method: str = "POST"
    path: str = "/alertmanager"
    body: bytes = b""
    secret: str | None = SECRET
    headers: dict[str, str] = field(default_factory=dict)

    def head(self) -> dict[str, str]:
        told = {"Content-Type": "application/json"} if self.method == "POST" else {}
        if self.secret is not None:
            told["Authorization"] = f"Bearer {self.secret}"
        return {**told, **self.headers}


def recorded_bodies() -> list[dict[str, Any]]:
    return [item["body"] for path in RECORDED for item in json.loads(path.read_text())["items"]]


def webhook(**changes: Any) -> dict[str, Any]:
    return {**recorded_bodies()[0], **changes}


def with_alert(**changes: Any) -> dict[str, Any]:
    alert = {**recorded_bodies()[0]["alerts"][0], **changes}
    return webhook(alerts=[{name: value for name, value in alert.items() if value is not ...}])


def event(**changes: Any) -> dict[str, Any]:
    payload = {"summary": "disk is full", "source": "db-1", "severity": "critical", "component": "postgres"}
    whole = {"routing_key": ROUTING_KEY, "event_action": "trigger", "dedup_key": "disk", "payload": payload, **changes}
    return {name: value for name, value in whole.items() if value is not ...}


def with_payload(**changes: Any) -> dict[str, Any]:
    payload = {**event()["payload"], **changes}
    return event(payload={name: value for name, value in payload.items() if value is not ...})


def am(value: Any, **how: Any) -> Request:
    return Request(body=value if isinstance(value, bytes) else json.dumps(value).encode(), **how)


def pd(value: Any, **how: Any) -> Request:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Request(path="/v2/enqueue", body=body, secret=None, **how)


def deep(levels: int) -> bytes:
    return b'{"version":"4","alerts":' + b"[" * levels + b"]" * levels + b"}"


def basic(password: str, user: str = "am") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


GOOD = json.dumps(webhook()).encode()
JSON_CASES: list[tuple[str, bytes]] = [
    ("empty body", b""),
    ("not JSON", b"hello"),
    ("cut JSON", GOOD[:100]),
    ("two values", b"{}{}"),
    ("trailing comma", b'{"version":"4",}'),
    ("NaN", b'{"version":"4","alerts":[NaN]}'),
    ("Infinity", b'{"version":"4","alerts":[Infinity]}'),
    ("overflowing number", b'{"version":"4","alerts":[1e999]}'),
    ("lone surrogate", b'{"version":"4","receiver":"\\ud800","alerts":[]}'),
    ("bad UTF-8", b'{"version":"4","receiver":"\xff","alerts":[]}'),
    ("control character", b'{"version":"4","receiver":"\x01","alerts":[]}'),
    ("UTF-16", '{"version":"4"}'.encode("utf-16")),
    ("single quotes", b"{'version':'4'}"),
    ("form", b"payload=%7B%7D"),
    ("nested 33 deep", deep(33)),
    ("nested 20,000 deep", deep(20_000)),
    ("nested objects", b'{"a":' * 5_000 + b"1" + b"}" * 5_000),
]

CASES: list[tuple[str, Request, int]] = [
    ("good", am(webhook()), 200),
    ("good, basic password", am(webhook(), secret=None, headers={"Authorization": basic(SECRET)}), 200),
    ("good, empty list", am(webhook(alerts=[])), 200),
    ("good, charset", am(webhook(), headers={"Content-Type": "application/json; charset=utf-8"}), 200),
    ("good, unknown fields", am(webhook(hello={"a": [1]})), 200),
    ("good, no fingerprint", am(with_alert(fingerprint=...)), 200),
    ("good, Grafana", am(webhook(version="1", orgId=1)), 200),
    ("good, NUL in a label", am(with_alert(labels={"alertname": "a\u0000b"})), 200),
    ("good, escape sequence in a label", am(with_alert(labels={"alertname": "\u001b[31mred", "job": "\u202ex"})), 200),
    ("good, very long labels", am(with_alert(labels={"alertname": "x" * 30_000, "job": "y" * 20_000})), 200),
    ("good, 500 labels", am(with_alert(labels={f"l{i}": "v" for i in range(500)})), 200),
    ("no secret", am(webhook(), secret=None), 401),
    ("wrong secret", am(webhook(), secret="x" * 32), 401),
    ("prefix of the secret", am(webhook(), secret=SECRET[:-1]), 401),
    ("secret and more", am(webhook(), secret=SECRET + "0"), 401),
    ("empty bearer", am(webhook(), secret=""), 401),
    ("other scheme", am(webhook(), secret=None, headers={"Authorization": f"Digest {SECRET}"}), 401),
    ("basic, wrong password", am(webhook(), secret=None, headers={"Authorization": basic("x" * 32)}), 401),
    ("basic, secret as user", am(webhook(), secret=None, headers={"Authorization": basic("", SECRET)}), 401),
    ("basic, no base64", am(webhook(), secret=None, headers={"Authorization": "Basic ???"}), 401),
    ("basic, no UTF-8", am(webhook(), secret=None, headers={"Authorization": "Basic /////w=="}), 401),
    ("secret in the query", am(webhook(), secret=None, path=f"/alertmanager?token={SECRET}"), 401),
    ("bad body and no secret", am(b"{", secret=None), 401),
    ("no content type", am(webhook(), headers={"Content-Type": ""}), 415),
    ("text", am(webhook(), headers={"Content-Type": "text/plain"}), 415),
    ("form type", am(webhook(), headers={"Content-Type": "application/x-www-form-urlencoded"}), 415),
    ("latin-1", am(webhook(), headers={"Content-Type": "application/json; charset=latin-1"}), 415),
    ("gzip", am(webhook(), headers={"Content-Encoding": "gzip"}), 415),
    ("too large", am(b" " * (MOST_BYTES + 1)), 413),
    ("GET", Request(method="GET"), 405),
    ("PUT", am(webhook(), method="PUT"), 405),
    ("DELETE", Request(method="DELETE"), 405),
    ("OPTIONS", Request(method="OPTIONS"), 405),
    ("unknown path", Request(path="/nothing"), 404),
    ("path with dots", Request(path="/../../etc/passwd"), 404),
    ("root", Request(method="GET", path="/"), 404),
    *((f"alertmanager: {name}", am(body), 400) for name, body in JSON_CASES),
    ("a list", am([]), 400),
    ("a number", am(3), 400),
    ("null", am(b"null"), 400),
    ("no version", am({"alerts": []}), 400),
    ("version 3", am(webhook(version="3")), 400),
    ("version as a number", am(webhook(version=4)), 400),
    ("no alerts", am({"version": "4"}), 400),
    ("alerts null", am(webhook(alerts=None)), 400),
    ("alerts an object", am(webhook(alerts={})), 400),
    ("alerts of text", am(webhook(alerts=["x"])), 400),
    ("alerts of null", am(webhook(alerts=[None])), 400),
    ("status missing", am(with_alert(status=...)), 400),
    ("status unknown", am(with_alert(status="on fire")), 400),
    ("status a list", am(with_alert(status=["firing"])), 400),
    ("labels missing", am(with_alert(labels=...)), 400),
    ("labels empty", am(with_alert(labels={})), 400),
    ("labels a list", am(with_alert(labels=["a"])), 400),
    ("label a number", am(with_alert(labels={"alertname": 3})), 400),
    ("label null", am(with_alert(labels={"alertname": None})), 400),
    ("annotation an object", am(with_alert(annotations={"summary": {}})), 400),
    ("startsAt missing", am(with_alert(startsAt=...)), 400),
    ("startsAt a word", am(with_alert(startsAt="yesterday")), 400),
    ("startsAt without zone", am(with_alert(startsAt="2026-11-21T07:39:35")), 400),
    ("startsAt impossible", am(with_alert(startsAt="2026-02-30T07:39:35Z")), 400),
    ("startsAt before time", am(with_alert(startsAt="0001-01-01T00:00:00+14:00")), 400),
    ("startsAt a number", am(with_alert(startsAt=1763710775)), 400),
    ("endsAt a word", am(with_alert(endsAt="soon", status="resolved")), 400),
    ("generatorURL a list", am(with_alert(generatorURL=[])), 400),
    ("fingerprint a number", am(with_alert(fingerprint=5)), 400),
    ("fingerprint endless", am(with_alert(fingerprint="f" * 5_000)), 400),
    ("groupKey a number", am(webhook(groupKey=5)), 400),
    ("groupLabels a list", am(webhook(groupLabels=[1])), 400),
    ("truncatedAlerts negative", am(webhook(truncatedAlerts=-1)), 400),
    ("truncatedAlerts true", am(webhook(truncatedAlerts=True)), 400),
    ("receiver an object", am(webhook(receiver={})), 400),
    ("event: good", pd(event()), 202),
    ("event: acknowledge", pd(event(event_action="acknowledge", payload=...)), 202),
    ("event: resolve", pd(event(event_action="resolve", payload=...)), 202),
    ("event: no dedup key", pd(event(dedup_key=...)), 202),
    ("event: dedup key of 255", pd(event(dedup_key="k" * 255)), 202),
    ("event: summary of 1024", pd(with_payload(summary="s" * 1024)), 202),
    ("event: all fields", pd(event(client="c", client_url="http://c", links=[{"href": "http://l", "text": "t"}],
                                   images=[{"src": "http://i", "alt": "a"}])), 202),
    ("event: details", pd(with_payload(custom_details={"a": [1, {"b": None}], "service": "shop"})), 202),
    *((f"event: {name}", pd(body), 400) for name, body in JSON_CASES),
    ("event: wrong key", pd(event(routing_key="0" * 32)), 401),
    ("event: intake secret as key", pd(event(routing_key=SECRET)), 401),
    ("event: no key", pd(event(routing_key=...)), 400),
    ("event: key a number", pd(event(routing_key=5)), 400),
    ("event: key a list", pd(event(routing_key=[ROUTING_KEY])), 400),
    ("event: key endless", pd(event(routing_key="k" * 5_000)), 400),
    ("event: a list", pd([event()]), 400),
    ("event: no action", pd(event(event_action=...)), 400),
    ("event: unknown action", pd(event(event_action="explode")), 400),
    ("event: action a list", pd(event(event_action=["trigger"])), 400),
    ("event: dedup key of 256", pd(event(dedup_key="k" * 256)), 400),
    ("event: dedup key a number", pd(event(dedup_key=5)), 400),
    ("event: resolve without key", pd(event(event_action="resolve", dedup_key=...)), 400),
    ("event: no payload", pd(event(payload=...)), 400),
    ("event: payload a list", pd(event(payload=[])), 400),
    ("event: no summary", pd(with_payload(summary=...)), 400),
    ("event: blank summary", pd(with_payload(summary="  ")), 400),
    ("event: summary of 1025", pd(with_payload(summary="s" * 1025)), 400),
    ("event: no source", pd(with_payload(source=...)), 400),
    ("event: source an object", pd(with_payload(source={})), 400),
    ("event: no severity", pd(with_payload(severity=...)), 400),
    ("event: unknown severity", pd(with_payload(severity="SEV1")), 400),
    ("event: severity a number", pd(with_payload(severity=1)), 400),
    ("event: bad timestamp", pd(with_payload(timestamp="now")), 400),
    ("event: component a list", pd(with_payload(component=[])), 400),
    ("event: links an object", pd(event(links={})), 400),
    ("event: link without address", pd(event(links=[{"text": "t"}])), 400),
    ("event: link a text", pd(event(links=["http://l"])), 400),
    ("event: images a text", pd(event(images="http://i")), 400),
    ("event: client an object", pd(event(client={})), 400),
    ("event: text", pd(event(), headers={"Content-Type": "text/plain"}), 415),
    ("event: too large", pd(b" " * (MOST_BYTES + 1)), 413),
    ("event: GET", Request(method="GET", path="/v2/enqueue"), 405),
    ("quarantine", Request(method="GET", path="/quarantine"), 200),
    ("quarantine, no secret", Request(method="GET", path="/quarantine", secret=None), 401),
    ("quarantine, routing key", Request(method="GET", path="/quarantine", secret=ROUTING_KEY), 401),
    ("quarantine, bad limit", Request(method="GET", path="/quarantine?limit=-1"), 400),
    ("quarantine, odd digits", Request(method="GET", path="/quarantine?limit=%C2%B2"), 400),
    ("quarantine, POST", Request(path="/quarantine", body=b"{}"), 405),
    ("health", Request(method="GET", path="/healthz", secret=None), 200),
    ("health, POST", Request(path="/healthz", secret=None, body=b"{}"), 405),
]  # fmt: skip
