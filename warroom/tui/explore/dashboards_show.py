"""One dashboard on screen: opening it, its variables, its time, and the questions of the panels in sight.

Invariant: only what is in sight is asked for, each question once; what one panel was refused stands in that panel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from warroom.dashboards.data import Listing
from warroom.dashboards.model import Dashboard, DashboardError
from warroom.dashboards.moments import moment, span
from warroom.dashboards.read import read_dashboard
from warroom.tui.dashboards.lists import rows_of_marks
from warroom.tui.dashboards.picking import Choosing
from warroom.tui.dashboards.questions import Question
from warroom.tui.dashboards.sheet import Sheet
from warroom.tui.explore.dashboards_ask import Asker
from warroom.tui.explore.dashboards_board import BoardView
from warroom.tui.explore.range import TimeRange
from warroom.tui.explore.screen import ExploreScreen
from warroom.tui.panes.metrics import markers_of
from warroom.tui.widgets.strips import LineBar

LEAST_REFRESH = 15.0
SECONDS_A_QUESTION = 0.4
"""A board is asked for again so seldom that no person asks more than 150 questions a minute."""


class ShownDashboard(ExploreScreen):
    """The part of the dashboards pane that shows one dashboard. `uid` is empty while the list is shown."""

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.uid = ""
        self.sheet: Sheet | None = None
        self.picked: dict[str, list[str]] = {}
        self._wanted_panel = ""
        self._keeps_range = False
        self._choosing = 0
        self._settled = False
        self._asker = Asker(self._ask_one, self._took)

    @property
    def board(self) -> BoardView:
        """The board of panels."""
        return self.query_one("#dashboard-board", BoardView)

    # Opening

    def open_dashboard(self, uid: str) -> None:
        """Ask Grafana for a dashboard and show it."""
        self.uid = uid
        self.sheet = None
        self._asker.stop()
        self._settled = False
        self.ask("dashboard", lambda result: self._came_dashboard(uid, result), uid=uid)

    def _came_dashboard(self, uid: str, result: Any) -> None:
        if uid != self.uid:
            return
        try:
            dashboard = read_dashboard(result.get("dashboard") if isinstance(result, Mapping) else None)
        except DashboardError as wrong:
            self.words = str(wrong)
            self.show_mode()
            return
        self.show_dashboard(dashboard)

    def show_dashboard(self, dashboard: Dashboard) -> None:
        """Show a dashboard that was read."""
        self.sheet = Sheet(dashboard, zone=self.zone)
        if not self._keeps_range:
            self._take_own_range(dashboard)
        self._keeps_range = False
        start, end = self.bounds()
        self.sheet.at(start, end)
        self.show_mode()
        self.board.show(self.sheet)
        self.choose_values()

    def _take_own_range(self, dashboard: Dashboard) -> None:
        """The author's range, where the panes' shared one is still as at the start."""
        if self.range != TimeRange():
            return
        now = self.now()
        start = moment(dashboard.time_from, now)
        if dashboard.time_to == "now" and start is not None and 60 <= now - start <= 90 * 86_400:
            self.shared.set_range(self.PANE, TimeRange(now - start))

    # Variables

    def choose_values(self) -> None:
        """Ask for the values of all variables, one after the other; the panels are asked for when all are known."""
        sheet = self.sheet
        if sheet is None:
            return
        self._choosing += 1
        self._asked_at = self.now()
        self._step(self._choosing, sheet, sheet.choosing(self.picked), None)

    def _step(self, serial: int, sheet: Sheet, way: Choosing, answer: Any) -> None:
        """Go on with an answer until the next question."""
        if serial != self._choosing or sheet is not self.sheet or not self.is_mounted:
            return
        try:
            question = next(way) if answer is None else way.send(answer)
        except StopIteration as end:
            sheet.settle(*end.value)
            self._settled = True
            self.board.rebuild()
            self.query_one("#dashboard-variables", LineBar).redraw()
            self.choices_changed()
            self.ask_in_sight()
            if self._wanted_panel:
                self._come_back()
            return

        def came(future: Future[Any]) -> None:
            error = future.exception()
            result = error if error is not None else future.result()
            self._step(serial, sheet, way, {} if result is None else result)

        if not self.ask_aside(question.method, came, **question.as_params()):
            self._not_connected()

    def choices_changed(self) -> None:
        """The variables have other values or options; for the picker."""

    def _come_back(self) -> None:
        """The panel that was chosen when the pane was left, or that others show."""
        wanted, self._wanted_panel = self._wanted_panel, ""
        key, _, zoomed = wanted.partition("\n")
        self.board.choose(key)
        if zoomed and key in (self.sheet.keys if self.sheet else ()):
            self.board.zoom(key)

    # Asking

    def ask_board(self) -> None:
        """Ask for everything in sight at the present time."""
        if self.sheet is None:
            self.open_dashboard(self.uid)
            return
        if not self._settled:
            self.choose_values()
            return
        self._asked_at = self.now()
        self.words = ""
        start, end = self.bounds()
        self.sheet.at(start, end)
        self.ask_in_sight(first=True)

    def ask_in_sight(self, *, first: bool = False) -> None:
        """Ask for the panels in sight that were not asked for at this time yet."""
        sheet = self.sheet
        if sheet is None or not self._settled:
            return
        seen = self.board.in_sight()
        self._give_marks(seen)
        questions = sheet.wanted(seen)
        if questions and not self._asker.put(questions, first=first):
            self._not_connected()
            return
        if first:
            # The next refresh waits longer the more is asked, so that a large board stays below the server's cap.
            least = max(LEAST_REFRESH, span(sheet.dashboard.refresh) or 0.0, len(questions) * SECONDS_A_QUESTION)
            self._asked_at = self.now() + min(least, 3600.0) - self.REFRESH
        self.busy = self._asker.busy
        self.board.changed([key for key in seen if not sheet.is_waiting(key)])
        self.redraw_head()

    def _give_marks(self, keys: Sequence[str]) -> None:
        """Lists of annotations show the incident's own events."""
        room, sheet = self.room, self.sheet
        if room is None or sheet is None:
            return
        for key in keys:
            body = sheet.data(key).body
            if isinstance(body, Listing) and body.what == "annotations":
                sheet.give_rows(key, rows_of_marks(markers_of(room.state), body, self.zone))

    def _ask_one(self, method: str, then: Any, **params: Any) -> bool:
        return self.ask_aside(method, then, **params)

    def _took(self, question: Question, result: Any) -> None:
        if not self.is_mounted or self.sheet is None:
            return
        changed = self.sheet.took(question, result)
        if changed:
            self.board.changed(changed)
        busy = self._asker.busy
        if busy != self.busy:
            self.busy = busy
            self.redraw_head()

    def _not_connected(self) -> None:
        self.words = "not connected yet: this asks again as soon as there is a server"
        self.redraw_head()

    def show_mode(self) -> None:
        """Show the list, the board or the picker."""

    def on_board_view_moved(self, event: BoardView.Moved) -> None:
        """Other panels are in sight."""
        event.stop()
        self.ask_in_sight()
        self.panel_chosen()

    def panel_chosen(self) -> None:
        """Another panel is chosen, or may be."""
