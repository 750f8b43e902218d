"""Where each telemetry pane is: its screen, loaded when somebody first goes there.

Invariant: importing this loads no screen, so that the first frame of the console does not wait for them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from warroom.tui.explore.screen import ExploreScreen

_SCREENS = {
    "metrics": "warroom.tui.explore.metrics:MetricsScreen",
    "logs": "warroom.tui.explore.logs:LogsScreen",
    "traces": "warroom.tui.explore.traces:TracesScreen",
    "services": "warroom.tui.explore.services:ServicesScreen",
    "dashboards": "warroom.tui.explore.dashboards:DashboardsScreen",
    "alerts": "warroom.tui.explore.alerts:AlertsScreen",
    "health": "warroom.tui.explore.health:HealthScreen",
    "stack": "warroom.tui.explore.stack:StackScreen",
    "actions": "warroom.tui.exercise.offered:OfferedScreen",
    "inbox": "warroom.tui.exercise.inbox:InboxScreen",
    "control": "warroom.tui.exercise.control:ControlScreen",
}

TELEMETRY_PANES = tuple(_SCREENS)
"""The panes by the word that a spotlight or a link names them by."""


def screen_of(pane: str, incident: str, shown: Mapping[str, Any] | None = None) -> ExploreScreen:
    """A pane's screen, made anew; with `shown` it opens on exactly that, as a spotlight or pinned evidence says it.

    Raises:
        KeyError: there is no such pane.
    """
    module, _, name = _SCREENS[pane].partition(":")
    made: ExploreScreen = getattr(importlib.import_module(module), name)(incident, shown)
    return made
