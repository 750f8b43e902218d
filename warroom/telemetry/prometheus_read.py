"""From the JSON of a Prometheus to the data of `prometheus_data` and `alerts`: pure.

Every function raises KeyError, TypeError, ValueError or IndexError for a shape that no Prometheus gives.
Formats: https://prometheus.io/docs/prometheus/latest/querying/api/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import lt
from typing import Any

from warroom.telemetry.alerts import ActiveAlert, Exemplar, Pairs, Rule, Target
from warroom.telemetry.prometheus_data import (
    Bucket,
    Cardinality,
    Histogram,
    HistogramLine,
    HistogramSample,
    Line,
    Matrix,
    Replay,
    Runtime,
    Sample,
    Text,
    Vector,
)
from warroom.telemetry.series import Labels

TRACE_LABELS = ("trace_id", "traceID", "traceId")
"""Labels of an exemplar that name its trace, in the order of preference."""

_KINDS = ("alerting", "recording")
_STATES = ("firing", "pending", "inactive", "unknown")
_HEALTH = ("ok", "err", "unknown")


class TooManySamples(Exception):
    """More values than the limit; its text is the sentence about it."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the answer has more than {most:,} samples; ask for fewer series or a longer step")


def notes(payload: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Warnings and infos of an answer."""
    return tuple(texts(payload.get("warnings") or ())), tuple(texts(payload.get("infos") or ()))


def texts(said: Any) -> Sequence[str]:
    """A list that holds nothing but texts."""
    if isinstance(said, str) or not all(isinstance(text, str) for text in said):
        raise TypeError("a list of texts was expected")
    return list(said)


def labels(metric: Any) -> Labels:
    """A label set, sorted by name."""
    if not all(isinstance(value, str) for value in metric.values()):
        raise TypeError("label values are texts")
    return tuple(sorted(metric.items()))


def instant(data: Any, most: int, remarks: tuple[tuple[str, ...], tuple[str, ...]]) -> Vector | Matrix | Text:
    """The `data` of an instant query, of any result type."""
    kind, result = data["resultType"], data["result"]
    if kind == "scalar":
        at, value = result
        return Vector((Sample((), _time(at), float(_text(value))),), *remarks)
    if kind == "string":
        at, value = result
        return Text(_text(value), _time(at), *remarks)
    if kind == "matrix":
        return matrix(result, most, remarks)
    if kind != "vector":
        raise ValueError(f"a result of type {kind}")
    samples: list[Sample] = []
    histograms: list[HistogramSample] = []
    for series in result:
        metric = labels(series["metric"])
        if "histogram" in series:
            at, value = series["histogram"]
            histograms.append(HistogramSample(metric, _time(at), histogram(value)))
        else:
            at, value = series["value"]
            samples.append(Sample(metric, _time(at), float(_text(value))))
        if len(samples) + len(histograms) > most:
            raise TooManySamples(most)
    return Vector(tuple(samples), *_with_remark(len(histograms), remarks), tuple(histograms))


def matrix(result: Any, most: int, remarks: tuple[tuple[str, ...], tuple[str, ...]]) -> Matrix:
    """The result of a range query, or of an instant query for a range. Raises TooManySamples over `most` values."""
    lines: list[Line] = []
    histograms: list[HistogramLine] = []
    count = 0
    for series in result:
        metric = series["metric"]
        if "values" not in series and "histograms" not in series:
            raise KeyError("values")
        values, natives = series.get("values", ()), series.get("histograms", ())
        count += len(values) + len(natives)
        if count > most:
            raise TooManySamples(most)
        if values:
            times, words = zip(*values, strict=True)
            lines.append(Line(labels(metric), _rising(times), _floats(words)))
        if natives:
            times, found = zip(*natives, strict=True)
            histograms.append(HistogramLine(labels(metric), _rising(times), tuple(map(histogram, found))))
    return Matrix(tuple(lines), *_with_remark(len(histograms), remarks), tuple(histograms))


def histogram(said: Any) -> Histogram:
    """A native histogram. The rule of a bucket says which bounds are in: 0 the high one, 1 the low one, 2 none,
    3 both.
    """
    buckets = []
    for rule, low, high, count in said.get("buckets", ()):
        if rule not in (0, 1, 2, 3):
            raise ValueError(f"a bucket of rule {rule}")
        bucket = Bucket(float(_text(low)), float(_text(high)), float(_text(count)), rule in (1, 3), rule in (0, 3))
        if bucket.low > bucket.high:
            raise ValueError("a bucket that ends before it begins")
        buckets.append(bucket)
    return Histogram(float(_text(said["count"])), float(_text(said["sum"])), tuple(buckets))


def exemplars(data: Any) -> list[Exemplar]:
    """The `data` of /query_exemplars, in the server's order."""
    found = []
    for series in data:
        behind = labels(series["seriesLabels"])
        for one in series["exemplars"]:
            named = labels(one["labels"])
            trace = next((dict(named)[name] for name in TRACE_LABELS if name in dict(named)), "")
            found.append(Exemplar(behind, named, float(_text(one["value"])), _time(one["timestamp"]), trace))
    return found


def rules(data: Any) -> list[Rule]:
    """The `data` of /rules, in the order in which they are evaluated."""
    return [_rule(_text(group["name"]), one) for group in data["groups"] for one in group["rules"]]


def _rule(group: str, said: Any) -> Rule:
    kind = said["type"]
    if kind not in _KINDS:
        raise ValueError(f"a rule of type {kind}")
    alerting = kind == "alerting"
    return Rule(
        group=group,
        name=_text(said["name"]),
        query=_text(said["query"]),
        kind=kind,
        state=_one_of(said["state"], _STATES) if alerting else "",
        health=_one_of(said["health"], _HEALTH),
        error=_text(said.get("lastError", "")),
        lasting=_number(said["duration"]) if alerting else 0.0,
        labels=_pairs(said.get("labels")),
        annotations=_pairs(said["annotations"]) if alerting else (),
    )


def alerts(data: Any) -> list[ActiveAlert]:
    """The `data` of /alerts; `state` is firing or pending."""
    return [
        ActiveAlert(
            fingerprint=fingerprint(one["labels"]),
            labels=_pairs(one["labels"]),
            annotations=_pairs(one["annotations"]),
            starts_at=moment(one["activeAt"]),
            ends_at=0.0,
            state=_one_of(one["state"], _STATES),
        )
        for one in data["alerts"]
    ]


def targets(data: Any) -> list[Target]:
    """The active targets of the `data` of /targets."""
    return [
        Target(
            job=one["labels"].get("job", ""),
            instance=one["labels"].get("instance", ""),
            health=_one_of(one["health"], ("up", "down", "unknown")),
            error=_text(one["lastError"]),
            scraped_at=moment(one["lastScrape"]),
            labels=_pairs(one["labels"]),
        )
        for one in data["activeTargets"]
    ]


def runtime(data: Any) -> Runtime:
    """The `data` of /status/runtimeinfo."""
    if not isinstance(data["reloadConfigSuccess"], bool):
        raise TypeError("reloadConfigSuccess")
    return Runtime(
        started_at=moment(data["startTime"]),
        config_ok=data["reloadConfigSuccess"],
        config_at=moment(data["lastConfigTime"]),
        retention=_text(data["storageRetention"]),
        corruptions=int(_number(data["corruptionCount"])),
        goroutines=int(_number(data["goroutineCount"])),
    )


def cardinality(data: Any) -> Cardinality:
    """The `data` of /status/tsdb."""
    head = data["headStats"]
    # A head without samples begins at the end of time.
    start, end = _number(head["minTime"]), _number(head["maxTime"])
    return Cardinality(
        series=int(_number(head["numSeries"])),
        chunks=int(_number(head["chunkCount"])),
        start=start / 1000 if start <= end else 0.0,
        end=end / 1000 if start <= end else 0.0,
        metrics=_counts(data["seriesCountByMetricName"]),
        label_values=_counts(data["labelValueCountByLabelName"]),
        pairs=_counts(data["seriesCountByLabelValuePair"]),
    )


def replay(data: Any) -> Replay:
    """The `data` of /status/walreplay."""
    return Replay(int(_number(data["min"])), int(_number(data["max"])), int(_number(data["current"])))


def moment(said: str) -> float:
    """An RFC 3339 time as seconds since the epoch; 0 for the zero time of Go (year 1)."""
    at = datetime.fromisoformat(said)
    if at.tzinfo is None:
        raise ValueError(f"{said} has no time zone")
    return at.timestamp() if at.astimezone(UTC).year > 1 else 0.0


def fingerprint(named: Mapping[str, str]) -> str:
    """Alertmanager's name for a label set: 16 hex digits of FNV-1a (64 bits) over the sorted names and values.

    Source: `LabelSet.Fingerprint` of github.com/prometheus/common/model, 0xff after every name and value.
    """
    mixed = 0xCBF29CE484222325
    for name, value in sorted(named.items()):
        for byte in (*name.encode(), 0xFF, *value.encode(), 0xFF):
            mixed = (mixed ^ byte) * 0x100000001B3 % 2**64
    return f"{mixed:016x}"


def _with_remark(
    histograms: int, remarks: tuple[tuple[str, ...], tuple[str, ...]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not histograms:
        return remarks
    remark = f"{histograms} series are native histograms; draw histogram_quantile() or _count() of them"
    return (*remarks[0], remark), remarks[1]


def _counts(said: Any) -> tuple[tuple[str, int], ...]:
    return tuple((_text(one["name"]), int(_number(one["value"]))) for one in said)


def _pairs(said: Any) -> Pairs:
    return labels(said or {})


def _rising(times: Sequence[Any]) -> tuple[float, ...]:
    if not set(map(type, times)) <= {int, float}:
        raise TypeError("times are numbers")
    if not all(map(lt, times, times[1:])):
        raise ValueError("times that do not rise")
    return tuple(map(float, times))


def _floats(words: Sequence[Any]) -> tuple[float, ...]:
    if set(map(type, words)) != {str}:
        raise TypeError("values are texts")
    return tuple(map(float, words))


def _time(said: Any) -> float:
    return _number(said)


def _number(said: Any) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise TypeError(f"{type(said).__name__} in place of a number")
    return float(said)


def _text(said: Any) -> str:
    if not isinstance(said, str):
        raise TypeError(f"{type(said).__name__} in place of a text")
    return said


def _one_of(said: Any, known: Sequence[str]) -> str:
    if said not in known:
        raise ValueError(f"{said!r} is none of {', '.join(known)}")
    return _text(said)
