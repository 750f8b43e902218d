"""Hypothesis strategies for commands, events and records, read off the models themselves.

Names, numbers and ids come from small pools, so that what is drawn refers to what is there.
"""

from __future__ import annotations

import types
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import orjson
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from tests.incident.core_room import ID, START
from warroom.incident import fields as f
from warroom.incident.commands import Command
from warroom.incident.events import Event
from warroom.incident.record import Record
from warroom.incident.state import Actor
from warroom.incident.text import clean_line, clean_text
from warroom.incident.words import Access

NAMES = ("jana", "ben", "mei", "chief", "Zoë 🙂")
moments = st.integers(-3600, 7200).map(lambda s: START + timedelta(seconds=s)) | st.integers(-(10**8), 10**8).map(
    lambda s: START + timedelta(seconds=s, microseconds=s % 1_000_000)
)
lines = st.sampled_from(("db", "api", "rollback", "step-1", "page")) | st.text(max_size=20).map(clean_line).filter(bool)
texts = st.sampled_from(("it is the cache", "two\nlines")) | st.text(max_size=40).map(clean_text).filter(bool)
numbers = st.integers(1, 6) | st.integers(1, 1_000_000_000)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
answers = st.sampled_from(("lines", "spans", "groups", "nodes")).flatmap(
    lambda name: st.fixed_dictionaries({name: st.lists(values, max_size=3)})
)
data = (answers | st.lists(values, max_size=3)).map(lambda value: orjson.dumps(value).decode())

_KNOWN: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (f.Line, lines),
    (f.Service, lines),
    (f.OptionalLine, lines | st.just("")),
    (f.Text, texts),
    (f.OptionalText, texts | st.just("")),
    (f.Person, st.sampled_from(NAMES)),
    (f.Url, lines.map(lambda line: "https://example.test/" + line)),
    (f.IncidentId, st.sampled_from(("INC-0000", "INC-1111", ID))),
    (f.Moment, moments),
    (f.Number, numbers),
    (f.Data, data | st.just("")),
    (f.Probability, st.sampled_from((0.0, 0.2, 0.9, 1.0))),
    (f.Sealed, st.sampled_from(("gAAAAA==", "c2VhbGVk"))),
    (f.Key, st.sampled_from(("", "0f" * 32))),
    (f.Digest, st.just("ab" * 32)),
    (f.Labels, st.dictionaries(lines, texts, max_size=2)),
]


_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    datetime: moments,
    AwareDatetime: moments,
    type(None): st.none(),
    bool: st.booleans(),
    float: st.floats(-1e9, 1e9),
    int: st.integers(1, 10_000),
    str: lines,
}


def of_hint(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type as the models annotate it."""
    for known, strategy in _KNOWN:
        if hint == known:
            return strategy
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated and args[0] is int:
        bounds = [bound for one in args[1:] if isinstance(one, FieldInfo) for bound in one.metadata]
        least = next((bound.ge for bound in bounds if hasattr(bound, "ge")), 1)
        most = next((bound.le for bound in bounds if hasattr(bound, "le")), 10_000)
        return st.sampled_from((least, most)) | st.integers(least, most)
    if origin is Annotated and args[0] is float:
        bounds = [bound for one in args[1:] if isinstance(one, FieldInfo) for bound in one.metadata]
        low = next((float(bound.ge) for bound in bounds if hasattr(bound, "ge")), -1e9)
        high = next((float(bound.le) for bound in bounds if hasattr(bound, "le")), 1e9)
        return st.floats(low, high)
    if origin is Annotated:
        return of_hint(args[0])
    if origin in (Union, types.UnionType):
        return st.one_of(*map(of_hint, args))
    if origin is Literal:
        return st.sampled_from(args)
    if origin is tuple:
        return st.lists(of_hint(args[0]), min_size=1, max_size=2).map(tuple)
    return st.sampled_from(hint) if issubclass(hint, Enum) else of_model(hint)


@cache
def of_model(cls: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Instances of a model; optional fields are sometimes left out."""
    hints = get_type_hints(cls, include_extras=True)
    needed = {n: of_hint(hints[n]) for n, info in cls.model_fields.items() if info.is_required()}
    other = {n: of_hint(hints[n]) for n, info in cls.model_fields.items() if not info.is_required() and n != "type"}
    return st.fixed_dictionaries(needed, optional=other).map(lambda given: cls(**given))


commands: st.SearchStrategy[Command] = st.sampled_from(Command.__subclasses__()).flatmap(of_model)
events: st.SearchStrategy[Event] = st.sampled_from(Event.__subclasses__()).flatmap(of_model)
actors = st.builds(
    Actor,
    st.sampled_from(NAMES),
    st.sampled_from((Access.RESPONDER, Access.RESPONDER, Access.COMMANDER, Access.ADMIN, Access.OBSERVER)),
    st.sampled_from((frozenset(),) * 4 + (frozenset({ID}), frozenset({"INC-0000", "declare"}))),
)


@st.composite
def loose_records(draw: st.DrawFn) -> tuple[Record, Event | None]:
    """Any event in any envelope: next in line or not, erased, or of a type that nobody knows."""
    event = draw(events)
    fate = draw(st.sampled_from(("event",) * 8 + ("erased", "unknown")))
    tag = "never-heard-of" if fate == "unknown" else event.TAG
    record = Record(
        incident=draw(st.sampled_from((ID,) * 9 + ("INC-0000",))),
        seq=draw(st.integers(-2, 3)),
        tag=tag,
        actor=draw(st.sampled_from(NAMES)),
        access="responder",
        duty="",
        recorded_at=draw(moments),
        occurred_at=draw(moments),
        client="outbox-1",
        n=1,
        payload=None if fate == "erased" else b"{}",
        salt=None,
        payload_hash=b"",
        previous=b"",
        hash=draw(st.binary(min_size=32, max_size=32)),
    )
    return record, event if fate == "event" else None
