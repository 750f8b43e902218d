"""Which playbook is suggested, in what order, with which reasons, and which step is next."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warroom.incident.words import Severity
from warroom.playbooks.load import installed_library
from warroom.playbooks.match import next_step, phrase_in, suggest, tokens
from warroom.playbooks.model import Playbook

SHIPPED = installed_library().playbooks


def playbook(name: str, **matches: object) -> Playbook:
    step = {"id": "look", "title": "Look", "owner": "sme", "instructions": "Look."}
    steps = [step, {**step, "id": "act"}, {**step, "id": "rest"}]
    return Playbook.model_validate(
        {"id": name, "title": name, "version": 1, "summary": "s", "matches": matches, "steps": steps}
    )


@pytest.mark.parametrize(
    ("title", "services", "alerts", "wanted"),
    [
        ("Checkout answers 5xx", ["checkout-api"], ["HighErrorRate"], "service-errors"),
        ("Something is wrong", [], ["TargetDown"], "service-errors"),
        ("p99 latency of search doubled", ["search"], ["HighLatency"], "latency"),
        ("Checkout is slow", [], [], "latency"),
        ("too many connections on the primary", ["orders-db"], [], "database-saturation"),
        ("DB pool exhausted", [], ["PgPoolSaturated"], "database-saturation"),
        ("Errors after the 14:02 deploy, rollback?", ["checkout-api"], [], "bad-deploy-rollback"),
        ("Canary regression", [], ["CanaryFailed"], "bad-deploy-rollback"),
        ("Recommendations got worse, model drift", ["ranker"], ["FeatureDriftHigh"], "model-drift"),
    ],
)
def test_the_shipped_playbooks_come_up_when_they_should(
    title: str, services: list[str], alerts: list[str], wanted: str
) -> None:
    best = suggest(SHIPPED, title=title, services=services, alert_names=alerts, severity="SEV2")[0]
    assert best.playbook.id == wanted
    assert best.reasons


@pytest.mark.parametrize("title", ["", "Office heating is cold", "Login page shows old logo"])
def test_nothing_is_suggested_for_what_none_is_about(title: str) -> None:
    assert suggest(SHIPPED, title=title, services=["facilities"], severity=Severity.SEV1) == ()


def test_reasons_are_words_and_order_is_by_score_then_id() -> None:
    one = playbook("one", services=["shop-*"], severities=["SEV1"])
    two = playbook("two", alerts=["High*"], words=["error rate", "slow"])
    zed = playbook("zed", services=["SHOP-API"])
    all_of_it = playbook("all", services=["*"], severities=["SEV1"])
    found = suggest(
        [zed, one, two, all_of_it],
        title="Errors rates up",
        services=["shop-api"],
        alert_names=["HighCPU"],
        severity="P1",
    )
    assert [(s.playbook.id, s.score, s.reasons) for s in found] == [
        ("two", 8, ("alert HighCPU fits High*", "word error rate")),
        ("one", 5, ("service shop-api fits shop-*", "severity SEV1")),
        ("zed", 4, ("service shop-api fits SHOP-API",)),
    ]


def test_many_words_do_not_beat_an_alert_and_a_service() -> None:
    wordy = playbook("wordy", words=[f"w{i}" for i in range(20)])
    exact = playbook("exact", alerts=["A"], services=["s"])
    found = suggest([wordy, exact], title=" ".join(f"w{i}" for i in range(20)), services=["s"], alert_names=["A"])
    assert [s.playbook.id for s in found] == ["exact", "wordy"]


def test_words_of_an_alerts_name_count_as_said() -> None:
    assert suggest([playbook("p", words=["error rate"])], alert_names=["CheckoutHighErrorRate"])[0].score == 2


def test_phrases_are_compared_word_by_word() -> None:
    assert phrase_in("connection pool", tokens("The connection-pools are full"))
    assert not phrase_in("connection pool", tokens("pool connection"))
    assert not phrase_in("rate", tokens("corporate"))
    assert not phrase_in("", tokens("a"))
    assert tokens("Class PODS, x_y") == ["class", "pod", "x", "y"]


def test_a_hostile_glob_is_answered_at_once() -> None:
    bad = playbook("bad", services=["*a" * 45 + "b"])
    assert suggest([bad], services=["a" * 100_000]) == ()


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=80),
    st.lists(st.text(max_size=20), max_size=4),
    st.lists(st.text(max_size=20), max_size=4),
    st.sampled_from([None, *Severity]),
    st.randoms(),
)
def test_any_input_gives_the_same_ranked_answer_in_any_order(title, services, alerts, severity, random) -> None:  # type: ignore[no-untyped-def]
    def ask(playbooks, services, alerts):  # type: ignore[no-untyped-def]
        return suggest(playbooks, title=title, services=services, alert_names=alerts, severity=severity)

    found = ask(SHIPPED, services, alerts)
    shuffled = list(SHIPPED)
    random.shuffle(shuffled)
    assert ask(shuffled, services[::-1], alerts[::-1]) == found
    assert [s.score for s in found] == sorted((s.score for s in found), reverse=True)
    assert all(s.score > 0 and s.reasons for s in found)


def test_the_next_step_is_the_first_that_is_not_done() -> None:
    book = playbook("p")
    assert next_step(book, ()) is book.steps[0]
    assert next_step(book, {"look"}) is book.steps[1]
    assert next_step(book, {"act", "unknown"}) is book.steps[0]
    assert next_step(book, {"look", "act", "rest"}) is None
