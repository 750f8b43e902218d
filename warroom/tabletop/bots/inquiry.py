"""Going through the runbook: who asks what, what the answers point at, and what is thought of it.

Every question takes the time a person needs for it, and each investigator asks one at a time.

Invariant: whatever is believed came from an answer that a player can get, and is kept with the rows that said so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from warroom.tabletop.answers import Answer, Row, filled, filled_query, names_of
from warroom.tabletop.bots.team import INVESTIGATORS, reachable
from warroom.tabletop.look import LookError, PlayerView
from warroom.tabletop.runbook import Check, Question, Step, Suspect

BEGINS = 30
"""Seconds after the start at which the first question is asked."""
FOLLOW_UP = 20.0
"""Seconds that a question about one suspect takes."""
LIKELY, MORE_LIKELY_THAN_NOT, UNLIKELY = 0.92, 0.5, 0.03
A_MINUTE = 50
"""Seconds over which a check has to hold before it is more than a moment."""
MOST_RETRIES, RETRIES_AFTER = 4, 75
"""How often what would support a theory is asked for again, and the seconds between: logs and queues take a while."""


@dataclass
class Belief:
    """A suspect of a check that held, and what became of it. `number` is that of its hypothesis once it has one."""

    check: Check
    suspect: Suspect
    names: Mapping[str, str]
    text: str
    probability: float
    found_at: int
    who: str
    number: int = 0
    said: float = -1.0
    supported: Answer | None = None
    refuted: str = ""
    tried: set[str] = field(default_factory=set)
    holding: bool = True
    pending: int = 0
    retries: int = 0
    sought: int = 0

    @property
    def steps(self) -> tuple[Step, ...]:
        """What would help, with its targets filled in."""
        return tuple(Step(kind=one.kind, target=filled(one.target, self.names)) for one in self.suspect.actions)

    @property
    def open(self) -> bool:
        """Whether it may still be what is wrong."""
        return not self.refuted


@dataclass
class Finding:
    """A check that held, with what was seen, for the evidence of the room."""

    question: Question
    query: str
    answer: Answer
    who: str
    second: int
    belief: Belief | None = None
    against: bool = False

    @property
    def title(self) -> str:
        """The question in words, with what it is about filled in."""
        return filled(self.question.title, self.belief.names) if self.belief is not None else self.question.title


@dataclass
class _Job:
    """Something an investigator is at, until second `until`."""

    check: Check
    until: float
    belief: Belief | None = None
    question: Question | None = None
    against: bool = False


class Inquiry:
    """The investigators at work, `pace` times as slowly as the runbook says.

    `beliefs` are all that was suspected, `findings` what was seen and not yet told.
    """

    def __init__(self, investigators: Sequence[str] = INVESTIGATORS, pace: float = 1.0) -> None:
        self._investigators = tuple(investigators)
        self._pace = pace
        self.beliefs: list[Belief] = []
        self.findings: list[Finding] = []
        self.answered: dict[str, tuple[int, bool]] = {}
        self.asked: dict[str, int] = {}
        self.held: dict[str, list[int]] = {}
        self._jobs: dict[str, _Job] = {}
        self._errands: list[_Job] = []
        self._next = 0

    @property
    def passes(self) -> int:
        """How often the whole runbook was gone through."""
        return min(self.asked.values(), default=0) if self._next else 0

    def step(self, view: PlayerView) -> None:
        """Let a second pass for the investigators."""
        if view.runbook is None or view.second < BEGINS:
            return
        for who in self._investigators:
            if not reachable(view.state, who):
                self._jobs.pop(who, None)
                continue
            job = self._jobs.get(who)
            if job is not None and view.second >= job.until:
                del self._jobs[who]
                self._answer(view, who, job)
                job = None
            if job is None:
                self._jobs[who] = self._take(view)

    def significant(self) -> bool:
        """Whether something that is no noise was seen for a minute, still is, and is more likely than not."""
        return any(
            belief.open and belief.holding and belief.probability >= MORE_LIKELY_THAN_NOT and not belief.check.noise
            for belief in self.beliefs
            if self._lasts(belief.check.id)
        )

    def _lasts(self, check: str) -> bool:
        seconds = self.held.get(check, [])
        return len(seconds) > 1 and seconds[-1] - seconds[0] >= A_MINUTE

    def all_clear(self, *, quite: bool = True) -> bool:
        """Whether the whole runbook was gone through and nothing in it holds but noise; unless `quite`, what holds may
        be something that nothing else speaks for.
        """
        if not self.passes or self.significant():
            return False
        return not (quite and any(self.answered[name][1] for name in self.held))

    def candidates(self) -> list[Belief]:
        """What may still be wrong, the likeliest first."""
        return sorted((one for one in self.beliefs if one.open), key=lambda one: (-one.probability, one.found_at))

    def _take(self, view: PlayerView) -> _Job:
        if self._errands:
            job = self._errands.pop(0)
            job.until = view.second + FOLLOW_UP * self._pace
            return job
        checks = view.runbook.checks if view.runbook is not None else ()
        following = checks[self._next % len(checks)]
        check = self._again(view) or following
        if check is following:
            self._next += 1
        return _Job(check, view.second + check.takes * self._pace)

    def _again(self, view: PlayerView) -> Check | None:
        """A check that has not held for a minute yet is asked again before the next one."""
        busy = {job.check.id for job in self._jobs.values()}
        for name, seconds in self.held.items():
            due = bool(seconds) and not self._lasts(name) and view.second - seconds[-1] >= A_MINUTE / 2
            if due and self.answered[name][1] and name not in busy:
                return next((one for one in view.runbook.checks if one.id == name), None) if view.runbook else None
        return None

    def _answer(self, view: PlayerView, who: str, job: _Job) -> None:
        if job.belief is not None and job.question is not None:
            self._follow(view, who, job)
            return
        check = job.check
        self.asked[check.id] = self.asked.get(check.id, 0) + 1
        try:
            answer = check.condition.of(view.look.ask(check.ask, check.query))
        except LookError as error:
            if not error.wrong:
                self.asked[check.id] -= 1
            return
        self.answered[check.id] = (view.second, answer is not None)
        if not check.noise:
            seen = self.held.setdefault(check.id, []) if answer is not None else self.held.get(check.id)
            if seen is not None and answer is not None:
                seen.append(view.second)
            elif seen is not None:
                seen.clear()
        for belief in self.beliefs:
            if belief.check.id == check.id:
                belief.holding = answer is not None
        if answer is not None:
            self._suspect(view, who, check, answer)

    def _suspect(self, view: PlayerView, who: str, check: Check, answer: Answer) -> None:
        row = answer.rows[0] if answer.rows else Row(value=0.0)
        names = names_of(row)
        names |= view.look.change_names(names["service"])
        first = True
        for suspect in check.suspects:
            text = filled(suspect.text, names)
            known = next((one for one in self.beliefs if one.text == text or _same(one, suspect, names)), None)
            if known is not None:
                self._ask_again(known, view.second)
                continue
            belief = Belief(check, suspect, names, text, suspect.probability, view.second, who)
            self.beliefs.append(belief)
            if first:
                self.findings.append(Finding(check, check.query, answer, who, view.second, belief))
                first = False
            for question, against in ((suspect.supported_by, False), (suspect.refuted_by, True)):
                if question is not None:
                    belief.pending += 1
                    self._errands.append(_Job(check, 0, belief, question, against))

    def _ask_again(self, belief: Belief, second: int) -> None:
        """What spoke for nothing before may speak now."""
        wanting = belief.open and belief.supported is None and not belief.pending and belief.retries < MOST_RETRIES
        rested = second - belief.sought >= RETRIES_AFTER
        if wanting and rested and belief.suspect.supported_by is not None:
            belief.pending += 1
            belief.retries += 1
            self._errands.append(_Job(belief.check, 0, belief, belief.suspect.supported_by, against=False))

    def _follow(self, view: PlayerView, who: str, job: _Job) -> None:
        belief, question = job.belief, job.question
        if belief is None or question is None:
            return
        query = filled_query(question.query, belief.names)
        try:
            answer = question.condition.of(view.look.ask(question.ask, query))
        except LookError as error:
            if not error.wrong:
                self._errands.append(job)
            else:
                belief.pending -= 1
            return
        belief.pending -= 1
        if not job.against:
            belief.sought = view.second
        if answer is None:
            if not job.against and not belief.retries:
                belief.probability *= 0.5
            return
        self.findings.append(Finding(question, query, answer, who, view.second, belief, job.against))
        if job.against:
            belief.refuted = filled(question.title, belief.names)
            belief.probability = UNLIKELY
        else:
            belief.supported = answer
            belief.probability = min(LIKELY, belief.suspect.probability + 0.25)


def _same(belief: Belief, suspect: Suspect, names: Mapping[str, str]) -> bool:
    """Whether it was suspected before of the same service, with other figures."""
    return belief.suspect is suspect and belief.names["service"] == names["service"]
