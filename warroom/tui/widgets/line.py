"""Lines of styled text: measuring, cropping, justifying and wrapping what a widget draws itself.

Invariant: whatever text comes in, what goes out fills exactly the width asked for, has a background on every
cell, and carries no control, bidirectional or zero-width formatting character to the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from warroom.tui.glyphs import glyphs

Span: TypeAlias = tuple[str, Style]
"""A run of text in one style."""
Line: TypeAlias = Sequence[Span]
"""One row of a widget, not yet fitted to a width."""


_PLAIN = {"→": ">", "←": "<", "–": "-", "—": "-", "…": "~", "‘": "'", "’": "'", "“": '"', "”": '"', "·": "-", "×": "x"}
"""Signs of running text for a terminal that shows ASCII only."""

_JOINERS = {0x200C: None, 0x200D: None}
"""They are left out: terminals disagree on how wide what they join is, and its parts have one width everywhere."""


def safe(text: str) -> str:
    """Foreign text made harmless: each character that is not printable becomes a blank or the sign for unknown.

    So does, on a terminal that shows ASCII only, each one that it would show as an escape.

    That covers escape sequences, line ends, and the bidirectional overrides that make text read other than it is.
    """
    table = glyphs()
    if table.ascii and not text.isascii():
        text = "".join(_PLAIN.get(char, char if char.isascii() else table.unknown) for char in text)
    if text.isprintable():
        return text
    text, unknown = text.translate(_JOINERS), table.unknown
    return "".join(char if char.isprintable() else " " if char.isspace() else unknown for char in text)


def width_of(line: Line) -> int:
    """Width in cells."""
    return sum([len(text) if text.isascii() else cell_len(text.translate(_JOINERS)) for text, _ in line])


def crop(line: Line, width: int) -> list[Span]:
    """The line cut to at most `width` cells; what is cut ends in an ellipsis in the style of its last run."""
    if width <= 0:
        return []
    if width_of(line) <= width:
        return list(line)
    room, out = width - 1, list[Span]()
    style = line[0][1]
    for text, run_style in line:
        text, style = text.translate(_JOINERS), run_style
        size = cell_len(text)
        if size <= room:
            out.append((text, run_style))
            room -= size
            continue
        if room:
            out.append((set_cell_size(text, room), run_style))
        break
    out.append((glyphs().ellipsis, style))
    return out


def justify(left: Line, right: Line, width: int, gap: int = 1) -> list[Span]:
    """`left` at the left and `right` at the right edge of `width` cells; `left` gives way first.

    When even `right` alone does not fit, it is dropped if `left` has anything to say, else cropped.
    """
    right_width = width_of(right)
    if right_width > width - gap and left:
        right, right_width = (), 0
    elif right_width > width:
        right = crop(right, width)
        right_width = width
    room = width - right_width - (gap if right_width else 0)
    shown = crop(left, room)
    pad = width - width_of(shown) - right_width
    return [*shown, (" " * pad, Style.null()), *right] if pad > 0 else [*shown, *right]


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken at blanks, and inside a word only if it is too long.

    Gives at least one line. Runs of blanks collapse, since a wrapped line is prose.
    """
    if width <= 0:
        return [""]
    lines, current, used = list[str](), "", 0
    for word in text.translate(_JOINERS).split():
        size = cell_len(word)
        if current and used + 1 + size <= width:
            current, used = f"{current} {word}", used + 1 + size
            continue
        if current:
            lines.append(current)
        if size > width:
            *whole, word = chop_cells(word, width)
            lines.extend(whole)
            size = cell_len(word)
        current, used = word, size
    if current or not lines:
        lines.append(current)
    return lines


def strip(line: Line, width: int, base: Style, over: Style | None = None) -> Strip:
    """The line as a Strip of exactly `width` cells.

    Args:
        line: the runs; cropped or padded to the width.
        width: cells.
        base: what lies under each run; must have a background colour.
        over: what lies over each run, for a selected row.
    """
    runs = [(safe(text), run_style) for text, run_style in line if text]
    used = width_of(runs)
    if used > width:
        runs = crop(runs, width)
        used = width_of(runs)
    segments: list[Segment] = []
    for text, run_style in runs:
        style = run_style if run_style.bgcolor is not None else base + run_style
        segments.append(Segment(text, style if over is None else style + over))
    if used < width:
        segments.append(Segment(" " * (width - used), base if over is None else base + over))
    # Cropping inside a cluster of combining characters can be a cell off; Textual's own cropping is then exact.
    return Strip(segments, width) if used <= width else Strip(segments).adjust_cell_length(width, base)


def join(parts: Iterable[Line], between: Span) -> list[Span]:
    """The non-empty parts one after the other with `between` between them."""
    out: list[Span] = []
    for part in parts:
        if not part:
            continue
        if out:
            out.append(between)
        out.extend(part)
    return out
