"""The rule file: what becomes of an alert.

One invariant: a `Rules` that exists is complete, and what it says depends on the alert alone.
Where several rules fit, the first one decides.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from warroom.document import DocumentError, Limits, parse_document
from warroom.document_files import content_of
from warroom.incident.text import clean_line
from warroom.incident.words import Severity
from warroom.participants.intake.alert import SERVICE_LABELS, Alert, service_of
from warroom.participants.intake.matchers import Matcher, parse_matcher

LIMITS: Final = Limits(size=256 * 1024, depth=8, nodes=10_000)
LONGEST_TITLE: Final = 200
_FIELD: Final = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_]*(?:\|[a-zA-Z_][a-zA-Z0-9_]*)*)\}")


class RulesError(DocumentError):
    """A rule file that cannot be used."""


def _complaint(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("complaint", "{sentence}", {"sentence": sentence, "complete": True})


def _matcher(value: Any) -> Any:
    if isinstance(value, Matcher):
        return value
    if not isinstance(value, str):
        raise _complaint('a matcher is text, like severity="critical"')
    try:
        return parse_matcher(value)
    except ValueError as error:
        raise _complaint(str(error)) from None


def _severity(value: Any) -> Any:
    try:
        return Severity.parse(str(value))
    except ValueError as error:
        raise _complaint(str(error)) from None


def _template(value: str) -> str:
    if re.search(r"[{}]", _FIELD.sub("", value)):
        raise _complaint("braces hold a label or several, like {alertname} or {summary|alertname}, and nothing else")
    return value


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


Line = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(clean_line)]
Label = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,99}$")]
MatcherField = Annotated[Matcher, BeforeValidator(_matcher)]
SeverityField = Annotated[Severity, BeforeValidator(_severity)]
TitleField = Annotated[str, StringConstraints(min_length=1, max_length=400), AfterValidator(_template)]


class OpenIncident(_Frozen):
    """Open an incident, or join the one that is open for the same values of the labels in `by`.

    `title` is filled in from labels and annotations. `severity` replaces what the alert says. `triage` leaves it to
    people to accept; `private` restricts it to its members. `impact` says that such an alert fires on what users feel:
    then the impact is taken to have started when the alert did, and to be detected when it got here.
    """

    title: TitleField = "{summary|alertname|name}"
    severity: SeverityField | None = None
    by: Annotated[tuple[Label, ...], Field(max_length=5)] = ("service",)
    triage: bool = True
    private: bool = False
    impact: bool = False


class AttachTo(_Frozen):
    """Attach to the incident that is open for the same values of these labels. When none is, the next rule is asked."""

    by: Annotated[tuple[Label, ...], Field(min_length=1, max_length=5)] = ("service",)


class Rule(_Frozen):
    """One rule: all matchers must fit; then exactly one of open, attach or ignore (with its reason)."""

    name: Line
    match: Annotated[tuple[MatcherField, ...], Field(max_length=20)] = ()
    open: OpenIncident | None = None
    attach: AttachTo | None = None
    ignore: Line | None = None

    @model_validator(mode="after")
    def _one_action(self) -> Rule:
        given = [name for name in ("open", "attach", "ignore") if getattr(self, name) is not None]
        if len(given) != 1:
            raise _complaint(f"says {' and '.join(given) or 'nothing to do'}; say one of open, attach, ignore")
        return self

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether every matcher fits."""
        return all(matcher.fits(labels) for matcher in self.match)


class Rules(_Frozen):
    """A rule file. `revision` is its version and the beginning of its digest, kept with everything it decides."""

    version: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
    service_labels: Annotated[tuple[Label, ...], Field(max_length=20)] = SERVICE_LABELS
    severities: dict[str, SeverityField] = Field(default_factory=dict, max_length=50)
    rules: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=500)]
    _digest: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _names_differ(self) -> Rules:
        seen: set[str] = set()
        for rule in self.rules:
            if rule.name in seen:
                raise _complaint(f"two rules are called {rule.name!r}; each needs its own name")
            seen.add(rule.name)
        return self

    @property
    def revision(self) -> str:
        """`1-3fa9c2d4`: the version, and eight digits of the SHA-256 of the content."""
        return f"{self.version}-{self._digest[:8]}"

    def service(self, alert: Alert) -> str:
        """The service the alert is about."""
        return service_of(alert.labels, self.service_labels) or alert.service

    def severity(self, alert: Alert) -> Severity:
        """How bad the alert says it is: by the file's own words first, then by the field's, else unset."""
        told = alert.severity.strip().lower()
        own = {word.lower(): severity for word, severity in self.severities.items()}
        if told in own:
            return own[told]
        try:
            return Severity.parse(told)
        except ValueError:
            return Severity.UNSET

    def title(self, alert: Alert, rule: OpenIncident) -> str:
        """The title that the rule gives to an incident opened by this alert: one line of 1 to 200 characters."""
        values = {
            **alert.annotations,
            **alert.labels,
            "summary": alert.summary,
            "name": alert.name,
            "service": self.service(alert),
            "severity": alert.severity,
        }

        def filled(found: re.Match[str]) -> str:
            return next((values[name] for name in found.group(1).split("|") if values.get(name)), "")

        text = clean_line(_FIELD.sub(filled, rule.title)[: 4 * LONGEST_TITLE]) or clean_line(alert.name) or "Alert"
        return text if len(text) <= LONGEST_TITLE else f"{text[: LONGEST_TITLE - 1].rstrip()}…"


KNOWN_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "": ("version", "service_labels", "severities", "rules"),
    "rules": tuple(Rule.model_fields),
    "open": tuple(OpenIncident.model_fields),
    "attach": tuple(AttachTo.model_fields),
}


def parse_rules(text: str | bytes, source: str) -> Rules:
    """Read a rule file from its text.

    Raises:
        RulesError: with file, line and what would be right, for all that is wrong.
    """
    try:
        document = parse_document(text, source, LIMITS)
    except DocumentError as error:
        raise RulesError(error.problems) from None
    if not isinstance(document.value, dict):
        message = f"a rule file is a mapping with the keys {', '.join(KNOWN_KEYS[''])}"
        raise RulesError([document.problem((), message)])
    try:
        rules = Rules.model_validate(document.value)
    except ValidationError as error:
        raise RulesError(document.problems_of(error, KNOWN_KEYS)) from None
    canonical = json.dumps(document.value, sort_keys=True, separators=(",", ":")).encode()
    rules._digest = hashlib.sha256(canonical).hexdigest()
    return rules


def load_rules(path: Path | None = None) -> Rules:
    """Read a rule file, or the rules that ship with the product when none is named.

    Raises:
        RulesError: also when the file cannot be read.
    """
    if path is None:
        name = "default_rules.yml"
        return parse_rules(files("warroom.participants.intake").joinpath(name).read_bytes(), name)
    try:
        content = content_of(path, str(path), LIMITS)
    except DocumentError as error:
        raise RulesError(error.problems) from None
    return parse_rules(content, str(path))
