"""The keys that each part of a scenario file may have, made from the model itself.

Invariant: a key is here when, and only when, the model has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from warroom.tabletop.model import Scenario


@cache
def known_keys() -> dict[str, tuple[str, ...]]:
    """For the name of each list or mapping ("" for the top), the keys that what is in it may have."""
    found: dict[str, set[str]] = {"": set(_names(Scenario))}
    _gather(Scenario, found)
    return {name: tuple(sorted(keys)) for name, keys in found.items()}


def _gather(model: type[BaseModel], found: dict[str, set[str]]) -> None:
    for name, field in model.model_fields.items():
        for inner in _models(field.annotation):
            found.setdefault(field.alias or name, set()).update(_names(inner))
            _gather(inner, found)


def _names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
