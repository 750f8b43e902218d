"""One panel: its frame with title and state, and inside of it the drawing that fits its body.

Invariant: `draw_panel` gives exactly `height` rows of exactly `width` cells for any data and any size, and raises for
none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo

from rich.cells import cell_len

from warroom.dashboards.data import (
    Box,
    Chart,
    Heat,
    Histogram,
    Level,
    Listing,
    Logs,
    PanelData,
    Readings,
    RowTitle,
    States,
    Table,
    Words,
)
from warroom.tui.dashboards.cells import Rows, filled, fitted, level_colour, level_sign, worded
from warroom.tui.dashboards.charts import draw_chart
from warroom.tui.dashboards.heat import draw_heat, draw_histogram
from warroom.tui.dashboards.readings import draw_readings
from warroom.tui.dashboards.states import draw_states
from warroom.tui.dashboards.tables import draw_table
from warroom.tui.dashboards.texts import ListRow, draw_box, draw_listing, draw_logs, draw_words, word_lines
from warroom.tui.glyphs import glyphs
from warroom.tui.widgets.chart_overlay import Ink
from warroom.tui.widgets.line import Span, crop, safe, width_of, wrap

_FRAME = {False: tuple("╭─╮│╰╯"), True: tuple("+-+|++")}
_WORST: tuple[Level, ...] = ("critical", "warning")


@dataclass(frozen=True, slots=True)
class Look:
    """How a panel is drawn besides its data: times in `zone`, framed as chosen, `waiting` before its first answer.

    `rows` are those of a list panel; `full` draws the notes and the description as well, for a panel alone.
    """

    zone: tzinfo | None = UTC
    chosen: bool = False
    waiting: bool = False
    rows: tuple[ListRow, ...] | None = None
    full: bool = False


def draw_panel(data: PanelData, width: int, height: int, ink: Ink, look: Look = Look()) -> Rows:
    """The panel in `width` x `height` cells, with its frame; a row's heading has none."""
    if width <= 0 or height <= 0:
        return [[] for _ in range(max(0, height))]
    if isinstance(data.body, RowTitle):
        return filled([_heading(data, data.body, width, ink, chosen=look.chosen)], width, height, ink)
    if width < 4 or height < 3:
        return filled([_title(data, width, ink, look)], width, height, ink)
    edge = ink.of(ink.palette.accent if look.chosen else ink.palette.rule_strong)
    left_top, rule, right_top, side, left_low, right_low = _FRAME[glyphs().ascii]
    title = _title(data, width - 4, ink, look)
    tight = width_of(title) > width - 4
    title = crop(_title(data, width, ink, look, tight=True), width - 2) if tight else title
    top: list[Span] = [(left_top + ("" if tight else rule), edge), *title]
    top += [(rule * max(0, width - 1 - width_of(top)) + right_top, edge)]
    inner = draw_inside(data, width - 2 - 2 * (width >= 12), height - 2, ink, look)
    pad: list[Span] = [(" ", ink.of(ink.palette.text))] if width >= 12 else []
    rows = [fitted([(side, edge), *pad, *row, *pad, (side, edge)], width, ink) for row in inner]
    note = _note(data, width - 6, ink, look)
    low: list[Span] = [(rule * max(0, width - 3 - width_of(note)), edge), *note, (rule + right_low, edge)]
    return [fitted(top, width, ink), *rows, fitted([(left_low, edge), *low], width, ink)]


def draw_inside(data: PanelData, width: int, height: int, ink: Ink, look: Look) -> Rows:
    """What is within the frame: what went wrong first, then the drawing."""
    said = _troubles(data, width, height, ink, look)
    room = height - len(said)
    return filled(said, width, len(said), ink) + (_body(data, width, room, ink, look) if room > 0 else [])


def _body(data: PanelData, width: int, height: int, ink: Ink, look: Look) -> Rows:
    if look.waiting and not isinstance(data.body, Box | Words | Listing):
        return worded(f"asking{glyphs().ellipsis}", width, height, ink)
    if data.empty and not isinstance(data.body, Words | Listing | Box):
        words = "" if data.errors else data.no_value
        return worded(words, width, height, ink)
    over_time = _over_time(data, width, height, ink, look)
    if over_time is not None:
        return over_time
    match data.body:
        case Readings() as body:
            return draw_readings(body, width, height, ink, data.no_value)
        case Table() as body:
            return draw_table(body, width, height, ink, data.no_value)
        case Histogram() as body:
            return draw_histogram(body, width, height, ink, data.no_value)
        case Words() as body:
            return draw_words(body, width, height, ink)
        case Listing() as body if not data.errors:
            return draw_listing(body, look.rows, width, height, ink)
        case Box() as body:
            return draw_box(body, data.kind, width, height, ink)
    return filled([], width, height, ink)


def _over_time(data: PanelData, width: int, height: int, ink: Ink, look: Look) -> Rows | None:
    """The drawing of a body that tells times; None for the others."""
    match data.body:
        case Chart() as body:
            return draw_chart(body, width, height, ink, look.zone, data.no_value)
        case Heat() as body:
            return draw_heat(body, width, height, ink, look.zone, data.no_value)
        case States() as body:
            return draw_states(body, width, height, ink, look.zone, data.no_value)
        case Logs() as body:
            return draw_logs(body, width, height, ink, look.zone, data.no_value)
    return None


def wanted_height(data: PanelData, width: int, least: int) -> int:
    """Rows with which nothing of the panel is left out, frame included; at least `least`."""
    inner = max(1, width - 4)
    match data.body:
        case Table() as body:
            return max(least, len(body.rows) + 4 + bool(body.footer))
        case Logs() as body:
            return max(least, len(body.rows) * (2 if body.wrap else 1) + 3)
        case Words() as body:
            from warroom.tui.palette import build_palette

            ink = Ink(build_palette({}, "", ansi=False), "")
            return max(least, len(word_lines(body, inner, ink)) + 3)
        case Readings() as body if body.style != "stat":
            return max(least, len(body.tiles) + 3)
    return least


def level_of(data: PanelData) -> Level:
    """The worst level of what a panel shows, for its title: of numbers, of cells are too many to say."""
    if not isinstance(data.body, Readings):
        return ""
    levels = {tile.reading.mark.level for tile in data.body.tiles}
    return next((one for one in _WORST if one in levels), "")


def _title(data: PanelData, width: int, ink: Ink, look: Look, *, tight: bool = False) -> list[Span]:
    g, palette = glyphs(), ink.palette
    level = level_of(data)
    sign, colour = (level_sign(level), level_colour(level, palette)) if level else ("", palette.muted)
    if data.errors:
        sign, colour = g.cross, palette.bad
    elif isinstance(data.body, Box):
        sign, colour = g.unknown, palette.muted
    elif look.waiting:
        sign, colour = g.dotted, palette.muted
    paint = ink.of(palette.text if look.chosen else palette.soft, bold=True)
    title = safe(data.title)
    line: list[Span] = [(" ", paint)] if (title or sign) and not tight else []
    if sign:
        line.append((f"{sign} ", ink.of(colour)))
    line.append((f"{title}{'' if tight else ' '}" if title else "", paint))
    if data.time_note:
        note: Span = (f"{g.middot} {safe(data.time_note)} ", ink.of(palette.muted))
        if width_of([*line, note]) <= width:
            line.append(note)
    return line


def _note(data: PanelData, width: int, ink: Ink, look: Look) -> list[Span]:
    """At the foot of the frame: what is left out, or how many such notes there are."""
    if not data.notes or look.full or width < 8:
        return []
    text = f" {safe(data.notes[0])} "
    if cell_len(text) > width or len(data.notes) > 1:
        text = f" {len(data.notes)} {'note' if len(data.notes) == 1 else 'notes'} "
    return [(text, ink.of(ink.palette.muted))] if cell_len(text) <= width else []


def _troubles(data: PanelData, width: int, height: int, ink: Ink, look: Look) -> list[list[Span]]:
    """The sentences of what failed, on a third of the room; alone, with notes and description, on all they need."""
    palette = ink.palette
    said: list[tuple[str, str]] = [(f"{glyphs().cross} {safe(one)}", palette.bad) for one in data.errors]
    if look.full:
        said += [(safe(one), palette.muted) for one in (*data.notes, *data.description.splitlines()) if one.strip()]
    if not said:
        return []
    most = height if data.empty or isinstance(data.body, Box | Listing) else max(1, height // (2 if look.full else 3))
    lines: list[list[Span]] = []
    for text, colour in said:
        lines += [[(row, ink.of(colour))] for row in wrap(text, max(1, width))]
    if len(lines) > most:
        lines = [*lines[: most - 1], crop([*lines[most - 1], (glyphs().ellipsis, ink.of(palette.muted))], width)]
    return lines


def _heading(data: PanelData, body: RowTitle, width: int, ink: Ink, *, chosen: bool) -> list[Span]:
    g, palette = glyphs(), ink.palette
    colour = palette.accent if chosen else palette.soft
    line: list[Span] = [(f"{g.pointer if body.collapsed else g.deploy} ", ink.of(palette.accent, bold=True))]
    line.append((f"{safe(data.title) or 'Row'} ", ink.of(colour, bold=True)))
    if body.collapsed:
        line.append((f"{body.hidden} panel{'s' * (body.hidden != 1)} ", ink.of(palette.muted)))
    line = crop(line, width)
    rule = glyphs().rule * max(0, width - width_of(line))
    return [*line, (rule, ink.of(palette.accent if chosen else palette.rule_strong))]
