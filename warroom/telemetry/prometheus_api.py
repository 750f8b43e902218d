"""What `prometheus-api-client` has no call for: exemplars, rules, alerts, targets, series and the server's own state.

Over `Upstream`; a long question travels as a form. Every question only reads, so a connection that ended before an
answer is tried once more. Raises a TelemetryError and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from warroom.telemetry import prometheus_read as read
from warroom.telemetry.alerts import ActiveAlert, Exemplar, Rule, Target
from warroom.telemetry.errors import BadQuery, TelemetryError
from warroom.telemetry.prometheus_data import Cardinality, Listing, Replay, Runtime
from warroom.telemetry.prometheus_errors import failure
from warroom.telemetry.series import Labels
from warroom.telemetry.session import LONGEST_QUERY
from warroom.telemetry.upstream import Answer, Params, Upstream

Result = TypeVar("Result")

TRUNCATED = "results truncated due to limit"
"""How Prometheus 3 remarks on an answer that it cut; 2.x ignores a limit, so its answers are cut here."""

_NO_EXEMPLARS = "{name} keeps no exemplars: it runs without --enable-feature=exemplar-storage"
_FORM_PATHS = ("/series", "/query_exemplars", "/format_query")
_LATEST = 253_402_300_799.0


class PrometheusApi:
    """The part of the API that only reads JSON; `Prometheus` has one."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._keeps_exemplars = False

    async def exemplars(self, query: str, start: float, end: float) -> Listing[Exemplar]:
        """Exemplars of the series in a query, between two times.

        A server that keeps none answers as if there were none; an info says so then, where its flags can be read.
        """
        found = await self._get("/query_exemplars", [("query", query), *between(start, end)], read.exemplars)
        if not found and not self._keeps_exemplars:
            try:
                features = dict(await self.flags()).get("enable-feature", "exemplar-storage")
            except TelemetryError:
                return found
            self._keeps_exemplars = "exemplar-storage" in features
            if not self._keeps_exemplars:
                told = _NO_EXEMPLARS.format(name=self._upstream.source.name)
                return Listing(found, found.warnings, (*found.infos, told))
        return found

    async def rules(self, names: Collection[str] = (), groups: Collection[str] = ()) -> Listing[Rule]:
        """Rules, of those names or groups when given. 2.x ignores such filters, so they are applied here as well."""
        asked = [("rule_name[]", name) for name in names] + [("rule_group[]", group) for group in groups]
        found = await self._get("/rules", asked, read.rules)
        kept = [rule for rule in found if (not names or rule.name in names) and (not groups or rule.group in groups)]
        return Listing(kept, found.warnings, found.infos)

    async def alerts(self) -> Listing[ActiveAlert]:
        """Alerts that are firing or pending here (`state`); the fingerprint is the one that Alertmanager computes,
        as long as no external labels are added on the way to it.
        """
        return await self._get("/alerts", (), read.alerts)

    async def targets(self) -> Listing[Target]:
        """What is scraped: the active targets."""
        return await self._get("/targets", [("state", "active")], read.targets)

    async def series(
        self, matching: Sequence[str], start: float | None = None, end: float | None = None, limit: int | None = None
    ) -> Listing[Labels]:
        """Label sets of the series that any of the selectors picks, with samples between the times; at most `limit`."""
        if not matching:
            raise BadQuery('series: name at least one selector, such as up or {job="api"}')
        asked = [("match[]", one) for one in matching] + between(start, end)
        if limit is not None:
            asked.append(("limit", str(limit)))
        found = await self._get("/series", asked, lambda data: list(map(read.labels, data)))
        return cut(found, limit)

    async def format_query(self, query: str) -> str:
        """A query as Prometheus would lay it out. Raises BadQuery with its words when it is none."""

        def text(data: Any) -> list[str]:
            return list(read.texts([data]))

        return (await self._get("/format_query", [("query", query)], text))[0]

    async def runtime(self) -> Runtime:
        """How the server itself does."""
        return (await self._get("/status/runtimeinfo", (), lambda data: [read.runtime(data)]))[0]

    async def cardinality(self) -> Cardinality:
        """What fills the server's memory."""
        return (await self._get("/status/tsdb", (), lambda data: [read.cardinality(data)]))[0]

    async def flags(self) -> Listing[tuple[str, str]]:
        """Flags that the server runs with, without their dashes."""
        return await self._get("/status/flags", (), lambda data: list(read.labels(data)))

    async def config(self) -> str:
        """The configuration in force, as YAML; the server strikes out secrets itself."""
        return (await self._get("/status/config", (), lambda data: list(read.texts([data["yaml"]]))))[0]

    async def replay(self) -> Replay:
        """How far a starting server has read its log; it answers this while it answers nothing else."""
        return (await self._get("/status/walreplay", (), lambda data: [read.replay(data)]))[0]

    async def _get(self, path: str, params: Params, parse: Callable[[Any], Sequence[Result]]) -> Listing[Result]:
        as_form = path in _FORM_PATHS and sum(len(value) for _, value in params) > LONGEST_QUERY
        try:
            if as_form:
                answer = await self._upstream.exchange("POST", f"/api/v1{path}", form=params, again=True)
            else:
                answer = await self._upstream.exchange("GET", f"/api/v1{path}", params=params, again=True)
        except UnicodeEncodeError:
            raise BadQuery("the query has characters in it that are no Unicode text") from None
        payload = self._payload(answer)
        try:
            found = parse(payload["data"])
            return Listing(found, *read.notes(payload))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as unexpected:
            raise self._upstream.strange(f"{path}: {type(unexpected).__name__} {unexpected}"[:120]) from unexpected

    def _payload(self, answer: Answer) -> Mapping[str, Any]:
        try:
            payload = answer.json()
        except ValueError:
            payload = None
        if answer.ok and isinstance(payload, dict) and payload.get("status") == "success":
            return payload
        raise failure(self._upstream.source, answer.status, answer.body, answer.kind, payload)


def between(start: float | None, end: float | None) -> list[tuple[str, str]]:
    """Parameters for a span of time; an end that is None is the server's own (2.x: all of its data).

    Raises BadQuery for times that cannot be.
    """
    for at in (start, end):
        if at is not None and not 0 <= at <= _LATEST:
            raise BadQuery("a range starts after 1970, ends before the year 10000, and not before its start")
    if start is not None and end is not None and end < start:
        raise BadQuery("a range starts after 1970, ends before the year 10000, and not before its start")
    return [(name, f"{at:.3f}") for name, at in (("start", start), ("end", end)) if at is not None]


def cut(found: Listing[Result], limit: int | None) -> Listing[Result]:
    """At most `limit` items, and the remark on it that 3.x would make."""
    if limit is None or len(found) <= limit:
        return found
    return Listing(found[:limit], (*found.warnings, TRUNCATED), found.infos)
