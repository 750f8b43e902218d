"""The events list and the seal: what goes out comes back, and what is sealed cannot be changed unseen."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warroom.data import shipped_data_dir
from warroom.tabletop.load import load_file
from warroom.tabletop.msel import COLUMNS, MselError, read_msel, write_msel
from warroom.tabletop.seal import SealError, fits, key_of_seed, open_change, seal_change, truth_of

FILES = sorted(shipped_data_dir("scenarios").glob("*.yaml"))
ONE = load_file(next(path for path in FILES if path.stem == "cf-2019-regex")).scenario


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_events_list_comes_back_as_it_went_out(path: Path) -> None:
    scenario = load_file(path).scenario
    injects, hints = read_msel(write_msel(scenario), "m.csv")
    # What a list of events cannot say: which objective an inject belongs to, and which milestone a hint.
    wanted = {one.id: one.model_copy(update={"objective": ""}) for one in scenario.injects}
    assert {one.id: one for one in injects} == wanted
    assert hints == tuple(one.model_copy(update={"milestone": ""}) for one in scenario.hints)


def test_the_columns_are_those_of_exercise_planners_and_their_order_does_not_count() -> None:
    rows = list(csv.DictReader(io.StringIO(write_msel(ONE))))
    assert tuple(rows[0]) == COLUMNS
    out = io.StringIO()
    writer = csv.DictWriter(out, [*reversed(COLUMNS), "media"], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({**row, "media": "photo.png"} for row in rows)
    assert read_msel(out.getvalue(), "m.csv") == read_msel(write_msel(ONE), "m.csv")


def test_a_list_of_another_tool_is_read_as_far_as_it_says_something() -> None:
    head = "Number,Time,From,To,Method,Subject,Message,Expected Action\n"
    text = f"{head}7,1:05:00,Mayor,communications_lead,Phone,,Well?,Answer\n"
    (inject,), hints = read_msel(text, "m.csv")
    assert (inject.id, inject.at, inject.method, inject.forces, hints) == ("I7", 3900, "call", "Answer", ())


def test_a_cell_that_a_spreadsheet_would_run_is_kept_as_text() -> None:
    evil = ONE.model_copy(update={"injects": (ONE.injects[0].model_copy(update={"text": "=cmd|' /C calc'!A0"}),)})
    text = write_msel(evil)
    assert "'=cmd" in text
    assert read_msel(text, "m.csv")[0][0].text == "=cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "m.csv:1: the file is empty"),
        ("a,b\n1,2\n", "m.csv:1: has no column 'time'"),
        ("time,from,message\n,me,hi\n", "m.csv:2: time: is missing"),
        ("time,from,message\nsoon,me,hi\n", "m.csv:2: time: 'soon' is not known"),
        ("time,from,message,method\n5,me,hi,owl\n", "m.csv:2: method: 'owl' is not known; use one of call"),
        ("time,from,message\n5,me,\n", "m.csv:2: message: "),
        ('time,from,message\n5,me,"open\n', "m.csv:1: is not CSV"),
    ],
)
def test_each_wrong_cell_is_named(text: str, wanted: str) -> None:
    with pytest.raises(MselError) as caught:
        read_msel(text, "m.csv")
    assert wanted in str(caught.value)


@settings(max_examples=100)
@given(st.text(max_size=300))
def test_any_table_is_read_or_refused_in_sentences(text: str) -> None:
    for head in ("", "time,from,message,method,tab,expected action\n"):
        with suppress(MselError):
            read_msel(head + text, "m.csv")


def test_the_truth_fits_its_hash_and_no_other_truth_does() -> None:
    key = bytes(range(32))
    truth = truth_of(key, ONE.sealed)
    assert len(truth) == 64
    assert fits(key, ONE.sealed, truth)
    assert not fits(bytes(32), ONE.sealed, truth)
    assert ONE.sealed.root_cause is not None
    other = ONE.sealed.model_copy(update={"harmful": ()})
    assert not fits(key, other, truth)
    assert not fits(b"short", ONE.sealed, truth)
    with pytest.raises(SealError, match="a key has 32 bytes, not 5"):
        truth_of(b"short", ONE.sealed)


def test_a_key_of_a_seed_is_the_same_each_time_and_differs_by_seed_and_scenario() -> None:
    assert key_of_seed("d", 1) == key_of_seed("d", 1)
    assert len({key_of_seed("d", 1), key_of_seed("d", 2), key_of_seed("e", 1)}) == 3


def test_a_change_by_hand_is_read_with_its_key_alone() -> None:
    key, change = key_of_seed("d", 1), {"do": "begin_fault", "second": 40, "fault": "F2"}
    sealed = seal_change(key, change)
    assert sealed == seal_change(key, change)
    assert open_change(key, sealed) == change
    assert "begin_fault" not in sealed
    for wrong in (key_of_seed("d", 2), key):
        text = sealed if wrong != key else sealed[:-8] + "AAAAAAA="
        with pytest.raises(SealError, match="cannot be read with this key"):
            open_change(wrong, text)
    with pytest.raises(SealError, match="make it in several"):
        seal_change(key, {"text": "x" * 20_000})
