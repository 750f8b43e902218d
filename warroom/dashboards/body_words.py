"""The bodies of words: text panels, log lines, and lists whose rows the caller has.

Invariant: pure and total. A text panel's HTML and Markdown are reduced to lines of text; no markup is interpreted.
"""

from __future__ import annotations

import html
import re
from typing import Final

from warroom.dashboards.data import Listing, LogRow, Logs, Words
from warroom.dashboards.said import clean, flag, part, text, texts, whole
from warroom.dashboards.values import fill_text
from warroom.dashboards.view import View

_DROPPED: Final = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|$)|<!--.*?(?:-->|$)", re.DOTALL | re.IGNORECASE)
_BREAKS: Final = re.compile(r"<(?:br|/p|/div|/h[1-6]|/li|/tr|/ul|/ol|hr)\b[^>]*>", re.IGNORECASE)
_ITEMS: Final = re.compile(r"<li\b[^>]*>", re.IGNORECASE)
_TAGS: Final = re.compile(r"</?[a-zA-Z][^<>]*>")
_MARKDOWN: Final = (
    (re.compile(r"!\[([^\]\n]*)\]\([^)\n]*\)"), r"\1"),
    (re.compile(r"\[([^\]\n]+)\]\(([^)\s\n]+)[^)\n]*\)"), r"\1 (\2)"),
    (re.compile(r"^#{1,6}[ \t]+(.*?)[ \t]*#*$", re.MULTILINE), r"\1"),
    (re.compile(r"^(\s*)[*+-] ", re.MULTILINE), r"\1• "),
    (re.compile(r"\*\*([^*\n]+)\*\*"), r"\1"),
    (re.compile(r"__([^_\n]+)__"), r"\1"),
    (re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])"), r"\1"),
    (re.compile(r"`([^`\n]+)`"), r"\1"),
    (re.compile(r"^[ \t]*```.*$", re.MULTILINE), ""),
)
_LOGGED: Final = re.compile(r"\b(trace|debug|info|warn|error|fatal|critical)(?:ing)?\b", re.IGNORECASE)


def words(view: View) -> Words:
    """A text panel with its variables replaced."""
    mode = text(view.options, "mode", "markdown")
    said = fill_text(text(view.options, "content"), view.scope)
    if mode == "html":
        return Words(_tidy(without_markup(said)))
    if mode == "code":
        return Words(said)
    plain = without_markup(said)
    for pattern, new in _MARKDOWN:
        plain = pattern.sub(new, plain)
    return Words(_tidy(plain), clean(said))


def without_markup(said: str) -> str:
    """A text without its HTML: breaks and paragraphs as lines, entities as their signs."""
    said = _DROPPED.sub("", said)
    said = _BREAKS.sub("\n", said)
    said = _ITEMS.sub("• ", said)
    return clean(html.unescape(_TAGS.sub("", said)))


def _tidy(said: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(row.rstrip() for row in said.splitlines())).strip("\n")


def logs(view: View) -> Logs:
    """The lines of a logs panel, in the order that its author chose."""
    newest_first = text(view.options, "sortOrder", "Descending") != "Ascending"
    rows = [row for frame in view.frames for row in frame.logs]
    rows.sort(key=lambda row: row.at, reverse=newest_first)
    if text(view.options, "dedupStrategy") not in {"", "none"}:
        rows = [row for at, row in enumerate(rows) if at == 0 or row.text != rows[at - 1].text]
    return Logs(
        tuple(_leveled(row) for row in rows),
        newest_first,
        flag(view.options, "showTime"),
        flag(view.options, "showLabels"),
        flag(view.options, "wrapLogMessage"),
    )


def _leveled(row: LogRow) -> LogRow:
    """A line whose source told no level gets the first word in it that is one."""
    if row.level != "unknown":
        return row
    found = _LOGGED.search(row.text[:200])
    level = {"critical": "fatal"}.get(found[1].casefold(), found[1].casefold()) if found else "unknown"
    return LogRow(row.at, row.text, level, row.labels)


def listing(view: View) -> Listing:
    """Which alerts, annotations or dashboards a list is of."""
    options, scope = view.options, view.scope
    most = whole(options, "maxItems", whole(options, "limit", 20, 1, 1000), 1, 1000)
    if view.panel.kind == "annolist":
        return Listing("annotations", most, tags=tuple(fill_text(one, scope) for one in texts(options, "tags")))
    if view.panel.kind == "dashlist":
        return Listing("dashboards", most, fill_text(text(options, "query"), scope), texts(options, "tags"))
    states = tuple(name for name, wanted in part(options, "stateFilter").items() if wanted is True)
    name = fill_text(text(options, "alertName"), scope)
    return Listing(
        "alerts",
        most,
        name,
        states=states,
        labels=_matchers(fill_text(text(options, "alertInstanceLabelFilter"), scope)),
    )


_MATCHER: Final = re.compile(r'([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')


def _matchers(said: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((found[1], found[2], found[3].replace('\\"', '"')) for found in _MATCHER.finditer(said))
