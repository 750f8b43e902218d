"""The scenarios of this machine: what ships with the product, and the user's own.

Invariant: one broken file never hides the others; of the same id the highest version is the one that is played.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from warroom.data import data_dirs
from warroom.document_files import files_in
from warroom.tabletop.load import ScenarioError, ScenarioFile, load_file


@dataclass(frozen=True, slots=True)
class Library:
    """All scenarios of several directories, and what could not be read."""

    files: tuple[ScenarioFile, ...] = ()
    errors: tuple[ScenarioError, ...] = ()

    @property
    def newest(self) -> tuple[ScenarioFile, ...]:
        """The file with the highest version of each scenario, the easiest first."""
        best: dict[str, ScenarioFile] = {}
        for file in self.files:
            held = best.get(file.scenario.metadata.id)
            if held is None or file.scenario.metadata.version > held.scenario.metadata.version:
                best[file.scenario.metadata.id] = file
        return tuple(sorted(best.values(), key=_place))

    def find(self, name: str, version: int | None = None) -> ScenarioFile | None:
        """One scenario by its id or by the code that players see: this version, or the newest."""
        for file in self.newest if version is None else self.files:
            metadata = file.scenario.metadata
            if name in (metadata.id, metadata.code) and version in (None, metadata.version):
                return file
        return None

    def near(self, name: str) -> str:
        """The code of a scenario that was perhaps meant, or nothing."""
        codes = {
            called: file.scenario.metadata.code
            for file in self.newest
            for called in (file.scenario.metadata.id, file.scenario.metadata.code)
        }
        found = get_close_matches(name[:60], codes, n=1)
        return codes[found[0]] if found else ""


def _place(file: ScenarioFile) -> tuple[int, str]:
    return file.scenario.metadata.difficulty, file.scenario.metadata.code


def installed(directories: Sequence[Path] | None = None) -> Library:
    """What ships with the product and the user's own, or what the given directories hold."""
    return load_directories(data_dirs("scenarios") if directories is None else directories)


def load_directories(directories: Iterable[Path]) -> Library:
    """Read every scenario of these directories, weakest first; what is in directories within them is something else.

    The same id and version twice is fine when the content is the same; when it differs the first stays and the second
    is an error, because an exercise names id and version. So it is with a code that two scenarios share.
    """
    held: dict[tuple[str, int], ScenarioFile] = {}
    names: dict[str, ScenarioFile] = {}
    paths, problems = files_in(directories, "scenario")
    errors = [ScenarioError([problem]) for problem in problems]
    for path in paths:
        try:
            file = load_file(path)
        except ScenarioError as error:
            errors.append(error)
            continue
        metadata = file.scenario.metadata
        first = held.setdefault((metadata.id, metadata.version), file)
        if first.digest != file.digest:
            errors.append(_clash(file, ("metadata", "version"), f"{metadata.id} version {metadata.version}", first))
        for name in {metadata.id, metadata.code}:
            other = names.setdefault(name, file)
            if other.scenario.metadata.id != metadata.id:
                errors.append(_clash(file, ("metadata", "code"), f"the name {name}", other))
    return Library(tuple(held[key] for key in sorted(held)), tuple(errors))


def _clash(file: ScenarioFile, path: tuple[str, ...], what: str, first: ScenarioFile) -> ScenarioError:
    words = f"{what} is also in {first.source}, with other content; give this one another"
    return ScenarioError([file.document.problem(path, words, "clash")])
