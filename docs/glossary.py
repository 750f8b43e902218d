"""docs/terms.md: the product's words, from the closed sets of the core."""

from __future__ import annotations

from warroom.incident.measures import FORMULAS
from warroom.incident.words import (
    _DUTY_ALIASES,
    _SEVERITY_ALIASES,
    PHASES,
    UPDATE_CADENCE_MINUTES,
    Access,
    Duty,
    Milestone,
    Severity,
    Status,
)

DUTIES = {
    Duty.INCIDENT_COMMANDER: "leads: decides, gives duties, keeps the overview, and does no debugging",
    Duty.DEPUTY: "the commander's second: watches the clock, ready to take over",
    Duty.OPERATIONS_LEAD: "directs the technical work",
    Duty.SME: "knows one system well and works on it",
    Duty.COMMUNICATIONS_LEAD: "writes to customers",
    Duty.INTERNAL_LIAISON: "writes to the rest of the company, keeps questions away from the room",
    Duty.SCRIBE: "keeps the timeline",
    Duty.PLANNING_LEAD: "long incidents: shifts, hand-overs, follow-ups",
    Duty.OBSERVER: "watches",
    Duty.SHADOW: "learns a duty by watching the one who has it",
}
STATUSES = {
    Status.TRIAGE: "raised, for instance by an alert; nobody has said yet whether it is an incident",
    Status.INVESTIGATING: "an incident; the cause is not known",
    Status.IDENTIFIED: "the cause is known; it is being fixed",
    Status.MONITORING: "mitigated; watched whether it holds",
    Status.RESOLVED: "the impact is over",
    Status.CLOSED: "nothing more is expected",
    Status.DECLINED: "triage said: a false alarm",
    Status.MERGED: "a duplicate; the work goes on in another incident",
}
MILESTONES = {
    Milestone.IMPACT_STARTED: "said on declaring, by a correction, or by an alert's rule (`impact`); the first harm",
    Milestone.DETECTED: "said on declaring, else the declaration",
    Milestone.ACKNOWLEDGED: "acknowledged or accepted for the first time; declared in earnest is acknowledged",
    Milestone.DECLARED: "the first entry of the log",
    Milestone.IDENTIFIED: "the status became identified; not known when that was skipped",
    Milestone.MITIGATED: "the status became monitoring, or resolved",
    Milestone.RESOLVED: "the status became resolved",
    Milestone.CLOSED: "the status became closed, declined or merged",
}
ACCESS = {
    Access.OBSERVER: "reads",
    Access.RESPONDER: "works: declares, writes, takes duties; leads while nobody has command",
    Access.COMMANDER: "as an incident commander in every incident; sees private ones; redacts; changes privacy",
    Access.ADMIN: "as commander; lists and revokes tokens, makes backups, imports",
}
WORDS = (
    ("incident", "one log, one room, one id such as `INC-7K3Q`"),
    ("log", "the incident's records 1, 2, 3 ...; everything else is computed from it"),
    ("entry", "one record of the log, named by its number"),
    ("correction", "an entry that supersedes another, which stays readable"),
    ("tombstone", "what a redaction leaves: who, when and what kind, without the words"),
    ("pin", "an entry marked as one that matters; the post-mortem prints it bold"),
    ("evidence", "a chart kept with its data, so that it is there when the backend has forgotten it"),
    ("hypothesis", "a possible cause: proposed, supported, refuted or confirmed"),
    ("decision", "a question, its options and objections, what was chosen, why, by whom"),
    ("playbook", "a checklist, pinned to its version when it is attached"),
    ("update", "what was told to an audience; the next one falls due by the severity"),
    ("spotlight", "the commander or deputy points everybody's console at a pane or an entry; never stored"),
    ("presence", "who is here, where they look, idle, typing; never stored"),
    ("outbox", "the commands of one client that have no answer yet, on disk"),
    ("participant", "anybody with a token: a person's console, a command, an automation"),
    ("triage", "deciding whether an alert is an incident"),
    ("room", "the people and screens around one incident"),
)


def page() -> str:
    """The whole page."""
    return "\n".join(
        (
            "# Terms\n",
            (
                "Generated from the code by `make docs`. The identifiers below are those on the wire, in the log and "
                "on the command line.\n"
            ),
            "## Severities\n",
            _severities(),
            (
                "\nWhen unsure between two, choose the worse; do not argue it during the incident. Also read: "
                f"{_also(_SEVERITY_ALIASES)}.\n"
            ),
            "## Statuses\n",
            _table(
                ("status", "meaning", "live"), [(f"`{s}`", STATUSES[s], "yes" if s.is_live else "") for s in Status]
            ),
            (
                f"\nWhen all goes well: {' → '.join(PHASES)}. Steps may be left out, and it may go back among the live "
                "ones. A resolved incident is reopened with a reason; so is one that is over. Only a resolved one can "
                "be closed.\n"
            ),
            "## Duties\n",
            "What a person does in this incident. Assigned, and may change hands. *Shared*: several may hold it.\n",
            _table(
                ("duty", "short", "does", "shared"),
                [(f"`{d}`", d.short, DUTIES[d], "yes" if d.is_shared else "") for d in Duty],
            ),
            (
                f"\nAlso read: {_also(_DUTY_ALIASES)}. Command changes hands by offer, brief and accept, or is taken "
                "with commander access and a reason. It is never released while the incident is live.\n"
            ),
            "## Access\n",
            "What a token allows, in every incident it may see. Each level has all of the one before.\n",
            _table(("access", "may"), [(f"`{a}`", ACCESS[a]) for a in Access]),
            "\n## Milestones\n",
            (
                "Eight times, derived from the log. Each can be corrected by `warroom milestone`; the correction is "
                "on the log. Going back to an earlier status takes the later ones away, unless they were corrected.\n"
            ),
            _table(("milestone", "from"), [(f"`{m}`", MILESTONES[m]) for m in Milestone]),
            "\n## Measures\n",
            _table(
                ("measure", "meaning", "formula"),
                [(f.name, f.meaning, f"`{f.end} - {f.start}`") for f in FORMULAS],
            ),
            (
                "\nA measure is given only when both milestones are known and in order; otherwise the reason is, in "
                "words. Each number names the entries it rests on, and says when one was corrected.\n"
            ),
            "## Other words\n",
            _table(("word", "meaning"), sorted(WORDS)),
            "",
        )
    )


def _severities() -> str:
    rows = []
    for severity in Severity:
        minutes = UPDATE_CADENCE_MINUTES[severity]
        rows.append((f"`{severity}`", severity.meaning, f"{minutes} min" if minutes else "none owed"))
    return _table(("severity", "meaning", "update every"), rows)


def _also(aliases: dict[str, object]) -> str:
    by: dict[str, list[str]] = {}
    for said, meant in aliases.items():
        if said != str(meant).lower():
            by.setdefault(str(meant), []).append(said)
    return "; ".join(f"{', '.join(said)} for `{meant}`" for meant, said in by.items())


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])
