"""Where each panel of a dashboard lies: repeats made, rows folded, the grid of 24 columns as cells of a terminal.

Invariant: pure, and no two panels overlap: whatever places the file gives, a panel moves down until it has room (as in
Grafana, where panels also fall up into room that is free above them).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from warroom.dashboards.model import GRID, Dashboard, Grid, Option, Panel
from warroom.dashboards.values import Scope

ROWS_PER_UNIT: Final = 1.5
LEAST_CELLS: Final = 24
LEAST_ROWS: Final = 4
MOST_REPEATS: Final = 60


@dataclass(frozen=True)
class Placed:
    """A panel at its place: `x`, `y`, `w`, `h` in cells and rows of the terminal.

    `scope` has the values of this repetition; `key` tells repetitions of one panel apart and stays the same as long
    as its values do. `hidden` counts the panels that lie under a row while it is collapsed.
    """

    panel: Panel
    scope: Scope
    x: int
    y: int
    w: int
    h: int
    key: str
    collapsed: bool = False
    hidden: int = 0


@dataclass(frozen=True)
class _Item:
    panel: Panel
    scope: Scope
    key: str
    grid: Grid
    collapsed: bool = False
    hidden: int = 0


def lay_out(
    dashboard: Dashboard,
    scope: Scope,
    width_cells: int,
    *,
    folded: Mapping[str, bool] | None = None,
    rows_per_unit: float = ROWS_PER_UNIT,
) -> tuple[Placed, ...]:
    """Every panel that is to be seen, from the top. `folded` says of a row (by its key) whether it is collapsed, where
    that is no longer as in the file. Narrow terminals get fewer columns.
    """
    width = max(width_cells, 8)
    wide = _widening(width)
    sky = [0] * GRID
    place = 0
    done: list[Placed] = []
    band = -1
    for item in _items(dashboard, scope, folded or {}):
        grid = item.grid
        w = min(GRID, grid.w * wide)
        x = grid.x
        if wide > 1:
            x = place if grid.y == band and place + w <= GRID else 0
            place, band = x + w, grid.y
        left, right = round(x * width / GRID), round(min(x + w, GRID) * width / GRID)
        y = max(sky[x : x + w])
        h = 1 if item.panel.kind == "row" else max(LEAST_ROWS, round(grid.h * rows_per_unit))
        sky[x : x + w] = [y + h] * len(sky[x : x + w])
        done.append(
            Placed(item.panel, item.scope, left, y, max(1, right - left), h, item.key, item.collapsed, item.hidden)
        )
    return tuple(done)


def _widening(width: int) -> int:
    """By how much panels are widened so that a usual one (half of the grid) has room."""
    return next(factor for factor in (1, 2, 4) if width * factor / 4 >= LEAST_CELLS or factor == 4)


def _items(dashboard: Dashboard, scope: Scope, folded: Mapping[str, bool]) -> Iterator[_Item]:
    """Panels with their repeats in the order of the grid. Each row stands before its panels."""
    for row, panels in _sections(dashboard):
        if row is None:
            yield from _repeated(panels, scope, "")
            continue
        for option, own, key in _of_row(row, scope):
            fold = folded.get(key, row.collapsed)
            head = replace(row, grid=replace(row.grid, x=0, w=GRID, h=1))
            yield _Item(head, own, key, head.grid, fold, len(panels) if fold else 0)
            if not fold:
                yield from _repeated(panels, own, f"{key}/" if option else "")


def _sections(dashboard: Dashboard) -> Iterator[tuple[Panel | None, list[Panel]]]:
    """Rows with the panels that belong to them: those of a collapsed row, or those below an open one."""
    ordered = sorted(dashboard.panels, key=lambda one: (one.grid.y, one.grid.x, one.kind != "row"))
    row: Panel | None = None
    panels: list[Panel] = []
    for one in ordered:
        if one.kind == "row":
            if row is not None or panels:
                yield row, panels
            row, panels = one, sorted(one.panels, key=lambda inner: (inner.grid.y, inner.grid.x))
        else:
            panels.append(one)
    if row is not None or panels:
        yield row, panels


def _key(panel: Panel) -> str:
    return panel.path.removeprefix("$.")


def _of_row(row: Panel, scope: Scope) -> Iterator[tuple[Option | None, Scope, str]]:
    options = _options(row, scope)
    if not options:
        yield None, scope, _key(row)
    for option in options:
        yield option, scope.with_value(row.repeat, option), f"{_key(row)}@{option.value}"


def _options(panel: Panel, scope: Scope) -> tuple[Option, ...]:
    chosen = scope.values.get(panel.repeat) if panel.repeat else None
    return chosen.options[:MOST_REPEATS] if chosen else ()


def _repeated(panels: list[Panel], scope: Scope, prefix: str) -> Iterator[_Item]:
    """Panels with their repetitions: side by side up to so many in a line, or below each other."""
    for panel in panels:
        options = _options(panel, scope)
        if not options:
            yield _Item(panel, scope, prefix + _key(panel), panel.grid)
            continue
        across = 1 if panel.repeat_down else min(len(options), panel.max_per_row or 4)
        wide = panel.grid.w if panel.repeat_down else max(1, math.floor(GRID / across))
        for at, option in enumerate(options):
            x = panel.grid.x if panel.repeat_down else at % across * wide
            y = panel.grid.y + at // across
            yield _Item(
                panel,
                scope.with_value(panel.repeat, option),
                f"{prefix}{_key(panel)}@{option.value}",
                replace(panel.grid, x=x, y=y, w=wide),
            )
