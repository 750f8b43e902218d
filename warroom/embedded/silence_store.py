"""Silences in memory, as an Alertmanager keeps them.

Invariant: a silence is never taken back: it is pending, active or expired by its times, and what was changed leaves
the old one expired unless only its end moved.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from warroom.embedded.logql.regex import RegexError, whole
from warroom.telemetry.alerts import Matcher, Silence
from warroom.telemetry.errors import BadQuery, TooHeavy

MOST = 10_000
KEPT = 5 * 86_400.0
"""Seconds for which a silence is kept after its end, as Alertmanager's `--data.retention` has it."""

_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")


class NoSuchSilence(BadQuery):
    """There is no silence of that id."""


@dataclass(frozen=True, slots=True)
class KeptSilence:
    """A silence and when it was last changed, seconds since the epoch."""

    silence: Silence
    updated_at: float


class Silences:
    """Belongs to an alert store, which tells the time. Ids are made from `seed` and are the same in every run."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._made = 0
        self._kept: dict[str, KeptSilence] = {}

    def all(self, now: float) -> tuple[KeptSilence, ...]:
        """All of them as of now: active ones first, then pending, then expired; within each those that end (begin,
        ended) first, and the expired ones last ended first.
        """
        self._kept = {key: one for key, one in self._kept.items() if one.silence.ends_at + KEPT > now}
        told = [replace(one, silence=as_of(one.silence, now)) for one in self._kept.values()]
        return tuple(sorted(told, key=_order))

    def one(self, silence_id: str, now: float) -> KeptSilence:
        """Raises NoSuchSilence."""
        found = self._kept.get(silence_id)
        if found is None:
            raise NoSuchSilence(f"alertmanager knows no silence {silence_id[:80]}")
        return replace(found, silence=as_of(found.silence, now))

    def put(self, silence: Silence, now: float) -> str:
        """Make it, or change the one of its id, and return the id from now on.

        Raises:
            NoSuchSilence: it names one that is not there.
            BadQuery: Alertmanager's words for what it refuses.
            TooHeavy: there are too many already.
        """
        _check(silence, now)
        old = self.one(silence.id, now).silence if silence.id else None
        if old is not None and _only_the_end(old, silence, now):
            self._kept[old.id] = KeptSilence(replace(silence, state="active"), now)
            return old.id
        if len(self._kept) >= MOST:
            raise TooHeavy(f"alertmanager keeps {MOST} silences at most")
        if old is not None and old.state != "expired":
            self.expire(old.id, now)
        self._made += 1
        digest = hashlib.sha256(f"{self._seed}/silence/{self._made}".encode()).digest()
        made = str(UUID(bytes=digest[:16], version=4))
        self._kept[made] = KeptSilence(replace(silence, id=made, starts_at=max(silence.starts_at, now)), now)
        return made

    def expire(self, silence_id: str, now: float) -> None:
        """End it now; one that is over stays as it is. Raises NoSuchSilence."""
        one = self.one(silence_id, now).silence
        if one.state != "expired":
            starts = min(one.starts_at, now)
            self._kept[silence_id] = KeptSilence(replace(one, starts_at=starts, ends_at=now), now)

    def by(self, labels: Mapping[str, str], now: float) -> tuple[str, ...]:
        """Ids of the active silences of which all matchers match, sorted."""
        return tuple(sorted(
            key for key, one in self._kept.items()
            if one.silence.starts_at <= now < one.silence.ends_at and all_match(one.silence.matchers, labels)
        ))  # fmt: skip


def as_of(silence: Silence, now: float) -> Silence:
    """The silence with its state at that time."""
    state = "expired" if now >= silence.ends_at else "pending" if now < silence.starts_at else "active"
    return replace(silence, state=state)


def all_match(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether every matcher matches; a label that is not there is an empty one. Raises BadQuery for a bad one."""
    return all(matches(one, labels.get(one.name, "")) for one in matchers)


def matches(matcher: Matcher, value: str) -> bool:
    """Whether a matcher matches a value, whole. Raises BadQuery where its regular expression is none."""
    if not matcher.is_regex:
        return (matcher.value == value) == matcher.is_equal
    try:
        return whole(matcher.value)(value) == matcher.is_equal
    except RegexError as wrong:
        raise BadQuery(str(wrong)) from None


def _check(silence: Silence, now: float) -> None:
    if silence.ends_at <= silence.starts_at:
        raise BadQuery("Failed to create silence: start time must be before end time")
    if silence.ends_at < now:
        raise BadQuery("Failed to create silence: end time can't be in the past")
    if not silence.matchers:
        raise BadQuery("invalid silence: at least one matcher required")
    for index, one in enumerate(silence.matchers):
        where = f"invalid silence: invalid label matcher {index} in set 0"
        if not _NAME.fullmatch(one.name):
            raise BadQuery(f'{where}: invalid label name "{one.name}"')
        if one.is_regex:
            try:
                whole(one.value)
            except RegexError as wrong:
                raise BadQuery(f'{where}: invalid regular expression "{one.value}": {wrong}') from None
    if all(matches(one, "") for one in silence.matchers):
        raise BadQuery("invalid silence: matcher set 0: at least one matcher must not match the empty string")


def _only_the_end(old: Silence, new: Silence, now: float) -> bool:
    """Whether a silence can be changed in place, as Alertmanager decides it."""
    if set(old.matchers) != set(new.matchers):
        return False
    if old.state == "active":
        # Times are told in milliseconds, so one that was read from an answer is the same one.
        return abs(old.starts_at - new.starts_at) < 0.001 and new.ends_at >= now
    return old.state == "pending" and new.starts_at >= now


def _order(one: KeptSilence) -> tuple[int, float, str]:
    silence = one.silence
    if silence.state == "active":
        return 0, silence.ends_at, silence.id
    if silence.state == "pending":
        return 1, silence.starts_at, silence.id
    return 2, -silence.ends_at, silence.id
