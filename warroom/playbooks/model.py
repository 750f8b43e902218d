"""What a playbook is: a versioned checklist with what it matches, severity guidance and steps.

One invariant: a `Playbook` that exists is valid and never changes, and two with the same digest are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from warroom.incident.fields import PinnedPlaybook, PlaybookStep
from warroom.incident.text import clean_text
from warroom.incident.words import Duty, Severity

OWNERS: Final = (
    Duty.INCIDENT_COMMANDER,
    Duty.DEPUTY,
    Duty.OPERATIONS_LEAD,
    Duty.SME,
    Duty.COMMUNICATIONS_LEAD,
    Duty.INTERNAL_LIAISON,
    Duty.SCRIBE,
    Duty.PLANNING_LEAD,
)
"""The duties that may own a step; who only watches owns none."""


def _complaint(sentence: str) -> PydanticCustomError:
    # Braces would be read as a template by pydantic.
    return PydanticCustomError("complaint", "{sentence}", {"sentence": sentence, "complete": True})


def _read_severity(value: Any) -> Any:
    if isinstance(value, Severity):
        return value
    if isinstance(value, str | int) and not isinstance(value, bool):
        try:
            return Severity.parse(str(value))
        except ValueError as error:
            raise _complaint(str(error)) from None
    raise _complaint("a severity is written as SEV1 to SEV5 or unset")


def _read_owner(value: Any) -> Any:
    try:
        duty = Duty.parse(value) if isinstance(value, str) else None
    except ValueError:
        duty = None
    if duty not in OWNERS:
        raise _complaint(f"{str(value)[:60]!r} is not a duty that owns steps; use one of {', '.join(OWNERS)}")
    return duty


def _read_id(value: Any) -> Any:
    if isinstance(value, str) and not _is_kebab(value):
        raise _complaint(
            f"{value[:60]!r} is not an id; write small letters, digits and single hyphens, like bad-deploy"
        )
    return value


def _is_kebab(text: str) -> bool:
    parts = text.split("-")
    return len(text) <= 64 and text.isascii() and all(part.isalnum() and part == part.lower() for part in parts)


def _single_line(value: str) -> str:
    if "\n" in value:
        raise _complaint("must be one line")
    return value


Id = Annotated[str, BeforeValidator(_read_id)]
Title = Annotated[
    str,
    StringConstraints(min_length=1, max_length=120, strip_whitespace=True),
    AfterValidator(_single_line),
    AfterValidator(clean_text),
]
Prose = Annotated[str, StringConstraints(max_length=6_000), AfterValidator(clean_text)]
Pattern = Annotated[
    str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True), AfterValidator(_single_line)
]
Patterns = Annotated[tuple[Pattern, ...], Field(max_length=50)]
OwnerField = Annotated[Duty, BeforeValidator(_read_owner)]
SeverityField = Annotated[Severity, BeforeValidator(_read_severity)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Matches(_Frozen):
    """What brings a playbook up: globs over service and alert names (case does not count), words, severities.

    A word may be a phrase ("connection pool"). Severities alone bring nothing up; they only add weight.
    """

    services: Patterns = ()
    alerts: Patterns = ()
    words: Patterns = ()
    severities: Annotated[tuple[SeverityField, ...], Field(max_length=6)] = ()


class Guidance(_Frozen):
    """When which severity is right."""

    severity: SeverityField
    when: Annotated[Prose, Field(min_length=1)]


class Step(_Frozen):
    """One step: who owns it, what to do (Markdown), and what is seen when it worked."""

    id: Id
    title: Title
    owner: OwnerField
    instructions: Annotated[Prose, Field(min_length=1)]
    expected: Prose = ""
    time_box_minutes: Annotated[int | None, Field(ge=1, le=24 * 60, strict=True)] = None


class Playbook(_Frozen):
    """A versioned checklist. A step is identified by its id within this id and version."""

    id: Id
    title: Title
    version: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
    summary: Annotated[Prose, Field(min_length=1)]
    matches: Matches = Matches()
    severity_guidance: Annotated[tuple[Guidance, ...], Field(max_length=12)] = ()
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=60)]

    @model_validator(mode="after")
    def _step_ids_differ(self) -> Playbook:
        repeated = [step_id for step_id, count in Counter(step.id for step in self.steps).items() if count > 1]
        if repeated:
            raise _complaint(f"two steps have the id {repeated[0]!r}; each step needs its own")
        return self

    def step(self, step_id: str) -> Step | None:
        """The step with this id."""
        return next((step for step in self.steps if step.id == step_id), None)

    def pinned(self) -> PinnedPlaybook:
        """The playbook as an incident keeps it: version, digest and the steps themselves."""
        steps = tuple(
            PlaybookStep(
                id=step.id,
                title=step.title,
                owner=step.owner.value,
                instructions=step.instructions,
                expected=step.expected,
            )
            for step in self.steps
        )
        return PinnedPlaybook(id=self.id, title=self.title, version=self.version, digest=digest(self), steps=steps)


def canonical_json(playbook: Playbook) -> bytes:
    """The one encoding of a playbook's content: sorted keys, no spaces, UTF-8. Comments do not count."""
    content = playbook.model_dump(mode="json")
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(playbook: Playbook) -> str:
    """SHA-256 of `canonical_json`, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(playbook)).hexdigest()


KNOWN_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "": tuple(Playbook.model_fields),
    "matches": tuple(Matches.model_fields),
    "severity_guidance": tuple(Guidance.model_fields),
    "steps": tuple(Step.model_fields),
}
"""The keys each part of a playbook file may have."""
