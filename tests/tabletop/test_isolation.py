"""While an exercise runs nothing leaves the process but to its own server, whoever tries."""

from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Iterator

import httpx
import pytest

from warroom.tabletop.isolation import OutsideRefused, isolated


@pytest.fixture
def listening() -> Iterator[tuple[int, list[str]]]:
    """A server on loopback that counts who comes."""
    come: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                come.append("somebody")
                peer.close()

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield server.getsockname()[1], come
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_a_real_backend_on_this_machine_is_not_reached_by_any_library(listening):
    port, come = listening
    with isolated() as isolation:
        with pytest.raises(OutsideRefused, match="reaches nothing outside"):
            socket.create_connection(("127.0.0.1", port), timeout=5)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/")
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
        assert len(isolation.refused) == 3
    assert not come


def test_its_own_server_is_reached_and_everything_again_afterwards(listening):
    port, _ = listening
    with isolated() as isolation:
        isolation.ports.add(port)
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        assert not isolation.refused
    socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_no_name_is_looked_up_and_no_datagram_sent():
    with isolated() as isolation, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        with pytest.raises(OutsideRefused):
            socket.getaddrinfo("example.org", 443)
        with pytest.raises(OutsideRefused):
            sender.sendto(b"page", ("127.0.0.1", 9))
        assert len(isolation.refused) == 2


def test_files_on_this_machine_are_not_the_network(tmp_path):
    path = str(tmp_path / "door")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        with isolated() as isolation, socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        assert not isolation.refused
