"""Where the data that ships with the product lies, and where the user's own lies.

One invariant: nothing here reads or creates a file; it only says which directory is meant.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal

from platformdirs import user_config_path

DataName = Literal["playbooks", "scenarios", "templates", "stack"]


def user_data_dir(name: DataName) -> Path:
    """The user's own directory for `name`, `~/.config/warroom/playbooks` on Linux. It need not exist."""
    return user_config_path("warroom", appauthor=False) / name


def shipped_data_dir(name: DataName) -> Path:
    """The directory that came with the product: inside an installed wheel, or at the root of a checkout.

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    # An editable install copies the data once and points the package at the checkout, where `_data` is not.
    package = Path(str(files("warroom")))
    for candidate in (package / "_data" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"the {name} that ship with warroom are missing under {package}; install warroom again")


def data_dirs(name: DataName) -> tuple[Path, ...]:
    """The directories to read for `name`, weakest first: what ships, then the user's own if it exists."""
    own = user_data_dir(name)
    return (shipped_data_dir(name), own) if own.is_dir() else (shipped_data_dir(name),)


def data_dir(name: DataName) -> Path:
    """The one directory to use for `name` where two cannot be merged: the user's own, else what ships."""
    return data_dirs(name)[-1]
