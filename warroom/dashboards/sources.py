"""Which kind of source answers a target: Prometheus, Loki, an expression over others, or one that is not supported.

Invariant: pure. A source that the author named by a variable or a placeholder of an export is followed; what still
says nothing is judged by the query itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from warroom.dashboards.model import Dashboard, Panel, Source, Target, Variable
from warroom.dashboards.said import text
from warroom.dashboards.values import variables_in

Kind: TypeAlias = Literal["prometheus", "loki", "expression", "dashboard", "grafana", "unsupported"]

_KNOWN: Final[Mapping[str, Kind]] = {
    "prometheus": "prometheus",
    "grafana-amazonprometheus-datasource": "prometheus",
    "grafana-azureprometheus-datasource": "prometheus",
    "victoriametrics-datasource": "prometheus",
    "victoriametrics-metrics-datasource": "prometheus",
    "loki": "loki",
    "__expr__": "expression",
    "grafana": "grafana",
    "datasource": "grafana",
}
SPEAKS: Final = tuple(name for name, kind in _KNOWN.items() if kind in {"prometheus", "loki"})
"""The types of data sources that can be asked."""

_LOGS: Final = re.compile(r'\}\s*(\|=|\|~|!=\s*["`]|!~\s*["`]|\|\s*[a-z])')


@dataclass(frozen=True, slots=True)
class Found:
    """The kind of a source, what the author called it, and its type where it is not supported."""

    kind: Kind
    name: str = ""
    type: str = ""


@dataclass(frozen=True)
class Book:
    """The sources that there are: the type of each by name and by uid, and the type of the default one."""

    types: Mapping[str, str] = field(default_factory=dict)
    default: str = "prometheus"


NO_BOOK: Final = Book()


def source_of(dashboard: Dashboard, panel: Panel, target: Target, book: Book = NO_BOOK) -> Found:
    """Who answers a target."""
    source = target.source if target.source.is_set else panel.source
    if source.uid in {"__expr__", "-100", "Expression"} or source.kind == "__expr__":
        return Found("expression")
    if source.uid in {"-- Dashboard --", "-- Dashboard --:"}:
        return Found("dashboard")
    if source.uid in {"-- Grafana --", "grafana"}:
        return Found("grafana", type="grafana")
    if source.uid.startswith("-- Mixed --"):
        source = Source()
    return _judged(dashboard, source, book) or _by_query(panel, target, book)


def source_of_variable(dashboard: Dashboard, variable: Variable, book: Book = NO_BOOK) -> Found:
    """Who answers a variable's query."""
    found = _judged(dashboard, variable.source, book)
    if found is not None:
        return found
    loki = "stream" in variable.raw_query
    return Found("loki" if loki else _KNOWN.get(book.default, "unsupported"), type=book.default)


def _judged(dashboard: Dashboard, source: Source, book: Book) -> Found | None:
    """The kind that a named source has; None when its name says nothing."""
    if source.kind:
        return Found(_KNOWN.get(source.kind, "unsupported"), source.uid, source.kind)
    if not source.uid or source.uid in {"default", "null"}:
        return None
    for name in variables_in(source.uid):
        variable = dashboard.variable(name)
        kind = (
            variable.query if variable is not None and variable.kind == "datasource" else dashboard.inputs.get(name, "")
        )
        if kind:
            return Found(_KNOWN.get(kind, "unsupported"), source.uid, kind)
    kind = book.types.get(source.uid, "")
    if kind:
        return Found(_KNOWN.get(kind, "unsupported"), source.uid, kind)
    for word, guess in (("loki", "loki"), ("prom", "prometheus")):
        if word in source.uid.casefold():
            return Found(_KNOWN[guess], source.uid, guess)
    return None


_FOREIGN: Final = {
    "rawSql": "a database",
    "rawQuery": "a database",
    "measurement": "influxdb",
    "metricQuery": "a cloud's metrics",
    "target": "graphite",
    "bucketAggs": "elasticsearch",
    "scenarioId": "test data",
    "namespace": "cloudwatch",
}
"""Fields of queries that no Prometheus and no Loki understands, and who does."""


def _by_query(panel: Panel, target: Target, book: Book) -> Found:
    name = target.source.uid or panel.source.uid
    if not target.expr:
        for key, whose in _FOREIGN.items():
            if target.raw.get(key):
                return Found("unsupported", name, whose)
    if panel.kind == "logs" or _LOGS.search(target.expr) or text(target.raw, "queryType") in {"stream"}:
        return Found("loki", name, "loki")
    kind = _KNOWN.get(book.default, "unsupported")
    return Found(kind, name, book.default)
