"""What the linter says about a playbook, and that the shipped ones give it nothing to say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from warroom.data import data_dir, data_dirs, shipped_data_dir, user_data_dir
from warroom.incident.words import UPDATE_CADENCE_MINUTES, Duty, Severity
from warroom.playbooks.lint import Finding, Weight, is_failure, lint_file, lint_library
from warroom.playbooks.load import Library, installed_library, load_directories, parse_playbook

SHIPPED = installed_library([shipped_data_dir("playbooks")])

CLEAN = """\
id: clean
title: Clean
version: 1
summary: Clean.
matches:
  services: [shop-*]
  words: [slow]
severity_guidance:
  - {severity: SEV1, when: Always.}
steps:
  - {id: decide, title: Decide, owner: incident_commander, instructions: Decide., expected: A decision on the log.}
  - {id: tell, title: Tell, owner: communications_lead, instructions: Tell them., expected: They were told.}
  - {id: end, title: Stand down, owner: incident_commander, instructions: End it., expected: Status resolved.}
"""


def lint(text: str) -> tuple[Finding, ...]:
    return lint_file(parse_playbook(text, "x.yml"))


def found(old: str, new: str) -> list[tuple[str, int]]:
    assert old in CLEAN
    return [(finding.code, finding.line) for finding in lint(CLEAN.replace(old, new))]


def test_a_clean_playbook_has_no_findings() -> None:
    assert lint(CLEAN) == ()


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        (", expected: They were told.", "", "no-expected-result", 12),
        ("They were told.", "Done!", "vague-expected-result", 12),
        ("title: Tell", "title: " + "T" * 45, "title-too-long", 12),
        ("title: Clean", "title: " + "T" * 61, "title-too-long", 2),
        ("communications_lead", "sme", "no-communications-step", 10),
        ("incident_commander", "sme", "no-commander-step", 10),
        ("Stand down", "Sit", "no-stand-down", 13),
        ("title: Tell", "title: DECIDE", "same-title", 12),
        ("severity_guidance:\n  - {severity: SEV1, when: Always.}\n", "", "no-severity-guidance", 1),
        ("when: Always.}", "when: Always.}\n  - {severity: P1, when: Ever.}", "severity-twice", 10),
        ("  services: [shop-*]\n  words: [slow]", "  severities: [SEV1]", "never-suggested", 5),
        ("[shop-*]", "['*', shop-*]", "empty-match", 6),
        ("[slow]", "[slow, '--']", "empty-match", 7),
        ("[shop-*]", "[shop-*, shop-api]", "unreachable-match", 6),
        ("[shop-*]", "[shop-*, Shop-a*]", "unreachable-match", 6),
        ("[slow]", "[slow, Slow]", "unreachable-match", 7),
        ("[slow]", "[pods, pod]", "unreachable-match", 7),
        ("Tell them.", "FIXME later", "placeholder", 12),
        ("Tell them.", '"```sh"', "open-code-block", 12),
        ("Tell them.", '"Run `kubectl scale deploy/x --replicas=0`."', "change-without-verification", 12),
    ],
)
def test_each_rule_finds_what_it_is_for(old: str, new: str, code: str, line: int) -> None:
    assert (code, line) in found(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[shop-*]", "[shop-a*, shop-*]"),
        ("[shop-*]", "['*-db', 'db-*']"),
        ("[shop-*]", "['a[bc]*', ab]"),
        ("[slow]", "[error rate, error]"),
        ("Tell them.", '"Run `kubectl scale deploy/x` and watch the pods."'),
        ("Tell them.", '"Look at `kubectl get pods`."'),
    ],
)
def test_what_is_right_is_left_alone(old: str, new: str) -> None:
    assert found(old, new) == []


@pytest.mark.parametrize(("count", "code"), [(2, "too-few-steps"), (16, "too-many-steps")])
def test_the_number_of_steps_is_weighed(count: int, code: str) -> None:
    steps = "".join(
        f"  - {{id: s-{i}, title: Stand down {i}, owner: ic, instructions: x, expected: seen}}\n" for i in range(count)
    )
    head = CLEAN.split("steps:\n")[0]
    assert code in {finding.code for finding in lint(f"{head}steps:\n{steps}")}


def test_strict_counts_warnings_and_advice_never_fails(tmp_path: Path) -> None:
    warned = lint(CLEAN.replace("Stand down", "Sit"))
    assert not is_failure(warned)
    assert is_failure(warned, strict=True)
    (tmp_path / "a.yml").write_text(CLEAN)
    (tmp_path / "b.yml").write_text(CLEAN.replace("version: 1", "version: 2"))
    advised = lint_library(load_directories([tmp_path]))
    assert [(finding.code, finding.weight) for finding in advised] == [("shadowed", Weight.ADVICE)]
    assert not is_failure(advised, strict=True)


def test_what_cannot_be_read_is_a_finding_too(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(CLEAN.replace("owner: communications_lead", "owner: boss"))
    findings = lint_library(load_directories([tmp_path]))
    assert is_failure(findings)
    assert str(findings[0]).startswith(
        f"{tmp_path / 'a.yml'}:12: error bad-value: steps[1].owner: 'boss' is not a duty"
    )


def test_an_empty_library_has_no_findings() -> None:
    assert lint_library(Library()) == ()


def test_the_shipped_playbooks_lint_clean_under_strict() -> None:
    assert [str(finding) for finding in lint_library(SHIPPED)] == []
    assert [p.id for p in SHIPPED.playbooks] == [
        "bad-deploy-rollback",
        "database-saturation",
        "latency",
        "model-drift",
        "service-errors",
    ]


@pytest.mark.parametrize("playbook", SHIPPED.playbooks, ids=lambda playbook: playbook.id)
def test_a_shipped_playbook_has_what_is_needed_at_night(playbook) -> None:  # type: ignore[no-untyped-def]
    assert 8 <= len(playbook.steps) <= 12
    assert all(step.expected and step.time_box_minutes for step in playbook.steps)
    assert {g.severity for g in playbook.severity_guidance} == {Severity.SEV1, Severity.SEV2, Severity.SEV3}
    decisions = [step for step in playbook.steps if step.title.startswith("Decide")]
    assert [step.owner for step in decisions] == [Duty.INCIDENT_COMMANDER]
    text = " ".join(step.instructions for step in playbook.steps).casefold()
    assert re.search(r"roll ?back", text)
    assert "hotfix" in text
    comms = " ".join(s.instructions for s in playbook.steps if s.owner is Duty.COMMUNICATIONS_LEAD)
    minutes, hours = UPDATE_CADENCE_MINUTES[Severity.SEV1], (UPDATE_CADENCE_MINUTES[Severity.SEV3] or 0) // 60
    assert f"SEV1 every {minutes} minutes, SEV2 every hour, SEV3 every {hours} hours" in " ".join(comms.split())


def test_shell_examples_parse() -> None:
    blocks = [
        (playbook.id, step.id, code)
        for playbook in SHIPPED.playbooks
        for step in playbook.steps
        for code in re.findall(r"```sh\n(.*?)```", step.instructions, re.DOTALL)
    ]
    assert len(blocks) > 20
    for playbook_id, step_id, code in blocks:
        answer = subprocess.run(["sh", "-n"], input=code, text=True, capture_output=True, check=False)
        assert answer.returncode == 0, (playbook_id, step_id, answer.stderr)


def test_data_directories_are_found_weakest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert data_dirs("playbooks") == (shipped_data_dir("playbooks"),)
    own = user_data_dir("playbooks")
    assert own == tmp_path / "warroom" / "playbooks"
    own.mkdir(parents=True)
    assert data_dirs("playbooks") == (shipped_data_dir("playbooks"), own)
    assert data_dir("playbooks") == own


def test_an_incomplete_installation_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("warroom.data.files", lambda name: tmp_path / "warroom")
    with pytest.raises(FileNotFoundError, match="the playbooks that ship with warroom are missing"):
        shipped_data_dir("playbooks")
    packed = tmp_path / "warroom" / "_data" / "playbooks"
    packed.mkdir(parents=True)
    assert shipped_data_dir("playbooks") == packed
