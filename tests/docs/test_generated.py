"""Generated pages say what the code says; `make docs` rewrites them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs import catalogue, generate, shapes, wire_tables
from docs import glossary as terms
from warroom.incident import commands, decide, events, words
from warroom.server.settings import ServerLimits
from warroom.wire.messages import CloseCode

DOCS = Path(__file__).parents[2] / "docs"
PAGES = generate.written()


@pytest.mark.parametrize("path", sorted(PAGES), ids=lambda path: path.name)
def test_a_generated_page_is_what_the_code_says(path: Path) -> None:
    assert path.read_text("utf-8") == PAGES[path], "run `make docs`"


def test_all_pages_with_generated_tables_are_among_them() -> None:
    assert {path.name for path in PAGES} >= {"events.md", "terms.md", "dashboards.md", "protocol.md"}
    used = set(re.findall(r"<!-- generated: ([a-z-]+) -->", "".join(p.read_text("utf-8") for p in DOCS.glob("*.md"))))
    assert used == set(wire_tables.BLOCKS)


@pytest.mark.parametrize("program", ["generate.py", "keys.py", "reference.py"])
@pytest.mark.parametrize(("argument", "status"), [("--help", 0), ("no-such-page", 2)])
def test_asking_how_to_use_it_writes_nothing(program: str, argument: str, status: int) -> None:
    before = {path: path.stat().st_mtime_ns for path in DOCS.glob("*.md")}
    done = subprocess.run(
        (sys.executable, str(DOCS / program), argument), capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(DOCS.parent)},
    )  # fmt: skip
    assert (done.returncode, "usage:" in done.stdout + done.stderr) == (status, True), done.stderr
    assert {path: path.stat().st_mtime_ns for path in DOCS.glob("*.md")} == before


def test_the_catalogue_names_every_command_and_event() -> None:
    page = catalogue.page()
    for tag in [*events.TAGS, *(one.TAG for one in commands.Command.__subclasses__())]:
        assert f"| `{tag}` |" in page
    assert set(decide.RULES) == set(commands.Command.__subclasses__())


def test_every_command_leads_to_an_event_and_every_event_comes_from_a_command() -> None:
    made = {tag for command in decide.RULES for tag in catalogue.leads_to(command)}
    assert all(catalogue.leads_to(command) for command in decide.RULES)
    assert made == set(events.TAGS)


def test_the_glossary_has_every_word() -> None:
    assert set(terms.DUTIES) == set(words.Duty)
    assert set(terms.STATUSES) == set(words.Status)
    assert set(terms.MILESTONES) == set(words.Milestone)
    assert set(terms.ACCESS) == set(words.Access)


def test_every_close_code_and_limit_is_explained() -> None:
    assert set(wire_tables.CODES) == {name for name in vars(CloseCode) if name.isupper()}
    assert set(wire_tables.LIMITS) == set(ServerLimits.__dataclass_fields__)


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ("f.Line", "line"),
        ("f.Moment | None", "moment, or null"),
        ("Annotated[int, Field(ge=1, le=2**53)]", "whole number 1 to 2^53"),
        ("Annotated[tuple[f.Line, ...], Field(max_length=10)]", "list of line, at most 10"),
        ("tuple[int, int]", "list of 2: whole number, whole number"),
        ("Literal['a', 'b', 'c']", "`a`, `b` or `c`"),
        ("list[RecordDown]", "list of record"),
    ],
)
def test_annotations_are_said_in_words(annotation: str, said: str) -> None:
    assert shapes.kind(annotation) == said
