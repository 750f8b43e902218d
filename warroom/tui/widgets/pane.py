"""The frame every pane has: border, number and title, dots of who looks there, subtitle, focus by colour.

Invariant: a border text is set only when it changed and is built from parts, so foreign text in a title can
neither be markup nor cost a repaint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus
from textual.geometry import Region
from textual.style import Style as VisualStyle
from textual.widget import Widget

from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, palette_of
from warroom.tui.widgets.line import Line, safe


class Framed(Widget, inherit_css=True):
    """A widget with a pane's frame. What is in it is up to the subclass."""

    DEFAULT_CSS = """
    Framed {
        border: round $border-blurred;
        border-title-color: $foreground 75%;
        border-title-style: bold;
        border-title-background: $background;
        border-subtitle-color: $text-muted;
        border-subtitle-background: $background;
        background: $background;
        color: $foreground;
        width: 1fr;
        height: 1fr;
        text-wrap: nowrap;
    }
    Framed:focus, Framed.-active {
        border: round $border;
        border-title-color: $foreground;
    }
    Framed.-bad { border: round $error 45%; border-title-color: $error; }
    Framed.-bad:focus { border: round $error; }
    Framed.-quiet { border-title-color: $text-muted; }
    Framed.-ascii { border: ascii $border-blurred; }
    Framed.-ascii:focus, Framed.-ascii.-active { border: ascii $border; }
    Framed.-ascii.-bad { border: ascii $error; }
    Framed.-bare, Framed.-bare:focus { border: none; padding: 0; }
    """

    number: str = ""
    title_text: str = ""

    def __init__(
        self,
        title: str = "",
        *,
        number: str = "",
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.number, self.title_text = number, title
        self._lookers: tuple[str, ...] = ()
        self._subtitle: Line = ()
        self._framed: dict[int, object] = {}
        if glyphs().ascii:
            self.add_class("-ascii")

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self.repaint_frame())
        # A widget counts as mounted only once this handler is done.
        self.call_later(self.repaint_frame)

    def set_title(self, title: str, *, number: str | None = None) -> None:
        """Change the title, and the number in front of it if given."""
        self.title_text = title
        if number is not None:
            self.number = number
        self.repaint_frame()

    def set_lookers(self, names: Sequence[str]) -> None:
        """Show who looks at this pane: a dot in each person's colour behind the title, and how many from six."""
        if tuple(names) != self._lookers:
            self._lookers = tuple(names)
            self.repaint_frame()

    def set_subtitle(self, line: Line | str) -> None:
        """Set what stands at the lower right of the frame: plain text, or runs with their own styles."""
        spans: Line = [(line, Style.null())] if isinstance(line, str) else list(line)
        if list(spans) != list(self._subtitle):
            self._subtitle = spans
            self.repaint_frame()

    def title_sign(self, palette: Palette) -> tuple[str, str] | None:
        """A sign and its colour to show before the title instead of the number, or None."""
        return (self.number, palette.accent) if self.number else None

    def repaint_frame(self) -> None:
        """Bring title and subtitle up to date; does nothing where they already are."""
        if not self.is_mounted:
            return
        palette = palette_of(self)
        parts: list[tuple[str, str] | str] = []
        sign = self.title_sign(palette)
        if sign is not None:
            parts += [(f"{sign[0]} ", f"{_css(sign[1])} not bold")]
        parts.append(safe(self.title_text))
        shown = self._lookers[:5]
        if shown:
            parts.append(" ")
            parts += [(glyphs().dot, _css(palette.person(name))) for name in shown]
        if len(self._lookers) > len(shown):
            parts.append((f" +{len(self._lookers) - len(shown)}", _css(palette.muted)))
        self._set_border(0, Content.assemble(*parts))
        below = [(safe(text), VisualStyle.from_rich_style(paint)) for text, paint in self._subtitle]
        self._set_border(1, Content.assemble(*below))

    def _set_border(self, which: int, content: Content) -> None:
        """Replace the title (0) or subtitle (1) and repaint that one row of the frame if it differs.

        Textual's own setters repaint the whole widget, which for a list or a chart is all of its rows.
        """
        key = (content.plain, tuple(content.spans))
        if self._framed.get(which) == key:
            return
        self._framed[which] = key
        if which == 0:
            self._border_title = content if content.plain else None
        else:
            self._border_subtitle = content if content.plain else None
        width, height = self.outer_size
        left, top = self.content_offset
        self.refresh(Region(-left, (height - 1 if which else 0) - top, width, 1))


class Pane(Framed):
    """A framed container: active while the focus is on one of its children."""

    ALLOW_MAXIMIZE: ClassVar[bool | None] = True
    DEFAULT_CSS = "Pane { layout: vertical; }"

    def on_descendant_focus(self, _event: DescendantFocus) -> None:
        self.add_class("-active")

    def on_descendant_blur(self, _event: DescendantBlur) -> None:
        self.remove_class("-active")


def _css(colour: str) -> str:
    """A palette colour as Textual's markup spells it."""
    return colour if colour.startswith("#") else f"ansi_{colour}"
