"""What a service wrote, its two streams together and in order, secrets masked.

Invariant: both streams are always asked for: the engine counts the lines of both for a tail, even when only one is
wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from warroom.bundle.secret_files import Mask
from warroom.bundle.text import safe_line

LONGEST_LINE = 16 * 1024
"""The engine splits longer lines itself (16 KiB); what it does not is cut."""


def tail(client: Any, container: str, count: int, mask: Mask) -> list[str]:
    """The last `count` lines. The engine interleaves the streams loosely, so its timestamps decide."""
    raw = client.logs(container, stdout=True, stderr=True, timestamps=True, tail=count)
    lines = [_parted(line) for line in raw.split(b"\n") if line]
    lines.sort(key=lambda line: line[0])
    return [mask(text) for _at, text in lines[-count:]]


def follow(
    client: Any, find: Callable[[], tuple[str, bool] | None], count: int, mask: Mask, wait: Callable[[], None]
) -> Iterator[str]:
    """The last `count` lines and then each new one, also after a restart; ends when the container is gone or has ended
    for good.

    `find` gives the container's id and whether it will go on (it runs or is about to); `wait` lets a moment pass.
    """
    last, since = "", None
    while (found := find()) is not None:
        stream = client.logs(
            found[0], stdout=True, stderr=True, timestamps=True, stream=True, follow=True,
            tail=count if since is None else "all", since=since,
        )  # fmt: skip
        try:
            for at, text in map(_parted, _lines(stream)):
                # The engine's `since` is coarser than its timestamps; what was shown is not shown again.
                if since is None or at > last:
                    yield mask(text)
                    last = max(last, at)
        finally:
            stream.close()
        if not found[1]:
            return
        since = _seconds(last)
        wait()


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines of chunks that end anywhere."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line)
        if len(rest) > LONGEST_LINE:
            yield rest
            rest = b""
    if rest:
        yield rest


def _parted(line: bytes) -> tuple[str, str]:
    """Timestamp and text."""
    at, _, text = line.decode("utf-8", "replace").rstrip("\r").partition(" ")
    return at, safe_line(text[:LONGEST_LINE])


def _seconds(at: str) -> float:
    """Seconds since 1970 of the engine's timestamp, rounded down; 0 when there was no line."""
    if not at:
        return 0.0
    return datetime.fromisoformat(at[:19]).replace(tzinfo=UTC).timestamp()


def masking(client: Any, container: str, folder: Path) -> Mask:
    """What masks the secrets of this container: those of its environment, those of our files."""
    environment = (client.inspect_container(container).get("Config") or {}).get("Env") or ()
    return Mask(environment, folder)
