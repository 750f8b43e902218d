"""What a form is: fields as data, what it may know when it is made, and how its values become a command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from warroom.incident.state import IncidentState
from warroom.tui.slash import Payload

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose: its value, its label, and a word of help."""

    value: str
    label: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One question. With `choices` it is a list, with `free` also anything typed; `lines` above 1 makes it a text."""

    name: str
    label: str
    choices: tuple[Choice, ...] = ()
    value: str = ""
    hint: str = ""
    lines: int = 1
    needed: bool = True
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A small modal: a title, its fields, and `build`, which raises SlashError with what is wrong."""

    title: str
    fields: tuple[Field, ...]
    build: Callable[[Values], Payload]
    note: str = ""
    dangerous: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What a form may know: the incident, who asks, what is selected in the focused pane, who is around."""

    state: IncidentState
    me: str
    now: datetime
    zone: tzinfo
    selected: Any = None
    people: tuple[str, ...] = ()
    incidents: tuple[tuple[str, str], ...] = ()

    @property
    def number(self) -> str:
        """The number of what is selected (entry, task, hypothesis), as text; empty without one."""
        selected = self.selected
        if selected is None:
            return ""
        seq = getattr(selected, "seq", None)
        key = seq if seq is not None else getattr(selected, "key", "")
        return str(key[1] if isinstance(key, tuple) else key)
