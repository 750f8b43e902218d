"""Hostile input at every door gets its exact answer, and docs/hostile-input.md tells what is tested."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from docs import hostile as report
from tests.docs import hostile_alone, hostile_fields, hostile_files, hostile_port
from tests.server import hostile
from tests.server.house import house

PAGE = (Path(__file__).parents[2] / "docs/hostile-input.md").read_text("utf-8")


def told() -> list[tuple[str, str, str]]:
    """(door, case, answer) of every row of the page."""
    doors = {title: door for door, title in report.DOORS.items()}
    rows, door = [], ""
    for line in PAGE.splitlines():
        if line.startswith("## "):
            door = doors[line[3:]]
        elif door and line.startswith("| ") and not line.startswith("| Case |"):
            name, answer = line[2:-2].rsplit(" | ", 1)
            rows.append((door, name, answer))
    return rows


def test_the_page_tells_every_case_with_its_answer() -> None:
    wanted = [(door, report._cell(name), report._cell(answer)) for door, name, answer in report.expected()]
    assert Counter(told()) == Counter(wanted), "run `make hostile`"


def test_the_page_counts_what_it_tells() -> None:
    rows = told()
    total, right, wrong = map(
        int, re.findall(r"\*\*(\d+) cases, (\d+) answered exactly as expected, (\d+) not", PAGE)[0]
    )
    assert (total, right, wrong) == (len(rows), len(rows), 0)
    counted = dict(re.findall(r"^\| \[(.+?)\]\(#.+?\) \| (\d+) \|", PAGE, re.MULTILINE))
    by_door = Counter(door for door, _, _ in rows)
    assert {report.DOORS[door]: str(count) for door, count in by_door.items()} == counted
    assert set(by_door) == set(report.DOORS)


def test_the_other_room_kept_its_acks_when_the_page_was_written() -> None:
    sent, acked, refused = re.findall(r"([\d,]+) sent, ([\d,]+) acknowledged, (\d+) refused", PAGE)[0]
    assert sent == acked
    assert int(sent.replace(",", "")) > 100
    assert refused == "0"


def test_case_names_are_told_apart() -> None:
    assert not [row for row, times in Counter((door, name) for door, name, _ in report.expected()).items() if times > 1]


@pytest.mark.parametrize("cases", [hostile_fields.CASES, hostile_port.CASES], ids=["fields", "port"])
async def test_each_case_at_the_port_gets_its_exact_answer(tmp_path: Path, cases: list[hostile.Case]) -> None:
    bystander = report.Bystander()
    async with house(tmp_path, limits=report.LIMITS) as home:
        mine = await home.raw(await home.token("sam"), client="attacked-room")
        attacked = await mine.declare()
        token = await home.token("eve")
        async with report.writing(home, bystander):
            got = {(one.door, one.name): await hostile.run(one, home, token, attacked) for one in cases}
        await mine.close()
        assert not home.fatal
    assert got == {(one.door, one.name): one.expected for one in cases}
    assert bystander.acked == bystander.sent > 0


@pytest.mark.parametrize("one", hostile_alone.ALONE, ids=lambda one: one.name)
async def test_each_case_with_a_server_of_its_own_gets_its_exact_answer(
    tmp_path: Path, one: hostile_alone.Alone
) -> None:
    assert await hostile_alone.run_alone(one, tmp_path) == one.expected


def test_each_file_and_argument_gets_its_exact_exit_status(tmp_path: Path) -> None:
    wrong = [row for row in hostile_files.rows(tmp_path) if row[2] != row[3]]
    assert not wrong
