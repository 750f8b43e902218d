"""The ground truth of a scenario: what players find out, and what a score measures their theories by.

The hash of this part is shown when an exercise begins, so it holds nothing that changes while one runs.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from warroom.tabletop.parts import Part
from warroom.tabletop.words import Duration, HoldsText, Id, MaybeProse, MaybeWords, Words, complaint, read_onset

Ask = Literal["metrics", "logs", "traces", "alerts", "changes"]
Onset = Annotated[
    int | str,
    BeforeValidator(read_onset),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}], "description": "a fault's id, or like 90s"}),
]
"""When it began: the id of a fault, or seconds."""
Phrases = Annotated[tuple[Words, ...], Field(min_length=1, max_length=30)]


class Evidence(Part):
    """Something that telemetry shows to whoever asks: the question, and what is true of its answer.

    `at` is seconds after the onset; for a red herring, after the exercise began.
    """

    id: MaybeWords = ""
    text: Words
    ask: Ask
    query: Annotated[str, Field(max_length=2_000)]
    expect: HoldsText = "any"
    at: Duration = 120


class RootCause(Part):
    """What it was, in one sentence and in the words that systems of tickets use."""

    entity: Words
    kind: Words
    service: MaybeWords = ""
    mechanism: Words
    category: Words
    text: Words


class Propagation(Part):
    """How trouble went from one place to the next."""

    source: Words
    target: Words
    condition: MaybeWords = ""
    effect: Words


class Contributing(Part):
    """Something that made it possible or worse; any of `words` in a sentence names it."""

    text: Words
    words: Annotated[tuple[Words, ...], Field(max_length=20)] = ()


class Sealed(Part):
    """The truth. A theory names it when it has a phrase of every group of `aliases`, or one of `names_alone`."""

    nothing_wrong: bool = False
    root_cause: RootCause | None = None
    aliases: Annotated[tuple[Phrases, ...], Field(max_length=6)] = ()
    names_alone: Annotated[tuple[Words, ...], Field(max_length=40)] = ()
    onset: Onset = 0
    propagation: Annotated[tuple[Propagation, ...], Field(max_length=20)] = ()
    contributing: Annotated[tuple[Contributing, ...], Field(max_length=12)] = ()
    accepted_mitigations: Annotated[tuple[tuple[Id, ...], ...], Field(max_length=12)] = ()
    harmful: Annotated[tuple[Id, ...], Field(max_length=20)] = ()
    decisive_evidence: Annotated[tuple[Evidence, ...], Field(max_length=20)] = ()
    alert_groups: Annotated[dict[str, tuple[Words, ...]], Field(max_length=20)] = Field(default_factory=dict)
    story: MaybeProse = ""

    @model_validator(mode="after")
    def _has_a_cause(self) -> Sealed:
        if (self.root_cause is None) != self.nothing_wrong:
            raise complaint("has a root_cause, or says nothing_wrong: true; not both and not neither")
        if not self.aliases and not self.names_alone:
            raise complaint("no theory can name the truth; give aliases or names_alone")
        return self
