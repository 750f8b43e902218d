from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warroom.client.outbox import Answer, Outbox

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NOTE = {"type": "add-note", "text": "hello"}


def test_numbers_go_on_where_they_were_and_commands_wait_for_their_answer(tmp_path: Path) -> None:
    box = Outbox.open(tmp_path / "outbox.db")
    assert [box.add("INC-7K3Q", NOTE, AT), box.add("", {"type": "declare-incident", "title": "x"}, AT)] == [1, 2]
    box.settle([Answer(1)], AT)
    client = box.client
    box.close()
    again = Outbox.open(tmp_path / "outbox.db")
    assert again.client == client
    assert [(one.n, one.incident, one.command["type"], one.made_at) for one in again.unsent()] == [
        (2, "", "declare-incident", AT)
    ]
    assert again.add("INC-7K3Q", NOTE, AT) == 3
    again.close()


def test_a_refusal_is_kept_until_it_is_seen(tmp_path: Path) -> None:
    box = Outbox.open(tmp_path / "outbox.db")
    box.add("INC-7K3Q", NOTE, AT)
    box.settle([Answer(1, "over", "INC-7K3Q is closed; reopen it first")], AT)
    box.close()
    box = Outbox.open(tmp_path / "outbox.db")
    [refused] = box.refused()
    assert (refused.n, refused.reason, refused.words) == (1, "over", "INC-7K3Q is closed; reopen it first")
    assert refused.command == NOTE
    assert box.unsent() == []
    box.seen([refused.serial])
    assert box.refused() == []
    box.close()


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    box = Outbox.open(tmp_path / "new" / "outbox.db")
    box.add("INC-7K3Q", NOTE, AT)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    for path in (tmp_path / "new").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    box.close()


def test_two_at_the_same_time_never_share_one(tmp_path: Path) -> None:
    first = Outbox.open(tmp_path / "outbox.db")
    second = Outbox.open(tmp_path / "outbox.db")
    third = Outbox.open(tmp_path / "outbox.db")
    assert len({first.client, second.client, third.client}) == 3
    assert second.path == tmp_path / "outbox-2.db"
    ids = {first.client, second.client}
    first.close()
    second.close()
    third.close()
    again = Outbox.open(tmp_path / "outbox.db")
    assert again.client in ids
    again.close()


def test_one_with_commands_in_it_goes_before_an_empty_one(tmp_path: Path) -> None:
    first = Outbox.open(tmp_path / "outbox.db")
    second = Outbox.open(tmp_path / "outbox.db")
    second.add("INC-7K3Q", NOTE, AT)
    first.close()
    second.close()
    again = Outbox.open(tmp_path / "outbox.db")
    assert again.client == second.client
    again.close()


@pytest.mark.parametrize("size", [0, 1, 100, 4096, 5000])
def test_a_torn_file_is_put_aside_and_replaced(tmp_path: Path, size: int) -> None:
    path = tmp_path / "outbox.db"
    box = Outbox.open(path)
    old = box.client
    for _ in range(30):
        box.add("INC-7K3Q", {"type": "add-note", "text": "x" * 500}, AT)
    box.close()
    data = path.read_bytes()
    path.write_bytes(data[:size] if size else b"not a database, but long enough to be looked at" * 100)
    box = Outbox.open(path)
    assert box.client != old
    assert box.next_n == 1
    if size != 0 or box.damaged:
        assert box.add("INC-7K3Q", NOTE, AT) == 1
    box.close()


def test_a_page_of_garbage_in_the_middle_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    box = Outbox.open(path)
    for _ in range(100):
        box.add("INC-7K3Q", {"type": "add-note", "text": "x" * 500}, AT)
    box.close()
    data = bytearray(path.read_bytes())
    data[8192:16384] = os.urandom(8192)
    path.write_bytes(bytes(data))
    box = Outbox.open(path)
    assert box.damaged is not None
    assert box.damaged.exists()
    assert box.unsent() == []
    box.close()


def test_a_full_directory_of_outboxes_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warroom.client.outbox.MOST", 2)
    boxes = [Outbox.open(tmp_path / "outbox.db") for _ in range(2)]
    with pytest.raises(OSError, match="in use"):
        Outbox.open(tmp_path / "outbox.db")
    for box in boxes:
        box.close()


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from warroom.client.outbox import Answer, Outbox
box = Outbox.open(Path(sys.argv[1]))
for turn in range(10_000):
    n = box.add("INC-7K3Q", {"type": "add-note", "text": str(turn)}, datetime.now(UTC))
    print(n, flush=True)
    if n % 3 == 0:
        box.settle([Answer(n - 1)], datetime.now(UTC))
"""


def test_killed_at_any_moment_it_has_what_it_said_it_has(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(50)]
    process.send_signal(signal.SIGKILL)
    told += [int(line) for line in process.stdout.read().split()]
    process.wait()
    process.stdout.close()
    assert told == list(range(1, len(told) + 1))
    box = Outbox.open(path)
    assert box.next_n > told[-1]
    kept = {one.n for one in box.unsent()}
    answered = {n - 1 for n in told if n % 3 == 0}
    assert set(told) - answered <= kept
    assert not (kept & {n for n in answered if n < told[-1] - 3})
    box.close()


def test_a_disk_that_takes_nothing_says_so_and_loses_nothing(tmp_path: Path) -> None:
    box = Outbox.open(tmp_path / "outbox.db")
    box.add("INC-7K3Q", NOTE, AT)
    box._database.execute("PRAGMA max_page_count = 1")
    with pytest.raises(OSError, match="cannot be written"):
        box.add("INC-7K3Q", {"type": "add-note", "text": "x" * 50_000}, AT)
    assert box.next_n == len(box.unsent()) + 1
    box._database.execute("PRAGMA max_page_count = 1000000")
    assert box.add("INC-7K3Q", NOTE, AT) == box.next_n - 1
    box.close()
