"""What every command and every event is, beside its fields: its name on the wire and on disk."""

from __future__ import annotations

from typing import ClassVar

from warroom.incident import fields as f
from warroom.incident.record import kind_of


class Command(f.Frozen):
    """What every command is. `TAG` is the kebab name on the wire."""

    TAG: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        cls.TAG = cls.model_fields["type"].default


class Event(f.Frozen):
    """What every event is. `TAG` is the kebab name on the wire and on disk, `KIND` the same without its version."""

    TAG: ClassVar[str]
    KIND: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        cls.TAG = cls.model_fields["type"].default
        cls.KIND = kind_of(cls.TAG)
