"""What a reader of a dashboard would miss in the terminal, said before it is opened.

Invariant: checking never changes or rejects a dashboard; it gives findings in the order of the file, each with a
stable code and the JSON path of what it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from warroom.dashboards.calcs import calc_of
from warroom.dashboards.fields import MATCHERS
from warroom.dashboards.model import Dashboard, Panel, Target
from warroom.dashboards.panel_data import why_not
from warroom.dashboards.patterns import is_usable
from warroom.dashboards.queries import Asked, queries, unknown_variables
from warroom.dashboards.said import line, part, text, texts
from warroom.dashboards.sources import NO_BOOK, Book, source_of, source_of_variable
from warroom.dashboards.support import NEEDS_NO_QUERY, PASSED_OVER, TRANSFORMATIONS, support_of
from warroom.dashboards.units import is_known
from warroom.dashboards.values import Scope, fill_query
from warroom.dashboards.variables import circles, settled, wanted_of


class Weight(StrEnum):
    """How serious a finding is. Strict checking fails on warnings; notes never fail."""

    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark about one place of a dashboard. `path` is a JSON path such as `$.panels[3].targets[0]`."""

    code: str
    weight: Weight
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.weight.value} {self.code} {self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, and how many of the panels (rows do not count) can be drawn with their data."""

    title: str
    panels: int
    drawn: int
    findings: tuple[Finding, ...]

    @property
    def summary(self) -> str:
        """Such as `31 of 33 panels can be drawn`."""
        return f"{self.drawn} of {self.panels} panel{'' if self.panels == 1 else 's'} can be drawn"

    def fails(self, *, strict: bool) -> bool:
        """Whether the check fails: only a strict one can, on a warning."""
        return strict and any(one.weight is Weight.WARNING for one in self.findings)


CODES: Final[Mapping[str, str]] = {
    "panel.unsupported-type": "the panel is a box with the reason",
    "panel.library": "the library panel is not in the file",
    "panel.no-query": "the panel has nothing to ask",
    "datasource.unsupported": "a query asks neither Prometheus nor Loki",
    "query.unparsable": "brackets or quotes of an expression do not match",
    "query.refused": "an expression cannot be made with the values that were saved",
    "query.unknown-variable": "an expression uses a variable that the dashboard does not have",
    "expression.unsupported": "an expression over other queries is not math, reduce or threshold",
    "variable.unsupported": "a variable of an unknown kind",
    "variable.query": "a variable's query is not understood",
    "variable.regex": "a variable's pattern cannot be used",
    "variable.circle": "variables that wait for each other",
    "transformation.ignored": "a transformation is left out",
    "override.ignored": "an override picks its fields by a matcher that is not known",
    "calculation.unknown": "a reduction that is not known",
    "repeat.unknown-variable": "a panel repeats by a variable that the dashboard does not have",
    "unit.unknown": "a unit that is no id of Grafana's is written after the number as it is",
    "annotation.unsupported": "markers from a source that is not asked",
}
"""Every code and what it means."""

_W, _N = Weight.WARNING, Weight.NOTE
_MATH: Final = frozenset({"math", "reduce", "threshold", "resample"})


def check(dashboard: Dashboard, book: Book = NO_BOOK) -> Report:
    """Everything that is to be said about a dashboard. No source is asked."""
    scope = settled(dashboard, Scope({}, 0.0, 21_600.0, title=dashboard.title, uid=dashboard.uid))
    findings: list[Finding] = list(_variables(dashboard, scope, book))
    panels = [one for one in dashboard.every_panel() if one.kind != "row"]
    drawn = 0
    for panel in dashboard.every_panel():
        if panel.kind != "row":
            asked = queries(dashboard, panel, scope, book=book)
            drawn += not why_not(dashboard, panel, asked, book)
            findings += _panel(dashboard, panel, asked, scope, book)
        findings += _repeat(dashboard, panel)
    findings += _annotations(dashboard, book)
    return Report(dashboard.title, len(panels), drawn, tuple(findings))


def _variables(dashboard: Dashboard, scope: Scope, book: Book) -> Iterator[Finding]:
    waiting = circles(dashboard.variables)
    for one in dashboard.variables:
        if one.kind in {"unsupported", "groupby"}:
            message = f"${one.name} is of the kind {one.written}, which is not supported; it keeps what was saved"
            yield Finding("variable.unsupported", _W, one.path, message)
        if one.name in waiting:
            yield Finding("variable.circle", _W, one.path, f"${one.name} needs itself, through what it refers to")
        if not is_usable(one.regex):
            yield Finding("variable.regex", _W, f"{one.path}.regex", f"${one.name}: {one.regex[:80]!r} cannot be used")
        try:
            found = source_of_variable(dashboard, one, book)
            wanted_of(one, scope, found.kind if found.kind != "unsupported" else found.type)
        except ValueError as wrong:
            yield Finding("variable.query", _W, one.path, f"${one.name} {wrong}")


def _panel(dashboard: Dashboard, panel: Panel, asked: Asked, scope: Scope, book: Book) -> Iterator[Finding]:
    if panel.library:
        yield Finding("panel.library", _W, panel.path, f"the library panel {panel.library!r} is not in the file")
        return
    support = support_of(panel.kind)
    if not support.drawn:
        yield Finding("panel.unsupported-type", _W, panel.path, f"{panel.kind or 'no type'}: {support.note}")
        return
    if panel.kind not in NEEDS_NO_QUERY:
        if not asked.queries and not asked.refused and not panel.targets:
            yield Finding("panel.no-query", _W, panel.path, f"{panel.title or 'the panel'!s} has no query")
        for target in panel.targets:
            if not target.hidden:
                yield from _target(dashboard, panel, target, scope, book)
    yield from _shown(panel)


def _target(dashboard: Dashboard, panel: Panel, target: Target, scope: Scope, book: Book) -> Iterator[Finding]:
    found = source_of(dashboard, panel, target, book)
    if found.kind == "expression":
        if (kind := text(target.raw, "type")) not in _MATH:
            yield Finding("expression.unsupported", _W, target.path, f"{kind or 'an expression'} is not supported")
        return
    if found.kind in {"unsupported", "grafana"}:
        yield Finding("datasource.unsupported", _W, target.path, f"{found.type or 'the source'} is not supported")
        return
    for name in unknown_variables(dashboard, target.expr):
        yield Finding(
            "query.unknown-variable", _W, f"{target.path}.expr", f"${name} is not a variable of the dashboard"
        )
    try:
        expr = fill_query(target.expr, scope)
    except ValueError as wrong:
        yield Finding("query.refused", _W, f"{target.path}.expr", line(str(wrong)))
        return
    problem = unbalanced(expr)
    if problem:
        yield Finding("query.unparsable", _W, f"{target.path}.expr", problem)


def _shown(panel: Panel) -> Iterator[Finding]:
    for one in panel.transformations:
        if one.kind not in TRANSFORMATIONS and not one.disabled:
            reason = PASSED_OVER.get(one.kind, "it is not known")
            yield Finding("transformation.ignored", _W, one.path, f"{one.kind} is left out: {reason}")
    units = [(f"{panel.path}.fieldConfig.defaults.unit", text(panel.fields.defaults, "unit"))]
    for override in panel.fields.overrides:
        if override.matcher not in MATCHERS:
            yield Finding("override.ignored", _W, override.path, f"the matcher {override.matcher!r} is not known")
        units += [
            (f"{override.path}.properties[{at}]", value)
            for at, (name, value) in enumerate(override.properties)
            if name == "unit" and isinstance(value, str)
        ]
    for path, unit in units:
        if unit and "$" not in unit and not is_known(unit):
            yield Finding("unit.unknown", _N, path, f"{line(unit)!r} is no unit of Grafana's; it is written as it is")
    reduced, legend = part(panel.options, "reduceOptions"), part(panel.options, "legend")
    for place, options in (("reduceOptions", reduced), ("legend", legend)):
        for name in texts(options, "calcs"):
            if name and calc_of(name) is None:
                path = f"{panel.path}.options.{place}.calcs"
                yield Finding("calculation.unknown", _W, path, f"{line(name)!r} is not a calculation that is known")


def _repeat(dashboard: Dashboard, panel: Panel) -> Iterator[Finding]:
    if panel.repeat and dashboard.variable(panel.repeat) is None:
        message = f"${panel.repeat} is not a variable of the dashboard; the panel is shown once"
        yield Finding("repeat.unknown-variable", _W, f"{panel.path}.repeat", message)


def _annotations(dashboard: Dashboard, book: Book) -> Iterator[Finding]:
    for one in dashboard.annotations:
        if one.built_in or not one.enabled:
            continue
        target = Target("A", one.expr, one.source, one.path)
        found = source_of(dashboard, Panel(0, "timeseries", "", "", one.path, source=one.source), target, book)
        if found.kind not in {"prometheus", "loki"} or not one.expr:
            message = f"{one.name or 'markers'!s}: {found.type or found.kind} is not asked for markers"
            yield Finding("annotation.unsupported", _N, one.path, message)


_PAIRS: Final[Mapping[str, str]] = {")": "(", "]": "[", "}": "{"}


def unbalanced(expr: str) -> str:
    """What is wrong with the brackets and quotes of an expression, in one sentence; empty when they match."""
    open_: list[str] = []
    quote = ""
    skip = comment = False
    for at, sign in enumerate(expr):
        if comment:
            comment = sign != "\n"
        elif skip:
            skip = False
        elif quote:
            skip = sign == "\\" and quote != "`"
            quote = "" if sign == quote else quote
        elif sign == "#":
            comment = True
        elif sign in "\"'`":
            quote = sign
        elif sign in "([{":
            open_.append(sign)
        elif sign in _PAIRS and (not open_ or open_.pop() != _PAIRS[sign]):
            return f"{sign!r} at character {at + 1} closes nothing"
    if quote:
        return f"a string that begins with {quote} does not end"
    return f"{open_[-1]!r} is not closed" if open_ else ""
