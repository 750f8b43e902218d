"""Commands on their way, as rows: what a person did that has no answer of the server yet.

Invariant: a row is told from its command alone, so it reads the same here as in the list of what is unsent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from warroom.client.view import Unsent

_WORDS = ("text", "title", "choice", "reason", "result", "status", "severity", "evidence", "who", "assignee")


class PendingRow(NamedTuple):
    """A command on its way: its number, its type (`add-note`), its words, and whether it was sent already."""

    n: int
    kind: str
    text: str
    sent: bool

    @property
    def words(self) -> str:
        """Its words, for the clipboard."""
        return self.text


def told(command: Mapping[str, Any]) -> str:
    """A command in a few words: `add note pool is full`."""
    words = next((str(command[key]) for key in _WORDS if isinstance(command.get(key), str) and command[key]), "")
    return f"{str(command.get('type', '')).replace('-', ' ')} {words[:200]}".strip()


def pending_chat(unsent: Iterable[Unsent]) -> list[PendingRow]:
    """The messages among what is unsent."""
    return [
        PendingRow(one.n, "post-chat", str(one.command.get("text", "")), one.sent)
        for one in unsent
        if one.command.get("type") == "post-chat"
    ]


def pending_entries(unsent: Iterable[Unsent]) -> list[PendingRow]:
    """All that is unsent but messages; a note shows its words only."""
    found = []
    for one in unsent:
        kind = str(one.command.get("type", ""))
        if kind != "post-chat":
            text = str(one.command.get("text", "")) if kind == "add-note" else told(one.command)
            found.append(PendingRow(one.n, kind, text, one.sent))
    return found
