"""What must always be visible about the connection: unsent, reconnecting, stale, refused.

Invariant: says nothing while all is well, and never hides a command that has no answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

from rich.style import Style

from warroom.client.view import Link, RoomView, Unsent, View
from warroom.incident.words import Status
from warroom.tui.glyphs import glyphs
from warroom.tui.widgets.line import Line
from warroom.tui.widgets.strips import Notice

_AGE_OF_UNSENT = 2.0
_USUAL_SERVER = "warroom"


def notices_of(view: View, room: RoomView | None, now: datetime) -> list[Notice]:
    """The notices for the strip under the header, in words."""
    found: list[Notice] = []
    link = view.link
    if link.status == "refused":
        found.append(Notice(link.words or "the server refused this token", "bad"))
    elif link.status == "connecting" and link.words:
        found.append(Notice(link.words, "info"))
    elif not link.is_live:
        wait = ""
        if link.retry_at is not None and link.retry_at > now:
            wait = f", next try in {max(1, round((link.retry_at - now).total_seconds()))} s"
        words = "connecting" if link.status == "connecting" else f"no server since {link.since.astimezone():%H:%M:%S}"
        found.append(Notice(f"{words}{wait}; you can go on, nothing is lost", "warn"))
    waiting = waiting_of(view.unsent, link, now)
    if waiting:
        found.append(Notice(f"{len(waiting)} unsent", "warn"))
    if view.refused:
        last = view.refused[-1]
        found.append(Notice(f"{len(view.refused)} refused: {last.words} (f2 tells all)", "bad"))
    if room is not None and room.ended:
        found.append(Notice(room.ended, "bad"))
    elif room is not None and room.state.status is Status.MERGED:
        found.append(Notice(f"merged: the work goes on in {room.state.merged_into}; ^p goes there", "info"))
    elif room is not None and room.stale and room.state.seq and link.is_live:
        found.append(Notice("catching up: what you see may be old", "info"))
    elif room is not None and room.stale and room.state.seq:
        found.append(Notice("what you see is as old as the connection", "info"))
    return found


def waiting_of(unsent: Iterable[Unsent], link: Link, now: datetime) -> list[Unsent]:
    """What waits for longer than an answer takes on a line that works; all of it without one."""
    return [one for one in unsent if not link.is_live or (now - one.made_at).total_seconds() > _AGE_OF_UNSENT]


def footer_state(view: View, room: RoomView | None, now: datetime, zone: tzinfo) -> Line:
    """The right end of the footer: which server where it has a name of its own, how far the record is, whether it is
    in step, and the time in UTC and here.
    """
    muted, good, warn = Style(dim=True), Style(color="green"), Style(color="yellow", bold=True)
    runs = []
    if view.link.server not in ("", _USUAL_SERVER):
        runs.append((f"{view.link.server}  ", warn))
    if room is not None:
        synced = view.link.is_live and not room.stale
        runs += [(f"entry {room.state.seq} ", muted), ("synced " if synced else "stale ", good if synced else warn)]
    utc = now.strftime("UTC %H:%M:%S")
    local = now.astimezone(zone)
    offset = local.utcoffset()
    here = f" {glyphs().middot} here {local:%H:%M}" if offset is not None and offset.total_seconds() else ""
    return [*runs, (f" {utc}{here}", muted)]
