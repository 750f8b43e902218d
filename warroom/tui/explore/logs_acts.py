"""What the keys of the logs pane do: the filter on what is loaded, values into and out of the query, patterns, context.

Invariant: a key that cannot act says why, and what to press first.
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from warroom.telemetry.logs import LogLine
from warroom.tui.explore.logs_detail import LineDetail
from warroom.tui.explore.logs_feed import LogFeed, read_page
from warroom.tui.explore.logs_forms import LogForms
from warroom.tui.explore.logs_patterns import PatternRow
from warroom.tui.explore.logs_query import narrowed, pattern_filtered, stream_query
from warroom.tui.explore.screen import ExploreScreen
from warroom.tui.widgets.log_filter import parse_filter, pattern_filter
from warroom.tui.widgets.log_line import trace_of
from warroom.tui.widgets.log_lines import LogLines
from warroom.tui.widgets.log_view import LogView
from warroom.tui.widgets.prompt import Prompt
from warroom.tui.widgets.rows import RowList

AROUND = 50
"""Lines before and after the one whose context is shown."""
_FILTER_HINT = 'words, !word, level>=warn, service=checkout, "two words"; empty and Esc shows all'


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reader was, to come back to: the lines, and which was selected."""

    lines: LogLines
    selected: int | None


class LogsActs(ExploreScreen):
    """The part of the logs pane that acts on what is shown."""

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.feed = LogFeed(self, self.lines_changed)
        self.forms = LogForms(self, self.forms_came)
        self.pinned = ""
        """What pinned evidence is shown, in words; empty for lines of a server."""
        self.filter_text = ""
        self.place: Place | None = None
        """Where the reader was before the context of a line is shown."""
        self._before_filter = ""

    @property
    def view(self) -> LogView:
        """The lines."""
        return self.query_one("#log-lines", LogView)

    @property
    def detail(self) -> RowList:
        """One line in full."""
        return self.query_one("#log-detail", RowList)

    @property
    def patterns(self) -> RowList:
        """The forms that lines have."""
        return self.query_one("#log-patterns", RowList)

    @abstractmethod
    def lines_changed(self, lines: LogLines) -> None:
        """Other lines, or the same with a tail behind them now."""

    @abstractmethod
    def forms_came(self, rows: Sequence[PatternRow]) -> None:
        """The patterns are there."""

    @abstractmethod
    def redraw_counts(self) -> None:
        """The counts are other ones."""

    # The filter on what is loaded

    def do_filter_lines(self) -> None:
        """Filter while typing; Esc brings back what was."""
        self._before_filter = self.filter_text
        self.open_prompt("filter", _FILTER_HINT, self.filter_text)

    def on_prompt_typing(self, event: Prompt.Typing) -> None:
        """Each letter of a filter counts."""
        event.stop()
        if self._prompt_for == "filter" and self.query_one("#prompt-row").display:
            self.filter_by(event.text, typing=True)

    def on_prompt_left(self, event: Prompt.Left) -> None:
        if self._prompt_for == "filter":
            # An emptied line is a filter taken away; Enter cannot send one.
            self.filter_by(self._before_filter if event.prompt.text.strip() else "")

    def prompt_sent(self, purpose: str, text: str) -> None:
        if purpose == "filter":
            self.filter_by(text)
        else:
            super().prompt_sent(purpose, text)

    def filter_by(self, text: str, *, typing: bool = False) -> None:
        try:
            keep = parse_filter(text)
        except ValueError as wrong:
            if not typing:
                self.console.tell(str(wrong), "warning")
            return
        self.filter_text = text.strip()
        self.view.set_title(f"Lines with {self.filter_text}" if keep else "Lines")
        self.view.set_filter(keep, hide=self.view.hiding or self.view.keep is None)

    def do_toggle_hiding(self) -> None:
        """Hide what does not pass, or only mark what does."""
        if self.view.keep is None:
            self.console.tell("there is no filter: f sets one", "warning")
        else:
            self.view.set_filter(self.view.keep, hide=not self.view.hiding)

    def do_next_hit(self) -> None:
        """The next line that passes."""
        self._to_hit(1)

    def do_previous_hit(self) -> None:
        """The line before that passes."""
        self._to_hit(-1)

    def _to_hit(self, way: int) -> None:
        if self.view.keep is None:
            self.console.tell("there is no filter: f sets one", "warning")
        elif not self.view.seek_hit(way):
            self.console.tell("no further line passes this way")

    def do_next_error(self) -> None:
        """The next error."""
        self._to_error(1)

    def do_previous_error(self) -> None:
        """The error before."""
        self._to_error(-1)

    def _to_error(self, way: int) -> None:
        if not self.view.seek(way, lambda line: line.level in ("error", "fatal")):
            self.console.tell("no further error this way among the lines at hand")

    # In and out

    def do_filter_in(self) -> None:
        """Only lines with the selected value."""
        self._narrow(keep=True)

    def do_filter_out(self) -> None:
        """No lines with the selected value."""
        self._narrow(keep=False)

    def _narrow(self, *, keep: bool) -> None:
        if self.patterns.display:
            self.narrow_to_pattern(self.patterns.selected_row, keep=keep)
            return
        source, row = self.detail.source, self.detail.selected_row
        if not self.detail.display or not isinstance(source, LineDetail) or row is None or row.origin is None:
            self.console.tell("Enter opens the line: select a field there, then i or x", "warning")
            return
        value = row.value.splitlines()[0][:500] if row.origin == "text" and row.value else row.value
        taken = [name for name, _ in source.line.labels]
        self._ask_narrowed(lambda: narrowed(self.query_text, row.origin, row.name, value, keep=keep, taken=taken))

    def narrow_to_pattern(self, row: PatternRow | None, *, keep: bool) -> None:
        if row is None:
            self.console.tell("select a pattern first", "warning")
        elif (self.forms.mined or self.pinned) and keep:
            # Found among the lines at hand: what a server calls a pattern may be cut otherwise.
            self.show_patterns(False)
            self.filter_text = row.pattern
            self.view.set_title(f"Lines like {row.pattern[:60]}")
            self.view.set_filter(pattern_filter(row.pattern))
            self._refocus()
        else:
            self.show_patterns(False)
            self._ask_narrowed(lambda: pattern_filtered(self.query_text, row.pattern, keep=keep))

    def _ask_narrowed(self, made: Callable[[], str]) -> None:
        try:
            query = made()
        except ValueError as wrong:
            self.console.tell(str(wrong), "warning")
            return
        self.set_query(query)

    # Patterns

    def do_show_patterns(self) -> None:
        """The patterns in place of the lines, or the lines again."""
        self.show_patterns(not self.patterns.display)
        if self.patterns.display:
            self.patterns.set_empty("looking for patterns")
            self.forms.ask("" if self.pinned else self.query_text, self.view.lines)
        self.redraw_head()

    def show_patterns(self, shown: bool) -> None:
        """Put the patterns over the lines, or away."""
        self.patterns.display = shown
        self.view.display = not shown
        if shown:
            self.detail.display = False
        self._refocus()

    # Context and trace

    def do_show_context(self) -> None:
        """What the same stream said around the selected line, whatever the query leaves out."""
        line = self.view.selected_line
        if line is None:
            self.console.tell("select a line first", "warning")
            return
        if self.place is not None:
            self.leave_context()
            return
        if self.pinned or not line.labels:
            self._context_at_hand(line, "")
            return
        query, at = stream_query(line.labels), line.ns / 1e9
        halves: dict[str, tuple[LogLine, ...]] = {}

        def half(direction: str) -> Callable[[Future[Any]], None]:
            def came(future: Future[Any]) -> None:
                if not self.is_mounted or self.view.selected_line is not line:
                    return
                error = future.exception()
                if error is not None:
                    if "failed" not in halves:
                        halves["failed"] = ()
                        self._context_at_hand(line, f"{error}; these are the lines at hand")
                    return
                halves[direction] = read_page(future.result())
                if set(halves) == {"backward", "forward"}:
                    self._show_around([*halves["backward"], *halves["forward"]], line)

            return came

        spans = {"backward": (at - 3600, at + 0.001), "forward": (at, at + 3600)}
        for direction, (start, end) in spans.items():
            self.ask_aside(
                "logs", half(direction), query=query, start=start, end=end, limit=AROUND + 1, direction=direction
            )

    def _context_at_hand(self, line: LogLine, words: str) -> None:
        if words:
            self.console.tell(words, "warning")
        lines = self.view.lines
        seen = lines.glances(lines.first, lines.end)
        alike = sorted((one.ns, number) for number, one in seen if one.labels == line.labels)
        at = bisect_left(alike, (line.ns,))
        near = [lines.line(number) for _, number in alike[max(0, at - AROUND) : at + 2 * AROUND]]
        self._show_around([one for one in near if one is not None], line)

    def _show_around(self, lines: Sequence[LogLine], line: LogLine) -> None:
        """Show these lines, the one in the middle selected; Esc comes back."""
        unlike = {(one.ns, one.text): one for one in lines} | {(line.ns, line.text): line}
        ordered = sorted(unlike.values(), key=lambda one: one.ns)
        at = ordered.index(line)
        ordered = ordered[max(0, at - AROUND) : at + AROUND + 1]
        self.place = Place(self.view.lines, self.view.selected_number)
        self.view.set_filter(None)
        self.view.set_title("Context")
        self.view.show(LogLines(ordered))
        self.view.select(ordered.index(line) - len(ordered))
        self.redraw_head()

    def leave_context(self) -> None:
        """Back to where the reader was."""
        place, self.place = self.place, None
        if place is None:
            return
        self.view.show(place.lines, live=self.feed.tailing)
        self.filter_by(self.filter_text)
        if place.selected is not None:
            self.view.select(place.selected)
        self.redraw_head()

    def do_open_trace(self) -> None:
        """The trace of the selected line."""
        line = self.view.selected_line
        trace = "" if line is None else trace_of(line)
        if trace:
            self.console.open_pane(self.incident, "traces", {"pane": "traces", "id": trace})
        else:
            self.console.tell("select a line first" if line is None else "this line has no trace id", "warning")
