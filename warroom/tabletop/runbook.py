"""The players' runbook: which questions to ask of the telemetry, in which order, and what each answer points at.

The files lie in `scenarios/runbooks`, one for each topology. Players see them; nothing in them names a scenario.

Invariant: a `Runbook` that exists is valid: its ids differ and its conditions can be read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from warroom.data import shipped_data_dir
from warroom.document import Document, DocumentError, Limits, parse_document
from warroom.incident.fields import PinnedPlaybook, PlaybookStep
from warroom.incident.text import clean_line, clean_text
from warroom.incident.words import Duty
from warroom.tabletop.answers import Holds, HoldsError, read_holds

LIMITS: Final = Limits(size=512 * 1024, depth=10, nodes=20_000)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


def _condition(value: str) -> str:
    try:
        read_holds(value)
    except HoldsError as error:
        raise ValueError(str(error)) from None
    return value


def seconds_of(value: Any) -> Any:
    """A duration as people write it (`90s`, `2m`) in seconds; what is none is given back for pydantic to refuse."""
    if isinstance(value, str):
        found = _DURATION.fullmatch(value.strip())
        return float(found[1]) * _SECONDS[found[2]] if found else value
    return value


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(clean_line)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(clean_text)]
Query = Annotated[str, StringConstraints(min_length=0, max_length=4000)]
Condition = Annotated[str, AfterValidator(_condition)]
Ask = Literal["metrics", "logs", "traces", "alerts", "changes"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Question(_Frozen):
    """Something to ask of the telemetry, and the condition under which the answer says yes."""

    title: Title
    ask: Ask
    query: Query
    holds: Condition = "any"

    @property
    def condition(self) -> Holds:
        """The condition, read."""
        return read_holds(self.holds)


class Step(_Frozen):
    """An action that fits a suspect, by its kind and by what it acts on; `*` fits whatever is offered of that kind."""

    kind: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    target: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "*"


class Suspect(_Frozen):
    """What may be behind a check that holds, in words that are filled from the answer, and what would help."""

    text: Words
    probability: Annotated[float, Field(gt=0, lt=1)]
    actions: Annotated[tuple[Step, ...], Field(max_length=12)] = ()
    supported_by: Question | None = None
    refuted_by: Question | None = None


class Check(Question):
    """One line of the runbook. `takes` is how many seconds a person needs for it."""

    id: Slug
    means: Annotated[str, StringConstraints(max_length=1000), AfterValidator(clean_text)] = ""
    takes: Annotated[float, Field(ge=1, le=1800)] = 60.0
    owner: Duty = Duty.OPERATIONS_LEAD
    noise: bool = False
    suspects: Annotated[tuple[Suspect, ...], Field(max_length=12)] = ()

    @model_validator(mode="before")
    @classmethod
    def _durations(cls, value: Any) -> Any:
        if isinstance(value, dict) and "takes" in value:
            return {**value, "takes": seconds_of(value["takes"])}
        return value


class Users(_Frozen):
    """How users fare: what decides whether there is an incident, and whether something helped."""

    title: Title
    query: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    healthy: Condition


class Metadata(_Frozen):
    """What the runbook is called."""

    id: Slug
    title: Title
    version: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class Runbook(_Frozen):
    """The questions of one topology, in order."""

    apiVersion: Literal["warroom/v1"] = "warroom/v1"  # noqa: N815 (the format's own name)
    kind: Literal["Runbook"] = "Runbook"
    metadata: Metadata
    summary: Annotated[str, StringConstraints(max_length=2000), AfterValidator(clean_text)] = ""
    users: Users
    checks: Annotated[tuple[Check, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _ids_differ(self) -> Runbook:
        seen: set[str] = set()
        for check in self.checks:
            if check.id in seen:
                raise ValueError(f"two checks have the id {check.id!r}; each needs its own")
            seen.add(check.id)
        return self

    def pinned(self) -> PinnedPlaybook:
        """The runbook as a playbook of the room: one step for each check."""
        steps = tuple(
            PlaybookStep(
                id=check.id,
                title=check.title,
                owner=check.owner.value,
                instructions=f"Ask the {check.ask}: {check.query}" if check.query else f"Look at the {check.ask}.",
                expected=check.means,
            )
            for check in self.checks
        )
        return PinnedPlaybook(
            id=self.metadata.id, title=self.metadata.title, version=self.metadata.version, steps=steps
        )


def parse_runbook(text: str | bytes, source: str) -> Runbook:
    """Read a runbook from its text; `source` names it in messages.

    Raises:
        DocumentError: with one problem for each line that is wrong.
    """
    document: Document = parse_document(text, source, LIMITS)
    if not isinstance(document.value, dict):
        raise DocumentError([document.problem((), "a runbook is a mapping with metadata, users and checks")])
    try:
        return Runbook.model_validate(document.value)
    except ValidationError as error:
        known = {"": tuple(Runbook.model_fields), "checks": tuple(Check.model_fields)}
        raise DocumentError(document.problems_of(error, known)) from None


def load_runbook(name: str, directory: Path | None = None) -> Runbook:
    """The runbook of that name, `shop`, of those that ship or of `directory`.

    Raises:
        DocumentError: it cannot be used.
        FileNotFoundError: there is none.
    """
    path = (directory or shipped_data_dir("scenarios") / "runbooks") / f"{name}.yaml"
    return parse_runbook(path.read_bytes(), path.name)
