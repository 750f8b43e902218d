"""The SQLite store passes the contract, and what is its own: files, lock, layout, epoch, group commit."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from tests.store.contract import INC, StoreContract
from tests.store.written import START, head_of, note, notes
from warroom.store import schema
from warroom.store.port import Appended, Conflict, Outcome, StoreBusy, StoreError, StoreLocked, StoreTooNew
from warroom.store.sqlite import SqliteStore


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "warroom.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    async with await SqliteStore.open(path) as opened:
        yield opened


class TestSqliteKeepsTheContract(StoreContract):
    pass


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestFiles:
    async def test_only_the_owner_reads_them(self, store: SqliteStore, path: Path) -> None:
        await store.append(INC, 0, notes(INC, 1))
        await store.backup(str(path.with_name("copy")))
        assert mode_of(path.parent) == 0o700
        assert {file.name: mode_of(file) for file in path.parent.iterdir()} == dict.fromkeys(
            (file.name for file in path.parent.iterdir()), 0o600
        )

    async def test_a_closed_log_is_one_file(self, path: Path) -> None:
        async with await SqliteStore.open(path) as store:
            await store.append(INC, 0, notes(INC, 1))
        assert not path.with_name("warroom.db-wal").exists()

    async def test_a_path_with_odd_characters(self, tmp_path: Path) -> None:
        path = tmp_path / "50% of #1?mode=memory&x" / "log å.db"
        async with await SqliteStore.open(path) as store:
            await store.append(INC, 0, notes(INC, 1))
        assert path.exists()
        async with await SqliteStore.open(path) as store:
            assert await store.read(INC) == notes(INC, 1)

    async def test_what_was_written_is_there_after_opening_again(self, path: Path) -> None:
        async with await SqliteStore.open(path) as store:
            epoch = store.epoch
            await store.append(INC, 0, notes(INC, 3), [Outcome("client-aa", 1, INC, 3)], summary=b"line")
        async with await SqliteStore.open(path) as store:
            assert store.epoch == epoch
            assert store.remarks == ()
            assert await store.read(INC) == notes(INC, 3)
            assert await store.outcomes("client-aa") == [Outcome("client-aa", 1, INC, 3)]
            assert isinstance(await store.append(INC, 3, notes(INC, 1, head_of(notes(INC, 3)))), Appended)

    async def test_a_directory_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(StoreError, match="cannot open"):
            await SqliteStore.open(tmp_path / "file" / "warroom.db")

    async def test_another_programs_database_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "other.db"
        other = apsw.Connection(str(path))
        other.execute("CREATE TABLE songs (title)")
        other.close()
        path.chmod(0o644)
        before = path.read_bytes()
        with pytest.raises(StoreError, match="another program"):
            await SqliteStore.open(path)
        assert path.read_bytes() == before
        assert mode_of(path) == 0o644

    async def test_a_text_file_is_not_a_log(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.txt"
        path.write_text("not a database\n" * 400)
        with pytest.raises(StoreError, match=r"not a readable log"):
            await SqliteStore.open(path)


class TestLock:
    async def test_a_second_store_is_refused_and_told_who_has_it(self, store: SqliteStore, path: Path) -> None:
        with pytest.raises(StoreLocked, match=f"process {os.getpid()}"):
            await SqliteStore.open(path)
        await store.append(INC, 0, notes(INC, 1))

    async def test_another_process_is_refused(self, store: SqliteStore, path: Path) -> None:
        code = (
            "import asyncio, sys\n"
            "from warroom.store.port import StoreLocked\n"
            "from warroom.store.sqlite import SqliteStore\n"
            "try:\n    asyncio.run(SqliteStore.open(sys.argv[1]))\n"
            "except StoreLocked as error:\n    print(error)\n"
        )
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60
        )
        assert f"in use by process {os.getpid()}" in done.stdout
        assert done.stderr == ""

    async def test_it_ends_with_the_store(self, path: Path) -> None:
        for _ in range(2):
            await (await SqliteStore.open(path)).close()

    async def test_a_program_that_writes_in_the_file_is_waited_for_then_named(
        self, store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store._writer._connection.set_busy_timeout(10)
        rival = apsw.Connection(str(path))
        rival.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            await store.append(INC, 0, notes(INC, 1))
        rival.execute("ROLLBACK")
        rival.close()
        assert isinstance(await store.append(INC, 0, notes(INC, 1)), Appended)


class TestLayout:
    async def test_a_newer_layout_is_refused(self, path: Path) -> None:
        await (await SqliteStore.open(path)).close()
        connection = apsw.Connection(str(path))
        connection.execute(f"PRAGMA user_version={len(schema.STEPS) + 1}")
        connection.close()
        with pytest.raises(StoreTooNew, match="upgrade warroom"):
            await SqliteStore.open(path)

    async def test_an_older_one_is_brought_forward_and_kept_beside(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with await SqliteStore.open(path) as store:
            await store.append(INC, 0, notes(INC, 3))
        step = "ALTER TABLE tokens ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'"
        monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, step))
        async with await SqliteStore.open(path) as store:
            assert await store.read(INC) == notes(INC, 3)
            kept = path.with_name("warroom.db.before-v2")
            assert any(str(kept) in remark for remark in store.remarks)
        monkeypatch.undo()
        with pytest.raises(StoreTooNew):
            await SqliteStore.open(path)
        async with await SqliteStore.open(kept) as older:
            assert await older.read(INC) == notes(INC, 3)

    async def test_a_step_that_fails_changes_nothing(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async with await SqliteStore.open(path) as store:
            await store.append(INC, 0, notes(INC, 3))
        monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, "DROP TABLE outcomes; DROP TABLE nowhere"))
        with pytest.raises(StoreError, match="is as it was"):
            await SqliteStore.open(path)
        monkeypatch.undo()
        async with await SqliteStore.open(path) as store:
            assert await store.read(INC) == notes(INC, 3)
            assert await store.outcomes("client-aa") == []

    async def test_the_settings_that_durability_stands_on(self, store: SqliteStore) -> None:
        writing = store._writer._connection
        wanted = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1, "trusted_schema": 0}
        assert {name: writing.pragma(name) for name in wanted} == wanted
        reading = store._readers.get()
        store._readers.put(reading)
        with pytest.raises(apsw.ReadOnlyError):
            reading.execute("DELETE FROM records")


class TestGroupCommit:
    async def test_calls_that_wait_together_share_a_transaction(self, store: SqliteStore) -> None:
        before = store.commits
        names = [f"INC-{number:04d}" for number in range(200)]
        await asyncio.gather(*(store.append(name, 0, notes(name, 1)) for name in names))
        assert store.commits - before < 100
        assert len(await store.incidents()) == 200

    async def test_a_caller_that_gives_up_does_not_disturb_the_others(self, store: SqliteStore) -> None:
        first = asyncio.create_task(store.append(INC, 0, notes(INC, 1)))
        await asyncio.sleep(0)
        first.cancel()
        other = await store.append("INC-0001", 0, notes("INC-0001", 1))
        assert isinstance(other, Appended)
        assert (await store.head(INC)).seq == 1

    async def test_calls_that_write_nothing_cost_no_sync(self, store: SqliteStore) -> None:
        await store.append(INC, 0, notes(INC, 1))
        before = store.commits
        for _ in range(20):
            assert await store.use_invite(b"guess" * 6, START) is None
            assert isinstance(await store.append(INC, 7, []), Conflict)
        assert store.commits == before
        await store.append(INC, 1, notes(INC, 1, head_of(notes(INC, 1))))
        assert store.commits == before + 1

    async def test_closing_finishes_what_waits(self, path: Path) -> None:
        store = await SqliteStore.open(path)
        records = notes(INC, 100)
        waiting = [asyncio.create_task(store.append(INC, at, [record])) for at, record in enumerate(records)]
        await asyncio.sleep(0)
        await store.close()
        assert all(isinstance(answer, Appended) for answer in await asyncio.gather(*waiting))
        async with await SqliteStore.open(path) as store:
            assert await store.read(INC) == records


class TestErasing:
    async def test_the_bytes_are_in_no_file(self, path: Path, tmp_path: Path) -> None:
        secret = "hunter2-" + "s3cr3t" * 4
        async with await SqliteStore.open(path) as store:
            records = notes(INC, 3)
            records.append(note(INC, head_of(records), f"the password is {secret}"))
            records.append(note(INC, head_of(records), f"{secret} " + "again " * 3000))
            records += notes(INC, 3, head_of(records))
            await store.append(INC, 0, records[:7], summary=f'{{"title":"{secret}"}}'.encode())
            assert any(secret.encode() in file.read_bytes() for file in path.parent.iterdir())
            await store.append(INC, 7, records[7:], erase=[4, 5], summary=b'{"title":"x"}')
            assert holding(path.parent, secret.encode()) == []
            assert holding(path.parent, records[3].salt or b"") == []
            await store.backup(str(tmp_path / "copies" / "copy"))
            assert [record.payload is None for record in await store.read(INC)] == [False] * 3 + [True] * 2 + [
                False
            ] * 3
        assert holding(path.parent, secret.encode()) == []
        assert holding(tmp_path / "copies", secret.encode()) == []

    async def test_a_reader_in_the_way_only_delays_it(self, path: Path) -> None:
        secret = b"hunter2-" + b"s3cr3t" * 4
        async with await SqliteStore.open(path) as store:
            records = [*notes(INC, 1), note(INC, head_of(notes(INC, 1)), secret.decode())]
            await store.append(INC, 0, records)
            reader = store._readers.get()
            rows = reader.execute("SELECT * FROM records")
            next(rows)
            await store.append(INC, 2, notes(INC, 1, head_of(records)), erase=[2])
            assert store._writer._heads.scrub
            shutil.copytree(path.parent, path.parent.with_name("crashed"))
            rows.close()
            store._readers.put(reader)
            await until_gone(path.parent, secret)
        crashed = path.parent.with_name("crashed")
        assert holding(crashed, secret)
        async with await SqliteStore.open(crashed / path.name):
            await until_gone(crashed, secret)


async def until_gone(directory: Path, secret: bytes) -> None:
    deadline = asyncio.get_running_loop().time() + 20
    while holding(directory, secret):
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)


def holding(directory: Path, secret: bytes) -> list[str]:
    """The files that hold the bytes."""
    return [file.name for file in directory.iterdir() if secret in file.read_bytes()]
