"""Where the details of a fault of our own go, so that a person gets a sentence.

Invariant: recording a fault never raises another.
"""

from __future__ import annotations

import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from warroom.settings.places import places

_MOST = 1024 * 1024


def record(fault: BaseException) -> str:
    """Write the details to the crash log; returns the sentence for the person."""
    what = f"{type(fault).__name__}: {fault}".splitlines()[0][:200]
    path = places().crash_log
    try:
        _append(path, fault)
    except OSError as error:
        return f"a fault of warroom itself ({what}); {path} could not be written: {error.strerror}"
    return f"a fault of warroom itself ({what}); the details are in {path}"


def _append(path: Path, fault: BaseException) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = os.O_TRUNC if path.exists() and path.stat().st_size > _MOST else os.O_APPEND
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | mode, 0o600), "a", encoding="utf-8") as file:
        # The command alone: arguments are what people wrote about an incident.
        command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
        file.write(f"\n{datetime.now(UTC).isoformat()} warroom {command}\n")
        file.writelines(traceback.format_exception(fault))
