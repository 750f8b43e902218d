"""A console that writes without end into its terminal; what it is told at its end is left in the file it is given."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from warroom.tui.app import ConsoleOptions, WarroomApp
from warroom.tui.app import run as run_console


def main() -> None:
    """Fill the terminal, and note the end."""
    ready, closed = Path(sys.argv[1]), Path(sys.argv[2])

    def opener(_wake: Any) -> Any:
        ready.touch()
        raise OSError("no server")

    painted = WarroomApp._painted

    def painted_then_flood(self: WarroomApp) -> None:
        painted(self)
        assert self._driver is not None
        self.set_interval(0.005, partial(self._driver.write, "x" * 4096))

    WarroomApp._painted = painted_then_flood  # type: ignore[method-assign]
    run_console(opener, ConsoleOptions("ana", theme="warroom-night", memory=None))
    closed.touch()


if __name__ == "__main__":
    main()
