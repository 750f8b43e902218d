"""The stack's life: up, down, a restart, and what a service wrote.

Invariant: whatever fails ends in one StackError that says what to do next; nothing is started when a port is taken.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warroom.bundle import images, logs, secret_files
from warroom.bundle.compose import Compose, Running, environment, find_compose
from warroom.bundle.compose_file import Bundle, Service, read_bundle, shipped_file
from warroom.bundle.engine import address
from warroom.bundle.errors import StackError
from warroom.bundle.images import Tell
from warroom.bundle.look import Onlooker, containers
from warroom.bundle.ports import Holder, holders
from warroom.bundle.reading import newest
from warroom.bundle.state import ServiceState, StackState

FULL, MINIMAL, SAMPLE = "full", "minimal", "sample"
PROFILES: Mapping[str, tuple[str, ...]] = {FULL: (FULL,), MINIMAL: (), SAMPLE: (FULL, SAMPLE)}
"""What is asked for, and the profiles of the compose file that it turns on."""

WELL_WITHIN = 180.0
"""Seconds until the stack has to be well; the first start of a slow machine included."""

_PAUSE = 0.3
_LAST_LINES = 12
_TRIES = 3
"""Restarts by the restart policy after which a service counts as failing."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The stack of this machine: the compose file as read, the folder of its secrets, the environment to act in."""

    bundle: Bundle
    secrets: Path
    env: Mapping[str, str]


def open_stack(secrets: Path, env: Mapping[str, str] = os.environ, file: Path | None = None) -> Stack:
    """The stack that ships, or that of another compose file.

    Raises:
        StackError: the file is missing or wrong.
    """
    return Stack(read_bundle(file or shipped_file(), env), secrets, dict(env))


def up(stack: Stack, asked: str, intake_secret: str, tell: Tell, within: float = WELL_WITHIN) -> StackState:
    """Start the stack and wait until all of it is well.

    Raises:
        StackError: it cannot be, with the reason and the next step.
    """
    profiles = PROFILES[asked]
    chosen = tuple(one for one in stack.bundle.services if one.is_in(profiles))
    with _at_work(stack) as onlooker:
        with onlooker.engine() as client:
            compose = find_compose(stack.env)
            _check_ports(client, stack.bundle, chosen)
            secret_files.prepare(stack.secrets, intake_secret)
            images.pull(client, images.missing(client, chosen), tell)
        words = compose.words(stack.bundle.file, stack.bundle.project, profiles, "up", "-d")
        running = Running(words, environment(stack.env, address(stack.env), stack.secrets))
        try:
            return _until_well(onlooker, stack, [one.name for one in chosen], tell, within, running)
        finally:
            running.quit()


def down(stack: Stack, tell: Tell, *, volumes: bool = False) -> tuple[str, ...]:
    """End the stack, with its data when `volumes`; returns the services that had a container.

    Raises:
        StackError: it cannot be ended.
    """
    with _at_work(stack) as onlooker:
        with onlooker.engine() as client:
            found = newest(containers(client, stack.bundle.project))
            there = tuple(one.name for one in stack.bundle.services if one.name in found)
            compose = find_compose(stack.env)
        for name in there:
            tell(name, "stopping", "")
        more = ("--volumes",) if volumes else ()
        _end(stack, compose, more)
        with onlooker.engine() as client:
            left = newest(containers(client, stack.bundle.project))
        if left:
            raise StackError("failed", f"{', '.join(left)} did not end; `docker ps` shows them, then try again")
        for name in there:
            tell(name, "gone", "")
    return there


def _end(stack: Stack, compose: Compose, more: Sequence[str]) -> None:
    words = compose.words(
        stack.bundle.file, stack.bundle.project, stack.bundle.profiles, "down", "--remove-orphans", *more
    )
    running = Running(words, environment(stack.env, address(stack.env), stack.secrets))
    try:
        running.finish()
    finally:
        running.quit()


def restart(stack: Stack, name: str, tell: Tell, within: float = WELL_WITHIN) -> StackState:
    """Restart one service and wait until it is well.

    Raises:
        StackError: there is no such service, it was not started, or it does not become well.
    """
    stack.bundle.service(name)
    with _at_work(stack) as onlooker:
        with onlooker.engine() as client:
            tell(name, "restarting", "")
            client.restart(_container(client, stack, name), timeout=10)
        return _until_well(onlooker, stack, [name], tell, within, None)


def look(stack: Stack) -> StackState:
    """The state now, figures included: it takes more than a second."""
    with _at_work(stack) as onlooker:
        return onlooker.look()


def read_log(stack: Stack, name: str, count: int, *, following: bool = False) -> Iterator[str]:
    """The last `count` lines of a service, and the new ones when following; secrets are masked.

    Raises:
        StackError: there is no such service, or it was never started.
    """
    stack.bundle.service(name)
    with _at_work(stack) as onlooker, onlooker.engine() as client:
        container = _container(client, stack, name)
        mask = logs.masking(client, container, stack.secrets)
        if not following:
            yield from logs.tail(client, container, count, mask)
            return

        def find() -> tuple[str, bool] | None:
            found = newest(containers(client, stack.bundle.project)).get(name)
            return (found["Id"], found["State"] in ("running", "restarting", "paused")) if found else None

        yield from logs.follow(client, find, count, mask, lambda: time.sleep(_PAUSE))


# -- the way there ---------------------------------------------------------------------------------------------------


@contextmanager
def _at_work(stack: Stack) -> Iterator[Onlooker]:
    onlooker = Onlooker(stack.bundle, stack.env)
    try:
        yield onlooker
    finally:
        onlooker.close()


def _container(client: Any, stack: Stack, name: str) -> str:
    found = newest(containers(client, stack.bundle.project)).get(name)
    if found is None:
        raise StackError("not-running", f"{name} was not started; `warroom stack up` starts the stack")
    return str(found["Id"])


def _check_ports(client: Any, bundle: Bundle, chosen: Sequence[Service]) -> None:
    """Raises StackError when a port is held by anybody but the stack itself."""
    found = containers(client, bundle.project)
    running = {name for name, one in newest(found).items() if one["State"] in ("running", "paused", "restarting")}
    wanted = {port: one.name for one in chosen if one.name not in running for port in one.ports}
    held = holders(wanted)
    if not held:
        return
    told = [f"port {port}, which {wanted[port]} needs, is held by {_who(client, one)}" for port, one in held.items()]
    known = [str(one.pid) for one in held.values() if one.pid is not None]
    step = f"end it (`kill {' '.join(dict.fromkeys(known))}`)" if known else "end it (`sudo ss -ltnp` shows who it is)"
    raise StackError("port-taken", f"{'; '.join(told)}; {step}, then `warroom stack up`")


def _who(client: Any, holder: Holder) -> str:
    if holder.pid is None:
        return "a process that only root may see"
    words = f"{holder.name or 'a process'} (pid {holder.pid})"
    if holder.container:
        for one in client.containers():
            if one["Id"] == holder.container:
                return f"{words} in the container {one['Names'][0].lstrip('/')}"
    return words


def _until_well(
    onlooker: Onlooker, stack: Stack, names: Sequence[str], tell: Tell, within: float, running: Running | None
) -> StackState:
    """Look until all of them are well; `running` is the compose command that starts them."""
    deadline = time.monotonic() + within
    while True:
        settled = running is None or running.done
        state = onlooker.look(measure=False)
        if state.engine != "ok":
            raise StackError("no-engine", state.words)
        services = [one for one in state.services if one.name in names]
        for one in services:
            tell(one.name, *_progress(one, settled=settled))
        if running is not None and settled:
            try:
                running.finish()
            except StackError as failed:
                raise _diagnosed(onlooker, stack, services, failed) from None
        failing = [one for one in services if _is_failing(one, settled=settled)]
        if failing:
            raise _failed(onlooker, stack, failing[0])
        if settled and all(one.well for one in services):
            return state
        if time.monotonic() > deadline:
            raise _slow(onlooker, stack, services, within)
        _pause(running)


def _pause(running: Running | None) -> None:
    """A moment, cut short by the end of compose."""
    if running is None or running.done:
        time.sleep(_PAUSE)
    else:
        running.wait(_PAUSE)


def _progress(one: ServiceState, *, settled: bool) -> tuple[str, str]:
    """A word and its detail. While compose is at work, a container that is not there yet is no news."""
    if one.state == "running":
        return one.health if one.health != "unknown" else "running", ""
    if not settled and one.state in ("absent", "created", "exited"):
        return "starting", ""
    return one.state, one.words


def _is_failing(one: ServiceState, *, settled: bool) -> bool:
    if one.restarts >= _TRIES and one.state != "running":
        return True
    return settled and (one.health == "unhealthy" or one.state in ("exited", "dead", "created", "absent"))


def _diagnosed(onlooker: Onlooker, stack: Stack, services: Sequence[ServiceState], failed: StackError) -> StackError:
    """Compose says that it failed; a service that is not well says more."""
    broken = [one for one in services if one.health == "unhealthy" or one.state in ("exited", "dead", "restarting")]
    if failed.kind == "failed" and broken:
        return _failed(onlooker, stack, broken[0])
    return failed


def _failed(onlooker: Onlooker, stack: Stack, one: ServiceState) -> StackError:
    if "out of memory" in one.words:
        step = f"raise its mem_limit in {stack.bundle.file}, then `warroom stack up`"
    else:
        step = f"`warroom stack logs {one.name}` shows more, `warroom stack restart {one.name}` tries again"
    lines = _last_lines(onlooker, stack, one.name)
    above = "; its last lines stand above" if lines else "; it wrote nothing"
    return StackError("unhealthy", f"{one.name} does not come up, it is {one.words}{above}; {step}", lines)


def _slow(onlooker: Onlooker, stack: Stack, services: Sequence[ServiceState], within: float) -> StackError:
    late = [one for one in services if not one.well]
    told = ", ".join(f"{one.name} ({one.words})" for one in late) or "the start"
    lines = _last_lines(onlooker, stack, late[0].name) if late else []
    words = f"{told} is not ready after {within:g} s; `warroom stack status` tells how it goes on"
    return StackError("slow", words, lines)


def _last_lines(onlooker: Onlooker, stack: Stack, name: str) -> list[str]:
    """The end of its log; empty where there is none to be had, since the failure itself is to be told."""
    try:
        with onlooker.engine() as client:
            container = _container(client, stack, name)
            return logs.tail(client, container, _LAST_LINES, logs.masking(client, container, stack.secrets))
    except StackError:
        return []
