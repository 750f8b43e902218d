"""Playbook files read from directories.

One invariant: whatever a file holds, reading it gives a `Playbook` or a `PlaybookError` that says file, line
and what would be right; one broken file never hides the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from warroom.data import data_dirs
from warroom.document import Document, DocumentError, Limits, parse_document
from warroom.document_files import content_of, files_in
from warroom.playbooks.model import KNOWN_KEYS, Playbook, digest

LIMITS: Final = Limits(size=256 * 1024, depth=8, nodes=5_000)


class PlaybookError(DocumentError):
    """A playbook file that cannot be used."""


@dataclass(frozen=True, slots=True)
class PlaybookFile:
    """A playbook and the file it was read from."""

    playbook: Playbook
    digest: str
    document: Document = field(repr=False)

    @property
    def source(self) -> str:
        """The file's name as given when it was read."""
        return self.document.source


@dataclass(frozen=True, slots=True)
class Library:
    """All playbooks of several directories, and what could not be read."""

    files: tuple[PlaybookFile, ...] = ()
    errors: tuple[PlaybookError, ...] = ()

    @property
    def playbooks(self) -> tuple[Playbook, ...]:
        """The newest version of each playbook, ordered by id."""
        return tuple(file.playbook for file in self.newest)

    @property
    def newest(self) -> tuple[PlaybookFile, ...]:
        """The file with the highest version of each playbook, ordered by id."""
        best: dict[str, PlaybookFile] = {}
        for file in self.files:
            held = best.get(file.playbook.id)
            if held is None or file.playbook.version > held.playbook.version:
                best[file.playbook.id] = file
        return tuple(best[key] for key in sorted(best))

    def find(self, playbook_id: str, version: int | None = None) -> PlaybookFile | None:
        """One playbook by id: this version, or the newest when none is named."""
        candidates = self.newest if version is None else self.files
        return next(
            (f for f in candidates if f.playbook.id == playbook_id and version in (None, f.playbook.version)),
            None,
        )


def parse_playbook(text: str | bytes, source: str) -> PlaybookFile:
    """Read a playbook from its text. `source` names it in messages.

    Raises:
        PlaybookError: with one problem per line that is wrong.
    """
    try:
        document = parse_document(text, source, LIMITS)
    except DocumentError as error:
        raise PlaybookError(error.problems) from None
    if not isinstance(document.value, dict):
        message = f"a playbook is a mapping with the keys {', '.join(KNOWN_KEYS[''])}"
        raise PlaybookError([document.problem((), message)])
    try:
        playbook = Playbook.model_validate(document.value)
    except ValidationError as error:
        raise PlaybookError(document.problems_of(error, KNOWN_KEYS)) from None
    return PlaybookFile(playbook, digest(playbook), document)


def load_file(path: Path, source: str | None = None) -> PlaybookFile:
    """Read one playbook file.

    Raises:
        PlaybookError: also when the file cannot be read or is not a regular file.
    """
    name = str(path) if source is None else source
    try:
        content = content_of(path, name, LIMITS)
    except DocumentError as error:
        raise PlaybookError(error.problems) from None
    return parse_playbook(content, name)


def load_directories(directories: Iterable[Path]) -> Library:
    """Read every playbook of these directories, weakest first.

    Of the same id the highest version is the newest, wherever it lies. The same id and version twice is fine
    when the content is the same; when it differs the first stays and the second is an error, because an
    incident is pinned to id and version. A directory that is not there has no playbooks.
    """
    held: dict[tuple[str, int], PlaybookFile] = {}
    paths, problems = files_in(directories, "playbook")
    errors = [PlaybookError([problem]) for problem in problems]
    for path in paths:
        try:
            file = load_file(path)
        except PlaybookError as error:
            errors.append(error)
            continue
        key = (file.playbook.id, file.playbook.version)
        first = held.setdefault(key, file)
        if first.digest != file.digest:
            errors.append(_clash(first, file))
    return Library(tuple(held[key] for key in sorted(held)), tuple(errors))


def installed_library(directories: Sequence[Path] | None = None) -> Library:
    """What ships with the product and the user's own, or the directories given."""
    return load_directories(data_dirs("playbooks") if directories is None else directories)


def _clash(first: PlaybookFile, second: PlaybookFile) -> PlaybookError:
    playbook = second.playbook
    message = (
        f"{playbook.id} version {playbook.version} is also in {first.source}, with other content; "
        f"give this one version {playbook.version + 1}"
    )
    return PlaybookError([second.document.problem(("version",), message, "version-clash")])
