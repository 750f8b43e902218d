"""Export, import and verification of one incident."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.store.contract import INC, OTHER
from tests.store.written import NOTHING, START, head_of, note, notes, redacted
from warroom.incident.chain import seal_all, sign_head
from warroom.incident.events import IncidentDeclared
from warroom.incident.record import Record
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Proposed
from warroom.incident.words import Access
from warroom.store.archive import (
    ArchiveError,
    export_file,
    export_lines,
    import_archive,
    read_archive,
    read_file,
    verify_archive,
)
from warroom.store.port import Head
from warroom.store.sqlite import SqliteStore
from warroom.store.verify import verify_all, verify_incident

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with await SqliteStore.open(tmp_path / "one" / "warroom.db") as opened:
        yield opened


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with await SqliteStore.open(tmp_path / "two" / "warroom.db") as opened:
        yield opened


async def sign(store: SqliteStore, head: Head, incident: str = INC) -> None:
    signature = sign_head(KEY, incident, head.seq, head.hash)
    await store.put_signed_head(incident, head.seq, head.hash, signature, START)


async def lines_of(store: SqliteStore, incident: str = INC) -> list[bytes]:
    return [line async for line in export_lines(store, incident, PUBLIC)]


def declared(title: str) -> list[Record]:
    """A log as the core itself seals it."""
    event = IncidentDeclared.model_validate({"type": "incident-declared", "title": title})
    actor = Actor("jana", Access.COMMANDER)
    now = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    salts = [secrets.token_bytes(16)]
    return list(seal_all(IncidentState(id=INC), [Proposed(event)], actor, now, "client-aa", 1, salts)[0])


class TestRoundTrip:
    async def test_a_log_goes_out_and_comes_back_the_same(
        self, store: SqliteStore, other: SqliteStore, tmp_path: Path
    ) -> None:
        records = notes(INC, 1200)
        await store.append(INC, 0, records)
        await sign(store, head_of(records[:600]))
        await sign(store, head_of(records))
        path = tmp_path / "INC-7K3Q.jsonl"
        assert await export_file(store, INC, path, PUBLIC) == head_of(records)
        assert path.stat().st_mode & 0o777 == 0o600
        archive = read_file(path)
        proof = verify_archive(archive, PUBLIC)
        assert (proof.broken, proof.records, proof.signatures) == (None, 1200, 2)
        imported = await import_archive(other, archive)
        assert (imported.head, imported.added) == (head_of(records), 1200)
        assert await other.read(INC, limit=2000) == records
        assert await other.signed_heads(INC) == await store.signed_heads(INC)
        again = await import_archive(other, archive)
        assert (again.head, again.added) == (head_of(records), 0)

    async def test_the_list_of_incidents_has_it_afterwards(self, store: SqliteStore, other: SqliteStore) -> None:
        records = declared("Checkout is failing")
        await store.append(INC, 0, records)
        await import_archive(other, read_archive(await lines_of(store)))
        line = orjson.loads((await other.incidents())[0].body)
        assert (line["incident"], line["title"], line["seq"]) == (INC, "Checkout is failing", 1)

    async def test_a_longer_archive_adds_what_is_missing(self, store: SqliteStore, other: SqliteStore) -> None:
        records = notes(INC, 30)
        await store.append(INC, 0, records)
        await other.append(INC, 0, records[:12])
        imported = await import_archive(other, read_archive(await lines_of(store)))
        assert imported.added == 18
        assert await other.read(INC) == records
        shorter = await import_archive(other, read_archive(await lines_of(store)))
        assert shorter.added == 0

    async def test_an_older_archive_changes_nothing(self, store: SqliteStore, other: SqliteStore) -> None:
        records = notes(INC, 30)
        await store.append(INC, 0, records[:12])
        await other.append(INC, 0, records)
        imported = await import_archive(other, read_archive(await lines_of(store)))
        assert (imported.added, imported.head) == (0, head_of(records))


class TestRedaction:
    async def test_an_old_archive_does_not_bring_a_secret_back(self, store: SqliteStore) -> None:
        records = notes(INC, 3)
        await store.append(INC, 0, records)
        archive = read_archive(await lines_of(store))
        await store.append(INC, 3, notes(INC, 1, head_of(records)), erase=[2])
        await import_archive(store, archive)
        assert (await store.read(INC))[1].payload is None

    async def test_an_erased_record_travels_erased_and_verifies(self, store: SqliteStore, other: SqliteStore) -> None:
        records = notes(INC, 3)
        await store.append(INC, 0, records)
        await other.append(INC, 0, records)
        await store.append(INC, 3, notes(INC, 1, head_of(records)), erase=[2])
        lines = await lines_of(store)
        assert orjson.loads(lines[2])["event"] is None
        archive = read_archive(lines)
        assert verify_archive(archive).redacted == 1
        await import_archive(other, archive)
        assert (await other.read(INC))[1] == redacted(records[1])


class TestRefusals:
    async def test_another_history_of_the_same_id(self, store: SqliteStore, other: SqliteStore) -> None:
        await store.append(INC, 0, notes(INC, 5))
        mine = notes(INC, 2) + notes(INC, 2, head_of(notes(INC, 2)), "elsewhere")
        await other.append(INC, 0, mine)
        with pytest.raises(ArchiveError, match="part at record 3"):
            await import_archive(other, read_archive(await lines_of(store)))
        assert await other.read(INC) == mine

    @pytest.mark.parametrize("field", ["actor", "at", "event", "tag", "seq", "hash", "payload_hash", "n", "salt"])
    async def test_a_changed_record_is_named(self, store: SqliteStore, other: SqliteStore, field: str) -> None:
        await store.append(INC, 0, notes(INC, 5))
        lines = await lines_of(store)
        body = orjson.loads(lines[3])
        body[field] = {
            "event": {"type": "note-added", "text": "all is well"},
            "at": "2026-11-21T03:04:09.000000Z",
            "seq": 4,
            "n": 9,
            "tag": "chat-said",
            "actor": "omar",
        }.get(field, "ab" * (16 if field == "salt" else 32))
        lines[3] = orjson.dumps(body)
        archive = read_archive(lines)
        broken = verify_archive(archive).broken
        assert broken is not None
        assert broken.seq == 3
        with pytest.raises(ArchiveError, match="record 3"):
            await import_archive(other, archive)
        assert await other.head(INC) == NOTHING

    async def test_a_cut_or_reordered_one(self, store: SqliteStore) -> None:
        await store.append(INC, 0, notes(INC, 5))
        lines = await lines_of(store)
        for cut, seq in (
            (lines[:4], 4),
            ([*lines[:2], *lines[3:]], 2),
            ([*lines[:3], lines[4], lines[3], lines[5]], 3),
        ):
            broken = verify_archive(read_archive(cut)).broken
            assert broken is not None
            assert broken.seq == seq

    async def test_a_rewritten_log_is_refuted_by_a_signed_head(self, store: SqliteStore, other: SqliteStore) -> None:
        honest = notes(INC, 5)
        await store.append(INC, 0, honest)
        await sign(store, head_of(honest[:4]))
        forged = notes(INC, 3) + notes(INC, 2, head_of(notes(INC, 3)), "rewritten")
        await other.append(INC, 0, forged)
        await sign(other, head_of(honest[:4]))
        for proof in (await verify_incident(other, INC, PUBLIC), verify_archive(read_archive(await lines_of(other)))):
            assert proof.broken is not None
            assert (proof.broken.seq, "rewritten" in proof.broken.what) == (4, True)

    async def test_a_log_cut_before_a_signed_head(self, store: SqliteStore) -> None:
        honest = notes(INC, 5)
        await store.append(INC, 0, honest[:3])
        await sign(store, head_of(honest))
        proof = await verify_incident(store, INC, PUBLIC)
        assert proof.broken is not None
        assert "cut" in proof.broken.what

    async def test_a_signature_of_another_key(self, store: SqliteStore) -> None:
        records = notes(INC, 2)
        await store.append(INC, 0, records)
        await sign(store, head_of(records))
        stranger = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        proof = verify_archive(read_archive(await lines_of(store)), stranger)
        assert (proof.broken, proof.signatures, proof.others) == (None, 0, 1)

    async def test_an_imported_log_verifies_beside_the_importers_own_key(
        self, store: SqliteStore, other: SqliteStore
    ) -> None:
        records = notes(INC, 2)
        await store.append(INC, 0, records)
        await sign(store, head_of(records))
        await import_archive(other, read_archive(await lines_of(store)))
        mine = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        proof = await verify_incident(other, INC, mine)
        assert (proof.broken, proof.signatures, proof.others) == (None, 0, 1)
        assert (await verify_incident(other, INC, PUBLIC)).signatures == 1

    async def test_an_unknown_incident(self, store: SqliteStore) -> None:
        with pytest.raises(ArchiveError, match="no incident INC-9TZM"):
            await lines_of(store, OTHER)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (b"", "first line|header"),
            (b"hello\n", "not JSON"),
            (b"[1]\n", "not a JSON object"),
            (b'{"format":"other"}\n', "not an archive"),
            (b'{"format":"warroom-incident","version":2}\n', "upgrade warroom"),
            (b'{"format":"warroom-incident","version":1,"incident":"../etc"}\n', "no incident id"),
            (b'{"format":"warroom-incident","version":1,"incident":["INC-7K3Q"]}\n', "no incident id"),
            (b'{"format":"warroom-incident","version":1,"incident":"INC-7K3Q"}\n', "line 1"),
            (b'{"format":"warroom-incident","version":1,"incident":"INC-7K3Q"}\n{"seq":1}\n', "line 2"),
            (b'{"format":"warroom-incident","version":1,"incident":"INC-7K3Q"}\n' + b"[" * 5000, "line 2"),
            (b'{"format":"warroom-incident","version":1,"incident":"INC-7K3Q"}\nNaN\n', "line 2"),
        ],
    )
    def test_what_is_no_archive(self, tmp_path: Path, text: bytes, words: str) -> None:
        path = tmp_path / "file.jsonl"
        path.write_bytes(text)
        with pytest.raises(ArchiveError, match=words):
            read_file(path)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ArchiveError, match="cannot read"):
            read_file(tmp_path / "nothing")


class TestVerifyingAStore:
    async def test_every_incident_is_proven(self, store: SqliteStore) -> None:
        for name, count in ((INC, 2500), (OTHER, 3)):
            await store.append(name, 0, notes(name, count))
        await sign(store, head_of(notes(OTHER, 3)), OTHER)
        proofs = [proof async for proof in verify_all(store, PUBLIC)]
        assert [(proof.incident, proof.records, proof.whole, proof.signatures) for proof in proofs] == [
            (INC, 2500, True, 0),
            (OTHER, 3, True, 1),
        ]

    @pytest.mark.parametrize(
        ("change", "seq"),
        [
            ("UPDATE records SET actor = 'omar' WHERE id & 0xFFFFFFFF = 1500", 1500),
            ("UPDATE records SET payload = x'7b7d' WHERE id & 0xFFFFFFFF = 2", 2),
            ("UPDATE records SET salt = NULL WHERE id & 0xFFFFFFFF = 2", 2),
            ("UPDATE records SET payload = NULL WHERE id & 0xFFFFFFFF = 2", 2),
            ("UPDATE records SET recorded_at = 'yesterday' WHERE id & 0xFFFFFFFF = 7", 7),
            ("UPDATE records SET hash = zeroblob(32) WHERE id & 0xFFFFFFFF = 1000", 1000),
            ("DELETE FROM records WHERE id & 0xFFFFFFFF = 1001", 1001),
            ("DELETE FROM records WHERE id & 0xFFFFFFFF > 1900", 1901),
        ],
    )
    async def test_the_first_changed_record_is_named(self, store: SqliteStore, change: str, seq: int) -> None:
        await store.append(INC, 0, [*notes(INC, 1999), note(INC, head_of(notes(INC, 1999)))])
        store._writer._connection.execute(change)
        proof = await verify_incident(store, INC)
        assert proof.broken is not None
        assert str(seq) in str(proof.broken)
