"""The services as a map of columns and as a list, worst first.

Invariant: how a service fares is told by a sign and a word beside its colour, and what nobody told is no zero.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from rich.style import Style

from warroom.telemetry.graph import Health, ServiceGraph, ServiceNode
from warroom.tui.explore.service_layout import BADNESS, columns_of, neighbours, reached
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.line import Line, Span, crop, justify, safe, width_of
from warroom.tui.widgets.units import shown

WORDS: dict[Health, str] = {"red": "RED", "amber": "AMBER", "green": "OK", "unknown": "?"}


def sign_of(health: Health, palette: Palette) -> Span:
    """The sign of a health; each has another shape."""
    g = glyphs()
    signs = {"red": g.up, "amber": g.diamond, "green": g.dot, "unknown": g.ring}
    return signs[health], style(colour_of(health, palette), bold=health == "red")


def colour_of(health: Health, palette: Palette) -> str:
    """The colour of a health."""
    return {"red": palette.bad, "amber": palette.warn, "green": palette.good}.get(health, palette.muted)


def numbers_of(node: ServiceNode) -> tuple[str, str, str]:
    """Rate, errors and latency as texts; a dash where nothing was told."""
    dash = glyphs().rule
    return (
        dash if node.rate is None else shown(node.rate, "per_second").text,
        dash if node.error_ratio is None else shown(node.error_ratio, "ratio").text,
        dash if node.p95_seconds is None else shown(node.p95_seconds, "s").text,
    )


class Services:
    """One line for each service, worst first."""

    row_lines: int | None = 1

    def __init__(self, graph: ServiceGraph) -> None:
        self.graph = graph
        self.nodes = sorted(graph.nodes, key=lambda node: (BADNESS[node.health], -(node.rate or 0.0), node.name))
        self.callers, self.callees = neighbours(graph)

    def __len__(self) -> int:
        return len(self.nodes)

    def row(self, index: int) -> ServiceNode:
        return self.nodes[index]

    def key(self, row: ServiceNode) -> Hashable:
        return row.name

    @staticmethod
    def heading(width: int, palette: Palette) -> Line:
        """What the columns are."""
        right = f"{'rate':>11}{'errors':>10}{'p95':>10}"
        return justify([("        service", style(palette.muted))], [(right, style(palette.muted))], width)

    def render(self, row: ServiceNode, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """Sign and word, name, who calls it and whom it calls, the three numbers."""
        rate, errors, latency = numbers_of(row)
        left: list[Span] = [
            sign_of(row.health, palette),
            (f" {WORDS[row.health]:<6}", style(colour_of(row.health, palette), bold=row.health == "red")),
            (safe(row.name), style(palette.text, bold=True)),
        ]
        if row.words and row.health != "green" and width >= 70:
            left.append((f"  {safe(row.words)}", style(palette.soft)))
        bad = row.health in ("red", "amber")
        right: list[Span] = [
            (f"{rate:>11}", style(palette.soft)),
            (f"{errors:>10}", style(colour_of(row.health, palette) if bad else palette.soft, bold=bad)),
            (f"{latency:>10}", style(palette.soft)),
        ]
        if width >= 130:
            calls = f"{len(self.callers[row.name])} {glyphs().arrow} {len(self.callees[row.name])}"
            right.insert(0, (f"{calls:>9}", style(palette.muted)))
        return [justify(left, right, width)]


def tallest(graph: ServiceGraph) -> int:
    """Rows that the map of a graph has."""
    return max(map(len, columns_of(graph)), default=0)


def map_of(graph: ServiceGraph, chosen: str, width: int, height: int, palette: Palette) -> list[Line]:
    """The columns of services in `width` x `height` cells; what the chosen one calls, and is called by, stands out."""
    columns = columns_of(graph)
    if not columns or width < 10:
        return [[] for _ in range(height)]
    callers, callees = neighbours(graph)
    above, below = reached(chosen, callers), reached(chosen, callees)
    shown_columns = columns[: max(1, width // 18)]
    room = width // len(shown_columns)
    lines: list[Line] = []
    tallest = max(len(column) for column in shown_columns)
    for row in range(min(height, tallest)):
        line: list[Span] = []
        for column in shown_columns:
            cut = len(column) > height and row == height - 1
            if cut:
                cell: list[Span] = [(f"  +{len(column) - row} more", style(palette.muted))]
            elif row < len(column):
                links = (callers, callees)
                cell = _cell(column[row], chosen, above, below, links, palette)
                if width_of(cell) > room - 1:
                    cell = _cell(column[row], chosen, above, below, links, palette, with_errors=False)
            else:
                cell = []
            cell = crop(cell, room - 1)
            line += [*cell, (" " * (room - width_of(cell)), Style.null())]
        lines.append(line)
    return [*lines, *([] for _ in range(height - len(lines)))]


def _cell(
    node: ServiceNode,
    chosen: str,
    above: frozenset[str],
    below: frozenset[str],
    links: tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]],
    palette: Palette,
    *,
    with_errors: bool = True,
) -> list[Span]:
    """One service in the map: its sign, its name, and how it stands to the chosen one."""
    g = glyphs()
    callers, callees = links
    mark, paint = "  ", style(palette.text)
    if node.name == chosen:
        mark, paint = f"{g.cursor} ", style(palette.accent, bold=True)
    elif node.name in callees.get(chosen, ()):
        mark, paint = f"{g.arrow} ", style(palette.text, bold=True)
    elif node.name in callers.get(chosen, ()):
        mark, paint = "  ", style(palette.text, bold=True)
    elif chosen and node.name not in above and node.name not in below:
        paint = style(palette.muted)
    tail: list[Span] = [(f" {g.arrow}", style(palette.accent))] if node.name in callers.get(chosen, ()) else []
    told = with_errors and node.error_ratio and node.health != "green"
    errors = f" {shown(node.error_ratio, 'ratio').text}" if told and node.error_ratio else ""
    return [
        (mark, style(palette.accent)),
        sign_of(node.health, palette),
        (f" {safe(node.name)}", paint),
        (errors, style(colour_of(node.health, palette))),
        *tail,
    ]
