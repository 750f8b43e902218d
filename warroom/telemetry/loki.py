"""Questions to a Loki, answered with typed results.

Checked against Loki 3.7. Times asked for are seconds since the epoch (`*_ns` methods take whole nanoseconds); a
range includes its start and not its end. Every method raises a TelemetryError and nothing else.

Structured metadata is always asked for apart from the labels: merged into them, it would split streams.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias, TypeVar
from urllib.parse import quote

import httpx

from warroom.telemetry import loki_read as read
from warroom.telemetry.clock import Clock, SystemClock
from warroom.telemetry.errors import BadQuery, NotReady, TelemetryError, TooHeavy
from warroom.telemetry.logs import LogBatch, LogField, LogLine, LogPage, LogPattern, LogVolume, Pairs
from warroom.telemetry.prometheus_data import Matrix, Vector
from warroom.telemetry.source import Access, Limits, Source
from warroom.telemetry.upstream import Answer, Params, Upstream

Result = TypeVar("Result")
Direction: TypeAlias = Literal["backward", "forward"]

PAGE = 5000
"""Lines of one answer that a Loki grants unless it is told otherwise (`max_entries_limit_per_query`)."""

CATEGORIZE: Mapping[str, str] = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}

_API = "/loki/api/v1"
_LONGEST_QUERY = 1000
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_GRANTED = re.compile(r"max_entries_limit_per_query \(\d+ > (\d+)\)")
_EARLIEST_NS = 10**17
"""In 1973: a smaller time was counted in milliseconds or microseconds."""


class Loki:
    """One Loki server. Belongs to one event loop; `close` it there."""

    def __init__(
        self,
        source: Source,
        limits: Limits | None = None,
        access: Access | None = None,
        *,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.upstream = Upstream(source, limits, access, words=_words, transport=transport)
        self.clock = clock or SystemClock()

    async def close(self) -> None:
        """Drop the kept connections. Tails end with their iterators."""
        await self.upstream.close()

    async def query_range(
        self, query: str, start: float, end: float, limit: int = 1000, direction: Direction = "backward"
    ) -> LogPage:
        """The lines of a log query, in order of time: the newest first, or the oldest first when `forward`."""
        return await self.query_range_ns(query, read.ns_of(start), read.ns_of(end), limit, direction)

    async def query_range_ns(
        self, query: str, start: int, end: int, limit: int = 1000, direction: Direction = "backward"
    ) -> LogPage:
        """As `query_range`, between whole nanoseconds."""
        if limit < 1:
            raise BadQuery(f"limit: {limit} lines cannot be asked for; ask for 1 or more")
        asked = [("start", str(start)), ("end", str(end)), ("limit", str(limit)), ("direction", direction)]
        data = (await self._query("/query_range", query, asked))["data"]
        if isinstance(data, Mapping) and data.get("resultType") in ("matrix", "vector", "scalar"):
            raise BadQuery("the query counts lines and does not list them: draw it as a chart")
        return self._read(lambda: read.page_of(data, limit, direction))

    async def pages(
        self, query: str, start: int, end: int, direction: Direction = "backward", page: int = PAGE
    ) -> AsyncGenerator[LogPage, None]:
        """Page after page until there are no more lines; times are nanoseconds.

        A page ends within a nanosecond, so the next one begins with that same nanosecond and leaves out what was
        there. Where a nanosecond holds more lines than a page, the rest cannot be asked for: a warning says so.
        A smaller page that the server grants is taken.
        """
        edge: tuple[LogLine, ...] = ()
        while start < end:
            try:
                got = await self.query_range_ns(query, start, end, page, direction)
            except TooHeavy as refused:
                granted = _GRANTED.search(str(refused))
                if granted is None or not 0 < int(granted[1]) < page:
                    raise
                page = int(granted[1])
                continue
            fresh = _without(got.lines, edge)
            if got.lines:
                last = got.lines[-1].ns
                stuck = got.full and got.lines[0].ns == last
                edge = tuple(line for line in got.lines if line.ns == last)
                past = 1 if stuck else 0
                start, end = (last + past, end) if direction == "forward" else (start, last + 1 - past)
                if stuck:
                    edge = ()
                    got = replace(got, warnings=(*got.warnings, f"more than {page} lines at {last} ns: not all shown"))
            yield replace(got, lines=fresh)
            if not got.full:
                return

    async def matrix(self, query: str, start: float, end: float, step: float) -> Matrix:
        """Values of a metric query at every `step` seconds. Raises TooHeavy beyond the samples of the limits."""
        asked = [*_range(start, end), ("step", f"{step:g}s")]
        data = (await self._query("/query_range", query, asked))["data"]
        if isinstance(data, Mapping) and data.get("resultType") == "streams":
            raise BadQuery("the query lists lines and has no values to draw: count_over_time({…}[1m]) has")
        most = self.upstream.limits.samples
        try:
            return self._read(lambda: read.matrix_of(data, most))
        except OverflowError:
            raise TooHeavy(
                f"the answer has more than {most:,} samples; ask for fewer series or a longer step"
            ) from None

    async def instant(self, query: str, at: float) -> Vector:
        """The value of every series of a metric query at one moment."""
        said = await self._query("/query", query, [("time", str(read.ns_of(at)))])
        return self._read(lambda: read.vector_of(said["data"]))

    async def labels(self, start: float | None = None, end: float | None = None) -> tuple[str, ...]:
        """Names of stream labels, sorted. Structured metadata is not among them: see `detected_fields`."""
        said = await self._get("/labels", _range(start, end))
        return self._read(lambda: tuple(sorted(read.texts_of(said.get("data")))))

    async def label_values(
        self, name: str, query: str = "", start: float | None = None, end: float | None = None
    ) -> tuple[str, ...]:
        """Values of a stream label, sorted; only of the streams that the selector `query` picks when it is given."""
        if not _LABEL.fullmatch(name):
            raise BadQuery(f"{name!r} is not a label name: letters, digits and underscores, no digit first")
        asked = [*_range(start, end), *([("query", query)] if query else [])]
        said = await self._get(f"/label/{name}/values", asked)
        return self._read(lambda: tuple(sorted(read.texts_of(said.get("data")))))

    async def series(
        self, matchers: Sequence[str] = (), start: float | None = None, end: float | None = None
    ) -> tuple[Pairs, ...]:
        """Label sets of the streams that any of the selectors picks; of all streams without a selector."""
        said = await self._get("/series", [*_range(start, end), *(("match[]", one) for one in matchers)])
        return self._read(lambda: tuple(sorted(read.pairs_of(one) for one in said.get("data") or ())))

    async def patterns(self, query: str, start: float, end: float, step: float | None = None) -> tuple[LogPattern, ...]:
        """Forms of lines, the most frequent first. `query` is a plain selector; needs Loki's pattern ingester."""
        asked = [*_range(start, end), *([("step", f"{step:g}s")] if step else [])]
        said = await self._query("/patterns", query, asked, needs="pattern_ingester.enabled")
        return self._read(lambda: read.patterns_of(said.get("data") or ()))

    async def detected_fields(
        self, query: str, start: float, end: float, line_limit: int = 1000
    ) -> tuple[LogField, ...]:
        """Fields found in the newest `line_limit` lines, by name."""
        asked = [*_range(start, end), ("line_limit", str(line_limit))]
        said = await self._query("/detected_fields", query, asked, wrapped=False)
        return self._read(lambda: read.fields_of(said))

    async def detected_field_values(
        self, name: str, query: str, start: float, end: float, limit: int = 100
    ) -> tuple[str, ...]:
        """Values of a field found in lines, none for an unknown field. A field that clashes with a stream label goes
        by its other name, such as `level_extracted`.
        """
        asked = [*_range(start, end), ("limit", str(limit))]
        said = await self._query(f"/detected_field/{quote(name, safe='')}/values", query, asked, wrapped=False)
        return self._read(lambda: read.texts_of(said.get("values")))

    async def volume(
        self, query: str, start: float, end: float, step: float, by: Sequence[str] = ()
    ) -> tuple[LogVolume, ...]:
        """Bytes by step and by the labels `by` (those that the selector names, when empty), the largest group first.

        Sees what is not flushed yet, which Loki's index statistics do not. Needs `volume_enabled`.
        """
        asked = [*_range(start, end), ("step", f"{step:g}s"), *([("targetLabels", ",".join(by))] if by else [])]
        said = await self._query("/index/volume_range", query, asked, needs="limits_config.volume_enabled")
        return self._read(lambda: read.volumes_of(said["data"]))

    async def format_query(self, query: str) -> str:
        """The query as Loki writes it. Raises BadQuery with the place of a mistake in it."""
        said = await self._query("/format_query", query, [])
        return self._read(lambda: read.texts_of([said["data"]])[0])

    async def push(self, lines: Iterable[LogLine]) -> None:
        """Write lines, each to the stream of its labels, its metadata beside it. Never said twice by itself.

        Raises BadQuery when Loki refused lines: the good ones of the same push are kept nevertheless.
        """
        streams: dict[Pairs, list[list[Any]]] = {}
        for line in lines:
            if line.ns < _EARLIEST_NS:
                raise BadQuery(f"time of a line: {line.ns} is not in nanoseconds since the epoch")
            value = [str(line.ns), line.text, *([dict(line.metadata)] if line.metadata else [])]
            streams.setdefault(line.labels, []).append(value)
        if not streams:
            return
        body = {"streams": [{"stream": dict(labels), "values": values} for labels, values in streams.items()]}
        answer = await self.upstream.exchange("POST", f"{_API}/push", json=body)
        if not answer.ok:
            refused = self.upstream.refusal(answer)
            kept = " (lines of the same push that it did not refuse are kept)" if answer.status in (400, 429) else ""
            raise type(refused)(f"{refused}{kept}")

    def tail(
        self,
        query: str,
        start: float | None = None,
        limit: int = 100,
        delay_for: int = 0,
        trouble: Callable[[TelemetryError | None], None] | None = None,
    ) -> AsyncGenerator[LogBatch, None]:
        """New lines as they come, after up to `limit` older ones since `start` (default: an hour ago).

        See `warroom.telemetry.loki_tail` for what it does about lost connections and dropped lines. `trouble` hears
        why nothing comes at the moment, and None when lines come again. Close it with `aclose` to end the tail.
        """
        from warroom.telemetry.loki_tail import follow

        since = None if start is None else read.ns_of(start)
        return follow(self, query, since, limit, delay_for, trouble)

    async def ready(self) -> None:
        """Return when Loki says that it can answer. Raises NotReady with its own words, or Unreachable."""
        answer = await self.upstream.exchange("GET", "/ready", again=True)
        if not answer.ok:
            said = self.upstream.source.clean(answer.text)
            raise NotReady(f"{self.upstream.source.name} is not ready: it answered {answer.status} {said}".rstrip())

    async def version(self) -> str:
        """Version of the server, such as 3.7.6."""
        said = await self._get("/status/buildinfo", (), wrapped=False)
        return self._read(lambda: read.texts_of([said["version"]])[0])

    async def _get(self, path: str, params: Params, wrapped: bool = True) -> dict[str, Any]:
        return self._object(await self.upstream.get(_API + path, params), wrapped)

    async def _query(
        self, path: str, query: str, params: Params, needs: str = "", wrapped: bool = True
    ) -> dict[str, Any]:
        """Ask about a query; a long one travels as a form. `needs` is the setting of Loki without which it says 404."""
        asked = [("query", query), *params]
        long = len(query) > _LONGEST_QUERY
        answer = await self.upstream.exchange(
            "POST" if long else "GET", _API + path, params=() if long else asked, form=asked if long else None,
            headers=CATEGORIZE, again=True,
        )  # fmt: skip
        if answer.status == 504:
            # A Loki that starts up lets a query hang and then complains of its length.
            await self.ready()
        if answer.ok:
            return self._object(answer, wrapped)
        refused = self.upstream.refusal(answer)
        if isinstance(refused, BadQuery) and "maximum number of series" in answer.text:
            refused = TooHeavy(str(refused))
        if needs and answer.status == 404:
            raise BadQuery(f"{refused}; {self.upstream.source.name} must have {needs} set for this")
        raise refused

    def _object(self, answer: Answer, wrapped: bool = True) -> dict[str, Any]:
        """What it says. Some answers are not wrapped in a status."""
        try:
            said = answer.json()
        except ValueError:
            raise self.upstream.strange("no JSON") from None
        if not isinstance(said, dict) or (wrapped and said.get("status") != "success"):
            raise self.upstream.strange("no object of a success")
        return said

    def _read(self, reading: Callable[[], Result]) -> Result:
        try:
            return reading()
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as unexpected:
            raise self.upstream.strange(type(unexpected).__name__) from unexpected


def _range(start: float | None, end: float | None) -> list[tuple[str, str]]:
    given = (("start", start), ("end", end))
    return [(name, str(read.ns_of(value))) for name, value in given if value is not None]


def _words(answer: Answer) -> str:
    """Loki's errors are plain text, but for those of its query formatter."""
    if "json" in answer.kind:
        try:
            said = answer.json()
        except ValueError:
            return answer.text
        if isinstance(said, dict) and isinstance(said.get("error"), str):
            return str(said["error"])
    if answer.text.strip() == "no org id":
        return "no org id (the settings of this server need a tenant)"
    return answer.text


def _without(lines: Sequence[LogLine], edge: Sequence[LogLine]) -> tuple[LogLine, ...]:
    """`lines` without as many of each line as were in `edge`."""
    left: dict[LogLine, int] = {}
    for line in edge:
        left[line] = left.get(line, 0) + 1
    fresh = []
    for line in lines:
        if left.get(line):
            left[line] -= 1
        else:
            fresh.append(line)
    return tuple(fresh)
