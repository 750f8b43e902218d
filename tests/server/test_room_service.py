"""The room as its people know it: declared, written by several, resumed, redacted, private, merged."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.server.house import eventually, house
from warroom.incident import commands as c
from warroom.incident.words import Access


async def test_what_one_declares_and_writes_another_sees(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client("jana") as jana, home.client("tom", Access.RESPONDER) as tom:
        declared = await jana.submit(c.DeclareIncident(title="Checkout is down")).settled()
        assert declared.accepted
        assert declared.incident.startswith("INC-")
        theirs = await tom.follow(declared.incident)
        mine = await jana.follow(declared.incident)
        await asyncio.gather(theirs.caught_up.wait(), mine.caught_up.wait())
        settled = await tom.submit(c.AddNote(text="Pods restart"), declared.incident).settled()
        assert settled.accepted
        await eventually(lambda: mine.state.seq == settled.seq)
        assert mine.state.timeline[settled.seq - 1].words == "Pods restart"
        assert mine.state.head_hash == theirs.state.head_hash


async def test_a_restarted_server_goes_on_where_it_was(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token())
        incident = await raw.declare()
        await raw.command(2, incident, type="add-note", text="one")
        outcome = await raw.until("outcome", n=2)
        await raw.close()
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token(), client=raw.seen[0]["session"] + "x")
        await raw.command(1, incident, type="add-note", text="two")
        assert (await raw.until("outcome", n=1))["seq"] == outcome["seq"] + 1
        await raw.close()


async def test_two_who_declare_in_the_same_moment_get_two_incidents(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        token = await home.token()
        people = [await home.raw(token, client=f"client-{number:04d}") for number in range(20)]
        for raw in people:
            await raw.command(1, "", type="declare-incident", title="Checkout is down")
        declared = {(await raw.until("outcome", n=1))["incident"] for raw in people}
        assert len(declared) == 20
        for raw in people:
            await raw.close()


async def test_an_id_that_is_taken_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([7, 7, 7, 8])
    monkeypatch.setattr("warroom.server.lobby.secrets.randbits", lambda _: next(draws))
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token())
        first = await raw.declare(1)
        home.server.lobby.lines.clear()  # as on a second server, which has not heard of the first id
        assert await raw.declare(2) != first
        await raw.close()


async def test_repeats_get_their_first_answer_and_gaps_are_asked_for(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        token = await home.token()
        raw = await home.raw(token, client="client-repeats")
        incident = await raw.declare(1)
        await raw.command(2, incident, type="add-note", text="once")
        first = await raw.until("outcome", n=2)
        await raw.command(3, incident, type="redact-entry", entry=900, reason="x")
        refused = await raw.until("outcome", n=3)
        assert refused["reason"] == "not-found"
        await raw.command(2, incident, type="add-note", text="twice")
        assert await raw.until("outcome", n=2) == first
        await raw.command(6, incident, type="add-note", text="six")
        assert (await raw.until("resend"))["n"] == 4
        await raw.close()
        again = await home.raw(token, client="client-repeats")
        assert [known["n"] for known in again.welcome["known"]] == [1, 2, 3]
        await again.command(3, incident, type="add-note", text="another text")
        assert await again.until("outcome", n=3) == refused
        await again.send(t="confirm", n=3)
        await again.command(4, incident, type="add-note", text="four")
        assert (await again.until("outcome", n=4))["seq"] == first["seq"] + 1
        await again.close()
        await eventually(lambda: not home.server.sessions)
        third = await home.raw(token, client="client-repeats")
        assert third.welcome["floor"] == 3
        await third.close()


async def test_commands_of_one_author_for_two_incidents_become_durable_in_order(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token())
        one, two = await raw.declare(1), await raw.declare(2)
        for n in range(3, 43):
            await raw.command(n, one if n % 2 else two, type="add-note", text=f"note {n}")
        answers = [(await raw.until("outcome"))["n"] for _ in range(40)]
        assert answers == list(range(3, 43))
        await raw.close()


async def test_a_newer_connection_of_an_outbox_takes_over(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        token = await home.token()
        old = await home.raw(token, client="one-outbox")
        new = await home.raw(token, client="one-outbox")
        assert (await old.closed())[0] == 4409
        assert (await new.declare()).startswith("INC-")
        await new.close()


async def test_who_comes_back_gets_the_tail_and_who_was_elsewhere_a_snapshot(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token())
        incident = await raw.declare()
        await raw.send(t="subscribe", position={"incident": incident})
        header = await raw.until("snapshot", incident=incident)
        await raw.command(2, incident, type="add-note", text="after")
        await raw.until("events", incident=incident)
        at = {"incident": incident, "epoch": header["epoch"], "seq": header["seq"], "hash": header["hash"]}
        await raw.send(t="subscribe", position=at)
        tail = await raw.until("events", incident=incident)
        assert [record["seq"] for record in tail["records"]] == [header["seq"] + 1]
        for wrong, reason in (
            ({"epoch": "other"}, "epoch"),
            ({"hash": "00" * 32}, "mismatch"),
            ({"seq": 900}, "mismatch"),
            ({"seq": 0, "epoch": "", "hash": ""}, "new"),
        ):
            await raw.send(t="subscribe", position={**at, **wrong})
            assert (await raw.until("snapshot"))["reason"] == reason
        await raw.close()


async def test_a_redaction_leaves_every_replica_and_the_disk(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client("jana") as jana, home.client("tom") as tom:
        incident = (await jana.submit(c.DeclareIncident(title="Down")).settled()).incident
        secret = await tom.submit(c.AddNote(text="password is hunter2"), incident).settled()
        theirs = await tom.follow(incident)
        await eventually(lambda: theirs.state.seq == secret.seq)
        done = await jana.submit(c.RedactEntry(entry=secret.seq, reason="a password"), incident).settled()
        assert done.accepted
        await eventually(lambda: theirs.state.seq == done.seq)
        assert theirs.state.timeline[secret.seq - 1].redacted
        assert all("hunter2" not in entry.words for entry in theirs.state.timeline)
        assert not [r for r in await home.store.read(incident) if b"hunter2" in (r.payload or b"")]
        after = await tom.submit(c.AddNote(text="changed it"), incident).settled()
        await eventually(lambda: theirs.state.seq == after.seq)
        assert (await home.store.prove(incident)).broken is None


async def test_a_private_incident_is_not_there_for_others(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        jana = await home.raw(await home.token("jana", Access.COMMANDER))
        tom = await home.raw(await home.token("tom", Access.RESPONDER), client="client-of-tom")
        await tom.send(t="lobby", follow=True)
        await tom.until("incidents", whole=True)
        incident = await jana.declare()
        await tom.follow(incident)
        await tom.until("incidents", whole=False)
        await jana.command(2, incident, type="change-privacy", private=True, members=["jana"])
        assert (await jana.until("outcome", n=2))["reason"] == ""
        assert (await tom.until("closed", incident=incident))["reason"] == "private"
        assert (await tom.until("incidents"))["gone"] == [incident]
        await tom.send(t="subscribe", position={"incident": incident})
        assert (await tom.until("closed"))["reason"] == "not-found"
        await tom.send(t="request", id=1, method="log.read", params={"incident": incident})
        assert (await tom.until("response"))["reason"] == "not-found"
        await tom.send(t="watch", incident=incident, id="p", panel={"title": "x", "query": "up"})
        assert (await tom.until("closed"))["reason"] == "not-found"
        await tom.command(1, incident, type="add-note", text="x")
        assert (await tom.until("outcome", n=1))["reason"] == "not-found"
        await tom.send(t="lobby", follow=True)
        assert (await tom.until("incidents"))["lines"] == []
        await jana.command(3, incident, type="add-member", who="tom")
        await jana.until("outcome", n=3)
        assert (await tom.until("incidents"))["lines"][0]["incident"] == incident
        await tom.follow(incident)
        await jana.close()
        await tom.close()
    async with house(tmp_path) as home:
        eve = await home.raw(await home.token("eve", Access.RESPONDER))
        await eve.send(t="lobby", follow=True)
        assert (await eve.until("incidents"))["lines"] == []
        await eve.close()


async def test_a_merge_is_said_on_the_survivor_also_after_a_crash(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token())
        survivor, ended = await raw.declare(1), await raw.declare(2)
        await raw.command(3, ended, type="merge-incident", into=survivor)
        assert (await raw.until("outcome", n=3))["reason"] == ""
        await eventually(lambda: home.server.lobby.lines[survivor].absorbed == (ended,))
        absorbed = (await home.store.read(survivor))[-1]
        assert (absorbed.tag, absorbed.n, absorbed.client) == (
            "incident-absorbed",
            3,
            (await home.store.read(ended))[-1].client,
        )
        other = await raw.declare(4)
        home.server.lobby.changed = lambda room, before: None  # type: ignore[method-assign]  # a crash comes in between
        await raw.command(5, other, type="merge-incident", into=survivor)
        await raw.until("outcome", n=5)
        await raw.close()
    async with house(tmp_path) as home:
        await eventually(lambda: set(home.server.lobby.lines[survivor].absorbed) == {ended, other})


async def test_presence_typing_and_spotlight(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        jana = await home.raw(await home.token("jana"))
        incident = await jana.declare()
        await jana.command(2, incident, type="assign-role", duty="incident_commander", who="jana")
        await jana.until("outcome", n=2)
        tom = await home.raw(await home.token("tom", Access.OBSERVER), client="client-of-tom")
        await jana.follow(incident)
        await tom.follow(incident)
        await tom.send(t="presence", incident=incident, looking_at="chat", typing=True)

        def there(frame: dict[str, Any]) -> dict[str, str]:
            return {person["name"]: person["state"] for person in frame["people"]}

        while True:
            frame = await jana.until("presence")
            if any(person["typing"] and person["looking_at"] == "chat" for person in frame["people"]):
                break
        assert there(frame) == {"jana": "here", "tom": "here"}
        await tom.send(t="spotlight", incident=incident, target="chat")
        assert "commander" in (await tom.until("notice"))["words"]
        await jana.send(t="spotlight", incident=incident, target="entry:1")
        lit = await tom.until("spotlight")
        assert (lit["target"], lit["by"]) == ("entry:1", "jana")
        tom.socket.transport.abort()
        while there(await jana.until("presence")).get("tom") != "lost":
            continue
        await jana.close()


async def test_a_rule_that_fails_is_a_recorded_refusal_and_the_incident_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from warroom.server import room

    whole = room.decide

    def failing(state: Any, command: Any, *rest: Any) -> Any:
        if getattr(command, "text", "") == "poison":
            raise ZeroDivisionError(command.text)
        return whole(state, command, *rest)

    monkeypatch.setattr(room, "decide", failing)
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token(), client="client-poison")
        incident = await raw.declare()
        await raw.command(2, incident, type="add-note", text="poison")
        assert (await raw.until("outcome", n=2))["reason"] == "internal"
        await raw.command(3, incident, type="add-note", text="fine")
        assert (await raw.until("outcome", n=3))["reason"] == ""
        await raw.close()
        assert [outcome.reason for outcome in await home.store.outcomes("client-poison")][1] == "internal"


async def test_rooms_nobody_uses_leave_memory_and_come_back(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token())
        incident = await raw.declare()
        await home.server.lobby.unload(-1)
        assert incident not in home.server.lobby.rooms
        await raw.command(2, incident, type="add-note", text="still there")
        assert (await raw.until("outcome", n=2))["seq"] > 1
        await raw.close()
