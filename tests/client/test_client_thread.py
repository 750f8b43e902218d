"""The client in its own thread: what another thread sees, and that it ends when told to."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.client.waiting import soon_here
from tests.model_server import Log
from tests.socket_server import SocketServer
from warroom.client.errors import Unreachable
from warroom.client.thread import ClientThread
from warroom.client.view import View
from warroom.incident.commands import AddNote, DeclareIncident


@pytest.fixture
def server() -> Iterator[SocketServer]:
    """The model server in a thread of its own."""
    made = SocketServer(Log())
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with made:
            ready.set()
            while not done.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    yield made
    done.set()
    thread.join()


def seq_of(client: ClientThread, incident: str) -> int:
    room = client.latest.rooms.get(incident)
    return room.state.seq if room else 0


def test_importing_it_loads_no_heavy_library() -> None:
    code = (
        "import sys, warroom.client.thread, warroom.client.view, warroom.client.errors\n"
        "print([m for m in ('pydantic', 'websockets', 'orjson', 'sqlite3', 'platformdirs') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_submit_follow_and_see(server: SocketServer) -> None:
    wakes: list[View] = []
    client = ClientThread(server.url, "jana", wake=wakes.append)
    settled = client.submit(DeclareIncident(title="Checkout is slow"))
    client.start()
    incident = settled.result(10).incident
    client.follow(incident)
    client.follow_lobby()
    client.present(incident, "timeline")
    assert client.submit({"type": "add-note", "text": "hello"}, incident).result(10).seq == 2
    soon_here(lambda: seq_of(client, incident) == 2 and client.latest.lobby)
    assert client.latest.link.is_live
    assert client.request("server.info").result(10) == {"method": "server.info"}
    with pytest.raises(ValueError, match="Field required"):
        client.submit({"type": "add-note"}, incident).result(10)
    client.leave(incident)
    soon_here(lambda: incident not in client.latest.rooms)
    client.stop()
    assert wakes[-1].link.name == "jana"
    with pytest.raises(Unreachable):
        client.submit(AddNote(text="late"), incident).result(10)


def test_wakes_are_rare_however_much_happens(server: SocketServer) -> None:
    times: list[float] = []
    client = ClientThread(server.url, "jana", wake=lambda _: times.append(time.monotonic()))
    client.start()
    incident = client.submit(DeclareIncident(title="Checkout is slow")).result(10).incident
    client.follow(incident)
    answers = [client.submit(AddNote(text=f"note {i}"), incident) for i in range(150)]
    assert [answer.result(20).seq for answer in answers] == list(range(2, 152))
    soon_here(lambda: seq_of(client, incident) == 151)
    client.stop()
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= 0.049


def test_parts_that_did_not_change_are_the_same_objects(server: SocketServer) -> None:
    client = ClientThread(server.url, "jana")
    client.start()
    incident = client.submit(DeclareIncident(title="Checkout is slow")).result(10).incident
    client.follow(incident)
    soon_here(lambda: incident in client.latest.rooms and client.latest.rooms[incident].caught_up)
    before = client.latest
    client.submit(AddNote(text="hello"), incident).result(10)
    soon_here(lambda: seq_of(client, incident) == 2)
    after = client.latest
    assert before.rooms[incident].state.seq == 1
    assert after.rooms[incident].state.tasks is before.rooms[incident].state.tasks
    assert after.link is before.link
    client.stop()


def test_it_ends_within_a_second_even_when_the_server_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hung:
        client = ClientThread(f"ws://127.0.0.1:{hung.getsockname()[1]}", "jana")
        client.start()
        waiting = client.submit(DeclareIncident(title="Checkout is slow"))
        peer, _ = hung.accept()
        began = time.monotonic()
        client.stop()
        assert time.monotonic() - began < 1.0
        assert not client.is_alive
        with pytest.raises(Unreachable, match="stopped"):
            waiting.result(0)
        peer.close()


def test_it_ends_within_a_second_when_a_live_server_stops_answering(server: SocketServer) -> None:
    client = ClientThread(server.url, "jana")
    client.start()
    soon_here(lambda: client.latest.link.is_live)
    server.mute = True
    client.submit(DeclareIncident(title="Checkout is slow"))
    began = time.monotonic()
    client.stop()
    assert time.monotonic() - began < 1.0
    assert not client.is_alive


def test_a_bad_address_is_said_and_not_raised_in_the_thread() -> None:
    wakes: list[View] = []
    client = ClientThread("ftp://war", "jana", wake=wakes.append)
    waiting = client.submit(DeclareIncident(title="x"))
    client.start()
    with pytest.raises(Exception, match="is not an address"):
        waiting.result(10)
    soon_here(lambda: wakes)
    assert client.latest.link.status == "refused"
    client.stop()


def test_what_is_unsent_is_there_for_the_next_one(server: SocketServer, tmp_path: Path) -> None:
    box = tmp_path / "o.db"
    away = ClientThread("ws://127.0.0.1:1", "jana", outbox=box)
    away.start()
    away.submit(DeclareIncident(title="Checkout is slow"))
    soon_here(lambda: away.latest.unsent)
    assert away.latest.link.status == "connecting"
    away.stop()
    client = ClientThread(server.url, "jana", outbox=box)
    client.start()
    soon_here(lambda: client.latest.link.is_live and not client.latest.unsent)
    client.follow_lobby()
    soon_here(lambda: client.latest.lobby)
    assert client.latest.lobby is not None
    assert [line.title for line in client.latest.lobby.values()] == ["Checkout is slow"]
    assert client.latest.unsent == ()
    client.stop()


def test_a_tail_is_in_the_view_and_a_spotlight_carries_what_is_shown(server: SocketServer) -> None:
    client = ClientThread(server.url, "wr_t")
    client.start()
    incident = client.submit(DeclareIncident(title="x")).result(10).incident
    client.follow(incident)
    key = client.tail(incident, '{app="checkout"}')
    soon_here(lambda: key in client.latest.tails)
    assert client.latest.tails[key].query == '{app="checkout"}'
    assert client.latest.tails[key].buffer.end == 0
    client.untail(key)
    soon_here(lambda: key not in client.latest.tails)
    client.light(incident, "logs", {"query": "x" * 9000})
    soon_here(lambda: any("at most 8192" in notice.words for notice in client.latest.notices))
    client.stop()
