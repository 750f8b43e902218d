"""Numbers read as they do in Grafana: its units, decimals, times, and what authors make up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.dashboards.colours import hue_of, mark_of
from warroom.dashboards.moments import date_text, moment, span, worded
from warroom.dashboards.unit_table import UNITS
from warroom.dashboards.units import Locale, is_known, shown


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1536, "bytes", "1.50 KiB"),
        (1536, "decbytes", "1.54 kB"),
        (5, "mbytes", "5 MiB"),
        (2048, "mbytes", "2 GiB"),
        (1_500_000, "Bps", "1.50 MB/s"),
        (1_500_000, "bps", "1.50 Mb/s"),
        (0.001, "watt", "1 mW"),
        (0.25, "percentunit", "25%"),
        (48.25, "percent", "48.2%"),
        (12_345, "short", "12.3 K"),
        (12_345, "none", "12345"),
        (12_345, "locale", "12,345"),
        (1_234, "reqps", "1.23K req/s"),
        (0.0421, "s", "42.1 ms"),
        (90, "s", "1.50 min"),
        (1500, "ms", "1.50 s"),
        (2, "h", "2 h"),
        (300_000, "dtdurations", "3d 11h"),
        (90_061, "dtdhms", "1 d 01:01:01"),
        (21, "celsius", "21 °C"),
        (3.2, "currencyUSD", "$3.20"),
        (3.2, "currencySEK", "3.20 kr"),
        (1, "bool_on_off", "On"),
        (255, "hex0x", "0xFF"),
        (1_700_000_000_000, "dateTimeAsIso", "2023-11-14 22:13:20"),
        (1_700_000_000_000, "time:YYYY/MM", "2023/11"),
        (7, "suffix:pods", "7 pods"),
        (7, "prefix:#", "#7"),
        (0, "bool:up/down", "down"),
        (1_200, "si: g", "1.20 kg"),
        (7, "apples", "7 apples"),
        (None, "bytes", "-"),
        (float("inf"), "s", "+Inf"),
        (float("nan"), "s", "NaN"),
    ],
)
def test_a_value_reads_in_its_unit(value: float | None, unit: str, text: str) -> None:
    assert shown(value, unit) == text


def test_decimals_of_the_author_count() -> None:
    assert shown(1536, "bytes", 0) == "2 KiB"
    assert shown(0.123456, "percentunit", 3) == "12.346%"
    assert shown(2, "none", 2) == "2.00"


def test_a_time_is_told_from_the_readers_now() -> None:
    assert shown(1_000_000, "dateTimeFromNow", here=Locale(1_120)) == "2 min ago"
    assert shown(86_400_000 * 10, "dateTimeAsIsoNoDateIfToday", here=Locale(86_400 * 10 + 5)) == "00:00:00"


@given(st.floats() | st.none(), st.sampled_from(sorted(UNITS)) | st.text(max_size=12), st.none() | st.integers(-5, 40))
def test_any_number_in_any_unit_is_a_line_of_text(value: float | None, unit: str, decimals: int | None) -> None:
    assert shown(value, unit, decimals)


def test_grafanas_own_ids_are_known_and_made_up_ones_told_apart() -> None:
    assert len(UNITS) > 250
    assert all(map(is_known, ["short", "µs", "us", "binBps", "si:W", "currency:X"]))
    assert not is_known("items/sec")


@pytest.mark.parametrize(
    ("colour", "hue", "level"),
    [
        ("red", "red", "critical"), ("dark-red", "red", "critical"), ("#F2495C", "red", "critical"),
        ("semi-dark-orange", "orange", "warning"), ("#EAB839", "yellow", "warning"),
        ("super-light-green", "green", "ok"),
        ("rgba(50, 172, 45, 0.97)", "green", "ok"), ("rgb(31, 96, 196)", "blue", ""), ("#ccc", "grey", ""),
        ("transparent", "", ""), ("rgb(1.2.3, 0, 0)", "", ""), ("nonsense", "", ""),
    ],
)  # fmt: skip
def test_a_colour_says_a_hue_and_a_level(colour: str, hue: str, level: str) -> None:
    assert (mark_of(colour).hue, mark_of(colour).level) == (hue, level)
    assert hue_of(colour) == hue


def test_spans_and_moments_read_as_grafana_writes_them() -> None:
    assert [span(said) for said in ("30s", "1h30m", ">10s", "2d", "", "x", "5", "0s")] == [
        30, 5400, 10, 172_800, None, None, None, None,
    ]  # fmt: skip
    assert [worded(length) for length in (15, 0.25, 0, 90.0)] == ["15s", "250ms", "1ms", "90s"]
    assert moment("now-1h", 7200) == 3600
    assert moment("now/d", 90_000) == 86_400
    assert moment("1700000000000", 0) == 1_700_000_000
    assert moment("2023-11-14T22:13:20Z", 0) == 1_700_000_000
    assert moment("yesterday", 0) is None


def test_a_date_format_is_filled_token_by_token() -> None:
    assert (
        date_text(1_700_000_000, "dddd, MMMM Do YYYY, h:mm a [at] Z")
        == "Tuesday, November 14th 2023, 10:13 pm at +00:00"
    )
    assert date_text(1e300, "YYYY") == "-"
