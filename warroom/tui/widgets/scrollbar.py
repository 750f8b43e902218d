"""A scrollbar half a cell wide, so that a list looks like text and not like a bar.

Invariant: it answers the mouse as Textual's own does: the thumb can be dragged, above and below it pages.
"""

from __future__ import annotations

from math import ceil

from rich.color import Color
from rich.segment import Segment, Segments
from rich.style import Style
from textual.scrollbar import ScrollBarRender

from warroom.tui.glyphs import glyphs

_BACK = Color.default()


class ThinScrollBar(ScrollBarRender):
    """Draws a vertical scrollbar; a horizontal one stays Textual's."""

    @classmethod
    def render_bar(
        cls,
        size: int = 25,
        virtual_size: float = 50,
        window_size: float = 20,
        position: float = 0,
        thickness: int = 1,
        vertical: bool = True,
        back_color: Color = _BACK,
        bar_color: Color = _BACK,
    ) -> Segments:
        if not vertical:
            return super().render_bar(
                size, virtual_size, window_size, position, thickness, vertical, back_color, bar_color
            )
        blank = Segment(" " * thickness, Style(bgcolor=back_color))
        if not (window_size and size and virtual_size > window_size):
            return Segments([blank] * int(size), new_lines=True)
        thumb = max(1, ceil(size * window_size / virtual_size))
        share = min(1.0, max(0.0, position / (virtual_size - window_size)))
        start = round((size - thumb) * share)
        sign = glyphs().thumb
        bar = Segment(sign * thickness, Style(color=bar_color, bgcolor=back_color, meta={"@mouse.down": "grab"}))
        above = Segment(" " * thickness, Style(bgcolor=back_color, meta={"@mouse.down": "scroll_up"}))
        below = Segment(" " * thickness, Style(bgcolor=back_color, meta={"@mouse.down": "scroll_down"}))
        rest = max(0, int(size) - start - thumb)
        return Segments([above] * start + [bar] * thumb + [below] * rest, new_lines=True)
