"""One log line in full: its text wrapped, then every field it has, each of which can be filtered by.

Invariant: every value is shown whole, and knows where it was found, because that decides how a query asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import orjson
from rich.style import Style

from warroom.telemetry.logs import LogLine
from warroom.tui.explore.logs_query import Origin
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.line import Line, Span, crop, safe, wrap
from warroom.tui.widgets.log_line import level_style, level_word, trace_of

LARGEST_TEXT = 20_000
"""Characters of a value that are shown; the rest is counted."""
_DEEPEST = 8
_LOGFMT = re.compile(r'(?:^|\s)([A-Za-z_][\w.\-/]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)')


@dataclass(frozen=True, slots=True)
class Field:
    """A row of the detail. `origin` is None for a heading, whose words are in `value`."""

    key: str
    origin: Origin | None
    name: str
    value: str
    level: str = ""

    @property
    def words(self) -> str:
        """What copying gives."""
        return self.value


def fields_of(line: LogLine, zone: tzinfo) -> list[Field]:
    """The rows of the detail: the text, fields parsed from it, what came beside it, the stream's labels."""
    at = datetime.fromtimestamp(line.ns // 1_000_000_000, UTC).astimezone(zone)
    when = f"{at:%Y-%m-%d %H:%M:%S}.{line.ns % 1_000_000_000:09d} {at:%Z}"
    rows = [
        Field("when", None, "", when, line.level),
        Field("text", "text", "", line.text),
    ]
    origin, parsed = parsed_fields(line.text)
    groups: list[tuple[str, Origin, Sequence[tuple[str, str]]]] = [
        (f"in the line, by {origin}", origin, parsed),
        ("beside the line", "metadata", line.metadata),
        ("of its stream", "label", line.labels),
    ]
    for title, where, pairs in groups:
        if pairs:
            rows.append(Field(f"head {where}", None, "", title))
            rows += [Field(f"{where} {name}", where, name, value) for name, value in pairs]
    return rows


def parsed_fields(text: str) -> tuple[Origin, list[tuple[str, str]]]:
    """The fields of a line that is a JSON object or logfmt, named as Loki's parsers name them; else none.

    Nested objects give names joined by `_`, as `| json` does; arrays are left out, as there.
    """
    if text.lstrip()[:1] == "{":
        try:
            said = orjson.loads(text)
        except orjson.JSONDecodeError:
            said = None
        if isinstance(said, dict):
            return "json", _flat(said, "", 0)
    found = [(key, _unquoted(value)) for key, value in _LOGFMT.findall(text)]
    return "logfmt", list(dict(found).items()) if len(found) >= 2 or (found and text.startswith(found[0][0])) else []


def _flat(said: dict[str, object], before: str, depth: int) -> list[tuple[str, str]]:
    out = list[tuple[str, str]]()
    for key, value in said.items():
        name = f"{before}{key}"
        if isinstance(value, dict) and depth < _DEEPEST:
            out += _flat(value, f"{name}_", depth + 1)
        elif isinstance(value, str):
            out.append((name, value))
        elif not isinstance(value, list | dict):
            out.append((name, "" if value is None else orjson.dumps(value).decode()))
    return out


def _unquoted(value: str) -> str:
    if value[:1] != '"':
        return value
    try:
        said = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value[1:-1]
    return str(said)


class LineDetail:
    """The rows of one line for a list; `trace` tells which value is the trace that Enter opens."""

    row_lines: int | None = None

    def __init__(self, line: LogLine, zone: tzinfo) -> None:
        self.line = line
        self.trace = trace_of(line)
        self.rows = fields_of(line, zone)
        self._names = max((len(row.name) for row in self.rows if len(row.name) <= 24), default=8)

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> Field:
        return self.rows[index]

    def key(self, row: Field) -> Hashable:
        return row.key

    def render(self, row: Field, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """A heading, the text wrapped over the whole width, or a name and its value beside it."""
        if row.key == "when":
            head: list[Span] = [(row.value, style(palette.soft))]
            return [[(level_word(row.level), level_style(row.level, palette)), ("  ", Style.null()), *head], []]
        if row.origin is None:
            return [[], [(row.value, style(palette.muted, italic=True))]]
        if row.origin == "text":
            return [[(text, style(palette.text))] for text in _wrapped(row.value, width)]
        names = min(self._names, max(8, width // 3))
        name = crop([(safe(row.name), style(palette.hue("cyan")))], names)
        gap = " " * (names - sum(len(text) for text, _ in name) + 1)
        ink = style(palette.accent, underline=True) if self.is_trace(row) else style(palette.text, bold=selected)
        first, *rest = _wrapped(row.value, max(8, width - names - 1)) or [""]
        lines: list[Line] = [[*name, (gap, Style.null()), (first, ink)]]
        indent = (" " * (names + 1), Style.null())
        return [*lines, *([indent, (text, ink)] for text in rest)]

    def is_trace(self, row: Field) -> bool:
        """Whether this value is the line's trace."""
        return bool(self.trace) and row.value == self.trace and row.origin != "text"


def _wrapped(value: str, width: int) -> list[str]:
    """The value in lines; its own line ends and indentation are kept, as a stack trace needs them."""
    left = len(value) - LARGEST_TEXT
    out = list[str]()
    for part in value[:LARGEST_TEXT].splitlines() or [""]:
        indent = part[: len(part) - len(part.lstrip())].replace("\t", "    ")[: width // 2]
        lines = wrap(safe(part), max(4, width - len(indent)))
        out += [indent + text for text in lines]
    return [*out, f"{glyphs().ellipsis} and {left} characters more"] if left > 0 else out
