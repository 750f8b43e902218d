"""Questions to a Prometheus, answered with typed results and without blocking the event loop.

Stands on `prometheus-api-client` for the API and on `BoundedSession` for everything between it and the network.
Invariant: a call returns within its limit whatever the server does, and raises nothing but a TelemetryError.

The shapes are those of https://prometheus.io/docs/prometheus/latest/querying/api/ and were checked against
Prometheus 2.42, 3.5 and 3.14.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from prometheus_api_client import PrometheusConnect
from urllib3.util.retry import Retry

from warroom.telemetry.errors import BadQuery, NotReady, Protocol, TooHeavy, Unreachable
from warroom.telemetry.panel import MAX_COLUMNS
from warroom.telemetry.series import Labels
from warroom.telemetry.session import BoundedSession, Limits, Source
from warroom.telemetry.threads import Abandoned, DaemonCalls

Result = TypeVar("Result")

_LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LATEST = 253_402_300_799.0
_PATIENCE = 1.0
"""Seconds that the loop waits beyond the exchange's own deadline, which should end it first."""


@dataclass(frozen=True, slots=True)
class Line:
    """One series of an answer: seconds since the epoch and values, both of the same length, in order of time."""

    labels: Labels
    times: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The answer to a range query. `warnings` and `infos` are the server's remarks, whole sentences."""

    lines: tuple[Line, ...]
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One value at one moment."""

    labels: Labels
    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Vector:
    """The answer to an instant query; a scalar is one sample without labels."""

    samples: tuple[Sample, ...]
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """What a metric says of itself: `kind` is counter, gauge, histogram, summary or unknown."""

    name: str
    kind: str
    help: str
    unit: str


class Prometheus:
    """One Prometheus server. Make it inside a running event loop and `close` it there."""

    def __init__(self, source: Source, limits: Limits | None = None) -> None:
        self.source = source
        self.limits = limits or Limits()
        self._session = BoundedSession(source, self.limits)
        self._calls = DaemonCalls(self.limits.at_once, f"telemetry-{source.name}")
        # Retrying is the relay's decision: the library's own three tries would hide an outage for seconds.
        self._api = PrometheusConnect(
            url=source.base, session=self._session, retry=Retry(0, read=False), timeout=self.limits.total
        )

    def close(self) -> None:
        """Drop the kept connections. Questions still open end by themselves, unheard."""
        self._calls.close()
        self._session.close()

    async def range(self, query: str, start: float, end: float, step: float) -> Matrix:
        """Values at `start`, `start + step` ... up to `end` (seconds since the epoch).

        Raises TooHeavy without asking when that is more points than Prometheus grants; any TelemetryError else.
        """
        if not 0 <= start <= end <= _LATEST:
            raise BadQuery("a range starts after 1970, ends before the year 10000, and not before its start")
        points = (end - start) / step + 1
        if points > MAX_COLUMNS:
            raise TooHeavy(f"the range has {points:.0f} points per series and at most {MAX_COLUMNS} are granted")
        exact = {"start": f"{start:.3f}", "end": f"{end:.3f}", "timeout": self._server_timeout}

        def ask() -> Matrix:
            # The library rounds times to whole seconds; its parameters may be overridden by exact ones.
            moments = datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)
            result = self._api.custom_query_range(query, *moments, step=f"{step:.3f}", params=exact)
            return self._matrix(result)

        return await self._run(ask)

    async def instant(self, query: str, at: float | None = None) -> Vector:
        """The value of every series at `at` (default: the server's now). Raises a TelemetryError."""
        params = {"timeout": self._server_timeout} | ({} if at is None else {"time": f"{at:.3f}"})

        def ask() -> Vector:
            result = self._api.custom_query(query, params=params)
            kind = self._session.answer.payload["data"].get("resultType")
            return self._vector(result, kind)

        return await self._run(ask)

    async def label_names(self) -> tuple[str, ...]:
        """All label names, sorted by the server."""
        return await self._run(lambda: tuple(_texts(self._api.get_label_names())))

    async def label_values(self, label: str, matching: str | None = None) -> tuple[str, ...]:
        """All values of a label, of the series that the selector `matching` picks when it is given."""
        if not _LABEL_NAME.fullmatch(label):
            raise BadQuery(f"{label!r} is not a label name: letters, digits and underscores, no digit first")
        params = None if matching is None else {"match[]": matching}
        return await self._run(lambda: tuple(_texts(self._api.get_label_values(label, params=params))))

    async def metadata(self, metric: str | None = None) -> tuple[MetricInfo, ...]:
        """Type, help and unit of one metric, or of all."""

        def ask() -> tuple[MetricInfo, ...]:
            return tuple(
                MetricInfo(one["metric_name"], one["type"], one["help"], one["unit"])
                for one in self._api.get_metric_metadata(metric)
            )

        return await self._run(ask)

    async def version(self) -> str:
        """Version of the server, such as 2.42.0."""

        def ask() -> str:
            answer = self._session.request("GET", f"{self.source.base}/api/v1/status/buildinfo")
            return str(answer.payload["data"]["version"])

        return await self._run(ask)

    async def ready(self) -> None:
        """Return when the server says that it can answer. Raises NotReady or Unreachable."""

        def ask() -> None:
            status, said = self._session.text("/-/ready")
            if status != 200:
                detail = self.source.clean(said)
                raise NotReady(f"{self.source.name} is not ready: it answered {status} {detail}".rstrip())

        await self._run(ask)

    @property
    def _server_timeout(self) -> str:
        """Lets the server stop working on what nobody waits for any more."""
        return f"{self.limits.total:g}s"

    async def _run(self, ask: Callable[[], Result]) -> Result:
        try:
            return await self._calls.run(ask, self.limits.total + self.limits.connect + _PATIENCE)
        except Abandoned:
            raise Unreachable(
                f"{self.source.name} gave no answer within {self.limits.total:g} s and was given up"
            ) from None
        except UnicodeEncodeError:
            raise BadQuery("the query has characters in it that are no Unicode text") from None
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as unexpected:
            raise Protocol(
                f"{self.source.name} answered in a shape that no Prometheus has ({type(unexpected).__name__})"
            ) from unexpected

    def _notes(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        payload = self._session.answer.payload
        return tuple(_texts(payload.get("warnings") or ())), tuple(_texts(payload.get("infos") or ()))

    def _matrix(self, result: Any) -> Matrix:
        lines: list[Line] = []
        samples = histograms = 0
        for series in result:
            values = series.get("values", ())
            histograms += not values and bool(series.get("histograms"))
            samples += len(values)
            if samples > self.limits.samples:
                raise TooHeavy(
                    f"the answer has more than {self.limits.samples:,} samples; ask for fewer series or a longer step"
                )
            if values:
                times, texts = zip(*values, strict=True)
                lines.append(Line(_labels(series["metric"]), tuple(map(float, times)), tuple(map(float, texts))))
        warnings, infos = self._notes()
        if histograms:
            remark = f"{histograms} series are native histograms; draw histogram_quantile() or _count() of them"
            warnings = (*warnings, remark)
        return Matrix(tuple(lines), warnings, infos)

    def _vector(self, result: Any, kind: str | None) -> Vector:
        if kind == "scalar":
            at, text = result
            return Vector((Sample((), float(at), float(text)),), *self._notes())
        if kind != "vector":
            raise BadQuery(f"the query gives a {kind}, and a value at one moment is needed")
        samples = tuple(
            Sample(_labels(series["metric"]), float(series["value"][0]), float(series["value"][1]))
            for series in result
            if "value" in series
        )
        return Vector(samples, *self._notes())


def _labels(metric: Mapping[str, str]) -> Labels:
    return tuple(sorted((str(name), str(value)) for name, value in metric.items()))


def _texts(said: Sequence[Any]) -> Sequence[str]:
    if not all(isinstance(text, str) for text in said):
        raise TypeError("a list of texts was expected")
    return said
