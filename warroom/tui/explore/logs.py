"""The logs pane: a query's lines with what comes behind them, counts over them, one in full, and their patterns.

Invariant: the reader's place is theirs: lines that come, lines that go and answers that are late do not move it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rich.style import Style
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from warroom.client.view import View
from warroom.telemetry.logs import LogLine
from warroom.tui.explore.logs_acts import LogsActs, Place
from warroom.tui.explore.logs_complete import LogCompleter
from warroom.tui.explore.logs_detail import Field, LineDetail
from warroom.tui.explore.logs_evidence import MOST_LINES, evidence_of, page_of
from warroom.tui.explore.logs_patterns import PatternRow, PatternRows
from warroom.tui.explore.logs_query import parse, start_query
from warroom.tui.explore.screen import explore_bindings
from warroom.tui.palette import palette_of, style
from warroom.tui.widgets.log_counts import CountStrip
from warroom.tui.widgets.log_line import clock_text
from warroom.tui.widgets.log_lines import LogLines
from warroom.tui.widgets.log_rows import grouped
from warroom.tui.widgets.log_view import LogView
from warroom.tui.widgets.prompt import Completion, Prompt, Word
from warroom.tui.widgets.rows import RowList


class LogsScreen(LogsActs):
    """Lines at first; Enter opens one beside them, `P` their patterns in their place."""

    PANE = "logs"
    TITLE_TEXT = "Logs"
    SCOPE = "logs"
    QUERY_HINT = '{service_name="checkout"} |= "timeout" | json | status=~"5.."'
    REFRESH = 0.0
    BINDINGS: ClassVar[list[BindingType]] = explore_bindings("logs")

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.completer = LogCompleter(self.ask_aside, self._offer_again)
        self._goto: int | None = None
        self._latest: View | None = None

    # Made of

    def compose_body(self) -> ComposeResult:
        yield CountStrip(id="counts")
        with Container(id="log-body"):
            yield LogView("Lines", id="log-lines", empty="no lines yet")
            yield RowList("Line", id="log-detail", empty="select a line")
            yield RowList("Patterns", id="log-patterns", empty="looking for patterns")

    def on_mount(self) -> None:
        view = self.view
        view.awake = lambda: self.console.is_in_sight(self)
        view.calm = lambda: self.console.calm
        self.query_one("#log-detail").display = False
        self.query_one("#log-patterns").display = False

    def on_unmount(self) -> None:
        self.feed.stop()

    def focus_target(self) -> Widget | None:
        if self.patterns.display:
            return self.patterns
        return self.view

    def head_note(self) -> str:
        if self.pinned:
            return self.pinned
        if self.place is not None and self.view.selected_line is not None:
            line = self.view.selected_line
            return f"around {clock_text(line.ns, self.zone)} of {line.service or 'its stream'}"
        return self.forms.words if self.patterns.display else ""

    # Asking

    def ask_now(self) -> None:
        if self.pinned:
            return
        if not self.query_text:
            room = self.room
            self.query_text = start_query(() if room is None else room.state.services)
        try:
            parse(self.query_text)
        except ValueError as wrong:
            self.words = str(wrong)
            self.redraw_head()
            return
        self.place = None
        self.view.set_empty("asking")
        self.feed.ask(self.query_text)
        if self.patterns.display:
            self.forms.ask(self.query_text, self.feed.lines)

    def failed(self, words: str) -> None:
        self.view.set_empty("no lines: the question failed, r asks again")
        self.feed.failed()

    def lines_changed(self, lines: LogLines) -> None:
        """Other lines, or the same with a tail behind them now."""
        if self.place is not None:
            self.place = Place(lines, self.place.selected)
            return
        view = self.view
        view.set_empty("no lines in this range: a wider range (-), another query (/)")
        view.set_zone(self.zone, dated=self.range.span > 20 * 3600)
        view.show(lines, live=self.feed.tailing, keep=lines is view.lines)
        if self._goto is not None:
            self._go_to(self._goto)
        self.redraw_head()

    def _go_to(self, ns: int) -> None:
        """Select the line of a time, as somebody else had it selected."""
        lines = self.view.lines
        number = next((at for at, line in lines.glances(lines.first, lines.end) if line.ns == ns), None)
        if number is not None:
            self._goto = None
            self.view.select(number)

    def on_log_view_at_start(self, event: LogView.AtStart) -> None:
        """The reader wants what was before."""
        event.stop()
        if not self.pinned and self.place is None:
            self.feed.older()

    def refresh_view(self, view: View) -> None:
        """Lines come ten times a second; what else a view says is taken over when it changed."""
        before, self._latest = self._latest, view
        parts = ("link", "rooms", "unsent", "refused", "notices")
        if before is not None and all(getattr(before, part) is getattr(view, part) for part in parts):
            if self.is_mounted and self.children:
                self.view_changed(view)
        else:
            super().refresh_view(view)

    def view_changed(self, view: View) -> None:
        if not self.feed.heard(view):
            return
        feed, palette = self.feed, palette_of(self.view)
        note = [(f"{grouped(feed.lost)} lost", style(palette.bad, bold=True))] if feed.lost else []
        self.view.set_note(note)
        self.words = (
            f"the tail: {feed.trouble}" if feed.trouble else "" if self.words.startswith("the tail") else self.words
        )

    def ticked(self) -> None:
        self.feed.tick()

    def redraw_counts(self) -> None:
        """The counts are other ones."""
        strip = self.query_one("#counts", CountStrip)
        strip.show(self.feed.counts, mark=self.forms.began, zone=self.zone, words="counting")
        strip.set_cursor(self.shared.cursor)

    def range_redrawn(self) -> None:
        super().range_redrawn()
        self.view.set_zone(self.zone, dated=self.range.span > 20 * 3600)
        self.redraw_counts()
        self._show_detail()

    # Reading

    def on_log_view_highlighted(self, event: LogView.Highlighted) -> None:
        """Detail and cursor follow the selected line."""
        event.stop()
        self.shared.cursor = event.line.ns / 1e9
        self.query_one("#counts", CountStrip).set_cursor(self.shared.cursor)
        if self.detail.display:
            self._show_detail()

    def on_log_view_chosen(self, event: LogView.Chosen) -> None:
        """Enter opens a line in full."""
        event.stop()
        self.detail.display = True
        self._show_detail()
        self.completer.learn([event.line])
        self.set_focus(self.detail)

    def _show_detail(self) -> None:
        line = self.view.selected_line
        if line is None or not self.detail.display:
            return
        source = LineDetail(line, self.zone)
        self.detail.show(source)
        self.detail.select("text", reveal=False)
        self.detail.scroll_to(y=0, animate=False)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Enter on a trace opens it, on a pattern shows its lines."""
        event.stop()
        if event.rows is self.patterns:
            self.narrow_to_pattern(event.row, keep=True)
        elif isinstance(event.row, Field):
            source = self.detail.source
            if isinstance(source, LineDetail) and source.is_trace(event.row):
                self.do_open_trace()
            elif event.row.origin is not None:
                self.console.tell("i shows only lines with this value, x none with it")

    def step_back(self) -> bool:
        if self.detail.display:
            self.detail.display = False
            self._refocus()
            return True
        if self.patterns.display:
            self.do_show_patterns()
            return True
        if self.place is not None:
            self.leave_context()
            return True
        if self.filter_text:
            self.filter_by("")
            return True
        return False

    def selected(self) -> Any:
        if self.detail.display and self.focused is self.detail:
            return self.detail.selected_row
        if self.patterns.display:
            return self.patterns.selected_row
        return _Copied(self.view.selected_text)

    # The query line

    def set_query(self, text: str) -> None:
        try:
            parse(text)
        except ValueError as wrong:
            self.console.tell(str(wrong), "warning")
            self.open_prompt("query", self.QUERY_HINT, text)
            return
        self.pinned = ""
        self.detail.display = False
        super().set_query(text)
        self._refocus()

    def do_edit_query(self) -> None:
        self.completer.prepare()
        self.completer.learn(self.view.in_view())
        super().do_edit_query()

    def complete_query(self, word: Word) -> Sequence[Completion]:
        return self.completer.complete(word)

    def _offer_again(self) -> None:
        if self.is_mounted and self.query_one("#prompt-row").display:
            self.query_one("#prompt", Prompt).offer_again()

    # Live

    def do_pause(self) -> None:
        """Stand still where one reads; what comes is kept and counted. Again goes on."""
        if not self.feed.tailing:
            super().do_pause()
        elif self.view.following:
            self.view.pause()
            self.shared.set_range(self.PANE, self.range.paused(self.now()))
        else:
            self._follow()
        self.redraw_head()

    def do_go_live(self) -> None:
        """Follow what comes."""
        if self.feed.tailing and self.place is None:
            self._follow()
            self.redraw_head()
        else:
            super().do_go_live()
            if not self.feed.tailing:
                self.ask_now()

    def _follow(self) -> None:
        self.shared.cursor = None
        self.shared.set_range(self.PANE, self.range.followed())
        self.view.follow()

    # Patterns

    def forms_came(self, rows: Sequence[PatternRow]) -> None:
        self.patterns.set_empty("no patterns: there are no lines")
        self.patterns.show(PatternRows(rows))
        if rows and self.patterns.selected_row is None:
            self.patterns.select(rows[0].pattern)
        self.patterns.set_note([(self.forms.words, Style.null())])
        self.redraw_head()

    # For others

    def shown(self) -> dict[str, Any]:
        line = self.view.selected_line
        return {
            "pane": self.PANE,
            "query": self.query_text[:6000],
            "filter": self.filter_text[:500],
            **({} if line is None else {"at": line.ns}),
            **self.range_shown(),
        }

    def show(self, shown: Mapping[str, Any]) -> None:
        self.query_text = str(shown.get("query", ""))
        if "data" in shown:
            self._show_pinned(page_of(str(shown["data"])), shown)
            return
        self.pinned = ""
        self.take_range(shown)
        self._goto = int(shown["at"]) if shown.get("at") else None
        self.filter_by(str(shown.get("filter", "")))
        self.ask_now()

    def _show_pinned(self, lines: Sequence[LogLine], shown: Mapping[str, Any]) -> None:
        """Lines from the incident's log: no server is asked."""
        number = shown.get("evidence")
        self.pinned = f"evidence {number}" if number else "pinned evidence"
        self.place = None
        self.filter_by("")
        found = self.feed.pinned(lines, self.query_text)
        self.view.set_zone(self.zone, dated=bool(lines) and lines[-1].ns - lines[0].ns > 72e12)
        self.view.show(found)
        self.redraw_counts()
        self.redraw_head()

    def evidence(self) -> dict[str, Any] | None:
        view = self.view
        number = view.selected_number
        if number is not None and view.selected_line is not None:
            return evidence_of(view.shown_around(number, MOST_LINES, MOST_LINES), view.selected_line, self.query_text)
        return evidence_of(view.in_view(), None, self.query_text)


class _Copied:
    def __init__(self, words: str) -> None:
        self.words = words
