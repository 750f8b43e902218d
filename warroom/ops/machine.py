"""What this machine has left: processor, memory, and the disk the log is on.

Thresholds in percent: processor and memory are degraded from 70, the disk from 80, each unhealthy from 90; little
room in bytes is bad on any disk. Invariant: reading them never blocks for a sample.
"""

from __future__ import annotations

from pathlib import Path

import psutil

from warroom.ops.health import Result, Status, by_level, worst

BUSY, FULL, DISK = 70.0, 90.0, 80.0
SCARCE, LOW = 64 * 1024 * 1024, 512 * 1024 * 1024
"""Bytes free: below `SCARCE` a log stops soon, below `LOW` somebody should look."""


def processor() -> Result:
    """Use since the last look, in percent of all cores (the first look after a start says 0)."""
    percent = psutil.cpu_percent(interval=None)
    load = psutil.getloadavg()[0]
    cores = psutil.cpu_count() or 1
    return Result(
        "cpu",
        by_level(percent, BUSY, FULL),
        f"{percent:.0f} % of {cores} cores in use",
        details={"percent": percent, "cores": cores, "load_1m": round(load, 2)},
    )


def memory() -> Result:
    """Memory in use, and what this process has of it."""
    now = psutil.virtual_memory()
    own = psutil.Process().memory_info().rss
    return Result(
        "memory",
        by_level(now.percent, BUSY, FULL),
        f"{now.percent:.0f} % in use, {_size(now.available)} available",
        details={"percent": now.percent, "available_bytes": now.available, "process_bytes": own},
    )


def disk(path: Path) -> Result:
    """The disk that the log is on."""
    try:
        now = psutil.disk_usage(str(path))
    except OSError as error:
        return Result("disk", Status.UNHEALTHY, f"{path} cannot be looked at: {error.strerror}")
    room = Status.UNHEALTHY if now.free < SCARCE else Status.DEGRADED if now.free < LOW else Status.HEALTHY
    return Result(
        "disk",
        worst((by_level(now.percent, DISK, FULL), room)),
        f"{now.percent:.0f} % used, {_size(now.free)} free where the log is",
        details={"percent": now.percent, "free_bytes": now.free, "path": str(path)},
    )


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
