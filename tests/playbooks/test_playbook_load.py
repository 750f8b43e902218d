"""The loader: what it accepts, what it refuses, and that its refusals say file, line and what would be right."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from warroom.document import DocumentError, Limits, Problem, parse_document
from warroom.incident.words import Duty, Severity
from warroom.playbooks.load import (
    LIMITS,
    PlaybookError,
    PlaybookFile,
    installed_library,
    load_directories,
    load_file,
    parse_playbook,
)
from warroom.playbooks.model import canonical_json, digest

GOOD = """\
id: slow-shop
title: Slow shop
version: 3
summary: The shop is slow.
matches:
  services: [shop-*]
  severities: [sev-1, P2, minor]
severity_guidance:
  - {severity: critical, when: Everybody waits.}
steps:
  - id: look
    title: Look
    owner: ic
    instructions: Look at it.
    expected: It was seen.
    time_box_minutes: 5
  - id: act
    title: Act
    owner: operations_lead
    instructions: |
      Act on it.
"""


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def complaint(text: str | bytes) -> str:
    with pytest.raises(PlaybookError) as caught:
        parse_playbook(text, "playbooks/x.yml")
    return str(caught.value)


def problems(text: str | bytes) -> tuple[Problem, ...]:
    try:
        parse_playbook(text, "x")
    except PlaybookError as error:
        return error.problems or (Problem("x", 0, (), "an error without a problem"),)
    return ()


def test_a_playbook_is_read_with_aliases_of_severities_and_duties() -> None:
    file = parse_playbook(GOOD, "playbooks/x.yml")
    assert file.playbook.matches.severities == (Severity.SEV1, Severity.SEV2, Severity.SEV3)
    assert file.playbook.severity_guidance[0].severity is Severity.SEV1
    assert [step.owner for step in file.playbook.steps] == [Duty.INCIDENT_COMMANDER, Duty.OPERATIONS_LEAD]
    assert file.playbook.steps[0].time_box_minutes == 5
    assert file.playbook.step("act") is file.playbook.steps[1]
    assert file.playbook.step("rest") is None
    assert file.source == "playbooks/x.yml"


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("owner: ic", "owner: boss", "playbooks/x.yml:13: steps[0].owner: 'boss' is not a duty that owns"),
        ("owner: ic", "owner: observer", ":13: steps[0].owner: 'observer' is not a duty"),
        ("owner: ic", "owner: [ic]", ":13: steps[0].owner: \"['ic']\" is not a duty"),
        ("    owner: ic\n", "", ":11: steps[0].owner: is missing"),
        ("    owner: ic", "    ownr: ic", ":13: steps[0].ownr: is not a known key; did you mean 'owner'?"),
        ("version: 3", "version: 0", ":3: version: 0 must be at least 1"),
        ("version: 3", "version: '3'", ":3: version: '3' must be a whole number"),
        ("version: 3", "version: true", ":3: version: True must be a whole number"),
        ("version: 3", "version: 3.5", ":3: version: 3.5 must be a whole number"),
        ("id: slow-shop", "id: Slow Shop", ":1: id: 'Slow Shop' is not an id; write small letters"),
        ("id: slow-shop", "id: ../../etc", ":1: id: '../../etc' is not an id"),
        ("id: act", "id: look", ":1: two steps have the id 'look'; each step needs its own"),
        ("P2", "P9", ":7: matches.severities[1]: 'P9' is not a severity; use SEV1 to SEV5"),
        ("P2", "[]", ":7: matches.severities[1]: a severity is written as"),
        ("[shop-*]", "shop-*", ":6: matches.services: 'shop-*' must be a list"),
        ("[shop-*]", "[1]", ":6: matches.services[0]: 1 must be text"),
        ("time_box_minutes: 5", "time_box_minutes: -5", ":16: steps[0].time_box_minutes: -5 must be at least 1"),
        ("title: Slow shop", "title: |\n  Slow\n  shop", ":2: title: must be one line"),
        ("title: Slow shop", "title: " + "x" * 121, ":2: title: 'xxx"),
        ("summary: The shop is slow.", "summary:", ":4: summary: None must be text"),
        ("summary: The shop is slow.", "summary: .nan", None),
        ("title: Slow shop", 'title: "Slow \\e[31m shop"', ":2: title: holds the control character U+001B"),
        ("title: Slow shop", "title: \"a\\u202Eb\"", "U+202E"),
        ("title: Slow shop", "title: a: b", ":2: is not valid YAML: mapping values are not allowed in this context"),
        ("version: 3", "version: 3\nversion: 4", ":4: key 'version' stands here again; first on line 3"),
        ("title: Slow shop", "title: &t Slow", ":2: title: anchor '&t' is refused; write the value out"),
        ("title: Slow shop", "title: *t", ":2: title: alias '*t' is refused; write the value out"),
        ("title: Slow shop", "title: !!python/object/apply:os.system [ls]", ":2: title: tag 'tag:yaml.org"),
        ("title: Slow shop", "<<: {version: 3}", ":2: <<: is not a known key"),
        ("steps:", "? [a]\n: b\nsteps:", "a key must be plain text"),
        ("id: slow-shop", "id: slow-shop\n---\nid: two", "a second document starts here"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_line(old: str, new: str, wanted: str | None) -> None:
    if wanted is None:
        assert parse_playbook(changed(old, new), "x").playbook.summary == ".nan"
    else:
        assert wanted in complaint(changed(old, new))


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = complaint(changed("version: 3", "version: x").replace("owner: ic", "owner: boss"))
    assert [line.split(":")[1] for line in text.splitlines()] == ["3", "13"]


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "just words", "[]", "- id: x", "null", "3"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    assert "x.yml:1: " in complaint(text)


def test_hostile_sizes_are_refused_before_they_cost_anything() -> None:
    assert "larger than 256 KiB" in complaint("a" * (LIMITS.size + 1))
    assert "nested deeper than 8 levels" in complaint("[" * 100_000)
    assert "nested deeper than 8 levels" in complaint("{a: " * 50_000)
    assert "nested deeper than 8 levels" in complaint("".join(f"{' ' * i}a:\n" for i in range(500)))
    assert "has more than 5000 values" in complaint("- x\n" * 6_000)


def test_an_alias_bomb_never_grows() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    assert "x.yml:1: a: anchor '&a' is refused" in complaint(bomb)


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe\x00", b"id: \xc3\x28", b"\x00", b"id: a\x00b", b"\xed\xa0\x80", "id: \ud800", b"id: \x07"]
)
def test_what_is_no_text_is_refused(raw: str | bytes) -> None:
    assert re.match(r"playbooks/x\.yml:1: ", complaint(raw))


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert parse_playbook(b"\xef\xbb\xbf" + GOOD.encode(), "x").playbook.id == "slow-shop"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("no", "no"), ("12:30", "12:30"), ("2026-11-21", "2026-11-21"), ("0o17", "0o17"), ("012", "012"),
        ("1e5", "1e5"), ("~", None), ("", None), ("true", True), ("'true'", "true"), ("-7", -7), ("1.50", 1.5),
        ("'3'", "3"), ('"null"', "null"), ("9" * 40, "9" * 40), ("=", "="), (".inf", ".inf"),
    ],
)  # fmt: skip
def test_scalars_are_what_they_look_like(text: str, value: object) -> None:
    read = parse_document(f"k: {text}", "x").value["k"]
    assert read == value
    assert type(read) is type(value)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=400), st.binary(max_size=400)))
@example("%YAML 9.9\n---\na")
@example("!<!> a")
@example("- &a\n- *a")
@example("? ? a")
@example("\t- a")
@example("a: |1000\n b")
@example("---\n...\n---\n")
def test_arbitrary_text_raises_nothing_but_the_one_error(text: str | bytes) -> None:
    assert all(problem.line >= 1 and problem.message for problem in problems(text))


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
KEYS = st.sampled_from(["id", "title", "version", "summary", "matches", "steps", "owner", "services", "words", "x"])
TREES = st.recursive(
    LEAVES,
    lambda kids: st.one_of(st.lists(kids, max_size=4), st.dictionaries(KEYS | st.text(max_size=5), kids, max_size=6)),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(TREES)
def test_arbitrary_values_raise_nothing_but_the_one_error(tree: object) -> None:
    assert all(problem.line >= 1 for problem in problems(yaml.safe_dump(tree, allow_unicode=True)))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_good_playbook_that_is_damaged_is_read_or_refused(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(at, min(len(GOOD), at + 30)))
    middle = data.draw(st.text(max_size=10))
    try:
        file = parse_playbook(GOOD[:at] + middle + GOOD[end:], "x")
    except PlaybookError:
        return
    assert file.playbook.version >= 1


PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@settings(max_examples=150, deadline=None)
@given(st.recursive(PRINTABLE, lambda kids: st.lists(kids) | st.dictionaries(PRINTABLE, kids), max_leaves=20))
def test_quoted_values_read_back_as_written(tree: object) -> None:
    text = yaml.safe_dump(tree, default_style='"').replace("!!str ", "")
    assert parse_document(text, "x", Limits(depth=50)).value == tree


def test_the_digest_is_of_the_content_alone() -> None:
    first = parse_playbook(GOOD, "x")
    relaid = parse_playbook("# a comment\n" + GOOD.replace("[shop-*]", '\n    - "shop-*"'), "y")
    assert first.digest == relaid.digest == digest(first.playbook)
    assert len(first.digest) == 64
    assert parse_playbook(changed("Look at it.", "Look well."), "x").digest != first.digest
    assert canonical_json(first.playbook).startswith(b'{"id":"slow-shop","matches":{"alerts":[],"services":["shop-*"],')


def test_what_an_incident_is_pinned_to_carries_the_steps() -> None:
    file = parse_playbook(GOOD, "x")
    pinned = file.playbook.pinned()
    assert (pinned.id, pinned.version, pinned.digest) == ("slow-shop", 3, file.digest)
    assert [(s.id, s.owner, s.expected) for s in pinned.steps] == [
        ("look", "incident_commander", "It was seen."),
        ("act", "operations_lead", ""),
    ]


def write(directory: Path, name: str, text: str) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(text)
    return path


def test_the_higher_version_wins_wherever_it_lies(tmp_path: Path) -> None:
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    write(shipped, "a.yml", GOOD)
    write(own, "b.yaml", changed("version: 3", "version: 4"))
    write(own, "old.yml", changed("version: 3", "version: 2"))
    write(own, "ignored.txt", "x")
    write(own, ".hidden.yml", "x")
    library = load_directories([shipped, own, tmp_path / "absent"])
    assert library.errors == ()
    assert [(p.id, p.version) for p in library.playbooks] == [("slow-shop", 4)]
    newest, pinned = library.find("slow-shop"), library.find("slow-shop", 2)
    assert newest is not None
    assert newest.source == str(own / "b.yaml")
    assert pinned is not None
    assert pinned.playbook.version == 2
    assert library.find("slow-shop", 9) is None
    assert library.find("other") is None


def test_same_id_and_version_with_other_content_is_an_error_and_the_first_stays(tmp_path: Path) -> None:
    first = write(tmp_path / "shipped", "a.yml", GOOD)
    second = write(tmp_path / "own", "a.yml", changed("Look at it.", "Look away."))
    write(tmp_path / "own", "copy.yml", GOOD)
    library = load_directories([tmp_path / "shipped", tmp_path / "own"])
    assert [str(error) for error in library.errors] == [
        f"{second}:3: version: slow-shop version 3 is also in {first}, with other content; give this one version 4"
    ]
    assert library.newest[0].source == str(first)


def test_one_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    write(tmp_path, "a.yml", GOOD)
    write(tmp_path, "broken.yml", "id: a: b")
    (tmp_path / "folder.yml").mkdir()
    os.mkfifo(tmp_path / "pipe.yml")
    (tmp_path / "gone.yml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.yml").symlink_to(tmp_path / "loop.yml")
    library = load_directories([tmp_path])
    assert [p.id for p in library.playbooks] == ["slow-shop"]
    told = "\n".join(str(error) for error in library.errors)
    assert "broken.yml:1: is not valid YAML: " in told
    assert "pipe.yml:1: is not a regular file" in told
    assert "gone.yml:1: cannot be read: No such file or directory" in told
    assert len(library.errors) == 5


def test_a_directory_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "file", "")
    assert "cannot be read: Not a directory" in str(load_directories([path]).errors[0])


def test_load_file_names_the_file_as_asked(tmp_path: Path) -> None:
    assert load_file(write(tmp_path, "a.yml", GOOD), "shown.yml").source == "shown.yml"
    with pytest.raises(PlaybookError, match=r"none\.yml:1: cannot be read"):
        load_file(tmp_path / "none.yml")


def test_a_playbook_error_is_a_document_error_and_a_value_error() -> None:
    assert issubclass(PlaybookError, DocumentError)
    assert issubclass(DocumentError, ValueError)


def test_the_users_directory_is_read_after_what_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    write(tmp_path / "warroom", "nothing.yml", "")
    own = tmp_path / "warroom" / "playbooks"
    write(own, "mine.yml", GOOD)
    library = installed_library()
    assert library.errors == ()
    assert {"slow-shop", "latency"} <= {p.id for p in library.playbooks}
    assert isinstance(library.newest[0], PlaybookFile)


def test_a_list_of_bad_entries_is_not_also_called_empty() -> None:
    text = changed("owner: ic", "owner: boss").replace("owner: operations_lead", "owner: chief")
    assert [problem.line for problem in problems(text)] == [13, 19]
    assert "x.yml:10: steps: needs at least 1" in complaint(GOOD.split("steps:")[0] + "steps: []")
