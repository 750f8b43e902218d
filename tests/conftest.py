"""What holds for all tests: what could not be tried on this machine is told loudly at the end."""

from __future__ import annotations

from typing import Any

from tests.bundle.engine import NO_ENGINE
from tests.newer_servers import NO_NEWER


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
        if reason.startswith((NO_ENGINE, NO_NEWER)):
            reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in reasons.items():
        terminalreporter.write_sep("!", "WARNING", red=True, bold=True)
        terminalreporter.write_line(f"{reason} ({count} tests skipped)", red=True, bold=True)
