"""What the score needs to know of a scenario, and nothing else of it.

Invariant: made from the scenario alone, so that the same file gives the same terms; what it leaves open has a default
here, and only here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from warroom.incident.words import Duty

WEIGHTS: Mapping[str, float] = {
    "outcome": 30.0,
    "detection": 10.0,
    "roles": 10.0,
    "comms": 15.0,
    "diagnosis": 20.0,
    "safety": 10.0,
    "review": 5.0,
}
"""The standard profile; a scenario may weigh the categories otherwise."""


TARGET = 0.99
"""The share of requests that is promised to be served, where a scenario promises nothing."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A milestone: `event` is the scenario's expression, `due` and `every` are in seconds."""

    id: str
    event: str
    due: float | None = None
    every: float | None = None
    objective: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of decisive evidence: in words, by which kind of pane, and when it can first be seen (seconds)."""

    text: str
    pane: str = ""
    query: str = ""
    visible: float | None = None


class Truth(Protocol):
    """What tells whether words name the truth."""

    def names(self, text: str) -> bool:
        """Whether those words name what is really wrong."""
        ...

    def contributing(self, text: str) -> Iterable[int]:
        """Which of the contributing factors those words name, by their places."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """`onset` and all times are seconds from the start of the exercise; `expected` is when a good team is done and
    `horizon` how far the runs that are compared go. `accepted` are the sets of actions each of which ends what is
    wrong, `harmful` the actions that make it worse; `reference` is (second, action). `target` is the share of requests
    that the service promises to serve. `declare_by` is by when a good team has declared, or stood down.
    """

    scenario: str
    title: str
    version: int
    nothing_wrong: bool
    onset: float
    expected: float
    horizon: int
    truth: Truth
    declare_by: float
    half_life: float = 300.0
    accepted: tuple[frozenset[str], ...] = ()
    harmful: frozenset[str] = frozenset()
    contributing: tuple[str, ...] = ()
    seats: tuple[Duty, ...] = ()
    milestones: tuple[Expected, ...] = ()
    reference: tuple[tuple[float, str], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    target: float = TARGET
    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))

    def milestone(self, event: str) -> Expected | None:
        """The first milestone whose event begins with `event`."""
        return next((one for one in self.milestones if one.event.strip().startswith(event)), None)

    def due(self, event: str, default: float) -> float:
        """By when the scenario expects what begins with `event`; `default` where it does not say."""
        found = self.milestone(event)
        return default if found is None or found.due is None else found.due

    @property
    def mitigations(self) -> frozenset[str]:
        """All actions that are part of ending what is wrong."""
        return frozenset().union(*self.accepted)


def plain(text: str) -> str:
    """Lower case, and everything but letters and digits a single space: `CHG-118` and `chg 118` are the same."""
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


_SMALL = frozenset(
    {
        "the", "and", "for", "with", "was", "were", "are", "been", "not", "from", "into", "that", "this", "its", "had",
        "has", "have", "than", "then", "when", "which", "who", "after", "before", "during", "under", "over", "only",
    }
)  # fmt: skip


def content_words(text: str) -> frozenset[str]:
    """The words of a sentence that carry its meaning, each cut to six letters so that its forms are one."""
    return frozenset(word[:6] for word in plain(text).split() if len(word) > 2 and word not in _SMALL)
