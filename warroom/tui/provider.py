"""The command palette: every action that works on the present screen, the likely ones first.

Invariant: what a person may not do is listed with the reason, behind everything they may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.command import DiscoveryHit, Hit, Hits, Provider

from warroom.incident.words import Status
from warroom.tui.access import barred
from warroom.tui.actions import ACTIONS, BY_ID, PANES, Action
from warroom.tui.bindings import key_label
from warroom.tui.explore.screen import ExploreScreen
from warroom.tui.screens.board import BoardScreen
from warroom.tui.screens.lobby import LobbyScreen

if TYPE_CHECKING:
    from warroom.incident.state import IncidentState
    from warroom.tui.app import WarroomApp

_LIKELY = (
    "entry.add-note",
    "incident.change-severity",
    "incident.change-status",
    "incident.publish-update",
    "role.assign",
    "task.add",
    "decision.take",
    "hypothesis.propose",
    "playbook.attach",
    "room.catch-up",
    "room.chat",
    "app.show-help",
)


_IN_HELP = 0.1
"""What a word in the explanation scores; any match of a name scores more."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One line of the palette: what it is called, what it does, further words it is found by, and what to run."""

    title: str
    help: str
    also: str
    run: Callable[[], Any]


def due_now(state: IncidentState, me: str) -> tuple[str, ...]:
    """The actions that this very state asks for, before all others."""
    found = []
    if state.offer is not None and state.offer.to == me:
        found += ["role.accept-command", "role.end-command-offer"]
    if state.status is Status.TRIAGE:
        found += ["incident.accept", "incident.decline"]
    elif state.status.is_live and not state.acknowledged_by:
        found.append("incident.acknowledge")
    if state.status.is_live and not state.commander:
        found.append("role.take-command")
    return tuple(found)


def offers(app: WarroomApp, screen: Any) -> Iterator[Offer]:
    """What the palette offers on this screen, in its order; the incidents to go to at the end."""
    state = app.state_of(app.shown_incident)
    if isinstance(screen, BoardScreen):
        scopes = {"room", "app", "panes", *(name for name, _ in PANES)}
    elif isinstance(screen, ExploreScreen):
        scopes = {screen.SCOPE, screen.COMMON, "panes", "app"}
    else:
        scopes = {"lobby", "app"} if isinstance(screen, LobbyScreen) else {"app"}
    due = due_now(state, app.me) if isinstance(screen, BoardScreen) and state is not None else ()
    first = [BY_ID[id_] for id_ in (*due, *_LIKELY)]
    ordered = dict.fromkeys([*first, *ACTIONS])
    usable = [one for one in ordered if one.scope in scopes and one.id != "app.command-palette"]
    reasons = {one.id: barred(one, app.view.link.access, app.me, state) for one in usable}
    for one in sorted(usable, key=lambda action: bool(reasons[action.id])):
        yield _offer(app, screen, one, reasons[one.id])
    for line in (app.view.lobby or {}).values():
        help_ = f"{line.severity} {line.status}: {line.title}"
        yield Offer(f"Go to {line.incident}", help_, line.title, _opener(app, line.incident))


def _offer(app: WarroomApp, screen: Any, action: Action, reason: str) -> Offer:
    owner = app if action.scope == "app" else screen
    key = key_label(app.keymap.get(action.id, action.keys))
    hints = [f"{key}" if key else "", f"/{action.slash}" if action.slash and action.scope != "lobby" else ""]
    help_ = "  ".join(part for part in (action.help, *hints) if part)
    if reason:
        help_ = f"not available: {reason.partition(': ')[2]}"
    return Offer(action.title, help_, f"{action.slash} {action.id}", lambda: owner.action_do(action.id))


def _opener(app: WarroomApp, incident: str) -> Callable[[], None]:
    return lambda: app.show_room(incident)


class ActionProvider(Provider):
    """Finds actions by their title, their word in the chat line, or what they do."""

    def _offers(self) -> Iterator[Offer]:
        from warroom.tui.app import WarroomApp

        if isinstance(self.app, WarroomApp):
            yield from offers(self.app, self.screen)

    async def discover(self) -> Hits:
        """Everything, the likely first."""
        for one in self._offers():
            yield DiscoveryHit(one.title, one.run, help=_plain(one.help))

    async def search(self, query: str) -> Hits:
        """What matches; a match in the title counts most."""
        matcher = self.matcher(query)
        for one in self._offers():
            score = max(matcher.match(one.title), 0.8 * matcher.match(one.also))
            if not score and query.casefold() in one.help.casefold():
                score = _IN_HELP
            if score > 0:
                yield Hit(score, matcher.highlight(_plain(one.title)), one.run, text=one.title, help=_plain(one.help))


def _plain(words: str) -> str:
    """Words that the palette will read as markup, made to stand for themselves."""
    return words.replace("[", "(").replace("]", ")")
