"""Questions to a Prometheus, answered with typed results and without blocking the event loop.

Queries, labels and metadata stand on `prometheus-api-client`, with `BoundedSession` between it and the network;
what it has no call for is `PrometheusApi`. Invariant: a call returns within its limit whatever the server does, its
wait ends when it is cancelled, and it raises nothing but a TelemetryError.

The shapes are those of https://prometheus.io/docs/prometheus/latest/querying/api/ and are held against
Prometheus 2.42, 3.5 and 3.14.
"""

import contextlib
import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
from prometheus_api_client import PrometheusConnect
from urllib3.util.retry import Retry

from warroom.telemetry import prometheus_read as read
from warroom.telemetry.alerts import ActiveAlert, Exemplar, Rule, Target
from warroom.telemetry.errors import BadQuery, NotReady, Protocol, TelemetryError, TooHeavy, Unreachable
from warroom.telemetry.panel import MAX_COLUMNS
from warroom.telemetry.prometheus_api import PrometheusApi, between, cut
from warroom.telemetry.prometheus_data import (
    Bucket,
    Cardinality,
    Histogram,
    HistogramLine,
    HistogramSample,
    Line,
    Listing,
    Matrix,
    MetricInfo,
    Replay,
    Runtime,
    Sample,
    Text,
    Vector,
)
from warroom.telemetry.series import Labels
from warroom.telemetry.session import BoundedSession
from warroom.telemetry.source import Access, Limits, Source
from warroom.telemetry.threads import Abandoned, DaemonCalls
from warroom.telemetry.upstream import Upstream

__all__ = [
    "Bucket",
    "Cardinality",
    "Histogram",
    "HistogramLine",
    "HistogramSample",
    "Line",
    "Listing",
    "Matrix",
    "MetricInfo",
    "Prometheus",
    "Replay",
    "Runtime",
    "Sample",
    "Text",
    "Vector",
]

Result = TypeVar("Result")

_LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATIENCE = 1.0
"""Seconds that the loop waits beyond the exchange's own deadline, which should end it first."""


class Prometheus:
    """One Prometheus server. Belongs to one event loop; `aclose` it there."""

    def __init__(
        self,
        source: Source,
        limits: Limits | None = None,
        access: Access | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """
        Raises:
            ValueError: a certificate or a key cannot be used; the sentence says which.
        """
        self.source = source
        self.limits = limits or Limits()
        self._upstream = Upstream(source, self.limits, access, transport=transport)
        self.api = PrometheusApi(self._upstream)
        self._session = BoundedSession(source, self.limits, access)
        self._calls = DaemonCalls(self.limits.at_once, f"telemetry-{source.name}")
        # Retrying is the relay's decision: the library's own three tries would hide an outage for seconds.
        self._client = PrometheusConnect(
            url=source.base, session=self._session, retry=Retry(0, read=False), timeout=self.limits.total
        )

    def close(self) -> None:
        """Drop the connections of all but `api` and what stands on it. Questions still open end by themselves,
        unheard.
        """
        self._calls.close()
        self._session.close()

    async def aclose(self) -> None:
        """Drop all kept connections."""
        self.close()
        await self._upstream.close()

    async def range(self, query: str, start: float, end: float, step: float) -> Matrix:
        """Values at `start`, `start + step` ... up to `end` (seconds since the epoch).

        Raises TooHeavy without asking when that is more points than Prometheus grants; any TelemetryError else.
        """
        between(start, end)
        points = (end - start) / step + 1
        if points > MAX_COLUMNS:
            raise TooHeavy(f"the range has {points:.0f} points per series and at most {MAX_COLUMNS} are granted")
        exact = {"start": f"{start:.3f}", "end": f"{end:.3f}", "timeout": self._server_timeout}

        def ask() -> Matrix:
            # The library rounds times to whole seconds; its parameters may be overridden by exact ones.
            moments = datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)
            result = self._client.custom_query_range(query, *moments, step=f"{step:.3f}", params=exact)
            if (kind := self._session.answer.payload["data"]["resultType"]) != "matrix":
                raise ValueError(f"a result of type {kind}")
            return read.matrix(result, self.limits.samples, self._notes())

        return await self._run(ask)

    async def instant(self, query: str, at: float | None = None) -> Vector:
        """The value of every series at `at` (default: the server's now). Raises a TelemetryError, BadQuery for a
        query that gives a string or a range.
        """
        found = await self.evaluate(query, at)
        if isinstance(found, Vector):
            return found
        kind = "matrix" if isinstance(found, Matrix) else "string"
        raise BadQuery(f"the query gives a {kind}, and a value at one moment is needed")

    async def evaluate(self, query: str, at: float | None = None) -> Vector | Matrix | Text:
        """What a query gives at `at` (default: the server's now): values (a scalar is one without labels), the
        samples of a range, or a text. Raises a TelemetryError.
        """
        params = {"timeout": self._server_timeout} | ({} if at is None else {"time": f"{at:.3f}"})

        def ask() -> Vector | Matrix | Text:
            self._client.custom_query(query, params=params)
            return read.instant(self._session.answer.payload["data"], self.limits.samples, self._notes())

        return await self._run(ask)

    async def label_names(
        self,
        matching: str | Sequence[str] = (),
        start: float | None = None,
        end: float | None = None,
        limit: int | None = None,
    ) -> Listing[str]:
        """Label names, sorted by the server: of series that a selector picks, between two times, at most `limit`."""
        params = _params(matching, start, end, limit)
        return await self._run(lambda: self._names(self._client.get_label_names(params), limit))

    async def label_values(
        self,
        label: str,
        matching: str | Sequence[str] | None = None,
        start: float | None = None,
        end: float | None = None,
        limit: int | None = None,
    ) -> Listing[str]:
        """Values of a label; as `label_names`. A name beyond letters, digits and underscores needs Prometheus 3."""
        params = _params(matching or (), start, end, limit)
        escaped = label if _LABEL_NAME.fullmatch(label) else await self._escaped(label)
        return await self._run(lambda: self._names(self._client.get_label_values(escaped, params=params), limit))

    async def metadata(self, metric: str | None = None) -> Listing[MetricInfo]:
        """Type, help and unit of one metric, or of all."""

        def ask() -> Listing[MetricInfo]:
            said = self._client.get_metric_metadata(metric)
            names = ("metric_name", "type", "help", "unit")
            return Listing((MetricInfo(*read.texts([one[name] for name in names])) for one in said), *self._notes())

        return await self._run(ask)

    async def series(
        self,
        matching: str | Sequence[str],
        start: float | None = None,
        end: float | None = None,
        limit: int | None = None,
    ) -> Listing[Labels]:
        """Label sets of the series that any of the selectors picks, with samples between the times."""
        return await self.api.series([matching] if isinstance(matching, str) else matching, start, end, limit)

    async def exemplars(self, query: str, start: float, end: float) -> Listing[Exemplar]:
        """Exemplars of the series in a query; `trace_id` opens their traces. See `PrometheusApi.exemplars`."""
        return await self.api.exemplars(query, start, end)

    async def rules(self, names: Collection[str] = (), groups: Collection[str] = ()) -> Listing[Rule]:
        """Alerting and recording rules with their health, of those names or groups when given."""
        return await self.api.rules(names, groups)

    async def alerts(self) -> Listing[ActiveAlert]:
        """Alerts as the rules give them: `state` is firing or pending."""
        return await self.api.alerts()

    async def targets(self) -> Listing[Target]:
        """What is scraped, and whether it is up."""
        return await self.api.targets()

    async def format_query(self, query: str) -> str:
        """The query, laid out. Raises BadQuery with the server's words when it is none."""
        return await self.api.format_query(query)

    async def version(self) -> str:
        """Version of the server, such as 2.42.0."""
        return await self._run(lambda: read.texts([self._status("buildinfo")["version"]])[0])

    async def ready(self) -> None:
        """Return when the server says that it can answer. Raises NotReady, which says how far its start is, or
        Unreachable.
        """

        def ask() -> None:
            status, words = self._session.text("/-/ready")
            if status == 200:
                return
            said = f"is not ready: it answered {status} {self.source.clean(words)}".rstrip()
            with contextlib.suppress(TelemetryError):
                replay = read.replay(self._status("walreplay"))
                if replay.last > replay.first:
                    said += f", and has read {replay.current} of {replay.last} parts of its log"
            raise NotReady(f"{self.source.name} {said}")

        await self._run(ask)

    @property
    def _server_timeout(self) -> str:
        """Lets the server stop working on what nobody waits for any more."""
        return f"{self.limits.total:g}s"

    async def _escaped(self, label: str) -> str:
        """A name as the path of a URL holds it, in the escaping of Prometheus 3: `U__`, then hex between underscores.

        Source: https://prometheus.io/docs/prometheus/latest/querying/api/#querying-label-values. A 2.x would take
        that for a plain name, and answer that nothing has it.
        """
        wrong = f"{label!r} is not a label name: letters, digits and underscores, no digit first"
        if not label or not label.isprintable():
            raise BadQuery(wrong)
        version = await self.version()
        if version.split(".")[0] in ("1", "2"):
            raise BadQuery(f"{wrong} ({self.source.name} is {version}; 3.0 knows others)")
        plain = re.compile(r"[A-Za-z0-9]")
        return "U__" + "".join(
            sign if plain.fullmatch(sign) else "__" if sign == "_" else f"_{ord(sign):x}_" for sign in label
        )

    async def _run(self, ask: Callable[[], Result]) -> Result:
        try:
            return await self._calls.run(ask, self.limits.total + self.limits.connect + _PATIENCE)
        except Abandoned:
            raise Unreachable(
                f"{self.source.name} gave no answer within {self.limits.total:g} s and was given up"
            ) from None
        except TelemetryError:
            raise
        except read.TooManySamples as many:
            raise TooHeavy(str(many)) from None
        except UnicodeEncodeError:
            raise BadQuery("the query has characters in it that are no Unicode text") from None
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as unexpected:
            raise Protocol(
                f"{self.source.name} answered in a shape that no Prometheus has ({type(unexpected).__name__})"
            ) from unexpected

    def _status(self, page: str) -> Any:
        return self._session.request("GET", f"{self.source.base}/api/v1/status/{page}").payload["data"]

    def _notes(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return read.notes(self._session.answer.payload)

    def _names(self, said: Any, limit: int | None) -> Listing[str]:
        return cut(Listing(read.texts(said), *self._notes()), limit)


def _params(matching: str | Sequence[str], start: float | None, end: float | None, limit: int | None) -> dict[str, Any]:
    params: dict[str, Any] = dict(between(start, end))
    if matching:
        params["match[]"] = [matching] if isinstance(matching, str) else list(matching)
    if limit is not None:
        params["limit"] = str(limit)
    return params
