"""What a reviewer would say about a playbook before it is needed at night.

One invariant: linting never changes or rejects a playbook; it gives findings in the order of the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from warroom.document import ValuePath, path_text
from warroom.incident.words import Duty, Severity
from warroom.playbooks.load import Library, PlaybookError, PlaybookFile
from warroom.playbooks.match import tokens
from warroom.playbooks.model import Playbook, Step

TITLE_COLUMNS: Final = 44
"""The longest step title that is whole beside number, owner and time in the narrow layouts."""
PLAYBOOK_TITLE_COLUMNS: Final = 60
FEWEST_STEPS: Final = 3
MOST_STEPS: Final = 15


class Weight(StrEnum):
    """How serious a finding is. Strict checking counts warnings as errors; advice never fails."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark about one place of one file."""

    code: str
    weight: Weight
    source: str
    line: int
    path: str
    message: str
    advice: str

    def __str__(self) -> str:
        at = f"{self.path}: " if self.path else ""
        return f"{self.source}:{self.line}: {self.weight.value} {self.code}: {at}{self.message}; {self.advice}"


Remark = tuple[str, Weight, ValuePath, str, str]
_E, _W, _A = Weight.ERROR, Weight.WARNING, Weight.ADVICE

_CODE: Final = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_CHANGES: Final = re.compile(
    r"\b(rollout (undo|restart)|kubectl (scale|delete|drain|cordon|patch|apply|set)|helm (rollback|upgrade)"
    r"|systemctl (restart|stop)|pg_(terminate|cancel)_backend\(\S|ALTER |DROP |DELETE |TRUNCATE |UPDATE )"
)
_CHECKS: Final = re.compile(
    r"\b(verif|confirm|check|watch|until|wait for|rollout status|look at|compare|should|must|falls?|drops?)"
    r"|\b(below|under|returns?|back (to|at))\b",
    re.IGNORECASE,
)
_ENDS: Final = re.compile(r"\b(stand[- ]?down|stands? down|all[- ]clear|resolved?|hand (over|back))\b", re.IGNORECASE)
_VAGUE: Final = re.compile(r"\W*(done|ok(ay)?|it works|works|success(ful)?|fine|completed?|yes)\W*", re.IGNORECASE)
_PLACEHOLDER: Final = re.compile(r"\b(T[O]DO|FIXM[E]|TB[DCA]|XX[X]|lorem ipsum)\b", re.IGNORECASE)
_WORDLESS: Final = re.compile(r"[\W_]*")


def lint_file(file: PlaybookFile) -> tuple[Finding, ...]:
    """Every remark about one playbook."""
    findings = [
        Finding(code, weight, file.source, file.document.line(path), path_text(path), message, advice)
        for rule in RULES
        for code, weight, path, message, advice in rule(file.playbook)
    ]
    return tuple(sorted(findings, key=lambda finding: (finding.line, finding.path, finding.code)))


def lint_library(library: Library) -> tuple[Finding, ...]:
    """Every remark about several files: what cannot be read, what is shadowed, and each playbook's own."""
    findings = list(error_findings(library.errors))
    newest = {file.playbook.id: file for file in library.newest}
    for file in library.files:
        findings += lint_file(file)
        best = newest[file.playbook.id]
        if best is not file:
            findings.append(_shadowed(file, best))
    return tuple(sorted(findings, key=lambda finding: (finding.source, finding.line, finding.path, finding.code)))


def error_findings(errors: Iterable[PlaybookError]) -> Iterator[Finding]:
    """What the loader refused, as findings."""
    for error in errors:
        for problem in error.problems:
            path = path_text(problem.path)
            advice = "the playbook cannot be used until this is right"
            yield Finding(problem.code, _E, problem.source, problem.line, path, problem.message, advice)


def is_failure(findings: Sequence[Finding], *, strict: bool = False) -> bool:
    """Whether these findings fail a check: errors always, warnings when strict, advice never."""
    return any(f.weight is _E or (strict and f.weight is _W) for f in findings)


def _shadowed(file: PlaybookFile, best: PlaybookFile) -> Finding:
    message = f"version {file.playbook.version} is shadowed by version {best.playbook.version} in {best.source}"
    advice = "it stays readable for incidents pinned to it; raise its version if it is meant to be used"
    return Finding("shadowed", _A, file.source, file.document.line(("version",)), "version", message, advice)


def _titles(playbook: Playbook) -> Iterator[Remark]:
    if len(playbook.title) > PLAYBOOK_TITLE_COLUMNS:
        message = f"has {len(playbook.title)} characters and is cut off at 80 columns"
        yield "title-too-long", _W, ("title",), message, f"use at most {PLAYBOOK_TITLE_COLUMNS}"
    for i, step in enumerate(playbook.steps):
        if len(step.title) > TITLE_COLUMNS:
            message = f"has {len(step.title)} characters and is cut off at 80 columns"
            yield "title-too-long", _W, ("steps", i, "title"), message, f"use at most {TITLE_COLUMNS}"


def _results(playbook: Playbook) -> Iterator[Remark]:
    for i, step in enumerate(playbook.steps):
        if not step.expected:
            advice = "say what is seen when the step worked: a value, a state, an answer"
            yield "no-expected-result", _W, ("steps", i), "has no expected result", advice
        elif _VAGUE.fullmatch(step.expected):
            advice = "name the value or the state that shows it"
            yield (
                "vague-expected-result",
                _W,
                ("steps", i, "expected"),
                f"{step.expected!r} shows nothing",
                advice,
            )


def _instructions(playbook: Playbook) -> Iterator[Remark]:
    for i, step in enumerate(playbook.steps):
        if step.instructions.count("```") % 2:
            message = "opens a code block that is not closed"
            yield "open-code-block", _W, ("steps", i, "instructions"), message, "close it with ```"
        elif _changes_unchecked(step):
            message = "changes production without saying how to verify the change"
            advice = "add the command or the panel that shows it took effect"
            yield "change-without-verification", _W, ("steps", i, "instructions"), message, advice


def _changes_unchecked(step: Step) -> bool:
    changes = any(_CHANGES.search(code) for code in _CODE.findall(step.instructions))
    return changes and not (_CHECKS.search(_CODE.sub(" ", step.instructions)) or "rollout status" in step.instructions)


def _owners(playbook: Playbook) -> Iterator[Remark]:
    owners = {step.owner for step in playbook.steps}
    if Duty.INCIDENT_COMMANDER not in owners:
        advice = "give the commander at least the decision and the stand-down"
        yield "no-commander-step", _W, ("steps",), "no step is the incident commander's", advice
    if not owners & {Duty.COMMUNICATIONS_LEAD, Duty.INTERNAL_LIAISON}:
        advice = "add a step owned by communications_lead with the cadence per severity"
        yield "no-communications-step", _W, ("steps",), "no step tells anyone outside the room", advice


def _shape(playbook: Playbook) -> Iterator[Remark]:
    count = len(playbook.steps)
    if count < FEWEST_STEPS:
        yield (
            "too-few-steps",
            _W,
            ("steps",),
            f"only {count} in all",
            f"fewer than {FEWEST_STEPS} is a note, no playbook",
        )
    if count > MOST_STEPS:
        advice = f"more than {MOST_STEPS} are not followed at night; split the playbook"
        yield "too-many-steps", _W, ("steps",), f"has {count} steps", advice
    if not any(_ENDS.search(f"{step.title} {step.instructions}") for step in playbook.steps[-2:]):
        advice = "end with the check that allows to resolve, and who says so"
        yield "no-stand-down", _W, ("steps", count - 1), "no step ends the incident", advice
    titles: dict[str, int] = {}
    for i, step in enumerate(playbook.steps):
        first = titles.setdefault(step.title.casefold(), i)
        if first != i:
            yield (
                "same-title",
                _W,
                ("steps", i, "title"),
                f"is also the title of step {first + 1}",
                "tell them apart",
            )


def _guidance(playbook: Playbook) -> Iterator[Remark]:
    if not playbook.severity_guidance:
        advice = "say in a sentence each when it is SEV1, SEV2 and SEV3"
        yield "no-severity-guidance", _W, (), "does not help to choose a severity", advice
    seen: set[Severity] = set()
    for i, guidance in enumerate(playbook.severity_guidance):
        if guidance.severity in seen:
            message = f"{guidance.severity.value} is described twice"
            yield "severity-twice", _W, ("severity_guidance", i), message, "write one sentence per severity"
        seen.add(guidance.severity)


def _matching(playbook: Playbook) -> Iterator[Remark]:
    matches = playbook.matches
    lists = (("services", matches.services), ("alerts", matches.alerts), ("words", matches.words))
    if not any(any(_says_something(p) for p in patterns) for _, patterns in lists):
        advice = "add the alerts, services or words that should bring it up"
        yield "never-suggested", _W, ("matches",), "matches nothing, so it is never suggested", advice
    for name, patterns in lists:
        for i, pattern in enumerate(patterns):
            path: ValuePath = ("matches", name, i)
            if not _says_something(pattern):
                message = (
                    f"{pattern!r} can match nothing" if name == "words" else f"{pattern!r} fits all, so says nothing"
                )
                yield "empty-match", _W, path, message, "name something or take it out"
                continue
            covers = _same_words if name == "words" else _covers
            earlier = next((p for p in patterns[:i] if covers(p, pattern)), None)
            if earlier is not None:
                message = f"{pattern!r} is never reached: {earlier!r} before it matches the same"
                yield "unreachable-match", _W, path, message, "take one of them out"


def _says_something(pattern: str) -> bool:
    return not _WORDLESS.fullmatch(pattern)


def _same_words(earlier: str, later: str) -> bool:
    return tokens(earlier) == tokens(later)


def _covers(earlier: str, later: str) -> bool:
    if earlier.casefold() == later.casefold():
        return True
    if not _says_something(earlier) or "[" in earlier + later or "?" in earlier + later or "*" not in earlier:
        return False
    # A star of the later pattern stands for anything, also for what only a star of the earlier can take.
    regex = "(?s:" + ".*".join(re.escape(part) for part in earlier.casefold().split("*")) + ")"
    return re.fullmatch(regex, later.casefold().replace("*", "\x00")) is not None


def _placeholders(playbook: Playbook) -> Iterator[Remark]:
    texts: list[tuple[ValuePath, str]] = [(("title",), playbook.title), (("summary",), playbook.summary)]
    texts += [(("severity_guidance", i, "when"), g.when) for i, g in enumerate(playbook.severity_guidance)]
    for i, step in enumerate(playbook.steps):
        texts += [(("steps", i, name), getattr(step, name)) for name in ("title", "instructions", "expected")]
    for path, text in texts:
        hit = _PLACEHOLDER.search(text)
        if hit:
            yield "placeholder", _W, path, f"still holds {hit.group()!r}", "write what is meant"


RULES: Final[tuple[Callable[[Playbook], Iterator[Remark]], ...]] = (
    _titles,
    _results,
    _instructions,
    _owners,
    _shape,
    _guidance,
    _matching,
    _placeholders,
)
