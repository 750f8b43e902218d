"""From what Docker's API answers to the state as data. Pure: dictionaries in, dataclasses out.

Shapes by the Engine API 1.41 (`/containers/{id}/json`, `/containers/{id}/stats`). Both control group versions are
understood: version 1 tells `total_inactive_file`, version 2 `inactive_file`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from warroom.bundle.compose_file import Service
from warroom.bundle.state import Condition, Health, ServiceState
from warroom.bundle.text import shortened

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
ONE_OFF_LABEL = "com.docker.compose.oneoff"
KILLED = 137
"""Exit code of a process ended by SIGKILL (128 + 9)."""

_NEVER = "0001-01-01"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a running container uses: percent of one core, bytes, bytes it may use."""

    cpu: float | None = None
    memory: int | None = None
    memory_limit: int | None = None


def figures(stats: Mapping[str, Any], machine_memory: int = 0) -> Figures:
    """From one answer of the statistics, which holds two samples of the processor a second apart.

    A stopped container is answered too, with empty tables. A limit at or above the machine's memory is none.
    """
    memory = stats.get("memory_stats") or {}
    used = memory.get("usage")
    if used is not None:
        detail = memory.get("stats") or {}
        # The page cache that can be dropped at once is not what a person means by memory in use.
        idle = detail.get("total_inactive_file", detail.get("inactive_file", 0))
        used = used - idle if idle < used else used
    limit = memory.get("limit")
    if limit is not None and machine_memory and limit >= machine_memory:
        limit = None
    return Figures(_cpu(stats), used, limit)


def _cpu(stats: Mapping[str, Any]) -> float | None:
    now, before = stats.get("cpu_stats") or {}, stats.get("precpu_stats") or {}
    try:
        used = now["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
        whole = now["system_cpu_usage"] - before["system_cpu_usage"]
    except KeyError:
        return None
    cores = now.get("online_cpus") or len(now["cpu_usage"].get("percpu_usage") or ()) or 1
    return round(max(0.0, used / whole * cores * 100), 1) if whole > 0 else None


def newest(containers: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The container of each service, from a list (`/containers/json`): one that runs before one that does not, then
    the newest. Containers of `compose run` are nobody's service.
    """
    chosen: dict[str, dict[str, Any]] = {}
    for one in sorted(containers, key=lambda one: (one.get("State") == "running", one.get("Created") or 0)):
        labels = one.get("Labels") or {}
        if labels.get(SERVICE_LABEL) and labels.get(ONE_OFF_LABEL, "False").lower() != "true":
            chosen[labels[SERVICE_LABEL]] = one
    return chosen


def absent(service: Service) -> ServiceState:
    """A service without a container."""
    return ServiceState(
        name=service.name,
        state="absent",
        health="none",
        words="not started",
        image=service.image,
        ports=service.ports,
        profiles=service.profiles,
    )


def service_state(service: Service, inspected: Mapping[str, Any], outside: str | None, used: Figures) -> ServiceState:
    """How a service is. `outside` is what the probe found: empty when it is ready, None when there is no probe."""
    about = inspected.get("State") or {}
    state = about.get("Status") or "dead"
    condition = cast(Condition, state if state in get_args(Condition) else "dead")
    health = _health(condition, about, outside)
    runs = condition in ("running", "paused")
    return ServiceState(
        name=service.name,
        state=condition,
        health=health,
        words=_words(condition, health, about, outside),
        since=moment(about.get("StartedAt") if runs else about.get("FinishedAt")),
        restarts=int(inspected.get("RestartCount") or 0),
        cpu=used.cpu if runs else None,
        memory=used.memory if runs else None,
        memory_limit=used.memory_limit,
        image=str((inspected.get("Config") or {}).get("Image") or service.image),
        ports=service.ports,
        profiles=service.profiles,
    )


def _health(condition: Condition, about: Mapping[str, Any], outside: str | None) -> Health:
    if condition != "running":
        return "none"
    own = (about.get("Health") or {}).get("Status") or "none"
    if own in ("healthy", "unhealthy"):
        return cast(Health, own)
    # While its own check has not spoken (it begins with a pause), an answer from outside is as good.
    if outside == "":
        return "healthy"
    return "unknown" if own == "none" and outside is None else "starting"


def _words(condition: Condition, health: Health, about: Mapping[str, Any], outside: str | None) -> str:
    if condition == "running":
        return _running_words(health, about, outside)
    code = int(about.get("ExitCode") or 0)
    if about.get("OOMKilled"):
        return f"{condition}: out of memory, killed by the kernel"
    if condition == "created":
        return f"never started: {about['Error']}" if about.get("Error") else "made, not started"
    if condition == "exited" and code == KILLED:
        return f"killed (exit code {code})"
    if condition in ("exited", "dead", "restarting"):
        word = "ended" if condition == "exited" else condition
        said = f": {about['Error']}" if about.get("Error") else ""
        return f"{word} (exit code {code}){said}"
    return condition


def _running_words(health: Health, about: Mapping[str, Any], outside: str | None) -> str:
    if health == "unhealthy":
        entries = (about.get("Health") or {}).get("Log") or [{}]
        said = shortened(str(entries[-1].get("Output") or ""), 160)
        return f"unhealthy: {said}" if said else "unhealthy"
    if health == "starting" and outside:
        return f"starting: {outside}"
    return "running" if health == "unknown" else health


def moment(text: Any) -> str:
    """Docker's time, which has nanoseconds, to the second (RFC 3339, UTC); empty for its zero."""
    said = str(text or "")
    if not said or said.startswith(_NEVER):
        return ""
    return said[:19] + "Z" if said[19:20] in (".", "Z") else said
