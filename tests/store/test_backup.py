"""Backups prove themselves before they replace a log, and a restored log is another log."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.store.contract import INC, OTHER
from tests.store.written import head_of, notes
from warroom.store.backup import restore
from warroom.store.port import Outcome, StoreDamaged, StoreError, StoreLocked, StoreTooNew
from warroom.store.sqlite import SqliteStore
from warroom.store.verify import verify_all


async def write(path: Path, counts: dict[str, int]) -> str:
    async with await SqliteStore.open(path) as store:
        for name, count in counts.items():
            head = await store.head(name)
            more = notes(name, count, head)
            await store.append(name, head.seq, more, [Outcome(name, more[-1].seq, name, more[-1].seq)])
        return store.epoch


async def back_up(path: Path, copy: Path) -> None:
    async with await SqliteStore.open(path) as store:
        await store.backup(str(copy))


def manifest_of(copy: Path) -> Path:
    return copy.with_name(copy.name + ".manifest.json")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "warroom.db"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "monday.db"


async def test_a_restored_log_is_as_it_was_under_another_epoch(path: Path, copy: Path) -> None:
    epoch = await write(path, {INC: 2000, OTHER: 3})
    await back_up(path, copy)
    assert sorted(file.name for file in copy.parent.iterdir()) == ["monday.db", "monday.db.manifest.json"]
    await write(path, {INC: 50})
    restored = restore(copy, path)
    assert restored.heads == {INC: head_of(notes(INC, 2000)), OTHER: head_of(notes(OTHER, 3))}
    async with await SqliteStore.open(path) as store:
        assert store.epoch == restored.epoch != epoch
        assert store.remarks == ()
        assert await store.read(INC, limit=10**6) == notes(INC, 2000)
        assert await store.outcomes(INC) == [Outcome(INC, 2000, INC, 2000)]
        assert all([proof.whole async for proof in verify_all(store)])
    async with await SqliteStore.open(path) as store:
        assert store.remarks == ()


async def test_the_log_it_replaces_is_kept_whole(path: Path, copy: Path) -> None:
    epoch = await write(path, {INC: 5})
    await back_up(path, copy)
    await write(path, {INC: 7})
    replaced = restore(copy, path).replaced
    assert replaced is not None
    async with await SqliteStore.open(replaced) as older:
        assert older.epoch == epoch
        assert older.remarks == ()
        assert len(await older.read(INC)) == 12


async def test_restoring_where_nothing_is(path: Path, copy: Path, tmp_path: Path) -> None:
    await write(path, {INC: 5})
    await back_up(path, copy)
    target = tmp_path / "new" / "place.db"
    assert restore(copy, target).replaced is None
    async with await SqliteStore.open(target) as store:
        assert await store.read(INC) == notes(INC, 5)


async def test_the_manifest_says_what_is_inside(path: Path, copy: Path) -> None:
    epoch = await write(path, {INC: 5})
    await back_up(path, copy)
    body = orjson.loads(manifest_of(copy).read_bytes())
    assert (body["format"], body["version"], body["epoch"]) == ("warroom-backup", 1, epoch)
    assert body["size"] == copy.stat().st_size
    assert body["heads"] == {INC: {"seq": 5, "hash": head_of(notes(INC, 5)).hash.hex()}}


async def test_not_while_a_server_runs_on_it(path: Path, copy: Path) -> None:
    await write(path, {INC: 5})
    await back_up(path, copy)
    async with await SqliteStore.open(path):
        with pytest.raises(StoreLocked):
            restore(copy, path)


async def test_a_backup_that_was_changed_is_refused_and_the_log_stays(path: Path, copy: Path) -> None:
    await write(path, {INC: 300})
    await back_up(path, copy)
    before = path.read_bytes()
    honest = copy.read_bytes()
    spoilt = bytearray(honest)
    spoilt[len(spoilt) // 2] ^= 1
    copy.write_bytes(spoilt)
    with pytest.raises(StoreDamaged, match="checksum"):
        restore(copy, path)
    copy.write_bytes(honest[:-4096])
    with pytest.raises(StoreDamaged, match="checksum"):
        restore(copy, path)
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "warroom.db",
        "warroom.db.lock",
        "warroom.db.witness",
    ]


async def test_a_forged_backup_with_a_fitting_checksum_is_refused(path: Path, copy: Path) -> None:
    store = await SqliteStore.open(path)
    await store.append(INC, 0, notes(INC, 5))
    store._writer._connection.execute("UPDATE records SET actor = 'nobody' WHERE id & 0xFFFFFFFF = 4")
    await store.backup(str(copy))
    await store.close()
    with pytest.raises(StoreDamaged, match="record 4") as caught:
        restore(copy, path)
    assert caught.value.where == f"{INC} seq 4"


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (b"hello", StoreDamaged, "not JSON"),
        (b"[]", StoreDamaged, "not the manifest"),
        (b'{"format":"tar"}', StoreDamaged, "not the manifest"),
        (b'{"format":"warroom-backup","version":2,"layout":1}', StoreTooNew, "newer"),
        (b'{"format":"warroom-backup","version":1,"layout":99}', StoreTooNew, "newer"),
        (b'{"format":"warroom-backup","version":1,"layout":1}', StoreDamaged, "lacks"),
        (b'{"format":"warroom-backup","version":1,"layout":1,"sha256":"00","heads":{}}', StoreDamaged, "checksum"),
    ],
)
async def test_a_manifest_that_is_none(
    path: Path, copy: Path, body: bytes, error: type[StoreError], words: str
) -> None:
    await write(path, {INC: 5})
    await back_up(path, copy)
    manifest_of(copy).write_bytes(body)
    with pytest.raises(error, match=words):
        restore(copy, path)


async def test_without_a_manifest(path: Path, copy: Path) -> None:
    await write(path, {INC: 5})
    await back_up(path, copy)
    manifest_of(copy).unlink()
    with pytest.raises(StoreError, match="manifest"):
        restore(copy, path)


async def test_a_damaged_log_can_be_replaced(path: Path, copy: Path) -> None:
    await write(path, {INC: 300})
    await back_up(path, copy)
    path.write_bytes(b"\x00" * 8192)
    with pytest.raises(StoreError):
        await SqliteStore.open(path)
    assert restore(copy, path).replaced is not None
    async with await SqliteStore.open(path) as store:
        assert await store.read(INC) == notes(INC, 300)
