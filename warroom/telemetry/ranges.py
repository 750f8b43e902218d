"""Range answers of any client, laid on a grid and encoded once, off the event loop when they are large.

Invariant: whoever asked, the loop that carries everybody's keystrokes never works on one answer for long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from warroom.telemetry.errors import BadQuery
from warroom.telemetry.prometheus_data import Matrix
from warroom.telemetry.series import encode
from warroom.telemetry.window import LegendOf, on_grid

LARGE = 20_000
"""Values above which an answer is worked on in a thread: about two milliseconds of work."""

Ranged: TypeAlias = Callable[[str, float, float, float], Awaitable[Matrix]]


def ranged(client: Any) -> Ranged:
    """How this client answers range queries.

    Raises:
        BadQuery: it answers none.
    """
    found: Ranged | None = getattr(client, "range", None) or getattr(client, "matrix", None)
    if found is None:
        raise BadQuery("this source has no values over time to draw")
    return found


async def encoded(
    matrix: Matrix, *, start: float, step: float, count: int, max_series: int, legend_of: LegendOf
) -> bytes:
    """The answer as the JSON of a `Full` without a panel, with a value or a gap at each `start + i * step`."""

    def work() -> bytes:
        return encode(
            on_grid(
                matrix,
                panel_id="",
                rev=0,
                start=start,
                step=step,
                count=count,
                max_series=max_series,
                legend_of=legend_of,
            )
        )

    if len(matrix.lines) * count <= LARGE:
        return work()
    return await asyncio.to_thread(work)
