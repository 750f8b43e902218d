"""From the one setting to an exporter, or to none."""

from __future__ import annotations

import os
import secrets
import sys

from warroom import __version__
from warroom.tracing.exporter import Exporter
from warroom.tracing.spans import Value


def about(environment: str) -> dict[str, Value]:
    """What is said of this process beside the service's name (OpenTelemetry's semantic conventions)."""
    return {
        "service.version": __version__,
        "service.instance.id": secrets.token_hex(8),
        "deployment.environment.name": environment,
        "process.pid": os.getpid(),
        "telemetry.sdk.name": "warroom",
        "telemetry.sdk.language": "python",
        "process.runtime.version": sys.version.split()[0],
    }


def open_exporter(url: str, environment: str) -> Exporter | None:
    """An exporter to the collector at `url`; None when that is empty.

    Raises:
        BadCollector: the address cannot work.
    """
    return Exporter(url, about(environment), __version__) if url else None
