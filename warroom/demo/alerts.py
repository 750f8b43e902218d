"""Made-up alerts behind the real relay: what an Alertmanager answers, from the figures of the imaginary production.

Invariant: an alert is over once its figure has been well for `WELL_FOR` seconds after the way back began, and not
before; silences are kept in memory, at most `MOST_SILENCES` of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from warroom.demo import world as w
from warroom.demo.past import SERVICE
from warroom.demo.traffic import Dice, Traffic
from warroom.demo.world import Measure
from warroom.telemetry.alerts import ActiveAlert, AlertGroup, Matcher, Rule, Silence
from warroom.telemetry.errors import BadQuery, TooHeavy

WELL_FOR = 20.0
MOST_SILENCES = 200
RECEIVER = "warroom"
_LOOK = 4.0


@dataclass(frozen=True, slots=True)
class Watched:
    """A rule that fires in the story. `began` is minutes from the beginning of the demo, `below` is well."""

    name: str
    severity: str
    service: str
    summary: str
    description: str
    expr: str
    began: float
    measure: Measure
    below: float

    @property
    def fingerprint(self) -> str:
        """As on the incident's log."""
        return f"demo-{self.name.lower()}"

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """Its labels, sorted."""
        return (("alertname", self.name), ("region", "eu-west-1"), ("service", self.service),
                ("severity", self.severity))  # fmt: skip

    @property
    def annotations(self) -> tuple[tuple[str, str], ...]:
        """Its words, sorted by name."""
        return (("description", f"{self.description} This alert is made up, as all of the demo is."),
                ("summary", self.summary))  # fmt: skip


WATCHED = (
    Watched("CheckoutLatencyHigh", "critical", SERVICE, "p99 above 0.8 s for two minutes",
            "Customers wait at payment.", f'service:request_seconds:stat{{service="{SERVICE}"}} > 0.8', -20.6,
            w.p99, 0.8),
    Watched("EdgeErrorRatioHigh", "critical", "edge-gateway", "5xx above 1 % in eu-west-1",
            "The gateway answers 503 and 504.", f'service:errors:ratio{{service="{SERVICE}"}} > 0.01', -19.9,
            w.errors, 0.01),
    Watched("PgPoolSaturated", "warning", "pgbouncer", "200 of 200 connections in use",
            "Clients wait for a connection.", f'pgbouncer:pool:used_ratio{{service="{SERVICE}"}} > 0.95', -11.8,
            w.pool, 0.6),
)  # fmt: skip


class Firing:
    """When each rule fires."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._over: dict[str, float] = {}

    def since(self, rule: Watched) -> float:
        """When it began to fire, seconds since the epoch."""
        return self._traffic.zero + rule.began * 60

    def at(self, rule: Watched, at: float) -> bool:
        """Whether it fires at a time that is not after now."""
        over = self._ended(rule)
        return self.since(rule) <= at and (over is None or at < over)

    def _ended(self, rule: Watched) -> float | None:
        """When it ended, as far as it has: looked for once, and then known."""
        fixed, now = self._traffic.world.fixed_at, self._traffic.now()
        if fixed is None or rule.name in self._over:
            return self._over.get(rule.name)
        well_since: float | None = None
        at = max(fixed, now - 3600.0)
        while at <= now:
            if rule.measure(self._traffic.world, at) >= rule.below:
                well_since = None
            elif well_since is None:
                well_since = at
            if well_since is not None and at - well_since >= WELL_FOR:
                self._over[rule.name] = at
                return at
            at += _LOOK
        return None

    def rules(self) -> tuple[Rule, ...]:
        """The rules as Prometheus has them."""
        now = self._traffic.now()
        return tuple(
            Rule("demo", one.name, one.expr, "alerting", "firing" if self.at(one, now) else "inactive", "ok", "",
                 120.0, (("severity", one.severity),), one.annotations)
            for one in WATCHED
        )  # fmt: skip


class MadeUpAlerts:
    """An `Alerts` source."""

    def __init__(self, firing: Firing, traffic: Traffic) -> None:
        self._firing, self._traffic = firing, traffic
        self._silences: dict[str, Silence] = {}

    async def ready(self) -> None:
        """It always is."""

    async def version(self) -> str:
        return "made up"

    async def groups(self) -> tuple[AlertGroup, ...]:
        """What fires now, by service."""
        now = self._traffic.now()
        return tuple(
            AlertGroup((("service", one.service),), RECEIVER, (self._alert(one, now),))
            for one in WATCHED
            if self._firing.at(one, now)
        )

    async def silences(self) -> tuple[Silence, ...]:
        """All of them, those that are over too."""
        now = self._traffic.now()
        return tuple(_as_of(one, now) for one in self._silences.values())

    async def create_silence(
        self, matchers: Sequence[Matcher], starts_at: float, ends_at: float, created_by: str, comment: str
    ) -> str:
        """Silence what all matchers match, and return the id. Raises BadQuery, or TooHeavy when there are too many."""
        if not matchers:
            raise BadQuery("a silence needs at least one matcher")
        if ends_at <= starts_at:
            raise BadQuery("a silence ends after its start")
        for one in matchers:
            _matches(one, "")
        if len(self._silences) >= MOST_SILENCES:
            raise TooHeavy(f"the demo keeps {MOST_SILENCES} silences at most; end the demo to be rid of them")
        dice = Dice(f"{self._traffic.world.seed}/silence/{len(self._silences)}")
        made = str(UUID(int=dice.whole() << 64 | dice.whole()))
        # The demo's time may run faster than the machine's, by which the server tells begin and end.
        now = self._traffic.now()
        silence = Silence(made, tuple(matchers), now, now + ends_at - starts_at, created_by, comment)
        self._silences[made] = silence
        return made

    async def extend_silence(self, silence_id: str, ends_at: float) -> str:
        """Let a silence end at another time. Raises BadQuery when it is over or there is none of that id."""
        one = self._known(silence_id)
        if _as_of(one, self._traffic.now()).state == "expired":
            raise BadQuery(f"the silence {silence_id} is over; make a new one")
        self._silences[silence_id] = replace(one, ends_at=ends_at)
        return silence_id

    async def expire_silence(self, silence_id: str) -> None:
        """End a silence now; one that is over stays so. Raises BadQuery when there is none of that id."""
        one, now = self._known(silence_id), self._traffic.now()
        self._silences[silence_id] = replace(one, ends_at=min(one.ends_at, now))

    def _known(self, silence_id: str) -> Silence:
        if silence_id not in self._silences:
            raise BadQuery(f"alertmanager knows no silence {silence_id}")
        return self._silences[silence_id]

    def _alert(self, rule: Watched, now: float) -> ActiveAlert:
        by = tuple(one.id for one in self._silences.values()
                   if _as_of(one, now).state == "active" and _silenced(one, rule))  # fmt: skip
        return ActiveAlert(
            rule.fingerprint, rule.labels, rule.annotations, self._firing.since(rule), now + 240.0,
            "suppressed" if by else "active", silenced_by=by, receivers=(RECEIVER,),
        )  # fmt: skip


def _as_of(silence: Silence, now: float) -> Silence:
    state = "expired" if now >= silence.ends_at else "pending" if now < silence.starts_at else "active"
    return replace(silence, state=state)


def _silenced(silence: Silence, rule: Watched) -> bool:
    labels = dict(rule.labels)
    return all(_matches(one, labels.get(one.name, "")) for one in silence.matchers)


def _matches(matcher: Matcher, value: str) -> bool:
    if not matcher.is_regex:
        return (value == matcher.value) == matcher.is_equal
    try:
        return (re.fullmatch(matcher.value, value) is not None) == matcher.is_equal
    except re.error as wrong:
        raise BadQuery(f"this is no regular expression: {matcher.value[:60]!r} ({wrong})") from None
