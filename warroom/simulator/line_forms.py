"""How the services of a production write: JSON, logfmt, or the plain lines of PostgreSQL and Redis.

Sources of the forms: https://brandur.org/logfmt, PostgreSQL's "Error Reporting and Logging", Redis' server log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import orjson

from warroom.simulator.topology import Service

Fields: TypeAlias = Mapping[str, Any]
Form: TypeAlias = Callable[[float, str], str]
"""A line of which only a duration (milliseconds, told to a tenth) and a trace's id are left to say."""

_ODD: Final = re.compile(r'[ "=\t\n]')
_JSON: Final = ("java", "python", "node", "kotlin", "ruby", "scala", "csharp")
_TOOK: Final = 123456789.5
_TRACE: Final = "0123456789abcdeffedcba9876543210"
"""A duration and a trace that no request has: they mark their places in a form."""
_OTHER: Final = 32 * "f"
_USUAL: Final = "SELECT * FROM orders WHERE id = $1"
_POSTGRES_LEVELS: Final = {"info": "LOG", "warn": "WARNING", "error": "ERROR", "fatal": "FATAL"}
_REDIS_LEVELS: Final = {"info": "*", "warn": "#", "error": "#", "fatal": "#"}


def style_of(service: Service) -> str:
    """json, logfmt, postgres or redis."""
    if service.kind == "database":
        return "postgres"
    if service.kind == "cache":
        return "redis"
    return "json" if service.language in _JSON else "logfmt"


def text_of(style: str, level: str, msg: str, fields: Fields) -> str:
    """One line."""
    return _WRITERS[style](level, msg, fields)


def form_of(style: str, level: str, msg: str, fields: Callable[[float, str], Fields]) -> Form:
    """What `text_of` writes of `fields(duration rounded, trace)`: all but these two is written once and for all."""

    def whole(duration: float, trace: str) -> str:
        return text_of(style, level, msg, fields(round(duration, 1), trace))

    head, _, rest = whole(_TOOK, _TRACE).partition(str(_TOOK))
    middle, traced, tail = rest.partition(_TRACE)

    def filled(duration: float, trace: str) -> str:
        return f"{head}{duration:.1f}{middle}{trace}{tail}"

    def untraced(duration: float, _: str) -> str:
        return f"{head}{duration:.1f}{middle}"

    short = filled if traced else untraced
    # Another field may have one of these names, and take its place.
    return short if short(0.0, _OTHER) == whole(0.0, _OTHER) else whole


def logfmt(level: str, msg: str, fields: Fields) -> str:
    """`level=info msg="..." name=value ...`"""
    parts = [f"level={level} msg={_quoted(msg)}"]
    parts += [f"{name}={_quoted(value)}" for name, value in fields.items()]
    return " ".join(parts)


def _json(level: str, msg: str, fields: Fields) -> str:
    return orjson.dumps({"level": level, "msg": msg, **fields}).decode()


def _quoted(value: Any) -> str:
    text = str(value)
    if text and _ODD.search(text) is None:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _postgres(level: str, msg: str, fields: Fields) -> str:
    words = _DATABASE.get(msg)
    body = words(fields) if words else _plain(msg, fields)
    return f"{fields.get('as', _POSTGRES_LEVELS.get(level, 'LOG'))}:  {body}"


def _redis(level: str, msg: str, fields: Fields) -> str:
    words = _CACHE.get(msg)
    return f"1:M {_REDIS_LEVELS.get(level, '*')} {words(fields) if words else _plain(msg, fields)}"


def _plain(msg: str, fields: Fields) -> str:
    said = ", ".join(f"{name}={value}" for name, value in fields.items() if name not in ("trace_id", "as"))
    return f"{msg}: {said}" if said else msg


_DATABASE: Final[dict[str, Callable[[Fields], str]]] = {
    "request": lambda f: f"duration: {f['duration_ms']} ms  statement: {_USUAL}",
    "request failed": lambda f: f"{f['error']}: could not execute statement",
    "slow statement": lambda f: f"duration: {f['duration_ms']} ms  statement: {f['statement']}",
    "request rejected": lambda _: "sorry, too many clients already",
    "write failed": lambda _: "could not write to file \"pg_wal/xlogtemp\": No space left on device",
    "write refused": lambda f: f"could not write: server is read-only (not on expected primary {f['primary']})",
    "replication lag": lambda f: f"replication lag {f['lag_seconds']} s",
    "topology change": lambda f: f"topology change: primary is now {f['primary']}",
    "backup finished": lambda f: f"backup finished: {f['bytes']} bytes",
    "rows missing": lambda _: 'relation "orders" row not found: table has no such id',
    "disk is filling": lambda f: f"disk is filling: {f['used_percent']}% used",
    "process started": lambda f: f"database system is ready to accept connections (version {f['version']})",
}  # fmt: skip
_CACHE: Final[dict[str, Callable[[Fields], str]]] = {
    "request": lambda f: f"GET served in {f['duration_ms']} ms",
    "cache stats": lambda f: f"cache stats: hit_ratio={f['hit_ratio']} keys={f['keys']}",
    "cache is cold": lambda f: f"cache is cold: hit_ratio={f['hit_ratio']}",
    "request rejected": lambda _: "max number of clients reached",
    "process started": lambda f: f"Ready to accept connections tcp (version {f['version']})",
}
_WRITERS: Final[dict[str, Callable[[str, str, Fields], str]]] = {
    "json": _json, "logfmt": logfmt, "postgres": _postgres, "redis": _redis,
}  # fmt: skip
