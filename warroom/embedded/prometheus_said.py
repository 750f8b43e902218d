"""Answers of the embedded engine and what stands beside it as the JSON that Prometheus 3 writes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson

from warroom.embedded.promql.engine import Answer, Raw, rows_in_order
from warroom.embedded.promql.grid import Scalar, Times, Values, Vector, Words
from warroom.embedded.rules_now import AlertNow, GroupNow, RuleNow
from warroom.telemetry.alerts import Exemplar, Target
from warroom.telemetry.series import Labels

_MOST_LISTED = 10


def answer_json(answer: Answer, *, matrix: bool, limit: int = 0) -> bytes:
    """A whole answer to a query; with `matrix`, to one over a range. `limit` series at most, 0 for all."""
    warnings = list(answer.warnings)
    kind, lines = _result(answer, matrix=matrix)
    if limit and kind in ("vector", "matrix") and len(lines) > limit:
        lines = lines[:limit]
        warnings.append("results truncated due to limit")
    # A scalar and a string are one pair, the others a list.
    body = lines[0] if kind in ("scalar", "string") else b"[" + b",".join(lines) + b"]"
    tail = b"".join(
        b',"%s":%s' % (name, orjson.dumps(said))
        for name, said in ((b"warnings", warnings), (b"infos", list(answer.infos)))
        if said
    )
    head = b'{"status":"success","data":{"resultType":"%s","result":' % kind.encode()
    return head + body + b"}" + tail + b"}"


def _result(answer: Answer, *, matrix: bool) -> tuple[str, list[bytes]]:
    steps, found = answer.steps, answer.result
    at = _times(steps.times[:1])[0]
    if isinstance(found, Words):
        return "string", [b"[%s,%s]" % (at, orjson.dumps(found.text))]
    if isinstance(found, Raw):
        return "matrix", [_line(labels, _times(times), _numbers(values)) for labels, times, values in found.lines]
    if isinstance(found, Scalar):
        if not matrix:
            return "scalar", [b'[%s,"%s"]' % (at, _numbers(found.values[:1])[0])]
        return "matrix", [_line((), _times(steps.times), _numbers(found.values))]
    return ("matrix", _matrix(found, steps.times)) if matrix else ("vector", _vector(found, at))


def _vector(found: Vector, at: bytes) -> list[bytes]:
    there = found.there[:, 0]
    values = iter(_numbers(found.values[there, 0]))
    return [b'{"metric":%s,"value":[%s,"%s"]}' % (_metric(labels), at, next(values))
            for labels, kept in zip(found.labels, there.tolist(), strict=True) if kept]  # fmt: skip


def _matrix(found: Vector, times: Times) -> list[bytes]:
    every = _times(times)
    lines = []
    for row in rows_in_order(found):
        there = found.there[row]
        if there.all():
            lines.append(_line(found.labels[row], every, _numbers(found.values[row])))
        else:
            kept = np.nonzero(there)[0]
            lines.append(_line(found.labels[row], [every[one] for one in kept], _numbers(found.values[row, kept])))
    return lines


def _line(labels: Labels, times: Sequence[bytes], numbers: Sequence[bytes]) -> bytes:
    pairs = b",".join(map(b'[%s,"%s"]'.__mod__, zip(times, numbers, strict=True)))
    return b'{"metric":%s,"values":[%s]}' % (_metric(labels), pairs)


def _metric(labels: Labels) -> bytes:
    return orjson.dumps(dict(labels))


def _times(times: Times) -> list[bytes]:
    return [b"%d" % (time // 1000) if time % 1000 == 0 else b"%.3f" % (time / 1000) for time in times.tolist()]


def _numbers(values: Values) -> list[bytes]:
    """The shortest digits that are read as the same number; whole numbers without a point."""
    if not len(values):
        return []
    said = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")
    if not np.isfinite(values).all():
        for at in np.nonzero(~np.isfinite(values))[0].tolist():
            said[at] = number_text(float(values[at])).encode()
    return [one[:-2] if one.endswith(b".0") else one for one in said]


def number_text(value: float) -> str:
    """A number, or the word for what is none."""
    if math.isfinite(value):
        return repr(value).removesuffix(".0")
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def moment(at: float) -> str:
    """RFC 3339; Go's zero time for 0."""
    if not at:
        return "0001-01-01T00:00:00Z"
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def exemplars_json(found: Sequence[Exemplar]) -> list[dict[str, Any]]:
    """Exemplars under their series."""
    by_series: dict[Labels, list[dict[str, Any]]] = {}
    for one in found:
        said = {"labels": dict(one.labels), "value": number_text(one.value), "timestamp": round(one.at, 3)}
        by_series.setdefault(one.series, []).append(said)
    return [{"seriesLabels": dict(labels), "exemplars": said} for labels, said in by_series.items()]


def alert_json(alert: AlertNow) -> dict[str, Any]:
    """An alert of a rule; its value as Go's %e writes it."""
    value = alert.value
    said = np.format_float_scientific(value, trim="-", exp_digits=2) if math.isfinite(value) else number_text(value)
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state,
        "activeAt": moment(alert.active_at),
        "value": said,
    }


def group_json(group: GroupNow, rules: Sequence[RuleNow], *, alerts: bool) -> dict[str, Any]:
    """A group with some of its rules."""
    last = max((one.evaluated_at for one in group.rules), default=0.0)
    return {
        "name": group.name,
        "file": group.file,
        "rules": [_rule(one, alerts=alerts) for one in rules],
        "interval": group.interval,
        "limit": 0,
        "evaluationTime": sum(one.took for one in group.rules),
        "lastEvaluation": moment(last),
    }


def _rule(one: RuleNow, *, alerts: bool) -> dict[str, Any]:
    rule = one.rule
    said: dict[str, Any] = {
        "name": rule.name,
        "query": rule.query,
        "health": rule.health or "unknown",
        "evaluationTime": one.took,
        "lastEvaluation": moment(one.evaluated_at),
        "type": rule.kind,
    }
    if rule.error:
        said["lastError"] = rule.error
    if rule.kind == "recording":
        return said | ({"labels": dict(rule.labels)} if rule.labels else {})
    return said | {
        "state": rule.state or "inactive",
        "duration": rule.lasting,
        "keepFiringFor": one.keep_firing_for,
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
        "alerts": [alert_json(alert) for alert in one.alerts] if alerts else [],
    }


def target_json(target: Target) -> dict[str, Any]:
    """A target that is scraped."""
    labels = dict(target.labels) | {"job": target.job, "instance": target.instance}
    return {
        "discoveredLabels": {"__address__": target.instance, "__scheme__": "http", "job": target.job},
        "labels": labels,
        "scrapePool": target.job,
        "scrapeUrl": f"http://{target.instance}/metrics",
        "globalUrl": f"http://{target.instance}/metrics",
        "lastError": target.error,
        "lastScrape": moment(target.scraped_at),
        "lastScrapeDuration": 0.0,
        "health": target.health,
        "scrapeInterval": "15s",
        "scrapeTimeout": "10s",
    }


def cardinality_json(sizes: Mapping[str, Mapping[str, int]], series: int, first: float, last: float) -> dict[str, Any]:
    """What fills the store: the largest metrics, labels and pairs."""
    pairs = {f"{name}={value}": count for name, values in sizes.items() for value, count in values.items()}
    weight = {name: sum(len(value) for value in values) for name, values in sizes.items()}
    return {
        "headStats": {
            "numSeries": series,
            "numLabelPairs": len(pairs),
            "chunkCount": series,
            "minTime": round(first * 1000) if series else 2**63 - 1,
            "maxTime": round(last * 1000) if series else -(2**63),
        },
        "seriesCountByMetricName": _largest(sizes.get("__name__", {})),
        "labelValueCountByLabelName": _largest({name: len(values) for name, values in sizes.items()}),
        "memoryInBytesByLabelName": _largest(weight),
        "seriesCountByLabelValuePair": _largest(pairs),
    }


def _largest(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_LISTED]
    return [{"name": name, "value": count} for name, count in ordered]
