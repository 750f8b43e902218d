"""Which series have which labels, and what a selector picks: matchers as Prometheus has them.

A pattern is RE2's (the engine that Prometheus matches with, in linear time), anchored at both ends, and a dot in it
matches a line break too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import re2

from warroom.telemetry.alerts import Matcher
from warroom.telemetry.block import SeriesKey

_OPTIONS = re2.Options()
_OPTIONS.dot_nl = True
_OPTIONS.log_errors = False


@lru_cache(maxsize=1024)
def pattern(text: str) -> Any:
    """A compiled pattern. Raises ValueError with what is wrong with it."""
    try:
        return re2.compile(text, _OPTIONS)
    except re2.error as wrong:
        said = wrong.args[0] if wrong.args else b""
        words = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"error parsing regexp: {words}") from None


def matches(matcher: Matcher, value: str) -> bool:
    """Whether a label's value (empty: it has none) is one that a matcher wants."""
    found = pattern(matcher.value).fullmatch(value) is not None if matcher.is_regex else value == matcher.value
    return found == matcher.is_equal


class SeriesIndex:
    """Numbers of series by label and value."""

    def __init__(self) -> None:
        self._by_label: dict[str, dict[str, set[int]]] = {}
        self._all: set[int] = set()

    def add(self, number: int, key: SeriesKey) -> None:
        """Take a series in."""
        self._all.add(number)
        for name, value in key:
            self._by_label.setdefault(name, {}).setdefault(value, set()).add(number)

    def remove(self, number: int, key: SeriesKey) -> None:
        """Forget a series."""
        self._all.discard(number)
        for name, value in key:
            values = self._by_label[name]
            values[value].discard(number)
            if not values[value]:
                del values[value]
                if not values:
                    del self._by_label[name]

    def pick(self, matchers: Sequence[Matcher]) -> list[int]:
        """Series that every matcher wants, in the order in which they came. Raises ValueError for a bad pattern."""
        found: set[int] | None = None
        refused: set[int] = set()
        for one in matchers:
            values = self._by_label.get(one.name, {})
            # A matcher that an empty value satisfies wants series without the label too: it can only refuse.
            if matches(one, ""):
                refused.update(*(numbers for value, numbers in values.items() if not matches(one, value)))
            else:
                wanted = self._wanted(one, values)
                found = set(wanted) if found is None else found & wanted
                if not found:
                    return []
        return sorted((self._all if found is None else found) - refused)

    def names(self) -> list[str]:
        """All label names."""
        return sorted(self._by_label)

    def values(self, name: str) -> list[str]:
        """All values of a label."""
        return sorted(self._by_label.get(name, ()))

    def sizes(self) -> dict[str, dict[str, int]]:
        """How many series have each value of each label."""
        return {name: {value: len(numbers) for value, numbers in values.items()}
                for name, values in self._by_label.items()}  # fmt: skip

    @staticmethod
    def _wanted(one: Matcher, values: dict[str, set[int]]) -> set[int]:
        if not one.is_regex and one.is_equal:
            return values.get(one.value, set())
        picked: Iterable[set[int]] = (numbers for value, numbers in values.items() if matches(one, value))
        return set().union(*picked)
