"""What can stand at the cursor of a PromQL line: for completion while somebody types. Pure, and no parser.

It looks back from the cursor over one token and the brackets around it, which is what a person sees too; a line that
is not finished is the usual case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["metric", "label", "value", "grouping", "none"]

FUNCTIONS = [
    "abs",
    "absent",
    "absent_over_time",
    "avg_over_time",
    "ceil",
    "changes",
    "clamp",
    "clamp_max",
    "clamp_min",
    "count_over_time",
    "day_of_month",
    "day_of_week",
    "days_in_month",
    "delta",
    "deriv",
    "exp",
    "floor",
    "histogram_avg",
    "histogram_count",
    "histogram_fraction",
    "histogram_quantile",
    "histogram_sum",
    "hour",
    "idelta",
    "increase",
    "irate",
    "label_join",
    "label_replace",
    "last_over_time",
    "ln",
    "log10",
    "log2",
    "max_over_time",
    "min_over_time",
    "minute",
    "month",
    "predict_linear",
    "present_over_time",
    "quantile_over_time",
    "rate",
    "resets",
    "round",
    "scalar",
    "sgn",
    "sort",
    "sort_desc",
    "sqrt",
    "stddev_over_time",
    "stdvar_over_time",
    "sum_over_time",
    "time",
    "timestamp",
    "vector",
    "year",
]
AGGREGATIONS = [
    "avg",
    "bottomk",
    "count",
    "count_values",
    "group",
    "max",
    "min",
    "quantile",
    "stddev",
    "stdvar",
    "sum",
    "topk",
]
"""https://prometheus.io/docs/prometheus/latest/querying/functions/ and operators/, without what is experimental."""

_TOKEN = re.compile(r"[A-Za-z_:][A-Za-z0-9_:.]*$|$")
_METRIC = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)\s*$")
_VALUE = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)\s*(?:=~|!~|!=|=)\s*"([^"]*)$')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*$")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the cursor is: what `kind` of word, the `token` begun, and `before`, the line up to that token.

    `metric` is the metric of the braces around it, `label` the label whose value is typed.
    """

    kind: Kind
    token: str
    before: str
    metric: str = ""
    label: str = ""


def place_of(line: str) -> Place:
    """The place at the end of `line`, which is the text left of the cursor."""
    selector = _open_brace(line)
    if selector is not None:
        metric = _METRIC.search(line[:selector])
        name = metric[1] if metric else ""
        value = _VALUE.search(line[selector:])
        if value:
            start = value[2].rpartition("|")[2]
            return Place("value", start, line[: len(line) - len(start)], name, value[1])
        if line.count('"', selector) % 2:
            return Place("none", "", line)
        return _named("label", line, name)
    if line.count('"') % 2:
        return Place("none", "", line)
    if _GROUPING.search(line):
        return _named("grouping", line, "")
    if "[" in line and "]" not in line[line.rindex("[") :]:
        return Place("none", "", line)
    return _named("metric", line, "")


def _named(kind: Kind, line: str, metric: str) -> Place:
    found = _TOKEN.search(line)
    token = found[0] if found else ""
    return Place(kind, token, line[: len(line) - len(token)], metric)


def _open_brace(line: str) -> int | None:
    """Where the braces open that the end of the line is in; None outside of braces."""
    quoted, opened = False, None
    for at, char in enumerate(line):
        if char == '"' and (at == 0 or line[at - 1] != "\\"):
            quoted = not quoted
        elif not quoted and char == "{":
            opened = at
        elif not quoted and char == "}":
            opened = None
    return opened


def unit_of(query: str) -> str:
    """The unit of what a query gives, guessed from the usual suffixes of metric names; empty when there is no telling.

    https://prometheus.io/docs/practices/naming/#base-units
    """
    per_second = re.search(r"\b(?:rate|irate|deriv)\s*\(", query) is not None
    if re.search(r"\bhistogram_quantile\s*\(", query):
        per_second = False
    names = re.findall(r"[A-Za-z_:][A-Za-z0-9_:]*", re.sub(r'"[^"]*"', "", query))
    for name in names:
        base = re.sub(r"_(?:bucket|sum|total|info)$", "", name)
        if base.endswith("_seconds") and "/" not in query:
            return "cores" if per_second and "cpu" in base else "none" if per_second else "seconds"
        if base.endswith("_bytes") and "/" not in query:
            return "bytes"
        if base.endswith(("_ratio", "_ratios")):
            return "ratio"
    if "/" in query and re.search(r"error|5\.\.|status|code", query):
        return "ratio"
    return "per_second" if per_second and "/" not in query else "none"
