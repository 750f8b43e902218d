"""Frames: tables of named columns with labels, on which transformations work.

Invariant: all fields of a frame are of the same length; a frame is never changed, a step makes new ones. Times are
seconds since the epoch; a missing value is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from warroom.dashboards.data import LogRow

FieldKind: TypeAlias = Literal["time", "number", "text", "bool", "other"]
Item: TypeAlias = float | str | bool | None
Rows: TypeAlias = tuple[tuple[Item, ...], ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One column. `title` is the name that a legend or a rename gave it; `name` is its own.

    `config` holds properties of Grafana's field configuration that a step set on it.
    """

    name: str
    kind: FieldKind
    values: Sequence[Item]
    labels: tuple[tuple[str, str], ...] = ()
    title: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The name by which people (and transformations) know it."""
        return self.title or self.name

    @property
    def numbers(self) -> list[float | None]:
        """Its values as numbers, None where they are none."""
        return [float(one) if isinstance(one, int | float) else None for one in self.values]

    def picked(self, places: Iterable[int]) -> Field:
        """The same with the values at these places, in that order."""
        return replace(self, values=tuple(self.values[at] for at in places))


@dataclass(frozen=True, slots=True)
class Frame:
    """Some columns of one answer (`ref`), or of several. `logs` are the lines of a log query."""

    ref: str
    fields: tuple[Field, ...]
    kind: Literal["series", "table", "heat", "logs"] = "series"
    logs: tuple[LogRow, ...] = ()

    @property
    def length(self) -> int:
        """How many rows it has."""
        return len(self.fields[0].values) if self.fields else 0

    @property
    def time(self) -> Field | None:
        """Its first column of times."""
        return next((one for one in self.fields if one.kind == "time"), None)

    @property
    def numeric(self) -> tuple[Field, ...]:
        """Its columns of numbers."""
        return tuple(one for one in self.fields if one.kind in {"number", "bool"})

    def column(self, name: str) -> Field | None:
        """The column that people know by this name, or whose own name it is."""
        return next((one for one in self.fields if one.shown == name), None) or next(
            (one for one in self.fields if one.name == name), None
        )

    def with_fields(self, change: Callable[[Field], Field | None]) -> Frame:
        """The frame with every column changed, and those for which `change` gives None left out."""
        kept = (change(one) for one in self.fields)
        return replace(self, fields=tuple(one for one in kept if one is not None))

    def picked(self, places: Sequence[int]) -> Frame:
        """The frame with the rows at these places, in that order."""
        return replace(self, fields=tuple(one.picked(places) for one in self.fields))


def kind_of(values: Iterable[Item]) -> FieldKind:
    """The kind of a column that holds these values."""
    for one in values:
        if isinstance(one, bool):
            return "bool"
        if isinstance(one, int | float):
            return "number"
        if isinstance(one, str):
            return "text"
    return "number"


def word(value: Item) -> str:
    """A value as the text by which rows are told apart and columns named."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, float) else str(value)
