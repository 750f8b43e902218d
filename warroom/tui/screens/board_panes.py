"""The panes of the board that hold more than a list: metrics, chat, playbook; and the lists with keys of their own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize
from textual.widget import Widget

from warroom.client.view import Person
from warroom.incident.state import IncidentState
from warroom.tui.bindings import bindings_of
from warroom.tui.palette import Palette, palette_of
from warroom.tui.panes.chat import ChatSource, mentions
from warroom.tui.panes.lists import Steps
from warroom.tui.widgets.gauges import progress
from warroom.tui.widgets.line import Line
from warroom.tui.widgets.pane import Pane
from warroom.tui.widgets.prompt import Prompt
from warroom.tui.widgets.rows import RowList
from warroom.tui.widgets.strips import LineBar

if TYPE_CHECKING:
    pass


@cache
def scoped_list(scope: str) -> type[RowList]:
    """A list class with the keys of one scope of the registry."""
    return type(f"{scope.capitalize()}List", (RowList,), {"BINDINGS": bindings_of(scope), "__doc__": f"The {scope}."})


class TimelinePane(RowList):
    """The timeline, with the keys that act on an entry."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("timeline")


class ChatPane(Pane):
    """The messages, who is typing, and the line to write in."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, title: str, *, number: str, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(title, number=number, id=id)
        self.rows = RowList(follow=True, low=True, id="chat-rows", classes="-bare", empty="nothing has been said yet")
        self.typing = LineBar(id="typing")
        self.prompt = Prompt("Message   / command   @ mention", id="chat-prompt")

    def compose(self) -> ComposeResult:
        yield self.rows
        yield self.typing
        yield self.prompt

    def focus_target(self) -> Widget:
        """Where the typing goes."""
        return self.prompt.input

    def show(self, source: ChatSource, state: IncidentState, me: str) -> None:
        """Take over the messages; one that calls for the reader is counted in the frame."""
        self.rows.show(source)
        calls = sum(mentions(entry.words, me) for seq in state.chat[-50:] if (entry := state.entry(seq)) is not None)
        self.rows.set_note([(f"{calls} mention{'s' if calls > 1 else ''}", Style.null())] if calls else [])

    def show_typing(self, people: Sequence[Person], me: str) -> None:
        """Who writes just now."""
        names = [one.name for one in people if one.typing and one.name != me]
        self.typing.display = bool(names)
        palette: Palette = palette_of(self)
        words: Line = [(f"{', '.join(names[:3])} typing", Style(color=palette.muted, italic=True))]
        self.typing.show([(words, ())])


class PlaybookPane(Pane):
    """How far the playbook is, and its steps."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, title: str, *, number: str, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(title, number=number, id=id)
        self.bar = LineBar(id="progress")
        self.rows = scoped_list("playbook")(
            id="playbook-rows", classes="-bare", empty="no playbook is attached: P chooses one that matches"
        )
        self._next: tuple[str, str] | None = None

    def compose(self) -> ComposeResult:
        yield self.bar
        yield self.rows

    def focus_target(self) -> Widget:
        """The steps."""
        return self.rows

    def show(self, source: Steps, state: IncidentState) -> None:
        """Take over the steps and how many are behind; the next one comes into view."""
        self.rows.show(source)
        following = next((row.key for row in source.rows if row.is_next), None)
        if following != self._next:
            self._next = following
            self.call_after_refresh(self._bring_next)
        steps = [step for one in state.playbooks for step in one.steps]
        done = sum(step.status != "open" for step in steps)
        self.bar.display = bool(steps)
        self.bar.paint_with(lambda width, _height, palette: [progress(done, len(steps), width, palette)])
        self.rows.set_note(
            [(f"{state.playbooks[-1].id} v{state.playbooks[-1].version}", Style.null())] if state.playbooks else []
        )

    def on_resize(self, _event: Resize) -> None:
        self.call_after_refresh(self._bring_next)

    def _bring_next(self) -> None:
        if self._next is not None:
            self.rows.bring(self._next)
