"""Conditions of scenarios: what they say, what is refused and where, and that no text can do more than be refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from warroom.tabletop.expressions import ExpressionError, Watch, condition, number
from warroom.tabletop.model import Slo
from warroom.tabletop.vocabulary import EVENTS, FUNCTIONS


@dataclass
class Situation:
    """Facts that a test sets."""

    second: int = 0
    players: int = 3
    hints: float = 0.0
    happenings: dict[str, list[int]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    duties: set[str] = field(default_factory=set)
    severities: dict[str, float] = field(default_factory=dict)

    def happened(self, name: str, arguments: tuple[str, ...]) -> Sequence[int]:
        if not arguments:
            return sorted(at for key, times in self.happenings.items() if key.split(":")[0] == name for at in times)
        return sorted(at for one in arguments for at in self.happenings.get(f"{name}:{one}", []))

    def state_of(self, ident: str) -> str:
        return self.states.get(ident, "")

    def severity(self, fault: str) -> float:
        return self.severities.get(fault, 0.0)

    def sli(self, name: str) -> float:
        return self.figures.get(name, math.nan)

    def holds_duty(self, duty: str) -> bool:
        return duty in self.duties


SLOS = {
    "availability": Slo(id="availability", sli="1 - err(edge)", at_least=0.99),
    "latency": Slo(id="latency", sli="p95(edge)", at_most=0.4),
}


def holds(text: str, facts: Situation) -> bool:
    return Watch(condition(text), SLOS).holds(facts)


def test_a_duty_nobody_took_is_noticed_once_the_time_has_passed_and_never_after_somebody_did() -> None:
    text = "no_event(role.assigned:incident_commander, 5m)"
    assert not holds(text, Situation(second=299))
    assert holds(text, Situation(second=300))
    taken = {"role.assigned:incident_commander": [30]}
    assert not holds(text, Situation(second=900, happenings=taken))
    assert holds(text, Situation(second=900, happenings={"role.assigned:scribe": [30]}))


def test_silence_is_measured_from_the_last_word() -> None:
    text = "quiet(update.posted, 10m)"
    assert not holds(text, Situation(second=599))
    assert holds(text, Situation(second=600))
    assert not holds(text, Situation(second=900, happenings={"update.posted:external": [400]}))
    assert holds(text, Situation(second=1_001, happenings={"update.posted:external": [400]}))


def test_an_event_with_several_arguments_stands_for_any_of_them() -> None:
    done = Situation(second=100, happenings={"action.done:rollback_edge": [80]})
    assert holds("event(action.done:waf_off|rollback_edge)", done)
    assert holds("event(action.done, 30s) and count(action.done) == 1 and since(action.done) == 20", done)
    assert not holds("event(action.done:waf_off)", done)
    assert not holds("since(action.failed) < 1h", done)


def test_something_that_has_to_last_begins_anew_when_it_was_interrupted() -> None:
    watch = Watch(condition("players < 2 for 3m"))
    facts = Situation(players=1)
    answers = []
    for second in range(400):
        facts.second, facts.players = second, 2 if second == 100 else 1
        answers.append(watch.holds(facts))
    assert answers.index(True) == 281
    other = watch.copy()
    facts.second = 401
    assert other.holds(facts)
    facts.players = 5
    assert not other.holds(facts)
    facts.players = 1
    assert watch.holds(facts)


def test_both_sides_of_an_or_are_looked_at_so_that_none_misses_a_second() -> None:
    watch = Watch(condition("elapsed < 10 or players < 2 for 5s"))
    facts = Situation(players=1)
    for second in range(12):
        facts.second = second
        assert watch.holds(facts)


def test_an_objective_is_met_breached_or_not_known() -> None:
    well = Situation(figures={"err(edge)": 0.004, "p95(edge)": 0.5})
    assert holds("met(availability) and breached(latency)", well)
    assert holds("sli(availability) > 99.5% and sli(latency) == 0.5", well)
    unknown = Situation()
    assert not holds("met(availability)", unknown)
    assert not holds("breached(availability)", unknown)
    assert holds("not met(availability)", unknown)


def test_an_objective_that_speaks_of_an_objective_does_not_run_for_ever() -> None:
    round_about = {"a": Slo(id="a", sli="sli(b)", at_least=0), "b": Slo(id="b", sli="sli(a)", at_least=0)}
    assert not Watch(condition("met(a)"), round_about).holds(Situation())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("-2 - -3", 1.0),
        ("10 / 4", 2.5),
        ("5%", 0.05),
        ("1h30m - 30s", 5370.0),
        ("1-err(edge)", 0.75),
        ("elapsed / 2", 30.0),
        ("severity(F1) * 100", 40.0),
    ],
)
def test_figures_are_reckoned_as_people_write_them(text: str, wanted: float) -> None:
    facts = Situation(second=60, figures={"err(edge)": 0.25}, severities={"F1": 0.4})
    assert number(text).value(facts) == pytest.approx(wanted)


def test_a_division_by_nothing_is_not_known_and_decides_nothing() -> None:
    assert math.isnan(number("1 / elapsed").value(Situation()))
    assert not holds("1 / elapsed > 0", Situation())
    assert not holds("1 / elapsed <= 0", Situation())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "something is missing at the end"),
        ("elapsed", "says a number, where a condition"),
        ("elapsed > 5m and", "something is missing at the end"),
        ("elapsed >> 5", "something is missing before '>'"),
        ("foo(F1)", "'foo' is not known; use one of event"),
        ("evnt(update.posted)", "did you mean 'event'?"),
        ("event(update.postd)", "did you mean 'update.posted'?"),
        ("event(role.assigned:boss)", "'boss' is not a duty"),
        ("duty(scrib)", "did you mean 'scribe'?"),
        ("state(F1)", "like state(F1.active)"),
        ("state(F1.burning)", "'burning' is not a state"),
        ("no_event(update.posted)", "no_event is written no_event(EVENT, 5m)"),
        ("no_event(update.posted, 5)", "no_event is written"),
        ("players < 2 for 3", "followed by a duration like 3m"),
        ("1 < 2 < 3", "compares twice in a row"),
        ("(elapsed > 3", "the parenthesis of column 1 is not closed"),
        ("elapsed > 3) ", "')' is not expected here"),
        ("met(availability) > 1", "'>' needs a number"),
        ("not 5", "'not' needs a condition"),
        ("elapsed > 3m; drop", "cannot read ';'"),
        ("__import__(os)", "'__import__' is not known"),
        ("__import__('os')", "cannot read"),
        ("()", "something is missing before ')'"),
        ("().__class__", "cannot read '.__class__'"),
        ("elapsed > 1e5", "cannot read"),
        ("x" * 501, "is longer than 500 characters"),
        ("(" * 40 + "true" + ")" * 40, "is nested too deeply"),
        ("1" + " + 1" * 200 + " > 0", "longer than 500 characters"),
        ("1" + "+1" * 200 + ">0", "has too many terms"),
    ],
)
def test_each_mistake_is_one_sentence_with_a_column(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        condition(text)
    assert words in str(caught.value)
    assert f"(column {caught.value.column})" in str(caught.value)
    assert "\n" not in str(caught.value)


_WORDS = "( ) , and or not for < >= == + - * / 5m 90s 3 0.5 7% true false F1.active edge role.assigned:scribe : . | #"
_PIECES = st.sampled_from([*FUNCTIONS, *EVENTS, *_WORDS.split(), '"a b"', ""])


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=120), st.lists(_PIECES, max_size=30).map(" ".join), st.lists(_PIECES).map("".join)))
@example("-" * 400)
@example("not " * 120)
@example("1h" * 200)
def test_any_text_is_either_refused_in_a_sentence_or_can_be_asked_of_any_facts(text: str) -> None:
    facts = Situation(second=7, happenings={"update.posted:all": [1, 5]}, figures={"err(edge)": math.inf})
    for read in (condition, number):
        with suppress(ExpressionError):
            assert read(text).text == text
            if read is condition:
                assert Watch(condition(text), SLOS).holds(facts) in (True, False)
            else:
                assert isinstance(number(text).value(facts, SLOS), float)
