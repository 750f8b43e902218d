"""What the facilitator's screen says, as rows: the script, the world, the people, the plan, the truth.

Invariant: how something stands is told by a sign and a word, and the colour only repeats it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from warroom.incident.state import IncidentState
from warroom.incident.words import Duty
from warroom.tui.exercise.control_forms import override_words
from warroom.tui.exercise.forms import duty_word
from warroom.tui.exercise.inbox import to_word
from warroom.tui.glyphs import countdown, glyphs, short_clock
from warroom.tui.palette import Palette, style
from warroom.tui.panes.source import Rows
from warroom.tui.widgets.line import Line, Span, justify, safe, width_of, wrap

BAR = 10
"""Cells of a bar."""


class ControlRow(NamedTuple):
    """One line: sign, name, words, a bar from 0 to 1 or None, and at the right how it stands.

    `ink` names a role of the palette for sign and state. `more` is shown under the row while it is selected. `id` is
    what the keys act on, `kind` which kind of thing that is. One that is `open` is shown whole without being selected.
    """

    key: str
    sign: str
    ink: str
    name: str
    words: str = ""
    right: str = ""
    bar: float | None = None
    strong: bool = False
    dim: bool = False
    more: str = ""
    kind: str = ""
    id: str = ""
    open: bool = False

    @property
    def title(self) -> str:
        return self.more or self.words or self.name


def ink_of(palette: Palette, ink: str) -> str:
    """A role by its name."""
    roles = {
        "bad": palette.bad, "warn": palette.warn, "good": palette.good, "muted": palette.muted, "text": palette.text,
        "soft": palette.soft, "accent": palette.accent, "faint": palette.faint,
    }  # fmt: skip
    return roles.get(ink) or palette.hue(ink)


def bar_spans(share: float, cells: int, colour: str, palette: Palette) -> list[Span]:
    """A bar of so many cells."""
    g = glyphs()
    full = round(max(0.0, min(1.0, share)) * cells)
    return [(g.heavy_rule * full, style(colour, bold=True)), (g.rule * (cells - full), style(palette.rule_strong))]


class ControlRows(Rows[ControlRow]):
    """As rows of a list."""

    row_lines: int | None = None

    def render(self, row: ControlRow, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """One line; while selected all that there is."""
        if row.kind == "title":
            return [[(row.name, style(palette.accent, bold=True)), (f"  {row.words}", style(palette.muted))]]
        colour = ink_of(palette, row.ink)
        words = style(palette.muted if row.dim else palette.text, bold=row.strong)
        left: list[Span] = [
            (f"{row.sign} ", style(colour, bold=row.strong)),
            (f"{safe(row.name)} ", style(colour if row.strong else palette.soft, bold=True)),
        ]
        right: list[Span] = [(row.right, style(colour, bold=row.strong))]
        if row.bar is not None and width >= 36:
            right = [*bar_spans(row.bar, BAR, colour, palette), (" ", style(palette.text)), *right]
        indent = 8 if row.kind == "inject" else 4
        selected = selected or row.open
        if selected and width_of(left) + len(row.words) + width_of(right) + 1 > width:
            first, *rest = wrap(safe(row.words), max(8, width - width_of(left) - width_of(right) - 1))
            lines: list[Line] = [justify([*left, (first, words)], right, width)]
            rest = wrap(" ".join(rest), max(8, width - indent)) if rest else []
        else:
            lines, rest = [justify([*left, (safe(row.words), words)], right, width)], []
        if selected and row.more:
            rest += [part for text in row.more.splitlines() for part in wrap(safe(text), max(8, width - indent))]
        lines += [[(" " * indent, style(palette.text)), (part, style(palette.soft))] for part in rest[:10]]
        return lines


def next_inject(view: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The one that comes next by the script's time; one that is late waits for somebody to tell it to."""
    second = int(view.get("second", 0))
    timed = (one for one in view.get("schedule", ()) if one["state"] == "waiting" and one["at"] is not None)
    return min((one for one in timed if one["at"] >= second), key=lambda one: int(one["at"]), default=None)


def schedule_rows(view: Mapping[str, Any], *, roomy: bool = False) -> Iterator[ControlRow]:
    """The script in order of time; what has a condition, and hints, behind it. `roomy` shows all words of each."""
    g, second, coming = glyphs(), int(view.get("second", 0)), next_inject(view)
    rows = sorted(view.get("schedule", ()), key=lambda one: (one["at"] is None, one["at"] or 0))
    for one in rows:
        at, state = one["at"], one["state"]
        chosen = coming is not None and one["id"] == coming["id"]
        sign, ink = {"fired": (g.tick, "good"), "skipped": (g.cross, "muted")}.get(state, (g.ring, "soft"))
        right = state
        if chosen:
            sign, ink = g.pointer, "orange"
        if state == "waiting":
            right = countdown(at - second) if at is not None else "when asked" if one["cost"] else "by condition"
            if at is not None and at < second:
                right = "seat is empty" if one["to"] in set(Duty) else "due"
        name = short_clock(at) if at is not None else "hint " if one["cost"] else "when "
        sender = f"{one['sender']} {g.arrow} {to_word(one['to'])}: " if one["sender"] else ""
        more = [f"{one['id']}" + (f"  forces {one['forces']}" if one["forces"] else "")]
        more += [f"when {one['when']}"] if one["when"] else []
        more += [f"costs {one['cost']:g} points"] if one["cost"] else []
        yield ControlRow(
            f"inject:{one['id']}", sign, ink, f"{name:>5}", f"{sender}{' '.join(one['text'].split())}", right,
            strong=chosen, dim=state != "waiting", more="\n".join(more), kind="inject", id=one["id"],
            open=roomy,
        )  # fmt: skip


def world_rows(view: Mapping[str, Any]) -> Iterator[ControlRow]:
    """Faults by how bad they are now, then tools in trouble, metrics that are overridden and panes that are silent."""
    g, second = glyphs(), int(view.get("second", 0))
    for one in sorted(view.get("faults", ()), key=lambda one: -one["severity"]):
        severity = float(one["severity"])
        acts = severity > 0
        ink = "muted" if not acts else "soft" if one["harmless"] else "bad" if severity >= 0.5 else "warn"
        at = one.get("at")
        planned = f"at {short_clock(at)}" if isinstance(at, int | float) and at > second else "not now"
        word = f"{severity:.0%}" if acts else planned
        target = " ".join(str(value) for value in one["target"].values())
        more = one["text"] + ("\na red herring: it harms nobody" if one["harmless"] else "")
        yield ControlRow(
            f"fault:{one['id']}", g.up if acts else g.ring, ink, one["id"],
            f"{one['type'].replace('_', ' ')} {target}{'  harmless' if one['harmless'] else ''}", word,
            bar=severity if acts else None, strong=acts and not one["harmless"], dim=not acts, more=more.strip(),
            kind="fault", id=one["id"],
        )  # fmt: skip
    for tool, one in view.get("tools", {}).items():
        told = [f"{one['latency']:g} s slower"] * (not one["down"] and one["latency"] > 0)
        told += [f"{one['error_rate']:.0%} errors"] * (not one["down"] and one["error_rate"] > 0)
        words = "DOWN" if one["down"] else ", ".join(told) or "degraded"
        yield ControlRow(
            f"tool:{tool}", g.diamond, "warn", tool, words, "tool", bar=None, strong=bool(one["down"]), kind="tool",
            id=tool,
        )  # fmt: skip
    for metric, value in view.get("overrides", {}).items():
        words = override_words(value)
        yield ControlRow(
            f"override:{metric}", g.diamond, "warn", metric, words, "overridden", kind="override", id=metric
        )
    for pane in view.get("muted", ()):
        yield ControlRow(f"pane:{pane}", g.cross, "warn", str(pane), "shows nothing", "muted", kind="pane", id=pane)


def people_rows(view: Mapping[str, Any], state: IncidentState, here: Iterable[str]) -> Iterator[ControlRow]:
    """Who plays: their duties, whether they are here, who is out of reach or waited for, and seats that nobody has."""
    g, exercise = glyphs(), state.exercise
    hosts = exercise.hosts if exercise is not None else ()
    out = set(view.get("withheld", ())) | (set(exercise.withheld) if exercise is not None else set())
    present = set(here)
    names = [one for one in dict.fromkeys((*present, *state.participants, *out)) if one not in hosts]
    for name in sorted(names, key=lambda one: (one in out, not state.duties_of(one), one)):
        duties = ", ".join(duty_word(duty) for duty in state.duties_of(name))
        sign, ink, right = (g.dot, "good", "here") if name in present else (g.ring, "muted", "away")
        if name in out:
            sign, ink, right = g.cross, "warn", "WITHHELD"
        yield ControlRow(
            f"person:{name}", sign, ink, name, duties or "no duty", right, strong=name in out, dim=not duties,
            kind="person", id=name,
        )  # fmt: skip
    for number in range(int(view.get("missing", 0))):
        yield ControlRow(f"missing:{number}", g.ring, "warn", "a player", "has not opened the exercise", "missing")
    for duty in exercise.roles if exercise is not None else ():
        if not state.holder(duty):
            yield ControlRow(f"seat:{duty}", g.hollow_diamond, "warn", Duty(duty).label, "nobody", "empty seat")


def plan_rows(view: Mapping[str, Any], state: IncidentState, now: datetime) -> Iterator[ControlRow]:
    """What players asked for with the verdict on it, then what is expected of them by when."""
    g, second = glyphs(), int(view.get("second", 0))
    verdicts = {one["id"]: one["verdict"] for one in view.get("actions", ())}
    inks = {"fix": "good", "mitigation": "good", "palliative": "warn", "harmful": "bad"}
    yield ControlRow("title:actions", "", "", "Actions", f"{len(state.actions)} asked for", kind="title")
    for one in sorted(state.actions, key=lambda one: (not one.is_open, -one.number)):
        verdict = verdicts.get(one.action, "")
        word = one.status
        if one.status == "running" and one.ends_at is not None:
            word = f"running {short_clock(max(0.0, (one.ends_at - now).total_seconds()))}"
        elif one.status == "requested" and one.approval:
            word = f"waits for {Duty(one.approval).short}"
        sign = g.half if one.is_open else g.tick if one.status == "done" else g.cross
        told = f"  {verdict}" if verdict else ""
        yield ControlRow(
            f"action:{one.number}", sign, inks.get(verdict, "soft"), f"{one.number}",
            f"{one.title}{told}", word, strong=one.is_open, dim=not one.is_open,
            more=f"by {one.requested_by}{': ' + one.words if one.words else ''}", kind="action", id=str(one.number),
        )  # fmt: skip
    yield ControlRow("title:milestones", "", "", "Milestones", "", kind="title")
    for one in view.get("milestones", ()):
        met, due = one.get("met"), one["due"]
        if met is not None:
            sign, ink, word = g.tick, "good" if met <= due else "warn", f"met {short_clock(met)}"
        elif one.get("judged") == "score":
            sign, ink, word = g.dotted, "soft", "by the score"
        elif second > due:
            sign, ink, word = g.up, "bad", countdown(due - second)
        else:
            sign, ink, word = g.ring, "soft", countdown(due - second)
        yield ControlRow(
            f"milestone:{one['id']}", sign, ink, short_clock(due), _plain(one["text"]), word, strong=ink == "bad",
            dim=met is not None, kind="milestone", id=one["id"],
        )  # fmt: skip


def _plain(text: str) -> str:
    """`role.assigned:incident_commander` as words; what has blanks is words already."""
    if " " in text:
        return text
    return text.replace(":GT", ":the truth").replace(":", ": ").replace("|", " or ").replace(".", " ").replace("_", " ")


def truth_rows(view: Mapping[str, Any], *, unfolded: bool) -> Iterator[ControlRow]:
    """The truth in its stages, folded until the host wants to see it; at the end what to ask in the debrief."""
    g, stages, out = glyphs(), list(view.get("truth", ())), int(view.get("revealed", 0))
    if not unfolded:
        words = f"folded; t shows {len(stages)} parts, {out} revealed"
        yield ControlRow("truth", g.square, "muted", "Truth", words, "", dim=True)
        return
    for number, text in enumerate(stages, start=1):
        told = number <= out
        yield ControlRow(
            f"truth:{number}", g.tick if told else g.square, "good" if told else "violet", f"{number}",
            text, "revealed" if told else "sealed", strong=number == out + 1, more="" if told else "v reveals the next",
            kind="truth", id=str(number),
        )  # fmt: skip
    for number, text in enumerate(view.get("debrief", ()), start=1):
        yield ControlRow(f"debrief:{number}", g.pointer, "amber", "ask", text, "debrief", dim=True)
