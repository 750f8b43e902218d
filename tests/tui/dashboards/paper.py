"""Paper to draw panels on without an app: rows as text, and the ink of the shipped theme."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.cells import cell_len

from warroom.dashboards.data import Axis, Body, Chart, Line, Mark, PanelData, Reading, Readings, Tile
from warroom.tui import glyphs
from warroom.tui.dashboards.panel import Look, draw_panel
from warroom.tui.dashboards.printed import paper_ink
from warroom.tui.widgets.line import Span

INK = paper_ink()
START, END = 1_763_715_600.0, 1_763_719_200.0


@contextmanager
def plain_glyphs() -> Iterator[None]:
    """A terminal that shows ASCII only."""
    glyphs.use(glyphs.ASCII)
    try:
        yield
    finally:
        glyphs.use(glyphs.UNICODE)


def texts(rows: Sequence[Sequence[Span]]) -> list[str]:
    """The rows as text."""
    return ["".join(text for text, _ in row) for row in rows]


def drawn(data: PanelData | Body, width: int = 80, height: int = 20, look: Look | None = None) -> list[str]:
    """A panel as rows of text, each checked to have the width asked for."""
    panel = data if isinstance(data, PanelData) else PanelData("Latency", "timeseries", data)
    rows = texts(draw_panel(panel, width, height, INK, look or Look()))
    assert len(rows) == height
    assert {cell_len(row) for row in rows} == {width}
    return rows


def shows(rows: Sequence[str], words: str) -> bool:
    """Whether the words stand in one row."""
    return any(words in row for row in rows)


def a_line(name: str, *values: float | None, **said: object) -> Line:
    """A series with evenly spread values over the hour."""
    step = (END - START) / max(1, len(values) - 1)
    return Line(name, tuple(START + at * step for at in range(len(values))), values, **said)  # type: ignore[arg-type]


def a_chart(*lines: Line, **said: object) -> Chart:
    """A chart of these lines over the hour."""
    return Chart(lines, (Axis(lines[0].unit if lines else ""),), START, END, **said)  # type: ignore[arg-type]


def a_tile(name: str, value: float | None, text: str, mark: Mark | None = None, share: float | None = None) -> Tile:
    """One number."""
    return Tile(Reading(name, value, text, mark or Mark()), share)


def a_reading(style: str, *tiles: Tile, **said: object) -> Readings:
    """Numbers in a shape."""
    return Readings(style, tiles, **said)  # type: ignore[arg-type]
