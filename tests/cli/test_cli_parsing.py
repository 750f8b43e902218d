"""What people type: times, lengths, incidents, numbers; and what nobody should."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Here
from warroom.cli.commands.playbook import the_playbook
from warroom.cli.context import the_one
from warroom.cli.exits import Exit, Stop
from warroom.cli.parsing import looks_like_incident, parse_duration, parse_time

EAST = timezone(timedelta(hours=2))
NOW = datetime(2026, 11, 21, 10, 0, 30, tzinfo=EAST)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 5400),
      ("90s", 90), ("5m", 300), ("8h", 28_800), ("1h30m", 5400), ("2 d", 172_800), ("0", 0), ("5 MIN", 300)]
)  # fmt: skip
def test_lengths(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "5x", "-5", "1h30", "m5", "9" * 40, "1.5h", "5m5"])
def test_what_is_no_length(text: str) -> None:
    with pytest.raises(ValueError, match="is not a length of time; use 30m"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("09:41", "2026-11-21T07:41:00"),
        ("9:41:05", "2026-11-21T07:41:05"),
        ("10:01", "2026-11-20T08:01:00"),
        ("5m ago", "2026-11-21T07:55:30"),
        ("1h30m ago", "2026-11-21T06:30:30"),
        ("now", "2026-11-21T08:00:30"),
        ("2026-11-21T09:41:00Z", "2026-11-21T09:41:00"),
        ("2026-11-21 09:41", "2026-11-21T07:41:00"),
        ("2026-11-21T09:41:00+05:30", "2026-11-21T04:11:00"),
    ],
)
def test_times(text: str, wanted: str) -> None:
    assert parse_time(text, NOW) == datetime.fromisoformat(wanted).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "24:00", "25:99", "yesterday", "5 ago", "ago", "12", "2026-13-01", "\x00"])
def test_what_is_no_time(text: str) -> None:
    if text == "5 ago":
        assert parse_time(text, NOW) == (NOW - timedelta(minutes=5)).astimezone(UTC)
        return
    with pytest.raises(ValueError, match=r"is not a time|no time of day|not a length"):
        parse_time(text, NOW)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_one_sentence(text: str) -> None:
    for read in (lambda words: parse_time(words, NOW), parse_duration):
        try:
            read(text)
        except ValueError as wrong:
            words = str(wrong)
            if "\n" in words:
                raise


LINES = [
    {"incident": "INC-7K3Q", "title": "a", "status": "resolved"},
    {"incident": "INC-7KZZ", "title": "b", "status": "investigating"},
    {"incident": "INC-01AB", "title": "c", "status": "closed"},
]


@pytest.mark.parametrize(("text", "wanted"), [("7k3", "INC-7K3Q"), ("inc-0", "INC-01AB"), ("OI", "INC-01AB"),
                                             ("-", "INC-7KZZ")])  # fmt: skip
def test_the_incident_that_is_meant(text: str, wanted: str) -> None:
    assert the_one(text, LINES) == wanted


def test_the_only_open_one_when_none_is_live() -> None:
    assert the_one("-", LINES[:1] + LINES[2:]) == "INC-7K3Q"


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [("7k", Exit.USAGE, "INC-7K3Q (a), INC-7KZZ (b)"), ("ZZ", Exit.REFUSED, "no incident begins with INC-ZZ")],
)
def test_none_or_several_are_meant(text: str, status: Exit, words: str) -> None:
    with pytest.raises(Stop) as stop:
        the_one(text, LINES)
    assert stop.value.status is status
    assert words in stop.value.words
    with pytest.raises(Stop, match="no incident is open"):
        the_one("-", [])


def test_what_looks_like_an_incident() -> None:
    assert all(map(looks_like_incident, ("INC-7K3Q", "inc 7k3q", "7k", "oil1")))
    assert not any(map(looks_like_incident, ("overloaded", "db is slow", "", "inc-", "x" * 9, "7K3U", "../etc")))


def test_no_playbook_is_attached() -> None:
    with pytest.raises(Stop, match="no playbook is attached"):
        the_playbook((), None)


HOSTILE = [
    ["nte"],
    ["note"],
    ["note", "../../etc/passwd", "x"],
    ["note", "INC-7K3Q", "x", "--at", "tomorrow"],
    ["note", "INC-7K3Q", "x", "y"],
    ["declare"],
    ["declare", "x", "--severity", "terrible"],
    ["severity", "INC-7K3Q", "SEV9"],
    ["status", "INC-7K3Q", "fixed"],
    ["role", "INC-7K3Q", "janitor", "petr"],
    ["pin", "INC-7K3Q", "0"],
    ["pin", "INC-7K3Q", "9" * 30],
    ["pin", "INC-7K3Q", "-1"],
    ["task", "done", "INC-7K3Q", "T"],
    ["impact", "count", "INC-7K3Q", "x", "1e3"],
    ["correct", "INC-7K3Q", "3"],
    ["next-update", "INC-7K3Q", "soon"],
    ["--timeout", "0", "list"],
    ["--timeout", "nan", "list"],
    ["--server", "http://user:pw@host", "list"],
    ["--server", "\x1b[31m", "list"],
    ["--config", "/nowhere/at/all", "list"],
    ["join", "127.0.0.1"],
    ["join", "#7K3Q-9TZM"],
    ["join", "host#short"],
    ["restore", "/nowhere"],
    ["import", "/nowhere"],
    ["verify", "no/such file"],
    ["completion", "cmd"],
    ["keys", "/nowhere"],
    ["log", "INC-7K3Q", "--since", "-1"],
    ["list", "--jsn"],
    ["merge", "INC-7K3Q", "not an id"],
    ["console", "no id at all"],
    ["redact", "INC-7K3Q", "3", "why"],
]


@pytest.mark.parametrize("words", HOSTILE, ids=" ".join)
def test_wrong_usage_is_one_sentence_and_exit_2(here: Here, words: list[str]) -> None:
    status, out, err = here(*words)
    assert (status, out) == (2, ""), err
    assert err.startswith("warroom: ")
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 2
    assert "pw" not in err.replace("pwd", "")


@given(words=st.lists(st.text(st.characters(exclude_characters="\x00"), max_size=12), max_size=4))
def test_no_arguments_lead_to_a_traceback(words: list[str]) -> None:
    from click.testing import CliRunner

    from warroom.cli.main import warroom

    # `--help` alone runs nothing: what is tested is the reading of arguments.
    result = CliRunner().invoke(warroom, ["severity", *words, "--help"])
    assert result.exit_code in (0, 2)
