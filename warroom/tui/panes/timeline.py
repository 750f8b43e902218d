"""The timeline: every entry of the log, one line each, a rule where the incident entered a new phase.

Invariant: reads the entries in place; whatever the length of the log, only rows in view are touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import tzinfo
from itertools import chain
from typing import TypeAlias

from rich.style import Style

from warroom.incident.state import Entry, IncidentState
from warroom.tui.glyphs import glyphs, status_glyph
from warroom.tui.palette import Palette, style
from warroom.tui.panes.pending import PendingRow
from warroom.tui.widgets.line import Line, Span, justify, wrap

PHASE_KINDS = frozenset({"incident-declared", "status-changed", "incident-accepted", "incident-reopened"})
"""Kinds that begin a phase; they are drawn as a rule across the pane."""

STEP_KINDS = frozenset({"step-completed", "step-skipped", "step-assigned", "step-reopened"})
"""Kinds whose words begin with a step of a playbook by its id."""

_FAILED = re.compile(r"Action \d+ (failed|cancelled)")
_STEP = re.compile(r"Step (?P<step>\S+) of (?P<playbook>\S+)")

QUIET_KINDS = frozenset({"chat-posted", "entry-pinned", "entry-unpinned", "entry-corrected"})
"""Kinds shown elsewhere (in the chat, as a mark on the entry) and left out of the unfiltered timeline."""

GROUPS: dict[str, frozenset[str]] = {
    "decisions": frozenset({"decision-opened", "objection-raised", "decision-taken"}),
    "changes": frozenset({"change-recorded"}),
    "alerts": frozenset({"alert-attached", "alert-acknowledged", "alert-resolved"}),
    "notes": frozenset({"note-added", "evidence-pinned", "link-added", "panel-added", "panel-removed"}),
    "people": frozenset(
        {"role-assigned", "role-released", "role-handed-over", "command-offered", "command-offer-ended"}
    ),
    "tasks": frozenset({"task-added", "task-assigned", "task-acknowledged", "task-finished", "task-dropped"}),
    "causes": frozenset(
        {
            "hypothesis-proposed",
            "hypothesis-supported",
            "hypothesis-refuted",
            "hypothesis-confirmed",
            "hypothesis-rated",
        }
    ),
    "actions": frozenset(
        {"action-requested", "action-approved", "action-rejected", "action-started", "action-finished"}
    ),
    "injects": frozenset({"inject-delivered", "hint-asked", "hint-given", "truth-revealed"}),
    "exercise": frozenset(
        {
            "exercise-started",
            "exercise-stopped",
            "exercise-marked",
            "pace-set",
            "person-withheld",
            "person-returned",
            "world-changed",
            "truth-revealed",
        }
    ),
    "updates": frozenset({"update-published", "next-update-set", "impact-counted", "impact-described"}),
    "chat": frozenset({"chat-posted"}),
}
"""What a filter word that begins with `#` selects: `#decisions`, `#alerts`."""


Row: TypeAlias = Entry | PendingRow


class TimelineSource:
    """Entries as rows, then what is on its way. `zone` is how the reader wants times told.

    `detail` allows a second line. `state` is where an entry's step and phase get their names from.
    """

    row_lines: int | None = None

    def __init__(
        self, state: IncidentState, zone: tzinfo, *, pending: Sequence[PendingRow] = (), detail: bool = True
    ) -> None:
        self.entries, self.zone, self.detail, self.pending = state.timeline, zone, detail, pending
        self._titles = {(one.id, step.id): step.title for one in state.playbooks for step in one.steps}
        self._reached = {when: status.value for status, when in state.statuses}

    def __len__(self) -> int:
        return len(self.entries) + len(self.pending)

    def row(self, index: int) -> Row:
        """The entry with seq `index + 1`, or behind the last a command on its way."""
        size = len(self.entries)
        return self.entries[index] if index < size else self.pending[index - size]

    def __iter__(self) -> Iterator[Row]:
        return chain(self.entries, self.pending)

    def key(self, row: Row) -> Hashable:
        """Its seq; for a command on its way its negative number."""
        return row.seq if isinstance(row, Entry) else -row.n

    def render(self, row: Row, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """One line, a second for what does not fit, all of it while selected."""
        if isinstance(row, PendingRow):
            return self._pending(row, width, palette)
        lines = [_phase_rule(row, self._phase_of(row), width, self.zone, palette)] if row.kind in PHASE_KINDS else []
        if row.kind == "status-changed" and not selected:
            return lines
        return [*lines, *self._entry(row, width, selected, palette)]

    def _pending(self, row: PendingRow, width: int, palette: Palette) -> Sequence[Line]:
        """In the place it will have, dim, with a word on what it waits for."""
        head: list[Span] = [(" " * 9 + glyphs().dotted + " ", style(palette.warn))]
        ink = style(palette.muted, italic=True)
        word: list[Span] = [("on its way" if row.sent else "unsent", style(palette.warn))]
        return [justify([*head, (row.text, ink)], word, width)]

    def _phase_of(self, row: Entry) -> str:
        """The status an entry led to; the word `status` where its words were erased."""
        if row.kind == "incident-declared":
            return "declared"
        return self._reached.get(row.occurred_at, "status")

    def _words(self, row: Entry) -> str:
        """The words of an entry; a step is named by its title rather than by its id."""
        found = _STEP.match(row.text) if row.kind in STEP_KINDS and not row.correction else None
        title = self._titles.get((found["playbook"], found["step"])) if found else None
        if not found or not title:
            return row.words
        rest = row.text[found.end() :]
        return title + (rest if row.kind == "step-assigned" else f":{rest}")

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
        words = self._words(row)
        first, *rest = wrap(words, room)
        ink = style(palette.muted, italic=True) if row.redacted else style(palette.text, bold=bold)
        lines: list[Line] = []
        limit = 12 if selected else 2 if self.detail else 1
        if rest and limit == 1:
            first = words
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
        "hypothesis-rated": (g.half, palette.hue("violet"), False),
        "action-finished": (g.tick, palette.good, False),
        "action-rejected": (g.cross, palette.muted, False),
        "exercise-started": (g.diamond, palette.hue("orange"), True),
        "exercise-stopped": (g.square, palette.hue("orange"), True),
        "inject-delivered": (g.pointer, palette.hue("orange"), False),
        "truth-revealed": (g.diamond, palette.good, True),
        "panel-added": (g.level, palette.hue("blue"), False),
        "panel-removed": (g.level, palette.muted, False),
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
        "action": (g.half, palette.accent, False),
        "hint": (g.dotted, palette.hue("amber"), False),
        "exercise": (g.hollow_diamond, palette.hue("orange"), False),
        "pace": (g.arrow, palette.muted, False),
        "person": (g.ring, palette.hue("orange"), False),
        "world": (g.small_square, palette.muted, False),
    }
    if row.kind == "action-finished" and _FAILED.match(row.text):
        return g.up, palette.bad, True
    return exact.get(row.kind) or families.get(family) or (g.bullet, palette.soft, False)


def _marks(row: Entry, palette: Palette) -> list[Span]:
    marks: list[Span] = []
    if row.pinned:
        marks.append((glyphs().pin + " ", style(palette.hue("amber"))))
    if row.correction:
        marks.append(("corrected ", style(palette.hue("orange"))))
    return marks


def _phase_rule(row: Entry, word: str, width: int, zone: tzinfo, palette: Palette) -> Line:
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


def keeper(text: str) -> Callable[[Row], bool]:
    """What a filter typed by a person keeps: every word must match; `!word` excludes; `#group` picks kinds.

    Words match the text, the actor or the kind, whatever their case. Without a word, quiet kinds are left out.
    What is on its way is always kept.
    """
    words = text.casefold().split()
    if not words:
        return lambda entry: entry.kind not in QUIET_KINDS
    groups = [GROUPS[word[1:]] for word in words if word[:1] == "#" and word[1:] in GROUPS]
    wanted = [word for word in words if not (word[:1] == "#" and word[1:] in GROUPS) and word != "!"]

    needed = [word for word in wanted if word[0] != "!"]
    unwanted = [word[1:] for word in wanted if word[0] == "!"]
    tails: dict[str, dict[str, str]] = {}

    def tail(entry: Entry) -> str:
        """Actor and kind, folded once for each pair: there are few of them in however long a log."""
        by_kind = tails.setdefault(entry.actor, {})
        found = by_kind.get(entry.kind)
        if found is None:
            found = by_kind[entry.kind] = f"{entry.actor} {entry.kind}".casefold()
        return found

    def keep(entry: Row) -> bool:
        if isinstance(entry, PendingRow):
            return True
        if groups and not any(entry.kind in group for group in groups):
            return False
        # In the order of what tells most: 100,000 entries are looked at while the reader types.
        said = (entry.correction or entry.text).casefold()
        for word in needed:
            if word not in said and word not in tail(entry):
                return False
        for word in unwanted:  # noqa: SIM110 - a generator costs as much again as the search
            if word in said or word in tail(entry):
                return False
        return True

    return keep
