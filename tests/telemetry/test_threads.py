"""Blocking calls that can be given up."""

import asyncio
import threading

import pytest

from warroom.telemetry.threads import Abandoned, DaemonCalls


async def test_a_call_is_answered_with_what_it_returns_or_raises():
    calls = DaemonCalls(2, "test-calls")
    assert await calls.run(lambda: 5, 10) == 5
    with pytest.raises(ZeroDivisionError):
        await calls.run(lambda: 1 // 0, 10)
    calls.close()


async def test_an_abandoned_call_keeps_its_place_until_it_ends():
    calls, gate = DaemonCalls(1, "test-calls"), threading.Event()
    for _ in range(3):
        with pytest.raises(Abandoned):
            await calls.run(gate.wait, 0.02)
    gate.set()
    assert await calls.run(lambda: 5, 10) == 5
    calls.close()


async def test_threads_are_reused_bounded_and_end_on_close():
    calls = DaemonCalls(3, "test-bounded")
    names = await asyncio.gather(*(calls.run(threading.get_ident, 10) for _ in range(50)))
    assert len(set(names)) <= 3
    mine = [thread for thread in threading.enumerate() if thread.name == "test-bounded"]
    calls.close()
    for thread in mine:
        await asyncio.to_thread(thread.join, 10)
    assert not any(thread.is_alive() for thread in mine)
    assert await calls.run(lambda: 5, 10) == 5
    calls.close()
