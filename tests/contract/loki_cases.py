"""What a client of Loki must understand: for each recorded exchange how it is asked for, and what it says.

What it says is read here straight from the recorded body, so that it does not depend on the client.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from warroom.telemetry.logs import LogLine
from warroom.telemetry.loki import Loki

Body = Any
Asked = dict[str, Any]


@dataclass(frozen=True)
class Case:
    names: tuple[str, ...]
    ask: Callable[[Loki, Asked], Awaitable[Any]]
    says: Callable[[Body, Asked], Any]


def ns(seconds_as_ns: int) -> float:
    return seconds_as_ns / 1_000_000_000


def between(asked: Asked) -> tuple[float, float]:
    return ns(asked["start"]), ns(asked["end"])


def step(asked: Asked) -> float:
    return float(asked["step"].removesuffix("s"))


async def ask_lines(loki: Loki, asked: Asked) -> Any:
    page = await loki.query_range_ns(
        asked["query"], asked["start"], asked["end"], asked["limit"], asked.get("direction", "backward")
    )
    return page.lines, page.full, page.warnings


def says_lines(body: Body, asked: Asked) -> Any:
    lines = []
    for stream in body["data"]["result"]:
        for at, text, *beside in stream["values"]:
            metadata: dict[str, str] = {}
            for part in beside:
                metadata.update(part.get("structuredMetadata", {}))
                metadata.update(part.get("parsed", {}))
            lines.append(LogLine(int(at), text, pairs(stream["stream"]), pairs(metadata)))
    lines.sort(key=lambda line: line.ns, reverse=asked.get("direction") != "forward")
    return tuple(lines), len(lines) == asked["limit"], ()


def pairs(said: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(said.items()))


async def ask_matrix(loki: Loki, asked: Asked) -> Any:
    matrix = await loki.matrix(asked["query"], *between(asked), step(asked))
    return [(line.labels, line.times, line.values) for line in matrix.lines]


def says_matrix(body: Body, asked: Asked) -> Any:
    return [
        (
            pairs(series["metric"]),
            tuple(float(at) for at, _ in series["values"]),
            tuple(float(text) for _, text in series["values"]),
        )
        for series in body["data"]["result"]
    ]


async def ask_vector(loki: Loki, asked: Asked) -> Any:
    vector = await loki.instant(asked["query"], ns(asked["time"]))
    return [(sample.labels, sample.at, sample.value) for sample in vector.samples]


def says_vector(body: Body, asked: Asked) -> Any:
    return [(pairs(one["metric"]), one["value"][0], float(one["value"][1])) for one in body["data"]["result"]]


async def ask_series(loki: Loki, asked: Asked) -> Any:
    matchers = [asked["match[]"]] if "match[]" in asked else []
    return await loki.series(matchers, *between(asked))


async def ask_patterns(loki: Loki, asked: Asked) -> Any:
    found = await loki.patterns(asked["query"], *between(asked), step(asked) if "step" in asked else None)
    return [(one.pattern, one.level, one.samples) for one in found]


def says_patterns(body: Body, asked: Asked) -> Any:
    rows = [(one["pattern"], one["level"], tuple((float(a), b) for a, b in one["samples"])) for one in body["data"]]
    return sorted(rows, key=lambda row: (-sum(count for _, count in row[2]), row[0], row[1]))


async def ask_fields(loki: Loki, asked: Asked) -> Any:
    found = await loki.detected_fields(asked["query"], *between(asked), asked.get("line_limit", 1000))
    return [(one.name, one.kind, one.cardinality, one.parsers) for one in found]


def says_fields(body: Body, asked: Asked) -> Any:
    return sorted(
        (one["label"], one["type"], one["cardinality"], tuple(one["parsers"] or ())) for one in body.get("fields", [])
    )


async def ask_field_values(loki: Loki, asked: Asked) -> Any:
    name = asked["path"].split("/")[-2]
    return await loki.detected_field_values(name, asked["query"], *between(asked), asked.get("limit", 100))


async def ask_label_values(loki: Loki, asked: Asked) -> Any:
    return await loki.label_values(asked["path"].split("/")[-2], asked.get("query", ""), *between(asked))


async def ask_volume(loki: Loki, asked: Asked) -> Any:
    found = await loki.volume(asked["query"], *between(asked), step(asked))
    return [(one.labels, one.samples) for one in found]


def says_volume(body: Body, asked: Asked) -> Any:
    return [
        (pairs(one["metric"]), tuple((at, float(text)) for at, text in one["values"])) for one in body["data"]["result"]
    ]


def sorted_data(body: Body, asked: Asked) -> Any:
    return tuple(sorted(body.get("data", ())))


CASES = (
    Case(
        (
            "query_range_structured_metadata_categorized", "query_range_parsed_categorized",
            "query_range_streams_backward", "query_range_streams_forward", "query_range_json", "query_range_logfmt",
            "query_range_regexp_linefilter", "query_range_trace_id_filter", "query_range_pattern",
            "query_range_line_format", "query_range_parser_error_label", "query_range_empty",
            "query_range_nanosecond_paging", "query_range_structured_metadata_merged", "otlp_query_back_categorized",
            "otlp_query_back_merged",
        ),
        ask_lines,
        says_lines,
    ),
    Case(("metric_rate", "metric_count_over_time", "metric_unwrap_quantile", "metric_empty"), ask_matrix, says_matrix),
    Case(
        ("instant_metric_vector", "instant_topk", "instant_vector_literal", "instant_empty"), ask_vector, says_vector
    ),
    Case(("labels", "labels_empty"), lambda loki, asked: loki.labels(*between(asked)), sorted_data),
    Case(("label_values", "label_values_filtered", "label_values_unknown"), ask_label_values, sorted_data),
    Case(
        ("series", "series_empty", "series_no_match"),
        ask_series,
        lambda body, asked: tuple(sorted(pairs(one) for one in body["data"])),
    ),
    Case(("patterns", "patterns_empty"), ask_patterns, says_patterns),
    Case(("detected_fields", "detected_fields_empty"), ask_fields, says_fields),
    Case(
        ("detected_field_values", "detected_field_values_unknown"),
        ask_field_values,
        lambda body, asked: tuple(body.get("values", ())),
    ),
    Case(("index_volume_range",), ask_volume, says_volume),
    Case(("format_query",), lambda loki, asked: loki.format_query(asked["query"]), lambda body, asked: body["data"]),
    Case(("buildinfo",), lambda loki, asked: loki.version(), lambda body, asked: body["version"]),
)  # fmt: skip

BY_NAME = {name: case for case in CASES for name in case.names}

IGNORED = frozenset({"stats", "encodingFlags", "limit", "revision", "branch", "buildUser", "buildDate", "goVersion"})
"""What the client does not read."""
