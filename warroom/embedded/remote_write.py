"""Samples that a Prometheus, an agent or a collector pushes: remote write 1.0, into the series store.

Format: https://prometheus.io/docs/specs/prw/remote_write_spec/ and prompb/types.proto of Prometheus. Refusals are those
of Prometheus 3.5. Native histograms are refused in words, never dropped silently; remote write 2.0 is 415.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import cramjam
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from warroom.embedded.protobuf import ProtobufError, fields
from warroom.embedded.series_store import SampleRefused, SeriesStore
from warroom.telemetry.alerts import Exemplar
from warroom.telemetry.block import SeriesKey
from warroom.telemetry.prometheus_data import MetricInfo

LARGEST = 32 * 1024 * 1024
"""Bytes of a push, compressed or not."""

_KINDS = ("unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset")
PLAIN = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}


class PushRefused(Exception):
    """Why a push is refused; `status` is the answer's."""

    def __init__(self, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True, slots=True)
class Pushed:
    """One series of a push. Times are seconds since the epoch; `natives` counts native histograms."""

    key: SeriesKey
    times: tuple[float, ...]
    values: tuple[float, ...]
    exemplars: tuple[Exemplar, ...] = ()
    natives: int = 0


def write_routes(store: SeriesStore, path: str = "/api/v1/write") -> list[Route]:
    """The route of remote write, to be put beside Prometheus's API."""

    async def write(request: Request) -> Response:
        try:
            _check_kind(request)
            series, infos = read_write(await _body(request))
            keep(store, series, infos)
        except PushRefused as refused:
            return Response(f"{refused}\n", refused.status, PLAIN)
        return Response(status_code=204)

    return [Route(path, write, methods=["POST"])]


def keep(store: SeriesStore, series: Sequence[Pushed], infos: Sequence[MetricInfo] = ()) -> None:
    """Put a push into the store. Raises PushRefused after all that could be kept is."""
    wrong = list[str]()
    for one in series:
        order = sorted(range(len(one.times)), key=lambda index: one.times[index])
        try:
            store.append_samples(one.key, [one.times[i] for i in order], [one.values[i] for i in order])
        except SampleRefused as refused:
            wrong.append(str(refused))
            continue
        if one.natives:
            wrong.append("native histograms are not kept here; send classic ones")
        store.exemplars(one.exemplars)
    store.metadata(infos)
    if wrong:
        raise PushRefused(wrong[0])


def read_write(body: bytes) -> tuple[list[Pushed], list[MetricInfo]]:
    """The series and metadata of a compressed push. Raises PushRefused."""
    try:
        size = _size(body)
        if size > LARGEST:
            raise PushRefused(f"the push has more than {LARGEST // 1024**2} MiB", 413)
        plain = bytes(cramjam.snappy.decompress_raw(body)) if body else b""
    except cramjam.DecompressionError:
        raise PushRefused("s2: corrupt input") from None
    try:
        found, infos = list[Pushed](), list[MetricInfo]()
        for number, wire, raw in fields(memoryview(plain)):
            if number == 1 and isinstance(raw, memoryview):
                found.append(_series(raw))
            elif number == 3 and wire == 2 and isinstance(raw, memoryview):
                infos.append(_info(raw))
    except (ProtobufError, UnicodeDecodeError) as wrong:
        raise PushRefused(f"proto: {wrong}") from None
    return found, infos


def _series(data: memoryview) -> Pushed:
    labels, times, values, exemplars, natives = list[tuple[str, str]](), list[float](), list[float](), [], 0
    for number, _, raw in fields(data):
        if not isinstance(raw, memoryview):
            continue
        if number == 1:
            labels.append(_label(raw))
        elif number == 2:
            value, at = _sample(raw)
            times.append(at)
            values.append(value)
        elif number == 3:
            exemplars.append(_exemplar(raw))
        elif number == 4:
            natives += 1
    key = tuple(sorted(pair for pair in labels if pair[1]))
    names = [name for name, _ in key]
    if len(set(names)) < len(names) or not all(names) or "__name__" not in names:
        raise PushRefused(f"invalid labels for series, labels {dict(key)}")
    told = tuple(Exemplar(key, marks, value, at, dict(marks).get("trace_id", "")) for marks, value, at in exemplars)
    return Pushed(key, tuple(times), tuple(values), told, natives)


def _label(data: memoryview) -> tuple[str, str]:
    said = {number: str(raw, "utf-8") for number, _, raw in fields(data) if isinstance(raw, memoryview)}
    return said.get(1, ""), said.get(2, "")


def _sample(data: memoryview) -> tuple[float, float]:
    value, at = 0.0, 0
    for number, wire, raw in fields(data):
        if number == 1 and wire == 1 and isinstance(raw, memoryview):
            value = struct.unpack("<d", raw)[0]
        elif number == 2 and isinstance(raw, int):
            at = raw - (1 << 64) if raw >> 63 else raw
    return value, at / 1000


def _exemplar(data: memoryview) -> tuple[SeriesKey, float, float]:
    labels, value, at = [], 0.0, 0
    for number, wire, raw in fields(data):
        if number == 1 and isinstance(raw, memoryview):
            labels.append(_label(raw))
        elif number == 2 and wire == 1 and isinstance(raw, memoryview):
            value = struct.unpack("<d", raw)[0]
        elif number == 3 and isinstance(raw, int):
            at = raw - (1 << 64) if raw >> 63 else raw
    return tuple(sorted(labels)), value, at / 1000


def _info(data: memoryview) -> MetricInfo:
    kind, said = 0, dict[int, str]()
    for number, _, raw in fields(data):
        if number == 1 and isinstance(raw, int):
            kind = raw
        elif isinstance(raw, memoryview):
            said[number] = str(raw, "utf-8")
    name = _KINDS[kind] if kind < len(_KINDS) else "unknown"
    return MetricInfo(said.get(2, ""), name, said.get(4, ""), said.get(5, ""))


def _check_kind(request: Request) -> None:
    kind = request.headers.get("content-type", "application/x-protobuf")
    parts = [one.strip() for one in kind.split(";")]
    protos = [one.partition("=")[2] for one in parts[1:] if one.startswith("proto=")]
    if parts[0] != "application/x-protobuf" or any(one != "prometheus.WriteRequest" for one in protos):
        raise PushRefused(f"{kind[:120]} protobuf message is not accepted by this server; only remote write 1.0 is "
                          "(application/x-protobuf;proto=prometheus.WriteRequest)", 415)  # fmt: skip
    coding = request.headers.get("content-encoding", "snappy")
    if coding != "snappy":
        raise PushRefused(f"{coding[:80]} encoding (compression) is not accepted by this server; only snappy is "
                          "acceptable", 415)  # fmt: skip


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise PushRefused(f"the push has more than {LARGEST // 1024**2} MiB", 413)
        parts.append(part)
    return b"".join(parts)


def _size(body: bytes) -> int:
    """What a snappy block says that it grows to: looked at before anything is decompressed."""
    value = 0
    for index, byte in enumerate(body[:5]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value
    return 0
