"""Log lines of this process, by stream and in order of time: what a Loki keeps, in memory.

Order and repetition are Loki's: a line may come out of order within an hour behind its stream's newest line, and the
same text at the same nanosecond of a stream is kept once. Times are whole nanoseconds since the epoch.

Invariant: the lines of a stream are sorted by time, lines of one nanosecond in the order they came. May be appended to
and read from different threads: what was read does not change afterwards.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from warroom.embedded.go_text import labels_text
from warroom.embedded.log_levels import LEVEL, SERVICE, completed_labels, completed_metadata
from warroom.telemetry.logs import LogLine, Pairs

Listener = Callable[[Sequence[LogLine]], None]
Picks = Callable[[Mapping[str, str]], bool]
"""Whether streams with such labels are meant."""

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class LogLimits:
    """What is kept. `retention`: seconds behind the newest line, 0 for ever. `behind`: seconds by which a line may be
    older than the newest of its stream. `streams`: label sets at most.
    """

    retention: float = 0.0
    behind: float = 3600.0
    streams: int = 5000


LIMITS = LogLimits()


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that was not kept, and why, in Loki's words."""

    line: LogLine
    words: str


@dataclass(slots=True, eq=False)
class Stream:
    """Lines of one label set. `times` and `lines` run in parallel."""

    labels: Pairs
    base: dict[str, str]
    times: array[int] = field(default_factory=lambda: array("q"))
    lines: list[LogLine] = field(default_factory=list)


class LogStore:
    """Every stream there is. Nothing is read from a clock: time is what the lines say."""

    def __init__(self, limits: LogLimits = LIMITS) -> None:
        self.limits = limits
        self.newest_ns = 0
        """Time of the newest line that was ever kept; 0 when none was."""
        self.lines_kept = 0
        """How many lines there are."""
        self.serial = 0
        """How many lines were ever kept: grows with each."""
        self._streams: dict[Pairs, Stream] = {}
        self._known: dict[Pairs, Stream] = {}
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()
        self._trimmed_at = 0

    def append(self, lines: Sequence[LogLine]) -> tuple[Refused, ...]:
        """Keep lines; what a line lacks of `service_name` and `detected_level` is added, as Loki does.

        Returns the lines that were not kept. The good ones of the same call are kept all the same.
        """
        refused: list[Refused] = []
        kept: list[LogLine] | None = [] if self._listeners else None
        with self._lock:
            self._append(lines, kept, refused)
            if self.limits.retention:
                self._trim()
        for listener in tuple(self._listeners) if kept else ():
            listener(kept or ())
        return tuple(refused)

    def _append(self, lines: Sequence[LogLine], kept: list[LogLine] | None, refused: list[Refused]) -> None:
        labels: Pairs | None = None
        stream: Stream | None = None
        count = 0
        for line in lines:
            if line.labels is not labels or stream is None:
                labels = line.labels
                stream = self._known.get(labels) or self._stream(labels)
                if stream is None:
                    refused.append(Refused(line, _too_many(completed_labels(labels))))
                    continue
            for name, _ in line.metadata:
                if name == LEVEL:
                    if line.labels is not stream.labels:
                        line = LogLine(line.ns, line.text, stream.labels, line.metadata)
                    break
            else:
                line = _completed(line, stream)
            times, ns = stream.times, line.ns
            if not times or ns > times[-1]:
                times.append(ns)
                stream.lines.append(line)
            elif (place := self._place(stream, line, refused)) >= 0:
                times.insert(place, ns)
                stream.lines.insert(place, line)
            else:
                continue
            count += 1
            if ns > self.newest_ns:
                self.newest_ns = ns
            if kept is not None:
                kept.append(line)
        self.lines_kept += count
        self.serial += count

    def _stream(self, labels: Pairs) -> Stream | None:
        """The stream of a label set, a new one where there is none; None when there are too many."""
        full = completed_labels(labels)
        stream = self._streams.get(full)
        if stream is None:
            if len(self._streams) >= self.limits.streams:
                return None
            stream = self._streams[full] = Stream(full, dict(full))
        if len(self._known) > 4 * self.limits.streams:
            self._known.clear()
        self._known[labels] = stream
        return stream

    def _place(self, stream: Stream, line: LogLine, refused: list[Refused]) -> int:
        """Where a line goes that is not newer than the newest; -1 when it does not."""
        times, ns = stream.times, line.ns
        oldest = times[-1] - int(self.limits.behind * SECOND)
        if ns < oldest:
            refused.append(Refused(line, _behind(ns, oldest)))
            return -1
        place = bisect_right(times, ns)
        for at in range(place - 1, -1, -1):
            if times[at] != ns:
                break
            if stream.lines[at].text == line.text:
                return -1
        return place

    # -- reading -----------------------------------------------------------------------------------------------------

    def select(self, picks: Picks, start: int, end: int) -> list[tuple[Stream, list[LogLine]]]:
        """Lines from `start` up to and without `end`, of the streams that are meant; streams by their labels."""
        found = []
        with self._lock:
            for stream in sorted(self._streams.values(), key=lambda one: one.labels):
                if not picks(stream.base):
                    continue
                low, high = bisect_left(stream.times, start), bisect_left(stream.times, end)
                if low < high:
                    found.append((stream, stream.lines[low:high]))
        return found

    def streams(self, picks: Picks, start: int, end: int) -> list[Stream]:
        """Streams that are meant and have a line from `start` up to and with `end`, by their labels."""
        with self._lock:
            return [
                stream
                for stream in sorted(self._streams.values(), key=lambda one: one.labels)
                if picks(stream.base) and bisect_left(stream.times, start) < bisect_right(stream.times, end)
            ]

    def span(self) -> tuple[int, int]:
        """Times of the oldest and the newest line that are kept; twice 0 without any."""
        with self._lock:
            ends = [(stream.times[0], stream.times[-1]) for stream in self._streams.values() if stream.times]
        return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else (0, 0)

    def everything(self) -> Iterator[LogLine]:
        """All lines, stream by stream."""
        for _, lines in self.select(lambda _labels: True, -(1 << 63), (1 << 63) - 1):
            yield from lines

    # -- life --------------------------------------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Let `listener` hear of lines as they are kept, in the thread that appends them. Returns what ends it."""
        with self._lock:
            self._listeners.append(listener)

        def stop() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return stop

    def forget(self, before: int) -> int:
        """Drop the lines older than `before`. Returns how many those were."""
        gone = 0
        with self._lock:
            for labels, stream in list(self._streams.items()):
                place = bisect_left(stream.times, before)
                if place == 0 and stream.times:
                    continue
                gone += place
                del stream.times[:place]
                del stream.lines[:place]
                if not stream.times:
                    del self._streams[labels]
            if gone:
                self._known = {raw: stream for raw, stream in self._known.items() if stream.times}
            self.lines_kept -= gone
        return gone

    def _trim(self) -> None:
        """Keep to the retention, a tenth of it late, so that it costs little."""
        retention = int(self.limits.retention * SECOND)
        if self.newest_ns - self._trimmed_at > retention // 10:
            self._trimmed_at = self.newest_ns
            self.forget(self.newest_ns - retention)


def _completed(line: LogLine, stream: Stream) -> LogLine:
    return LogLine(line.ns, line.text, stream.labels, completed_metadata(line, stream.base))


def _too_many(labels: Pairs) -> str:
    return (
        f"maximum active stream limit exceeded when trying to create stream {labels_text(labels)}, reduce the number "
        "of active streams (reduce labels or reduce label values), or contact your Loki administrator to see if the "
        "limit can be increased, user: 'fake'"
    )


def _behind(ns: int, oldest: int) -> str:
    return f"entry too far behind, entry timestamp is: {rfc3339(ns)}, oldest acceptable timestamp is: {rfc3339(oldest)}"


def rfc3339(ns: int) -> str:
    """A moment to the second, as Loki's errors name it."""
    return datetime.fromtimestamp(ns // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


__all__ = ["LEVEL", "LIMITS", "SERVICE", "LogLimits", "LogStore", "Picks", "Refused", "Stream", "rfc3339"]
