"""Time ranges as people type, zoom and pan them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.tui.explore.range import LONGEST, SHORTEST, TimeRange, parse_range, span_text
from warroom.tui.explore.shared import Shared

NOW = datetime(2026, 11, 21, 9, 42, 30, tzinfo=UTC).timestamp()
RANGES = st.builds(
    TimeRange,
    st.floats(SHORTEST, LONGEST),
    st.one_of(st.none(), st.floats(NOW - 10 * 86_400, NOW)),
)


@given(RANGES, st.floats(0.01, 100), st.floats(-3, 3), st.one_of(st.none(), st.floats(NOW - 86_400, NOW)))
def test_no_zoom_or_pan_leaves_the_bounds(one: TimeRange, factor: float, ranges: float, around: float | None) -> None:
    for moved in (one.zoomed(factor, NOW, around), one.panned(ranges, NOW), one.paused(NOW), one.followed()):
        start, end = moved.bounds(NOW)
        assert SHORTEST <= moved.span <= LONGEST
        assert end <= NOW
        assert end - start == pytest.approx(moved.span, rel=1e-6, abs=1e-3)


def test_a_live_range_stays_live_when_zoomed_and_panning_back_to_now_is_live_again() -> None:
    assert TimeRange().zoomed(0.5, NOW).live
    back = TimeRange().panned(-0.5, NOW)
    assert not back.live
    assert back.panned(0.5, NOW).live


def test_zooming_around_a_moment_keeps_its_place() -> None:
    at = NOW - 900
    near = TimeRange().zoomed(0.5, NOW, at)
    start, end = near.bounds(NOW)
    assert (at - start) / (end - start) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("text", "span", "end"),
    [
        ("15m", 900, None),
        ("last 1h30m", 5400, None),
        ("2d", 172_800, None),
        ("09:30 to now", 750, None),
        ("09:30-09:40", 600, NOW - 150),
        ("09:30 - 09:40", 600, NOW - 150),
        ("22:00-23:00", 3600, NOW - 10 * 3600 - 2550),
        ("23:30-00:30", 3600, NOW - 9 * 3600 - 750),
        ("2026-11-20 10:00 to 11:00", 3600, NOW - 22 * 3600 - 2550),
        ("07:00z-08:00z", 3600, NOW - 3600 - 2550),
    ],
)
def test_what_people_type(text: str, span: float, end: float | None) -> None:
    found = parse_range(text, NOW, UTC)
    assert found.span == pytest.approx(span)
    assert found.end == (None if end is None else pytest.approx(end))


def test_clock_times_are_of_the_reader_s_zone_unless_they_say_utc() -> None:
    berlin = timezone(timedelta(hours=1))
    assert parse_range("10:30-10:40", NOW, berlin) == parse_range("09:30-09:40", NOW, UTC)
    assert parse_range("09:30z-09:40z", NOW, berlin) == parse_range("09:30-09:40", NOW, UTC)


@pytest.mark.parametrize("text", ["", "soon", "15", "25:00-26:00", "09:30", "2026-13-01 09:00-10:00", "1s-2s", "400d"])
def test_what_is_no_range_gets_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|day|long|starts"):
        parse_range(text, NOW, UTC)


@given(st.integers(1, 10**7))
def test_a_span_reads_back_to_within_its_second_unit(seconds: int) -> None:
    said = parse_range(span_text(seconds), NOW, UTC).span if seconds <= LONGEST else float(seconds)
    assert said <= seconds
    assert seconds - said < max(60, seconds * 0.05)


def test_a_pane_on_its_own_changes_no_other() -> None:
    shared = Shared()
    assert not shared.toggle_link("logs")
    shared.set_range("logs", TimeRange(60))
    assert (shared.range_of("logs").span, shared.range_of("metrics").span) == (60, 3600)
    assert shared.toggle_link("logs")
    assert shared.range_of("logs").span == 3600
