"""Garbage collected seldom: a full collection walks all that is kept, and whoever waits for it stands still."""

from __future__ import annotations

import gc
from typing import Final

THRESHOLDS: Final = (50_000, 20, 100)
"""As `gc.set_threshold` takes them; Python's own let a full collection come a hundred times as often."""


def collect_seldom() -> None:
    """What is loaded stays for good, and what comes is looked through seldom."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
