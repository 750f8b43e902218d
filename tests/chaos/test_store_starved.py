"""A disk that is full, or that fails: refused loudly and usable again, or stopped; never acknowledged on hope."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests.chaos.appender import FAILED
from tests.chaos.history import acks_in, check
from tests.store.written import head_of, notes
from warroom.incident.record import Record
from warroom.store import writer
from warroom.store.port import Appended, Outcome, StoreError, StoreFailed, StoreFull
from warroom.store.sqlite import SqliteStore
from warroom.store.verify import verify_incident

INC = "INC-7K3Q"
ROOT = Path(__file__).parents[2]


def mount(disk: Path, options: str) -> bool:
    return not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], capture_output=True
    ).returncode


def unmount(disk: Path) -> None:
    subprocess.run(["umount", "-l", str(disk)], check=True)


def may_mount() -> bool:
    with tempfile.TemporaryDirectory() as directory:
        mounted = mount(Path(directory), "size=64k")
        if mounted:
            unmount(Path(directory))
    return mounted


MOUNTS = may_mount()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte that can be made larger."""
    disk = tmp_path / "disk"
    disk.mkdir()
    assert mount(disk, "size=512k")
    yield disk
    unmount(disk)


@pytest.fixture
def shim(tmp_path: Path) -> Path:
    """A library that makes syncs fail on demand."""
    library = tmp_path / "shim.so"
    source = Path(__file__).with_name("failing_sync.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    return library


def names_in(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


async def fill(store: SqliteStore, text: str) -> list[Record]:
    """Append until it is refused; the records that were taken."""
    records: list[Record] = []
    while True:
        try:
            await store.append(INC, head_of(records).seq, more := notes(INC, 5, head_of(records), text))
        except StoreFull:
            return records
        records += more


class TestFullDisk:
    @pytest.mark.skipif(not MOUNTS, reason="mounting a small file system is not permitted here")
    async def test_it_refuses_keeps_what_it_has_and_goes_on_when_there_is_room(self, small_disk: Path) -> None:
        path = small_disk / "warroom.db"
        async with await SqliteStore.open(path) as store:
            records = await fill(store, "x" * 2000)
            more = notes(INC, 5, head_of(records), "x" * 2000)
            assert store.failure is None
            assert records
            assert await store.read(INC, limit=10**6) == records
            with pytest.raises(StoreFull):
                await store.append(INC, head_of(records).seq, more, [Outcome("client-aa", len(records) + 1)])
            with pytest.raises(StoreError, match="backup"):
                await store.backup(str(small_disk / "copy"))
            assert [name for name in names_in(small_disk) if "copy" in name] == []
            assert mount(small_disk, "remount,size=8m")
            answer = await store.append(INC, head_of(records).seq, more, [Outcome("client-aa", len(records) + 1)])
            assert isinstance(answer, Appended)
            records += more
        async with await SqliteStore.open(path) as store:
            assert store.remarks == ()
            assert await store.read(INC, limit=10**6) == records

    @pytest.mark.skipif(not MOUNTS, reason="mounting a small file system is not permitted here")
    async def test_one_that_is_too_large_does_not_take_the_others_with_it(self, small_disk: Path) -> None:
        async with await SqliteStore.open(small_disk / "warroom.db") as store:
            small = [store.append(f"INC-{number:04d}", 0, notes(f"INC-{number:04d}", 1)) for number in range(6)]
            large = store.append(INC, 0, notes(INC, 1, text="x" * 600_000))
            answers = await asyncio.gather(*small[:3], large, *small[3:], return_exceptions=True)
            assert isinstance(answers.pop(3), StoreFull)
            assert all(isinstance(answer, Appended) for answer in answers)

    async def test_a_limit_on_the_size_of_files_is_a_full_disk_too(self, tmp_path: Path) -> None:
        path = tmp_path / "warroom.db"
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            async with await SqliteStore.open(path) as store:
                resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
                records = await fill(store, "x" * 2000)
                more = notes(INC, 5, head_of(records))
                assert store.failure is None
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
                assert isinstance(await store.append(INC, head_of(records).seq, more), Appended)
                records += more
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, ignored)
        async with await SqliteStore.open(path) as store:
            assert await store.read(INC, limit=10**6) == records


class FailingDisk(apsw.VFS):
    """SQLite's own file layer, where syncs of files whose name ends so fail while `failing` is set."""

    def __init__(self, ending: str = "") -> None:
        self.failing = threading.Event()
        self._ending = ending
        super().__init__("failing-disk", "", maxpathname=0)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> FailingFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        return FailingFile(self.failing if path.endswith(self._ending) else threading.Event(), name, flags)


class FailingFile(apsw.VFSFile):
    def __init__(self, failing: threading.Event, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._failing = failing
        super().__init__("", name, flags)

    def xSync(self, flags: int) -> None:
        if self._failing.is_set():
            raise apsw.IOError("injected")
        super().xSync(flags)


class TestFailedSync:
    async def test_the_store_stops_for_good(self, tmp_path: Path) -> None:
        disk = FailingDisk()
        path = tmp_path / "warroom.db"
        records = notes(INC, 3)
        store = await SqliteStore.open(path, vfs="failing-disk")
        await store.append(INC, 0, records)
        disk.failing.set()
        many = [store.append(f"INC-{number:04d}", 0, notes(f"INC-{number:04d}", 1)) for number in range(5)]
        answers = await asyncio.gather(*many, return_exceptions=True)
        assert all(isinstance(answer, StoreFailed) for answer in answers)
        disk.failing.clear()
        with pytest.raises(StoreFailed):
            await store.append(INC, 3, notes(INC, 1, head_of(records)))
        with pytest.raises(StoreFailed):
            await store.read(INC)
        with pytest.raises(StoreFailed):
            await store.backup(str(tmp_path / "copy"))
        assert store.failure is not None
        await store.close()
        disk.unregister()
        async with await SqliteStore.open(path) as store:
            assert (await store.read(INC))[:3] == records
            assert (await verify_incident(store, INC)).whole

    async def test_a_checkpoint_that_cannot_sync_stops_it_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writer, "CHECKPOINT_PAGES", 1)
        disk = FailingDisk("warroom.db")
        path = tmp_path / "warroom.db"
        store = await SqliteStore.open(path, vfs="failing-disk")
        records = notes(INC, 3)
        disk.failing.set()
        assert isinstance(await store.append(INC, 0, records), Appended), "its own sync, of the other file, succeeded"
        await store._writer.stop()
        assert store.failure is not None
        with pytest.raises(StoreFailed):
            await store.append(INC, 3, notes(INC, 1, head_of(records)))
        await store.close()
        disk.unregister()
        async with await SqliteStore.open(path) as store:
            assert await store.read(INC) == records

    @pytest.mark.skipif(shutil.which("gcc") is None, reason="no compiler for the failing fdatasync")
    async def test_a_process_whose_fdatasync_fails_stops_and_acknowledges_nothing_more(
        self, shim: Path, tmp_path: Path
    ) -> None:
        trigger, path = tmp_path / "trigger", tmp_path / "warroom.db"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.appender", str(path), "3", "0"),
            cwd=ROOT,
            env={**os.environ, "LD_PRELOAD": str(shim), "WARROOM_TEST_TRIGGER": str(trigger)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        text = b""
        while text.count(b"\n") < 20:
            text += await process.stdout.read(4096)
        trigger.touch()
        rest, errors = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == FAILED, errors
        assert b"could not be written" in errors
        acks = acks_in(text + rest)
        await check(path, acks)
