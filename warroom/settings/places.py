"""The directories of this machine that warroom uses.

Invariant: nothing here creates anything; it only says which directory is meant.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """`config` holds what people write, `data` the log, `state` outboxes and logs, `runtime` who runs now."""

    config: Path
    data: Path
    state: Path
    runtime: Path

    @property
    def config_file(self) -> Path:
        """The person's own configuration."""
        return self.config / "config.toml"

    @property
    def runtime_file(self) -> Path:
        """Where the local server says how to reach it, readable by its owner only."""
        return self.runtime / "server.json"

    @property
    def server_log(self) -> Path:
        """What the server in the background writes."""
        return self.state / "server.log"

    @property
    def crash_log(self) -> Path:
        """Where a failure nobody foresaw leaves its details."""
        return self.state / "crash.log"


def places(env: Mapping[str, str] = os.environ) -> Places:
    """By the XDG variables where they are set, else by the platform's custom; the runtime falls back to /tmp."""
    home = Path(env.get("HOME") or "~").expanduser()
    runtime = _absolute(env.get("XDG_RUNTIME_DIR"))
    uid = os.getuid()
    return Places(
        config=(_absolute(env.get("XDG_CONFIG_HOME")) or home / ".config") / "warroom",
        data=(_absolute(env.get("XDG_DATA_HOME")) or home / ".local" / "share") / "warroom",
        state=(_absolute(env.get("XDG_STATE_HOME")) or home / ".local" / "state") / "warroom",
        runtime=runtime / "warroom" if runtime else Path(tempfile.gettempdir()) / f"warroom-{uid}",
    )


def _absolute(text: str | None) -> Path | None:
    """XDG: a relative path is to be ignored."""
    return Path(text) if text and os.path.isabs(text) else None
