"""What every event store must do: one class that a store's tests inherit, giving it a `store` fixture."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.written import NOTHING, START, head_of, note, notes, redacted
from warroom.store.port import (
    AlreadyAnswered,
    Appended,
    Conflict,
    EventStore,
    Head,
    Outcome,
    StoreError,
    Summary,
    TokenRow,
)

INC = "INC-7K3Q"
OTHER = "INC-9TZM"
CLIENT = "client-aa"


def token_row(digest: bytes = b"d" * 32, name: str = "jana", **more: object) -> TokenRow:
    row = TokenRow(digest, name, "responder", (), START, "admin")
    return replace(row, **more)  # type: ignore[arg-type]


class StoreContract:
    """Inherit, and give a fixture `store`."""

    async def test_an_unknown_incident_is_empty(self, store: EventStore) -> None:
        assert await store.head(INC) == NOTHING
        assert await store.read(INC) == []
        assert await store.incidents() == []

    async def test_records_come_back_as_they_were(self, store: EventStore) -> None:
        records = notes(INC, 5)
        assert await store.append(INC, 0, records) == Appended(head_of(records))
        assert await store.read(INC) == records
        assert await store.head(INC) == head_of(records)

    async def test_reading_after_a_seq_and_with_a_limit(self, store: EventStore) -> None:
        records = notes(INC, 9)
        await store.append(INC, 0, records)
        assert await store.read(INC, after=3) == records[3:]
        assert await store.read(INC, after=3, limit=2) == records[3:5]
        assert await store.read(INC, after=9) == []
        assert await store.read(INC, after=99) == []
        assert await store.read(INC, limit=0) == []

    async def test_every_kind_of_text_and_bytes_survives(self, store: EventStore) -> None:
        odd = "Δ 🧯 \u0000 '; DROP TABLE records; -- \u202e"
        record = note(INC, NOTHING, "x", actor=odd, client="c" * 64)
        await store.append(INC, 0, [record], [Outcome(odd, 1, words=odd)], summary=bytes(range(256)))
        assert await store.read(INC) == [record]
        assert await store.outcomes(odd) == [Outcome(odd, 1, words=odd)]
        assert (await store.incidents())[0].body == bytes(range(256))

    async def test_a_payload_of_a_megabyte(self, store: EventStore) -> None:
        records = [note(INC, NOTHING, "x" * (1 << 20))]
        records.append(note(INC, head_of(records), "after it"))
        await store.append(INC, 0, records)
        assert await store.read(INC) == records

    async def test_a_stale_expectation_is_a_conflict_and_writes_nothing(self, store: EventStore) -> None:
        records = notes(INC, 3)
        await store.append(INC, 0, records)
        rival = [note(INC, head_of(records[:2]), "too late")]
        answer = await store.append(INC, 2, rival, [Outcome(CLIENT, 1, INC, 3)], summary=b"rival")
        assert answer == Conflict(head_of(records))
        assert await store.read(INC) == records
        assert await store.outcomes(CLIENT) == []
        assert (await store.incidents())[0].body == b""

    async def test_an_expectation_ahead_of_the_log_is_a_conflict(self, store: EventStore) -> None:
        records = notes(INC, 3)
        assert await store.append(INC, 2, records[2:]) == Conflict(NOTHING)
        assert await store.incidents() == []

    async def test_an_id_is_claimed_by_appending_at_nothing(self, store: EventStore) -> None:
        await store.append(INC, 0, notes(INC, 1, text="mine"))
        answer = await store.append(INC, 0, notes(INC, 1, text="also mine"))
        assert isinstance(answer, Conflict)

    @pytest.mark.parametrize("wrong", ["gap", "chain", "incident"])
    async def test_records_that_do_not_follow_are_refused(self, store: EventStore, wrong: str) -> None:
        records = notes(INC, 2)
        await store.append(INC, 0, records)
        following = notes(INC, 2, head_of(records))
        bad = {
            "gap": following[1:],
            "chain": [replace(following[0], previous=b"\x01" * 32)],
            "incident": [replace(following[0], incident=OTHER)],
        }[wrong]
        with pytest.raises(ValueError, match=r"record"):
            await store.append(INC, 2, bad)
        assert await store.read(INC) == records
        await store.append(INC, 2, following)
        assert await store.read(INC) == records + following

    async def test_outcomes_come_with_the_records_or_alone(self, store: EventStore) -> None:
        refusal = Outcome(CLIENT, 1, INC, 0, "conflict", "somebody was first")
        assert await store.append(INC, 0, [], [refusal]) == Appended(NOTHING)
        records = notes(INC, 2)
        done = Outcome(CLIENT, 2, INC, 2)
        await store.append(INC, 0, records, [done])
        assert await store.outcomes(CLIENT) == [refusal, done]
        assert await store.outcomes("client-bb") == []

    async def test_an_answer_is_given_once(self, store: EventStore) -> None:
        records = notes(INC, 1)
        await store.append(INC, 0, records, [Outcome(CLIENT, 1, INC, 1)])
        again = notes(INC, 1, head_of(records))
        with pytest.raises(AlreadyAnswered) as caught:
            await store.append(INC, 1, again, [Outcome(CLIENT, 2), Outcome(CLIENT, 1)])
        assert (caught.value.client, caught.value.n) == (CLIENT, 1)
        assert await store.read(INC) == records
        assert await store.outcomes(CLIENT) == [Outcome(CLIENT, 1, INC, 1)]

    async def test_confirmed_answers_go_and_cannot_be_given_again(self, store: EventStore) -> None:
        kept = [Outcome(CLIENT, n, INC, 0) for n in range(1, 6)]
        await store.append(INC, 0, [], kept)
        assert await store.client_floor(CLIENT) == 0
        await store.forget_outcomes(CLIENT, 3)
        assert await store.outcomes(CLIENT) == kept[3:]
        assert await store.client_floor(CLIENT) == 3
        await store.forget_outcomes(CLIENT, 2)
        assert await store.client_floor(CLIENT) == 3
        with pytest.raises(AlreadyAnswered):
            await store.append(INC, 0, [], [Outcome(CLIENT, 3)])
        await store.append(INC, 0, [], [Outcome(CLIENT, 6)])

    async def test_one_bad_append_among_many_fails_alone(self, store: EventStore) -> None:
        await store.append(INC, 0, [], [Outcome(CLIENT, 1)])
        names = [f"INC-{number:04d}" for number in range(30)]
        appends = [store.append(name, 0, notes(name, 2), [Outcome(name, 1, name, 2)]) for name in names]
        repeat = store.append(INC, 0, notes(INC, 1), [Outcome(CLIENT, 1)])
        stale = store.append(OTHER, 4, [])
        misfit = store.append(OTHER, 0, notes(OTHER, 3)[1:])
        answers = await asyncio.gather(*appends[:15], repeat, stale, misfit, *appends[15:], return_exceptions=True)
        assert isinstance(answers.pop(15), AlreadyAnswered)
        assert isinstance(answers.pop(15), Conflict)
        assert isinstance(answers.pop(15), ValueError)
        assert all(answer == Appended(head_of(notes(name, 2))) for answer, name in zip(answers, names, strict=True))
        for name in names:
            assert await store.read(name) == notes(name, 2)
            assert await store.outcomes(name) == [Outcome(name, 1, name, 2)]
        assert await store.head(INC) == NOTHING

    async def test_twenty_writers_of_one_log_never_fork_it(self, store: EventStore) -> None:
        conflicts = 0

        async def write(client: str) -> None:
            nonlocal conflicts
            for n in range(1, 6):
                while True:
                    head = await store.head(INC)
                    record = note(INC, head, f"{client} {n}", client=client, n=n)
                    answer = await store.append(INC, head.seq, [record], [Outcome(client, n, INC, record.seq)])
                    if isinstance(answer, Appended):
                        assert answer.head == Head(record.seq, record.hash)
                        break
                    conflicts += 1

        clients = [f"client-{number:02d}" for number in range(20)]
        await asyncio.gather(*(write(client) for client in clients))
        records = await store.read(INC)
        assert [record.seq for record in records] == list(range(1, 101))
        assert conflicts
        for client in clients:
            own = [(record.n, record.seq) for record in records if record.client == client]
            assert [n for n, _seq in own] == [1, 2, 3, 4, 5]
            assert [(kept.n, kept.seq) for kept in await store.outcomes(client)] == own

    async def test_appends_given_in_order_are_written_in_order(self, store: EventStore) -> None:
        records = notes(INC, 50)
        answers = await asyncio.gather(*(store.append(INC, at, [record]) for at, record in enumerate(records)))
        assert [answer.head.seq for answer in answers] == list(range(1, 51))
        assert await store.read(INC) == records

    async def test_erasing_leaves_a_tombstone_and_a_whole_chain(self, store: EventStore) -> None:
        records = notes(INC, 4)
        await store.append(INC, 0, records[:3])
        await store.append(INC, 3, records[3:], erase=[2])
        assert await store.read(INC) == [records[0], redacted(records[1]), records[2], records[3]]
        assert await store.read(INC, after=2) == records[2:]

    async def test_erasing_what_is_not_there_is_refused(self, store: EventStore) -> None:
        records = notes(INC, 2)
        await store.append(INC, 0, records[:1])
        for seq in (0, 3, -1):
            with pytest.raises(ValueError, match="no record"):
                await store.append(INC, 1, records[1:], erase=[seq])
        assert await store.head(INC) == head_of(records[:1])

    async def test_the_list_of_incidents_keeps_the_newest_line(self, store: EventStore) -> None:
        first, second = notes(INC, 2), notes(OTHER, 1)
        await store.append(INC, 0, first[:1], summary=b"one")
        await store.append(OTHER, 0, second, summary=b"two")
        await store.append(INC, 1, first[1:])
        assert await store.incidents() == [
            Summary(INC, head_of(first), b"one"),
            Summary(OTHER, head_of(second), b"two"),
        ]
        await store.append(INC, 2, [], summary=b"three")
        assert (await store.incidents())[0] == Summary(INC, head_of(first), b"three")

    async def test_the_doorbell_rings_after_an_append(self, store: EventStore) -> None:
        rung: list[tuple[str, int]] = []
        store.on_append(lambda incident, seq: rung.append((incident, seq)))
        await store.append(INC, 0, notes(INC, 3))
        deadline = asyncio.get_running_loop().time() + 5
        while (INC, 3) not in rung:
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0)

    async def test_a_client_is_bound_to_the_first_that_used_it(self, store: EventStore) -> None:
        assert await store.claim_client(CLIENT, "jana") == "jana"
        assert await store.claim_client(CLIENT, "omar") == "jana"
        await store.forget_outcomes(CLIENT, 4)
        assert await store.claim_client(CLIENT, "omar") == "jana"
        await store.forget_outcomes("client-bb", 2)
        assert await store.claim_client("client-bb", "omar") == "omar"
        assert await store.client_floor("client-bb") == 2

    async def test_two_who_claim_one_client_at_once_hear_the_same(self, store: EventStore) -> None:
        names = await asyncio.gather(*(store.claim_client(CLIENT, f"user-{number}") for number in range(20)))
        assert len(set(names)) == 1

    async def test_tokens_come_back_as_they_were(self, store: EventStore) -> None:
        plain = token_row()
        full = token_row(
            b"e" * 32, "runner", scopes=("act", "read"), expires_at=START + timedelta(hours=8), label="laptop"
        )
        await store.put_token(plain)
        await store.put_token(full)
        assert await store.token(plain.digest) == plain
        assert await store.token(full.digest) == full
        assert await store.token(b"x" * 32) is None
        assert await store.tokens() == [plain, full]
        with pytest.raises(ValueError):
            await store.put_token(replace(plain, access="admin"))
        assert await store.token(plain.digest) == plain

    async def test_a_token_is_revoked_once(self, store: EventStore) -> None:
        row = token_row()
        await store.put_token(row)
        assert await store.revoke_token(row.digest, START)
        assert not await store.revoke_token(row.digest, START + timedelta(hours=1))
        assert not await store.revoke_token(b"x" * 32, START)
        assert await store.token(row.digest) == replace(row, revoked_at=START)

    async def test_an_invite_is_used_by_one_of_many(self, store: EventStore) -> None:
        invite = token_row(b"i" * 32, single_use=True, ttl_seconds=3600, expires_at=START + timedelta(hours=8))
        await store.put_token(invite)
        answers = await asyncio.gather(*(store.use_invite(invite.digest, START) for _ in range(20)))
        assert [answer for answer in answers if answer is not None] == [replace(invite, used_at=START)]

    async def test_what_is_no_live_invite_is_refused(self, store: EventStore) -> None:
        plain = token_row(b"p" * 32)
        late = token_row(b"l" * 32, single_use=True, expires_at=START)
        revoked = token_row(b"r" * 32, single_use=True)
        for row in (plain, late, revoked):
            await store.put_token(row)
        await store.revoke_token(revoked.digest, START)
        for digest in (plain.digest, late.digest, revoked.digest, b"x" * 32):
            assert await store.use_invite(digest, START) is None

    async def test_signed_heads_by_seq(self, store: EventStore) -> None:
        await store.put_signed_head(INC, 9, b"h" * 32, b"s" * 64, START)
        await store.put_signed_head(INC, 3, b"g" * 32, b"t" * 64, START)
        await store.put_signed_head(OTHER, 1, b"f" * 32, b"u" * 64, START)
        assert await store.signed_heads(INC) == [(3, b"g" * 32, b"t" * 64, START), (9, b"h" * 32, b"s" * 64, START)]

    async def test_a_backup_while_appends_go_on(self, store: EventStore, tmp_path: Path) -> None:
        records = notes(INC, 400)
        await store.append(INC, 0, records[:200])

        async def go_on() -> None:
            for at in range(200, 400, 10):
                await store.append(INC, at, records[at : at + 10])

        await asyncio.gather(store.backup(str(tmp_path / "copy")), go_on())
        assert await store.read(INC) == records
        assert (tmp_path / "copy").exists()
        with pytest.raises(StoreError, match="exists"):
            await store.backup(str(tmp_path / "copy"))

    async def test_an_epoch_is_an_identity(self, store: EventStore) -> None:
        assert len(store.epoch) >= 16

    async def test_a_closed_store_says_so(self, store: EventStore) -> None:
        await store.append(INC, 0, notes(INC, 1))
        await store.close()
        await store.close()
        with pytest.raises(StoreError, match="closed"):
            await store.append(INC, 1, [])
        with pytest.raises(StoreError, match="closed"):
            await store.read(INC)

    async def test_a_whole_log_is_proven(self, store: EventStore) -> None:
        records = notes(INC, 5)
        await store.append(INC, 0, records)
        await store.append(INC, 5, notes(INC, 1, head_of(records)), erase=[2, 3])
        proven = await store.prove(INC)
        assert (proven.head, proven.redacted, proven.broken) == (await store.head(INC), 2, None)
        assert (await store.prove(OTHER)).head == NOTHING
