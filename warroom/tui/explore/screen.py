"""What every telemetry pane is made of: a head, a line for the query, a body, and the keys that all of them share.

Invariant: a pane draws what came over the wire, and says in words what did not come, since when and why; the range,
the cursor and the history of queries outlive it, so that going away and coming back loses nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.timer import Timer
from textual.widget import Widget

from warroom.client.view import RoomView, View
from warroom.tui.access import barred
from warroom.tui.actions import Action
from warroom.tui.bindings import bindings_of, hints
from warroom.tui.exercise.banner import ExerciseBanner
from warroom.tui.explore.head import Head
from warroom.tui.explore.keys import ExploreKeys
from warroom.tui.explore.pinned import with_evidence
from warroom.tui.explore.range import TimeRange, parse_range
from warroom.tui.explore.shared import Shared
from warroom.tui.screens.status_line import footer_state, notices_of
from warroom.tui.widgets.prompt import Completion, Prompt, Word
from warroom.tui.widgets.strips import HintBar, LineBar, NoticeStrip

if TYPE_CHECKING:
    from warroom.tui.app import WarroomApp


def explore_bindings(scope: str) -> list[BindingType]:
    """The keys of one pane: its own first, then those of all panes, then those that go to another."""
    return [*bindings_of(scope), *bindings_of("explore"), *bindings_of("panes")]


class ExploreScreen(ExploreKeys):
    """The base of all telemetry panes. A subclass names itself (`PANE`, `TITLE_TEXT`, `SCOPE`), composes its body,
    asks in `ask_now`, and says what it shows (`shown`) so that others can be shown the same (`show`).
    """

    PANE: ClassVar[str] = ""
    TITLE_TEXT: ClassVar[str] = ""
    SCOPE: ClassVar[str] = ""
    COMMON: ClassVar[str] = "explore"
    """The scope of the keys that it shares with others."""
    QUERY_HINT: ClassVar[str] = ""
    """What the empty query line says; empty for a pane without one."""
    REFRESH: ClassVar[float] = 15.0
    """Seconds between two questions while the range is live; 0 for a pane that follows by itself."""
    HORIZONTAL_BREAKPOINTS = [(0, "-w80"), (104, "-w120"), (168, "-w200")]  # noqa: RUF012 - Textual declares it so

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.incident = incident
        self.query_text = ""
        self.busy = False
        self.words = ""
        """What went wrong, in a sentence; empty while all is well."""
        self.opened: Mapping[str, Any] | None = None
        self._opening = shown
        self._asked = 0
        self._asked_at = 0.0
        self._prompt_for = "query"
        self._ticker: Timer | None = None

    # For subclasses

    @abstractmethod
    def compose_body(self) -> ComposeResult:
        """The widgets between the head and the footer."""

    @abstractmethod
    def ask_now(self) -> None:
        """Ask for what is to be shown: query or range changed, a refresh is due, or the reader wants it anew."""

    @abstractmethod
    def shown(self) -> dict[str, Any]:
        """What is shown, as plain values that `show` of another console turns into the same; at most 8 KiB."""

    @abstractmethod
    def show(self, shown: Mapping[str, Any]) -> None:
        """Show what another console's `shown` said, or pinned evidence (then `evidence` is its number)."""

    def evidence(self) -> dict[str, Any] | None:
        """What is shown as the evidence of a `pin-evidence` command, with its data; None with nothing to pin."""
        return None

    def selected(self) -> Any:
        """The selected thing, for copying: has `words`, `title` or `name`."""
        return None

    def step_back(self) -> bool:
        """Close a detail of this pane, if one is open. Returns whether there was one."""
        return False

    def complete_query(self, _word: Word) -> Sequence[Completion]:
        """Offers for the query line; must answer at once from what is known."""
        return ()

    def range_changed(self) -> None:
        """Another time range; asks anew unless a subclass knows better."""
        self.ask_now()

    def focus_target(self) -> Widget | None:
        """What has the focus when the reader is not typing."""
        return None

    def head_note(self) -> str:
        """A few words for the head, such as how many rows there are."""
        return ""

    def head_query(self) -> str:
        """What the second row of the head says: the query, unless a subclass knows better."""
        return self.query_text

    def ticked(self) -> None:
        """Once a second, while in sight."""

    def view_changed(self, view: View) -> None:
        """A new view has come; cheap when nothing of it concerns this pane."""

    # Made of

    def compose(self) -> ComposeResult:
        yield ExerciseBanner(self.incident)
        yield LineBar(id="explore-head")
        yield NoticeStrip(id="notices")
        with Vertical(id="explore-body"):
            yield from self.compose_body()
        with Vertical(id="prompt-row"):
            yield Prompt(self.QUERY_HINT, id="prompt")
        yield HintBar(id="footer")

    def on_mount(self) -> None:
        prompt = self.query_one("#prompt", Prompt)
        prompt.complete = self._complete
        prompt.input.cursor_blink = not self.console.calm
        self.set_class(not self.QUERY_HINT, "-without-query")
        self._ticker = self.set_interval(1.0, self.tick)
        self.query_one("#explore-head", LineBar).paint_with(self._paint_head)
        self.console.present(self.incident, self.PANE)
        self._refocus()
        opening = self._opening if self._opening is not None else self.shared.last.get(self.PANE)
        if opening is not None:
            self.take(opening)
        else:
            self.ask_now()
        self.call_after_refresh(lambda: self.refresh_view(self.console.view))

    def keep(self) -> None:
        """Remember what is shown, to come back to; called before the pane is left."""
        if self.opened is None:  # evidence is on the log, and opened from there
            self.shared.last[self.PANE] = self.shown()

    @property
    def console(self) -> WarroomApp:
        """The app, by its own type."""
        from warroom.tui.app import WarroomApp

        assert isinstance(self.app, WarroomApp)  # noqa: S101 - tells the type checker; the pane has no other app
        return self.app

    @property
    def shared(self) -> Shared:
        """What the panes of this incident share."""
        return self.console.shared_of(self.incident)

    @property
    def room(self) -> RoomView | None:
        """The incident, as far as it is known."""
        return self.console.view.rooms.get(self.incident)

    @property
    def zone(self) -> tzinfo:
        """The zone that times are told in here."""
        return UTC if self.shared.utc else self.console.zone

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.console.now().timestamp()

    @property
    def range(self) -> TimeRange:
        """The time range shown."""
        return self.shared.range_of(self.PANE)

    def set_range(self, new: TimeRange) -> None:
        """Another time range, here and wherever it is linked to."""
        if new != self.range:
            self.shared.set_range(self.PANE, new)
            self.range_changed()
            self.redraw_head()

    def bounds(self) -> tuple[float, float]:
        """Start and end of the range, seconds since the epoch."""
        return self.range.bounds(self.now())

    def ask(self, method: str, then: Callable[[Any], None], **params: Any) -> None:
        """Ask the server; `then` gets the result, unless something newer was asked meanwhile. What goes wrong is
        shown in words.
        """
        self._asked += 1
        serial, self._asked_at = self._asked, self.now()

        def answered(future: Future[Any]) -> None:
            if serial != self._asked or not self.is_mounted or not self.children:  # it is being taken down
                return
            self.busy = False
            error = future.exception()
            self.words = "" if error is None else str(error)
            if error is None:
                then(future.result())
            else:
                self.failed(self.words)
            self.redraw_head()

        self.busy = self.ask_aside(method, answered, **params)
        if not self.busy:
            self.words = "not connected yet: this asks again as soon as there is a server"
        self.redraw_head()

    def ask_aside(self, method: str, then: Callable[[Future[Any]], None], **params: Any) -> bool:
        """Ask beside what the pane shows: completion, a detail. `then` gets the future; False while not connected."""
        return self.console.bridge.ask(method, then, incident=self.incident, **params)

    def failed(self, words: str) -> None:
        """A question failed; what was shown stays, and the notice strip tells."""

    def take(self, shown: Mapping[str, Any]) -> None:
        """Show what a spotlight, a link or evidence says; what cannot be shown is told."""
        try:
            whole = with_evidence(shown, None if self.room is None else self.room.state)
            self.opened = whole if whole.get("evidence") else None
            self.show(whole)
        except (KeyError, TypeError, ValueError) as error:
            self.console.tell(f"this cannot be shown: {error}", "warning")

    def range_shown(self) -> dict[str, Any]:
        """The range for `shown`: absolute, so that others ask for exactly the same."""
        start, end = self.bounds()
        return {"start": round(start, 3), "end": round(end, 3), "live": self.range.live}

    def take_range(self, shown: Mapping[str, Any]) -> None:
        """The range of a `shown`, when it has one."""
        if "start" in shown and "end" in shown:
            start, end = float(shown["start"]), float(shown["end"])
            live = bool(shown.get("live"))
            # Whole milliseconds: everybody who is shown this asks for exactly the same.
            self.shared.set_range(self.PANE, TimeRange(max(1.0, round(end - start, 3)), None if live else end))

    # What comes in

    def refresh_view(self, view: View) -> None:
        """Take over a new view of everything."""
        if not self.is_mounted or not self.children:  # it is being taken down
            return
        self.view_changed(view)
        self._show_link(view)
        self.query_one(ExerciseBanner).look()
        if view.link.is_live and self.words.startswith("not connected yet"):
            self.ask_now()

    def tick(self) -> None:
        """Once a second: the clock, and a question when one is due."""
        if not self.console.is_in_sight(self):
            return
        due = self.REFRESH and self.now() - self._asked_at >= self.REFRESH
        if due and self.range.live and not self.busy and not self.console.typing_in(self):
            self.ask_now()
        self.ticked()
        self.redraw_head()
        self._show_link(self.console.view)

    def redraw_head(self) -> None:
        """Tell the head that something of it changed."""
        if self.is_mounted and self.children:
            self.query_one("#explore-head", LineBar).redraw()

    def _paint_head(self, width: int, _height: int, palette: Any) -> Any:
        room = self.room
        head = Head(
            title=self.TITLE_TEXT,
            incident=self.incident,
            severity="" if room is None else str(room.state.severity or ""),
            query=self.head_query(),
            range_label=self.range.label(self.now(), self.zone),
            live=self.range.live,
            linked=self.shared.is_linked(self.PANE),
            zone=self.console.now().astimezone(self.zone).tzname() or "",
            busy=self.busy,
            note=self.head_note(),
        )
        return head.paint(width, palette)

    def _show_link(self, view: View) -> None:
        from warroom.tui.widgets.strips import Notice

        console = self.console
        notices = notices_of(view, self.room, console.wall())
        if self.words:
            notices.append(Notice(self.words, "bad"))
        self.query_one("#notices", NoticeStrip).show(notices)
        shown = hints(
            (self.SCOPE, self.COMMON, "app"), console.keymap, lambda one: self._is_hinted(one, view.link.access)
        )
        right = footer_state(view, self.room, console.beat(), console.zone)
        self.query_one("#footer", HintBar).show(shown, right=right)

    def _is_hinted(self, action: Action, access: str) -> bool:
        """Whether the footer tells of an action: what can be done here, by this person."""
        return not barred(action, access, "") and (bool(self.QUERY_HINT) or action.id != "explore.edit-query")

    def _refocus(self) -> None:
        target = self.focus_target()
        if target is not None:
            self.set_focus(target)

    def on_key(self, _event: Key) -> None:
        self.console.touched()

    # The query line

    def _complete(self, word: Word) -> Sequence[Completion]:
        return self.complete_query(word) if self._prompt_for == "query" else ()

    def open_prompt(self, purpose: str, hint: str, start: str = "") -> None:
        """Open the line at the foot for `purpose`; `prompt_sent` gets what is typed."""
        self._prompt_for = purpose
        self.query_one("#prompt-row").display = True
        prompt = self.query_one("#prompt", Prompt)
        prompt.text = ""
        prompt.recall_from(self.shared.queries.get(self._history_of(purpose), ()))
        prompt.input.placeholder = hint
        prompt.focus_input(start)

    def _history_of(self, purpose: str) -> str:
        """The name that lines typed for a purpose are remembered under."""
        return self.PANE if purpose == "query" else f"{self.PANE}:{purpose}"

    def close_prompt(self) -> None:
        """Put the line away."""
        self.query_one("#prompt-row").display = False
        self._refocus()

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        """A line was sent."""
        event.stop()
        self.close_prompt()
        if self._prompt_for != "query":
            self.shared.asked(self._history_of(self._prompt_for), event.text.strip())
        self.prompt_sent(self._prompt_for, event.text.strip())

    def on_prompt_left(self, event: Prompt.Left) -> None:
        """Esc leaves the line."""
        event.stop()
        self.close_prompt()

    def prompt_sent(self, purpose: str, text: str) -> None:
        """What was typed for `purpose`; a subclass with lines of its own takes those first."""
        if purpose == "range":
            try:
                self.set_range(parse_range(text, self.now(), self.zone))
            except ValueError as wrong:
                self.console.tell(str(wrong), "warning")
        elif purpose == "query":
            self.set_query(text)

    def set_query(self, text: str) -> None:
        """Another query: ask for it and remember it."""
        self.query_text, self.opened = text, None
        if text:
            self.shared.asked(self.PANE, text)
        self.ask_now()
