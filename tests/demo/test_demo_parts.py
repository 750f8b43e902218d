"""The demo's parts by themselves: the imaginary production, the answers, the names, the clock."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.client.view import View
from warroom.demo import replies
from warroom.demo.clock import DemoClock
from warroom.demo.names import CAST, incident_ids, name_beside
from warroom.demo.run import Show
from warroom.demo.series import CHARTS, MadeUp
from warroom.demo.world import BAD_VERSION, PODS, World, errors, p99, pool
from warroom.incident.state import IncidentState
from warroom.telemetry.errors import BadQuery
from warroom.telemetry.panels import resolve_all

NOW = 1_795_000_000.0
ALL = tuple(chart.panel for chart in CHARTS)
MOMENTS = st.floats(NOW - 4000, NOW + 4000)


@given(MOMENTS, st.floats(NOW, NOW + 600), st.integers(0, 50))
def test_what_lies_in_the_past_never_changes(at: float, fixed: float, seed: int) -> None:
    world = World(seed, NOW - 1400)
    before = [measure(world, at) for chart in CHARTS for _, measure in chart.lines]
    world.fix(fixed)
    after = [measure(world, at) for chart in CHARTS for _, measure in chart.lines]
    if at <= fixed:
        assert after == before
    assert all(value >= 0 for value in after)


def test_the_deploy_makes_it_sick_and_the_way_back_makes_it_well() -> None:
    world = World(7, NOW - 1400)
    assert p99(world, NOW - 1500) < 0.5 < 3 < p99(world, NOW)
    assert errors(world, NOW - 1500) < 0.01 < 0.05 < errors(world, NOW)
    world.fix(NOW)
    world.fix(NOW + 1000, "v9")
    assert world.fixed_version != "v9"
    assert world.fixed_pods(NOW + 300) == PODS
    assert p99(world, NOW + 300) < 0.8
    assert pool(world, NOW + 300) < 0.6


async def test_every_panel_answers_with_full_lines_and_says_that_it_is_made_up() -> None:
    source = MadeUp(World(7, NOW - 1400))
    for panel in resolve_all(ALL, {"service": "checkout-api"}):
        matrix = await source.range(panel.expr, NOW - panel.window, NOW, panel.step)
        assert matrix.lines
        assert "made-up" in matrix.infos[0]
        assert all(len(line.values) == panel.columns + 1 for line in matrix.lines)
        again = await source.range(panel.expr, NOW - panel.window, NOW, panel.step)
        assert again == matrix
    with pytest.raises(BadQuery, match="demo"):
        await source.range("up", NOW - 60, NOW, 15)


async def test_a_service_on_which_nothing_happened_is_well() -> None:
    source = MadeUp(World(7, NOW - 1400))
    first = resolve_all(ALL, {"service": "billing"})[0]
    matrix = await source.range(first.expr, NOW - 2400, NOW, 5)
    assert max(matrix.lines[0].values) < 0.8
    assert BAD_VERSION not in str(matrix)


@pytest.mark.parametrize("name", ["ana", "ANA", "petra", "alertmanager"])
def test_nobody_passes_for_one_of_the_cast(name: str) -> None:
    assert name_beside(name) == f"{name}-2"
    assert name_beside("jana") == "jana"
    assert name_beside("  ") == "you"


def test_ids_differ_and_are_the_same_each_time() -> None:
    assert len(set(incident_ids(7))) == 3
    assert incident_ids(7) == incident_ids(7) != incident_ids(8)


@pytest.mark.parametrize("speed", [0, -1, 1e9, float("nan")])
def test_a_speed_that_cannot_be_is_refused_in_words(speed: float) -> None:
    with pytest.raises(ValueError, match="must be from"):
        DemoClock(speed)


@pytest.mark.parametrize(
    ("text", "yes", "wait", "question"),
    [
        ("yes", True, False, False),
        ("go ahead, roll back", True, False, False),
        ("@marek do it", True, False, False),
        ("wait", False, True, False),
        ("no, hold it", False, True, False),
        ("do not roll back", False, True, False),
        ("who leads", False, False, True),
        ("ok?", False, False, True),
        ("I see 503s", False, False, False),
    ],
)
def test_what_people_mean(text: str, yes: bool, wait: bool, question: bool) -> None:
    assert (replies.is_yes(text), replies.is_wait(text), replies.is_question(text)) == (yes, wait, question)


@given(st.text(max_size=300))
def test_any_words_get_a_short_answer(text: str) -> None:
    answer = replies.answer(text, IncidentState(id="INC-7K3Q"), datetime(2026, 1, 1, tzinfo=UTC))
    assert 0 < len(answer) < 300


def _views() -> tuple[list[View], threading.Event]:
    return [], threading.Event()


def test_the_house_of_the_console_comes_and_goes_without_a_trace() -> None:
    before = set(threading.enumerate())
    seen, live = _views()

    def wake(view: View) -> None:
        seen.append(view)
        room = next(iter(view.rooms.values()), None)
        if room is not None and room.caught_up:
            live.set()

    with Show(DemoClock(), "jana") as show:
        options = show.options()
        assert options.memory is not None
        place = options.memory.parent
        client = show.opener(wake)
        client.start()
        client.follow(options.incident)
        assert live.wait(20)
        assert "made up" in options.banner
        assert seen[-1].link.server == "made-up data"
        client.stop()
        assert place.exists()
    assert not place.exists()
    assert set(threading.enumerate()) <= before


def _environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "TERM": "xterm-256color",
            "XDG_CONFIG_HOME": str(tmp_path / "c"), "XDG_RUNTIME_DIR": str(tmp_path / "r")}  # fmt: skip


def test_headless_it_prints_each_event_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "dev", "-m", "warroom", "demo", "--plain", "--seconds", "4", "--speed", "150"]
    done = subprocess.run(command, env=_environment(tmp_path), capture_output=True, text=True, timeout=60, check=False)
    # On a busy machine the development mode of Python says which callbacks took long, and nothing else is excused.
    faults = [said for said in done.stderr.splitlines() if not re.fullmatch(r"Executing .* took [\d.]+ seconds", said)]
    assert (done.returncode, faults) == (0, [])
    lines = done.stdout.splitlines()
    assert [int(line.split()[1]) for line in lines] == list(range(1, len(lines) + 1))
    assert any(line.split()[2] in CAST and "rollback" in line.casefold() for line in lines)
    assert list(tmp_path.glob("warroom-demo-*")) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_console_that_is_told_to_end_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-m", "warroom", "demo"], _environment(tmp_path))
    shown, deadline, sent = b"", time.monotonic() + 40, False
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 65_536)
            except OSError:
                break
        if not sent and b"made-up data" in shown:
            assert list(tmp_path.glob("warroom-demo-*"))
            os.kill(child, number)
            sent = True
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert sent
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"Traceback" not in shown
    assert list(tmp_path.glob("warroom-demo-*")) == []


async def test_time_runs_as_fast_as_told() -> None:
    clock = DemoClock(600.0)
    before = clock.monotonic()
    await asyncio.wait_for(clock.wait(30.0), 10)
    assert clock.monotonic() - before >= 30.0
    assert abs(clock.moment().timestamp() - clock.now()) < 60
