"""Why a query has no answer."""

from __future__ import annotations

from typing import Literal

ErrorType = Literal["bad_data", "execution", "timeout"]

SAME_LABELSET = "vector cannot contain metrics with the same labelset"


class PromqlError(Exception):
    """A query that cannot be answered: Prometheus's type of error, and its words."""

    def __init__(self, error_type: ErrorType, words: str) -> None:
        super().__init__(words)
        self.error_type: ErrorType = error_type


def execution(words: str) -> PromqlError:
    """What goes wrong while a query is evaluated."""
    return PromqlError("execution", words)
