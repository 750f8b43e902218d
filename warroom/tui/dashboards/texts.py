"""Panels of words: text, log lines, lists of alerts and marks, and the box that says why something is not drawn.

Invariant: total. Markdown becomes styled lines; nothing in it is followed, loaded or run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from rich.cells import chop_cells
from rich.style import Style

from warroom.dashboards.data import Box, Level, Listing, LogRow, Logs, Words
from warroom.tui.dashboards.cells import Rows, filled, level_colour, level_sign, middled, worded
from warroom.tui.glyphs import glyphs
from warroom.tui.widgets.chart_overlay import Ink
from warroom.tui.widgets.line import Line, Span, crop, safe, width_of, wrap

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t]*#*$")
_ITEM = re.compile(r"^(\s*)([*+-]|\d{1,3}[.)])[ \t]+(.*)$")
_INLINE = re.compile(
    r"\*\*(?P<bold>[^*\n]+)\*\*|__(?P<strong>[^_\n]+)__|`(?P<code>[^`\n]+)`"
    r"|(?<![\w*])\*(?P<slanted>[^*\n]+)\*(?![\w*])"
    r"|!?\[(?P<name>[^\]\n]*)\]\((?P<address>[^)\s\n]+)[^)\n]*\)"
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,500}>|<!--.*?-->", re.DOTALL)
_LEVELS: dict[str, Level] = {"fatal": "critical", "error": "critical", "warn": "warning"}


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row of a list that the caller has: how bad it is, what it is, and a note such as since when."""

    text: str
    level: Level = ""
    note: str = ""


def draw_words(body: Words, width: int, height: int, ink: Ink) -> Rows:
    """A text panel."""
    return filled(word_lines(body, width, ink), width, height, ink)


def word_lines(body: Words, width: int, ink: Ink) -> list[Line]:
    """All lines of a text panel, wrapped; Markdown's headings, lists, code and emphasis are styled."""
    plain = ink.of(ink.palette.text)
    if not body.markdown:
        return [[(row, plain)] for line in body.text.splitlines() for row in wrap_kept(safe(line), width)]
    lines: list[Line] = []
    fenced = False
    for line in _TAG.sub("", body.markdown).splitlines():
        if line.strip().startswith("```"):
            fenced = not fenced
        elif fenced:
            lines.append([(safe(line.expandtabs(4)), ink.of(ink.palette.hue("teal")))])
        else:
            lines += _markdown(line, width, ink)
    return lines


def wrap_kept(line: str, width: int) -> list[str]:
    """A line in pieces of a width, with its blanks as they are where it fits."""
    return [line] if len(line) <= width and line.isascii() else wrap(line, width)


def _markdown(line: str, width: int, ink: Ink) -> list[Line]:
    palette = ink.palette
    heading = _HEADING.match(line)
    if heading:
        text = _INLINE.sub(_plain, heading[2])
        paint = ink.of(palette.accent if len(heading[1]) < 3 else palette.text, bold=True)
        return [[(row, paint)] for row in wrap(safe(text), width)]
    if re.fullmatch(r"\s*([-*_])(\s*\1){2,}\s*", line):
        return [[(glyphs().rule * width, ink.of(palette.rule_strong))]]
    item = _ITEM.match(line)
    if item:
        depth = min(len(item[1].expandtabs(4)), 12)
        sign = glyphs().bullet if item[2] in "*+-" else item[2]
        lead: Span = (f"{' ' * depth}{sign} ", ink.of(palette.accent))
        inner = _flowed(item[3], max(1, width - depth - len(sign) - 1), ink)
        indent: Span = (" " * (depth + len(sign) + 1), ink.of(palette.text))
        return [[indent if at else lead, *row] for at, row in enumerate(inner)]
    return _flowed(line, width, ink)


def _plain(found: re.Match[str]) -> str:
    if found["address"] is not None:
        return f"{found['name']} ({found['address']})" if found["name"] else found["address"]
    return found["bold"] or found["strong"] or found["code"] or found["slanted"] or ""


def _flowed(line: str, width: int, ink: Ink) -> list[Line]:
    """A line of prose with its emphasis, wrapped at blanks."""
    palette = ink.palette
    words: list[tuple[str, Style, bool]] = []

    def add(text: str, paint: Style) -> None:
        glued = bool(words) and not text[:1].isspace() and not spaced[-1:].isspace()
        for at, word in enumerate(text.split()):
            words.append((word, paint, glued and at == 0))

    at, spaced = 0, " "
    for found in _INLINE.finditer(line):
        add(line[at : found.start()], ink.of(palette.text))
        spaced = line[: found.start()] or " "
        paint = ink.of(palette.text, bold=True)
        if found["code"] is not None:
            paint = ink.of(palette.hue("teal"))
        elif found["address"] is not None:
            paint = ink.of(palette.accent)
        add(_plain(found), paint)
        at, spaced = found.end(), "."
    add(line[at:], ink.of(palette.text))
    rows: list[list[Span]] = [[]]
    for text, paint, glued in words:
        for piece in chop_cells(safe(text), max(1, width)) or [""]:
            used, size = width_of(rows[-1]), width_of([(piece, paint)])
            if used and used + size + (not glued) > width:
                rows.append([])
            elif used and not glued:
                rows[-1].append((" ", paint))
            rows[-1].append((piece, paint))
    return list(rows)


def draw_logs(body: Logs, width: int, height: int, ink: Ink, zone: tzinfo | None, no_value: str = "No data") -> Rows:
    """Log lines: time, level as a word, text."""
    if not body.rows:
        return worded(no_value, width, height, ink)
    lines: list[Line] = []
    for row in body.rows:
        if len(lines) >= height:
            break
        lines += _log_line(row, body, width, ink, zone)
    return filled(lines, width, height, ink)


def _log_line(row: LogRow, body: Logs, width: int, ink: Ink, zone: tzinfo | None) -> list[Line]:
    palette = ink.palette
    level = _LEVELS.get(row.level, "")
    lead: list[Span] = []
    if body.show_time or width >= 60:
        lead.append((f"{_time(row.at, zone)} ", ink.of(palette.muted)))
    word = "" if row.level == "unknown" else row.level.upper()[:5]
    paint = ink.of(level_colour(level, palette) or palette.muted, bold=level == "critical")
    if width >= 30:
        lead.append((f"{word:<5} ", paint))
    elif word:
        lead.append((f"{level_sign(level) or word[:1]} ", paint))
    text = safe(row.text.replace("\n", " "))
    if body.show_labels and row.labels:
        text = f"{' '.join(f'{key}={value}' for key, value in row.labels)}  {text}"
    room = max(1, width - width_of(lead))
    if not body.wrap:
        return [[*lead, *crop([(text, ink.of(palette.text))], room)]]
    pieces = wrap(text, room)
    indent: Span = (" " * width_of(lead), ink.of(palette.text))
    return [[*(lead if at == 0 else [indent]), (piece, ink.of(palette.text))] for at, piece in enumerate(pieces)]


def _time(at: float, zone: tzinfo | None) -> str:
    try:
        return datetime.fromtimestamp(at, zone).strftime("%H:%M:%S")
    except (OverflowError, OSError, ValueError):
        return "--:--:--"


_NONE = {
    "alerts": "no alerts of these states",
    "annotations": "no marks in this time",
    "dashboards": "no dashboards by these tags",
    "news": "news is not fetched here: it is a feed from outside",
}


def draw_listing(body: Listing, rows: Sequence[ListRow] | None, width: int, height: int, ink: Ink) -> Rows:
    """A list whose rows the caller has; None while it has not asked."""
    if body.what == "news":
        return worded(_NONE["news"], width, height, ink)
    if rows is None:
        return worded("asking", width, height, ink)
    if not rows:
        return worded(_NONE[body.what], width, height, ink)
    kept = rows[: body.most]
    fit = kept if len(kept) <= height else kept[: max(1, height - 1)]
    lines: list[Line] = [_list_line(one, width, ink) for one in fit]
    if len(fit) < len(rows):
        lines.append([(f"{glyphs().ellipsis} {len(rows) - len(fit)} more", ink.of(ink.palette.muted))])
    return filled(lines, width, height, ink)


def _list_line(row: ListRow, width: int, ink: Ink) -> list[Span]:
    palette = ink.palette
    paint = ink.of(level_colour(row.level, palette) or palette.soft)
    sign = level_sign(row.level) or glyphs().bullet
    note = crop([(safe(row.note), ink.of(palette.muted))], max(0, width // 3))
    left = crop([(f"{sign} ", paint), (safe(row.text), ink.of(palette.text))], max(1, width - width_of(note) - 1))
    gap: Span = (" " * max(1, width - width_of(left) - width_of(note)), ink.of(palette.text))
    return [*left, gap, *note]


def draw_box(body: Box, kind: str, width: int, height: int, ink: Ink) -> Rows:
    """What cannot be drawn: its kind and the reason."""
    palette = ink.palette
    lines: list[Line] = []
    if height >= 3 and kind:
        lines.append([(f"{glyphs().unknown} {safe(kind)}", ink.of(palette.soft, bold=True))])
    lines += [[(row, ink.of(palette.muted))] for row in wrap(safe(body.reason), max(1, width - 2))]
    return middled(lines, width, height, ink)
