"""The incident's clock: how long it lasts, in digits three rows high.

Invariant: the widget has no clock of its own; it shows the text it is given.
"""

from __future__ import annotations

from collections.abc import Sequence

from warroom.tui.glyphs import big_digit
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.drawn import Drawn
from warroom.tui.widgets.line import Line, Span


def big_text(text: str, palette: Palette, *, colour: str = "", quiet: int = 0) -> list[list[Span]]:
    """A text of digits, `:` and `-` as three rows, right to be put side by side with others.

    Args:
        text: for example `01:23:47`.
        colour: of the digits; the theme's text colour by default.
        quiet: how many characters at the left are muted, as the hours are while they are zero.
    """
    rows: list[list[Span]] = [[], [], []]
    for at, char in enumerate(text):
        paint = style(palette.muted if at < quiet else colour or palette.text)
        gap = " " if at < len(text) - 1 else ""
        for row, part in zip(rows, big_digit(char), strict=True):
            row.append((part + gap, paint))
    return rows


def big_width(text: str) -> int:
    """How many cells wide a text is in big digits."""
    return sum(len(big_digit(char)[0]) for char in text) + max(0, len(text) - 1)


class BigClock(Drawn):
    """Three rows of big digits, at the right edge; with less height or width, plain digits."""

    DEFAULT_CSS = "BigClock { height: 3; width: 30; }"

    def __init__(self, text: str = "00:00:00", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._text, self._hue = text, ""

    def show(self, text: str, *, hue: str = "") -> None:
        """Show another text, in one of the palette's hues if given."""
        if (text, hue) != (self._text, self._hue):
            self._text, self._hue = text, hue
            self.redraw()

    def rows(self, width: int, palette: Palette) -> Sequence[Line]:
        colour = palette.hue(self._hue) if self._hue else palette.text
        quiet = self._text.rfind(":", 0, 4) + 1
        wide = big_width(self._text)
        if self.size.height < 3 or wide > width:
            pad = " " * max(0, width - len(self._text))
            return [[(pad + self._text, style(colour, bold=True))]]
        pad = " " * (width - wide)
        return [[(pad, style(palette.text)), *row] for row in big_text(self._text, palette, colour=colour, quiet=quiet)]
