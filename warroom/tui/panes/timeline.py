"""The timeline: every entry of the log, one line each, a rule where the incident entered a new phase.

Invariant: reads the entries in place; whatever the length of the log, only rows in view are touched.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import tzinfo

from rich.style import Style

from warroom.incident.state import Entry
from warroom.incident.vector import Vector
from warroom.tui.glyphs import glyphs, status_glyph
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.line import Line, Span, justify, wrap

PHASE_KINDS = frozenset({"incident-declared", "status-changed", "incident-accepted", "incident-reopened"})
"""Kinds that begin a phase; they are drawn as a rule across the pane."""

QUIET_KINDS = frozenset({"chat-posted", "entry-pinned", "entry-unpinned", "entry-corrected"})
"""Kinds shown elsewhere (in the chat, as a mark on the entry) and left out of the unfiltered timeline."""

GROUPS: dict[str, frozenset[str]] = {
    "decisions": frozenset({"decision-opened", "objection-raised", "decision-taken"}),
    "changes": frozenset({"change-recorded"}),
    "alerts": frozenset({"alert-attached", "alert-acknowledged", "alert-resolved"}),
    "notes": frozenset({"note-added", "evidence-pinned", "link-added"}),
    "people": frozenset(
        {"role-assigned", "role-released", "role-handed-over", "command-offered", "command-offer-ended"}
    ),
    "tasks": frozenset({"task-added", "task-assigned", "task-acknowledged", "task-finished", "task-dropped"}),
    "causes": frozenset({"hypothesis-proposed", "hypothesis-supported", "hypothesis-refuted", "hypothesis-confirmed"}),
    "updates": frozenset({"update-published", "next-update-set", "impact-counted", "impact-described"}),
    "chat": frozenset({"chat-posted"}),
}
"""What a filter word that begins with `#` selects: `#decisions`, `#alerts`."""


class TimelineSource:
    """Entries as rows. `zone` is how the reader wants times told; `detail` allows a second line."""

    row_lines: int | None = None

    def __init__(self, entries: Vector[Entry], zone: tzinfo, *, detail: bool = True) -> None:
        self.entries, self.zone, self.detail = entries, zone, detail

    def __len__(self) -> int:
        return len(self.entries)

    def row(self, index: int) -> Entry:
        """The entry with seq `index + 1`."""
        return self.entries[index]

    def key(self, row: Entry) -> Hashable:
        """Its seq."""
        return row.seq

    def render(self, row: Entry, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """One line, a second for what does not fit, all of it while selected."""
        lines = [_phase_rule(row, width, self.zone, palette)] if row.kind in PHASE_KINDS else []
        if row.kind == "status-changed" and not selected:
            return lines
        return [*lines, *self._entry(row, width, selected, palette)]

    def _entry(self, row: Entry, width: int, selected: bool, palette: Palette) -> list[Line]:
        sign, colour, bold = sign_of(row, palette)
        head: list[Span] = [
            (clock_of(row, self.zone) + " ", style(palette.muted)),
            (sign + " ", style(colour)),
        ]
        marks = _marks(row, palette)
        who: list[Span] = [*marks, (row.actor, style(palette.person(row.actor)))]
        indent = 11
        room = max(8, width - indent - sum(len(text) for text, _ in who) - 1)
        first, *rest = wrap(row.words, room)
        ink = style(palette.muted, italic=True) if row.redacted else style(palette.text, bold=bold)
        lines: list[Line] = []
        limit = 12 if selected else 2 if self.detail else 1
        if rest and limit == 1:
            first = row.words
        lines.append(justify([*head, (first, ink)], who, width))
        if rest and limit > 1:
            more = wrap(" ".join(rest), max(8, width - indent))
            shown = more[: limit - 1]
            if len(more) > len(shown):
                shown[-1] = shown[-1][: max(1, width - indent - 1)] + glyphs().ellipsis
            lines += [[(" " * indent, Style.null()), (text, style(palette.soft))] for text in shown]
        if selected:
            lines += [[(" " * indent, Style.null()), (text, style(palette.muted))] for text in self._fine_print(row)]
        return lines

    def _fine_print(self, row: Entry) -> list[str]:
        notes = [f"entry {row.seq} {glyphs().middot} {row.kind}"]
        if row.correction:
            notes.append(f"corrected by {row.corrected_by}; first written: {row.text}")
        if abs((row.recorded_at - row.occurred_at).total_seconds()) >= 1:
            recorded = row.recorded_at.astimezone(self.zone).strftime("%H:%M:%S")
            notes.append(f"recorded {recorded}, dated back by {row.actor}")
        return notes


def clock_of(row: Entry, zone: tzinfo) -> str:
    """When it happened, as a clock time of eight cells."""
    return row.occurred_at.astimezone(zone).strftime("%H:%M:%S")


def sign_of(row: Entry, palette: Palette) -> tuple[str, str, bool]:
    """The sign of an entry's kind, its colour, and whether its words are bold."""
    g = glyphs()
    if row.redacted:
        return g.cross, palette.muted, False
    family = row.kind.split("-", 1)[0]
    exact: dict[str, tuple[str, str, bool]] = {
        "decision-taken": (g.up, palette.hue("amber"), True),
        "severity-changed": (g.up, palette.hue("red"), True),
        "task-finished": (g.tick, palette.good, False),
        "step-completed": (g.tick, palette.good, False),
        "alert-resolved": (g.dot, palette.good, False),
        "alert-attached": (g.dot, palette.bad, False),
        "hypothesis-confirmed": (g.diamond, palette.good, True),
        "hypothesis-refuted": (g.cross, palette.muted, False),
        "update-published": (g.pointer, palette.hue("pink"), True),
        "evidence-pinned": (g.square, palette.hue("blue"), False),
    }
    families: dict[str, tuple[str, str, bool]] = {
        "change": (g.deploy, palette.hue("violet"), False),
        "hypothesis": (g.hollow_diamond, palette.hue("violet"), False),
        "decision": (g.up, palette.hue("amber"), False),
        "objection": (g.down, palette.hue("orange"), False),
        "role": (g.diamond, palette.hue("teal"), False),
        "command": (g.diamond, palette.hue("teal"), False),
        "task": (g.ring, palette.hue("cyan"), False),
        "step": (g.ring, palette.hue("cyan"), False),
        "alert": (g.dot, palette.hue("orange"), False),
        "impact": (g.level, palette.hue("orange"), False),
        "incident": (g.diamond, palette.accent, True),
    }
    return exact.get(row.kind) or families.get(family) or (g.bullet, palette.soft, False)


def _marks(row: Entry, palette: Palette) -> list[Span]:
    marks: list[Span] = []
    if row.pinned:
        marks.append((glyphs().pin + " ", style(palette.hue("amber"))))
    if row.correction:
        marks.append(("corrected ", style(palette.hue("orange"))))
    return marks


def _phase_rule(row: Entry, width: int, zone: tzinfo, palette: Palette) -> Line:
    word = _phase_of(row)
    colour = palette.status(word)
    g = glyphs()
    left = g.rule * 9
    sign = g.diamond if word == "declared" else status_glyph(word)
    label = f" {sign} {word} "
    right = f" {clock_of(row, zone)} {row.actor} "
    tail = g.rule * max(0, width - len(left) - len(label) - len(right) - 2)
    rule = style(palette.rule_strong)
    return [
        (left, rule),
        (label, style(colour, bold=True)),
        (tail, rule),
        (right, style(palette.muted)),
        (g.rule * 2, rule),
    ]


def _phase_of(row: Entry) -> str:
    """The status an entry of a phase kind led to, read off its words' last status name."""
    known = {"incident-accepted": "investigating", "incident-reopened": "investigating"}
    if row.kind in known:
        return known[row.kind]
    if row.kind == "incident-declared":
        return "declared"
    words = row.text.replace(",", " ").replace(":", " ").split()
    statuses = [word for word in words if word in _STATUS_WORDS]
    return statuses[-1] if statuses else "status"


_STATUS_WORDS = frozenset({"triage", "investigating", "identified", "monitoring", "resolved", "closed"})


def keeper(text: str) -> Callable[[Entry], bool]:
    """What a filter typed by a person keeps: every word must match; `!word` excludes; `#group` picks kinds.

    Words match the text, the actor or the kind, whatever their case. Without a word, quiet kinds are left out.
    """
    words = text.casefold().split()
    if not words:
        return lambda entry: entry.kind not in QUIET_KINDS
    groups = [GROUPS[word[1:]] for word in words if word[:1] == "#" and word[1:] in GROUPS]
    wanted = [word for word in words if not (word[:1] == "#" and word[1:] in GROUPS) and word != "!"]

    def keep(entry: Entry) -> bool:
        if groups and not any(entry.kind in group for group in groups):
            return False
        hay = f"{entry.words} {entry.actor} {entry.kind}".casefold()
        return all((word[1:] not in hay) if word[0] == "!" else (word in hay) for word in wanted)

    return keep
