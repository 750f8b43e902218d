"""Lines as samples of series: what a range aggregation counts.

Follows Loki's extractors. Invariant: the samples of a series are sorted by time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from warroom.embedded.log_levels import CLASH
from warroom.embedded.log_store import Stream
from warroom.embedded.logql import ast, units
from warroom.embedded.logql.labels import ERROR, Labels
from warroom.embedded.logql.pipeline import Pipeline, label_filter_of, pipeline_of
from warroom.telemetry.logs import LogLine, Pairs

PRESERVED = "__preserve_error__"
SAMPLE_ERROR = "SampleExtractionErr"
_PUSHED_DOWN = frozenset({"bytes_over_time", "bytes_rate", "sum_over_time", "rate", "count_over_time"})
_BYTES = frozenset({"bytes_over_time", "bytes_rate"})


@dataclass(slots=True, eq=False)
class Series:
    """Samples of one label set: nanoseconds and values in parallel."""

    labels: Pairs
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def sort(self) -> None:
        """Bring the samples in order of time; lines of one moment stay as they came."""
        times = self.times
        if times != sorted(times):
            order = sorted(range(len(times)), key=times.__getitem__)
            self.values = [self.values[at] for at in order]
            self.times = [times[at] for at in order]


class Extractor:
    """Makes samples of lines for one range aggregation. `outer` is the grouping of a `sum` right around it, which Loki
    applies to the lines already.
    """

    def __init__(self, aggregation: ast.RangeAggregation, outer: ast.Grouping | None) -> None:
        grouping = aggregation.grouping
        if grouping is None and outer is not None and aggregation.operation in _PUSHED_DOWN:
            grouping = outer
        self.bytes = aggregation.operation in _BYTES
        self.unwrap = aggregation.range.unwrap
        self.none = aggregation.operation == "absent_over_time" or (grouping is not None and grouping.one)
        self.without = self.unwrap is not None and not self.none and (grouping is None or grouping.without)
        names = set(grouping.names) if grouping is not None else set()
        if grouping is not None and grouping.without:
            self.without = True
        if self.unwrap is not None and self.without:
            names.add(self.unwrap.label)
        self.names = tuple(sorted(names))
        self.pipeline, self.preserve = self._pipeline(aggregation.range.query)
        self._convert = _conversion(self.unwrap.conversion if self.unwrap is not None else "")
        self._after = label_filter_of(self.unwrap.filters if self.unwrap is not None else ())

    def _pipeline(self, query: ast.LogQuery) -> tuple[Pipeline, bool]:
        """Stages that find no more fields than anybody asks for, as Loki's do: a line that needs no parsing may not
        fail to parse.
        """
        filters = [stage for stage in query.stages if isinstance(stage, ast.LabelFilter)]
        if self.unwrap is not None:
            filters += self.unwrap.filters
        asked = {name for one in filters for name in _names_of(one)} | set(self.names)
        if self.unwrap is not None:
            asked.add(self.unwrap.label)
        writes = any(
            isinstance(stage, ast.LineFormat | ast.LabelsFormat | ast.DropLabels | ast.KeepLabels)
            for stage in query.stages
        )
        if self.none and not asked and not writes:
            return pipeline_of(query.stages, parse=False), False
        hinted = self.none or (bool(self.names) and not self.without)
        only = None
        if hinted and not writes:
            only = frozenset(asked | {name.removesuffix(CLASH) for name in asked})
        return pipeline_of(query.stages, only), hinted and ERROR in asked

    def series(self, streams: list[tuple[Stream, list[LogLine]]]) -> list[Series]:
        """The series that the lines make, sorted by labels."""
        known: dict[Pairs, Series] = {}
        for stream, lines in streams:
            for ns, value, labels in self._samples(stream, lines):
                one = known.get(labels)
                if one is None:
                    one = known[labels] = Series(labels)
                one.times.append(ns)
                one.values.append(value)
        for one in known.values():
            one.sort()
        return [known[labels] for labels in sorted(known)]

    def _samples(self, stream: Stream, lines: list[LogLine]) -> Iterator[tuple[int, float, Pairs]]:
        lines = self.pipeline.sieve(lines)
        if self.pipeline.stages or self.unwrap is not None:
            yield from self._parsed(stream.base, lines)
            return
        group = self._plain_group(stream.base)
        if self.bytes:
            for line in lines:
                yield line.ns, float(size_of(line.text)), group(line.metadata)
        else:
            for line in lines:
                yield line.ns, 1.0, group(line.metadata)

    def _plain_group(self, base: Mapping[str, str]) -> Callable[[Pairs], Pairs]:
        """The labels of a series for a line that no stage changed, from its metadata."""
        if self.none:
            return lambda _metadata: ()
        names, without = frozenset(self.names), self.without
        if names and not without:
            mine = {name: base[name] for name in self.names if base.get(name)}
            bare = tuple(sorted(mine.items()))

            def by(metadata: Pairs) -> Pairs:
                more = [pair for pair in metadata if pair[0] in names]
                return tuple(sorted({**mine, **dict(more)}.items())) if more else bare

            return by

        kept = {name: value for name, value in base.items() if name not in names}
        cached: dict[Pairs, Pairs] = {}

        def everything(metadata: Pairs) -> Pairs:
            found = cached.get(metadata)
            if found is None:
                more = {name: value for name, value in metadata if name not in names}
                found = cached[metadata] = tuple(sorted({**kept, **more}.items()))
            return found

        return everything

    def _parsed(self, base: Mapping[str, str], lines: list[LogLine]) -> Iterator[tuple[int, float, Pairs]]:
        through, unwrap, convert, after = self.pipeline.through, self.unwrap, self._convert, self._after
        for line in lines:
            labels = Labels(base, line.metadata, line.ns)
            text = through(line.text, labels)
            if text is None:
                continue
            value = 1.0
            if unwrap is not None:
                said = labels.get(unwrap.label)
                if not said:
                    continue
                try:
                    value = convert(said)
                except ValueError as wrong:
                    value = 0.0
                    labels.fail(SAMPLE_ERROR, str(wrong))
                if not after(labels):
                    continue
            elif self.bytes:
                value = float(size_of(text))
            yield line.ns, value, self._group(labels)

    def _group(self, labels: Labels) -> Pairs:
        if labels.error:
            every = labels.every()
            if self.preserve:
                every[PRESERVED] = "true"
            return tuple(sorted(every.items()))
        if self.none:
            return ()
        if self.names and not self.without:
            found = [(name, labels.get(name)) for name in self.names]
            return tuple((name, value) for name, value in found if value)
        every = labels.every()
        for name in self.names:
            every.pop(name, None)
        return tuple(sorted(pair for pair in every.items() if pair[1]))


def size_of(text: str) -> int:
    """Bytes of a line."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _conversion(name: str) -> Callable[[str], float]:
    if name == "bytes":
        return lambda said: float(units.size(said))
    if name.startswith("duration"):
        return lambda said: units.go_duration(said) / units.SECOND
    return units.go_float


def _names_of(one: ast.LabelFilter) -> Iterator[str]:
    match one:
        case ast.StringFilter():
            yield one.matcher.name
        case ast.BothFilters() | ast.EitherFilter():
            yield from _names_of(one.left)
            yield from _names_of(one.right)
        case _:
            yield one.name
