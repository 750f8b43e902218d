"""What a reviewer would say about a scenario before people spend an evening on it.

One invariant: linting never changes a scenario; it gives findings in the order of the file. An error means that the
exercise could not be run or not be scored; a warning, that it would be worse than it could be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from warroom.document import ValuePath, path_text
from warroom.incident.words import Duty
from warroom.playbooks.lint import Finding, Weight, is_failure
from warroom.tabletop.answers import names_in
from warroom.tabletop.load import ScenarioError, ScenarioFile
from warroom.tabletop.model import Scenario
from warroom.tabletop.production_check import production_findings
from warroom.tabletop.truth import names_truth

__all__ = ["RULES", "Finding", "error_findings", "is_failure", "lint_file"]

Remark: TypeAlias = tuple[str, Weight, ValuePath, str, str]
_E, _W, _A = Weight.ERROR, Weight.WARNING, Weight.ADVICE


def lint_file(file: ScenarioFile) -> tuple[Finding, ...]:
    """Every remark about one scenario."""
    findings = [
        Finding(code, weight, file.source, file.document.line(path), path_text(path), message, advice)
        for rule in RULES
        for code, weight, path, message, advice in rule(file.scenario)
    ]
    return tuple(sorted(findings, key=lambda finding: (finding.line, finding.path, finding.code)))


def error_findings(errors: Iterable[ScenarioError]) -> Iterator[Finding]:
    """What the loader refused, as findings."""
    for error in errors:
        for problem in error.problems:
            advice = "the scenario cannot be used until this is right"
            path = path_text(problem.path)
            yield Finding(problem.code, _E, problem.source, problem.line, path, problem.message, advice)


def _in_time(scenario: Scenario) -> Iterator[Remark]:
    stop = scenario.metadata.duration.hard_stop
    places: list[tuple[ValuePath, int | None]] = [
        *((("injects", i, "at"), one.at) for i, one in enumerate(scenario.injects)),
        *((("milestones", i, "due"), one.due) for i, one in enumerate(scenario.milestones)),
        *((("faults", i, "at"), one.at) for i, one in enumerate(scenario.faults)),
        *((("reference", i, "at"), one.at) for i, one in enumerate(scenario.reference)),
    ]
    for path, at in places:
        if at is not None and at > stop:
            yield "after-the-end", _E, path, f"is after the hard stop of {stop} seconds", "bring it forward"


def _actions(scenario: Scenario) -> Iterator[Remark]:
    verdicts = {action.verdict for action in scenario.actions}
    wrong = scenario.sealed.nothing_wrong
    if scenario.actions and not wrong and "accepted" not in verdicts:
        yield "no-way-out", _E, ("actions",), "has no accepted action", "give the one that ends the trouble"
    if "harmful" not in verdicts:
        yield "no-trap", _W, ("actions",), "has no harmful action", "add what a hurried team would try"
    if not 3 <= len(scenario.actions) <= 12:
        message = f"has {len(scenario.actions)} actions"
        yield "few-or-many-actions", _W, ("actions",), message, "five to nine make a choice that can be made"
    begun = {str(effect.target.get("fault")) for action in scenario.actions for effect in action.effects}
    for section in ("faults", "observability_faults"):
        for i, fault in enumerate(getattr(scenario, section)):
            if fault.at is None and fault.when is None and fault.id not in begun:
                message = "neither begins by itself nor by an action"
                yield "never-begins", _W, (section, i), message, "give it at, when, or an action with begin_fault"
    harmful = {action.id for action in scenario.actions if action.verdict == "harmful"}
    for i, ident in enumerate(scenario.sealed.harmful):
        if ident not in harmful:
            message = f"calls {ident} harmful, whose verdict is another"
            yield "verdict-differs", _E, ("sealed", "harmful", i), message, "make the two say the same"


def _mitigations(scenario: Scenario) -> Iterator[Remark]:
    sealed = scenario.sealed
    if sealed.nothing_wrong:
        for i, action in enumerate(scenario.actions):
            if action.verdict == "accepted":
                message = "is accepted, though nothing is wrong"
                yield "nothing-to-mend", _W, ("actions", i, "verdict"), message, "call it neutral or harmful"
        return
    if not sealed.accepted_mitigations:
        message = "names no accepted mitigation"
        yield "no-mitigation", _E, ("sealed", "accepted_mitigations"), message, "list the actions that mend it"
    done = {step.action for step in scenario.reference}
    if sealed.accepted_mitigations and not any(set(together) <= done for together in sealed.accepted_mitigations):
        message = "does not carry out any accepted mitigation"
        yield "reference-fails", _E, ("reference",), message, "the score is measured by this run; let it succeed"
    if scenario.onset is not None:
        early = [step for step in scenario.reference if step.at <= scenario.onset]
        if early:
            yield "reference-too-early", _E, ("reference",), "acts before anything is wrong", "move it after the onset"


def _truth(scenario: Scenario) -> Iterator[Remark]:
    sealed = scenario.sealed
    if sealed.root_cause is not None and not names_truth(sealed.root_cause.text, sealed):
        message = "is not recognised by the scenario's own aliases"
        advice = "a player who wrote this very sentence would not be credited; extend aliases or names_alone"
        yield "truth-not-named", _E, ("sealed", "root_cause", "text"), message, advice
    if not sealed.nothing_wrong and len(sealed.decisive_evidence) < 2:
        message = f"has {len(sealed.decisive_evidence)} decisive evidence"
        yield "little-evidence", _W, ("sealed", "decisive_evidence"), message, "two or more, from different tools"
    for i, factor in enumerate(sealed.contributing):
        if not factor.words:
            yield "no-words", _W, ("sealed", "contributing", i), "has no words to know it by", "add some"
    if not scenario.red_herrings and scenario.metadata.difficulty > 1:
        yield "no-red-herring", _W, ("red_herrings",), "has none", "add what a good team has to rule out"


def _told(scenario: Scenario) -> Iterator[Remark]:
    roles = scenario.roles
    if Duty.INCIDENT_COMMANDER not in roles.required:
        yield "no-commander", _W, ("roles", "required"), "has no incident commander", "somebody has to lead"
    if not any(inject.contingency for inject in scenario.injects):
        message = "has no contingency inject"
        yield "no-contingency", _W, ("injects",), message, "say what happens when the team is stuck"
    if not scenario.hints:
        yield "no-hints", _W, ("hints",), "has none", "a team that is stuck should be able to buy help"
    if not scenario.debrief:
        yield "no-debrief", _W, ("debrief",), "has no questions", "three questions make the review worth it"
    for i, text in enumerate((scenario.metadata.title, scenario.briefing)):
        if not scenario.sealed.nothing_wrong and names_truth(text, scenario.sealed):
            path: ValuePath = ("metadata", "title") if i == 0 else ("briefing",)
            yield "spoiler", _W, path, "tells the truth to players", "say what is seen, not what it comes from"
    for i, action in enumerate(scenario.actions):
        for name in names_in(action.text):
            yield "unfilled", _W, ("actions", i, "text"), f"still holds {name!r} in braces", "write what is meant"


def _scored(scenario: Scenario) -> Iterator[Remark]:
    if not scenario.milestones:
        yield "no-milestones", _W, ("milestones",), "has none", "say what a good team reaches, and when"
    if not scenario.world.slo:
        yield "no-objective", _W, ("world", "slo"), "has no service level objective", "say when users are well"
    named = {one.objective for one in scenario.injects} | {one.objective for one in scenario.milestones}
    for i, objective in enumerate(scenario.objectives):
        if objective.id not in named:
            message = "is tested by nothing"
            yield "idle-objective", _A, ("objectives", i), message, "let an inject or a milestone name it"


RULES: Final[Sequence[Callable[[Scenario], Iterator[Remark]]]] = (
    _in_time,
    _actions,
    _mitigations,
    _truth,
    _told,
    _scored,
    production_findings,
)
