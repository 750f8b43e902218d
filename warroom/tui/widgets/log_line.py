"""One log line as one row: time, level in words, service, message, trace id; and the words of its parts.

Invariant: the level is always a word in a column of its own, so no colour carries it alone, and the columns are at
the same cells in every row of one width.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

import orjson
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from warroom.telemetry.logs import LogLine
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.line import Line, Span, crop, justify, safe, width_of

LEVEL_WORDS = {"unknown": "-"}
"""Levels that are not told by their own name in capitals."""

_TRACE_NAMES = ("trace_id", "traceId", "traceID", "TraceID", "trace.id", "traceid")
_TRACE_IN_TEXT = re.compile(r"""\b(?:trace_?id|traceID)["']?\s*[=:]\s*["']?([0-9a-fA-F]{16,32})\b""")
_TRACE = re.compile(r"[0-9a-fA-F]{16,32}")
_KEY = re.compile(r"(?<![\w.])([A-Za-z_][\w.\-]*=)(?=\S)")
_MESSAGE_NAMES = ("message", "msg", "body", "event", "error")
_SHOWN_ELSEWHERE = frozenset(
    {"level", "severity", "ts", "time", "timestamp", "@timestamp", "service", "service_name", "logger", *_TRACE_NAMES}
)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things are in rows of a width. `dated` puts the day before the time; `trace` leaves room for an id."""

    width: int
    zone: tzinfo
    dated: bool = False
    trace: bool = True

    @property
    def service(self) -> int:
        """Cells for the service."""
        return 18 if self.width >= 160 else 14 if self.width >= 100 else 12

    @property
    def time(self) -> int:
        """Cells for the time, without the blank behind it."""
        return 18 if self.dated else 12


def level_style(level: str, palette: Palette) -> Style:
    """How the word of a level is written."""
    if level == "fatal":
        return palette.filled(palette.bad)
    colours = {
        "error": palette.bad,
        "warn": palette.warn,
        "info": palette.hue("blue"),
        "debug": palette.muted,
        "trace": palette.faint,
    }
    return style(colours.get(level, palette.muted), bold=level in ("error", "warn"))


def level_word(level: str) -> str:
    """A level as a word of at most five cells: `ERROR`, `WARN`, `-` where a line says none."""
    return LEVEL_WORDS.get(level, level.upper())


def clock_text(ns: int, zone: tzinfo, *, dated: bool = False) -> str:
    """A time of the day with milliseconds, `09:42:31.118`; `dated` puts `11-21 ` before it.

    A time that no calendar has reads `--:--:--.---`.
    """
    second = _second(ns // 1_000_000_000, zone)
    text = f"{second[6:]}.{ns // 1_000_000 % 1000:03d}"
    return second[:6] + text if dated else text


@lru_cache(4096)
def _second(seconds: int, zone: tzinfo) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone(zone).strftime("%m-%d %H:%M:%S")
    except (OverflowError, OSError, ValueError):
        return "--.-- --:--:--"


def trace_of(line: LogLine) -> str:
    """The trace a line belongs to, from what came beside it, else from its text; empty when there is none."""
    for name in _TRACE_NAMES:
        said = line.value(name)
        if said and _TRACE.fullmatch(said):
            return said
    if "race" not in line.text:
        return ""
    found = _TRACE_IN_TEXT.search(line.text)
    return found[1] if found else ""


def short_trace(trace: str) -> str:
    """A trace id in nine cells, by both of its ends."""
    return f"{trace[:4]}{glyphs().ellipsis}{trace[-4:]}" if trace else ""


def message_spans(line: LogLine, palette: Palette, room: int) -> list[Span]:
    """The message: of a JSON object its own message first, then its other fields; keys dimmer than what they say."""
    text = line.text
    ink = style(palette.text)
    if text[:1] == "{" and len(text) < 20_000:
        spans = _json_spans(text, palette)
        if spans:
            return spans
    if "=" not in text:
        return [(text[: room + 1], ink)]
    # What is cropped away needs no colour.
    text = text[: 2 * room]
    spans, at = list[Span](), 0
    for found in _KEY.finditer(text):
        if found.start() > at:
            spans.append((text[at : found.start()], ink))
        spans.append((found[1], style(palette.muted)))
        at = found.end()
    spans.append((text[at:], ink))
    return spans


def _json_spans(text: str, palette: Palette) -> list[Span]:
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return []
    if not isinstance(said, dict):
        return []
    name = next((one for one in _MESSAGE_NAMES if isinstance(said.get(one), str)), "")
    spans: list[Span] = [(said[name] + " ", style(palette.text))] if name else []
    for key, value in said.items():
        if key == name or key in _SHOWN_ELSEWHERE:
            continue
        told = value if isinstance(value, str) else orjson.dumps(value).decode()
        spans += [(f" {key}=", style(palette.muted)), (told, style(palette.soft))]
    return spans


def marked(spans: Sequence[Span], words: Sequence[str], over: Style) -> list[Span]:
    """The runs with each of the words, whatever its case, in the style `over`."""
    if not words:
        return list(spans)
    found = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)), re.IGNORECASE)
    out: list[Span] = []
    for text, paint in spans:
        at = 0
        for hit in found.finditer(text):
            if hit.start() > at:
                out.append((text[at : hit.start()], paint))
            out.append((hit[0], paint + over))
            at = hit.end()
        if at < len(text):
            out.append((text[at:], paint))
    return out


def row_of(line: LogLine, columns: Columns, palette: Palette, words: Sequence[str] = ()) -> Line:
    """One row of `columns.width` cells."""
    level, service = line.level, safe(line.service)
    left: list[Span] = [
        (clock_text(line.ns, columns.zone, dated=columns.dated), style(palette.muted)),
        (" ", Style.null()),
        (level_word(level), level_style(level, palette)),
        (" " * (6 - len(level_word(level))), Style.null()),
        *_padded(service, columns.service, style(palette.person(service) if service else palette.muted)),
        (" ", Style.null()),
    ]
    trace = trace_of(line) if columns.trace and columns.width >= 70 else ""
    right: list[Span] = [(short_trace(trace), style(palette.muted))] if trace else []
    room = columns.width - columns.time - columns.service - 8 - (10 if trace else 0)
    spans = message_spans(line, palette, room)
    if words:
        spans = marked(spans, words, style(palette.background, palette.warn, bold=True) if not palette.ansi
                       else style("default", "default", bold=True, reverse=True))  # fmt: skip
    flat = [(safe(text).replace("\t", " "), paint) for text, paint in spans]
    return justify([*left, *flat], right, columns.width)


def quick_strip(line: LogLine, columns: Columns, palette: Palette, behind: str) -> Strip | None:
    """The row as a strip one cell wider than its columns, in as few runs as tell all of it, or None when the line is
    not plain ASCII: then it takes the careful way. For lines that come faster than anybody reads.
    """
    service, text = line.service, line.text
    if text[:1] == "{":
        text = "".join(said for said, _ in message_spans(line, palette, columns.width))
    if not (text.isascii() and text.isprintable() and service.isascii() and service.isprintable()):
        return None
    trace = short_trace(trace_of(line)) if columns.trace and columns.width >= 70 else ""
    room = columns.width - columns.time - columns.service - 8 - (len(trace) + 1 if trace else 0)
    if room < 8:
        return None
    level, names = line.level, columns.service
    if len(text) > room:
        text = text[: room - 1] + glyphs().ellipsis
    if len(service) > names:
        service = service[: names - 1] + glyphs().ellipsis
    word, paint = level_word(level), level_style(level, palette)
    segments = [
        Segment(f" {clock_text(line.ns, columns.zone, dated=columns.dated)} ", style(palette.muted, behind)),
        Segment(f"{word:<6}", _on(paint, behind)),
        Segment(f"{service:<{names}} ", style(palette.person(service) if service else palette.muted, behind)),
        Segment(f"{text:<{room}}", style(palette.text, behind)),
    ]
    if paint.bgcolor is not None:
        segments[1:2] = [Segment(word, paint), Segment(" " * (6 - len(word)), style(palette.muted, behind))]
    if trace:
        segments.append(Segment(f" {trace}", style(palette.muted, behind)))
    return Strip(segments, columns.width + 1)


@lru_cache(256)
def _on(paint: Style, behind: str) -> Style:
    return style("", behind) + paint


def _padded(text: str, width: int, paint: Style) -> list[Span]:
    spans = crop([(text, paint)], width) if text else []
    return [*spans, (" " * (width - width_of(spans)), Style.null())]


def plain_row(line: LogLine, zone: tzinfo) -> str:
    """A line as text for a clipboard: time, level, service, text."""
    at = datetime.fromtimestamp(line.ns / 1e9, UTC).astimezone(zone)
    parts = (at.isoformat(timespec="milliseconds"), level_word(line.level), line.service, line.text)
    return " ".join(part for part in parts if part)
