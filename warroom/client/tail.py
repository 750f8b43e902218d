"""A tail of a log query, as its owner holds it.

Invariant: the buffer gets each line once and in the order the server numbered them, also over a reconnect; what did
not come is counted in `lost`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import orjson

from warroom.client.view import TailView
from warroom.telemetry import series
from warroom.telemetry.line_block import LineBlock
from warroom.telemetry.line_frames import LineFrame, read_lines
from warroom.telemetry.log_buffer import LogBuffer
from warroom.telemetry.logs import LogLine, Pairs
from warroom.wire import messages as m

_MOST_STREAMS = 5000


class Speaker(Protocol):
    """What a tail needs of its client."""

    def stand(self, key: str, frame: m.Up) -> None: ...
    def drop_standing(self, key: str, goodbye: m.Up) -> None: ...
    def touch(self, *topics: str | tuple[str, str]) -> None: ...
    def tail_id(self) -> str: ...
    def add_tail(self, feed: TailFeed) -> None: ...
    def drop_tail(self, feed: TailFeed) -> None: ...


class TailFeed:
    """A tailed query; `view` is its newest state, `stop()` ends it. `id` is its key in `View.tails`."""

    def __init__(self, speaker: Speaker, incident: str, query: str, key: str = "", source: str = "loki") -> None:
        """
        Raises:
            ValueError: the query is empty or too long.
        """
        self.id = key or speaker.tail_id()
        self.incident = incident
        self.view = TailView(self.id, incident, query, LogBuffer())
        self._speaker = speaker
        self._frame = m.Tail(t="tail", incident=incident, id=self.id, query=query, source=source)
        self._tail = ""
        self._next = 0
        self._newest: tuple[int, set[tuple[Pairs, str]]] = (0, set())
        self._streams: dict[Pairs, Pairs] = {}
        speaker.add_tail(self)
        speaker.stand(f"tail {self.id}", self._frame)

    def stop(self) -> None:
        """Follow it no longer."""
        self._speaker.drop_standing(f"tail {self.id}", m.Untail(t="untail", id=self.id))
        self._speaker.drop_tail(self)

    def hear(self, body: Mapping[str, Any], lost: int = 0) -> None:
        """A frame of this tail has come (called by the client); one that cannot be read changes nothing."""
        try:
            if body.get("kind") == "lines":
                self._lines(read_lines(body, self._streams), lost)
            else:
                self._state(series.decode(orjson.dumps(body)))
        except ValueError:
            return
        if len(self._streams) > _MOST_STREAMS:
            self._streams.clear()
        self._speaker.touch(("tail", self.id))

    def _state(self, frame: series.Frame) -> None:
        trouble = frame if isinstance(frame, series.Trouble) else None
        self.view = replace(self.view, trouble=trouble, version=self.view.version + 1)

    def _lines(self, frame: LineFrame, lost: int) -> None:
        lines = LineBlock.of(frame.lines)
        missing = frame.lost
        if frame.tail == self._tail:
            # Numbers say which lines of a second opening are here already, and how many came in between.
            missing += max(0, frame.first - self._next)
            if frame.first < self._next:
                lines = lines[self._next - frame.first :]
        else:
            lines = LineBlock.of(line for line in lines if self._is_new(line))
            missing += lost
            self._tail, self._next = frame.tail, 0
        self._next = max(self._next, frame.first + len(frame.lines))
        self._remember(lines)
        self.view.buffer.extend(lines, missing)
        self.view = replace(
            self.view,
            trouble=None,
            version=self.view.version + 1,
            lost=self.view.lost + missing,
            backfilled=self.view.backfilled + frame.backfilled,
        )

    def _is_new(self, line: LogLine) -> bool:
        """Of another tail (the server began anew) only what is newer than all that is here."""
        ns, known = self._newest
        return line.ns > ns or (line.ns == ns and (line.labels, line.text) not in known)

    def _remember(self, lines: LineBlock) -> None:
        newest = max(lines.ns, default=0)
        if not newest or newest < self._newest[0]:
            return
        known = self._newest[1] if newest == self._newest[0] else set()
        fresh = [lines[at] for at, ns in enumerate(lines.ns) if ns == newest]
        self._newest = newest, known | {(line.labels, line.text) for line in fresh}
