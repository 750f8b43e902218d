"""From a dashboard's queries to questions for the server, and from its answers back.

Invariant: pure. Equal queries are equal questions, whichever panels have them, so each is asked once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from warroom.dashboards.answers import Answer, Failed, Instant, Lines, Sample
from warroom.dashboards.data import LogRow
from warroom.dashboards.patterns import compiled
from warroom.dashboards.queries import Query
from warroom.dashboards.variables import Wanted, result_words
from warroom.telemetry import shapes
from warroom.telemetry.logs import LogPage
from warroom.telemetry.series import Full, decode

DEFAULT_LINES = 200
MOST_LINES = 1000
_WORDS = {"NaN": math.nan, "+Inf": math.inf, "-Inf": -math.inf}


@dataclass(frozen=True, slots=True)
class Question:
    """A request to the server; `params` are its parameters by name."""

    method: str
    params: tuple[tuple[str, Any], ...] = ()

    def as_params(self) -> dict[str, Any]:
        """The parameters to send."""
        return dict(self.params)


def question_of(query: Query) -> Question:
    """What to ask for a query of a panel."""
    end = max(query.end, query.start + query.step)
    span = (("start", query.start), ("end", end))
    if query.kind == "loki":
        if query.format == "logs":
            limit = min(query.limit or DEFAULT_LINES, MOST_LINES)
            return Question("logs", (("query", query.expr), *span, ("limit", limit), ("direction", "backward")))
        if query.mode == "instant":
            span = (("start", query.end - query.step), ("end", query.end))
        return Question("logs.matrix", (("query", query.expr), *span, ("step", query.step)))
    if query.mode == "instant":
        return Question("instant", (("query", query.expr), ("at", query.end), ("source", "prometheus")))
    return Question("explore", (("query", query.expr), *span, ("step", query.step), ("source", "prometheus")))


def answer_of(query: Query, result: Any) -> Answer:
    """What was answered to a query; an answer of another shape is a failure in words."""
    try:
        if query.kind == "prometheus" and query.mode == "instant":
            return instant_of(result)
        if query.format == "logs":
            return lines_of(result)
        full = decode(orjson.dumps(result))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Failed("the server answered with something else than what was asked for")
    if not isinstance(full, Full):
        return Failed("the server answered with no series")
    return _newest(full) if query.mode == "instant" else full


def instant_of(result: Any) -> Instant:
    """The answer of `instant`."""
    samples = []
    for one in result["samples"]:
        value = one["value"]
        number = _WORDS.get(value, math.nan) if isinstance(value, str) else float(value)
        labels = tuple((str(name), str(text)) for name, text in one["labels"])
        samples.append(Sample(labels, float(one["at"]), number))
    return Instant(tuple(samples), tuple(str(one) for one in result.get("warnings", ())))


def lines_of(result: Any) -> Lines:
    """The answer of `logs`."""
    page = shapes.read(LogPage, result)
    return Lines(tuple(LogRow(one.ns / 1e9, one.text, one.level, one.labels) for one in page.lines))


def _newest(full: Full) -> Instant:
    """The newest value of each series, as if asked for one moment."""
    found = [(one.labels, one.last) for one in full.series]
    return Instant(tuple(Sample(labels, *last) for labels, last in found if last is not None), full.warnings)


def question_for(wanted: Wanted, at: float) -> Question:
    """What to ask for the options of a variable."""
    loki = wanted.kind == "loki"
    match wanted.ask:
        case "label_values":
            if loki:
                return Question("logs.values", (("label", wanted.label), ("query", wanted.selector)))
            return Question("metrics.values", (("matching", wanted.selector), ("label", wanted.label)))
        case "label_names":
            return Question("logs.labels") if loki else Question("metrics.labels", (("matching", wanted.selector),))
        case "metrics":
            return Question("metrics.names")
    return Question("instant", (("query", wanted.selector), ("at", at), ("source", "prometheus")))


def words_for(wanted: Wanted, result: Any) -> Sequence[str]:
    """The answer to a variable's question as the words that its options are made of.

    Raises:
        ValueError: it has another shape than what was asked for.
    """
    if not isinstance(result, Mapping):
        raise ValueError("the server answered with no values")
    if wanted.ask in {"query_result", "series"}:
        samples = instant_of(result).samples
        if wanted.ask == "query_result":
            return result_words([(dict(one.labels), one.at, one.value) for one in samples])
        return [said.rsplit(" ", 2)[0] for said in result_words([(dict(one.labels), 0.0, 0.0) for one in samples])]
    values = [str(one) for one in result.get("values", ())]
    if wanted.ask == "metrics" and wanted.selector:
        pattern = compiled(wanted.selector) or re.compile("")
        values = [one for one in values if pattern.search(one)]
    return values
