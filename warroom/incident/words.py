"""The field's words as closed sets: severities, statuses, duties, access levels, milestones.

The canonical identifiers never change; labels shown to people may be aliased elsewhere.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is. `SEV1` is the worst; `unset` sorts below `SEV5`."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"
    SEV5 = "SEV5"
    UNSET = "unset"

    @property
    def ordinal(self) -> int:
        """1 for SEV1 to 5 for SEV5, 6 for unset: the smaller, the worse."""
        return _ORDINALS[self]

    @property
    def meaning(self) -> str:
        """One sentence that helps to choose, shown beside the choice."""
        return SEVERITY_MEANINGS[self]

    @classmethod
    def parse(cls, text: str) -> Severity:
        """Read what people type: `SEV1`, `sev-1`, `1`, `P1`, `critical`.

        Raises:
            ValueError: names what was given and what would be right.
        """
        wanted = re.sub(r"[\s_-]", "", text).lower()
        try:
            return _SEVERITY_ALIASES[wanted]
        except KeyError:
            raise ValueError(f"{text!r} is not a severity; use SEV1 to SEV5 or unset") from None


_ORDINALS = {severity: number for number, severity in enumerate(Severity, start=1)}

SEVERITY_MEANINGS = {
    Severity.SEV1: "Critical: the service is down or data is at risk for many customers; all hands, now",
    Severity.SEV2: "Major: a core function is badly degraded for many customers; respond at once",
    Severity.SEV3: "Minor: some customers are affected or there is a workaround; respond in working hours or on call",
    Severity.SEV4: "Small: little customer impact; fix as planned work",
    Severity.SEV5: "Cosmetic: no customer impact",
    Severity.UNSET: "Not yet known; when unsure between two, choose the worse",
}

_SEVERITY_ALIASES = {
    **{f"sev{s.ordinal}": s for s in Severity if s is not Severity.UNSET},
    **{f"p{s.ordinal}": s for s in Severity if s is not Severity.UNSET},
    **{str(s.ordinal): s for s in Severity if s is not Severity.UNSET},
    "critical": Severity.SEV1,
    "page": Severity.SEV2,
    "major": Severity.SEV2,
    "high": Severity.SEV2,
    "error": Severity.SEV2,
    "minor": Severity.SEV3,
    "medium": Severity.SEV3,
    "warning": Severity.SEV3,
    "low": Severity.SEV4,
    "info": Severity.SEV5,
    "cosmetic": Severity.SEV5,
    "unset": Severity.UNSET,
    "pending": Severity.UNSET,
    "unknown": Severity.UNSET,
}


class Status(StrEnum):
    """Where the incident is in its life."""

    TRIAGE = "triage"
    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    CLOSED = "closed"
    DECLINED = "declined"
    MERGED = "merged"

    @property
    def is_live(self) -> bool:
        """Whether responders are still at work on it."""
        return self in _LIVE

    @property
    def is_over(self) -> bool:
        """Whether nothing more is expected: closed, declined or merged."""
        return self in _OVER


PHASES = (
    Status.TRIAGE,
    Status.INVESTIGATING,
    Status.IDENTIFIED,
    Status.MONITORING,
    Status.RESOLVED,
    Status.CLOSED,
)
"""The statuses an incident goes through when all goes well, in order."""

_LIVE = frozenset({Status.TRIAGE, Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING})
_OVER = frozenset({Status.CLOSED, Status.DECLINED, Status.MERGED})


class Duty(StrEnum):
    """What a person does in this incident. Assigned, and may change hands."""

    INCIDENT_COMMANDER = "incident_commander"
    DEPUTY = "deputy"
    OPERATIONS_LEAD = "operations_lead"
    SME = "sme"
    COMMUNICATIONS_LEAD = "communications_lead"
    INTERNAL_LIAISON = "internal_liaison"
    SCRIBE = "scribe"
    PLANNING_LEAD = "planning_lead"
    OBSERVER = "observer"
    SHADOW = "shadow"

    @property
    def is_shared(self) -> bool:
        """Whether several people may hold it at the same time."""
        return self in _SHARED

    @property
    def short(self) -> str:
        """At most eight letters, for a narrow column."""
        return _DUTY_SHORT[self]

    @property
    def label(self) -> str:
        """The duty in plain words, `Incident commander`."""
        return self.value.replace("_", " ").capitalize() if self is not Duty.SME else "Subject matter expert"

    @classmethod
    def parse(cls, text: str) -> Duty:
        """Read what people type: `ic`, `incident commander`, `comms`, `scribe`.

        Raises:
            ValueError: names what was given and lists the duties.
        """
        wanted = re.sub(r"[\s-]+", "_", text.strip()).lower()
        try:
            return _DUTY_ALIASES.get(wanted) or cls(wanted)
        except ValueError:
            raise ValueError(f"{text!r} is not a duty; use one of {', '.join(cls)}") from None


_SHARED = frozenset({Duty.SME, Duty.OBSERVER, Duty.SHADOW})
_DUTY_SHORT = {
    Duty.INCIDENT_COMMANDER: "IC",
    Duty.DEPUTY: "DEPUTY",
    Duty.OPERATIONS_LEAD: "OPS",
    Duty.SME: "SME",
    Duty.COMMUNICATIONS_LEAD: "COMMS",
    Duty.INTERNAL_LIAISON: "LIAISON",
    Duty.SCRIBE: "SCRIBE",
    Duty.PLANNING_LEAD: "PLANNING",
    Duty.OBSERVER: "OBSERVER",
    Duty.SHADOW: "SHADOW",
}
_DUTY_ALIASES = {
    "ic": Duty.INCIDENT_COMMANDER,
    "commander": Duty.INCIDENT_COMMANDER,
    "lead": Duty.INCIDENT_COMMANDER,
    "ops": Duty.OPERATIONS_LEAD,
    "ol": Duty.OPERATIONS_LEAD,
    "operations": Duty.OPERATIONS_LEAD,
    "resolver": Duty.SME,
    "subject_matter_expert": Duty.SME,
    "comms": Duty.COMMUNICATIONS_LEAD,
    "cl": Duty.COMMUNICATIONS_LEAD,
    "communications": Duty.COMMUNICATIONS_LEAD,
    "liaison": Duty.INTERNAL_LIAISON,
    "planning": Duty.PLANNING_LEAD,
}


class Access(StrEnum):
    """What a token allows. Comes with the token and bounds what one may do."""

    OBSERVER = "observer"
    RESPONDER = "responder"
    COMMANDER = "commander"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """0 for observer to 3 for admin."""
        return _RANKS[self]

    def covers(self, other: Access) -> bool:
        """Whether this level includes everything `other` allows."""
        return self.rank >= other.rank


_RANKS = {access: rank for rank, access in enumerate(Access)}


class Milestone(StrEnum):
    """The eight times that every measure of an incident is computed from."""

    IMPACT_STARTED = "impact_started_at"
    DETECTED = "detected_at"
    ACKNOWLEDGED = "acknowledged_at"
    DECLARED = "declared_at"
    IDENTIFIED = "identified_at"
    MITIGATED = "mitigated_at"
    RESOLVED = "resolved_at"
    CLOSED = "closed_at"


UPDATE_CADENCE_MINUTES: dict[Severity, int | None] = {
    Severity.SEV1: 30,
    Severity.SEV2: 60,
    Severity.SEV3: 240,
    Severity.SEV4: None,
    Severity.SEV5: None,
    Severity.UNSET: 60,
}
"""How often an update is owed while the incident is live, by severity; None where none is."""
