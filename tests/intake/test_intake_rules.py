"""Rules and matchers: what they accept, what they refuse, and what they decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warroom.incident.words import Severity
from warroom.participants.intake.alert import Alert
from warroom.participants.intake.decide import (
    Acknowledge,
    AnyDecision,
    Attach,
    Duplicate,
    Held,
    HeldAlert,
    Ignore,
    Open,
    Resolve,
    decide_alert,
)
from warroom.participants.intake.matchers import parse_matcher
from warroom.participants.intake.rules import RulesError, load_rules, parse_rules

AT = datetime(2026, 11, 21, 9, 41, tzinfo=UTC)
DEFAULT = load_rules()


def alert(fingerprint: str = "f1", **changes: Any) -> Alert:
    labels = {"alertname": "HighErrorRate", "service": "shop", "severity": "critical", **changes.pop("labels", {})}
    told: dict[str, Any] = {
        "fingerprint": fingerprint, "source": "alertmanager", "status": "firing", "labels": labels, "annotations": {},
        "starts_at": AT, "ends_at": None, "generator_url": "", "name": labels["alertname"],
        "severity": labels["severity"], "service": labels["service"], "summary": "Too many errors",
    }  # fmt: skip
    return Alert(**{**told, **changes})


def held(incident: str = "INC-AAAA", *alerts: Alert, firing: bool = True, **changes: Any) -> Held:
    known = {a.key: HeldAlert(a.starts_at, firing, False, a.labels) for a in alerts}
    told: dict[str, Any] = {"services": frozenset({"shop"}), "alerts": known}
    return Held(incident, **{**told, **changes})


def applied(decision: AnyDecision, done: Alert, incidents: list[Held]) -> list[Held]:
    """The incidents as they are once the decision was carried out."""
    firing = HeldAlert(done.starts_at, True, False, done.labels)
    if isinstance(decision, Open):
        number = len(incidents) + 1
        return [
            *incidents,
            Held(f"INC-{number:04}", True, decision.private, frozenset(decision.services), {done.key: firing}),
        ]
    changed = []
    for one in incidents:
        alerts = dict(one.alerts)
        if isinstance(decision, Attach) and decision.incident == one.incident:
            alerts[done.key] = firing
        elif isinstance(decision, Resolve) and one.incident in decision.incidents:
            alerts[done.key] = replace(alerts[done.key], firing=False)
        elif isinstance(decision, Acknowledge) and one.incident in decision.incidents:
            alerts[done.key] = replace(alerts[done.key], acknowledged=True)
        changed.append(replace(one, alerts=alerts))
    return changed


def test_the_default_rules_open_an_incident_that_people_then_accept() -> None:
    decision = decide_alert(DEFAULT, alert(), [])
    assert decision == Open(
        "open", DEFAULT.revision, "no incident is open for it", title="Too many errors", severity=Severity.SEV1,
        services=("shop",), triage=True, private=False,
    )  # fmt: skip
    assert DEFAULT.revision.startswith("1-")
    assert len(DEFAULT.revision) == 10


@pytest.mark.parametrize(
    ("labels", "rule", "unmatched"),
    [
        ({"alertname": "Watchdog"}, "heartbeat", False),
        ({"severity": "none"}, "no-severity", False),
        ({"severity": "info"}, "info-alone", False),
    ],
)
def test_what_the_default_rules_ignore_they_name(labels: dict[str, str], rule: str, unmatched: bool) -> None:
    decision = decide_alert(DEFAULT, alert(labels=labels, severity=labels.get("severity", "critical")), [])
    assert isinstance(decision, Ignore)
    assert (decision.rule, decision.unmatched) == (rule, unmatched)
    assert decision.reason


def test_an_informational_alert_joins_what_is_open() -> None:
    decision = decide_alert(DEFAULT, alert(labels={"severity": "info"}), [held()])
    assert isinstance(decision, Attach)
    assert (decision.rule, decision.incident) == ("info-joins", "INC-AAAA")


@pytest.mark.parametrize(
    ("told", "severity"),
    [("critical", "SEV1"), ("page", "SEV2"), ("P3", "SEV3"), ("Warning", "SEV3"), ("purple", "unset"), ("", "unset")],
)
def test_severity_is_read_in_the_files_words_then_in_the_fields(told: str, severity: str) -> None:
    assert DEFAULT.severity(alert(severity=told)) == Severity(severity)


def test_a_storm_of_one_service_opens_one_incident() -> None:
    incidents: list[Held] = []
    words = []
    for number in range(200):
        one = alert(str(number), labels={"alertname": f"A{number}"})
        decision = decide_alert(DEFAULT, one, incidents)
        words.append(type(decision).__name__)
        incidents = applied(decision, one, incidents)
    assert words == ["Open"] + ["Attach"] * 199
    assert len(incidents) == 1


def test_a_storm_of_one_group_without_services_opens_one_incident() -> None:
    group = {"alertname": "TargetDown"}
    first, second = (
        alert(name, labels={"alertname": "TargetDown", "service": ""}, service="", group_labels=group)
        for name in ("a", "b")
    )
    incidents = applied(decide_alert(DEFAULT, first, []), first, [])
    decision = decide_alert(DEFAULT, second, incidents)
    assert isinstance(decision, Attach)
    other = alert("c", labels={"alertname": "Other", "service": ""}, service="", group_labels={"alertname": "Other"})
    assert isinstance(decide_alert(DEFAULT, other, incidents), Open)
    lonely = alert("d", labels={"alertname": "TargetDown", "service": ""}, service="")
    assert isinstance(decide_alert(DEFAULT, lonely, incidents), Open)


def test_other_services_get_incidents_of_their_own() -> None:
    decision = decide_alert(DEFAULT, alert(labels={"service": "search"}), [held()])
    assert isinstance(decision, Open)
    assert decision.services == ("search",)


def test_the_newest_live_incident_is_joined() -> None:
    incidents = [held("INC-AAAA"), held("INC-BBBB"), held("INC-CCCC", live=False)]
    decision = decide_alert(DEFAULT, alert(), incidents)
    assert isinstance(decision, Attach)
    assert decision.incident == "INC-BBBB"


def test_a_repeat_is_a_duplicate_and_a_new_fire_attaches_again() -> None:
    one = alert()
    assert isinstance(decide_alert(DEFAULT, one, [held("INC-AAAA", one)]), Duplicate)
    again = decide_alert(DEFAULT, one, [held("INC-AAAA", one, firing=False)])
    assert isinstance(again, Attach)
    assert again.reason == "fires again in INC-AAAA"


def test_a_repeat_while_the_resolved_incident_waits_to_be_closed_opens_nothing() -> None:
    one = alert()
    waiting = held("INC-AAAA", one, live=False)
    assert isinstance(decide_alert(DEFAULT, one, [waiting]), Duplicate)
    later = alert(starts_at=AT + timedelta(hours=1))
    assert isinstance(decide_alert(DEFAULT, later, [waiting]), Open)


def test_resolved_goes_to_every_incident_that_has_it_firing_once() -> None:
    one = alert()
    over = alert(status="resolved", ends_at=AT)
    incidents = [held("INC-AAAA", one), held("INC-BBBB", one, live=False), held("INC-CCCC", one, firing=False)]
    decision = decide_alert(DEFAULT, over, incidents)
    assert isinstance(decision, Resolve)
    assert decision.incidents == ("INC-AAAA", "INC-BBBB")
    assert isinstance(decide_alert(DEFAULT, over, applied(decision, over, incidents)), Duplicate)
    nobody = decide_alert(DEFAULT, over, [])
    assert isinstance(nobody, Ignore)
    assert not nobody.unmatched


def test_acknowledged_elsewhere_is_acknowledged_here_once() -> None:
    one = alert()
    seen = alert(status="acknowledged")
    decision = decide_alert(DEFAULT, seen, [held("INC-AAAA", one)])
    assert isinstance(decision, Acknowledge)
    after = applied(decision, seen, [held("INC-AAAA", one)])
    assert isinstance(decide_alert(DEFAULT, seen, after), Duplicate)


RULES = """\
version: 7
severities: {disaster: SEV1}
rules:
  - name: secret
    match: ['team="security"']
    open: {title: "Security: {alertname}", severity: P1, private: true, triage: false, by: [service, zone]}
  - name: join
    match: ['severity!~"critical|page"', 'service!=""']
    attach: {by: [service]}
  - name: quiet
    match: ['alertname=~"Test.*"']
    ignore: only a test
"""


def test_rules_are_asked_in_order_and_an_attach_without_incident_passes_on() -> None:
    rules = parse_rules(RULES, "r.yml")
    open_one = decide_alert(rules, alert(labels={"team": "security"}), [held()])
    assert isinstance(open_one, Open)
    assert (open_one.title, open_one.private, open_one.triage) == ("Security: HighErrorRate", True, False)
    low = alert(labels={"severity": "warning", "alertname": "TestX"}, severity="warning")
    assert isinstance(decide_alert(rules, low, [held()]), Attach)
    passed = decide_alert(rules, low, [])
    assert isinstance(passed, Ignore)
    assert (passed.rule, passed.revision) == ("quiet", rules.revision)
    nothing = decide_alert(rules, alert(), [])
    assert isinstance(nothing, Ignore)
    assert nothing.unmatched


def test_private_and_open_incidents_do_not_take_each_others_alerts() -> None:
    rules = parse_rules(RULES, "r.yml")
    zoned = {"team": "security", "zone": "a"}
    one = alert(labels=zoned)
    public, private = held("INC-AAAA", one), held("INC-BBBB", alert("x", labels=zoned), private=True)
    joined = decide_alert(rules, alert("new", labels=zoned), [public, private])
    assert isinstance(joined, Attach)
    assert joined.incident == "INC-BBBB"
    assert isinstance(decide_alert(rules, alert("new", labels=zoned), [public]), Open)
    elsewhere = alert("new", labels={**zoned, "zone": "b"})
    assert isinstance(decide_alert(rules, elsewhere, [private]), Open)


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("{alertname} on {service}", "HighErrorRate on shop"),
        ("{nothing}", "HighErrorRate"),
        ("{nothing|summary}", "Too many errors"),
        ("{summary|alertname}!", "Too many errors!"),
        ("a\tb  c", "a b c"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_titles_are_filled_in_and_always_fit(template: str, wanted: str) -> None:
    rules = parse_rules(f"version: 1\nrules:\n  - {{name: a, open: {{title: '{template}'}}}}\n", "r")
    decision = decide_alert(rules, alert(), [])
    assert isinstance(decision, Open)
    assert decision.title == wanted


def test_a_label_cannot_bring_a_template_or_an_escape_with_it() -> None:
    rules = parse_rules("version: 1\nrules:\n  - {name: a, open: {title: 'On {service}: {alertname}'}}\n", "r")
    one = alert(labels={"alertname": "{service}\u001b[2J\n{__class__}"}, name="n")
    decision = decide_alert(rules, one, [])
    assert isinstance(decision, Open)
    assert decision.title == "On shop: {service}[2J {__class__}"


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("ignore: only a test", "ignored: only a test", "r.yml:12: rules[2].ignored: is not a known key; did you mean"),
        ("ignore: only a test", "", "r.yml:10: rules[2]: says nothing to do; say one of open, attach, ignore"),
        ("ignore: only a test", "ignore: a\n    attach: {}", "rules[2]: says attach and ignore; say one of"),
        ("version: 7", "version: 0", "r.yml:1: version: 0 must be at least 1"),
        ("name: quiet", "name: join", "two rules are called 'join'; each needs its own name"),
        ("severity: P1", "severity: P9", "r.yml:6: rules[0].open.severity: 'P9' is not a severity"),
        ("{alertname}", "{alertname.__class__}", "r.yml:6: rules[0].open.title: braces hold a label or several"),
        ("{alertname}", "{0}", "rules[0].open.title: braces hold"),
        ("{alertname}", "{a!r:>9}", "rules[0].open.title: braces hold"),
        ("{alertname}", "{a", "rules[0].open.title: braces hold"),
        ("Test.*", "Test(", "r.yml:11: rules[2].match[0]: 'Test(' is not a regular expression"),
        ("Test.*", "(a+)+$", "rules[2].match[0]: a repeated group can take for ever"),
        ("Test.*", "x" * 301, "rules[2].match[0]: the pattern has 301 characters; use at most 300"),
        ("'alertname=~\"Test.*\"'", "alertname", "rules[2].match[0]: 'alertname' is not a matcher; write one like"),
        ("'alertname=~\"Test.*\"'", "5", "rules[2].match[0]: a matcher is text"),
        ("disaster: SEV1", "disaster: SEV9", "r.yml:2: severities.disaster: 'SEV9' is not a severity"),
        ("by: [service]", "by: []", "r.yml:9: rules[1].attach.by: needs at least 1"),
        ("by: [service]", "by: [a b]", "r.yml:9: rules[1].attach.by[0]: 'a b' must fit ^[a-zA-Z_]"),
        ("rules:", "rule:", "rule: is not a known key; did you mean 'rules'?"),
    ],
)  # fmt: skip
def test_each_mistake_in_a_rule_file_is_named_with_its_line(old: str, new: str, wanted: str) -> None:
    assert old in RULES
    with pytest.raises(RulesError) as caught:
        parse_rules(RULES.replace(old, new), "r.yml")
    assert wanted in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "5", "version: 1", "a: *b", "\x00", b"\xff"])
def test_what_is_no_rule_file_is_refused(text: str | bytes) -> None:
    with pytest.raises(RulesError, match=r"^r\.yml:1: "):
        parse_rules(text, "r.yml")


def test_a_rule_file_is_read_from_disk_or_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "r.yml"
    path.write_text(RULES)
    assert load_rules(path).version == 7
    assert load_rules(path).revision == parse_rules(RULES + "\n# a comment", "x").revision
    assert load_rules(path).revision != parse_rules(RULES.replace("only", "just"), "x").revision
    for missing in (tmp_path / "none.yml", tmp_path):
        with pytest.raises(RulesError, match=r"cannot be read|is not a regular file"):
            load_rules(missing)


@pytest.mark.parametrize(
    ("matcher", "value", "fits"),
    [
        ('a="x"', "x", True), ('a="x"', "xy", False), ("a=x", "x", True), ('a=""', None, True), ('a!=""', None, False),
        ('a!="x"', "y", True), ('a=~"x|y"', "y", True), ('a=~"x|y"', "xy", False), ('a=~"x.*"', "xa\nb", True),
        ('a!~"x.*"', "xa", False), ('a!~"x.*"', "y", True), (' a = "x" ', "x", True), ('a="q\\"q"', 'q"q', True),
        ('a=~"[^]x]+"', "abc", True), ('a=~"\\\\d{3}"', "\\ddd", True), ('a=~"\\d{3}"', "123", True),
        ('a=~"(?:b|c)?d"', "d", True), ('a=~""', None, True), ('a=~".+"', None, False), ('a="=~"', "=~", True),
        ('a=~"x{,2}y"', "xxy", True), ('a=~"x{2}"', "xx", True), ('a=~"\\[a\\]"', "[a]", True),
    ],
)  # fmt: skip
def test_matchers_mean_what_they_mean_to_alertmanager(matcher: str, value: str | None, fits: bool) -> None:
    assert parse_matcher(matcher).fits({} if value is None else {"a": value}) is fits


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+", "(a*)*b", "(a|a)*b", "(.*)*", "([a-z]+)*$", "(?:a+){2,}", "(a?)+", "((a+))+", "(a+)+?", "(a)\\1",
        "(?=a+)b", "(?<!a)b", "(?P<n>a)(?P=n)", ".*.*.*.*x", "a?" * 30 + "a" * 30, "(a|a)" * 7, "a{1,}b{1,}c{1,}d{1,}",
        "[", "(", "a**", "[[a]", "(?", "a{5,1}", "x{99999999999}",
    ],
)  # fmt: skip
def test_patterns_that_can_run_away_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"regular expression|for ever|refused|allowed"):
        parse_matcher(f'a=~"{pattern}"')


@pytest.mark.parametrize(
    "pattern", [".*a.*b.*c", "a?" * 4 + "a*a*a*b", "(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)b", "[ab]*[ab]*[ab]*c"]
)
def test_the_worst_that_is_allowed_ends_soon(pattern: str) -> None:
    matcher = parse_matcher(f'a=~"{pattern}"')
    assert not matcher.fits({"a": "a" * 100_000})


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="ab()[]{}*+?|\\^$.,12<!=:\"'~ ", max_size=25), st.text(alphabet="ab1", max_size=40))
def test_any_matcher_is_refused_in_words_or_matches_any_value(text: str, value: str) -> None:
    try:
        matcher = parse_matcher(f"a=~{text}")
    except ValueError as error:
        told = str(error)
    else:
        told = str(matcher.fits({"a": value}))
        assert str(matcher).startswith("a=~")
    assert told


STATUSES = st.sampled_from(["firing", "firing", "resolved", "acknowledged"])
ALERTS = st.builds(
    lambda fingerprint, status, service, hours, severity: alert(
        fingerprint,
        status=status,
        labels={"service": service, "severity": severity},
        severity=severity,
        service=service,
        starts_at=AT + timedelta(hours=hours),
    ),
    st.sampled_from("abcd"),
    STATUSES,
    st.sampled_from(["shop", "search", ""]),
    st.integers(0, 3),
    st.sampled_from(["critical", "info", "none", "warning"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ALERTS, max_size=25))
def test_repeating_any_alert_after_it_was_carried_out_changes_nothing(alerts: list[Alert]) -> None:
    incidents: list[Held] = []
    for one in alerts:
        incidents = applied(decide_alert(DEFAULT, one, incidents), one, incidents)
        again = decide_alert(DEFAULT, one, incidents)
        assert isinstance(again, Duplicate | Ignore)
        assert applied(again, one, incidents) == incidents
    firing = [key for one in incidents for key, known in one.alerts.items() if known.firing]
    assert len(firing) == len(set(firing))
