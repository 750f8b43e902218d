"""The webhook body of Alertmanager (version 4) and of Grafana's alerting, which has the same shape, read into alerts.

One invariant: one alert that cannot be read never takes the others of its body with it.
Source of the format: Alertmanager's webhook documentation and bodies recorded from 0.25.0 and 0.33.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from warroom.participants.intake.alert import (
    Alert,
    Malformed,
    fingerprint_of,
    identity,
    kind_of,
    read_labels,
    read_mapping,
    read_text,
    read_time,
    service_of,
)

_ZERO_TIME: Final = "0001-01-01T00:00:00"


@dataclass(frozen=True, slots=True)
class Webhook:
    """What one body held. `truncated` alerts were left out by the sender because of its `max_alerts`."""

    alerts: tuple[Alert, ...]
    malformed: tuple[Malformed, ...]
    truncated: int
    group_key: str
    receiver: str


def parse_webhook(body: Any) -> Webhook:
    """Read a decoded webhook body.

    Raises:
        Malformed: the body as a whole cannot be read. A single bad alert is listed in `malformed` instead.
    """
    envelope = read_mapping(body, "")
    source = _source(envelope)
    group_key = read_text(envelope.get("groupKey"), "groupKey", default="")
    group_labels = read_labels(envelope.get("groupLabels"), "groupLabels")
    raw = envelope.get("alerts")
    if not isinstance(raw, list):
        raise Malformed("alerts", f"is {kind_of(raw)}" if "alerts" in envelope else "is missing", "a list of alerts")
    alerts: list[Alert] = []
    malformed: list[Malformed] = []
    for i, item in enumerate(raw):
        try:
            alerts.append(_alert(item, f"alerts[{i}]", source, group_key, group_labels))
        except Malformed as error:
            malformed.append(error)
    receiver = read_text(envelope.get("receiver"), "receiver", default="")
    return Webhook(tuple(alerts), tuple(malformed), _truncated(envelope), group_key, receiver)


def _source(envelope: dict[str, Any]) -> str:
    version = envelope.get("version")
    if version == "4":
        return "alertmanager"
    if version == "1" and "orgId" in envelope:
        return "grafana"
    problem = "is missing" if version is None else f"is {kind_of(version)}"
    if isinstance(version, str):
        problem = f"is {version[:20]!r}"
    raise Malformed("version", problem, '"4", the webhook format of Alertmanager 0.5 and later')


def _truncated(envelope: dict[str, Any]) -> int:
    value = envelope.get("truncatedAlerts")
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Malformed("truncatedAlerts", f"is {kind_of(value)}", "a whole number, 0 or more")
    return value


def _alert(item: Any, at: str, source: str, group_key: str, group_labels: dict[str, str]) -> Alert:
    raw = read_mapping(item, at)
    status = read_text(raw.get("status"), f"{at}.status", longest=20)
    if status not in ("firing", "resolved"):
        raise Malformed(f"{at}.status", f"is {status!r}", '"firing" or "resolved"')
    labels = read_labels(raw.get("labels"), f"{at}.labels", required=True)
    annotations = read_labels(raw.get("annotations"), f"{at}.annotations")
    fingerprint = read_text(raw.get("fingerprint"), f"{at}.fingerprint", longest=200, default="")
    name = labels.get("alertname", "")
    return Alert(
        fingerprint=identity(fingerprint or fingerprint_of(labels)),
        source=source,
        status="firing" if status == "firing" else "resolved",
        labels=labels,
        annotations=annotations,
        starts_at=read_time(raw.get("startsAt"), f"{at}.startsAt"),
        ends_at=_end(raw.get("endsAt"), f"{at}.endsAt", status),
        generator_url=read_text(raw.get("generatorURL"), f"{at}.generatorURL", default=""),
        name=name or "unnamed alert",
        severity=labels.get("severity", ""),
        service=service_of(labels),
        summary=annotations.get("summary") or annotations.get("message") or annotations.get("description", ""),
        group_key=group_key,
        group_labels=group_labels,
    )


def _end(value: Any, at: str, status: str) -> datetime | None:
    # Alertmanager writes Go's zero time for an alert that has no end yet.
    if value is None or (isinstance(value, str) and value.startswith(_ZERO_TIME)):
        return None
    end = read_time(value, at)
    return end if status == "resolved" else None
