"""The strip at the top of the facilitator's screen: how far the exercise is, and what users feel at this second.

Invariant: the time and the pace are never cut; shares of users come as numbers beside the bar.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warroom.incident.state import IncidentState
from warroom.tui.exercise.banner import pace_words
from warroom.tui.exercise.control_rows import next_inject
from warroom.tui.glyphs import countdown, glyphs, short_clock
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.line import Line, Span, justify, width_of

_FOR_NEXT = 36
"""Cells from which on the next inject is told behind the bar."""
_LEAST = 0.0005
"""A share below this reads as 0.0 %, and is drawn as nothing."""


def strip_lines(view: Mapping[str, Any], state: IncidentState, width: int, palette: Palette) -> list[Line]:
    """Two rows."""
    if not view:
        return []
    return [_time(view, state, width, palette), _users(view, state, width, palette)]


def _time(view: Mapping[str, Any], state: IncidentState, width: int, palette: Palette) -> list[Span]:
    g = glyphs()
    second, end, expected = int(view["second"]), int(view["hard_stop"]), int(view["expected"])
    paused = not float(view["speed"])
    over = state.exercise is not None and not state.exercise.running
    pace = pace_words(state) if over else _standing(view) if paused else f"{float(view['speed']):g}x"
    colour = palette.muted if over else palette.warn if paused else palette.good
    left: list[Span] = [
        (f" T+{short_clock(second)} ", style(palette.text, bold=True)),
        (f"{g.square if paused or over else g.pointer} {pace}  ", style(colour, bold=True)),
    ]
    coming = next_inject(view)
    right: list[Span] = [(f" {short_clock(end)} ", style(palette.muted))]
    if coming is not None and not over and width - width_of(left) >= _FOR_NEXT:
        ahead = countdown(coming["at"] - second)
        right = [*right, (f"{g.middot} next {ahead} ", style(palette.hue("orange"), bold=True))]
    cells = max(8, width - width_of(left) - width_of(right) - 1)
    done = min(cells, round(cells * second / end)) if end else 0
    mark = min(cells - 1, round(cells * expected / end)) if end else 0
    line: list[Span] = []
    for at in range(cells):
        if at == mark:
            line.append((g.dash_vertical, style(palette.hue("amber"), bold=True)))
        else:
            line.append((g.heavy_rule if at < done else g.rule, style(colour if at < done else palette.rule_strong)))
    return justify([*left, *line], right, width)


def _standing(view: Mapping[str, Any]) -> str:
    """What its time waits for, and how to let it run."""
    missing = int(view.get("missing", 0))
    if missing:
        return f"PAUSED: waits for {missing} {'player' if missing == 1 else 'players'}, space starts now"
    return "PAUSED: space goes on" if view["second"] else "PAUSED: space starts it"


def _users(view: Mapping[str, Any], state: IncidentState, width: int, palette: Palette) -> list[Span]:
    users = view["users"]
    asked, failed, late = float(users["requests"]), float(users["failed"]), float(users["late"])
    bad, slow = (failed / asked, late / asked) if asked else (0.0, 0.0)
    well = max(0.0, 1.0 - bad - slow)
    left: list[Span] = [(f" users {asked:,.0f}/s ".replace(",", " "), style(palette.soft))]
    cells = 30 if width >= 140 else 16 if width >= 100 else 8
    left += _stack(((well, palette.good), (slow, palette.warn), (bad, palette.bad)), cells, palette)
    for word, part, colour in (
        ("well", well, palette.good),
        ("late", slow, palette.warn),
        ("failed", bad, palette.bad),
    ):
        left.append((f"  {word} ", style(palette.muted)))
        left.append((f"{part:.1%}", style(colour if part >= _LEAST else palette.muted, bold=True)))
    exercise = state.exercise
    given = sum(entry.kind == "hint-given" for entry in state.timeline) if exercise is not None else 0
    cost = exercise.hints if exercise is not None else 0.0
    hints = f"hints {given}" + (f", {cost:g} points" if cost else "")
    return justify(left, [(f"{hints} ", style(palette.soft if given else palette.faint))], width)


def _stack(parts: tuple[tuple[float, str], ...], cells: int, palette: Palette) -> list[Span]:
    """A bar of several shares; one that is not nothing has a cell."""
    g = glyphs()
    signs = (g.block, g.level, g.cross) if g.ascii else (g.block,) * 3
    counts = [max(1, round(share * cells)) if share >= _LEAST else 0 for share, _ in parts]
    while sum(counts) > cells:
        counts[counts.index(max(counts))] -= 1
    spans = [(sign * count, style(colour)) for sign, count, (_, colour) in zip(signs, counts, parts, strict=True)]
    return [*spans, (g.middot * (cells - sum(counts)), style(palette.faint))]
