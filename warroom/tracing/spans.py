"""Spans as plain data, and who makes them.

A span says what was done, when, inside of what, and how it ended: names and words of the code, ids, sizes and
outcomes. Invariant: no free text, no query and no secret is put into one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

from warroom.tracing.context import CURRENT, Context, begun

Value = str | int | float | bool
Kind = Literal["internal", "server", "client", "producer", "consumer"]


_NONE: Mapping[str, Value] = MappingProxyType({})


class Span(NamedTuple):
    """Something that was done. `began` and `ended` in nanoseconds since the epoch; `parent` is a span's id or empty.

    `error` is a stable word for what went wrong, empty when nothing did.
    """

    service: str
    name: str
    context: Context
    parent: str
    began: int
    ended: int
    kind: Kind = "internal"
    error: str = ""
    attributes: Mapping[str, Value] = _NONE


class LogLine(NamedTuple):
    """One line of a log. `at` in nanoseconds since the epoch; `level` as `logging` numbers it."""

    service: str
    at: int
    level: int
    words: str
    context: Context | None = None
    attributes: Mapping[str, Value] = _NONE


class Sink(Protocol):
    """Where finished spans and lines go; must neither block nor raise."""

    def take(self, item: Span | LogLine) -> None: ...


class Open:
    """A span under way, in `with tracer.span(...) as it`: `it.error` and `it.attributes` may be set until it ends."""

    __slots__ = ("attributes", "context", "error")

    def __init__(self, context: Context, attributes: dict[str, Value]) -> None:
        self.context = context
        self.attributes = attributes
        self.error = ""


class Tracer:
    """Makes the spans of one service. Its clock never goes back, and agrees with the system's when it starts."""

    def __init__(self, service: str, sink: Sink) -> None:
        self.service = service
        self._sink = sink
        self._zero = time.time_ns() - time.monotonic_ns()

    def now(self) -> int:
        """Nanoseconds since the epoch, monotonic."""
        return self._zero + time.monotonic_ns()

    def at(self, monotonic: float) -> int:
        """The same for a moment of `time.monotonic()`, in seconds."""
        return self._zero + int(monotonic * 1e9)

    def tell(
        self,
        name: str,
        context: Context,
        parent: str,
        began: int,
        ended: int,
        kind: Kind = "internal",
        error: str = "",
        **attributes: Value,
    ) -> None:
        """A span whose times and place are known."""
        self._sink.take(Span(self.service, name, context, parent, began, max(began, ended), kind, error, attributes))

    @contextmanager
    def span(self, name: str, kind: Kind = "internal", **attributes: Value) -> Iterator[Open]:
        """A span around what is done inside: a child of the one that is open here, else the root of a new trace.

        What is raised inside passes through, and its type becomes the error where none was set.
        """
        above = CURRENT.get()
        it = Open(begun() if above is None else above.child(), attributes)
        token = CURRENT.set(it.context)
        began = self.now()
        try:
            yield it
        except BaseException as error:
            it.error = it.error or type(error).__name__
            raise
        finally:
            CURRENT.reset(token)
            parent = "" if above is None else above.span
            self.tell(name, it.context, parent, began, self.now(), kind, it.error, **it.attributes)
