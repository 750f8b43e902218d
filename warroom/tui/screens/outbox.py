"""What waits for the server and what it refused; a refused one can be taken back to where it was typed."""

from __future__ import annotations

from datetime import tzinfo
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from warroom.client.view import RefusedCommand, View
from warroom.tui.palette import palette_of
from warroom.tui.panes.pending import told
from warroom.tui.screens.reading import BOX


class OutboxScreen(ModalScreen[RefusedCommand | None]):
    """Dismisses with the refused command to take back, or None."""

    DEFAULT_CSS = BOX.format(name="OutboxScreen")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,f2", "dismiss", "Close")]

    def __init__(self, view: View, zone: tzinfo) -> None:
        super().__init__()
        self.view, self.zone = view, zone

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Unsent and refused"
            box.border_subtitle = "enter takes the words back, esc closes" if self.view.refused else "esc closes"
            yield OptionList(*self._options())

    def _options(self) -> list[Option]:
        palette = palette_of(self)
        heading, soft, bad = f"bold {palette.accent}", palette.soft, f"bold {palette.bad}"
        found = [Option(Text("Waiting for the server", heading), disabled=True)]
        for one in self.view.unsent:
            line = f"  {one.made_at.astimezone(self.zone):%H:%M:%S} {one.incident or 'new'} {told(one.command)}"
            found.append(Option(Text(line, soft), disabled=True))
        if not self.view.unsent:
            found.append(Option(Text("  nothing: everything you did is on the log", soft), disabled=True))
        found.append(Option(Text("Refused", heading), disabled=True))
        for refused in self.view.refused:
            when = f"{refused.refused_at.astimezone(self.zone):%H:%M:%S}"
            text = Text(f"  {when} {refused.incident or 'new'} {told(refused.command)}", palette.text)
            text.append(f"\n           {refused.words}", bad)
            found.append(Option(text, id=f"refused-{refused.serial}"))
        if not self.view.refused:
            found.append(Option(Text("  nothing", soft), disabled=True))
        return found

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click takes it back."""
        event.stop()
        chosen = (event.option_id or "").removeprefix("refused-")
        self.dismiss(next((one for one in self.view.refused if str(one.serial) == chosen), None))
