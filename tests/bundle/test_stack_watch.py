"""The watch keeps the newest state from a real engine, never blocks, and takes a missing engine calmly."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from tests.bundle.conftest import StackHome
from warroom.bundle.compose_file import Bundle
from warroom.bundle.life import Stack
from warroom.bundle.state import StackState
from warroom.bundle.watch import StackWatch, watch_stack

pytestmark = pytest.mark.timeout(600)
DEADLINE = 60.0


class Seen:
    """The states that a watch published, to be waited for."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._states: list[StackState] = []

    def __call__(self, state: StackState) -> None:
        with self._news:
            self._states.append(state)
            self._news.notify_all()

    def until(self, holds: Callable[[StackState], bool]) -> StackState:
        """The first state since the last call of which it holds."""
        with self._news:
            assert self._news.wait_for(lambda: any(map(holds, self._states)), DEADLINE), self._states[-1:]
            found = next(one for one in self._states if holds(one))
            self._states.clear()
            return found


@contextlib.contextmanager
def _loki(stack: StackHome, bundle: Bundle) -> Iterator[str]:
    """A container of the service alone, as compose labels it."""
    with stack.engine.client() as client:
        made = client.create_container(
            bundle.service("loki").image,
            labels={"com.docker.compose.project": "warroom", "com.docker.compose.service": "loki"},
            host_config=client.create_host_config(network_mode="host"),
        )
        client.start(made["Id"])
        yield made["Id"]


def _is(state: StackState, name: str, condition: str, health: str = "") -> bool:
    one = state.service(name)
    return one is not None and one.state == condition and health in ("", one.health)


# An engine that goes in the middle of a look: the SDK does not close a socket that it could not connect.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_tells_of_a_start_a_death_and_an_engine_that_goes_and_comes(stack: StackHome, bundle: Bundle) -> None:
    seen = Seen()
    # So seldom that what is seen in time was told by an event; a machine without an engine is looked at by the clock.
    with StackWatch(stack.stack(bundle), every=3600, seldom=0.2, changed=seen) as watch:
        seen.until(lambda state: state.engine == "ok" and not state.started)
        with _loki(stack, bundle) as container, stack.engine.client() as client:
            seen.until(lambda state: _is(state, "loki", "running"))
            watch.look_now()
            measured = seen.until(lambda state: _is(state, "loki", "running", "healthy") and _measured(state))
            assert measured.words == "1 of 1 services are well"
            client.kill(container)
            dead = seen.until(lambda state: _is(state, "loki", "exited"))
            assert dead.words == "0 of 1 services are well; loki killed (exit code 137)"
        if stack.engine.folder is None:
            return
        stack.engine.stop()
        gone = seen.until(lambda state: state.engine == "none")
        assert gone.services == ()
        assert "Docker engine" in gone.words
        assert watch.latest().engine == "none"
        stack.engine.start()
        seen.until(lambda state: state.engine == "ok" and _is(state, "loki", "exited"))
    gc.collect()


def _measured(state: StackState) -> bool:
    loki = state.service("loki")
    return loki is not None and loki.memory is not None and loki.cpu is not None


async def test_an_event_loop_goes_on_while_docker_is_asked(stack: StackHome, bundle: Bundle) -> None:
    turns = 0

    async def beat() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    beating = asyncio.create_task(beat())
    try:
        with _loki(stack, bundle):
            async with contextlib.aclosing(watch_stack(stack.stack(bundle), every=0.2)) as states:
                async for state in states:
                    if _measured(state):
                        break
    finally:
        beating.cancel()
    # A measuring look takes a second of waiting: a loop that waited with it would have turned a handful of times.
    assert turns > 1000
    loki = state.service("loki")
    assert loki is not None
    told = orjson.loads(orjson.dumps(state))
    assert told == orjson.loads(orjson.dumps(dataclasses.asdict(state)))
    assert next(one for one in told["services"] if one["name"] == "loki")["memory"] == loki.memory


def test_without_an_engine_it_says_so_and_ends_at_once(tmp_path: Path, bundle: Bundle) -> None:
    seen = Seen()
    stack = Stack(bundle, tmp_path, {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    with StackWatch(stack, changed=seen) as watch:
        seen.until(lambda state: state.engine == "none")
        assert watch.latest().words.startswith("no Docker engine runs on this machine")
        assert not watch.latest().services
