"""The embedded Alertmanager as a client of this process: what the relay and the panes ask, from the alert store."""

from __future__ import annotations

from collections.abc import Sequence

from warroom.embedded.alert_store import AlertStore
from warroom.telemetry.alerts import ActiveAlert, AlertGroup, Matcher, Silence

VERSION = "embedded"


class EmbeddedAlerts:
    """A `telemetry.clients.Alerts`. Every method raises BadQuery or TooHeavy, and nothing else."""

    def __init__(self, store: AlertStore) -> None:
        self.store = store

    async def ready(self) -> None:
        """It always is."""

    async def version(self) -> str:
        return VERSION

    async def alerts(
        self, matching: Sequence[Matcher] = (), *, active: bool = True, silenced: bool = True, inhibited: bool = True
    ) -> tuple[ActiveAlert, ...]:
        """Alerts that are not over and that all matchers match."""
        return self.store.alerts(matching, active=active, silenced=silenced, inhibited=inhibited)

    async def groups(
        self, matching: Sequence[Matcher] = (), *, active: bool = True, silenced: bool = True, inhibited: bool = True
    ) -> tuple[AlertGroup, ...]:
        """The same, by what they are grouped by."""
        return self.store.groups(matching, active=active, silenced=silenced, inhibited=inhibited)

    async def silences(self) -> tuple[Silence, ...]:
        """All of them, those that are over too."""
        return self.store.silences()

    async def create_silence(
        self, matchers: Sequence[Matcher], starts_at: float, ends_at: float, created_by: str, comment: str
    ) -> str:
        """Silence what all matchers match, and return the id.

        The store's time may not be the machine's, by which the asker tells begin and end: what counts is how long.
        """
        now = self.store.now()
        begins = max(now, starts_at) if ends_at > now else now
        return self.store.create_silence(matchers, begins, begins + (ends_at - starts_at), created_by, comment)

    async def extend_silence(self, silence_id: str, ends_at: float) -> str:
        """Let a silence end at another time, and return its id from now on."""
        return self.store.extend_silence(silence_id, ends_at)

    async def expire_silence(self, silence_id: str) -> None:
        """End a silence now; one that is over stays so."""
        self.store.expire_silence(silence_id)
