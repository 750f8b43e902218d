"""Asking for a whole dashboard over one conversation after another, for the command that prints it.

Invariant: what one panel's question was refused stands in that panel; only a server that is not there ends the command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from warroom.cli.context import Context
from warroom.cli.exits import Exit, Stop

if TYPE_CHECKING:
    from warroom.cli.direct import Line
    from warroom.dashboards.model import Dashboard
    from warroom.tui.dashboards.sheet import Sheet

_A_LINE = 24
"""Questions over one conversation: each has a deadline for all that is asked over it."""
_GONE = frozenset({Exit.UNREACHABLE, Exit.TIMEOUT})


class Asking:
    """Asks the server that is meant, for an incident or for none."""

    def __init__(self, here: Context, incident: str) -> None:
        self._here = here
        self._incident = {"incident": incident} if incident else {}
        self._line: Line | None = None
        self._left = 0
        self.asked = 0
        self.failed = 0

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_: object) -> None:
        if self._line is not None:
            self._line.__exit__()

    def ask(self, method: str, params: Mapping[str, Any]) -> Any:
        """The answer.

        Raises:
            Stop: as `Line.request`.
        """
        from warroom.cli.direct import Line

        if self._line is None or self._left <= 0:
            self.__exit__()
            server = self._here.server
            self._line = Line(server.url, server.token, timeout=self._here.timeout, tls=self._here.tls)
            self._left = _A_LINE
        self._left -= 1
        return self._line.request(method, **self._incident, **params)

    def answer(self, method: str, params: Mapping[str, Any]) -> Any:
        """The answer, or the exception in its place where the server said no.

        Raises:
            Stop: there is no server to ask.
        """
        self.asked += 1
        try:
            return self.ask(method, params)
        except Stop as stop:
            if stop.status in _GONE:
                raise
            self.failed += 1
            return stop


def dashboard_of(asking: Asking, named: str) -> Dashboard:
    """The dashboard of a file, or of Grafana by its uid.

    Raises:
        Stop: there is none, or it cannot be read.
    """
    from warroom.dashboards.model import DashboardError
    from warroom.dashboards.read import load_dashboard, read_dashboard

    try:
        path = Path(named)
        if path.suffix == ".json" or "/" in named or path.is_file():
            return load_dashboard(path)
        found = asking.ask("dashboard", {"uid": named})
        if not isinstance(found, Mapping):
            raise Stop(Exit.REFUSED, "the server answered with no dashboard")
        return read_dashboard(found.get("dashboard"), f"the dashboard {named}")
    except DashboardError as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None


def filled_sheet(
    dashboard: Dashboard,
    asking: Asking,
    span: tuple[float, float],
    picked: Mapping[str, Sequence[str]],
    width: int,
    panel: str,
    zone: tzinfo,
) -> tuple[Sheet, str]:
    """The sheet with everything asked for, and the key of the one panel that is wanted (empty: all).

    Raises:
        Stop: a variable or the panel is not in the dashboard, or there is no server to ask.
    """
    from warroom.tui.dashboards.sheet import Sheet

    unknown = sorted(set(picked) - {one.name for one in dashboard.variables})
    if unknown:
        known = ", ".join(one.name for one in dashboard.variables) or "none"
        raise Stop(Exit.USAGE, f"--var {unknown[0]}: the dashboard has no such variable; it has: {known}")
    sheet = Sheet(dashboard, zone=zone)
    sheet.at(*span)
    _choose(sheet, asking, picked)
    if panel:
        for one in dashboard.panels:
            if one.kind == "row":
                sheet.folded[one.path.removeprefix("$.")] = False
    sheet.place(width)
    key = _key_of(sheet, panel) if panel else ""
    for question in sheet.wanted([key] if key else sheet.keys):
        sheet.took(question, asking.answer(question.method, question.as_params()))
    return sheet, key


def _choose(sheet: Sheet, asking: Asking, picked: Mapping[str, Sequence[str]]) -> None:
    way = sheet.choosing(picked)
    try:
        question = next(way)
        while True:
            question = way.send(asking.answer(question.method, question.as_params()))
    except StopIteration as end:
        sheet.settle(*end.value)


def _key_of(sheet: Sheet, wanted: str) -> str:
    """The key of a panel by its id, or by its title."""
    found = []
    for key in sheet.keys:
        panel = sheet.placed(key).panel
        if panel.kind != "row" and wanted in (str(panel.id), panel.title, sheet.data(key).title, key):
            found.append(key)
    if not found:
        ids = ", ".join(f"{sheet.placed(key).panel.id}" for key in sheet.keys if sheet.placed(key).panel.kind != "row")
        raise Stop(Exit.USAGE, f"--panel {wanted}: no panel has that id or title; the ids are {ids[:300]}")
    return found[0]


def as_json(sheet: Sheet, keys: Sequence[str]) -> dict[str, Any]:
    """What the panels show, as plain values."""
    panels = []
    for key in keys:
        data = sheet.data(key)
        panels.append({"key": key, "id": sheet.placed(key).panel.id, **orjson.loads(orjson.dumps(data))})
    return {
        "title": sheet.dashboard.title,
        "uid": sheet.dashboard.uid,
        "start": sheet.scope.start,
        "end": sheet.scope.end,
        "variables": {one.variable.name: list(one.chosen.values) for one in sheet.choices},
        "panels": panels,
    }
