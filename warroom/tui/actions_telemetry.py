"""What a person can do in the telemetry panes: metrics, logs, traces, services, dashboards, alerts, health.

Each of them fills the screen and is one key away from the board and from each other. The scopes: `panes` goes to
them, `explore` works in all of them, and each has one of its own.
"""

from __future__ import annotations

from warroom.tui.action import Action, to_do


def _pane(id_: str, title: str, help_: str, keys: str, *, slash: str, cli: str = "") -> Action:
    return to_do(id_, title, help_, keys, scope="panes", access="observer", slash=slash, cli=cli)


def _explore(id_: str, title: str, help_: str, keys: str, *, hint: str = "", access: str = "observer") -> Action:
    return to_do(id_, title, help_, keys, scope="explore", hint=hint, access=access)


TELEMETRY_SCOPES: tuple[tuple[str, str], ...] = (
    ("panes", "Telemetry panes"),
    ("explore", "In every telemetry pane"),
    ("explore-metrics", "Metrics"),
    ("logs", "Logs"),
    ("traces", "Traces"),
    ("services", "Services"),
    ("dashboards", "Dashboards"),
    ("explore-alerts", "Alerts and silences"),
    ("health", "Health"),
    ("stack", "Stack"),
)
"""Scope and title, in the order help shows them."""

_PANES: tuple[Action, ...] = (
    _pane("pane.open-metrics", "Metrics", "Explore metrics with PromQL", "M,f3", slash="metrics", cli="query EXPR"),
    _pane("pane.open-logs", "Logs", "Explore logs with LogQL, or follow them live", "L,f4", slash="logs",
          cli="logs QUERY"),
    _pane("pane.open-traces", "Traces", "Search traces, and look at one as a waterfall", "T,f5", slash="traces",
          cli="traces SERVICE"),
    _pane("pane.open-services", "Services", "Who calls whom, and who is ill", "S,f6", slash="map", cli="map"),
    _pane("pane.open-dashboards", "Dashboards", "Grafana's dashboards, drawn here", "B,f7", slash="dashboards",
          cli="dashboard show UID"),
    _pane("pane.open-alerts", "Alerts and silences", "All alerts grouped, with silences and runbooks", "A,f10",
          slash="alerts", cli="alert list"),
    _pane("pane.open-health", "Health", "The server, its backends and its disk", "H,f11", slash="health",
          cli="health"),
    _pane("pane.open-stack", "Stack", "The bundled observability stack", "f12", slash="stack", cli="stack status"),
)  # fmt: skip

_EVERYWHERE: tuple[Action, ...] = (
    _explore("explore.leave", "Back", "One step back: the query line, a detail, the board", "escape"),
    _explore("explore.edit-query", "Query", "Type what to look for; Tab completes, arrows bring back", "slash,colon",
             hint="query"),
    _explore("explore.run", "Ask again", "Ask anew, now", "r", hint="again"),
    _explore("explore.change-range", "Time range", "15m, 3h, 2d, or 09:30-10:15", "t", hint="range"),
    _explore("explore.zoom-in", "Zoom in", "Half the time, around the cursor", "plus,equals_sign"),
    _explore("explore.zoom-out", "Zoom out", "Twice the time", "minus"),
    _explore("explore.pan-back", "Earlier", "Half a range earlier", "left_square_bracket"),
    _explore("explore.pan-forward", "Later", "Half a range later", "right_square_bracket"),
    _explore("explore.go-live", "Live", "Follow what comes again", "0", hint="live"),
    _explore("explore.pause", "Pause", "Stop following, or go on; what comes is kept", "space", hint="pause"),
    _explore("explore.toggle-link", "Link the range", "This pane's range goes with the others', or its own way", "K"),
    _explore("explore.toggle-utc", "UTC or local", "Tell times in UTC, or in the local zone", "U"),
    _explore("explore.pin", "Pin as evidence", "Keep what is shown on the log, readable without its backend", "p",
             hint="pin", access="responder"),
    _explore("explore.spotlight", "Spotlight", "Commander: show everybody exactly this; again to end it", "o",
             access="commander"),
    _explore("explore.follow-spotlight", "Go to the spotlight", "See what the commander points at", "O"),
    _explore("explore.toggle-follow", "Follow the spotlight", "Go where the commander points by itself, or no longer",
             "W"),
    _explore("explore.open-in-grafana", "Grafana", "The same query and range in Grafana, as a link", "v", hint="link"),
)  # fmt: skip


def _traces(id_: str, title: str, help_: str, keys: str, hint: str = "") -> Action:
    return to_do(id_, title, help_, keys, scope="traces", hint=hint, access="observer")


_TRACES: tuple[Action, ...] = (
    _traces("traces.errors-only", "Errors only", "Only traces with an error, or all again", "x", "errors only"),
    _traces("traces.next-error", "Next error", "The next failed span", "e", "next error"),
    _traces("traces.previous-error", "Error before", "The failed span before", "E"),
    _traces("traces.open-logs", "Logs of this trace", "What was logged under this trace id", "l", "its logs"),
    _traces("traces.open-service-metrics", "Metrics of this service", "Rate of the selected span's service", "m",
            "its metrics"),
)  # fmt: skip


def _metrics(id_: str, title: str, help_: str, keys: str, hint: str = "", access: str = "observer") -> Action:
    return to_do(id_, title, help_, keys, scope="explore-metrics", hint=hint, access=access)


_METRICS: tuple[Action, ...] = (
    _metrics("metrics.add-query", "Add a query", "One more query on the same chart", "a", "add query"),
    _metrics("metrics.next-query", "Next query", "The query line edits the next of them", "n"),
    _metrics("metrics.remove-query", "Remove the query", "Take the query at hand off the chart", "d"),
    _metrics("metrics.change-view", "View", "Chart, table, sparklines", "w", "view"),
    _metrics("metrics.compare", "Compare", "Beside an hour, a day, a week ago", "c", "compare"),
    _metrics("metrics.toggle-exemplars", "Exemplars", "Single measured requests as points", "x", "exemplars"),
    _metrics("metrics.next-exemplar", "Next exemplar", "The cursor goes to the next point", "e"),
    _metrics("metrics.previous-exemplar", "Exemplar before", "The cursor goes to the point before", "E"),
    _metrics("metrics.open-trace", "Trace of the exemplar", "The trace of the point at the cursor", "enter"),
    _metrics("metrics.change-unit", "Unit", "Say the unit, where the guess is wrong", "u"),
    _metrics("metrics.add-to-board", "Onto the board", "Put this query onto the room's board, for all", "b", "to board",
             "responder"),
)  # fmt: skip


def _logs(id_: str, title: str, help_: str, keys: str, hint: str = "") -> Action:
    return to_do(id_, title, help_, keys, scope="logs", hint=hint, access="observer")


_LOGS: tuple[Action, ...] = (
    _logs("logs.filter-lines", "Filter", "Among the lines at hand: words, !word, level>=warn, service=checkout", "f",
          "filter"),
    _logs("logs.filter-in", "In", "Only lines with the selected value: it goes into the query", "i", "in"),
    _logs("logs.filter-out", "Out", "No lines with the selected value: it goes into the query", "x", "out"),
    _logs("logs.show-patterns", "Patterns", "The forms that lines have, how often, and which are new", "P", "patterns"),
    _logs("logs.next-error", "Next error", "The next line of level error or fatal", "e", "error"),
    _logs("logs.previous-error", "Error before", "The line before of level error or fatal", "E"),
    _logs("logs.show-context", "Context", "The lines of the same stream around the selected one", "c", "context"),
    _logs("logs.open-trace", "Trace of this line", "The trace that the line belongs to, as a waterfall", "w", "trace"),
    _logs("logs.toggle-hiding", "Hide or mark", "Hide the lines that do not pass the filter, or mark those that do",
          "F"),
    _logs("logs.next-hit", "Next hit", "The next line that passes the filter", "n"),
    _logs("logs.previous-hit", "Hit before", "The line before that passes the filter", "N"),
)  # fmt: skip


def _services(id_: str, title: str, help_: str, keys: str, hint: str) -> Action:
    return to_do(id_, title, help_, keys, scope="services", hint=hint, access="observer")


_SERVICES: tuple[Action, ...] = (
    _services("services.open-traces", "Traces of the service", "Its traces, failed ones if it is ill", "e", "traces"),
    _services("services.open-logs", "Logs of the service", "What it logged in this time", "l", "logs"),
    _services("services.open-metrics", "Metrics of the service", "Its rate by operation", "m", "metrics"),
)


def _alerts(id_: str, title: str, help_: str, keys: str, hint: str = "", access: str = "responder") -> Action:
    return to_do(id_, title, help_, keys, scope="explore-alerts", hint=hint, access=access)


_ALERTS: tuple[Action, ...] = (
    _alerts("alerts.take", "I'm on it", "Take the alert by name, on the incident's log", "a", "I'm on it"),
    _alerts("alerts.silence", "Silence", "No notification for a while, with the reason", "s", "silence"),
    _alerts("alerts.toggle-silences", "Silences", "The silences, or the alerts again", "V", "silences", "observer"),
    _alerts("alerts.extend-silence", "Extend", "Silence for longer", "e"),
    _alerts("alerts.expire-silence", "Expire", "End the selected silence now", "x"),
    _alerts("alerts.open-runbook", "Runbook", "Copy the address of the alert's runbook", "R", "runbook", "observer"),
    _alerts("alerts.open-logs", "Logs of the service", "What the alert's service logged", "l", "logs", "observer"),
)


def _dashboards(id_: str, title: str, help_: str, keys: str, hint: str = "", access: str = "observer") -> Action:
    return to_do(id_, title, help_, keys, scope="dashboards", hint=hint, access=access)


_DASHBOARDS: tuple[Action, ...] = (
    _dashboards("dashboards.zoom", "Panel alone", "The chosen panel alone with all it has to say, or all again", "z",
                "zoom"),
    _dashboards("dashboards.variables", "Variables", "Pick other values for the dashboard's variables", "V",
                "variables"),
    _dashboards("dashboards.open-query", "Explore the query", "The panel's query in the metrics or the logs pane", "m",
                "explore"),
    _dashboards("dashboards.add-to-board", "Onto the board", "Put the panel's query onto the room's board, for all",
                "b", "to board", "responder"),
)  # fmt: skip

TELEMETRY_ACTIONS: tuple[Action, ...] = (
    *_PANES, *_EVERYWHERE, *_METRICS, *_LOGS, *_TRACES, *_SERVICES, *_DASHBOARDS, *_ALERTS,
)  # fmt: skip
