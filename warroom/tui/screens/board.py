"""The board: one incident on one screen, at any size.

Invariant: only composes and routes. Each pane is told its slice when the slice is another object than before,
and what has changed decides what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from rich.style import Style
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Grid, Horizontal, Vertical
from textual.events import DescendantFocus, Key, Resize
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from warroom.client.view import LobbyLine, Person, RoomView, View
from warroom.incident.state import IncidentState
from warroom.tui.access import barred
from warroom.tui.actions import BY_ID, PANES
from warroom.tui.bindings import bindings_of, hints, jump_bindings
from warroom.tui.exercise.banner import ExerciseBanner
from warroom.tui.forms import Context
from warroom.tui.panes.chat import ChatSource
from warroom.tui.panes.header import Header
from warroom.tui.panes.lists import Alerts, Causes, Roles, Steps, Tasks, alerts_in_words
from warroom.tui.panes.pending import pending_entries
from warroom.tui.panes.timeline import TimelineSource, keeper
from warroom.tui.screens.arrivals import Arrivals
from warroom.tui.screens.board_metrics import MetricsPane
from warroom.tui.screens.board_panes import ChatPane, PlaybookPane, TimelinePane, scoped_list
from warroom.tui.screens.room_actions import RoomActions
from warroom.tui.screens.status_line import footer_state, notices_of, waiting_of
from warroom.tui.widgets.clock import BigClock
from warroom.tui.widgets.prompt import Prompt
from warroom.tui.widgets.rows import RowList
from warroom.tui.widgets.strips import HintBar, LineBar, NoticeStrip, TabStrip

if TYPE_CHECKING:
    from warroom.tui.app import WarroomApp

_EXERCISE = BY_ID["exercise.open-exercise"].hint
"""In an exercise the footer begins with the way to it; elsewhere it is barred and not told."""
_NARROW = 104
_PLAIN = Style.null()
_TABS = ("Board", "Time", "Steps", "Alerts", "Chat", "Roles", "Tasks", "Causes")
"""The panes' names on a narrow screen, where the first is the board of small panes."""


class BoardScreen(RoomActions):
    """One incident's room. `incident` is its id; everything else comes with each view."""

    AUTO_FOCUS = "#timeline RowList, #timeline"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual declares it on the instance
        (0, "-w80"),
        (_NARROW, "-w120"),
        (168, "-w200"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("room"), *bindings_of("panes"), *jump_bindings()]

    def __init__(self, incident: str) -> None:
        super().__init__()
        self.incident = incident
        self.room: RoomView | None = None
        self.solo = ""
        self._drawn: dict[str, object] = {}
        self._ticker: Timer | None = None
        self._panels_for: tuple[str, ...] | None = None
        self._typing = False
        self._beat: datetime | None = None
        self._people: tuple[Person, ...] = ()
        self.arrivals = Arrivals()

    def compose(self) -> ComposeResult:
        yield ExerciseBanner(self.incident)
        with Horizontal(id="head"):
            yield LineBar(id="header")
            yield BigClock(id="clock")
        yield TabStrip([(str(place), label) for place, label in enumerate(_TABS, start=1)], id="tabs")
        yield NoticeStrip(id="notices")
        with Grid(id="board"):
            yield MetricsPane("Metrics", number="1", id="metrics")
            yield TimelinePane("Timeline", number="2", follow=True, id="timeline", empty="nothing has happened yet")
            yield scoped_list("alerts")("Alerts", number="4", id="alerts", empty="no alert is attached")
            yield PlaybookPane("Playbook", number="3", id="playbook")
            yield ChatPane("Chat", number="5", id="chat")
            yield scoped_list("tasks")("Tasks", number="7", id="tasks", empty="no task yet: t adds one")
            yield scoped_list("roles")("Roles", number="6", id="roles", empty="nobody is here")
            yield scoped_list("hypotheses")(
                "Causes and decisions", number="8", id="hypotheses", empty="no hypothesis yet: h proposes one"
            )
        with Vertical(id="prompt-row"):
            yield Prompt("type a command, as /note or /severity; Tab completes", id="prompt")
        yield HintBar(id="footer")

    def on_mount(self) -> None:
        if self.query_one_optional("#prompt") is None:
            return  # left again before it was there
        self.query_one("#prompt", Prompt).complete = self.complete_command
        self.query_one("#chat", ChatPane).prompt.complete = self.complete_chat
        self.query_one("#timeline", RowList).set_filter(keeper(""))
        for line in self.query(Input):
            line.cursor_blink = not self.console.calm
        self.console.follow(self.incident)
        self._ticker = self.set_interval(1.0, self.tick)
        self.refresh_view(self.console.view)

        self.put_back(self._chat_draft.get("text", ""))

    @property
    def _chat_draft(self) -> dict[str, str]:
        """What was written in this room's chat line and not sent; it outlives the screen."""
        return self.console.drafts.setdefault(f"{self.incident}:room.chat", {})

    def on_unmount(self) -> None:
        self.console.remember(self.incident, 0 if self.room is None else self.room.state.seq)
        self.console.leave(self.incident)

    @property
    def console(self) -> WarroomApp:
        """The app, by its own type."""
        from warroom.tui.app import WarroomApp

        assert isinstance(self.app, WarroomApp)  # noqa: S101 - tells the type checker; the board has no other app
        return self.app

    @property
    def state(self) -> IncidentState:
        """The newest state; an empty one before the first."""
        return IncidentState(id=self.incident) if self.room is None else self.room.state

    # What comes in

    def refresh_view(self, view: View) -> None:
        """Take over a new view of everything; cheap when nothing of it concerns this board."""
        if not self.is_mounted:
            return
        room = view.rooms.get(self.incident)
        if room is not None and room is not self.room:
            self.room = room
            self._apply(room)
            self._greet(room)
        self._show_panels(view)
        self._show_link(view)
        self.query_one(ExerciseBanner).look()

    def _changed(self, name: str, *parts: object) -> bool:
        """Whether any of these slices is another object than the last time."""
        before = self._drawn.get(name)
        self._drawn[name] = parts
        return not isinstance(before, tuple) or any(new is not old for new, old in zip(parts, before, strict=True))

    def _apply(self, room: RoomView) -> None:
        state, console = room.state, self.console
        now, zone = console.beat(), console.zone
        if not console.calm or now != self._beat:
            self._people = room.people
        self._show_timeline(room)
        if self._changed("chat", state.chat, state.timeline if state.chat else None, room.unsent):
            self.query_one("#chat", ChatPane).show(
                ChatSource(state.timeline, state.chat, room.unsent, console.me, zone), state, console.me
            )
        if self._changed("causes", state.hypotheses, state.decisions):
            causes = _list(self, "#hypotheses")
            causes.show(Causes(state.hypotheses, state.decisions, _previous(causes, Causes)))
        if self._changed("playbook", state.playbooks):
            pane = self.query_one("#playbook", PlaybookPane)
            pane.show(Steps(state.playbooks, zone, _previous(pane.rows, Steps)), state)
        if self._changed("markers", state.statuses, state.changes, state.pins, state.milestones):
            self.query_one("#metrics", MetricsPane).show_markers(state)
        if self._changed("board", state.board):
            self.query_one("#metrics", MetricsPane).show_board(state.board, self.incident)
        if self._changed("people", self._people):
            self._show_lookers(self._people)
            self.query_one("#chat", ChatPane).show_typing(self._people, console.me)
        self._show_aged(room, now)
        self._ask_panels(state)

    def _show_timeline(self, room: RoomView) -> None:
        """The entries, and behind them what is on its way for longer than an answer takes."""
        state, console = room.state, self.console
        waiting = tuple(waiting_of(room.unsent, console.view.link, console.wall())) if room.unsent else ()
        before = self._drawn.get("waiting", ())
        self._drawn["waiting"] = waiting
        if self._changed("timeline", state.timeline) or waiting != before:
            detail = self.size.width >= _NARROW
            source = TimelineSource(state, console.zone, pending=pending_entries(waiting), detail=detail)
            self.query_one("#timeline", RowList).show(source)

    def _show_panels(self, view: View) -> None:
        """The newest samples; over a slow link only with the beat."""
        calm, beat = self.console.calm, self.console.beat()
        if view.panels is not self._drawn.get("panels") and (not calm or beat != self._drawn.get("panels-at")):
            self._drawn["panels"], self._drawn["panels-at"] = view.panels, beat
            self.query_one("#metrics", MetricsPane).show_panels(view.panels)

    def set_calm(self, calm: bool) -> None:
        """Another pace; a cursor that blinks is drawn twice a second."""
        for line in self.query(Input):
            line.cursor_blink = not calm
        self._beat = None
        self.tick()

    def _show_aged(self, room: RoomView, now: Any) -> None:
        """The panes whose rows tell an age or a countdown."""
        state = room.state
        alerts = _list(self, "#alerts")
        alerts.show(Alerts(state.alerts, now, _previous(alerts, Alerts)))
        alerts.set_note([(alerts_in_words(state.alerts), _PLAIN)] if state.alerts else [])
        tasks = _list(self, "#tasks")
        tasks.show(Tasks(state.tasks, now, _previous(tasks, Tasks)))
        roles = _list(self, "#roles")
        roles.show(Roles(state, self._people, now, _previous(roles, Roles)))
        self._show_header(room, now)

    def _show_header(self, room: RoomView, now: Any) -> None:
        header = Header(room.state, self.console.view.link, self._people, now, self.console.zone)
        self.query_one("#header", LineBar).paint_with(header)
        self.query_one("#clock", BigClock).show(header.elapsed)

    def _show_lookers(self, people: tuple[Person, ...]) -> None:
        for name, _ in PANES:
            lookers = [
                one.name
                for one in people
                if one.looking_at == name and one.state == "here" and one.name != self.console.me
            ]
            self.pane(name).set_lookers(lookers)

    def _show_link(self, view: View) -> None:
        console = self.console
        now = console.beat()
        self.query_one("#notices", NoticeStrip).show(notices_of(view, self.room, console.wall()))
        focused = self.focused_pane()
        scopes = (focused, "room", "app") if focused else ("room", "app")
        shown = hints(scopes, console.keymap, lambda one: not barred(one, view.link.access, console.me, self.state))
        shown.sort(key=lambda hint: hint[1] != _EXERCISE)
        self.query_one("#footer", HintBar).show(shown, right=footer_state(view, self.room, now, console.zone))

    def _greet(self, room: RoomView) -> None:
        """Tell what is new to this person, and call them when they are asked for."""
        console = self.console
        for one in self.arrivals.take(room, console.seen_before(self.incident), console.me):
            if one.how == "brief":
                self.do_catch_up()
            elif one.how == "call":
                console.call_person(one.words)
            else:
                console.tell(one.words)

    def _ask_panels(self, state: IncidentState) -> None:
        """Ask which panels there are, and again whenever other services are named."""
        if self._panels_for == state.services or state.seq == 0 or not self.console.view.link.is_live:
            return
        if self.console.bridge.ask("panels.for", self._panels_came, incident=self.incident):
            self._panels_for = state.services

    def _panels_came(self, future: Any) -> None:
        if self.is_mounted:
            self.query_one("#metrics", MetricsPane).offer(future, self.incident)

    def tick(self) -> None:
        """Once a second: clocks, ages, countdowns; nothing that did not change is drawn."""
        beat = self.console.beat()
        if self.room is None or not self.console.is_in_sight(self) or beat == self._beat:
            return
        self._apply(self.room)
        self._beat = beat
        self._show_panels(self.console.view)
        self._show_link(self.console.view)

    # Where the reader is

    def pane(self, name: str) -> Any:
        """A pane by its name."""
        return self.query_one(f"#{name}")

    def focused_pane(self) -> str:
        """The name of the pane that has the focus, or an empty string."""
        names = {name for name, _ in PANES}
        widget: Widget | None = self.focused
        while widget is not None:
            if widget.id in names:
                return str(widget.id)
            widget = widget.parent if isinstance(widget.parent, Widget) else None
        return ""

    def selected(self) -> Any:
        """What is selected in the focused pane."""
        name = self.focused_pane()
        if name == "playbook":
            return self.query_one("#playbook", PlaybookPane).rows.selected_row
        if name == "chat":
            return self.query_one("#chat", ChatPane).rows.selected_row
        pane = self.pane(name) if name else None
        return pane.selected_row if isinstance(pane, RowList) else None

    def context(self) -> Context:
        """What a form may know now."""
        people = () if self.room is None else tuple(dict.fromkeys(one.name for one in self.room.people))
        known = tuple(dict.fromkeys((*people, *self.state.participants)))
        lobby: dict[str, LobbyLine] = dict(self.console.view.lobby or {})
        incidents = tuple((line.incident, line.title) for line in lobby.values())
        console = self.console
        now = console.written_at(self.incident)
        return Context(self.state, console.me, now, console.zone, self.selected(), known, incidents)

    def action_jump(self, name: str) -> None:
        """Go to a pane: focus it, alone on the screen where this size has no other place for it."""
        narrow = self.has_class("-w80")
        if narrow or self.solo:
            self.show_solo("" if narrow and name == PANES[0][0] else name)
        pane = self.pane(name)
        if not pane.display:
            self.show_solo(name)
        target = pane.focus_target() if hasattr(pane, "focus_target") else pane
        self.set_focus(target)
        if self.focused is not target:
            self.call_after_refresh(target.focus)

    def show_solo(self, name: str) -> None:
        """Give one pane all of the board's room, or with an empty name show the board of all panes again."""
        if name != self.solo:
            self.solo = name
            self.query_one("#board", Grid).set_class(bool(name), "-solo")
            for pane, _ in PANES:
                self.pane(pane).set_class(bool(name) and pane != name, "-away")
        self.query_one("#tabs", TabStrip).active = str([pane for pane, _ in PANES].index(name or PANES[0][0]) + 1)

    def on_tab_strip_picked(self, event: TabStrip.Picked) -> None:
        """A click on a tab."""
        self.action_jump(PANES[int(event.key) - 1][0])

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        rows = event.widget
        if isinstance(rows, RowList) and rows.id != "timeline" and rows.count and rows.selected_row is None:
            # Whoever goes to a list of things to act on can act at once.
            rows.select(rows.source.key(rows.source.row(0)), reveal=False)
        self._tell_presence()
        self._show_link(self.console.view)

    def on_resize(self, _event: Resize) -> None:
        self._drawn.pop("timeline", None)
        if self.room is not None:
            self.call_after_refresh(self._apply, self.room)

    def on_screen_resume(self) -> None:
        self._tell_presence()

    def on_key(self, _event: Key) -> None:
        self.console.touched()

    def on_prompt_typing(self, event: Prompt.Typing) -> None:
        """Others see that somebody writes, not what."""
        typing = bool(event.text) and event.prompt.id != "prompt"
        if event.prompt.id != "prompt":
            self._chat_draft["text"] = event.text
        if typing != self._typing:
            self._typing = typing
            self._tell_presence()

    def _tell_presence(self) -> None:
        self.console.present(self.incident, self.focused_pane(), typing=self._typing)

    def submit(self, payload: dict[str, Any], then: Callable[[Any], None] | None = None) -> None:
        """Send a command of this incident; a refusal is shown in words."""
        if self.room is not None and self.room.ended:
            self.console.tell(self.room.ended, "warning")
        else:
            self.console.submit(payload, self.incident, then)

    def put_back(self, text: str) -> None:
        """A message that was refused stands in the line again, unless something else does."""
        prompt = self.query_one("#chat", ChatPane).prompt
        if not prompt.text:
            prompt.text = text


def _list(board: BoardScreen, selector: str) -> RowList:
    return board.query_one(selector, RowList)


def _previous(rows: RowList, kind: type[Any]) -> Any:
    return rows.source if isinstance(rows.source, kind) else None
