"""Lines by number, the filter on them and its index, and the patterns mined from them."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.explore.logs_wire import SAID
from warroom.incident.fields import Evidence
from warroom.telemetry.log_buffer import LogBuffer
from warroom.telemetry.logs import LogLine, LogPattern
from warroom.tui.explore.logs_detail import parsed_fields
from warroom.tui.explore.logs_evidence import LARGEST, MOST_LINES, evidence_of, page_of
from warroom.tui.explore.logs_patterns import PatternMiner, rows_of, tokens_of
from warroom.tui.widgets.log_counts import counts_of
from warroom.tui.widgets.log_filter import LineIndex, parse_filter, pattern_filter
from warroom.tui.widgets.log_lines import LogLines


def line(at: int, text: str = "", level: str = "info", service: str = "checkout") -> LogLine:
    return LogLine(at, text or f"line {at}", (("service_name", service),), (("detected_level", level),))


def numbered(lines: LogLines) -> list[int]:
    return [one.ns for one in lines.slice(lines.first, lines.end)[1]]


def test_a_page_and_its_tail_are_one_sequence() -> None:
    buffer = LogBuffer()
    lines = LogLines([line(at) for at in range(5)], buffer)
    buffer.extend([line(at) for at in range(5, 8)])
    assert (lines.first, lines.end) == (-5, 3)
    assert numbered(lines) == list(range(8))
    assert lines.line(-1) == line(4)
    assert lines.line(0) == line(5)
    assert lines.line(3) is None
    assert lines.slice(-2, 2) == (-2, [line(at) for at in range(3, 7)])


def test_what_page_and_tail_both_have_is_there_once() -> None:
    buffer = LogBuffer()
    lines = LogLines([line(at) for at in range(5)], buffer)
    buffer.extend([line(at) for at in range(3, 8)])
    assert lines.settle_seam() == 2
    assert lines.settle_seam() == 0
    assert numbered(lines) == list(range(8))


def test_an_older_page_renumbers_nothing() -> None:
    lines = LogLines([line(at) for at in range(10, 15)])
    before = lines.line(-3)
    assert lines.prepend([line(at) for at in range(5, 11)]) == 5
    assert lines.line(-3) is before
    assert numbered(lines) == list(range(5, 15))


def test_the_page_goes_once_the_ring_gives_lines_up() -> None:
    buffer = LogBuffer(capacity=16)
    lines = LogLines([line(at) for at in range(5)], buffer)
    buffer.extend([line(at) for at in range(5, 45)])
    assert lines.first == buffer.first > 0
    assert lines.slice(-5, lines.end)[1] == buffer.slice(0, buffer.end)[1]


@given(st.lists(st.tuples(st.sampled_from(["history", "tail", "work", "older"]), st.integers(1, 40)), max_size=30))
def test_the_index_finds_what_a_scan_finds(steps: list[tuple[str, int]]) -> None:
    keep = parse_filter("7")
    assert keep is not None
    buffer = LogBuffer(capacity=64)
    lines = LogLines([line(at) for at in range(1000, 1060)], buffer)
    index, end, start = LineIndex(lines, keep), 1060, 1000
    for what, count in steps:
        if what == "tail":
            buffer.extend([line(at) for at in range(end, end + count)])
            end += count
        elif what == "older":
            lines.prepend([line(at) for at in range(start - count, start)])
            start -= count
        elif what == "work":
            index.work(count)
    while not index.complete:
        index.work(50)
    index.work(1)
    begin, kept = lines.slice(lines.first, lines.end)
    wanted = [number for number, one in enumerate(kept, begin) if keep.keeps(one)]
    found = [index.number(at) for at in range(len(index))]
    assert found == wanted
    assert [index.position(number) for number in wanted] == list(range(len(wanted)))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("pool", [0]),
        ("POOL !exhausted", []),
        ("level>=warn", [0, 1, 3, 5]),
        ("level=warn", [1, 5]),
        ("level<info", [6]),
        ("service=payments", [3, 7]),
        ("service!=payments level>=warn", [0, 1, 5]),
        ('"deadline exceeded"', [1, 3]),
        ("!deadline level>=warn", [0, 5]),
    ],
)
def test_what_a_filter_keeps(typed: str, kept: list[int]) -> None:
    keep = parse_filter(typed)
    assert keep is not None
    lines = [line(at, text, level, service) for at, (level, service, text) in enumerate(SAID)]
    assert [one.ns for one in lines if keep.keeps(one)] == kept


def test_a_filter_that_cannot_be_is_said() -> None:
    assert parse_filter("  ") is None
    with pytest.raises(ValueError, match="there is no level 'loud'"):
        parse_filter("level=loud")
    with pytest.raises(ValueError, match="quote is not closed"):
        parse_filter('"half')


def test_lines_that_differ_in_numbers_and_names_are_one_pattern() -> None:
    miner = PatternMiner(1.0)
    miner.add(line(at, f"user u{at} waited {at * 7} ms for pool main on 10.0.0.{at}:5432") for at in range(50))
    miner.add([line(1, "disk is full", "error")])
    found = miner.patterns()
    assert [(one.pattern, one.count, one.level) for one in found] == [
        ("user <_> waited <_> ms for pool main on <_>", 50, "info"),
        ("disk is full", 1, "error"),
    ]
    keep = pattern_filter(found[0].pattern)
    assert keep.keeps(line(1, "user zoe waited 3 ms for pool main on 10.1.1.1:1"))
    assert not keep.keeps(line(1, "user zoe waited for pool main"))


@given(st.text(max_size=200))
def test_any_line_fits_the_pattern_it_is_mined_to(text: str) -> None:
    miner = PatternMiner(1.0)
    miner.add([line(1, text)])
    assert miner.patterns()[0].count == 1
    assert all(tokens_of(text))


def test_new_is_what_was_never_seen_before_the_incident() -> None:
    old = LogPattern("retry <_>", "warn", ((50.0, 3), (150.0, 9)))
    new = LogPattern("pool exhausted", "error", ((120.0, 2), (160.0, 1)))
    rows = rows_of([old, new], 100, 200, 100)
    assert [(row.pattern, row.new, row.count) for row in rows] == [("pool exhausted", True, 3), ("retry <_>", False, 9)]
    assert not any(row.new for row in rows_of([new], 100, 200, 100)), "nothing is known from before: nothing is new"
    assert not any(row.new for row in rows_of([old, new], 100, 200, None))


def test_fields_as_lokis_parsers_name_them() -> None:
    assert parsed_fields('{"a":1,"b":{"c":"x","d":null},"e":[1],"f":true}') == (
        "json",
        [("a", "1"), ("b_c", "x"), ("b_d", ""), ("f", "true")],
    )
    assert parsed_fields('level=warn msg="two words" took=3ms') == (
        "logfmt",
        [("level", "warn"), ("msg", "two words"), ("took", "3ms")],
    )
    assert parsed_fields("plain words")[1] == []
    assert parsed_fields('{"broken')[1] == []


def test_counts_by_level_over_time_keep_every_line() -> None:
    lines = [line(at * 10**9, level=level) for at, level in enumerate(["info", "error", "info", "warn", "error"])]
    counts = counts_of(lines, 0.0, 5.0, 5)
    assert counts.totals == {"error": 2, "warn": 1, "info": 2}
    for width in (2, 5, 37):
        assert sum(sum(row) for row in counts.columns(width).values()) == pytest.approx(5)


def test_evidence_keeps_the_chosen_line_within_its_bounds() -> None:
    lines = [line(at, f"{at} " + "é" * 700) for at in range(1000)]
    made = evidence_of(lines, lines[40], '{a="b"}')
    assert made is not None
    evidence = Evidence.model_validate(made)
    kept = page_of(evidence.data)
    assert lines[40] in kept
    assert len(kept) <= MOST_LINES
    assert len(evidence.data.encode()) <= LARGEST + 200
    assert "lines were left out" in orjson.loads(evidence.data)["warnings"][0]
    huge = evidence_of([line(1, "x" * 10**6)], None, "")
    assert huge is not None
    assert Evidence.model_validate(huge).kind == "logs"
    assert evidence_of([], None, "") is None
    with pytest.raises(ValueError, match="no JSON"):
        page_of("{")
