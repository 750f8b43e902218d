"""A tail as a client keeps it: each line once, in order, what did not come counted, whatever the server sends."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from warroom.client.tail import TailFeed
from warroom.telemetry.line_frames import LineFrame, encode_lines
from warroom.telemetry.logs import LogLine
from warroom.telemetry.series import Recovered, Trouble, encode
from warroom.wire import messages as m

APP = (("app", "checkout"),)


class Speaker:
    """Keeps what the tail says."""

    def __init__(self) -> None:
        self.standing: dict[str, m.Up] = {}
        self.said: list[m.Up] = []
        self.touched = 0
        self.tails: list[TailFeed] = []

    def stand(self, key: str, frame: m.Up) -> None:
        self.standing[key] = frame

    def drop_standing(self, key: str, goodbye: m.Up) -> None:
        del self.standing[key]
        self.said.append(goodbye)

    def touch(self, *topics: Any) -> None:
        self.touched += len(topics)

    def tail_id(self) -> str:
        return "l1"

    def add_tail(self, feed: TailFeed) -> None:
        self.tails.append(feed)

    def drop_tail(self, feed: TailFeed) -> None:
        self.tails.remove(feed)


@pytest.fixture
def speaker() -> Speaker:
    return Speaker()


@pytest.fixture
def feed(speaker: Speaker) -> TailFeed:
    return TailFeed(speaker, "INC-7K3Q", "{a=1}")


def say(feed: TailFeed, tail: str, numbers: range, *, lost: int = 0, dropped: int = 0, shift: int = 0) -> None:
    lines = tuple(LogLine(10**18 + n + shift, f"line {n + shift}", APP) for n in numbers)
    frame = LineFrame(tail, numbers.start, lines, dropped)
    feed.hear(orjson.loads(encode_lines(frame)), lost)


def texts(feed: TailFeed) -> list[int]:
    return [int(line.text.removeprefix("line ")) for line in feed.view.buffer.slice(0, 10**6)[1]]


def test_it_asks_again_after_a_reconnect_until_it_is_stopped(speaker, feed):
    assert speaker.standing == {"tail l1": m.Tail(t="tail", incident="INC-7K3Q", id="l1", query="{a=1}")}
    feed.stop()
    assert (speaker.standing, speaker.tails) == ({}, [])
    assert speaker.said == [m.Untail(t="untail", id="l1")]


def test_lines_come_in_order_and_a_version_counts_what_happened(speaker, feed):
    say(feed, "a", range(3))
    say(feed, "a", range(3, 5))
    assert texts(feed) == [0, 1, 2, 3, 4]
    assert (feed.view.version, speaker.touched, feed.view.lost) == (2, 2, 0)


def test_what_is_here_already_is_left_out_and_a_gap_is_counted(feed):
    say(feed, "a", range(10))
    say(feed, "a", range(5, 12))
    assert texts(feed) == list(range(12))
    say(feed, "a", range(20, 22), lost=8)
    assert texts(feed) == [*range(12), 20, 21]
    assert (feed.view.lost, feed.view.buffer.lost) == (8, 8)


def test_a_repeat_that_ends_before_what_is_here_changes_nothing(feed):
    say(feed, "a", range(10))
    say(feed, "a", range(3, 6))
    say(feed, "a", range(10, 11))
    assert texts(feed) == list(range(11))
    assert feed.view.lost == 0


def test_another_tail_goes_on_with_what_is_newer(feed):
    say(feed, "a", range(10))
    say(feed, "b", range(4), shift=8)
    assert texts(feed) == list(range(12))
    say(feed, "b", range(4, 6), shift=8)
    assert texts(feed) == list(range(14))


def test_a_newcomer_has_not_lost_what_was_before(feed):
    say(feed, "a", range(4000, 4500))
    assert feed.view.lost == 0


def test_what_the_source_dropped_is_lost_too(feed):
    say(feed, "a", range(2), dropped=5)
    assert feed.view.lost == 5


def test_trouble_and_its_end(feed):
    say(feed, "a", range(2))
    feed.hear(orjson.loads(encode(Trouble("", "loki", "unreachable", "gone", 1.0, 1, 2.0))))
    assert feed.view.trouble is not None
    assert feed.view.trouble.message == "gone"
    feed.hear(orjson.loads(encode(Recovered("", "loki", 1.0, 2.0, 1))))
    assert feed.view.trouble is None
    assert texts(feed) == [0, 1]


@pytest.mark.parametrize(
    "body", [{}, {"kind": "lines"}, {"kind": "moon"}, {"kind": "lines", "tail": "a", "first": "x"}]
)
def test_what_cannot_be_read_changes_nothing(feed, body):
    say(feed, "a", range(2))
    before = feed.view
    feed.hear(body)
    assert feed.view is before


def test_the_lines_of_a_stream_share_their_labels_from_frame_to_frame(feed):
    say(feed, "a", range(2))
    say(feed, "a", range(2, 4))
    lines = feed.view.buffer.slice(0, 9)[1]
    assert all(line.labels is lines[0].labels for line in lines)


@pytest.mark.parametrize("query", ["", "x" * 4001])
def test_a_query_that_cannot_be_sent_is_a_value_error(speaker, query):
    with pytest.raises(ValueError, match="query"):
        TailFeed(speaker, "INC-7K3Q", query)
    assert speaker.tails == []
