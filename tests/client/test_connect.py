from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.model_server import Log
from tests.socket_server import SocketServer, refuse
from warroom.client.connect import Grant, Home, Invitation, read_invitation, socket_url, tls_context, trade
from warroom.client.errors import BadAddress, Refused


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("war.example.org", "ws://war.example.org:8765/ws"),
        (" 10.0.0.7:9000 ", "ws://10.0.0.7:9000/ws"),
        ("[::1]:8765", "ws://[::1]:8765/ws"),
        ("ws://war", "ws://war:8765/ws"),
        ("wss://war.example.org", "wss://war.example.org:443/ws"),
        ("https://war.example.org/room/", "wss://war.example.org:443/room/ws"),
        ("http://localhost:81/ws", "ws://localhost:81/ws"),
    ],
)
def test_an_address_as_people_write_it(text: str, url: str) -> None:
    assert socket_url(text) == url
    assert socket_url(url) == url


@pytest.mark.parametrize(
    "text",
    ["", "ftp://war", "war:99999", "war:x", "a b", "ws://", "war#7K3Q-9TZM", "jana:secret@war", "war?token=secret"],
)
def test_what_is_no_address_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(BadAddress) as wrong:
        socket_url(text)
    assert "secret" not in str(wrong.value)


@pytest.mark.parametrize("code", ["7K3Q-9TZM", "7k3q-9tzm", "7K3Q9TZM", "7k3q 9tzm"])
def test_a_code_as_people_type_it(code: str) -> None:
    assert read_invitation(f"10.0.0.7#{code}") == Invitation("ws://10.0.0.7:8765/ws", "7K3Q-9TZM")


def test_letters_that_are_misread_are_read() -> None:
    assert read_invitation("war#OIL0-9TZM").code == "0110-9TZM"


@pytest.mark.parametrize("text", ["10.0.0.7", "10.0.0.7#", "10.0.0.7#7K3Q", "10.0.0.7#7K3Q-9TZ!", "#7K3Q-9TZM"])
def test_a_bad_invitation_does_not_repeat_the_code(text: str) -> None:
    with pytest.raises(BadAddress) as wrong:
        read_invitation(text)
    assert "9TZ!" not in str(wrong.value)


def test_a_home_for_each_server_and_the_token_only_for_its_owner(tmp_path: Path) -> None:
    home = Home("ws://war.example.org:8765", tmp_path)
    assert home.grant() is None
    home.keep(Grant("wr_secret", "jana", "responder"))
    assert Home("war.example.org", tmp_path).grant() == Grant("wr_secret", "jana", "responder")
    assert Home("war.example.org:1", tmp_path).grant() is None
    token = home.directory / "token.json"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.directory.stat().st_mode) == 0o700
    token.write_text("{")
    assert home.grant() is None
    home.forget()
    assert not token.exists()


def test_each_name_on_an_account_has_a_token_of_its_own(tmp_path: Path) -> None:
    ana, bo = Grant("wr_ana", "ana", "responder"), Grant("wr_bo", "bo", "observer")

    def kept(name: str = "") -> Home:
        return Home("war", tmp_path, name)

    kept().keep(ana)
    kept().keep(bo)
    assert [kept(name).grant() for name in ("ana", "bo", "", "login name")] == [ana, bo, bo, bo]
    assert kept("ana").outbox != kept("bo").outbox
    assert stat.S_IMODE((kept("ana").outbox.parent / "token.json").stat().st_mode) == 0o600
    kept("bo").forget()
    assert [kept(name).grant() for name in ("ana", "bo", "")] == [ana, None, None]
    kept().forget()
    assert kept("ana").grant() is None


async def test_an_invite_is_traded_for_a_token() -> None:
    async with SocketServer(Log()) as server:
        server.invites["7K3Q-9TZM"] = "jana"
        grant = await trade(Invitation(server.url, "7K3Q-9TZM"), "jana")
        assert (grant.name, grant.access) == ("jana", "responder")
        assert grant.token.startswith("wr_")
        assert server.headers[0]["Authorization"] == "Invite 7K3Q-9TZM"
        assert server.headers[0]["X-Warroom-Name"] == "jana"


async def test_an_invite_that_is_used_up_is_refused_in_words() -> None:
    async with SocketServer(Log()) as server:
        server.door = refuse(401)
        with pytest.raises(Refused, match="does not know this token or invite"):
            await trade(Invitation(server.url, "7K3Q-9TZM"), "jana")


def test_a_file_without_certificates_says_so(tmp_path: Path) -> None:
    bad = tmp_path / "ca.pem"
    bad.write_text("nothing")
    with pytest.raises(BadAddress, match="no certificates"):
        tls_context(bad)
    with pytest.raises(BadAddress, match="no certificates"):
        tls_context(tmp_path / "missing.pem")
