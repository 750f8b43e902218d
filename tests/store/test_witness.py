"""The head witness as a file: what it says again, when it is torn, large, or cannot be written."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from warroom.store import witness as module
from warroom.store.port import Head
from warroom.store.sqlite import SqliteStore
from warroom.store.witness import Witness, read_witness

INC = "INC-7K3Q"


def head(seq: int) -> Head:
    return Head(seq, bytes([seq % 256]) * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "warroom.db.witness"


@pytest.fixture
def written(path: Path) -> Witness:
    witness = Witness(path, "epoch-1")
    witness.rewrite(7, [(INC, head(3)), ("INC-9TZM", head(4))])
    witness.note(8, {INC: head(5)})
    witness.note(9, {})
    return witness


def test_it_says_again_what_it_was_told(written: Witness, path: Path) -> None:
    said = read_witness(path)
    assert said is not None
    assert (said.epoch, said.commits, said.unreadable) == ("epoch-1", 9, 0)
    assert said.heads == {INC: head(5), "INC-9TZM": head(4)}
    written.close()


def test_none_is_none(path: Path) -> None:
    assert read_witness(path) is None


def test_a_torn_last_line_is_as_if_it_were_not_there(written: Witness, path: Path) -> None:
    written.note(10, {INC: head(6)})
    written.close()
    whole = path.read_bytes()
    for cut in range(2, 60):
        path.write_bytes(whole[:-cut])
        said = read_witness(path)
        assert said is not None
        assert (said.commits, said.heads[INC], said.unreadable) == (9, head(5), 0)


def test_every_flipped_bit_is_noticed_and_believed_by_nobody(written: Witness, path: Path) -> None:
    written.close()
    whole = path.read_bytes()
    for place in range(len(whole)):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 << place % 8
        path.write_bytes(spoilt)
        said = read_witness(path)
        assert said is not None
        assert said.commits <= 9
        assert said.epoch in ("epoch-1", "")
        assert said.heads.get(INC, head(5)) in (head(3), head(5))


def test_it_is_written_anew_when_large(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REWRITE_BYTES", 2000)
    witness = Witness(path, "epoch-1")
    witness.rewrite(0, [])
    number = 0
    while not witness.is_large:
        number += 1
        witness.note(number, {INC: head(number)})
    witness.rewrite(number, [(INC, head(number))])
    assert not witness.is_large
    assert path.stat().st_size < 400
    witness.close()


def test_after_a_failed_write_it_waits_for_a_rewrite(written: Witness, path: Path) -> None:
    os.close(written._descriptor)
    written._descriptor = os.open("/dev/full", os.O_WRONLY)
    written.note(10, {INC: head(6)})
    assert written.is_broken
    written.note(11, {INC: head(7)})
    said = read_witness(path)
    assert said is not None
    assert said.commits == 9
    written.rewrite(11, [(INC, head(7))])
    assert not written.is_broken
    written.close()
    said = read_witness(path)
    assert said is not None
    assert (said.commits, said.heads) == (11, {INC: head(7)})


def test_a_directory_that_is_gone_is_no_error_of_the_log(written: Witness, path: Path) -> None:
    path.rename(path.with_name("away"))
    path.parent.chmod(0o500)
    try:
        missing = Witness(path.parent / "nowhere" / "witness", "epoch-1")
        missing.rewrite(1, [])
        assert missing.is_broken
    finally:
        path.parent.chmod(0o700)
    written.close()


async def test_an_idle_store_syncs_it(tmp_path: Path) -> None:
    async with await SqliteStore.open(tmp_path / "warroom.db") as store:
        await store.claim_client("client-aa", "jana")
        witness = store._writer._witness
        deadline = asyncio.get_running_loop().time() + 20
        while witness.unsynced:
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.01)
        said = read_witness(tmp_path / "warroom.db.witness")
        assert said is not None
        assert said.commits == store.commits
