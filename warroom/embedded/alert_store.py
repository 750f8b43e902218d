"""Alerts in memory, as an Alertmanager keeps and groups them.

Invariant: every change of an alert from firing to resolved and back is in `changes`, with a number that only grows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from warroom.embedded.silence_store import KeptSilence, Silences, all_match
from warroom.telemetry.alerts import ActiveAlert, AlertGroup, Matcher, Pairs, Silence
from warroom.telemetry.errors import BadQuery

RESOLVE_TIMEOUT = 300.0
"""Seconds after which an alert is over that came without an end and did not come again."""

_KEPT = 1800.0
_MOST_CHANGES = 20_000
_PRIME, _MASK = 0x100000001B3, (1 << 64) - 1

Now: TypeAlias = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Posted:
    """An alert as it is posted. Times are seconds since the epoch; 0 leaves them to the store."""

    labels: Pairs
    annotations: Pairs = ()
    starts_at: float = 0.0
    ends_at: float = 0.0
    url: str = ""


@dataclass(frozen=True, slots=True)
class Inhibit:
    """While an alert fires that `source` matches, those that `target` matches are suppressed where the labels
    `equal` have the same values. https://prometheus.io/docs/alerting/latest/configuration/#inhibition-related-settings
    """

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """One receiver for everything, what alerts are grouped by, and what suppresses what."""

    receiver: str = "warroom"
    group_by: tuple[str, ...] = ("alertname", "job")
    inhibit: tuple[Inhibit, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """An alert began to fire, or is over."""

    serial: int
    fingerprint: str
    status: Literal["firing", "resolved"]
    alert: ActiveAlert
    at: float


@dataclass(frozen=True, slots=True)
class _Kept:
    posted: Posted
    fingerprint: str
    updated_at: float
    timeout: bool
    """Whether its end is only the resolve timeout."""

    def resolved(self, now: float) -> bool:
        return self.posted.ends_at <= now


class AlertStore:
    """`now` tells the time. Not for several threads at a time."""

    def __init__(self, now: Now, routing: Routing | None = None, *, seed: int = 0) -> None:
        self.now = now
        self.routing = routing or Routing()
        self.serial = 0
        """How many changes there have been."""
        self._silences = Silences(seed)
        self._alerts: dict[str, _Kept] = {}
        self._firing: set[str] = set()
        self._changes: deque[Change] = deque(maxlen=_MOST_CHANGES)

    def post(self, alerts: Sequence[Posted]) -> None:
        """Raise alerts, or resolve them with an end that is past. Posting one twice is the same as once.

        Raises:
            BadQuery: one of them cannot be; the others are kept.
        """
        now, wrong = self.now(), list[str]()
        for one in alerts:
            try:
                fresh = _kept(one, now)
            except BadQuery as complaint:
                wrong.append(str(complaint))
                continue
            old = self._alerts.get(fresh.fingerprint)
            self._alerts[fresh.fingerprint] = _merged(old, fresh, now) if old is not None else fresh
        self._sweep(now)
        if wrong:
            raise BadQuery("; ".join(wrong))

    def alerts(
        self, matching: Sequence[Matcher] = (), *, active: bool = True, silenced: bool = True, inhibited: bool = True
    ) -> tuple[ActiveAlert, ...]:
        """Alerts that are not over, by fingerprint. The flags say which kinds to list."""
        now = self.now()
        self._sweep(now)
        living = [one for one in self._alerts.values() if not one.resolved(now)]
        told = (self._told(one, living, now) for one in sorted(living, key=lambda one: one.fingerprint))
        return tuple(
            one for one in told
            if all_match(matching, dict(one.labels))
            and (silenced or not one.silenced_by) and (inhibited or not one.inhibited_by)
            and (active or one.state != "active")
        )  # fmt: skip

    def groups(
        self, matching: Sequence[Matcher] = (), *, active: bool = True, silenced: bool = True, inhibited: bool = True
    ) -> tuple[AlertGroup, ...]:
        """Alerts by the labels that the routing groups by."""
        found: dict[Pairs, list[ActiveAlert]] = {}
        for one in self.alerts(matching, active=active, silenced=silenced, inhibited=inhibited):
            key = tuple(pair for pair in one.labels if pair[0] in self.routing.group_by)
            found.setdefault(key, []).append(one)
        return tuple(
            AlertGroup(labels, self.routing.receiver, tuple(sorted(alerts, key=lambda one: one.labels)))
            for labels, alerts in sorted(found.items())
        )

    def updated_at(self, fingerprint: str) -> float:
        """When an alert was last posted, seconds since the epoch; 0 for one that is not there."""
        found = self._alerts.get(fingerprint)
        return found.updated_at if found is not None else 0.0

    def changes(self, since: int = 0) -> tuple[Change, ...]:
        """Changes with a higher number than `since`, in order; the oldest are given up after some ten thousand."""
        self._sweep(self.now())
        return tuple(one for one in self._changes if one.serial > since)

    def silences(self) -> tuple[Silence, ...]:
        """All silences of the last days, those that are over too."""
        return tuple(one.silence for one in self.kept_silences())

    def silence(self, silence_id: str) -> Silence:
        """One silence. Raises NoSuchSilence."""
        return self._silences.one(silence_id, self.now()).silence

    def kept_silences(self) -> tuple[KeptSilence, ...]:
        """As `silences`, with when each was last changed."""
        return self._silences.all(self.now())

    def kept_silence(self, silence_id: str) -> KeptSilence:
        """As `silence`, with when it was last changed. Raises NoSuchSilence."""
        return self._silences.one(silence_id, self.now())

    def put_silence(self, silence: Silence) -> str:
        """Make a silence, or change the one of its id. Raises BadQuery in Alertmanager's words, or TooHeavy."""
        return self._silences.put(silence, self.now())

    def create_silence(
        self, matchers: Sequence[Matcher], starts_at: float, ends_at: float, created_by: str, comment: str
    ) -> str:
        """Silence what all matchers match, and return the id. Raises BadQuery, or TooHeavy."""
        return self.put_silence(Silence("", tuple(matchers), starts_at, ends_at, created_by, comment))

    def extend_silence(self, silence_id: str, ends_at: float) -> str:
        """Let a silence end at another time. Raises BadQuery when it is over or there is none of that id."""
        old = self.silence(silence_id)
        if old.state == "expired":
            raise BadQuery(f"the silence {silence_id} is over; make a new one")
        return self.put_silence(replace(old, ends_at=ends_at))

    def expire_silence(self, silence_id: str) -> None:
        """End a silence now; one that is over stays so. Raises NoSuchSilence."""
        self._silences.expire(silence_id, self.now())

    def _told(self, one: _Kept, living: Iterable[_Kept], now: float) -> ActiveAlert:
        labels = dict(one.posted.labels)
        silenced = self._silences.by(labels, now)
        inhibited = self._inhibited_by(one, labels, living)
        return ActiveAlert(
            one.fingerprint, one.posted.labels, one.posted.annotations, one.posted.starts_at, one.posted.ends_at,
            "suppressed" if silenced or inhibited else "active", silenced_by=silenced, inhibited_by=inhibited,
            receivers=(self.routing.receiver,), url=one.posted.url,
        )  # fmt: skip

    def _inhibited_by(self, one: _Kept, labels: Mapping[str, str], living: Iterable[_Kept]) -> tuple[str, ...]:
        for rule in self.routing.inhibit:
            if not all_match(rule.target, labels):
                continue
            both = all_match(rule.source, labels)
            for other in living:
                theirs = dict(other.posted.labels)
                if other is one or not all_match(rule.source, theirs):
                    continue
                # Two alerts that are on both sides do not inhibit each other.
                if both and all_match(rule.target, theirs):
                    continue
                if all(theirs.get(name, "") == labels.get(name, "") for name in rule.equal):
                    return (other.fingerprint,)
        return ()

    def _sweep(self, now: float) -> None:
        """Note what began and what is over, in the order of when it did, and forget what has been over for long."""
        found = list[tuple[float, str, Literal["firing", "resolved"]]]()
        for fingerprint, one in self._alerts.items():
            over = one.resolved(now)
            if over and fingerprint in self._firing:
                self._firing.discard(fingerprint)
                found.append((one.posted.ends_at, fingerprint, "resolved"))
            elif not over and fingerprint not in self._firing:
                self._firing.add(fingerprint)
                found.append((one.posted.starts_at, fingerprint, "firing"))
        for at, fingerprint, status in sorted(found):
            self.serial += 1
            alert = self._told(self._alerts[fingerprint], self._alerts.values() if status == "firing" else (), now)
            self._changes.append(Change(self.serial, fingerprint, status, alert, at))
        for fingerprint in [key for key, one in self._alerts.items() if one.posted.ends_at + _KEPT < now]:
            del self._alerts[fingerprint]


def fingerprint_of(labels: Pairs) -> str:
    """The fingerprint of a label set, as Prometheus and Alertmanager compute it: FNV-1a of 64 bits over the sorted
    names and values, each followed by the byte 255 (model/signature.go of github.com/prometheus/common).
    """
    digest = 0xCBF29CE484222325
    for pair in sorted(labels):
        for text in pair:
            for byte in (*text.encode(), 0xFF):
                digest = ((digest ^ byte) * _PRIME) & _MASK
    return f"{digest:016x}"


def _kept(one: Posted, now: float) -> _Kept:
    labels = tuple(sorted((name, value) for name, value in one.labels if value))
    annotations = tuple(sorted((name, value) for name, value in one.annotations if value))
    if not labels:
        raise BadQuery("at least one label pair required")
    starts = one.starts_at or (one.ends_at or now)
    ends = one.ends_at or now + RESOLVE_TIMEOUT
    if ends < starts:
        raise BadQuery("start time must be before end time")
    posted = Posted(labels, annotations, starts, ends, one.url)
    return _Kept(posted, fingerprint_of(labels), now, timeout=not one.ends_at)


def _merged(old: _Kept, fresh: _Kept, now: float) -> _Kept:
    """As Alertmanager merges an alert that comes again: the earliest start, and the end that was said, not guessed."""
    before, after = old.posted, fresh.posted
    overlap = before.starts_at < after.ends_at < before.ends_at or before.starts_at < after.starts_at < before.ends_at
    if not overlap and before.starts_at != after.starts_at:
        return fresh
    ends = after.ends_at
    if fresh.resolved(now):
        ends = max(ends, before.ends_at) if old.resolved(now) else ends
    elif not old.timeout:
        ends = max(ends, before.ends_at)
    return replace(fresh, posted=replace(after, starts_at=min(before.starts_at, after.starts_at), ends_at=ends))
