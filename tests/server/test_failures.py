"""What fails, and what stays true: full disks, failed syncs, stalled readers, ended tokens, the end of the process."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.server.hostile import UPGRADE, Attacker
from tests.server.house import House, eventually, house
from warroom.incident.words import Access
from warroom.server.auth import digest_of, invite
from warroom.server.settings import ServerSettings
from warroom.store.port import StoreFailed, StoreFull
from warroom.store.sqlite import SqliteStore


class Moody:
    """A store whose appends fail when told to."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.mood: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def append(self, *args: Any, **kwargs: Any) -> Any:
        if self.mood is not None:
            raise self.mood
        return await self._store.append(*args, **kwargs)


async def get(home: House, path: str) -> tuple[str, str]:
    """Status line and body of a plain GET."""
    reader, writer = await asyncio.open_connection("127.0.0.1", home.server.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return head.split(b"\r\n")[0].decode(), body.decode()


async def test_a_full_disk_refuses_aloud_and_recovers_by_itself(tmp_path: Path) -> None:
    moody = Moody(await SqliteStore.open(tmp_path / "log.db"))
    async with house(tmp_path, store=moody, retry_store_every=0.1) as home:
        raw = await home.raw(await home.token())
        incident = await raw.declare()
        moody.mood = StoreFull("no room")
        await raw.command(2, incident, type="add-note", text="two")
        assert "full" in (await raw.until("notice"))["words"]
        await raw.command(3, "", type="declare-incident", title="three")
        status, body = await get(home, "/readyz")
        assert " 503 " in status
        assert "full" in body
        moody.mood = None
        assert (await raw.until("resend"))["n"] == 2
        await raw.command(2, incident, type="add-note", text="two")
        assert (await raw.until("outcome"))["n"] == 2
        await raw.command(3, "", type="declare-incident", title="three")
        assert (await raw.until("outcome"))["n"] == 3
        assert " 200 " in (await get(home, "/readyz"))[0]
        await raw.close()
        assert [r.seq for r in await home.store.read(incident)] == list(
            range(1, len(await home.store.read(incident)) + 1)
        )


async def test_a_failed_sync_stops_the_server_without_an_ack(tmp_path: Path) -> None:
    moody = Moody(await SqliteStore.open(tmp_path / "log.db"))
    async with house(tmp_path, store=moody) as home:
        raw = await home.raw(await home.token())
        incident = await raw.declare()
        moody.mood = StoreFailed("the sync failed")
        await raw.command(2, incident, type="add-note", text="two")
        await eventually(lambda: home.fatal)
        assert isinstance(home.fatal[0], StoreFailed)
        assert not [said for said in raw.seen if said["t"] == "outcome" and said["n"] == 2]
        await raw.close()


async def test_a_reader_that_stops_reading_is_cut_off_and_nobody_else_waits(tmp_path: Path) -> None:
    async with house(tmp_path, limits={"stalled_seconds": 0.5}) as home:
        token = await home.token()
        writer = await home.raw(token, client="client-writes")
        incident = await writer.declare()
        attacker = Attacker(home, token, incident)
        stalled = await attacker.admitted()
        await stalled.until("welcome")
        stalled.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await stalled.say(t="subscribe", position={"incident": incident})
        await stalled.until("snapshot")
        stalled.reader._transport.pause_reading()  # type: ignore[attr-defined]
        n = 1
        while not home.server.metrics.evicted.total():
            n += 1
            await writer.command(n, incident, type="add-note", text="x" * 8_000)
            assert (await writer.until("outcome", n=n))["reason"] == ""
            await asyncio.sleep(0.01)
        await eventually(lambda: len(home.server.sessions) == 1)
        await attacker.close()
        await writer.close()


async def test_a_reader_that_stalls_does_not_hold_up_the_end(tmp_path: Path) -> None:
    began = asyncio.get_running_loop().time()
    async with house(tmp_path) as home:
        token = await home.token()
        writer = await home.raw(token, client="client-writes")
        incident = await writer.declare()
        attacker = Attacker(home, token, incident)
        stalled = await attacker.admitted()
        stalled.reader._transport.pause_reading()  # type: ignore[attr-defined]
        await stalled.say(t="subscribe", position={"incident": incident})
        for n in range(2, 30):
            await writer.command(n, incident, type="add-note", text="x" * 8_000)
        await writer.until("outcome", n=29)
    assert (await writer.closed())[0] == 1012
    assert asyncio.get_running_loop().time() - began < 20
    await attacker.close()


async def test_the_end_tells_everybody_when_to_come_back_and_signs_the_heads(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token(), client="client-drain")
        incident = await raw.declare()
        for n in range(2, 60):
            await raw.command(n, incident, type="add-note", text=f"note {n}")
        await raw.until("outcome", n=2)
        draining = asyncio.create_task(home.server.drain())
        bye = await raw.until("bye")
        assert 0 < bye["retry_after_ms"] < 10_000
        assert (await raw.closed())[0] == 1012
        await draining
        acked = [said["n"] for said in raw.seen if said["t"] == "outcome"]
        kept = {outcome.n for outcome in await home.store.outcomes("client-drain")}
        assert set(acked) <= kept
        assert kept == set(range(1, len(kept) + 1))
        head = await home.store.head(incident)
        assert (await home.store.signed_heads(incident))[-1][:2] == (head.seq, head.hash)
    assert (tmp_path / "heads.key").stat().st_mode & 0o777 == 0o600


async def test_a_token_that_ends_ends_its_connections(tmp_path: Path) -> None:
    async with house(tmp_path, tokens_every=0.1) as home:
        token = await home.token("tom")
        tom = await home.raw(token, client="client-of-tom")
        short = await home.raw(await home.token("short", ttl_seconds=1), client="client-short")
        admin = await home.raw(await home.token("admin", Access.ADMIN), client="client-admin")
        await home.store.revoke_token(digest_of(token), datetime.now(UTC))
        assert (await tom.closed())[0] == 4401
        assert (await short.closed())[0] == 4401
        ann = await home.raw(await home.token("ann"), client="client-of-ann")
        await admin.send(t="request", id=1, method="token.list")
        listed = (await admin.until("response"))["result"]["tokens"]
        [row] = [row for row in listed if row["name"] == "ann"]
        await admin.send(t="request", id=2, method="token.revoke", params={"id": row["id"]})
        assert (await admin.until("response"))["ok"]
        assert (await ann.closed())[0] == 4401
        await admin.close()


async def test_an_invite_becomes_a_token_once_and_names_stay_apart(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.token("jana")
        code = await invite(home.store, Access.RESPONDER, by="t", at=datetime.now(UTC), code_seconds=60)
        headers = {"Authorization": f"Invite {code.lower()}", "X-Warroom-Name": "jana"}
        raw = await home.raw(headers=headers)
        granted = next(said for said in raw.seen if said["t"] == "token")
        assert (granted["name"], granted["access"]) == ("jana-2", "responder")
        await raw.close()
        again = await home.raw(granted["token"])
        assert again.welcome["name"] == "jana-2"
        await again.close()
        for row in await home.store.tokens():
            await home.store.revoke_token(row.digest, datetime.now(UTC))
        code = await invite(home.store, Access.RESPONDER, by="t", at=datetime.now(UTC), code_seconds=60)
        later = await home.raw(headers={"Authorization": f"Invite {code}", "X-Warroom-Name": "jana"})
        granted = next(said for said in later.seen if said["t"] == "token")
        assert granted["name"] == "jana-3", "duties outlive a token, so its end does not free the name"
        await later.close()


async def test_a_page_of_an_allowed_origin_sends_its_token_in_the_first_frame(tmp_path: Path) -> None:
    async with house(tmp_path, origins=("https://war.example",)) as home:
        token = await home.token()
        page = await home.raw(headers={"Origin": "https://war.example"}, hello=False)
        welcome = await page.hello("client-page", token=token)
        assert welcome["name"] == "jana"
        await page.close()
        wrong = await home.raw(headers={"Origin": "https://war.example"}, hello=False)
        await wrong.send(t="hello", protocol=[1, 1], client="client-page", token="wr_" + "x" * 43)
        assert (await wrong.closed())[0] == 4401
        attacker = Attacker(home, token, "")
        assert await attacker.handshake({"Origin": "https://war.example.evil"}) == "http 403"
        await attacker.close()


async def test_probes_and_metrics(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token())
        await raw.declare()
        assert (await get(home, "/healthz"))[1] == "ok\n"
        assert (await get(home, "/readyz"))[1] == "ok\n"
        text = (await get(home, "/metrics"))[1]
        assert 'warroom_connections{kind="cli"} 1' in text
        assert 'warroom_commands_total{outcome="accepted"} 1' in text
        assert "warroom_commit_seconds_bucket" in text
        await raw.close()


async def test_no_token_reaches_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with house(tmp_path) as home:
        token = await home.token()
        attacker = Attacker(home, token, "")
        await attacker.handshake({}, path=f"/ws?token={token}")
        await attacker.handshake({"Authorization": f"Bearer {token}"})
        socket_ = await attacker.opened()
        await socket_.say(t="hello", token=token)
        await socket_.end()
        await attacker.close()
    assert token[3:] not in caplog.text
    assert UPGRADE["Sec-WebSocket-Key"] not in caplog.text


async def test_questions(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token("root", Access.ADMIN))
        incident = await raw.declare()

        async def ask(method: str, **params: Any) -> Any:
            await raw.send(t="request", id=7, method=method, params=params)
            said = await raw.until("response")
            assert said["ok"], said
            return said["result"]

        assert (await ask("server.info"))["incidents"] == 1
        read = await ask("log.read", incident=incident)
        assert read["records"][0]["tag"] == "incident-declared"
        exported = await ask("export", incident=incident)
        assert exported["next"] is None
        assert (await ask("verify"))["ok"]
        assert (await ask("signed-heads", incident=incident))["heads"]
        assert (await ask("backup", path=str(tmp_path / "copy.db")))["path"]
        assert len((await ask("invite.create", access="observer", ttl_seconds=600))["code"]) == 9
        assert (await ask("panels.for", incident=incident))["panels"] == []
        await raw.close()
    async with house(tmp_path / "other") as home:
        raw = await home.raw(await home.token("root", Access.ADMIN))
        await raw.send(t="request", id=1, method="import", params={"lines": exported["lines"]})
        assert (await raw.until("response"))["result"]["incident"] == incident
        await raw.follow(incident)
        await raw.close()


def test_beyond_this_machine_there_is_tls() -> None:
    with pytest.raises(ValueError, match="TLS"):
        ServerSettings(host="0.0.0.0")
    assert ServerSettings(host="0.0.0.0", behind_proxy=True).host


async def test_a_room_that_fails_is_read_anew_and_nothing_is_lost_or_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from warroom.incident import commands as c
    from warroom.server.room import Room

    whole, faults = Room._fan_out, [3]

    def failing(self: Room, records: Any, previous: bytes, *more: Any) -> None:
        if faults and records[-1].seq >= faults[0]:
            faults.pop(0)
            raise ZeroDivisionError
        whole(self, records, previous, *more)

    monkeypatch.setattr(Room, "_fan_out", failing)
    async with house(tmp_path) as home, home.client("jana") as jana:
        incident = (await jana.submit(c.DeclareIncident(title="Down")).settled()).incident
        mine = await jana.follow(incident)
        await mine.caught_up.wait()
        settled = [jana.submit(c.AddNote(text=f"note {n}"), incident) for n in range(12)]
        seqs = [(await ticket.settled()).seq for ticket in settled]
        assert not faults
        assert seqs == sorted(set(seqs))
        await eventually(lambda: mine.state.seq == seqs[-1])
        notes = [record for record in await home.store.read(incident) if record.tag == "note-added"]
        assert len(notes) == 12
