"""Small pictures in one row, as runs of text: progress, sparkline, the way of an incident.

Invariant: pure; each fits the width it is given and says in words or numbers what its colours say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.line import Span, width_of


def progress(
    done: int, total: int, width: int, palette: Palette, *, word: str = "steps", colour: str = ""
) -> list[Span]:
    """A bar and `5/12 steps`, exactly `width` cells; the words win over the bar when there is little room."""
    table, total = glyphs(), max(0, total)
    done = min(max(0, done), total)
    count = [(f"{done}", style(palette.good, bold=True)), (f"/{total} {word}".rstrip(), style(palette.muted))]
    room = width - width_of(count) - 2
    if room < 4:
        count = [(f"{done}", style(palette.good, bold=True)), (f"/{total}", style(palette.muted))]
        room = width - width_of(count) - 1
    if room < 3:
        return count
    paint = style(colour or palette.good)
    filled = done / total * room if total else 0.0
    whole = int(filled)
    tip = table.tip if filled - whole > 0.3 and whole < room else ""
    rest = room - whole - len(tip)
    gap = width - room - width_of(count)
    return [
        (table.heavy_rule * whole + tip, paint),
        (table.rule * rest, style(palette.rule_strong)),
        (" " * gap, style(palette.text)),
        *count,
    ]


def spark(values: Sequence[float | None], width: int, palette: Palette, colour: str, backdrop: str = "") -> list[Span]:
    """A block sparkline of `width` cells from zero to the largest value; the newest sample is at the right.

    More samples than cells are gathered by their largest, so a peak stays; a missing one is a blank.
    """
    if width <= 0:
        return []
    bars = glyphs().spark
    count = len(values)
    if count > width:
        groups = [values[at * count // width : (at + 1) * count // width] for at in range(width)]
    else:
        groups = [()] * (width - count) + [(value,) for value in values]
    peaks = [max((v for v in group if v is not None and v == v), default=None) for group in groups]
    finite = [peak for peak in peaks if peak is not None and math.isfinite(peak)]
    most = max(finite, default=0.0)
    out: list[Span] = []
    for peak in peaks:
        if peak is None:
            out.append((" ", style(palette.text)))
            continue
        share = 1.0 if peak == math.inf else peak / most if most > 0 and peak > 0 else 0.0
        level = min(len(bars) - 1, int(share * (len(bars) - 1) + 0.5))
        out.append((bars[level], style(palette.fade(colour, 0.4 + 0.6 * share, backdrop or None))))
    return _merged(out)


@dataclass(frozen=True, slots=True)
class Phase:
    """One step of an incident's way: its name, whether it is behind, now or ahead, and when it was reached."""

    name: str
    place: Literal["past", "now", "ahead"]
    at: str = ""


def phases(way: Sequence[Phase], width: int, palette: Palette) -> list[Span]:
    """The way of an incident: `✓ triage 08:58 ── ◐ investigating 09:04 ── ○ identified ...`.

    With less room it drops the times, then shortens the joints, then the names of what is not now, and last of all
    everything but where the incident is.
    """
    variants = ((True, True, 2), (False, True, 2), (False, True, 1), (False, False, 1))
    for times, names, joint in variants:
        line = _way(way, palette, times=times, names=names, joint=joint)
        if width_of(line) <= width:
            return line
    current = [phase for phase in way if phase.place == "now"] or list(way[-1:])
    return _way(current, palette, times=False, names=True, joint=1)


def _way(way: Sequence[Phase], palette: Palette, *, times: bool, names: bool, joint: int) -> list[Span]:
    table, out = glyphs(), list[Span]()
    signs = {"past": table.tick, "now": table.half, "ahead": table.ring}
    for number, phase in enumerate(way):
        now = phase.place == "now"
        colour = {"past": palette.good, "now": palette.status(phase.name), "ahead": palette.faint}[phase.place]
        if number:
            reached = phase.place != "ahead"
            rule = (table.heavy_rule if reached else table.rule) * joint
            paint = style(colour if reached else palette.rule_strong)
            out.append((f" {rule} ", paint))
        out.append((signs[phase.place], style(colour, bold=now)))
        if names or now:
            ink = {"past": palette.soft, "now": colour, "ahead": palette.muted}[phase.place]
            out.append((f" {phase.name}", style(ink, bold=now)))
        if times and phase.at:
            out.append((f" {phase.at}", style(palette.muted)))
    return out


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Neighbouring runs of one style as one run."""
    out: list[Span] = []
    for text, paint in spans:
        if out and out[-1][1] is paint:
            out[-1] = (out[-1][0] + text, paint)
        else:
            out.append((text, paint))
    return out
