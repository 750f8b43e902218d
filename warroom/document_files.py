"""Files that people write, found in directories and read safely: never blocking, never more than their kind may hold.

Invariant: what cannot be read becomes a `Problem` in words, never another exception.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from warroom.document import DocumentError, Limits, Problem

MOST_FILES: Final = 500
SUFFIXES: Final = (".yml", ".yaml")


def content_of(path: Path, name: str, limits: Limits) -> bytes:
    """What a file holds, one byte more than allowed at most. `name` is what messages call it.

    Raises:
        DocumentError: it cannot be read, or is not a regular file.
    """
    try:
        # Not blocking, so that a named pipe in a directory cannot stop the reader.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise DocumentError([unreadable(name, "is not a regular file")])
            return file.read(limits.size + 1)
    except OSError as error:
        raise DocumentError([unreadable(name, f"cannot be read: {error.strerror or error}")]) from None
    except DocumentError:
        raise
    except ValueError:
        raise DocumentError([unreadable(name, "is no name that a file can have")]) from None


def files_in(directories: Iterable[Path], kind: str) -> tuple[list[Path], list[Problem]]:
    """The YAML files of these directories, in order, and what cannot be read of them. `kind` is a word for messages.

    A directory that is not there has none; of one that holds too many the first are taken.
    """
    found: list[Path] = []
    problems: list[Problem] = []
    for directory in directories:
        try:
            names = sorted(os.listdir(directory))
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.append(unreadable(str(directory), f"cannot be read: {error.strerror or error}"))
            continue
        wanted = [directory / name for name in names if name.endswith(SUFFIXES) and not name.startswith(".")]
        if len(wanted) > MOST_FILES:
            words = f"holds {len(wanted)} {kind} files; the first {MOST_FILES} are read"
            problems.append(Problem(str(directory), 1, (), words, "too-large"))
        found += wanted[:MOST_FILES]
    return found, problems


def unreadable(name: str, words: str) -> Problem:
    """That something cannot be read at all."""
    return Problem(name, 1, (), words, "unreadable")
