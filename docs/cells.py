"""Pictures of the console: any Textual app's screen as a PNG, drawn cell by cell.

    python docs/cells.py package.module:AppClass --size 120x40 --keys "j j enter" -o screen.png

Text is set in JetBrains Mono with DejaVu for what it lacks (Debian: fonts-jetbrains-mono, fonts-dejavu); box, block
and braille characters are drawn as terminals draw them, so that they meet at the edges of their cells. No browser.

Invariant: a picture shows exactly the cells that the app's compositor gave, each in its own rectangle.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.color import Color
from textual.app import App

Colour = tuple[int, int, int]

_JETBRAINS: Final = Path("/usr/share/fonts/truetype/jetbrains-mono")
_DEJAVU: Final = Path("/usr/share/fonts/truetype/dejavu")
_FACES: Final = {
    (False, False): "JetBrainsMono-Regular.ttf",
    (True, False): "JetBrainsMono-Bold.ttf",
    (False, True): "JetBrainsMono-Italic.ttf",
    (True, True): "JetBrainsMono-BoldItalic.ttf",
}
_FALLBACKS: Final = (_DEJAVU / "DejaVuSansMono.ttf", _DEJAVU / "DejaVuSans.ttf")

_SCALE: Final = 2
_CELL_WIDTH, _CELL_HEIGHT, _FONT_SIZE, _MARGIN = (n * _SCALE for n in (11, 23, 18, 12))

# Arms of box-drawing characters as left, right, up, down; 1 is a light line, 2 a heavy one.
_ARMS: Final = {
    "─": (1, 1, 0, 0), "│": (0, 0, 1, 1), "┌": (0, 1, 0, 1), "┐": (1, 0, 0, 1), "└": (0, 1, 1, 0), "┘": (1, 0, 1, 0),
    "├": (0, 1, 1, 1), "┤": (1, 0, 1, 1), "┬": (1, 1, 0, 1), "┴": (1, 1, 1, 0), "┼": (1, 1, 1, 1),
    "━": (2, 2, 0, 0), "┃": (0, 0, 2, 2), "┏": (0, 2, 0, 2), "┓": (2, 0, 0, 2), "┗": (0, 2, 2, 0), "┛": (2, 0, 2, 0),
    "╸": (2, 0, 0, 0), "╺": (0, 2, 0, 0), "╹": (0, 0, 2, 0), "╻": (0, 0, 0, 2),
    "╴": (1, 0, 0, 0), "╶": (0, 1, 0, 0), "╵": (0, 0, 1, 0), "╷": (0, 0, 0, 1), "╼": (1, 2, 0, 0), "╾": (2, 1, 0, 0),
}  # fmt: skip
_ROUND: Final = {"╭": (1, 1, 180), "╮": (-1, 1, 270), "╯": (-1, -1, 0), "╰": (1, -1, 90)}
_DASHES: Final = {"╌": (2, True), "┄": (3, True), "┈": (4, True), "╎": (2, False), "┆": (3, False), "┊": (4, False)}
_QUARTERS: Final = {"▖": 4, "▗": 8, "▘": 1, "▝": 2, "▚": 9, "▞": 6, "▛": 7, "▜": 11, "▙": 13, "▟": 14}
_SHADES: Final = {"░": 0.25, "▒": 0.5, "▓": 0.75}
_DOTS: Final = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a screen. The right half of a wide character is a cell with an empty `char`."""

    char: str
    ink: Colour
    paper: Colour
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False


def mix(low: Colour, high: Colour, share: float) -> Colour:
    """The colour `share` (0..1) of the way from one to the other."""
    red, green, blue = (round(one + (two - one) * share) for one, two in zip(low, high, strict=True))
    return red, green, blue


def _rgb(colour: Color) -> Colour:
    red, green, blue = colour.get_truecolor()
    return red, green, blue


def cells_of(app: App[Any], ink: Colour = (214, 222, 235), paper: Colour = (11, 15, 20)) -> list[list[Cell]]:
    """The cells of the app's current screen, row by row.

    Args:
        app: a running app, for example inside of `run_test`.
        ink: stands for the terminal's own text colour.
        paper: stands for the terminal's own background.
    """
    rows = []
    for strip in app.screen._compositor.render_strips():
        row: list[Cell] = []
        for text, style, _control in strip:
            front, back = ink, paper
            bold = italic = underline = strike = False
            if style is not None:
                if style.color is not None and not style.color.is_default:
                    front = _rgb(style.color)
                if style.bgcolor is not None and not style.bgcolor.is_default:
                    back = _rgb(style.bgcolor)
                if style.reverse:
                    front, back = back, front
                if style.dim:
                    front = mix(front, back, 0.4)
                bold, italic = bool(style.bold), bool(style.italic)
                underline, strike = bool(style.underline), bool(style.strike)
            for char in text:
                width = cell_len(char)
                if width:
                    row.append(Cell(char, front, back, bold, italic, underline, strike))
                if width == 2:
                    row.append(Cell("", front, back))
        rows.append(row)
    widest = max(map(len, rows), default=0)
    return [[*row, *[Cell(" ", ink, paper)] * (widest - len(row))] for row in rows]


@lru_cache(64)
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size)


@lru_cache(4096)
def _has(path: Path, char: str) -> bool:
    """Whether a font has a character: what it lacks looks like what no font has."""
    font = _font(path, 24)
    return bytes(font.getmask(char)) != bytes(font.getmask("\U0010ffff"))


class Painter:
    """Draws cells onto an image, at twice the final size."""

    def __init__(self, rows: Sequence[Sequence[Cell]], paper: Colour) -> None:
        self._rows = rows
        columns = max((len(row) for row in rows), default=1)
        self._size = (columns * _CELL_WIDTH + 2 * _MARGIN, max(1, len(rows)) * _CELL_HEIGHT + 2 * _MARGIN)
        self._image = Image.new("RGB", self._size, paper)
        self._draw = ImageDraw.Draw(self._image)
        base = _font(_JETBRAINS / _FACES[False, False], _FONT_SIZE)
        self._ascent, descent = base.getmetrics()
        self._drop = (_CELL_HEIGHT - self._ascent - descent) // 2
        self._line = max(2.0, _SCALE * 1.1)

    def picture(self) -> Image.Image:
        """Draw everything; gives the image in its final size."""
        for y, row in enumerate(self._rows):
            for x, cell in enumerate(row):
                left, top = _MARGIN + x * _CELL_WIDTH, _MARGIN + y * _CELL_HEIGHT
                self._box(left, top, left + _CELL_WIDTH, top + _CELL_HEIGHT, cell.paper)
        for y, row in enumerate(self._rows):
            for x, cell in enumerate(row):
                self._cell(cell, _MARGIN + x * _CELL_WIDTH, _MARGIN + y * _CELL_HEIGHT)
        width, height = self._size
        return self._image.resize((width // _SCALE, height // _SCALE), Image.Resampling.LANCZOS)

    def _box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        if right - left >= 1 and bottom - top >= 1:
            self._draw.rectangle((left, top, right - 1, bottom - 1), fill=colour)

    def _cell(self, cell: Cell, x: int, y: int) -> None:
        if cell.underline:
            self._box(x, y + _CELL_HEIGHT - 3 * _SCALE, x + _CELL_WIDTH, y + _CELL_HEIGHT - 2 * _SCALE, cell.ink)
        if cell.strike:
            middle = y + _CELL_HEIGHT // 2
            self._box(x, middle, x + _CELL_WIDTH, middle + _SCALE, cell.ink)
        char = cell.char
        if not char or char == " ":
            return
        if "\u2800" <= char <= "\u28ff":
            self._braille(ord(char) - 0x2800, x, y, cell.ink)
        elif "\u2580" <= char <= "\u259f":
            self._block(char, x, y, cell)
        elif char in _ARMS:
            self._arms(_ARMS[char], x, y, cell.ink)
        elif char in _ROUND:
            self._corner(_ROUND[char], x, y, cell.ink)
        elif char in _DASHES:
            self._dashes(*_DASHES[char], x, y, cell.ink)
        else:
            self._text(cell, x, y)

    def _braille(self, bits: int, x: int, y: int, ink: Colour) -> None:
        radius = _CELL_WIDTH * 0.15
        for bit, (column, row) in enumerate(_DOTS):
            if bits >> bit & 1:
                dot_x, dot_y = x + _CELL_WIDTH * (0.25 + 0.5 * column), y + _CELL_HEIGHT * (0.125 + 0.25 * row)
                self._draw.ellipse((dot_x - radius, dot_y - radius, dot_x + radius, dot_y + radius), fill=ink)

    def _block(self, char: str, x: int, y: int, cell: Cell) -> None:
        code, right, bottom = ord(char), x + _CELL_WIDTH, y + _CELL_HEIGHT
        half_x, half_y = x + _CELL_WIDTH // 2, y + _CELL_HEIGHT // 2
        if char == "▀":
            self._box(x, y, right, half_y, cell.ink)
        elif 0x2581 <= code <= 0x2588:
            self._box(x, bottom - round(_CELL_HEIGHT * (code - 0x2580) / 8), right, bottom, cell.ink)
        elif 0x2589 <= code <= 0x258F:
            self._box(x, y, x + round(_CELL_WIDTH * (0x2590 - code) / 8), bottom, cell.ink)
        elif char == "▐":
            self._box(half_x, y, right, bottom, cell.ink)
        elif char in _SHADES:
            self._box(x, y, right, bottom, mix(cell.paper, cell.ink, _SHADES[char]))
        elif char == "▔":
            self._box(x, y, right, y + _CELL_HEIGHT // 8, cell.ink)
        elif char == "▕":
            self._box(right - _CELL_WIDTH // 8, y, right, bottom, cell.ink)
        else:
            quarters = _QUARTERS.get(char, 0)
            edges = ((x, y), (half_x, y), (x, half_y), (half_x, half_y))
            for bit, (left, top) in enumerate(edges):
                if quarters >> bit & 1:
                    end_x, end_y = (half_x if left == x else right), (half_y if top == y else bottom)
                    self._box(left, top, end_x, end_y, cell.ink)

    def _arms(self, arms: tuple[int, int, int, int], x: int, y: int, ink: Colour) -> None:
        left, right, up, down = (self._line * (0, 1, 2.4)[weight] / 2 for weight in arms)
        middle_x, middle_y = x + _CELL_WIDTH / 2, y + _CELL_HEIGHT / 2
        across, along = max(up, down), max(left, right)
        if left:
            self._draw.rectangle((x, middle_y - left, middle_x + across, middle_y + left - 1), fill=ink)
        if right:
            self._draw.rectangle(
                (middle_x - across, middle_y - right, x + _CELL_WIDTH - 1, middle_y + right - 1), fill=ink
            )
        if up:
            self._draw.rectangle((middle_x - up, y, middle_x + up - 1, middle_y + along), fill=ink)
        if down:
            self._draw.rectangle(
                (middle_x - down, middle_y - along, middle_x + down - 1, y + _CELL_HEIGHT - 1), fill=ink
            )

    def _corner(self, corner: tuple[int, int, int], x: int, y: int, ink: Colour) -> None:
        side_x, side_y, start = corner
        half, radius = self._line / 2, _CELL_WIDTH / 2
        middle_x, middle_y = x + _CELL_WIDTH / 2, y + _CELL_HEIGHT / 2
        centre_x, centre_y = middle_x + side_x * radius, middle_y + side_y * radius
        reach = radius + half
        box = (centre_x - reach, centre_y - reach, centre_x + reach, centre_y + reach)
        self._draw.arc(box, start, start + 90, fill=ink, width=round(self._line))
        top, bottom = (centre_y, y + _CELL_HEIGHT - 1) if side_y > 0 else (y, centre_y)
        self._draw.rectangle((middle_x - half, top, middle_x + half - 1, bottom), fill=ink)

    def _dashes(self, count: int, flat: bool, x: int, y: int, ink: Colour) -> None:
        half = self._line / 2
        step = (_CELL_WIDTH if flat else _CELL_HEIGHT) / count
        for number in range(count):
            start, end = (number + 0.2) * step, (number + 0.75) * step - 1
            if flat:
                middle = y + _CELL_HEIGHT / 2
                self._draw.rectangle((x + start, middle - half, x + end, middle + half - 1), fill=ink)
            else:
                middle = x + _CELL_WIDTH / 2
                self._draw.rectangle((middle - half, y + start, middle + half - 1, y + end), fill=ink)

    def _text(self, cell: Cell, x: int, y: int) -> None:
        own = _JETBRAINS / _FACES[cell.bold, cell.italic]
        if _has(own, cell.char):
            self._draw.text((x, y + self._drop), cell.char, font=_font(own, _FONT_SIZE), fill=cell.ink)
            return
        path = next((fallback for fallback in _FALLBACKS if _has(fallback, cell.char)), own)
        room, size = _CELL_WIDTH * max(1, cell_len(cell.char)), round(_FONT_SIZE * 0.92)
        font = _font(path, size)
        wide = font.getlength(cell.char)
        if wide > room:
            font = _font(path, max(6, int(size * room / wide)))
            wide = font.getlength(cell.char)
        top = y + self._drop + self._ascent - font.getmetrics()[0]
        self._draw.text((x + (room - wide) / 2, top), cell.char, font=font, fill=cell.ink)


def paint(rows: Sequence[Sequence[Cell]], path: Path | str, paper: Colour = (11, 15, 20)) -> None:
    """Write the cells as a PNG."""
    Painter(rows, paper).picture().save(path, optimize=True)


async def shoot(app: App[Any], size: tuple[int, int], path: Path | str, keys: Iterable[str] = ()) -> None:
    """Run an app without a terminal in `size` (columns, rows), press keys, and write its screen as a PNG."""
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
        await pilot.pause()
        paper = app.screen.background_colors[1].rgb
        paint(cells_of(app, paper=paper), path, paper)


def main(arguments: Sequence[str]) -> None:
    """The command line; see the module's first lines."""
    parser = argparse.ArgumentParser(description="An app's screen as a PNG.")
    parser.add_argument("app", help="package.module:AppClass, or a callable that gives an app")
    parser.add_argument("--size", default="120x40", help="columns x rows, for example 80x24")
    parser.add_argument("--keys", default="", help="keys to press first, separated by blanks")
    parser.add_argument("-o", "--output", type=Path, default=Path("screen.png"))
    options = parser.parse_args(arguments)
    module, _, name = options.app.partition(":")
    columns, _, rows = options.size.partition("x")
    app = getattr(importlib.import_module(module), name)()
    asyncio.run(shoot(app, (int(columns), int(rows)), options.output, options.keys.split()))


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    main(sys.argv[1:])
