"""Modals to read or choose from: the brief, help, what is unsent or refused, and the playbooks that match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from warroom.review.brief import Section
from warroom.tui.palette import Palette, palette_of

BOX = """
    {name} {{ align: center middle; background: $background 60%; }}
    {name} > Vertical {{
        width: 92; max-width: 98%; height: auto; max-height: 94%;
        border: round $border; border-title-style: bold; border-subtitle-color: $text-muted;
        background: $surface; padding: 0 1;
    }}
    {name} VerticalScroll {{ height: auto; max-height: 100%; }}
    {name} OptionList, {name} OptionList:focus {{
        height: auto; max-height: 20; border: none; background: $surface; padding: 0;
    }}
"""


class ReadingScreen(ModalScreen[None]):
    """Sections of plain text; the arrows scroll, Esc closes."""

    DEFAULT_CSS = BOX.format(name="ReadingScreen")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,b,question_mark", "dismiss", "Close"),
        Binding("j,down", "scroll(1)", "Down", show=False),
        Binding("k,up", "scroll(-1)", "Up", show=False),
        Binding("pagedown,space", "scroll(10)", "Page down", show=False),
        Binding("pageup", "scroll(-10)", "Page up", show=False),
    ]

    def __init__(self, title: str, sections: Sequence[Section]) -> None:
        super().__init__()
        self.heading, self.sections = title, sections

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title, box.border_subtitle = self.heading, "esc closes"
            with VerticalScroll():
                yield Static(id="text")

    def on_mount(self) -> None:
        self.query_one("#text", Static).update(_set(self.sections, palette_of(self)))
        self.query_one(VerticalScroll).focus()

    def action_scroll(self, lines: int) -> None:
        """Scroll by so many lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def _set(sections: Sequence[Section], palette: Palette) -> Text:
    """The sections as text: headings in the accent colour, foreign words never as markup."""
    text = Text()
    for number, section in enumerate(sections):
        text.append("\n" if number else "")
        text.append(section.title + "\n", f"bold {palette.accent}")
        for line in section.lines:
            key, tab, words = line.partition("\t")
            if tab:
                text.append(f"  {key:<14}", f"bold {palette.hue('amber')}")
                text.append(f"{words}\n", palette.text)
            else:
                text.append(f"  {line}\n", palette.text)
    return text


class PlaybookScreen(ModalScreen[dict[str, Any] | None]):
    """The playbooks the server suggests, best first, each with why; dismisses with the pinned playbook."""

    DEFAULT_CSS = BOX.format(name="PlaybookScreen")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Cancel")]

    def __init__(self, offered: Sequence[Mapping[str, Any]]) -> None:
        super().__init__()
        self.offered = offered

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title, box.border_subtitle = "Attach a playbook", "enter attaches"
            options = []
            for number, one in enumerate(self.offered):
                text = Text(f"{one['title']}  v{one['version']}, {len(one['steps'])} steps", style="bold")
                reasons = ", ".join(one.get("reasons", ())) or "does not match by service, alert or words"
                text.append(f"\n  {reasons}", style="not bold dim")
                options.append(Option(text, id=f"playbook-{number}"))
            yield OptionList(*options)

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter attaches."""
        event.stop()
        chosen = self.offered[event.option_index]
        self.dismiss({name: chosen[name] for name in ("id", "title", "version", "digest", "steps") if name in chosen})
