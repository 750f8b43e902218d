"""The body of states over time: state timeline and status history.

Invariant: pure. A segment ends where the next begins, where there is no sample, or at the end of the window.
"""

from __future__ import annotations

from warroom.dashboards.data import Mark, Segment, StateRow, States
from warroom.dashboards.said import flag, text
from warroom.dashboards.view import Column, View

_MOST_ROWS = 200


def states(view: View) -> States:
    """The states of a panel's series."""
    merged = view.panel.kind != "status-history" and flag(view.options, "mergeValues", True)
    columns = [one for one in view.columns(numeric=False) if one.frame.time is not None]
    if len(columns) > _MOST_ROWS:
        view.notes.append(f"shows the first {_MOST_ROWS} of {len(columns)} series")
    rows = tuple(StateRow(one.show.name, _segments(view, one, merged=merged)) for one in columns[:_MOST_ROWS])
    return States(rows, view.start, view.end, merged, text(view.options, "showValue", "auto") != "never")


def _segments(view: View, column: Column, *, merged: bool) -> tuple[Segment, ...]:
    time = column.frame.time
    times = [at or 0.0 for at in time.numbers] if time else []
    made: list[Segment] = []
    open_: tuple[float, str, Mark] | None = None
    for at, value in zip(times, column.field.values, strict=True):
        cell = column.show.cell(value, column.field.kind, *view.ends)
        mapped = value is not None or cell.text not in {"-", column.show.no_value}
        said = (cell.text, cell.mark) if mapped else None
        if open_ is not None and (said is None or not merged or said != open_[1:]):
            made.append(Segment(open_[0], at, open_[1], open_[2]))
            open_ = None
        if said is not None and open_ is None:
            open_ = (at, *said)
    if open_ is not None:
        gap = times[-1] - times[-2] if len(times) > 1 else 0.0
        end = max(view.end, times[-1]) if merged or not gap else times[-1] + gap
        made.append(Segment(open_[0], end, open_[1], open_[2]))
    return tuple(made)
