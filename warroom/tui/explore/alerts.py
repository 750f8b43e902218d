"""The alerts pane: what Alertmanager has, grouped; taking an alert by name, silences, runbooks.

Invariant: taking an alert goes onto the incident's log, a silence goes to Alertmanager with who and why, and both are
told apart on screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, ClassVar

import orjson
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from warroom.incident.observed import fitted
from warroom.telemetry import series as wire_series
from warroom.telemetry import shapes
from warroom.telemetry.alerts import AlertGroup, Matcher, Silence
from warroom.tui.explore.alert_rows import AlertList, AlertRow, SilenceList, alert_rows, course_key
from warroom.tui.explore.range import parse_span, span_text
from warroom.tui.explore.screen import ExploreScreen, explore_bindings
from warroom.tui.explore.trace_rows import DetailLine, Details
from warroom.tui.widgets.rows import RowList

_FIRING = 'ALERTS{alertstate="firing"}'
_SILENCE_HINT = "how long and why, as: 2h deploying the fix"


class AlertsScreen(ExploreScreen):
    """Alerts above with the selected one in full beside; silences in their place by a key."""

    PANE = "alerts"
    TITLE_TEXT = "Alerts"
    SCOPE = "explore-alerts"
    REFRESH = 15.0
    BINDINGS: ClassVar[list[BindingType]] = explore_bindings("explore-alerts")

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.groups: tuple[AlertGroup, ...] = ()
        self.silences: tuple[Silence, ...] = ()
        self.on_silences = False
        self._fired: dict[str, tuple[float, ...]] = {}
        self._pinned_data = False
        self._known: object = None

    def compose_body(self) -> ComposeResult:
        yield RowList("Alerts", id="all-alerts", empty="asking Alertmanager")
        yield RowList("Silences", id="silences", empty="nothing is silenced")
        yield RowList("Alert", id="alert-detail", empty="select an alert")

    def on_mount(self) -> None:
        self.query_one("#silences").display = False

    def focus_target(self) -> Widget | None:
        return self.query_one("#silences" if self.on_silences else "#all-alerts", RowList)

    def head_note(self) -> str:
        alerts = [one for group in self.groups for one in group.alerts]
        firing = sum(one.state == "active" for one in alerts)
        silenced = sum(bool(one.silenced_by) for one in alerts)
        standing = sum(one.state == "active" for one in self.silences)
        silences = f"{standing} {'silence' if standing == 1 else 'silences'} in force"
        return f"{firing} firing, {silenced} silenced, {silences}" if alerts or standing else ""

    # Asking

    def ask_now(self) -> None:
        if self._pinned_data:
            return
        self.ask("alerts", self._came)
        self.ask_aside("silences", self._silences_came)
        _, end = self.bounds()
        step = self.range.step(60)
        end = end // step * step
        self.ask_aside("explore", self._course_came, query=_FIRING, start=end - self.range.span, end=end, step=step)

    def _came(self, result: Any) -> None:
        self.groups = tuple(shapes.read(AlertGroup, one) for one in result["groups"])
        rows = self.query_one("#all-alerts", RowList)
        rows.set_empty("Alertmanager has no alert: all is calm")
        self._draw()
        if rows.selected_row is None:
            first = next((row for row in rows.source.rows if isinstance(row, AlertRow)), None)  # type: ignore[attr-defined]
            if first is not None:
                rows.select(first.key)

    def _silences_came(self, future: Future[Any]) -> None:
        if future.exception() is None and self.is_mounted:
            self.silences = tuple(shapes.read(Silence, one) for one in future.result()["silences"])
            self._draw()

    def _course_came(self, future: Future[Any]) -> None:
        """When each alert fired, of the servers that keep it; without it the list is as useful."""
        if future.exception() is not None or not self.is_mounted:
            return
        full = wire_series.decode(orjson.dumps(future.result()))
        if isinstance(full, wire_series.Full):
            self._fired = {
                course_key(one.labels): tuple(0.0 if value is None else 1.0 for value in one.values)
                for one in full.series
            }
            self._draw()

    def view_changed(self, view: Any) -> None:
        room = self.room
        known = None if room is None else room.state.alerts
        if known is not self._known:
            self._known = known
            self._draw()

    def _draw(self) -> None:
        room = self.room
        taken = {} if room is None else {one.fingerprint: one.acknowledged_by for one in room.state.alerts}
        now = self.now()
        lines = alert_rows(self.groups, taken, self._fired, now)
        rows = self.query_one("#all-alerts", RowList)
        rows.show(AlertList(lines))
        rows.styles.max_height = max(8, len(lines) + 2)
        self.query_one("#silences", RowList).show(SilenceList(self.silences, self.zone, now))
        self.redraw_head()

    def range_redrawn(self) -> None:
        super().range_redrawn()
        self._draw()

    # Reading

    @property
    def chosen(self) -> AlertRow | None:
        """The selected alert."""
        row = self.query_one("#all-alerts", RowList).selected_row
        return row if isinstance(row, AlertRow) else None

    def on_row_list_highlighted(self, event: RowList.Highlighted) -> None:
        """The detail follows the selection."""
        event.stop()
        if event.rows.id == "all-alerts":
            lines = self._detail(event.row) if isinstance(event.row, AlertRow) else []
            self.query_one("#alert-detail", RowList).show(Details(lines))

    def _detail(self, row: AlertRow) -> list[DetailLine]:
        alert = row.alert
        since = datetime.fromtimestamp(alert.starts_at, self.zone)
        facts: list[tuple[str, str, str]] = [
            ("", alert.label("alertname"), "title"),
            ("firing since", f"{since:%m-%d %H:%M:%S}, {row.age}", ""),
        ]
        if row.by:
            facts.append(("taken by", row.by, ""))
        elif row.attached:
            facts.append(("incident", "attached, taken by nobody: a takes it", "warn"))
        facts += [(name, text, "link" if name == "runbook_url" else "") for name, text in _ordered(alert.annotations)]
        silences = {one.id: one for one in self.silences}
        for name in alert.silenced_by:
            one = silences.get(name)
            words = name if one is None else f"{one.created_by}: {one.comment}"
            facts.append(("silenced by", words, "warn"))
        facts += [("inhibited by", name, "warn") for name in alert.inhibited_by]
        facts += [(name, value, "quiet") for name, value in alert.labels if name != "alertname"]
        facts += [("receiver", name, "quiet") for name in alert.receivers]
        facts += [("source", alert.url, "quiet")] * bool(alert.url)
        return [DetailLine(number, *fact) for number, fact in enumerate(facts)]

    def selected(self) -> Any:
        return self.chosen

    def step_back(self) -> bool:
        if self.on_silences:
            self.do_toggle_silences()
            return True
        return False

    # Keys

    def do_take(self) -> None:
        """I'm on it: on the incident's log, attached first if it was not."""
        row = self.chosen
        if row is None:
            self.console.tell("select an alert first", "warning")
            return
        alert = row.alert
        about = {
            "fingerprint": alert.fingerprint,
            "source": "alertmanager",
            "name": alert.label("alertname") or "alert",
            "severity": alert.label("severity")[:190],
            "service": (alert.label("service") or alert.label("job"))[:190],
            "summary": alert.annotation("summary"),
            "labels": dict(alert.labels),
            "annotations": dict(alert.annotations),
            "starts_at": datetime.fromtimestamp(alert.starts_at, UTC).isoformat(),
            "url": alert.url[:2000],
        }
        command = {"type": "acknowledge-alert", "fingerprint": alert.fingerprint, "alert": about}
        self.console.submit(command, self.incident)

    def do_silence(self) -> None:
        """Ask how long and why."""
        if self.chosen is None:
            self.console.tell("select an alert first", "warning")
        else:
            self.open_prompt("silence", _SILENCE_HINT, "1h ")

    def do_extend_silence(self) -> None:
        """Ask by how much."""
        if self._silence() is None:
            self.console.tell("V shows the silences; select one", "warning")
        else:
            self.open_prompt("extend", "by how much: 30m, 2h", "1h")

    def do_expire_silence(self) -> None:
        """End a silence now."""
        silence = self._silence()
        if silence is None:
            self.console.tell("V shows the silences; select one", "warning")
        else:
            self._tell_server("silence.expire", "the silence is over", id=silence.id)

    def _silence(self) -> Silence | None:
        row = self.query_one("#silences", RowList).selected_row if self.on_silences else None
        return row if isinstance(row, Silence) else None

    def prompt_sent(self, purpose: str, text: str) -> None:
        if purpose == "silence":
            self._create_silence(text)
        elif purpose == "extend":
            self._extend_silence(text)
        else:
            super().prompt_sent(purpose, text)

    def _create_silence(self, text: str) -> None:
        long, _, why = text.partition(" ")
        row = self.chosen
        try:
            seconds = parse_span(long)
        except ValueError as wrong:
            self.console.tell(str(wrong), "warning")
            self.open_prompt("silence", _SILENCE_HINT, text)
            return
        if not why.strip() or row is None:
            self.console.tell("say why: whoever wonders at night reads it", "warning")
            self.open_prompt("silence", _SILENCE_HINT, f"{text} ")
            return
        matchers = [shapes.plain(Matcher(name, value)) for name, value in row.alert.labels]
        words = f"{row.alert.label('alertname')} is silenced for {span_text(seconds)}"
        self._tell_server("silence.create", words, matchers=matchers, seconds=seconds, comment=why.strip())

    def _extend_silence(self, text: str) -> None:
        silence = self._silence()
        try:
            seconds = parse_span(text)
        except ValueError as wrong:
            self.console.tell(str(wrong), "warning")
            return
        if silence is not None:
            self._tell_server(
                "silence.extend", f"silenced for {span_text(seconds)} more", id=silence.id, seconds=seconds
            )

    def _tell_server(self, method: str, words: str, **params: Any) -> None:
        def came(future: Future[Any]) -> None:
            error = future.exception()
            self.console.tell(words if error is None else str(error), "information" if error is None else "error")
            if self.is_mounted:
                self.ask_now()

        if not self.ask_aside(method, came, **params):
            self.console.tell("not connected yet", "warning")

    def do_toggle_silences(self) -> None:
        """The silences, or the alerts again."""
        self.on_silences = not self.on_silences
        self.query_one("#silences").display = self.on_silences
        self.query_one("#all-alerts").display = not self.on_silences
        self._refocus()
        rows = self.query_one("#silences", RowList)
        if self.on_silences and rows.selected_row is None and rows.count:
            rows.select(rows.source.key(rows.source.row(0)))

    def do_open_runbook(self) -> None:
        """Copy the runbook's address and open it where there is a browser."""
        row = self.chosen
        url = "" if row is None else row.alert.annotation("runbook_url") or row.alert.annotation("runbook")
        if not url.startswith(("http://", "https://")):
            self.console.tell("this alert names no runbook", "warning")
            return
        self.console.copy_to_clipboard(url)
        self.console.tell(f"copied: {url}")

    def do_open_logs(self) -> None:
        """The logs of the alert's service."""
        row = self.chosen
        service = "" if row is None else row.alert.label("service") or row.alert.label("job")
        if not service:
            self.console.tell("this alert names no service", "warning")
            return
        name = service.replace("\\", "\\\\").replace('"', '\\"')
        shown = {"pane": "logs", "query": f'{{service_name="{name}"}}', **self.range_shown()}
        self.console.open_pane(self.incident, "logs", shown)

    # For others

    def shown(self) -> dict[str, Any]:
        row = self.chosen
        return {"pane": "alerts", "alert": "" if row is None else row.alert.fingerprint}

    def show(self, shown: Mapping[str, Any]) -> None:
        if "data" in shown:
            self._pinned_data = True
            said = orjson.loads(shown["data"])
            self._came(said if isinstance(said, dict) else {"groups": said})
        else:
            self._pinned_data = False
            self.ask_now()

    def evidence(self) -> dict[str, Any] | None:
        alerts = [one for group in self.groups for one in group.alerts]
        if not alerts:
            return None
        firing = sum(one.state == "active" for one in alerts)
        return {
            "kind": "alerts",
            "title": f"{firing} alerts firing of {len(alerts)}",
            "source": "alertmanager",
            "data": fitted("alerts", shapes.plain(self.groups)),
        }


def _ordered(annotations: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """What people read first comes first."""
    first = {"summary": 0, "description": 1, "runbook_url": 2}
    return sorted(annotations, key=lambda pair: (first.get(pair[0], 3), pair[0]))
