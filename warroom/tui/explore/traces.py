"""The traces pane: search, and one trace as a waterfall with what each span says.

Invariant: a trace that is open stays as it was read, also when the search behind it is asked anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, ClassVar

import orjson
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from warroom.incident.observed import fitted
from warroom.telemetry import shapes
from warroom.telemetry.trace_shape import Shape, WaterfallRow, shape_of, waterfall
from warroom.telemetry.traces import Operation, Trace, TraceSummary
from warroom.tui.explore.screen import ExploreScreen, explore_bindings
from warroom.tui.explore.trace_query import WORDS, TraceQuery, parse
from warroom.tui.explore.trace_rows import Colours, Details, Summaries, Waterfall, detail_of, micros_text
from warroom.tui.widgets.prompt import Completion, Word
from warroom.tui.widgets.rows import RowList
from warroom.tui.widgets.strips import LineBar


class TracesScreen(ExploreScreen):
    """Search at first; Enter opens a trace in its place."""

    PANE = "traces"
    TITLE_TEXT = "Traces"
    SCOPE = "traces"
    QUERY_HINT = "checkout operation='POST /pay' min=200ms error http.status_code=500, or a trace id"
    NOTHING_TO_PIN = "a single trace is pinned: enter opens one, then p"
    REFRESH = 30.0
    BINDINGS: ClassVar[list[BindingType]] = explore_bindings("traces")

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.search = TraceQuery()
        self.found: tuple[TraceSummary, ...] = ()
        self.shape: Shape | None = None
        self.trace_id = ""
        self._folded: frozenset[str] = frozenset()
        self._unfolded: frozenset[str] = frozenset()
        self._services: tuple[str, ...] = ()
        self._operations: dict[str, tuple[str, ...]] = {}

    # Made of

    def compose_body(self) -> ComposeResult:
        yield RowList("Traces", id="found", empty=f"type a service: / opens the line ({self.QUERY_HINT})")
        yield LineBar(id="axis")
        with Horizontal(id="opened"):
            yield RowList("Trace", id="waterfall", empty="this trace has no spans")
            yield RowList("Span", id="span", empty="select a span")

    def on_mount(self) -> None:
        self.query_one("#axis", LineBar).paint_with(self._paint_axis)
        self._show_mode()
        self.ask_aside("traces.services", self._services_came)

    def focus_target(self) -> Widget | None:
        return self.query_one("#waterfall" if self.shape is not None else "#found", RowList)

    def _show_mode(self) -> None:
        opened = self.shape is not None
        self.query_one("#found").display = not opened
        self.query_one("#opened").display = opened
        self.query_one("#axis").display = opened
        self.set_class(opened, "-opened")

    def head_note(self) -> str:
        if self.shape is not None:
            trace = self.shape.trace
            failed = sum(span.error for span in trace.spans)
            errors = f", {failed} errors" if failed else ""
            kept = f"evidence {self.opened['evidence']}, " if self.opened else ""
            return f"{kept}{micros_text(trace.duration)}, {len(trace.spans)} spans{errors}"
        if not self.found:
            return ""
        failed = sum(bool(one.errors) for one in self.found)
        return f"{len(self.found)} traces, {failed} with errors"

    def head_query(self) -> str:
        return f"trace {self.trace_id}" if self.shape is not None else self.query_text

    # Asking

    def ask_now(self) -> None:
        if self.shape is not None:
            return
        if self.trace_id:
            self.open_trace(self.trace_id)
        elif self.search.service:
            self._search()
        else:
            self._guess_service()

    def _search(self) -> None:
        start, end = self.bounds()
        self.ask(
            "traces.search",
            self._found,
            service=self.search.service,
            start=start,
            end=end,
            operation=self.search.operation,
            tags=[list(pair) for pair in self.search.tags],
            shortest=self.search.shortest,
            longest=self.search.longest,
            errors_only=self.search.errors_only,
            limit=self.search.limit,
        )

    def _guess_service(self) -> None:
        """The incident's own service, as soon as it is known which services have traces."""
        room = self.room
        named = () if room is None else room.state.services
        chosen = next((name for name in named if name in self._services), "")
        if chosen:
            self.search = TraceQuery(service=chosen)
            self.query_text = self.search.text()
            self.ask_now()

    def _services_came(self, future: Future[Any]) -> None:
        if future.exception() is not None or not self.is_mounted:
            return
        self._services = tuple(str(name) for name in (future.result() or {}).get("values", ()))
        if not self.search.service and self.shape is None and not self.trace_id:
            known = ", ".join(self._services[:8])
            self.query_one("#found", RowList).set_empty(
                f"/ and a service: {known}" if known else "no service has traces"
            )
            self._guess_service()

    def _found(self, result: Any) -> None:
        self.found = tuple(shapes.read(TraceSummary, one) for one in result["traces"])
        rows = self.query_one("#found", RowList)
        rows.set_empty("no trace matches in this time: / changes the query, t the time")
        rows.show(Summaries(self.found, self.zone))
        if rows.selected_row is None and self.found:
            rows.select(self.found[0].trace_id)

    def open_trace(self, trace_id: str) -> None:
        """Ask for one trace and show it."""
        self.trace_id = trace_id
        self.ask("trace", self._opened, id=trace_id)

    def _opened(self, result: Any) -> None:
        self._show_trace(shapes.read(Trace, result))

    def _show_trace(self, trace: Trace) -> None:
        self.trace_id = trace.trace_id
        self.shape = shape_of(trace)
        self._folded = self._unfolded = frozenset()
        self._show_mode()
        self._draw()
        rows = self.query_one("#waterfall", RowList)
        rows.set_title(f"Trace {trace.trace_id[:16]}")
        if rows.count:
            rows.select(rows.source.key(rows.source.row(0)))
        self._refocus()
        self.redraw_head()

    def _draw(self) -> None:
        assert self.shape is not None  # noqa: S101 - called only with a trace open
        shape = self.shape
        colours = Colours.of([span.service for span in shape.trace.spans])
        rows = waterfall(shape, self._folded, self._unfolded)
        self.query_one("#waterfall", RowList).show(Waterfall(shape, rows, colours))
        self._fit()
        self.query_one("#axis", LineBar).redraw()

    def _fit(self) -> None:
        """Where the span is below its trace, a short trace leaves it the room."""
        rows = self.query_one("#waterfall", RowList)
        rows.styles.max_height = None if self.has_class("-w200") else max(6, rows.count + 2)

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    def _paint_axis(self, _width: int, _height: int, palette: Any) -> Any:
        rows = self.query_one("#waterfall", RowList)
        width = rows.scrollable_content_region.width - 1
        if not isinstance(rows.source, Waterfall) or width < 30:
            return [[]]
        return [[("  ", Style.null()), *rows.source.axis(width, palette)]]

    # Reading

    def on_row_list_highlighted(self, event: RowList.Highlighted) -> None:
        """The detail follows the selected span."""
        event.stop()
        if event.rows.id == "waterfall" and self.shape is not None and isinstance(event.row, WaterfallRow):
            row = event.row
            self.shared.cursor = row.start / 1e6
            detail = self.query_one("#span", RowList)
            detail.show(Details(detail_of(row.span, row, self.shape, self.zone)))
            detail.scroll_to(y=0, animate=False)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Enter opens a trace, or folds and unfolds a span."""
        event.stop()
        if event.rows.id == "found":
            self.open_trace(event.row.trace_id)
        elif event.rows.id == "waterfall":
            self._fold(event.row)

    def _fold(self, row: WaterfallRow) -> None:
        name = row.span.span_id
        if row.repeats > 1 and self.shape is not None:
            self._unfolded |= set(row.members)
        elif name in self._folded:
            self._folded -= {name}
        elif row.has_children:
            self._folded |= {name}
        else:
            self.set_focus(self.query_one("#span", RowList))
            return
        self._draw()

    def step_back(self) -> bool:
        if self.focused is self.query_one("#span", RowList):
            self._refocus()
            return True
        if self.shape is None or self.opened is not None:
            return False
        self.shape, self.trace_id = None, ""
        self._show_mode()
        self._refocus()
        if not self.found:
            self.ask_now()
        self.redraw_head()
        return True

    def selected(self) -> Any:
        rows = self.focus_target()
        row = rows.selected_row if isinstance(rows, RowList) else None
        return _Copied(self.trace_id or getattr(row, "trace_id", "")) if row is not None else None

    def range_redrawn(self) -> None:
        super().range_redrawn()
        self.query_one("#found", RowList).show(Summaries(self.found, self.zone))

    # The query line

    def set_query(self, text: str) -> None:
        try:
            query = parse(text)
        except ValueError as wrong:
            self.console.tell(str(wrong), "warning")
            self.open_prompt("query", self.QUERY_HINT, text)
            return
        self.shape = self.opened = None
        self.trace_id = query.trace_id
        self._show_mode()
        if query.trace_id:
            self.shared.asked(self.PANE, text)
            self.open_trace(query.trace_id)
            return
        self.search = query
        super().set_query(query.text())

    def complete_query(self, word: Word) -> Sequence[Completion]:
        text = word.text
        if word.start == 0:
            return [Completion(name, name, "service") for name in self._services if text.casefold() in name.casefold()]
        service = word.line.split(" ", 1)[0]
        if text.startswith("operation="):
            return self._complete_operation(service, text.removeprefix("operation="))
        return [Completion(one) for one in WORDS if one.startswith(text)]

    def _complete_operation(self, service: str, start: str) -> Sequence[Completion]:
        if service not in self._operations:
            self._operations[service] = ()

            def came(future: Future[Any]) -> None:
                if future.exception() is None:
                    said = [shapes.read(Operation, one) for one in future.result()["operations"]]
                    self._operations[service] = tuple(dict.fromkeys(one.name for one in said))

            self.ask_aside("traces.operations", came, service=service)
        wanted = start.strip("'\"").casefold()
        return [
            Completion(f"operation='{name}'" if " " in name else f"operation={name}", name, "operation")
            for name in self._operations[service]
            if wanted in name.casefold()
        ]

    # Keys

    def do_errors_only(self) -> None:
        """Only traces with an error, or all again."""
        self.search = replace(self.search, errors_only=not self.search.errors_only)
        self.query_text = self.search.text()
        if self.shape is None:
            self.ask_now()

    def do_next_error(self) -> None:
        """The next failed span."""
        self._to_error(1)

    def do_previous_error(self) -> None:
        """The failed span before."""
        self._to_error(-1)

    def _to_error(self, way: int) -> None:
        rows = self.query_one("#waterfall", RowList)
        if self.shape is None or not isinstance(rows.source, Waterfall):
            return
        lines = rows.source.rows
        at = next((n for n, row in enumerate(lines) if row.span.span_id == rows.selected_key), -1)
        order = range(at + 1, len(lines)) if way > 0 else range(at - 1, -1, -1)
        found = next((n for n in order if lines[n].errors), None)
        if found is None:
            self.console.tell("no further error this way")
        else:
            rows.select(lines[found].span.span_id)

    def _span(self) -> WaterfallRow | None:
        row = self.query_one("#waterfall", RowList).selected_row
        return row if self.shape is not None and isinstance(row, WaterfallRow) else None

    def do_open_logs(self) -> None:
        """The logs of this trace, a little wider than the trace itself."""
        chosen = self.query_one("#found", RowList).selected_row
        trace_id = self.trace_id or getattr(chosen, "trace_id", "")
        if not trace_id:
            self.console.tell("select a trace first", "warning")
            return
        if self.shape is not None:
            first, length = self.shape.trace.start, self.shape.trace.duration
            services = sorted({span.service for span in self.shape.trace.spans})
        elif chosen is None:
            return
        else:
            first, length, services = chosen.start, chosen.duration, sorted(name for name, _ in chosen.services)
        names = "|".join(_escaped(name) for name in services) or ".+"
        query = f'{{service_name=~"{names}"}} |= "{trace_id}"'
        shown = {"query": query, "start": first / 1e6 - 60, "end": (first + length) / 1e6 + 60, "live": False}
        self.console.open_pane(self.incident, "logs", {"pane": "logs", **shown})

    def do_open_service_metrics(self) -> None:
        """Rate, errors and latency of this span's service, as the spans tell them."""
        row = self._span()
        service = row.span.service if row is not None else self.search.service
        if not service:
            self.console.tell("select a span first", "warning")
            return
        name = service.replace("\\", "\\\\").replace('"', '\\"')
        start, end = self.bounds()
        queries = [f'sum by (span_name) (rate(traces_span_metrics_calls_total{{service_name="{name}"}}[5m]))']
        shown = {"pane": "metrics", "queries": queries, "start": start, "end": end, "live": self.range.live}
        self.console.open_pane(self.incident, "metrics", shown)

    # For others

    def shown(self) -> dict[str, Any]:
        if self.trace_id:
            row = self._span()
            return {"pane": "traces", "id": self.trace_id, "span": "" if row is None else row.span.span_id}
        return {"pane": "traces", "query": self.search.text(), **self.range_shown()}

    def show(self, shown: Mapping[str, Any]) -> None:
        if "data" in shown:
            self._show_trace(shapes.read(Trace, orjson.loads(shown["data"])))
            return
        trace_id = str(shown.get("id", ""))
        if trace_id:
            if trace_id != self.trace_id or self.shape is None:
                self.shape = None
                self.open_trace(trace_id)
            return
        self.take_range(shown)
        self.shape, self.trace_id = None, ""
        self.search = parse(str(shown.get("query", "")))
        self.query_text = self.search.text()
        self._show_mode()
        self.ask_now()

    def evidence(self) -> dict[str, Any] | None:
        if self.shape is None:
            return None
        trace = self.shape.trace
        root = self.shape.roots[0] if self.shape.roots else None
        name = f"{root.service}: {root.operation}" if root is not None else "trace"
        return {
            "kind": "trace",
            "title": f"{name}, {micros_text(trace.duration)}"[:190],
            "source": "jaeger",
            "query": trace.trace_id,
            "data": fitted("trace", shapes.plain(trace)),
        }


class _Copied:
    def __init__(self, words: str) -> None:
        self.words = words


def _escaped(name: str) -> str:
    """A service name for a regular expression inside a LogQL string."""
    return re.escape(name).replace("\\", "\\\\").replace('"', '\\"').replace("\\\\-", "-")
