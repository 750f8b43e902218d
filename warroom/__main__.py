"""`python -m warroom` and the `warroom` script."""

from __future__ import annotations

import sys

from warroom.cli.main import main as run


def main() -> None:
    """Run the command and exit with its status."""
    sys.exit(run())


if __name__ == "__main__":
    main()
