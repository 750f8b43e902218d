"""From a panel and the answers to its queries to what is drawn.

`panel_data` is the end of the way: `read` -> `variables` -> `layout` -> `queries` -> (the sources) -> here.

Invariant: pure and total. Whatever the answers are, the outcome is a panel with a body; what went wrong is said in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from warroom.dashboards.answers import Answers, Failed, frames_of
from warroom.dashboards.body_chart import chart
from warroom.dashboards.body_grids import heat, histogram
from warroom.dashboards.body_readings import readings
from warroom.dashboards.body_states import states
from warroom.dashboards.body_table import table
from warroom.dashboards.body_words import listing, logs, words
from warroom.dashboards.data import Body, Box, Link, PanelData, RowTitle
from warroom.dashboards.expressions import with_expressions
from warroom.dashboards.model import Dashboard, Panel
from warroom.dashboards.queries import Asked, panel_span
from warroom.dashboards.said import clean, line, text
from warroom.dashboards.sources import NO_BOOK, Book, source_of
from warroom.dashboards.support import NEEDS_NO_QUERY, PASSED_OVER, TRANSFORMATIONS, support_of
from warroom.dashboards.transform import transformed
from warroom.dashboards.units import HERE, Locale
from warroom.dashboards.values import Scope, fill_address, fill_text
from warroom.dashboards.view import View
from warroom.telemetry.series import Full

_BODIES: Final[Mapping[str, Callable[[View], Body]]] = {
    "timeseries": chart,
    "trend": chart,
    "xychart": chart,
    "candlestick": chart,
    "stat": readings,
    "gauge": readings,
    "bargauge": readings,
    "piechart": readings,
    "barchart": readings,
    "table": table,
    "heatmap": heat,
    "histogram": histogram,
    "state-timeline": states,
    "status-history": states,
    "logs": logs,
    "text": words,
    "alertlist": listing,
    "annolist": listing,
    "dashlist": listing,
}


def drawn_kinds() -> frozenset[str]:
    """The panel types that have a body, besides rows."""
    return frozenset(_BODIES)


def panel_data(
    dashboard: Dashboard,
    panel: Panel,
    scope: Scope,
    asked: Asked,
    answers: Answers,
    *,
    here: Locale = HERE,
    book: Book = NO_BOOK,
    collapsed: bool = False,
    hidden: int = 0,
) -> PanelData:
    """What a panel shows, given what was `asked` for it (by `queries`) and what was answered to each ref.

    `here` is the reader's clock and zone; `collapsed` and `hidden` are a row's, as `layout` gave them.
    """
    start, end, shift = panel_span(panel, scope)
    failures = tuple(
        f"query {query.ref}: {line(answer.message)}"
        for query in asked.queries
        if isinstance(answer := answers.get(query.ref), Failed)
    )
    view = View(panel, scope, (), start + shift, end + shift, here, _notes(panel, asked, answers))
    reason = why_not(dashboard, panel, asked, book)
    if panel.kind == "row":
        body: Body = RowTitle(collapsed, hidden)
    elif reason:
        body = Box(reason)
    else:
        view, failed = _computed(dashboard, view, asked, answers, book)
        failures += failed
        body = _BODIES[panel.kind](view)
    empty = panel.kind not in NEEDS_NO_QUERY and not isinstance(body, Box) and not any(f.length for f in view.frames)
    return PanelData(
        title=line(fill_text(panel.title, scope)),
        kind=panel.kind,
        body=body,
        description=clean(fill_text(panel.description, scope)),
        links=tuple(Link(line(fill_text(name, scope)), fill_address(url, scope)) for name, url in panel.raw_links),
        empty=empty,
        no_value=line(text(panel.fields.defaults, "noValue")) or "No data",
        errors=failures + (asked.refused if asked.queries else ()),
        notes=tuple(dict.fromkeys(view.notes)),
        time_note=_time_note(panel, scope),
        transparent=panel.transparent,
    )


def _computed(
    dashboard: Dashboard, view: View, asked: Asked, answers: Answers, book: Book
) -> tuple[View, tuple[str, ...]]:
    frames = frames_of(asked.queries, answers)
    panel, scope = view.panel, view.scope
    expressions = [one for one in panel.targets if source_of(dashboard, panel, one, book).kind == "expression"]
    frames, failed = with_expressions(panel, frames, expressions)
    frames = transformed(frames, panel.transformations, scope)
    return View(panel, scope, frames, view.start, view.end, view.here, view.notes), failed


def why_not(dashboard: Dashboard, panel: Panel, asked: Asked, book: Book = NO_BOOK) -> str:
    """Why a panel cannot be drawn with its data, in one sentence; empty when it can."""
    if panel.library:
        return f"the library panel {panel.library!r} is not in the file"
    support = support_of(panel.kind)
    if not support.drawn:
        kind = panel.kind or "a panel without a type"
        return support.note if support.note.startswith(kind) else f"{kind}: {support.note}"
    if panel.kind in NEEDS_NO_QUERY or asked.queries:
        return ""
    if asked.refused:
        return asked.refused[0]
    expressions = any(source_of(dashboard, panel, one, book).kind == "expression" for one in panel.targets)
    return "" if expressions else "it has no query"


def _notes(panel: Panel, asked: Asked, answers: Answers) -> list[str]:
    notes = []
    for one in panel.transformations:
        if one.kind not in TRANSFORMATIONS and not one.disabled:
            notes.append(f"the transformation {one.kind} is left out: {PASSED_OVER.get(one.kind, 'it is not known')}")
    for query in asked.queries:
        answer = answers.get(query.ref)
        if answer is not None and not isinstance(answer, Failed):
            given = answer.warnings if isinstance(answer, Full) else getattr(answer, "warnings", ())
            notes += [line(one) for one in given]
    return notes


def _time_note(panel: Panel, scope: Scope) -> str:
    own, shift = (line(fill_text(said, scope)).removeprefix("now-") for said in (panel.time_from, panel.time_shift))
    said = [f"last {own}"] if own else []
    return ", ".join([*said, f"{shift} earlier"] if shift else said)
