"""Torn, flipped, cut and swapped files: the log is what was acknowledged, or the damage is named. Never neither.

WARROOM_CHAOS_ROUNDS multiplies the cases, WARROOM_CHAOS_SEED chooses them.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import apsw
import pytest

from tests.store.written import head_of, notes
from warroom.incident.record import Record
from warroom.store.port import Outcome, StoreDamaged, StoreError
from warroom.store.sqlite import SqliteStore
from warroom.store.verify import verify_incident

CASES = 25 * max(1, int(os.environ.get("WARROOM_CHAOS_ROUNDS", "30")) // 30)
SEED = int(os.environ.get("WARROOM_CHAOS_SEED", "1"))
NAMES = ("INC-7K3Q", "INC-9TZM", "INC-0001")


@dataclass(frozen=True)
class Master:
    """A log as a power cut leaves it: a database, a write-ahead log with most of it, a witness."""

    directory: Path
    logs: dict[str, list[Record]]
    epoch: str


async def write_master(directory: Path) -> Master:
    live = directory / "live"
    master = directory / "master"
    logs: dict[str, list[Record]] = {name: [] for name in NAMES}
    async with await SqliteStore.open(live / "warroom.db") as store:
        for turn in range(40):
            name = NAMES[turn % 3]
            more = notes(name, 1 + turn % 4, head_of(logs[name]), "x" * (turn * 37 % 900))
            outcome = Outcome(name, turn + 1, name, more[-1].seq)
            await store.append(name, head_of(logs[name]).seq, more, [outcome], summary=b'{"turn":%d}' % turn)
            logs[name] += more
            if turn == 12:
                store._writer._connection.wal_checkpoint()
        shutil.copytree(live, master)
        epoch = store.epoch
    return Master(master, logs, epoch)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Master:
    return asyncio.run(write_master(tmp_path_factory.mktemp("damage")))


async def verdict_on(path: Path, master: Master) -> str:
    """`whole`: all is there. `named`: an error says what is wrong. Anything else fails here."""
    try:
        store = await SqliteStore.open(path)
    except StoreError:
        return "named"
    async with store:
        named = False
        listed = {summary.incident for summary in await store.incidents()}
        for name, records in master.logs.items():
            proof = await verify_incident(store, name)
            if not proof.whole:
                named = True
                continue
            assert name in listed
            assert await store.read(name, limit=10**6) == records, f"{name} is another log, and nobody said so"
        return "named" if named else "whole"


def damaged(master: Master, tmp_path: Path, damage: Callable[[Path], None]) -> str:
    copy = tmp_path / "case"
    shutil.copytree(master.directory, copy)
    try:
        damage(copy)
        return asyncio.run(verdict_on(copy / "warroom.db", master))
    finally:
        shutil.rmtree(copy)


def flip(path: Path, at: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


def test_undamaged_it_is_whole(master: Master, tmp_path: Path) -> None:
    assert damaged(master, tmp_path, lambda copy: None) == "whole"


@pytest.mark.parametrize(
    "kind", ["flip wal", "cut wal", "zero wal", "flip db", "cut db", "zero db", "flip witness", "mix"]
)
def test_no_damage_is_silent(master: Master, tmp_path: Path, kind: str) -> None:
    chance = random.Random(f"{SEED} {kind}")
    what, _, which = kind.partition(" ")
    name = {"wal": "warroom.db-wal", "db": "warroom.db", "witness": "warroom.db.witness"}
    size = {key: (master.directory / file).stat().st_size for key, file in name.items()}
    verdicts: Counter[str] = Counter()

    def damage(copy: Path) -> None:
        target = which or chance.choice(("wal", "db", "witness"))
        path = copy / name[target]
        at = chance.randrange(size[target])
        how = what if what != "mix" else chance.choice(("flip", "cut", "zero"))
        if how == "flip":
            flip(path, at, chance.randrange(8))
        elif how == "cut":
            os.truncate(path, at)
        else:
            with path.open("r+b") as file:
                file.seek(at // 512 * 512)
                file.write(bytes(512))

    for _ in range(CASES):
        verdicts[damaged(master, tmp_path, damage)] += 1
    if which == "wal" and what == "cut":
        assert verdicts["named"] == CASES, "a cut write-ahead log has lost what was acknowledged"
    if which == "witness":
        assert verdicts["whole"] == CASES, "the log itself is whole"


def test_a_write_ahead_log_cut_at_its_very_last_frame(master: Master, tmp_path: Path) -> None:
    size = (master.directory / "warroom.db-wal").stat().st_size
    for cut in (1, 24, 4096, 4120):
        assert (
            damaged(master, tmp_path, lambda copy, cut=cut: os.truncate(copy / "warroom.db-wal", size - cut)) == "named"
        )


def test_a_write_ahead_log_that_was_left_behind(master: Master, tmp_path: Path) -> None:
    assert damaged(master, tmp_path, lambda copy: (copy / "warroom.db-wal").unlink()) == "named"


class TestGoingOn:
    def test_the_loss_is_named_and_the_log_becomes_another(self, master: Master, tmp_path: Path) -> None:
        copy = tmp_path / "case"
        shutil.copytree(master.directory, copy)
        path = copy / "warroom.db"
        size = (copy / "warroom.db-wal").stat().st_size
        os.truncate(copy / "warroom.db-wal", size - 1)
        last = NAMES[39 % 3]
        lost = master.logs[last][-1].seq
        with pytest.raises(StoreDamaged, match=f"record {lost} was acknowledged") as caught:
            asyncio.run(SqliteStore.open(path))
        assert caught.value.where.startswith(f"{last} seq")

        async def go_on() -> None:
            async with await SqliteStore.open(path, on_damage="continue") as store:
                assert store.epoch != master.epoch
                assert any("was acknowledged" in remark for remark in store.remarks)
                head = await store.head(last)
                kept = master.logs[last][: head.seq]
                assert await store.read(last) == kept
                await store.append(last, head.seq, notes(last, 1, head))
            async with await SqliteStore.open(path) as store:
                assert store.remarks == ()

        asyncio.run(go_on())
        aside = [entry for entry in copy.iterdir() if ".damaged-" in entry.name]
        assert len(aside) == 1
        assert (aside[0] / "warroom.db-wal").stat().st_size == size - 1

    def test_an_older_copy_put_in_place_by_hand(self, tmp_path: Path) -> None:
        path = tmp_path / "warroom.db"

        async def swap() -> None:
            async with await SqliteStore.open(path) as store:
                records = notes("INC-7K3Q", 5)
                await store.append("INC-7K3Q", 0, records)
            older = path.read_bytes()
            async with await SqliteStore.open(path) as store:
                await store.append("INC-7K3Q", 5, notes("INC-7K3Q", 3, head_of(records)))
            path.write_bytes(older)
            with pytest.raises(StoreDamaged, match="ends at record 5, but record 8 was acknowledged"):
                await SqliteStore.open(path)

        asyncio.run(swap())

    def test_another_log_put_in_place(self, tmp_path: Path) -> None:
        async def swap() -> None:
            for name in ("one", "two"):
                async with await SqliteStore.open(tmp_path / name / "warroom.db") as store:
                    await store.append("INC-7K3Q", 0, notes("INC-7K3Q", 2, text=name))
            shutil.copy(tmp_path / "two" / "warroom.db", tmp_path / "one" / "warroom.db")
            with pytest.raises(StoreDamaged, match="another was put in its place"):
                await SqliteStore.open(tmp_path / "one" / "warroom.db")

        asyncio.run(swap())

    def test_a_lost_token_is_noticed_too(self, tmp_path: Path) -> None:
        path = tmp_path / "warroom.db"

        async def cut() -> None:
            store = await SqliteStore.open(path)
            await store.append("INC-7K3Q", 0, notes("INC-7K3Q", 2))
            await store.claim_client("client-aa", "jana")
            shutil.copytree(tmp_path, tmp_path / "copy")
            await store.close()
            wal = tmp_path / "copy" / "warroom.db-wal"
            os.truncate(wal, wal.stat().st_size - 1)
            with pytest.raises(StoreDamaged, match="the last 1 acknowledged transactions are missing"):
                await SqliteStore.open(tmp_path / "copy" / "warroom.db")

        asyncio.run(cut())

    def test_a_missing_witness_is_told(self, master: Master, tmp_path: Path) -> None:
        copy = tmp_path / "case"
        shutil.copytree(master.directory, copy)
        (copy / "warroom.db.witness").unlink()

        async def look() -> tuple[str, ...]:
            async with await SqliteStore.open(copy / "warroom.db") as store:
                return store.remarks

        assert "witness is missing" in asyncio.run(look())[0]


class TestEditedByHand:
    """Somebody with SQL and without the witness."""

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ("DELETE FROM records WHERE id & 0xFFFFFFFF = 9", "not the one its head names"),
            ("UPDATE incidents SET seq = 8", "not the one its head names"),
            ("UPDATE incidents SET hash = zeroblob(32)", "not the one its head names"),
            ("UPDATE incidents SET seq = 12", "not the one its head names"),
        ],
    )
    async def test_a_moved_head_is_refused_at_the_door(self, tmp_path: Path, change: str, words: str) -> None:
        path = tmp_path / "warroom.db"
        await written_then(path, change)
        with pytest.raises(StoreDamaged, match=words):
            await SqliteStore.open(path)

    @pytest.mark.parametrize(
        ("change", "seq"),
        [
            ("UPDATE records SET payload = x'7b7d' WHERE id & 0xFFFFFFFF = 4", 4),
            ("UPDATE records SET duty = '' WHERE id & 0xFFFFFFFF = 1", 1),
            ("DELETE FROM records WHERE id & 0xFFFFFFFF = 6", 6),
            ("UPDATE records SET occurred_at = 'noon' WHERE id & 0xFFFFFFFF = 3", 3),
        ],
    )
    async def test_a_changed_record_is_never_returned(self, tmp_path: Path, change: str, seq: int) -> None:
        path = tmp_path / "warroom.db"
        records = await written_then(path, change)
        async with await SqliteStore.open(path) as store:
            with pytest.raises(StoreDamaged) as caught:
                await store.read("INC-7K3Q")
            assert (caught.value.where, caught.value.seq) == (f"INC-7K3Q seq {seq}", seq)
            assert await store.read("INC-7K3Q", after=7) == records[7:], "what is whole stays readable"

    async def test_a_gap_is_found_at_the_door_after_a_crash(self, tmp_path: Path) -> None:
        path = tmp_path / "warroom.db"
        await written_then(path, "DELETE FROM records WHERE id & 0xFFFFFFFF = 6")
        path.with_name("warroom.db.lock").write_text("4194304\n")
        with pytest.raises(StoreDamaged, match="should have 9 records and has 8"):
            await SqliteStore.open(path)


async def written_then(path: Path, change: str) -> list[Record]:
    records = notes("INC-7K3Q", 9)
    async with await SqliteStore.open(path) as store:
        await store.append("INC-7K3Q", 0, records)
    path.with_name("warroom.db.witness").unlink()
    editor = apsw.Connection(str(path))
    editor.execute(change)
    editor.close()
    return records
