"""A dashboard of thirty panels on a board of 200x55 cells: what one redraw of all of it costs, and of one panel.

The CPU is that of drawing alone, in this process: rows of runs, without a terminal. The reference is plotext (what
textual-plotext draws with) with the same series in charts of the same sizes, built to text in the same run.

`WARROOM_DASHBOARDS` may name a folder of dashboards that nobody here wrote, as downloaded: then it is also counted how
many of their panels can be drawn with their data.
"""

from __future__ import annotations

import gc
import math
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from benchmarks.report import Figure
from warroom.dashboards.check import check
from warroom.dashboards.model import DashboardError
from warroom.dashboards.read import load_dashboard

PANELS = 30
SERIES = 3
POINTS = 240
WIDTH = 198
ROUNDS = 7
START = 1_763_715_600.0
STEP = 15.0


def model() -> dict[str, Any]:
    """Charts with three series each, every sixth panel a gauge, every seventh a row of numbers."""
    panels = []
    for at in range(PANELS):
        kind = "gauge" if at % 6 == 5 else "stat" if at % 7 == 6 else "timeseries"
        place = {"x": at % 3 * 8, "y": at // 3 * 7, "w": 8, "h": 7}
        fill = {"custom": {"fillOpacity": 20, "stacking": {"mode": "normal" if at % 4 == 0 else "none"}}}
        panels.append(
            {
                "type": kind, "title": f"Panel {at}", "gridPos": place,
                "datasource": {"type": "prometheus", "uid": "p"},
                "targets": [{"refId": "A", "expr": f"metric_{at}", "legendFormat": "{{series}}"}],
                "fieldConfig": {"defaults": {"unit": "s", **fill}, "overrides": []},
            }
        )  # fmt: skip
    return {"title": "Thirty", "uid": "thirty", "panels": panels}


def values(panel: int, series: int, turn: int) -> list[float]:
    """A wave with a little noise, another one for each series and turn."""
    return [
        2 + series + math.sin((at + turn) / (9 + panel % 5)) + (at * 7919 + panel * 104_729 + turn) % 97 / 200
        for at in range(POINTS)
    ]


def answer(panel: int, turn: int, start: float, step: float) -> Any:
    """What the server says to a panel's question."""
    from warroom.telemetry.series import Full, Series, encode

    lines = tuple(
        Series((("series", f"s{one}"),), f"s{one}", start, step, tuple(values(panel, one, turn)))
        for one in range(SERIES)
    )
    return orjson.loads(encode(Full("p", 1, start, step, POINTS, lines)))


def _filled(turn: int) -> Any:
    from warroom.dashboards.read import read_dashboard
    from warroom.tui.dashboards.sheet import Sheet

    sheet = Sheet(read_dashboard(model()))
    sheet.at(START, START + STEP * (POINTS - 1))
    sheet.place(WIDTH)
    take(sheet, turn)
    return sheet


def take(sheet: Any, turn: int) -> None:
    """Every panel's answer for a turn."""
    for question in sheet.wanted(sheet.keys):
        said = question.as_params()
        sheet.took(question, answer(int(said["query"].rpartition("_")[2]), turn, said["start"], said["step"]))


def cpu(work: Callable[[], object]) -> float:
    """Milliseconds of CPU that a call takes, the median of several."""
    work()
    gc.collect()
    taken = []
    for _ in range(ROUNDS):
        before = time.process_time()
        work()
        taken.append((time.process_time() - before) * 1000)
    return statistics.median(taken)


def ours() -> tuple[float, float, float]:
    """Milliseconds to draw all panels, the dearest one, and to turn thirty answers into what is drawn."""
    from warroom.tui.dashboards.panel import Look, draw_panel
    from warroom.tui.dashboards.printed import paper_ink

    sheet, ink, look = _filled(0), paper_ink(), Look()
    places = {key: sheet.placed(key) for key in sheet.keys}

    def draw(key: str) -> None:
        draw_panel(sheet.data(key), places[key].w, places[key].h, ink, look)

    def every() -> None:
        for key in sheet.keys:
            draw(key)

    def computed() -> None:
        sheet.at(START, START + STEP * (POINTS - 1))
        for question, said in answers:
            sheet.wanted(sheet.keys)
            sheet.took(question, said)

    sheet.at(START, START + STEP * (POINTS - 1))
    answers = [
        (one, answer(int(one.as_params()["query"].rpartition("_")[2]), 1, one.as_params()["start"], STEP))
        for one in sheet.wanted(sheet.keys)
    ]
    take(sheet, 0)
    dearest = max(cpu(lambda key=key: draw(key)) for key in sheet.keys)
    return cpu(every), dearest, cpu(computed)


def plotext() -> float | None:
    """Milliseconds that plotext takes for as many charts of the same sizes; None where it is not installed."""
    try:
        import plotext as plt
    except ImportError:
        return None
    charts = [[values(panel, one, 0) for one in range(SERIES)] for panel in range(PANELS)]

    def every() -> None:
        for lines in charts:
            plt.clear_figure()
            plt.plotsize(WIDTH // 3, 14)
            for line in lines:
                plt.plot(line, marker="braille")
            plt.build()

    return cpu(every)


def main() -> list[Figure]:
    """The figures of the dashboards pane."""
    whole, dearest, computed = ours()
    rival = plotext()
    beside = "plotext is not installed" if rival is None else f"plotext, the same series: {rival:.0f} ms"
    met = None if rival is None else whole <= rival
    return [
        Figure(f"{PANELS} panels drawn anew, CPU", f"{whole:.0f} ms", beside, "not above plotext", met),
        Figure("the dearest of them alone, CPU", f"{dearest:.1f} ms", "", "at most 25 ms", dearest <= 25),
        Figure(
            f"{PANELS} answers of {SERIES} x {POINTS} samples read and computed, CPU",
            f"{computed:.0f} ms",
            "",
            "",
            None,
        ),
        *foreign(os.environ.get("WARROOM_DASHBOARDS", "")),
    ]


def foreign(folder: str) -> list[Figure]:
    """How many panels of the dashboards in a folder can be drawn; nothing without one."""
    if not folder:
        return []
    files = drawn = panels = 0
    for path in sorted(Path(folder).rglob("*.json")):
        try:
            report = check(load_dashboard(path))
        except DashboardError as wrong:
            print(f"not a dashboard: {wrong}")
            continue
        files, drawn, panels = files + 1, drawn + report.drawn, panels + report.panels
    share = drawn / max(1, panels)
    return [
        Figure(
            f"panels of {files} public dashboards that can be drawn with their data",
            f"{drawn:,} of {panels:,}, {share:.1%}",
            "each of the others says why",
            "at least 95 %",
            share >= 0.95,
        )
    ]
