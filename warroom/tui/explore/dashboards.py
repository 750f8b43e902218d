"""The dashboards pane: Grafana's dashboards as a list, one of them as a board of panels, its variables as pickers.

Invariant: a panel goes to the room's board, into evidence or into another pane with exactly the queries and the time
that it is drawn with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from warroom.dashboards.data import RowTitle
from warroom.dashboards.queries import Query
from warroom.tui.dashboards.picking import Choice
from warroom.tui.explore.dashboards_acts import board_panel, evidence_of, pane_of, unit_of
from warroom.tui.explore.dashboards_board import BoardView
from warroom.tui.explore.dashboards_pick import PickedDashboard
from warroom.tui.explore.dashboards_rows import (
    Found,
    Value,
    found_in,
    key_of_found,
    render_found,
)
from warroom.tui.explore.screen import explore_bindings
from warroom.tui.widgets.row_source import Rows
from warroom.tui.widgets.rows import RowList
from warroom.tui.widgets.strips import LineBar

_FIND = "part of a panel's title"


class DashboardsScreen(PickedDashboard):
    """A list first; Enter opens a dashboard, Esc goes back."""

    PANE = "dashboards"
    TITLE_TEXT = "Dashboards"
    SCOPE = "dashboards"
    QUERY_HINT = "part of a dashboard's title, or a tag"
    BINDINGS: ClassVar[list[BindingType]] = explore_bindings("dashboards")

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.found: tuple[Found, ...] = ()
        self.filter = ""

    # Made of

    def compose_body(self) -> ComposeResult:
        yield RowList("Dashboards", id="dashboard-list", empty="asking Grafana for its dashboards")
        yield LineBar(id="dashboard-variables")
        yield RowList("Variables", id="dashboard-picker", empty="nothing to pick from")
        yield BoardView(id="dashboard-board")

    def on_mount(self) -> None:
        self.query_one("#dashboard-variables", LineBar).paint_with(self.paint_variables)
        super().on_mount()
        self.show_mode()

    def on_unmount(self) -> None:
        self._asker.stop()

    def show_mode(self) -> None:
        """Show what belongs to where the reader is, and put the focus there."""
        opened = bool(self.uid)
        self.query_one("#dashboard-list").display = not opened
        self.query_one("#dashboard-variables").display = opened and bool(self.shown_choices())
        self.query_one("#dashboard-picker").display = opened and bool(self.picking)
        self.board.display = opened and not self.picking
        self.query_text = "" if opened else self.filter
        self.panel_chosen()
        if not self.query_one("#prompt-row").display:
            self._refocus()
        self.redraw_head()

    def focus_target(self) -> Widget | None:
        if not self.uid:
            return self.query_one("#dashboard-list")
        return self.query_one("#dashboard-picker") if self.picking else self.board

    def head_note(self) -> str:
        if not self.uid:
            return f"{len(self.found)} dashboards" if self.found else ""
        if self.sheet is None:
            return "opening"
        panels = [key for key in self.sheet.keys if self.sheet.placed(key).panel.kind != "row"]
        wrong = sum(bool(self.sheet.data(key).errors) for key in panels)
        failing = f", {wrong} with errors" if wrong else ""
        return f"{self.sheet.dashboard.title}, {len(panels)} panels{failing}"

    def panel_chosen(self) -> None:
        """The head tells the query of the chosen panel."""
        if not self.uid or self.sheet is None:
            return
        queries = self._queries()
        text = "   ".join(one.expr for one in queries[:3])
        if text != self.query_text:
            self.query_text = " ".join(text.split())
            self.redraw_head()

    # Asking

    def ask_now(self) -> None:
        if self.uid:
            self.ask_board()
        else:
            self.ask("dashboards", self._came_list, query=self.filter[:200])

    def _came_list(self, result: Any) -> None:
        self.found = found_in(result)
        rows = self.query_one("#dashboard-list", RowList)
        about = f" with {self.filter!r} in it" if self.filter else ""
        rows.set_empty(f"Grafana has no dashboard{about}")
        rows.show(Rows(self.found, key_of_found, render_found))
        if self.found and rows.selected_row is None:
            rows.select(key_of_found(self.found[0]))

    def failed(self, words: str) -> None:
        self.query_one("#dashboard-list", RowList).set_empty(words)

    def do_run(self) -> None:
        """Ask anew, for the variables as well."""
        self._settled = False
        self.ask_now()

    def range_changed(self) -> None:
        if self.uid:
            self.ask_board()

    # Where the reader is

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Enter: open a dashboard, a variable, or pick a value."""
        event.stop()
        if isinstance(event.row, Found):
            self.picked = {}
            self.open_dashboard(event.row.uid)
            self.show_mode()
        elif isinstance(event.row, Choice):
            self.open_choice(event.row)
        elif isinstance(event.row, Value):
            self.pick(event.row)

    def on_board_view_opened(self, event: BoardView.Opened) -> None:
        """Enter: fold a row, or give a panel all the room."""
        event.stop()
        if self.sheet is not None and self.sheet.fold(event.key):
            self.board.rebuild()
            self.board.show_below(event.key)
            self.ask_in_sight()
        else:
            self.do_zoom()

    def step_back(self) -> bool:
        if self.picking:
            self.picking = "" if self.picking == "-" or len(self.shown_choices()) == 1 else "-"
            self.values_with = ""
            self.fill_picker()
            self.show_mode()
        elif self.uid and self.board.zoomed:
            self.board.zoom("")
        elif self.uid:
            self.uid, self.sheet, self.words = "", None, ""
            self._asker.stop()
            self.board.show(None)
            self.show_mode()
            if not self.found:
                self.ask_now()
        else:
            return False
        return True

    def do_edit_query(self) -> None:
        """Look for a dashboard, a panel or a value, whichever is listed."""
        if not self.uid:
            self.open_prompt("query", self.QUERY_HINT, self.filter)
        elif self.picking and self.picking != "-":
            self.open_prompt("values", "part of a value", self.values_with)
        else:
            self.open_prompt("find", _FIND)

    def prompt_sent(self, purpose: str, text: str) -> None:
        if purpose == "find":
            self._find(text)
        elif purpose == "values":
            self.values_with = text
            self.fill_picker()
        elif purpose.startswith("variable:"):
            self.set_variable(purpose.removeprefix("variable:"), [text])
        elif purpose == "query":
            self.filter = text
            self.set_query(text)
        else:
            super().prompt_sent(purpose, text)

    def _find(self, text: str) -> None:
        """Go to the next panel with these words in its title."""
        sheet = self.sheet
        if sheet is None or not text:
            return
        keys = list(sheet.keys)
        at = keys.index(self.board.chosen) + 1 if self.board.chosen in keys else 0
        for key in [*keys[at:], *keys[:at]]:
            if text.casefold() in sheet.data(key).title.casefold():
                self.board.choose(key)
                return
        self.console.tell(f"no panel has {text!r} in its title; folded rows are not searched", "warning")

    # Keys

    def _queries(self) -> list[Query]:
        """The queries of the chosen panel."""
        if self.sheet is None or self.board.chosen not in self.sheet.keys:
            return []
        return [one for one in self.sheet.queries(self.board.chosen) if not one.hidden]

    def _asked_panel(self) -> list[Query]:
        """The queries of the chosen panel; says so when there is none."""
        queries = self._queries() if self.uid else []
        if not queries:
            self.console.tell("choose a panel with a query first", "warning")
        return queries

    def do_zoom(self) -> None:
        """The chosen panel alone, or all again."""
        board = self.board
        if self.sheet is None or not board.chosen:
            return
        if board.zoomed:
            board.zoom("")
        elif not isinstance(self.sheet.data(board.chosen).body, RowTitle):
            board.zoom(board.chosen)

    def do_add_to_board(self) -> None:
        """Put the chosen panel's query onto the room's board, for all."""
        queries = self._asked_panel()
        if not queries or self.sheet is None:
            return
        asked = next((one for one in queries if one.format != "logs"), None)
        if asked is None:
            self.console.tell("log lines have no place on the board; p pins them", "warning")
            return
        panel = board_panel(self.sheet.data(self.board.chosen), asked, self.range.span)
        more = f", with the first of its {len(queries)} queries" if len(queries) > 1 else ""

        def added(settled: Any) -> None:
            if settled.accepted:
                self.console.tell(f"it is on the board, for everybody{more}")

        self.console.submit({"type": "add-panel", "panel": panel}, self.incident, added)

    def do_open_query(self) -> None:
        """The chosen panel's query in the metrics pane, or in the logs pane."""
        queries = self._asked_panel()
        if queries and self.sheet is not None:
            pane, shown = pane_of(queries, unit_of(self.sheet.data(self.board.chosen)))
            self.console.open_pane(self.incident, pane, {**shown, **self.range_shown()})

    # For others

    def selected(self) -> Any:
        if not self.uid:
            return self.query_one("#dashboard-list", RowList).selected_row
        return self.sheet.data(self.board.chosen) if self.sheet and self.board.chosen in self.sheet.keys else None

    def evidence(self) -> dict[str, Any] | None:
        queries = self._queries()
        if self.sheet is None or not queries or self.sheet.is_waiting(self.board.chosen):
            return None
        scope = self.sheet.scope
        return evidence_of(self.sheet.data(self.board.chosen), queries, scope.start, scope.end)

    def shown(self) -> dict[str, Any]:
        if not self.uid:
            return {"pane": self.PANE, "uid": "", "filter": self.filter, **self.range_shown()}
        choices = self.sheet.choices if self.sheet is not None else ()
        values: dict[str, Any] = {
            one.variable.name: "$__all" if one.chosen.all_of else ",".join(one.chosen.values[:50]) for one in choices
        }
        several = [one.variable.name for one in choices if len(one.chosen.values) > 1 and not one.chosen.all_of]
        return {
            "pane": self.PANE,
            "uid": self.uid,
            "variables": dict(list(values.items())[:40]),
            "several": several,
            "panel": self.board.chosen,
            "zoomed": bool(self.board.zoomed),
            **self.range_shown(),
        }

    def show(self, shown: Mapping[str, Any]) -> None:
        self.take_range(shown)
        self._keeps_range = "start" in shown
        self.filter = str(shown.get("filter", ""))
        several = {str(one) for one in shown.get("several", ())}
        said = shown.get("variables", {})
        if not isinstance(said, Mapping):
            raise ValueError("the variables of a dashboard are named values")
        self.picked = {
            str(name): str(value).split(",") if name in several else [str(value)] for name, value in said.items()
        }
        uid, panel = str(shown.get("uid", "")), str(shown.get("panel", ""))
        self._wanted_panel = f"{panel}\n{'zoomed' if shown.get('zoomed') else ''}" if panel else ""
        self.picking = ""
        if uid:
            self.open_dashboard(uid)
        else:
            self.uid, self.sheet = "", None
            self.ask_now()
        self.show_mode()

    def range_redrawn(self) -> None:
        super().range_redrawn()
        if self.sheet is not None:
            self.sheet.zone = self.zone
            self.sheet.scope = replace(self.sheet.scope, zone=self.zone)
            self.board.rebuild()
