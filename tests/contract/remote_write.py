"""Samples, exemplars and native histograms written into a real Prometheus at chosen times (remote write 1.0).

Format: https://prometheus.io/docs/specs/prw/remote_write_spec/, and prompb/types.proto of Prometheus.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx


@dataclass(frozen=True)
class Native:
    """A native histogram of schema 1 with counts for buckets from `offset` on, and of the zero bucket."""

    counts: Sequence[int]
    total: float
    offset: int = 0
    zeros: int = 0


@dataclass
class Written:
    """One series: samples (seconds, value), exemplars (labels, value, seconds), native histograms (seconds, it)."""

    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]] = ()
    exemplars: Sequence[tuple[Mapping[str, str], float, float]] = ()
    histograms: Sequence[tuple[float, Native]] = field(default_factory=list)


def write(url: str, series: Sequence[Written]) -> httpx.Response:
    """Post the series to the server and return its answer."""
    body = _literal(b"".join(_part(1, _series(one)) for one in series))
    headers = {
        "Content-Encoding": "snappy",
        "Content-Type": "application/x-protobuf",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    return httpx.post(f"{url}/api/v1/write", content=body, headers=headers, trust_env=False)


def _series(one: Written) -> bytes:
    said = b"".join(_label(name, value) for name, value in sorted(one.labels.items()))
    said += b"".join(_part(2, _double(1, value) + _whole(2, round(at * 1000))) for at, value in one.samples)
    for labels, value, at in one.exemplars:
        named = b"".join(_label(*pair) for pair in sorted(labels.items()))
        said += _part(3, named + _double(2, value) + _whole(3, round(at * 1000)))
    return said + b"".join(_part(4, _native(at, native)) for at, native in one.histograms)


def _native(at: float, native: Native) -> bytes:
    deltas = [count - before for before, count in zip([0, *native.counts], native.counts, strict=False)]
    span = _whole(1, _zigzag(native.offset)) + _whole(2, len(native.counts))
    return (
        _whole(1, sum(native.counts) + native.zeros)
        + _double(3, native.total)
        + _whole(4, _zigzag(1))
        + _double(5, 0.001)
        + _whole(6, native.zeros)
        + _part(11, span)
        + _part(12, b"".join(_varint(_zigzag(delta)) for delta in deltas))
        + _whole(15, round(at * 1000))
    )


def _label(name: str, value: str) -> bytes:
    return _part(1, _part(1, name.encode()) + _part(2, value.encode()))


def _varint(number: int) -> bytes:
    said = b""
    while number > 0x7F:
        said += bytes([number & 0x7F | 0x80])
        number >>= 7
    return said + bytes([number])


def _zigzag(number: int) -> int:
    return number * 2 if number >= 0 else -number * 2 - 1


def _whole(key: int, number: int) -> bytes:
    return _varint(key << 3) + _varint(number)


def _double(key: int, number: float) -> bytes:
    return _varint(key << 3 | 1) + struct.pack("<d", number)


def _part(key: int, body: bytes) -> bytes:
    return _varint(key << 3 | 2) + _varint(len(body)) + body


def _literal(body: bytes) -> bytes:
    """Snappy without compressing: the length, then literals of 60 bytes at most."""
    blocks = [body[at : at + 60] for at in range(0, len(body), 60)]
    return _varint(len(body)) + b"".join(bytes([len(block) - 1 << 2]) + block for block in blocks)
