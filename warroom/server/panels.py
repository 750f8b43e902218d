"""Panels of one connection: what it watches, through the relay that asks each source once for everybody.

Invariant: a panel is watched for an incident, and only as long as the incident may be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import time

import orjson

from warroom.server.connection import prepare
from warroom.telemetry.errors import TelemetryError
from warroom.telemetry.panel import UNITS, Panel, Threshold
from warroom.telemetry.relay import Parcel, Relay, UnknownSource
from warroom.telemetry.series import Reason, Trouble, encode
from warroom.wire.messages import PanelSpec

Write = Callable[[bytes], None]

NO_SOURCE = (
    "this server has no telemetry source: set prometheus.url in its settings; `warroom doctor` says what is there"
)
"""What is said where none is set."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One watched panel on one connection, under the client's own name for it."""

    session: str
    id: str
    write: Write

    def __call__(self, parcel: Parcel) -> None:
        self.write(panel_frame(self.id, parcel.body))


class PanelDesk:
    """What one connection watches."""

    def __init__(self, relay: Relay | None, session: str, write: Write, most: int) -> None:
        self._relay = relay
        self._session = session
        self._write = write
        self._most = most
        self._watched: dict[str, tuple[str, str, Feed]] = {}

    def watch(self, incident: str, id: str, spec: PanelSpec) -> None:  # noqa: A002 (the wire's word)
        """Follow a panel under the name `id`, in place of what had that name."""
        self.unwatch(id)
        try:
            panel = panel_of(spec)
        except ValueError as wrong:
            return self.refuse(id, spec.source, "bad-query", str(wrong))
        if self._relay is None:
            return self.refuse(id, spec.source, "unreachable", NO_SOURCE)
        if len(self._watched) >= self._most:
            return self.refuse(id, spec.source, "too-heavy", f"one connection watches at most {self._most} panels")
        feed = Feed(self._session, id, self._write)
        try:
            self._watched[id] = (incident, panel.id, feed)
            self._relay.watch(panel, feed)
        except (UnknownSource, TelemetryError) as error:
            self._watched.pop(id, None)
            self.refuse(id, spec.source, "bad-query", str(error))
        return None

    def unwatch(self, id: str) -> None:  # noqa: A002
        watched = self._watched.pop(id, None)
        if watched is not None and self._relay is not None:
            self._relay.unwatch(watched[1], watched[2])

    def forget(self, incident: str) -> None:
        """The incident may no longer be seen."""
        for name in [name for name, (of, _, _) in self._watched.items() if of == incident]:
            self.unwatch(name)

    def close(self) -> None:
        for name in list(self._watched):
            self.unwatch(name)

    def refuse(self, id: str, source: str, reason: Reason, words: str) -> None:  # noqa: A002
        """Say in the panel's own frames why nothing comes."""
        now = time()
        trouble = Trouble("", source, reason, words, now, 1, now + 60.0)
        self._write(panel_frame(id, encode(trouble)))


def panel_frame(id: str, body: bytes) -> bytes:  # noqa: A002
    """A prepared `panel` frame around a body that is encoded already."""
    return prepare(b'{"t":"panel","id":%s,"body":%s}' % (orjson.dumps(id), body))


def panel_of(spec: PanelSpec) -> Panel:
    """The relay's panel for what was asked.

    Raises:
        ValueError: one sentence on the number or unit that cannot be.
    """
    unit = next((known for known in UNITS if known == (spec.unit or "none")), None)
    if unit is None:
        raise ValueError(f"unit: must be one of {', '.join(UNITS)}")
    return Panel(
        title=spec.title,
        expr=spec.query,
        legend=spec.legend,
        unit=unit,
        step=float(spec.step),
        window=float(spec.window),
        thresholds=tuple(Threshold(line.value, line.level, line.above) for line in spec.thresholds),
        source=spec.source,
    )
