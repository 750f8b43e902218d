"""What the keys that all telemetry panes share do: the query line, the range, evidence, the spotlight, links.

Invariant: nothing here changes the incident but by a command of the core.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, ClassVar

from textual.screen import Screen

from warroom.client.view import RoomView
from warroom.tui.access import barred
from warroom.tui.actions import BY_ID
from warroom.tui.explore.range import TimeRange
from warroom.tui.explore.shared import Shared

if TYPE_CHECKING:
    from warroom.tui.app import WarroomApp


class ExploreKeys(Screen[None]):
    """The part of a telemetry pane that acts."""

    PANE: ClassVar[str] = ""
    QUERY_HINT: ClassVar[str] = ""
    NOTHING_TO_PIN: ClassVar[str] = "there is nothing to pin yet"
    incident: str
    query_text: str
    opened: Mapping[str, Any] | None
    """The pinned evidence that is shown, whole; None while what is shown comes from the server."""

    @property
    @abstractmethod
    def console(self) -> WarroomApp:
        """The app."""

    @property
    @abstractmethod
    def shared(self) -> Shared:
        """What the panes of this incident share."""

    @property
    @abstractmethod
    def room(self) -> RoomView | None:
        """The incident."""

    @property
    @abstractmethod
    def range(self) -> TimeRange:
        """The time range shown."""

    @abstractmethod
    def set_range(self, new: TimeRange) -> None:
        """Another time range."""

    @abstractmethod
    def now(self) -> float:
        """Seconds since the epoch."""

    @abstractmethod
    def ask_now(self) -> None:
        """Ask anew."""

    @abstractmethod
    def ask_aside(self, method: str, then: Callable[[Future[Any]], None], **params: Any) -> bool:
        """Ask beside what is shown."""

    @abstractmethod
    def open_prompt(self, purpose: str, hint: str, start: str = "") -> None:
        """Open the line at the foot."""

    @abstractmethod
    def close_prompt(self) -> None:
        """Put the line away."""

    @abstractmethod
    def shown(self) -> dict[str, Any]:
        """What is shown."""

    @abstractmethod
    def evidence(self) -> dict[str, Any] | None:
        """What is shown, as evidence."""

    @abstractmethod
    def step_back(self) -> bool:
        """Close a detail."""

    @abstractmethod
    def keep(self) -> None:
        """Remember what is shown."""

    @abstractmethod
    def range_changed(self) -> None:
        """Another time range."""

    @abstractmethod
    def redraw_head(self) -> None:
        """Draw the head."""

    def action_do(self, id_: str) -> None:
        """Run an action of the registry, if this person may."""
        action = BY_ID[id_]
        room = self.room
        reason = barred(
            action, self.console.view.link.access, self.console.me, None if room is None else room.state
        )  # fmt: skip
        if reason:
            self.console.tell(reason, "warning")
        elif action.scope == "panes":
            self.console.open_pane(self.incident, action.id.removeprefix("pane.open-"))
        else:
            getattr(self, f"do_{action.method}")()

    def do_leave(self) -> None:
        """One step back."""
        if self.query_one("#prompt-row").display:
            self.close_prompt()
        elif not self.step_back():
            self.keep()
            self.console.pop_screen()

    def do_edit_query(self) -> None:
        """Type a query; without one there is nothing to type."""
        if self.QUERY_HINT:
            self.open_prompt("query", self.QUERY_HINT, self.query_text)

    def do_run(self) -> None:
        """Ask anew."""
        self.ask_now()

    def do_change_range(self) -> None:
        """Type a time range."""
        self.open_prompt("range", "15m, 3h, 2d, 09:30-10:15 or 2026-11-21 09:30 to now")

    def do_zoom_in(self) -> None:
        """Half the time."""
        self.set_range(self.range.zoomed(0.5, self.now(), self.shared.cursor))

    def do_zoom_out(self) -> None:
        """Twice the time."""
        self.set_range(self.range.zoomed(2.0, self.now(), self.shared.cursor))

    def do_pan_back(self) -> None:
        """Half a range earlier."""
        self.set_range(self.range.panned(-0.5, self.now()))

    def do_pan_forward(self) -> None:
        """Half a range later."""
        self.set_range(self.range.panned(0.5, self.now()))

    def do_go_live(self) -> None:
        """Follow again."""
        self.shared.cursor = None
        self.set_range(self.range.followed())

    def do_pause(self) -> None:
        """Stand still, or go on."""
        self.set_range(self.range.paused(self.now()) if self.range.live else self.range.followed())

    def do_toggle_link(self) -> None:
        """Go with the other panes' range, or one's own way."""
        before = self.range
        linked = self.shared.toggle_link(self.PANE)
        self.console.tell("the range goes with the other panes" if linked else "this pane has a range of its own")
        if self.range != before:
            self.range_changed()
        self.redraw_head()

    def do_toggle_utc(self) -> None:
        """UTC, or the local zone."""
        self.shared.utc = not self.shared.utc
        self.console.tell("times are UTC" if self.shared.utc else f"times are {self.console.zone}")
        self.range_redrawn()

    def range_redrawn(self) -> None:
        """The same range told otherwise; draws all anew."""
        self.redraw_head()
        self.refresh(layout=False, repaint=True)

    def do_pin(self) -> None:
        """Keep what is shown on the log."""
        evidence = self.evidence()
        if evidence is None:
            self.console.tell(self.NOTHING_TO_PIN, "warning")
        else:
            self.console.submit({"type": "pin-evidence", "evidence": evidence}, self.incident, self._pinned)

    def _pinned(self, settled: Any) -> None:
        if settled.accepted:
            self.console.tell("pinned: it stays readable when the backend is gone")

    def do_spotlight(self) -> None:
        """Show everybody exactly this; the same again ends it."""
        wire, room = self.console.bridge.wire, self.room
        if wire is None:
            return
        shown = self.shown() if self.opened is None else {"pane": self.PANE, "evidence": self.opened["evidence"]}
        lit = None if room is None else room.spotlight
        again = lit is not None and lit.by == self.console.me and lit.target == self.PANE and lit.shown == shown
        wire.light(self.incident, "" if again else self.PANE, None if again else shown)

    def do_follow_spotlight(self) -> None:
        """See what the commander points at."""
        self.console.follow_spotlight(self.incident)

    def do_toggle_follow(self) -> None:
        """Go where the commander points by itself, or no longer."""
        self.console.guide.toggle(self.incident)

    def do_open_in_grafana(self) -> None:
        """Ask for the link, copy it and say it."""

        def came(future: Future[Any]) -> None:
            error = future.exception()
            url = "" if error is not None else str((future.result() or {}).get("url", ""))
            if url:
                self.console.copy_to_clipboard(url)
                self.console.tell(f"copied: {url}")
            else:
                self.console.tell(str(error) if error is not None else "there is no Grafana to open this in", "warning")

        if not self.ask_aside("link", came, shown=self.shown()):
            self.console.tell("not connected yet", "warning")
