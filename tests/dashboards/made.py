"""Dashboards and answers for these tests, as small as they can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from warroom.dashboards.answers import Answer, Instant, Sample
from warroom.dashboards.data import PanelData
from warroom.dashboards.model import Dashboard, Option
from warroom.dashboards.panel_data import panel_data
from warroom.dashboards.queries import Query, queries
from warroom.dashboards.read import read_dashboard
from warroom.dashboards.values import Chosen, Scope
from warroom.dashboards.variables import settled
from warroom.telemetry.series import Full, Series, Value

START, END = 1_700_000_000.0, 1_700_000_600.0
PROMETHEUS = {"type": "prometheus", "uid": "prom"}


def panel(kind: str = "timeseries", *exprs: str, **more: Any) -> dict[str, Any]:
    """A panel of today's shape with a target for each expression."""
    targets = [{"refId": chr(65 + at), "expr": expr} for at, expr in enumerate(exprs)]
    return {"id": 1, "type": kind, "title": "T", "datasource": PROMETHEUS, "targets": targets, **more}


def dashboard(*panels: Mapping[str, Any], variables: Sequence[Mapping[str, Any]] = (), **more: Any) -> Dashboard:
    """A dashboard of these panels and variables."""
    return read_dashboard(
        {"title": "D", "schemaVersion": 39, "panels": list(panels), "templating": {"list": list(variables)}, **more}
    )


def scope_of(made: Dashboard, **picked: str) -> Scope:
    """Ten minutes, with these values picked."""
    scope = Scope({}, START, END, title=made.title, uid=made.uid)
    return settled(made, scope, {name: [value] for name, value in picked.items()})


def chosen(*values: str, list_like: bool = False, trusted: bool = True, **more: Any) -> Chosen:
    """A choice of these values."""
    return Chosen(tuple(Option(one, one) for one in values), list_like=list_like, trusted=trusted, **more)


def full(query: Query, *series: tuple[Mapping[str, str], Sequence[Value]]) -> Full:
    """The answer of a range query: for each series its labels and its values from the start on."""
    count = max((len(values) for _, values in series), default=0)
    lines = tuple(
        Series(tuple(sorted(labels.items())), "", query.start, query.step, tuple(values)) for labels, values in series
    )
    return Full("p", 1, query.start, query.step, count, lines)


def instant(query: Query, *samples: tuple[Mapping[str, str], float]) -> Instant:
    """The answer of an instant query."""
    return Instant(tuple(Sample(tuple(sorted(labels.items())), query.end, value) for labels, value in samples))


def shown(
    made: Dashboard, *series: tuple[Mapping[str, str], Any], scope: Scope | None = None, place: int = 0
) -> PanelData:
    """What a panel shows when each of its queries is answered by these series or samples."""
    one = made.every_panel()[place]
    scope = scope or scope_of(made)
    asked = queries(made, one, scope)
    answers: dict[str, Answer] = {}
    for query in asked.queries:
        if query.mode == "instant":
            answers[query.ref] = instant(query, *series)
        else:
            answers[query.ref] = full(query, *series)
    return panel_data(made, one, scope, asked, answers)
