"""Screens whose modules are not loaded before the first frame, which nobody should wait for.

Invariant: `prefetch`, called after that frame, loads all of them, so that the first key press does not wait either.
"""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warroom.tui.screens.form import ConfirmScreen, FormScreen

_MODULES = ("warroom.tui.screens.form", "warroom.review.brief", "warroom.tui.screens.reading")


def form_screen() -> type[FormScreen]:
    """The class of the screen that asks for an action's details."""
    from warroom.tui.screens.form import FormScreen

    return FormScreen


def confirm_screen() -> type[ConfirmScreen]:
    """The class of the screen that asks before what cannot be undone."""
    from warroom.tui.screens.form import ConfirmScreen

    return ConfirmScreen


def prefetch() -> threading.Thread:
    """Load them in a thread of their own; whoever needs one sooner waits for the same import."""
    thread = threading.Thread(target=_load, name="prefetch", daemon=True)
    thread.start()
    return thread


def _load() -> None:
    for name in _MODULES:
        importlib.import_module(name)
