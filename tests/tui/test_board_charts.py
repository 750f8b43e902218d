"""What the board says of a panel: a promise is kept or broken on the side that the panel means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from warroom.client.view import PanelView
from warroom.telemetry.series import Full, Series
from warroom.tui.palette import build_palette
from warroom.tui.panes.metrics import chart_data
from warroom.tui.themes import NIGHT
from warroom.tui.widgets.chart_data import is_breached
from warroom.tui.widgets.chart_draw import Ink, draw

MAIN = {"foreground": "#d6deeb", "background": "#0b0f14", "accent": "#4fd6ff"}
INK = Ink(build_palette({**MAIN, **NIGHT.variables}, NIGHT.name, ansi=False), "#0b0f14")
NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("above", "value", "broken"), [(True, 0.9, True), (True, 0.5, False), (False, 0.9, False), (False, 0.5, True)]
)
def test_a_panel_is_broken_on_the_side_that_it_means(above: bool, value: float, broken: bool) -> None:
    promised = {"value": 0.8, "above": above, "label": "promised"}
    spec = {"title": "availability", "unit": "ratio", "thresholds": [promised]}
    start = NOW.timestamp() - 15
    full = Full("p", 1, start, 15.0, 2, (Series((), "users", start, 15.0, (value, value)),))
    view = PanelView("p", "INC-7K30", full=full)
    assert is_breached(chart_data(spec, view, (), NOW, UTC)) is broken


def test_what_was_below_its_promise_is_told_from_what_was_not() -> None:
    start, count = NOW.timestamp() - 600, 61
    values = tuple(0.99 if at < 45 else 0.4 for at in range(count))
    promised = {"value": 0.97, "above": False, "label": "promised"}
    spec = {"title": "availability", "unit": "ratio", "window": 600, "thresholds": [promised]}
    full = Full("p", 1, start, 10.0, count, (Series((), "users", start, 10.0, values),))
    rows = draw(chart_data(spec, PanelView("p", "INC-7K30", full=full), (), NOW, UTC), 60, 12, INK)
    foot = [(char, paint.color) for text, paint in rows[-3] for char in text if "\u2801" <= char <= "\u28ff"]
    colours = [colour for _, colour in foot]
    assert len(set(colours)) == 2
    turn = colours.index(colours[-1])
    assert colours == [colours[0]] * turn + [colours[-1]] * (len(colours) - turn)
    assert 0.65 < turn / len(colours) < 0.85
