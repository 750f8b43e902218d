"""What the facilitator does, and what a player asks for: plain data on its way into the room.

Invariant: nothing here has an effect; a deed becomes part of the log only when the core accepts its command.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

FACILITATOR = "facilitator"
"""The name of the automation that hosts an exercise."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the facilitator's, as the fields that `incident.commands.COMMAND` reads."""

    fields: Mapping[str, Any]

    @property
    def tag(self) -> str:
        """The command's kebab name."""
        return str(self.fields["type"])


@dataclass(frozen=True, slots=True)
class Whisper:
    """Words for some people alone, which the log never holds. `to` is a person, a duty or `all`."""

    to: str
    sender: str
    text: str
    inject: str


Deed: TypeAlias = Command | Whisper


@dataclass(frozen=True, slots=True)
class Act:
    """What `who`, a player, asks of the room; fields as in `Command`."""

    who: str
    fields: Mapping[str, Any]


def command(type_: str, /, **fields: Any) -> Command:
    """The command of that kebab name."""
    return Command({"type": type_, **fields})


def act(who: str, type_: str, /, **fields: Any) -> Act:
    """What `who` asks for by the command of that kebab name."""
    return Act(who, {"type": type_, **fields})
