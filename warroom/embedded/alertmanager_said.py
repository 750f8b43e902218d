"""Alerts and silences in the words of Alertmanager's API. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import yaml

from warroom.embedded.alert_store import Routing
from warroom.embedded.silence_store import KeptSilence
from warroom.telemetry.alerts import ActiveAlert, Matcher


def alert_json(one: ActiveAlert, updated_at: float) -> dict[str, Any]:
    """An alert; `updated_at` is when it was last posted, seconds since the epoch."""
    said: dict[str, Any] = {
        "annotations": dict(one.annotations),
        "endsAt": moment(one.ends_at),
        "fingerprint": one.fingerprint,
        "receivers": [{"name": name} for name in one.receivers],
        "startsAt": moment(one.starts_at),
        "status": {
            "inhibitedBy": list(one.inhibited_by),
            "mutedBy": list(one.muted_by),
            "silencedBy": list(one.silenced_by),
            "state": one.state,
        },
        "updatedAt": moment(updated_at),
    }
    said |= {"generatorURL": one.url} if one.url else {}
    return said | {"labels": dict(one.labels)}


def silence_json(one: KeptSilence) -> dict[str, Any]:
    """A silence."""
    silence = one.silence
    return {
        "id": silence.id,
        "status": {"state": silence.state},
        "updatedAt": moment(one.updated_at),
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": moment(silence.ends_at),
        "matchers": [
            {"isEqual": each.is_equal, "isRegex": each.is_regex, "name": each.name, "value": each.value}
            for each in silence.matchers
        ],
        "startsAt": moment(silence.starts_at),
    }


def receiver_json(name: str) -> dict[str, Any]:
    """A receiver."""
    return {"labels": {"name": name}, "name": name}


def config_text(routing: Routing) -> str:
    """The routing as an Alertmanager's configuration would have it."""
    said: dict[str, Any] = {"route": {"receiver": routing.receiver, "group_by": list(routing.group_by)}}
    if routing.inhibit:
        said["inhibit_rules"] = [
            {"source_matchers": _said(one.source), "target_matchers": _said(one.target), "equal": list(one.equal)}
            for one in routing.inhibit
        ]
    said["receivers"] = [{"name": routing.receiver}]
    return yaml.safe_dump(said, sort_keys=False)


def moment(at: float) -> str:
    """A time as Alertmanager writes it, with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _said(matchers: Sequence[Matcher]) -> list[str]:
    return [str(one) for one in matchers]
