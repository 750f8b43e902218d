"""The score as data: points with their reasons, clocks, milestones, and what is told without points.

Invariant: `encode` writes the same bytes for the same score, and `decode` reads them back to an equal one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

STOPPED = {"safe_word": "stopped by the safe word", "abandoned": "abandoned"}
"""How an exercise that was not played to its end was stopped, in words by the word on its log."""


class ScoreError(Exception):
    """There is nothing to score; the message says why."""


@dataclass(frozen=True, slots=True)
class Item:
    """Points won out of `of`, why in one sentence, and the entries of the log that won or lost them."""

    id: str
    title: str
    points: float
    of: float
    why: str
    entries: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Category:
    """What belongs together: outcome, detection, roles, comms, diagnosis, safety, review."""

    id: str
    title: str
    points: float
    of: float
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Clock:
    """One moment of the drill, in seconds from its start; None where it never came.

    `reference` is when it comes in the reference run, or is due; `nothing` when it comes if nobody does anything.
    """

    id: str
    title: str
    second: float | None
    entry: int | None = None
    reference: float | None = None
    nothing: float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A time between two clocks, in seconds. None where one of them never came, 0 where the second was there first."""

    id: str
    title: str
    formula: str
    seconds: float | None
    reference: float | None = None
    nothing: float | None = None


@dataclass(frozen=True, slots=True)
class Milestone:
    """What the scenario expected by when. `status` is met, late, missed, open (not yet due) or unknown (not
    understood); `second` is when it came.
    """

    id: str
    text: str
    due: float | None
    second: float | None
    status: str
    entry: int | None = None
    objective: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """User-minutes: what users asked for, and what they lost in this run, if nobody acts, and in the reference run."""

    asked: float
    team: float
    nothing: float
    reference: float


@dataclass(frozen=True, slots=True)
class Share:
    """How much of what was said one person said: entries and characters."""

    who: str
    entries: int
    characters: int
    share: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """A piece of decisive evidence: when it could first be seen and when the team first spoke of it, in seconds."""

    text: str
    visible: float | None
    mentioned: float | None
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Unscored:
    """Told and never counted. `panes` counts pins by kind; `gaps` are silences over three minutes, as (from, to);
    `dead_end_seconds` is time spent on theories that were wrong, by number; `duplicates` are pairs of entries.
    """

    panes: dict[str, int] = field(default_factory=dict)
    sightings: tuple[Sighting, ...] = ()
    duplicates: tuple[tuple[int, int], ...] = ()
    gaps: tuple[tuple[float, float], ...] = ()
    voices: tuple[Share, ...] = ()
    dead_ends: dict[int, float] = field(default_factory=dict)
    dead_end_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Remark:
    """What a host judged: on an item it replaced its points (`counted`), on anything else it is only told."""

    rubric: str
    points: float
    text: str
    entry: int
    counted: bool


@dataclass(frozen=True, slots=True)
class Score:
    """All of it. `total` is 0 to 100, after what hints cost; `team` are the people who took part, hosts left out."""

    incident: str
    scenario: str
    title: str
    version: int
    seed: int
    started_at: str
    ended: str
    team: tuple[str, ...]
    took_part: bool
    total: float
    hints: float
    categories: tuple[Category, ...]
    clocks: tuple[Clock, ...]
    spans: tuple[Span, ...]
    milestones: tuple[Milestone, ...]
    lost: Lost
    unscored: Unscored
    remarks: tuple[Remark, ...] = ()

    def category(self, name: str) -> Category:
        """That category.

        Raises:
            KeyError: there is none of that name.
        """
        return next(one for one in self.categories if one.id == name) if name in self.names else self._no(name)

    def item(self, name: str) -> Item:
        """That item, `comms.cadence`.

        Raises:
            KeyError: there is none of that name.
        """
        found = [item for category in self.categories for item in category.items if item.id == name]
        return found[0] if found else self._no(name)

    @property
    def played_out(self) -> bool:
        """Whether it came to an end of its own; one that somebody stopped tells nothing of a team."""
        return self.ended not in STOPPED.values()

    @property
    def names(self) -> tuple[str, ...]:
        """The categories' names, in order."""
        return tuple(one.id for one in self.categories)

    @staticmethod
    def _no(name: str) -> Any:
        raise KeyError(name)


def encode(score: Score) -> bytes:
    """Canonical JSON: sorted keys, no spaces."""
    return orjson.dumps(score, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def score_json(score: Score) -> dict[str, Any]:
    """The score as JSON values."""
    body: dict[str, Any] = orjson.loads(encode(score))
    return body


def decode(data: bytes | str) -> Score:
    """The score that `encode` wrote.

    Raises:
        ScoreError: it is none.
    """
    try:
        return score_from_json(orjson.loads(data))
    except orjson.JSONDecodeError:
        raise ScoreError("a score must be JSON") from None


def score_from_json(body: Mapping[str, Any]) -> Score:
    """The score of `score_json`.

    Raises:
        ScoreError: a field is missing or not of its kind.
    """
    try:
        fields = {name: body[name] for name in Score.__dataclass_fields__}
        unscored = dict(fields["unscored"])
        unscored["dead_ends"] = {int(number): float(spent) for number, spent in unscored["dead_ends"].items()}
        unscored["sightings"] = tuple(Sighting(**one) for one in unscored["sightings"])
        unscored["voices"] = tuple(Share(**one) for one in unscored["voices"])
        unscored["gaps"] = tuple((float(start), float(end)) for start, end in unscored["gaps"])
        unscored["duplicates"] = tuple((int(first), int(second)) for first, second in unscored["duplicates"])
        fields.update(
            team=tuple(fields["team"]),
            categories=tuple(
                Category(**{**one, "items": tuple(Item(**{**item, "entries": tuple(item["entries"])})
                                                  for item in one["items"])})
                for one in fields["categories"]
            ),
            clocks=tuple(Clock(**one) for one in fields["clocks"]),
            spans=tuple(Span(**one) for one in fields["spans"]),
            milestones=tuple(Milestone(**one) for one in fields["milestones"]),
            lost=Lost(**fields["lost"]),
            unscored=Unscored(**unscored),
            remarks=tuple(Remark(**one) for one in fields["remarks"]),
        )  # fmt: skip
        return Score(**fields)
    except KeyError as error:
        raise ScoreError(f"a score needs {error.args[0]!r}") from None
    except (TypeError, ValueError) as error:
        raise ScoreError(f"this is no score of warroom: {error}") from None
