"""Scenario files: what ships is right, and each mistake is one sentence with file, line and field."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from warroom.data import shipped_data_dir
from warroom.playbooks.lint import Weight
from warroom.simulator.topology_files import topology_names
from warroom.tabletop.beginning import beginning
from warroom.tabletop.convert import panel_of
from warroom.tabletop.library import installed, load_directories
from warroom.tabletop.lint import lint_file
from warroom.tabletop.load import ScenarioError, ScenarioFile, load_file, parse_scenario
from warroom.tabletop.runbook import load_runbook
from warroom.tabletop.schema import schema_text
from warroom.tabletop.truth import contributing_named, names_truth
from warroom.telemetry.panel import UNITS

SHIPPED = shipped_data_dir("scenarios")
FILES = sorted(SHIPPED.glob("*.yaml"))
GOOD = beginning("my-drill")


@pytest.fixture(scope="module")
def shipped() -> dict[str, ScenarioFile]:
    return {path.stem: load_file(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_scenario_is_right_by_its_own_linter(path: Path) -> None:
    assert [str(one) for one in lint_file(load_file(path))] == []


def test_the_shipped_catalogue_has_what_it_promises(shipped: dict[str, ScenarioFile]) -> None:
    all_of = [file.scenario for file in shipped.values()]
    assert len(all_of) >= 16
    assert all(file.scenario.metadata.id == name for name, file in shipped.items())
    tags = [set(one.metadata.tags) for one in all_of]
    assert sum("ml" in some or "ml-pipeline" in some for some in tags) >= 3
    assert sum(one.sealed.nothing_wrong for one in all_of) >= 2
    assert any("slice" in some for some in tags)
    assert any("metastable" in some for some in tags)
    assert any("before-users-notice" in some for some in tags)
    assert any(fault.type == "tool_degraded" for one in all_of for fault in one.observability_faults)
    assert {one.world.topology for one in all_of} == set(topology_names())
    quickest = min(all_of, key=lambda one: one.metadata.duration.expected)
    assert (quickest.metadata.id, quickest.metadata.difficulty, quickest.metadata.solo) == ("first-drill", 1, True)


def test_every_scenario_of_a_public_outage_names_its_account(shipped: dict[str, ScenarioFile]) -> None:
    cited = [file.scenario.metadata.inspired_by for file in shipped.values() if file.scenario.metadata.inspired_by]
    assert len(cited) >= 12
    assert all(one.public_source.startswith("https://") for one in cited)


def test_what_players_see_of_a_scenario_does_not_give_it_away(shipped: dict[str, ScenarioFile]) -> None:
    for file in shipped.values():
        one = file.scenario
        seen = [one.metadata.title, one.metadata.code.replace("-", " "), one.briefing]
        assert not any(names_truth(text, one.sealed) for text in seen), one.metadata.id
        if one.sealed.nothing_wrong:
            assert "noop" not in one.metadata.code


def test_charts_of_objectives_say_in_words_what_they_show(shipped: dict[str, ScenarioFile]) -> None:
    panels = [panel_of(slo, file.scenario) for file in shipped.values() for slo in file.scenario.world.slo]
    titles = {panel["title"] for panel in panels if panel is not None}
    assert {"availability", "orders: served well at checkout", "order-time: p95 of checkout"} <= titles
    assert not [one for one in titles if "(" in one]


def test_every_chart_of_an_objective_has_a_unit_that_the_server_knows(shipped: dict[str, ScenarioFile]) -> None:
    panels = [panel_of(slo, file.scenario) for file in shipped.values() for slo in file.scenario.world.slo]
    units = {panel["unit"] or "none" for panel in panels if panel is not None}
    assert {"ratio", "seconds"} <= units <= set(UNITS)


def test_no_runbook_names_a_scenario(shipped: dict[str, ScenarioFile]) -> None:
    for name in topology_names():
        text = (SHIPPED / "runbooks" / f"{name}.yaml").read_text().casefold()
        assert load_runbook(name).checks
        for file in shipped.values():
            meta = file.scenario.metadata
            assert meta.id not in text
            assert meta.code not in text
            if meta.inspired_by is not None:
                assert meta.inspired_by.name.split(",")[0].casefold() not in text


def test_contributing_factors_are_known_by_their_own_words(shipped: dict[str, ScenarioFile]) -> None:
    for file in shipped.values():
        sealed = file.scenario.sealed
        for at, factor in enumerate(sealed.contributing):
            for word in factor.words:
                assert at in contributing_named(f"It was {word} that made it worse", sealed)


def test_the_schema_that_ships_is_the_model() -> None:
    assert (SHIPPED / "schema.json").read_text() == schema_text(), (
        "run `warroom tabletop schema > scenarios/schema.json`"
    )


def test_what_one_begins_with_is_right() -> None:
    assert [str(one) for one in lint_file(parse_scenario(GOOD, "x.yaml"))] == []


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("apiVersion: warroom/v1", "apiVersion: warroom/v2", "x.yaml:1: apiVersion: 'warroom/v2' input should be"),
        ("id: my-drill ", "id: My Drill ", "metadata.id: 'My Drill' is not an id; write small letters"),
        ("title: Some customers cannot pay", "titel: Some", "metadata.titel: is not a known key; did you mean"),
        ("difficulty: 2", "difficulty: 7", "metadata.difficulty: 7 must be at most 5"),
        ("expected: 20m", "expected: 20 minutes", "is not a duration; write it like 90s, 5m or 1h30m"),
        ("expected: 20m", "expected: 80m", "metadata.duration: expected is at least 1m, and hard_stop at least"),
        ("sli: availability, at_least: 0.995", "sli: availability", "world.slo[0]: has exactly one of at_least"),
        ("sli: availability,", "sli: availabilty,", "slo[0].sli: 'availabilty' is not known; did you mean"),
        ("required: [incident_commander", "required: [boss", "roles.required[0]: 'boss' is not a duty"),
        ("ref: C1", "ref: C9", "faults[0].cause.ref: 'C9' is no change of this scenario; it has C1"),
        ("inject: I1", "inject: I7", "red_herrings[0].inject: 'I7' is no inject of this scenario"),
        ("    at: 4m\n    to: all", "    to: all", "injects[0]: comes at a time or on a condition; give exactly one"),
        ("incident_commander, 5m)", "incident_comander, 5m)", "injects[1].when: 'incident_comander' is not a duty"),
        ("fault: F1}}]", "fault: F2}}]", "actions[0].effects[0].target: 'F2' is no fault of this scenario"),
        ("kind: rollback\n", "kind: undo\n", "actions[0]: 'undo' is not a kind of action; use one of scale"),
        ("verdict: neutral", "verdict: fine", "actions[1].verdict: 'fine' input should be 'accepted'"),
        ("event: incident.declared", "event: incident.declare", "milestones[0].event: 'incident.declare' is not an"),
        ("met(availability) for", "met(uptime) for", "milestones[1].when: 'uptime' is no objective of world.slo"),
        ("onset: F1", "onset: F3", "sealed.onset: 'F3' is no fault of this scenario; it has F1"),
        ("[[rollback_payment]]", "[[rollback]]", "sealed.accepted_mitigations[0][0]: 'rollback' is no action"),
        ("expect: value > 1", "expect: much", "sealed.decisive_evidence[0].expect: 'much' is no condition"),
        ("at: 8m, action: rollback_payment", "at: 8m, action: roll", "reference[0].action: 'roll' is no action"),
        ("ramp: 30s", "ramp: 30s\n    lasts: forever", "faults[0].lasts: 'forever' is not a duration"),
        ("- id: I2", "- id: I1", "injects[1]: the id 'I1' is there 2 times; each needs its own"),
        ("  root_cause:", "  nothing_wrong: true\n  root_cause:", "sealed: has a root_cause, or says nothing_wrong"),
        ("target: {service: payment}", "target: {service: [[1]]}", "faults[0].target: 'service' must be text"),
        ("briefing: |", "briefing: &a |", "briefing: anchor '&a' is refused; write the value out"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_file_line_and_field(old: str, new: str, wanted: str) -> None:
    text = changed(old, new)
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, "x.yaml")
    said = str(caught.value)
    assert wanted in said
    assert re.match(r"x\.yaml:\d+: ", said)
    line = int(said.split(":")[1])
    assert 1 <= line <= text.count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("type: error_rate", "type: eror_rate", "fault"),
        ("params: {rate: 0.4}", "params: {rate: 4}", "fault"),
        ("target: {service: payment}\n    params", "target: {service: paymint}\n    params", "fault"),
        ("replicas_x: 2", "replicas: [2]", "effect"),
        ("topology: shop ", "topology: shopp ", "topology"),
        ("service: payment, version", "service: paymemt, version", "service"),
        ("due: 6m", "due: 60m", "after-the-end"),
        ("at: 8m, action", "at: 1m, action", "reference-too-early"),
        ("action: rollback_payment}", "action: scale_payment}", "reference-fails"),
        ("[deploy, version, v150, release]", "[lorry]", "truth-not-named"),
        ("Some customers cannot pay", "The payment deploy fails", "spoiler"),
        ("harmful: [restart_payment]", "harmful: [scale_payment]", "verdict-differs"),
    ],
)
def test_the_linter_finds_what_could_not_be_played_or_scored(old: str, new: str, code: str) -> None:
    findings = lint_file(parse_scenario(changed(old, new), "x.yaml"))
    assert code in {one.code for one in findings}, [str(one) for one in findings]
    found = next(one for one in findings if one.code == code)
    assert found.line > 1
    assert found.weight is (Weight.WARNING if code == "spoiler" else Weight.ERROR)


def test_one_broken_file_hides_no_other_and_names_are_not_shared(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text("apiVersion: [")
    (tmp_path / "c.yaml").write_text(GOOD.replace("id: my-drill ", "id: other "))
    library = load_directories([tmp_path])
    assert library.find("my-drill") is not None
    said = "\n".join(str(error) for error in library.errors)
    assert "b.yaml:2: is not valid YAML" in said
    assert "c.yaml" in said
    assert "give this one another" in said


def test_a_scenario_is_found_by_what_players_call_it_and_by_what_hosts_call_it() -> None:
    library = installed([SHIPPED])
    one = library.find("noop-noise")
    assert one is not None
    assert library.find(one.scenario.metadata.code) is one
    assert library.find("noop-noise", version=99) is None
    assert library.near("restles-night") == "restless-night"
