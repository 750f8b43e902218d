"""What can go wrong with the stack, in words that end with the next step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Kind = Literal[
    "no-file",
    "no-engine",
    "denied",
    "elsewhere",
    "no-compose",
    "port-taken",
    "no-registry",
    "unhealthy",
    "slow",
    "no-service",
    "not-running",
    "disk",
    "failed",
]


class StackError(Exception):
    """One sentence for a person, next step included; `kind` is stable and may be acted upon.

    `details` are lines to show before it: the end of a log.
    """

    def __init__(self, kind: Kind, words: str, details: Sequence[str] = ()) -> None:
        super().__init__(words)
        self.kind: Kind = kind
        self.words = words
        self.details = tuple(details)
