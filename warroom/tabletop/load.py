"""Scenario files read from disk.

Invariant: whatever a file holds, reading it gives a `Scenario` or a `ScenarioError` that says file, line, field and
what would be right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from warroom.document import Document, DocumentError, Limits, parse_document
from warroom.document_files import content_of
from warroom.tabletop.keys import known_keys
from warroom.tabletop.model import Scenario
from warroom.tabletop.references import wrong_references

LIMITS: Final = Limits(size=512 * 1024, depth=10, nodes=20_000)


class ScenarioError(DocumentError):
    """A scenario file that cannot be used."""


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """A scenario and the file it was read from."""

    scenario: Scenario
    digest: str
    document: Document = field(repr=False)

    @property
    def source(self) -> str:
        """The file's name as given when it was read."""
        return self.document.source


def parse_scenario(text: str | bytes, source: str) -> ScenarioFile:
    """Read a scenario from its text. `source` names it in messages.

    Raises:
        ScenarioError: with one problem for each thing that is wrong.
    """
    try:
        document = parse_document(text, source, LIMITS)
    except DocumentError as error:
        raise ScenarioError(error.problems) from None
    if not isinstance(document.value, dict):
        message = f"a scenario is a mapping with the keys {', '.join(known_keys()[''])}"
        raise ScenarioError([document.problem((), message)])
    try:
        scenario = Scenario.model_validate(document.value)
    except ValidationError as error:
        raise ScenarioError(document.problems_of(error, known_keys())) from None
    wrong = [document.problem(path, words, "unknown-id") for path, words in wrong_references(scenario)]
    if wrong:
        raise ScenarioError(sorted(wrong, key=lambda problem: problem.line)[:20])
    return ScenarioFile(scenario, scenario.digest, document)


def load_file(path: Path, source: str | None = None) -> ScenarioFile:
    """Read one scenario file.

    Raises:
        ScenarioError: also when the file cannot be read or is not a regular file.
    """
    name = str(path) if source is None else source
    try:
        content = content_of(path, name, LIMITS)
    except DocumentError as error:
        raise ScenarioError(error.problems) from None
    return parse_scenario(content, name)
