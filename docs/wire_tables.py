"""The tables of docs/protocol.md that follow from the code."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import fields as dataclass_fields

from docs import shapes
from warroom.incident.record import Record
from warroom.server import methods as asked
from warroom.server.metrics import Counter, Histogram, Metrics
from warroom.server.settings import ServerLimits
from warroom.wire import codec
from warroom.wire import messages as m

CODES = {
    "MALFORMED": "a frame cannot be read; the reason names the field",
    "UNAUTHORISED": "no right token in the hello, or the token ended meanwhile",
    "FORBIDDEN": "reserved: this token is not let in at all",
    "FOREIGN": "the client id belongs to another name: come back with another one",
    "TOO_LATE": "no hello in time",
    "REPLACED": "the same client id connected again; the newest wins",
    "TOO_LARGE": "a frame of more bytes than `max_frame`, or a first frame above `hello_bytes`",
    "TOO_OLD": "no protocol version in common",
    "FLOODING": "faster than the limits, and it went on after a warning",
    "SLOW": "reserved for a reader that fell behind; such a one is cut without a close frame (1006)",
    "RESTART": "the server goes; come back after the `bye` frame's `retry_after_ms`",
}
LIMITS = {
    "commands_per_second": "commands, sustained",
    "command_burst": "commands at once",
    "frames_per_second": "frames of any kind, sustained",
    "frame_burst": "frames at once",
    "bytes_per_second": "bytes received, sustained",
    "byte_burst": "bytes at once",
    "max_frame": "bytes of one frame after the hello",
    "hello_bytes": "bytes of the hello",
    "hello_seconds": "seconds for the handshake, and again for the hello",
    "buffered": "bytes that a reader may leave untaken",
    "stalled_seconds": "seconds without reading, then the connection is cut",
    "backlog_frames": "frames that wait behind a snapshot under way",
    "idle_seconds": "seconds without any sign of life, then the connection is cut",
    "heartbeat": "seconds of silence after which the server pings",
    "subscriptions": "incidents that one connection follows",
    "panels": "panels that one connection watches",
    "tails": "log queries that one connection tails",
    "connections": "connections in all; above it 503",
    "failures": "wrong tokens at once from one address, or with one beginning, then 429",
    "failures_per_second": "wrong tokens, sustained",
    "invite_failures": "wrong invite codes at once from all addresses, then 429",
    "invite_failures_per_second": "wrong invite codes, sustained",
}


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def frames_up() -> str:
    return table(
        ("frame", "fields", "remarks"),
        [(f"`{kind}`", shapes.fields(model), _remarks(model)) for kind, model in codec._UP.items()],
    )


def frames_down() -> str:
    known = {"token": m.TokenDown, "events": m.Events, **codec._DOWN}
    return table(
        ("frame", "fields", "remarks"),
        [(f"`{kind}`", shapes.fields(model), _remarks(model)) for kind, model in known.items()],
    )


def structures() -> str:
    models = (m.Position, m.PanelSpec, m.Threshold, m.Limits, m.OutcomeDown, m.RecordDown, m.LobbyLine, m.Person)
    kinds = (
        ("`client id`", f"text that matches `{m.CLIENT_ID}`"),
        ("`incident`", "text that matches `^INC-[0-9A-Z]{4,8}$`"),
        ("`word`", "text of at most 64 characters"),
        ("`count`", "whole number 0 to 2^53"),
        ("`shown`", "what a pane shows: an object of at most 8 KiB as JSON"),
        ("`query`", "text, 1 to 4,000 characters"),
        ("`moment`", "seconds since the epoch"),
        ("`step`", "seconds, above 0 to 86,400"),
    )
    return table(
        ("name", "what"),
        [*kinds, *((f"`{shapes.kind(one.__name__)}`", shapes.fields(one)) for one in models)],
    )


def close_codes() -> str:
    codes = {name: value for name, value in vars(m.CloseCode).items() if name.isupper()}
    return table(
        ("code", "meaning"), [(str(codes[name]), CODES[name]) for name in sorted(codes, key=lambda one: codes[one])]
    )


def limits() -> str:
    told = ServerLimits()
    return table(
        ("limit", "value", "of what"),
        [(f"`{one.name}`", f"{getattr(told, one.name):,g}" if isinstance(getattr(told, one.name), float)
          else f"{getattr(told, one.name):,}", LIMITS[one.name]) for one in dataclass_fields(ServerLimits)],
    )  # fmt: skip


def methods() -> str:
    rows = []
    for name, method in asked.METHODS.items():
        remark = "" if method.scoped else "not by a token bounded to incidents"
        if method.free:
            remark = "a query of one's own: needs what `telemetry.explore` says; others ask what is shown to all"
        rows.append((f"`{name}`", method.access.value, shapes.fields(method.params), remark))
    return table(("method", "access", "params", ""), rows)


def metrics() -> str:
    rows = []
    for one in vars(Metrics()).values():
        if isinstance(one, Counter):
            rows.append((f"`{one.name}`", one.kind, ", ".join(one._labels), one.words))
        elif isinstance(one, Histogram):
            rows.append((f"`{one.name}`", "histogram", "le", one.words))
    return table(("metric", "type", "labels", "what"), rows)


def envelope() -> str:
    """The order in which the chain takes the fields of a record."""
    source = inspect.getsource(__import__("warroom.incident.record", fromlist=["x"]).envelope_of)
    order = re.findall(r"_?framed(?:_word)?\((?:str\()?(\w+)", source)
    assert set(order) <= {one.name for one in dataclass_fields(Record)}
    return " · ".join(f"`{name}`" for name in order)


def _remarks(model: type[m.Up] | type[m.Down]) -> str:
    text = inspect.cleandoc(model.__doc__ or "")
    generic = inspect.cleandoc(model.__mro__[1].__doc__ or "")
    return " ".join(text.split()).replace("|", "\\|") if text and text != generic else ""


BLOCKS: dict[str, Callable[[], str]] = {
    "frames-up": frames_up,
    "frames-down": frames_down,
    "structures": structures,
    "close-codes": close_codes,
    "limits": limits,
    "methods": methods,
    "metrics": metrics,
    "envelope": envelope,
}
