"""Which playbooks fit an incident, and which step of one is next.

One invariant: the answer depends on the arguments alone and is the same each time, with its reasons in words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from warroom.incident.words import Severity
from warroom.playbooks.model import Playbook, Step

ALERT_WEIGHT: Final = 6
SERVICE_WEIGHT: Final = 4
WORD_WEIGHT: Final = 2
SEVERITY_WEIGHT: Final = 1
MOST_WORDS: Final = 4
"""How many distinct words count, so that many words do not beat an alert that names the trouble."""

_WORD: Final = re.compile(r"[^\W_]+")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MOST_TEXT: Final = 2_000


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A playbook that fits, how well, and why in words."""

    playbook: Playbook
    score: int
    reasons: tuple[str, ...]


def suggest(
    playbooks: Iterable[Playbook],
    *,
    title: str = "",
    services: Collection[str] = (),
    alert_names: Collection[str] = (),
    words: Iterable[str] = (),
    severity: Severity | str | None = None,
) -> tuple[Suggestion, ...]:
    """The playbooks that fit, best first; equal scores are ordered by id.

    An alert that is named counts most, then a service, then words of the title, of `words` and of the alerts'
    names. A glob of nothing but `*` fits all and so says nothing, and a severity only adds to another reason.
    """
    said = tokens(" . ".join([title, *words, *(_CAMEL.sub(" ", name) for name in sorted(alert_names))]))
    wanted = Severity.parse(severity) if isinstance(severity, str) else severity
    found = (_weighed(playbook, services, alert_names, said, wanted) for playbook in playbooks)
    return tuple(sorted((s for s in found if s is not None), key=lambda s: (-s.score, s.playbook.id)))


def next_step(playbook: Playbook, done_ids: Collection[str]) -> Step | None:
    """The first step, in the file's order, that is neither done nor skipped; None when nothing is left."""
    return next((step for step in playbook.steps if step.id not in done_ids), None)


def _weighed(
    playbook: Playbook,
    services: Collection[str],
    alert_names: Collection[str],
    said: Sequence[str],
    severity: Severity | None,
) -> Suggestion | None:
    matches = playbook.matches
    score = 0
    reasons: list[str] = []
    for label, patterns, names, weight in (
        ("alert", matches.alerts, alert_names, ALERT_WEIGHT),
        ("service", matches.services, services, SERVICE_WEIGHT),
    ):
        for name in sorted(names):
            pattern = _matching(patterns, name)
            if pattern is not None:
                score += weight if not any(reason.startswith(f"{label} ") for reason in reasons) else 1
                reasons.append(f"{label} {name}" + ("" if pattern == name else f" fits {pattern}"))
    heard = [word for word in matches.words if phrase_in(word, said)]
    if heard:
        score += WORD_WEIGHT * min(len(heard), MOST_WORDS)
        reasons.append(f"{'words' if len(heard) > 1 else 'word'} {', '.join(heard)}")
    if score == 0:
        return None
    if severity is not None and severity in matches.severities:
        score += SEVERITY_WEIGHT
        reasons.append(f"severity {severity.value}")
    return Suggestion(playbook, score, tuple(reasons))


def _matching(patterns: Iterable[str], name: str) -> str | None:
    folded = name[:_MOST_TEXT].casefold()
    return next((p for p in patterns if p.strip("*") and fnmatchcase(folded, p.casefold())), None)


def phrase_in(phrase: str, said: Sequence[str]) -> bool:
    """Whether the words of `phrase` stand in `said` one after the other; a plural counts as its singular."""
    wanted = tokens(phrase)
    width = len(wanted)
    return width > 0 and any(list(said[i : i + width]) == wanted for i in range(len(said) - width + 1))


def tokens(text: str) -> list[str]:
    """The words of a text as they are compared: case folded, plurals as singulars, punctuation gone."""
    return [_singular(word) for word in _WORD.findall(text[:_MOST_TEXT].casefold())]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
