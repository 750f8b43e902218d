"""What an action of the console is: the entries that the registry of actions is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do.

    `id` is `scope.verb-object`; `keys` its default keys, comma separated as Textual writes them; `scope` where the
    keys work: app, lobby, room, or the pane that must have the focus. `slash` is its word in the chat line
    and behind `:`; `cli` its twin on the command line. `dangerous` asks before it acts. `hint` is its word in
    the footer, empty to leave it out. `access` is the lowest access level that may try.
    """

    id: str
    title: str
    help: str
    keys: str = ""
    scope: str = "room"
    hint: str = ""
    slash: str = ""
    cli: str = ""
    access: str = "observer"
    dangerous: bool = False

    @property
    def method(self) -> str:
        """The name of the handler, without `action_`: `incident.change-severity` is `change_severity`."""
        return self.id.split(".", 1)[1].replace("-", "_")


def of_app(id_: str, title: str, help_: str, keys: str = "", hint: str = "", cli: str = "") -> Action:
    """An action of the console itself."""
    return Action(id_, title, help_, keys, "app", hint, "", cli)


def to_do(
    id_: str,
    title: str,
    help_: str,
    keys: str = "",
    *,
    hint: str = "",
    slash: str = "",
    cli: str = "",
    scope: str = "room",
    access: str = "responder",
    dangerous: bool = False,
) -> Action:
    """An action of a room, or of the pane that `scope` names; responders may try it unless said otherwise."""
    return Action(id_, title, help_, keys, scope, hint, slash, cli, access, dangerous)
