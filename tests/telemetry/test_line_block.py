"""Lines in blocks and in the ring of a tail are the lines that came, whatever came together and whatever was kept."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from warroom.telemetry.line_block import LineBlock
from warroom.telemetry.line_frames import LineFrame, encode_lines, read_lines
from warroom.telemetry.log_buffer import LogBuffer
from warroom.telemetry.logs import LogLine, Told

WORDS = st.sampled_from(["", "info", "ERROR", "warning", "x", "ä→", "7f1c9a3b5d2e4f60"])
NAMES = st.sampled_from(["detected_level", "level", "severity", "trace_id", "pod", "lvl", "service"])
PAIRS = st.dictionaries(NAMES, WORDS, max_size=3).map(lambda said: tuple(sorted(said.items())))
LINES = st.builds(LogLine, st.integers(-(2**63), 2**63 - 1), st.text(max_size=8), PAIRS, PAIRS)
MANY = st.lists(LINES, max_size=12)


def said(number: int, line: Told) -> tuple[object, ...]:
    """All that a glance tells."""
    fields = [line.value(name) for name in ("detected_level", "level", "pod", "trace_id", "service", "none")]
    return number, line.ns, line.text, line.labels, line.level, line.service, fields


@given(MANY, st.slices(14))
def test_a_block_is_the_lines_it_was_made_of(lines, part):
    block = LineBlock.of(lines)
    assert (len(block), list(block), list(reversed(block))) == (len(lines), lines, lines[::-1])
    assert [block[at] for at in range(-len(lines), len(lines))] == [*lines, *lines]
    assert list(block[part]) == lines[part]
    assert block.levels() == [line.level for line in lines]
    assert LineBlock.of(block) is block


@given(MANY, MANY, st.integers(0, 24), st.integers(0, 24))
def test_joined_blocks_are_all_their_lines(before, after, start, stop):
    first = LineBlock.of(before)
    both = first.joined(LineBlock.of(after))
    assert list(both) == before + after
    assert both.levels(start, stop) == [line.level for line in (before + after)[start:stop]]
    assert list(first) == before


@given(MANY, st.booleans())
def test_a_frame_comes_back_as_the_lines_it_had(lines, turned):
    said = orjson.loads(encode_lines(LineFrame("t", 3, lines)))
    if turned:  # names in another order than the house's own
        said["lines"] = [[*row[:3], dict(reversed(row[3].items()))] if len(row) > 3 else row for row in said["lines"]]
    assert list(read_lines(said).lines) == lines


@given(st.lists(st.tuples(st.lists(LINES, max_size=9), st.integers(0, 3)), max_size=30), st.integers(1, 20), st.data())
def test_a_ring_keeps_the_newest_lines_under_their_numbers(batches, capacity, data):
    buffer, model, lost = LogBuffer(capacity), list[LogLine](), 0
    for batch, missing in batches:
        buffer.extend(batch if data.draw(st.booleans()) else LineBlock.of(batch), missing)
        model += batch
        lost += missing
        first = max(0, len(model) - capacity)
        assert (buffer.first, buffer.end, buffer.lost) == (first, len(model), lost)
        start, stop = data.draw(st.integers(-3, len(model) + 3)), data.draw(st.integers(-3, len(model) + 3))
        begin, found = buffer.slice(start, stop)
        assert begin == max(start, first)
        assert found == model[begin : max(begin, stop)]
        assert [said(number, line) for number, line in buffer.glances(start, stop)] == [
            said(number, line) for number, line in enumerate(found, begin)
        ]
        assert [said(number, line) for number, line in buffer.glances(start, stop, -1)] == [
            said(number, line) for number, line in reversed(list(enumerate(found, begin)))
        ]


def test_a_ring_of_single_lines_and_of_large_frames_holds_its_capacity():
    made = [LogLine(at, f"line {at}", (("app", f"a{at % 3}"),), (("pod", str(at)),) * (at % 2)) for at in range(9000)]
    buffer, at = LogBuffer(3000), 0
    for size in (*([1] * 2000), *([700] * 5), 3100, *([1] * 400)):
        buffer.extend(made[at : at + size])
        at += size
    assert (buffer.first, buffer.end) == (6000, 9000)
    assert buffer.slice(0, 9999) == (6000, made[6000:])
    assert buffer.slice(7023, 7026) == (7023, made[7023:7026])
