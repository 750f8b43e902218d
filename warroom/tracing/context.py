"""Which trace something belongs to, as W3C Trace Context writes it (https://www.w3.org/TR/trace-context/).

Invariant: nothing but two hexadecimal ids that are not all zero comes out of reading what a stranger sent.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from os import urandom
from typing import NamedTuple

TRACEPARENT = r"^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$"
_SHAPE = re.compile(TRACEPARENT[:-1] + r"\Z", re.ASCII)
SAMPLED = 1
LONGEST = f"00-{'1' * 32}-{'1' * 16}-01"
"""A traceparent, as long as any other."""


class Context(NamedTuple):
    """A place in a trace: `trace` has 32 hexadecimal digits, `span` 16."""

    trace: str
    span: str

    @property
    def header(self) -> str:
        """As `traceparent`, version 00, sampled."""
        return f"00-{self.trace}-{self.span}-01"

    def child(self) -> Context:
        """A new place in the same trace."""
        return Context(self.trace, urandom(8).hex())


def begun() -> Context:
    """The beginning of a new trace."""
    return Context(urandom(16).hex(), urandom(8).hex())


def is_traceparent(text: object) -> bool:
    """Whether that is a `traceparent` of version 00."""
    return isinstance(text, str) and _SHAPE.match(text) is not None


def read(traceparent: str) -> Context | None:
    """What a `traceparent` names; None where it is none, or says that nothing is to be recorded."""
    if not is_traceparent(traceparent) or not int(traceparent[53:], 16) & SAMPLED:
        return None
    return Context(traceparent[3:35], traceparent[36:52])


CURRENT: ContextVar[Context | None] = ContextVar("warroom_trace", default=None)
"""The span that is open where this is read, for what begins inside it."""
