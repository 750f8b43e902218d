"""A line to type in: completion of commands, people and words in a list above it, and the history of what was sent.

Invariant: typed text is only ever taken away by the reader's own key; a completion replaces one word, sending
clears the line, and going through the history keeps the unsent line to come back to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Blur, Click, Key
from textual.message import Message
from textual.widgets import Input

from warroom.tui.palette import Palette, style
from warroom.tui.widgets.drawn import Drawn
from warroom.tui.widgets.line import Line, Span, justify
from warroom.tui.widgets.line_input import LineInput

_SHOWN = 8
_HISTORY = 200
_GOES_ON = ("=", "~", '"', "(", "{")
"""What an offer may end in that the next word belongs to directly."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One offer: what to put in place of the word, how to show it, and a word on what it is."""

    text: str
    label: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """The word that is being completed: where it starts and ends in the line, and the line itself."""

    line: str
    start: int
    end: int

    @property
    def text(self) -> str:
        """The word up to the cursor."""
        return self.line[self.start : self.end]


Provider = Callable[[Word], Sequence[Completion]]
"""Gives the offers for a word, best first; none closes the list. Must answer at once."""


def word_at(line: str, cursor: int) -> Word:
    """The word left of the cursor, bounded by blanks."""
    end = max(0, min(cursor, len(line)))
    start = line.rfind(" ", 0, end) + 1
    return Word(line, start, end)


class CompletionList(Drawn):
    """The offers over the line. It draws and remembers the choice; the prompt has the keys."""

    DEFAULT_CSS = """
    CompletionList {
        overlay: screen;
        constrain: inside inside;
        display: none;
        background: $panel;
        width: 48;
        height: auto;
    }
    """

    class Picked(Message):
        """The reader clicked an offer."""

        def __init__(self, index: int) -> None:
            self.index = index
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self.offers: tuple[Completion, ...] = ()
        self.index = 0

    @property
    def first(self) -> int:
        """The first offer in view."""
        return max(0, min(self.index - _SHOWN // 2, len(self.offers) - _SHOWN))

    def rows(self, width: int, palette: Palette) -> Sequence[Line]:
        out: list[Line] = []
        for at in range(self.first, min(len(self.offers), self.first + _SHOWN)):
            offer = self.offers[at]
            chosen = at == self.index
            left: list[Span] = [
                (" ", style(palette.text)),
                (offer.label or offer.text, style(palette.accent if chosen else palette.text, bold=chosen)),
            ]
            right: list[Span] = [(f"{offer.help} ", style(palette.soft if chosen else palette.muted))]
            line = justify(left, right, width)
            if chosen:
                line = [(text, paint + palette.selected(palette.panel)) for text, paint in line]
            out.append(line)
        return out

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(self.Picked(self.first + event.y))


class Prompt(Vertical):
    """One line of input with completion and history.

    Args:
        placeholder: shown while the line is empty.
        complete: gives offers for the word at the cursor; None offers nothing.

    Keys: Tab completes the chosen offer, Up and Down choose while the list is open and go through the history
    when it is not, Esc closes the list, Enter sends.
    """

    DEFAULT_CSS = """
    Prompt { height: 1; background: $panel; padding: 0 1; }
    Prompt > Input { height: 1; border: none; background: $panel; padding: 0; }
    Prompt > Input:focus { border: none; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="prompt.close", show=False),
    ]

    class Submitted(Message):
        """The reader sent this line. It is in the history and gone from the prompt."""

        def __init__(self, prompt: Prompt, text: str) -> None:
            self.prompt, self.text = prompt, text
            super().__init__()

        @property
        def control(self) -> Prompt:
            return self.prompt

    class Left(Message):
        """The reader left the line with Esc; what stands in it stays."""

        def __init__(self, prompt: Prompt) -> None:
            self.prompt = prompt
            super().__init__()

        @property
        def control(self) -> Prompt:
            return self.prompt

    class Typing(Message):
        """The line changed under the reader's hands; `text` is what stands there now."""

        def __init__(self, prompt: Prompt, text: str) -> None:
            self.prompt, self.text = prompt, text
            super().__init__()

        @property
        def control(self) -> Prompt:
            return self.prompt

    def __init__(
        self,
        placeholder: str = "",
        *,
        complete: Provider | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.complete = complete
        self.history: list[str] = []
        self._back = 0
        self._unsent = ""
        self._dismissed: str | None = None
        self.input = LineInput(placeholder=placeholder, compact=True, select_on_focus=False)
        self.offers = CompletionList()

    def compose(self) -> ComposeResult:
        yield self.input
        yield self.offers

    @property
    def text(self) -> str:
        """The line as it stands."""
        return self.input.value

    @text.setter
    def text(self, line: str) -> None:
        self.input.value = line
        self.input.cursor_position = len(line)

    @property
    def is_open(self) -> bool:
        """Whether offers are shown."""
        return bool(self.offers.display)

    def focus_input(self, start: str | None = None) -> None:
        """Put the cursor here, with `start` (for example `/note `) typed if the line is empty."""
        if start is not None and not self.text:
            self.text = start
        # At once: the next key may be on its way already.
        self.screen.set_focus(self.input)

    def recall_from(self, lines: Sequence[str]) -> None:
        """Let the arrows go through these lines from now on, newest last."""
        self.history, self._back, self._unsent = list(lines), 0, ""

    def offer_again(self) -> None:
        """Ask for offers once more: what can be offered has changed."""
        self._offer()

    def action_close(self) -> None:
        """Close the list; with no list open, leave the line (it stays as it is)."""
        if self.is_open:
            self._dismissed = self.text
            self._open(())
        else:
            self.screen.set_focus(None)
            self.post_message(self.Left(self))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._offer()
        self.post_message(self.Typing(self, self.text))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        line = self.text
        if not line.strip():
            return
        if not self.history or self.history[-1] != line:
            self.history = [*self.history, line][-_HISTORY:]
        self._back, self._unsent = 0, ""
        self.text = ""
        self._open(())
        self.post_message(self.Submitted(self, line))

    def on_key(self, event: Key) -> None:
        """Tab, Up and Down; everything else is the input's."""
        if event.key == "tab" and self.is_open:
            self._take(self.offers.index)
        elif event.key in {"up", "down"}:
            step = -1 if event.key == "up" else 1
            if self.is_open:
                self.offers.index = (self.offers.index + step) % len(self.offers.offers)
                self.offers.redraw()
            else:
                self._recall(-step)
        else:
            return
        event.stop()
        event.prevent_default()

    def on_completion_list_picked(self, event: CompletionList.Picked) -> None:
        event.stop()
        self._take(event.index)
        self.input.focus()

    def on_descendant_blur(self, _event: Blur) -> None:
        self._open(())

    def _offer(self) -> None:
        """Ask for offers for the word at the cursor; not again for a line whose list was closed."""
        if self.complete is None or not self.input.has_focus or self.text == self._dismissed:
            self._open(())
            return
        self._dismissed = None
        word = word_at(self.text, self.input.cursor_position)
        offers = tuple(self.complete(word)) if self.text else ()
        if len(offers) == 1 and offers[0].text == word.text:
            offers = ()
        self._open(offers)

    def _open(self, offers: tuple[Completion, ...]) -> None:
        popup = self.offers
        if offers == popup.offers:
            return
        popup.offers, popup.index = offers, 0
        popup.display = bool(offers)
        if not offers:
            return
        shown = min(len(offers), _SHOWN)
        wide = max(cell_len(offer.label or offer.text) + cell_len(offer.help) for offer in offers) + 5
        popup.styles.height = shown
        popup.styles.width = max(24, min(wide, max(24, self.app.size.width - 4)))
        word = word_at(self.text, self.input.cursor_position)
        popup.styles.offset = (cell_len(self.text[: word.start]), -shown - 1)
        popup.redraw()

    def _take(self, index: int) -> None:
        """Put an offer in place of the word at the cursor."""
        if not 0 <= index < len(self.offers.offers):
            return
        offer, line = self.offers.offers[index], self.text
        word = word_at(line, self.input.cursor_position)
        rest = line[word.end :]
        gap = "" if rest.startswith(" ") or offer.text[-1:] in _GOES_ON else " "
        done = f"{line[: word.start]}{offer.text}{gap}"
        self.input.value = done + rest
        self.input.cursor_position = len(done)

    def _recall(self, step: int) -> None:
        """Show an older (1) or newer (-1) line of the history; before the first step the unsent line is kept."""
        back = self._back + step
        if not 0 <= back <= len(self.history):
            return
        if self._back == 0:
            self._unsent = self.text
        self._back = back
        line = self._unsent if back == 0 else self.history[-back]
        self._dismissed = line
        self.text = line
