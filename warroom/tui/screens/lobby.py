"""The lobby: all incidents, live, the worst on top; from here one joins or declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from warroom.client.view import LobbyLine, View
from warroom.incident.words import Severity
from warroom.tui.access import barred
from warroom.tui.actions import BY_ID
from warroom.tui.bindings import bindings_of, hints
from warroom.tui.forms import Choice, Field, Form, Values
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.panes.lobby import Lobby
from warroom.tui.screens import later
from warroom.tui.screens.status_line import footer_state, notices_of
from warroom.tui.slash import Payload
from warroom.tui.widgets.line import Line, Span, justify
from warroom.tui.widgets.prompt import Prompt
from warroom.tui.widgets.rows import RowList
from warroom.tui.widgets.strips import HintBar, LineBar, NoticeStrip

if TYPE_CHECKING:
    from warroom.tui.app import WarroomApp


class LobbyScreen(Screen[None]):
    """A list of incidents that keeps itself up to date."""

    AUTO_FOCUS = "#incidents"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("lobby")

    def __init__(self) -> None:
        super().__init__()
        self.over = False
        self.filter_text = ""
        self._lobby: object = None

    def compose(self) -> ComposeResult:
        yield LineBar(self._header, id="header")
        yield NoticeStrip(id="notices")
        yield RowList("Incidents", id="incidents", empty="looking for the server")
        yield Prompt("filter: words that must match", id="prompt")
        yield HintBar(id="footer")

    def on_mount(self) -> None:
        self.query_one("#prompt").display = False
        self.set_interval(1.0, self.tick)
        self.refresh_view(self.console.view)

    def on_screen_resume(self) -> None:
        self.refresh_view(self.console.view)

    @property
    def console(self) -> WarroomApp:
        """The app, by its own type."""
        from warroom.tui.app import WarroomApp

        assert isinstance(self.app, WarroomApp)  # noqa: S101 - tells the type checker
        return self.app

    def refresh_view(self, view: View) -> None:
        """Take over a new view."""
        if not self.is_mounted:
            return
        rows = self.query_one("#incidents", RowList)
        lines = () if view.lobby is None else tuple(view.lobby.values())
        words = self.filter_text.casefold().split()
        shown = [one for one in lines if all(word in _hay(one) for word in words)]
        if view.lobby is not None:
            rows.set_empty(
                "no incident: all is calm. D declares one" if not words else "no incident matches the filter"
            )
        previous = rows.source if isinstance(rows.source, Lobby) else None
        rows.show(Lobby(shown, self.console.beat(), over=self.over, previous=previous))
        if rows.selected_row is None and rows.count:
            rows.select(rows.source.key(rows.source.row(0)))
        self._show_link(view)

    def tick(self) -> None:
        """Ages and countdowns."""
        if self.console.is_in_sight(self):
            self.refresh_view(self.console.view)

    def _show_link(self, view: View) -> None:
        console = self.console
        self.query_one("#header", LineBar).redraw()
        self.query_one("#notices", NoticeStrip).show(notices_of(view, None, console.wall()))
        right = footer_state(view, None, console.beat(), console.zone)
        self.query_one("#footer", HintBar).show(hints(("lobby", "app"), console.keymap), right=right)

    def _header(self, width: int, _height: int, palette: Palette) -> list[Line]:
        view = self.console.view
        link, g = view.link, glyphs()
        lines = [] if view.lobby is None else list(view.lobby.values())
        live = [one for one in lines if one.status in ("triage", "investigating", "identified", "monitoring")]
        worst = min((one.severity for one in live), key=lambda one: Severity(one).ordinal, default="")
        left: list[Span] = [(f" {g.diamond} ", style(palette.accent)), ("WARROOM", style(palette.text, bold=True))]
        left.append((f"   {len(live)} live", style(palette.text if live else palette.good)))
        if worst:
            left.append((f"   worst {worst}", style(palette.severity(worst), bold=True)))
        colour = palette.good if link.is_live else palette.warn
        who = f"{link.name or self.console.me} ({link.access})" if link.access else self.console.me
        right: list[Span] = [
            (f"{who}  ", style(palette.soft)),
            (f"{g.dot if link.is_live else g.ring} {'live' if link.is_live else link.status} ", style(colour)),
        ]
        return [justify(left, right, width)]

    # Acting

    def action_do(self, id_: str) -> None:
        """Run an action of the registry, if this person may."""
        reason = barred(BY_ID[id_], self.console.view.link.access, self.console.me)
        if reason:
            self.console.tell(reason, "warning")
            return
        getattr(self, f"do_{id_.split('.', 1)[1].replace('-', '_')}")()

    def do_open(self) -> None:
        """Join the selected incident."""
        row = self.query_one("#incidents", RowList).selected_row
        if row is not None:
            self.console.show_room(row.key)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Enter or a double click on an incident."""
        event.stop()
        self.console.show_room(event.row.key)

    def do_toggle_over(self) -> None:
        """Show or hide what is over."""
        self.over = not self.over
        self.refresh_view(self.console.view)

    def do_filter(self) -> None:
        """Type what must match."""
        prompt = self.query_one("#prompt", Prompt)
        prompt.display = True
        prompt.text = self.filter_text
        prompt.focus_input()

    def on_prompt_typing(self, event: Prompt.Typing) -> None:
        """Filter while typing."""
        self.filter_text = event.text
        self.refresh_view(self.console.view)

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        """Keep the filter and go back to the list."""
        event.stop()
        self.filter_text = event.text
        event.prompt.display = bool(event.text)
        self.query_one("#incidents", RowList).focus()

    def on_prompt_left(self, event: Prompt.Left) -> None:
        """Esc ends the filter."""
        event.stop()
        event.prompt.text = ""
        event.prompt.display = False
        self.query_one("#incidents", RowList).focus()

    def do_declare(self) -> None:
        """Ask for a title; the rest can wait."""
        drafts = self.console.drafts.setdefault("lobby.declare", {})
        self.app.push_screen(later.form_screen()(declare_form(), drafts), self._declare)

    def _declare(self, payload: Payload | None) -> None:
        if payload is not None:
            self.console.submit(payload, "", self._declared)

    def _declared(self, settled: Any) -> None:
        if settled.accepted and settled.incident:
            self.console.show_room(settled.incident)


def _hay(line: LobbyLine) -> str:
    words = (line.incident, line.title, line.severity, line.status, line.commander, *line.services)
    return " ".join(words).casefold()


def declare_form() -> Form:
    """A title is enough; severity and services are offered."""
    choices = tuple(Choice(one.value, one.value, one.meaning) for one in (Severity.UNSET, *tuple(Severity)[:-1]))

    def build(values: Values) -> Payload:
        return {
            "type": "declare-incident",
            "title": values["title"],
            "severity": values["severity"],
            "services": values["services"].replace(",", " ").split(),
        }

    return Form(
        "Declare an incident",
        (
            Field("title", "What is wrong, in a few words"),
            Field("severity", "How bad is it?", choices, Severity.UNSET.value, needed=False),
            Field("services", "Services", hint="optional, separated by blanks", needed=False),
        ),
        build,
        note="A title is enough. Everything else can be changed later, and a false alarm costs nothing.",
    )
