"""A stranger's client, written from docs/protocol.md alone, against a real server: it imports nothing of the client."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.server.house import House, house
from warroom.incident.words import Access
from warroom.server.auth import invite

PAGE = (Path(__file__).parents[2] / "docs/protocol.md").read_text("utf-8")


class Stranger:
    """Says what the page says to say."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket

    async def say(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def hear(self, kind: str) -> dict[str, Any]:
        while True:
            said = await self.socket.recv()
            if isinstance(said, str) and (frame := json.loads(said))["t"] == kind:
                return dict(frame)

    async def hello(self, client: str = "stranger-0001", **more: Any) -> dict[str, Any]:
        await self.say(t="hello", protocol=[1, 1], client=client, first=1, kind="cli", agent="", **more)
        return await self.hear("welcome")

    async def command(self, n: int, incident: str, **command: Any) -> dict[str, Any]:
        await self.say(t="command", n=n, incident=incident, command=command)
        return await self.hear("outcome")


def framed(text: str) -> bytes:
    return len(text.encode()).to_bytes(4, "big") + text.encode()


def proven(incident: str, previous: str, record: dict[str, Any]) -> str:
    """The record's hash, computed as the page says, in the order that the page's table has."""
    named = re.search(r"<!-- generated: envelope -->\n(.*?)\n", PAGE)
    assert named
    order = re.findall(r"`(\w+)`", named.group(1))
    said = {**record, "incident": incident, "recorded_at": record["at"], "occurred_at": record["occurred"]}
    envelope = b"".join(framed(str(said[name])) for name in order)
    payload = json.dumps(record["event"], separators=(",", ":"), ensure_ascii=False).encode()
    assert hashlib.sha256(bytes.fromhex(record["salt"]) + payload).hexdigest() == record["payload_hash"]
    return hashlib.sha256(bytes.fromhex(previous) + envelope + bytes.fromhex(record["payload_hash"])).hexdigest()


async def meet(home: House, **headers: str) -> Stranger:
    return Stranger(await connect(home.url, additional_headers=headers, compression=None, proxy=None))


async def test_commands_are_numbered_answered_and_repeated_as_the_page_says(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        token = await home.token("jana")
        one = await meet(home, Authorization=f"Bearer {token}")
        welcome = await one.hello()
        assert set(re.findall(r'"(\w+)":', PAGE.split('< {"t":"welcome"')[1].split("\n\n")[0])) >= set(welcome) - {"t"}
        first = await one.command(1, "", type="declare-incident", title="Checkout is slow")
        assert (first["seq"], first["reason"]) == (1, "")
        assert await one.command(1, "", type="declare-incident", title="something else") == first
        await one.say(t="command", n=3, incident=first["incident"], command={"type": "add-note", "text": "x"})
        assert (await one.hear("resend"))["n"] == 2
        refused = await one.command(2, first["incident"], type="add-note", text="")
        assert refused["reason"] == "invalid"
        already = await one.command(3, first["incident"], type="change-title", title="Checkout is slow")
        assert (already["seq"], already["reason"]) == (0, "")
        again = await meet(home, Authorization=f"Bearer {token}")
        assert [known["n"] for known in (await again.hello())["known"]] == [1, 2, 3]
        with pytest.raises(ConnectionClosed) as closed:
            await one.hear("never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4409
        await again.say(t="confirm", n=3)
        await again.say(t="ping", at=1.5)
        assert (await again.hear("pong"))["at"] == 1.5
        await again.socket.close()
        third = await meet(home, Authorization=f"Bearer {token}")
        floor = (await third.hello())["floor"]
        while floor != 3:
            # A confirmation is not answered, so it may still be on its way to the disk.
            await third.socket.close()
            third = await meet(home, Authorization=f"Bearer {token}")
            floor = (await third.hello())["floor"]
        await third.say(t="confirm", n=9)
        with pytest.raises(ConnectionClosed) as closed:
            await third.hear("never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4400


async def test_records_are_followed_and_proven_as_the_page_says(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        one = await meet(home, Authorization=f"Bearer {await home.token('jana')}")
        welcome = await one.hello()
        incident = (await one.command(1, "", type="declare-incident", title="Kasse \u00e4chzt"))["incident"]
        await one.say(t="subscribe", position={"incident": incident, "epoch": "", "seq": 0, "hash": ""})
        snapshot = await one.hear("snapshot")
        parts = [await one.socket.recv() for _ in range(snapshot["parts"])]
        assert sum(map(len, parts)) == snapshot["size"]
        assert (snapshot["reason"], snapshot["seq"], snapshot["epoch"]) == ("new", 1, welcome["epoch"])
        json.loads(b"".join(parts))
        await one.say(t="command", n=2, incident=incident, command={"type": "add-note", "text": "pool \U0001f525 full"})
        events = await one.hear("events")
        assert events["previous"] == snapshot["hash"]
        (record,) = events["records"]
        assert (record["client"], record["n"], record["seq"]) == ("stranger-0001", 2, 2)
        assert proven(incident, events["previous"], record) == record["hash"]
        await one.say(t="request", id=7, method="log.read", params={"incident": incident})
        records = (await one.hear("response"))["result"]["records"]
        previous = "00" * 32
        for each in records:
            assert proven(incident, previous, each) == each["hash"]
            previous = each["hash"]
        await home.server.signer.sign(incident)
        await one.say(t="request", id=8, method="signed-heads", params={"incident": incident})
        signed = (await one.hear("response"))["result"]
        for head in signed["heads"]:
            statement = b"\0".join((b"warroom-head-1", incident.encode(), str(head["seq"]).encode()))
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed["public_key"]))
            key.verify(bytes.fromhex(head["signature"]), statement + b"\0" + bytes.fromhex(head["hash"]))
        position = {"incident": incident, "epoch": welcome["epoch"], "seq": 2, "hash": record["hash"]}
        await one.say(t="subscribe", position=position)
        assert (await one.hear("events"))["records"] == []
        for wrong, reason in (
            ({"epoch": "other"}, "epoch"),
            ({"hash": "ab" * 32}, "mismatch"),
            ({"seq": 9}, "mismatch"),
        ):
            await one.say(t="subscribe", position={**position, **wrong})
            assert (await one.hear("snapshot"))["reason"] == reason
        await one.say(t="command", n=3, incident=incident, command={"type": "redact-entry", "entry": 2, "reason": "x"})
        assert (await one.hear("snapshot"))["reason"] == "redacted"


async def test_an_invite_is_traded_once_for_a_token_as_the_page_says(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        code = await invite(home.store, Access.RESPONDER, by="jana", at=home.server.now(), code_seconds=60)
        one = await meet(home, Authorization=f"Invite {code.lower()}", **{"X-Warroom-Name": "sam"})
        await one.say(t="hello", protocol=[1, 3], client="stranger-0002", first=1, kind="cli", agent="")
        granted = json.loads(await one.socket.recv())
        assert (granted["t"], granted["name"], granted["access"]) == ("token", "sam", "responder")
        assert (await one.hear("welcome"))["name"] == "sam"
        with pytest.raises(InvalidStatus) as refused:
            await meet(home, Authorization=f"Invite {code}")
        assert refused.value.response.status_code == 401
        again = await meet(home, Authorization=f"Bearer {granted['token']}")
        assert (await again.hello("stranger-0003"))["name"] == "sam"
        other = await meet(home, Authorization=f"Bearer {await home.token('mallory')}")
        with pytest.raises(ConnectionClosed) as closed:
            await other.hello("stranger-0003")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4410
        await home.server.drain()
        assert (await again.hear("bye"))["retry_after_ms"] > 0
        with pytest.raises(ConnectionClosed) as closed:
            await again.hear("never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
