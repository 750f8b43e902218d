"""The line of an incident in the list, as the store keeps it: what is shown, and who may see it.

Invariant: a line is derived from the state alone, so one that is missing or unreadable is made again from the log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from warroom.incident.decide import may_see
from warroom.incident.lobby import lobby_line
from warroom.incident.state import Actor, IncidentState
from warroom.wire.messages import LobbyLine

_SHOWN = frozenset(LobbyLine.model_fields)


@dataclass(frozen=True, slots=True)
class Line:
    """`shown` are the fields a client gets; `seen_by` the names that may see a private incident."""

    incident: str
    seq: int
    shown: dict[str, Any]
    private: bool = False
    seen_by: frozenset[str] = frozenset()
    merged_into: str = ""
    absorbed: tuple[str, ...] = ()
    _known: list[IncidentState] = field(default_factory=list, compare=False, repr=False)

    def visible_to(self, actor: Actor) -> bool:
        """The core's own rule, asked with what the line knows."""
        # Made once: a question about a long list must not cost one state for each line.
        if not self._known:
            self._known.append(
                IncidentState(id=self.incident, seq=self.seq, private=self.private, members=self.seen_by)
            )
        return may_see(self._known[0], actor)

    def frame(self, here: int) -> LobbyLine:
        return LobbyLine.model_validate({**self.shown, "here": here})


def line_of(state: IncidentState) -> Line:
    """The line of a state."""
    seen_by: set[str] = set()
    if state.private:
        seen_by = {*state.members, *(held.who for held in state.roles)}
        if state.offer is not None:
            seen_by.add(state.offer.to)
    return Line(
        state.id, state.seq, lobby_line(state), state.private, frozenset(seen_by), state.merged_into, state.absorbed
    )


def encode(line: Line) -> bytes:
    """The line as the store keeps it."""
    more = {"seen_by": sorted(line.seen_by), "merged_into": line.merged_into, "absorbed": line.absorbed}
    return orjson.dumps({**line.shown, **more})


def decode(body: bytes, seq: int) -> Line | None:
    """The line of `encode`; None when it is none, or is of another seq than the log."""
    try:
        said = orjson.loads(body)
        if not isinstance(said, dict) or said["seq"] != seq:
            return None
        shown = {key: value for key, value in said.items() if key in _SHOWN}
        LobbyLine.model_validate(shown)
        return Line(
            str(said["incident"]),
            seq,
            shown,
            bool(said["private"]),
            frozenset(map(str, said["seen_by"])),
            str(said["merged_into"]),
            tuple(map(str, said["absorbed"])),
        )
    except (ValueError, KeyError, TypeError):
        return None
