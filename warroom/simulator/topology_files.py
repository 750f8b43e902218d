"""Topologies that ship with warroom, and those of the user's own, by name or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from warroom.data import data_dirs
from warroom.document import DocumentError, Limits, parse_document
from warroom.simulator.topology import Topology, TopologyError
from warroom.simulator.topology_read import topology_of

LIMITS: Final = Limits(size=256 * 1024, depth=8, nodes=20_000)
_SUFFIXES: Final = (".yaml", ".yml")


def topology_names() -> tuple[str, ...]:
    """The names that `load_topology` knows, sorted."""
    return tuple(sorted(_files()))


def load_topology(name: str) -> Topology:
    """A topology by its name, or from a file when `name` ends in .yaml or .yml.

    Raises:
        TopologyError: there is none of that name, or the file cannot be used.
    """
    files = _files()
    path = Path(name) if name.endswith(_SUFFIXES) else files.get(name)
    if path is None:
        raise TopologyError(
            f"there is no topology {name!r}; known are {', '.join(sorted(files))}, or name a .yaml file"
        )
    try:
        with path.open("rb") as file:
            content = file.read(LIMITS.size + 1)
        document = parse_document(content, path.name, LIMITS)
    except OSError as error:
        raise TopologyError(f"{path}: cannot be read: {error.strerror or error}") from None
    except DocumentError as error:
        raise TopologyError(str(error.problems[0])) from None
    return topology_of(document.value, path.name)


def _files() -> dict[str, Path]:
    """By name, the user's own before what ships."""
    found: dict[str, Path] = {}
    for directory in data_dirs("scenarios"):
        folder = directory / "topologies"
        if folder.is_dir():
            found |= {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in _SUFFIXES}
    return found
