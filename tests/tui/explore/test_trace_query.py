"""The line that searches traces: what people type, and what they are told when it cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.tui.explore.trace_query import MOST, TraceQuery, parse

WORD = st.text("abcdefghijklmnopqrstuvwxyz -_/'\"$.", min_size=1).filter(lambda text: text not in ("error", "errors"))
NAME = st.from_regex(r"[a-z]+(\.[a-z_]+)?", fullmatch=True).filter(
    lambda name: name not in ("operation", "min", "max", "limit", "service")
)


def test_a_whole_line() -> None:
    found = parse("checkout operation='POST /pay' min=200ms max=1.5s error http.status_code=500 limit=100")
    assert found == TraceQuery("checkout", "POST /pay", (("http.status_code", "500"),), 0.2, 1.5, True, 100)


@given(
    st.builds(
        TraceQuery,
        service=st.from_regex(r"[a-z][a-z-]+[a-z]", fullmatch=True).filter(lambda one: not one.startswith("error")),
        operation=WORD,
        tags=st.lists(st.tuples(NAME, WORD)).map(tuple),
        shortest=st.integers(0, 10**8).map(lambda micros: micros / 1e6),
        longest=st.integers(0, 10**8).map(lambda micros: micros / 1e6),
        errors_only=st.booleans(),
        limit=st.integers(1, MOST),
    )
)
def test_what_a_query_writes_it_reads_back(query: TraceQuery) -> None:
    read = parse(query.text())
    assert read.shortest == pytest.approx(query.shortest)
    assert read.longest == pytest.approx(query.longest)
    assert (read.service, read.operation, read.tags) == (query.service, query.operation, query.tags)
    assert (read.errors_only, read.limit) == (query.errors_only, query.limit)


def test_a_trace_id_alone_is_that_trace_in_any_spelling() -> None:
    assert parse("7F1C9A3BE02E7F1C").trace_id == "0" * 16 + "7f1c9a3be02e7f1c"
    assert parse("7f1c9a3be02e7f1c7f1c9a3be02e7f1c").trace_id == "7f1c9a3be02e7f1c7f1c9a3be02e7f1c"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("checkout min=200", "a number and a unit, such as 200ms"),
        ("checkout payments", "one service at a time"),
        ("checkout limit=0", "a whole number from 1"),
        ("checkout limit=many", "a whole number from 1"),
        ("checkout operation='POST", "a quotation mark is not closed"),
        ("checkout =5", "no name before its ="),
    ],
)
def test_a_line_that_cannot_be_says_what_would_be_right(line: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(line)
