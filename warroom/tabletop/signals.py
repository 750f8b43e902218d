"""What the imaginary production raises in the room by itself: alerts as the intake has them, and changes.

Invariant: an alert is attached and resolved once for each time it fires, and a change is recorded once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from warroom.embedded.alert_store import AlertStore
from warroom.incident.state import IncidentState
from warroom.participants.intake.alert import Alert, service_of
from warroom.simulator.world import World
from warroom.tabletop.deeds import Command, command
from warroom.telemetry.alerts import ActiveAlert

SOURCE = "alertmanager"
_KINDS = ("deploy", "rollback", "config", "flag", "scale")
EARLIER = 8
"""Changes that people made before the start and that the room is told of. What an autoscaler did then is on its chart,
and there is so much of it that nothing else would be left.
"""
_BY_ITSELF = "autoscaler"


class Signals:
    """Tells the room what is new since the last look."""

    def __init__(self, alerts: AlertStore, world: World, start: float) -> None:
        self._alerts = alerts
        self._world = world
        self._start = start
        self._serial = 0
        self._changes = 0

    def act(self, state: IncidentState) -> Iterator[Command]:
        """The commands that say it."""
        yield from self._of_alerts(state)
        yield from self._of_changes()

    def skip(self) -> None:
        """Pass over what is there by now: the room has been told of it."""
        self._serial, self._changes = self._alerts.serial, len(self._world.changes)

    def _of_alerts(self, state: IncidentState) -> Iterator[Command]:
        for change in self._alerts.changes(self._serial):
            self._serial = change.serial
            if change.status == "resolved":
                if state.alert(SOURCE, change.fingerprint) is not None:
                    ended = _moment(change.at).isoformat()
                    yield command("resolve-alert", source=SOURCE, fingerprint=change.fingerprint, ended_at=ended)
            elif change.alert.state != "suppressed":
                recorded = _recorded(change.alert)
                yield command("attach-alert", alert=recorded.recorded().model_dump(mode="json"))

    def _of_changes(self) -> Iterator[Command]:
        known, self._changes = self._changes, len(self._world.changes)
        fresh = self._world.changes[known:]
        if not known:
            fresh = [one for one in fresh if one.by != _BY_ITSELF][-EARLIER:]
        for change in fresh:
            # The room tells few kinds of change apart; what it has no word for stands in the text.
            other = "" if change.kind in _KINDS else f" ({change.kind})"
            told = f"{change.id}{other}: {change.text}" + (f" (by {change.by})" if change.by else "")
            yield command(
                "record-change", kind=change.kind if change.kind in _KINDS else "other", service=change.service,
                version=change.version, text=told, occurred_at=_moment(self._start + change.second).isoformat(),
            )  # fmt: skip


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _recorded(alert: ActiveAlert) -> Alert:
    labels, annotations = dict(alert.labels), dict(alert.annotations)
    return Alert(
        fingerprint=alert.fingerprint, source=SOURCE, status="firing", labels=labels, annotations=annotations,
        starts_at=_moment(alert.starts_at), ends_at=None, generator_url=alert.url,
        name=alert.label("alertname") or "alert", severity=alert.label("severity"), service=service_of(labels),
        summary=alert.annotation("summary") or alert.annotation("description"),
    )  # fmt: skip
