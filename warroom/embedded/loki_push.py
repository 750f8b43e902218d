"""What is pushed to a Loki, read into lines: its own JSON, its protobuf in snappy, and OTLP.

Follows Loki 3.7's push API and limits. Invariant: hostile bytes cost no more than their length and a bound, and end in
a PushError or in lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import cramjam
import orjson

from warroom.embedded import otlp
from warroom.embedded.go_text import labels_text, quote
from warroom.embedded.log_levels import completed_labels
from warroom.embedded.log_store import SECOND, Refused, rfc3339
from warroom.embedded.logql.errors import ParseError
from warroom.embedded.logql.lexer import Tokens
from warroom.embedded.logql.parse_stages import selector
from warroom.embedded.logql.samples import size_of
from warroom.embedded.protobuf import ProtobufError, message, read
from warroom.telemetry.logs import LogLine, Pairs

NOTHING = "error at least one valid stream is required for ingestion"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OTHER = re.compile(r"[^A-Za-z0-9_]")

_PAIR = message("LabelPair", {1: ("name", "string"), 2: ("value", "string")})
_TIME = message("Timestamp", {1: ("seconds", "int64"), 2: ("nanos", "int32")})
_ENTRY = message("Entry", {1: ("timestamp", _TIME), 2: ("line", "string"), 3: ("structuredMetadata", _PAIR, True)})
_PUSH = message(
    "PushRequest",
    {1: ("streams", message("Stream", {1: ("labels", "string"), 2: ("entries", _ENTRY, True)}), True)},
)

OTLP_LABELS = frozenset({
    "service.name", "service.namespace", "service.instance.id", "deployment.environment",
    "deployment.environment.name", "cloud.region", "cloud.availability_zone", "k8s.cluster.name",
    "k8s.namespace.name", "k8s.pod.name", "k8s.container.name", "container.name", "k8s.replicaset.name",
    "k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name", "k8s.cronjob.name", "k8s.job.name",
})  # fmt: skip
"""Attributes of a resource that become labels of the stream; the others go beside the line."""


class PushError(ValueError):
    """Why nothing of a push can be taken. `status` is the answer's."""

    def __init__(self, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True, slots=True)
class PushLimits:
    """What a line may be, as a Loki has it by default: `age` and `ahead` in seconds, lengths in bytes."""

    age: float = 7 * 86_400.0
    ahead: float = 600.0
    line: int = 256 * 1024
    labels: int = 15
    name: int = 1024
    value: int = 2048
    metadata: int = 128
    metadata_bytes: int = 64 * 1024


LIMITS = PushLimits()


# -- Loki's own forms --------------------------------------------------------------------------------------------------


def of_json(body: bytes) -> list[LogLine]:
    """The lines of `{"streams": [{"stream": {...}, "values": [["ns", "line", {...}]]}]}`.

    Raises:
        PushError: it is none.
    """
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError as wrong:
        raise _no_push(f"the body is no JSON: {wrong}") from None
    streams = said.get("streams") if isinstance(said, dict) else None
    if not isinstance(streams, list):
        raise _no_push("expect [ or n: streams is no list")
    lines: list[LogLine] = []
    for stream in streams:
        if not isinstance(stream, dict) or not isinstance(stream.get("stream", {}), dict):
            raise _no_push("a stream is no object with labels")
        labels = _checked(sorted((name, _label_text(value)) for name, value in (stream.get("stream") or {}).items()))
        values = stream.get("values", [])
        if not isinstance(values, list):
            raise _no_push("values is no list")
        lines += [_json_line(value, labels) for value in values]
    return lines


def _json_line(value: Any, labels: Pairs) -> LogLine:
    if not isinstance(value, list) or not 2 <= len(value) <= 3:
        raise _no_push("a value is no list of a time, a line and metadata")
    ns, text = value[:2]
    if not isinstance(ns, str) or not re.fullmatch(r"-?\d{1,19}", ns, re.ASCII):
        raise _no_push("Value looks like Number/Boolean/None: a time is a text of nanoseconds since the epoch")
    if not isinstance(text, str):
        raise _no_push("a line is no text")
    beside = value[2] if len(value) == 3 else {}
    if not isinstance(beside, dict) or not all(isinstance(one, str) for one in beside.values()):
        raise _no_push("Value is string, but structured metadata holds something else than texts")
    return LogLine(int(ns), text, labels, tuple(sorted(beside.items())))


def _label_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _no_push(words: str) -> PushError:
    return PushError(f"loghttp.PushRequest.Streams: []loghttp.LogProtoStream: {words}")


def of_protobuf(body: bytes, most: int) -> list[LogLine]:
    """The lines of a `logproto.PushRequest` in raw snappy, at most `most` bytes of it.

    Raises:
        PushError: it is none.
    """
    try:
        size = cramjam.snappy.decompress_raw_len(body)
        plain = bytes(cramjam.snappy.decompress_raw(body)) if size <= most else None
    except (cramjam.DecompressionError, OverflowError, ValueError):
        raise PushError("snappy: corrupt input") from None
    if plain is None:
        raise PushError(f"message size too large than max ({size} vs {most})", 413)
    try:
        said = read(plain, _PUSH)
    except ProtobufError as wrong:
        raise PushError(f"proto: {wrong}") from None
    lines: list[LogLine] = []
    for stream in said.get("streams", ()):
        labels = _labels_of(stream.get("labels", "{}"))
        for entry in stream.get("entries", ()):
            at = entry.get("timestamp", {})
            ns = at.get("seconds", 0) * SECOND + at.get("nanos", 0)
            beside = sorted((one.get("name", ""), one.get("value", "")) for one in entry.get("structuredMetadata", ()))
            lines.append(LogLine(ns, entry.get("line", ""), labels, tuple(beside)))
    return lines


def _labels_of(text: str) -> Pairs:
    try:
        tokens = Tokens(text)
        matchers = selector(tokens)
        tokens.want("$end")
    except ParseError as wrong:
        raise PushError(f"couldn't parse labels: {wrong}") from None
    if any(matcher.op != "=" for matcher in matchers):
        raise PushError("couldn't parse labels: 1:2: parse error: a label has a value and no matcher")
    return _checked(sorted((matcher.name, matcher.value) for matcher in matchers))


def _checked(labels: Sequence[tuple[str, str]]) -> Pairs:
    """Labels whose names can be names."""
    column = 2
    for name, value in labels:
        if not _NAME.fullmatch(name):
            wrong = next((at for at, char in enumerate(name) if _OTHER.match(char)), 0)
            sign = name[wrong : wrong + 1] or "="
            raise PushError(
                f"couldn't parse labels: 1:{column + wrong}: parse error: unexpected character inside braces: '{sign}'"
            )
        column += len(name) + 1 + len(quote(value)) + 2
    return tuple(labels)


# -- OTLP --------------------------------------------------------------------------------------------------------------


def of_otlp(said: Mapping[str, Any]) -> list[LogLine]:
    """The lines of an OTLP export in its JSON form, as Loki maps them: the resource's well-known attributes are labels,
    all others metadata, dots become underscores.

    Raises:
        OtlpError: it is none.
    """
    lines: list[LogLine] = []
    for resource in otlp.items(said, "resourceLogs"):
        labels: dict[str, str] = {}
        shared: dict[str, str] = {}
        for name, value in otlp.attributes(otlp.inside(resource, "resource")):
            (labels if name in OTLP_LABELS else shared)[_plain_name(name)] = str(value)
        pairs = tuple(sorted(labels.items()))
        for scoped in otlp.items(resource, "scopeLogs"):
            scope = otlp.inside(scoped, "scope")
            own = dict(shared)
            for name in ("name", "version"):
                if otlp.text(scope, name):
                    own[f"scope_{name}"] = otlp.text(scope, name)
            own |= {_plain_name(name): str(value) for name, value in otlp.attributes(scope)}
            lines += [_otlp_line(record, pairs, own) for record in otlp.items(scoped, "logRecords")]
    return lines


def _otlp_line(record: Mapping[str, Any], labels: Pairs, shared: Mapping[str, str]) -> LogLine:
    beside = dict(shared)
    beside |= {_plain_name(name): str(value) for name, value in otlp.attributes(record)}
    observed = otlp.whole(record, "observedTimeUnixNano")
    for name, value in (
        ("observed_timestamp", observed),
        ("severity_number", otlp.whole(record, "severityNumber")),
        ("flags", otlp.whole(record, "flags")),
    ):
        if value:
            beside[name] = str(value)
    for name, field in (("severity_text", "severityText"), ("trace_id", "traceId"), ("span_id", "spanId")):
        if otlp.text(record, field):
            beside[name] = otlp.text(record, field)
    ns = otlp.whole(record, "timeUnixNano") or observed
    return LogLine(ns, str(otlp.any_value(otlp.inside(record, "body"))), labels, tuple(sorted(beside.items())))


def _plain_name(name: str) -> str:
    said = _OTHER.sub("_", name)
    return f"key_{said}" if said[:1].isdigit() else said


# -- limits ------------------------------------------------------------------------------------------------------------


def within(lines: Iterable[LogLine], now: float, limits: PushLimits = LIMITS) -> Iterator[LogLine | Refused]:
    """Lines that may be kept, and those that may not, in Loki's words."""
    now_ns = round(now * 1_000_000) * 1000
    oldest, newest = now_ns - int(limits.age * SECOND), now_ns + int(limits.ahead * SECOND)
    labels: Pairs | None = None
    full: Pairs = ()
    wrong = ""
    for line in lines:
        if line.labels is not labels:
            labels, full = line.labels, completed_labels(line.labels)
            wrong = _wrong_labels(labels, full, limits)
        words = wrong
        if not words and not oldest <= line.ns <= newest:
            words = _wrong_time(line.ns, full, oldest)
        if not words and (len(line.text) > limits.line or line.metadata):
            words = _wrong_content(line, full, limits)
        yield Refused(line, words) if words else line


def _wrong_labels(labels: Pairs, full: Pairs, limits: PushLimits) -> str:
    if len(labels) > limits.labels:
        return f"entry for stream '{labels_text(full)}' has {len(labels)} label names; limit {limits.labels}"
    for name, value in full:
        if len(name) > limits.name:
            return f"stream '{labels_text(full)}' has label name too long: '{name}'"
        if len(value) > limits.value:
            return f"stream '{labels_text(full)}' has label value too long: '{value}'"
    return ""


def _wrong_time(ns: int, full: Pairs, oldest: int) -> str:
    said = f"entry for stream '{labels_text(full)}' has timestamp"
    if ns < oldest:
        return f"{said} too old: {rfc3339(ns)}, oldest acceptable timestamp is: {rfc3339(oldest)}"
    return f"{said} too new: {rfc3339(ns)}"


def _wrong_content(line: LogLine, full: Pairs, limits: PushLimits) -> str:
    if (size := size_of(line.text)) > limits.line:
        return (
            f"max entry size '{limits.line}' bytes exceeded for stream '{labels_text(full)}' while adding an entry "
            f"with length '{size}' bytes"
        )
    if len(line.metadata) > limits.metadata:
        return (
            f"stream '{labels_text(full)}' has too many structured metadata labels: '{len(line.metadata)}', limit: "
            f"'{limits.metadata}'. Please see `limits_config.max_structured_metadata_entries_count` or contact your "
            "Loki administrator to increase it"
        )
    held = sum(len(name) + len(value) for name, value in line.metadata)
    if held > limits.metadata_bytes:
        return (
            f"stream '{labels_text(full)}' has structured metadata too large: '{held}' bytes, limit: "
            f"'{limits.metadata_bytes}' bytes. Please see `limits_config.max_structured_metadata_size` or contact your "
            "Loki administrator to increase it"
        )
    return ""


def refusal(refused: Sequence[Refused], count: int) -> str:
    """What a Loki says of lines that were not kept: each kind of reason once, out of `count` lines pushed."""
    said: dict[str, None] = {}
    for one in refused:
        if one.words.startswith("entry too far behind"):
            said[f"entry with timestamp {_go_time(one.line.ns)} ignored, reason: '{one.words}',\n"
                 f"user 'fake', total ignored: {len(refused)} out of {count} for stream: "
                 f"{labels_text(completed_labels(one.line.labels))}"] = None  # fmt: skip
        else:
            said[one.words] = None
    return "\n".join(list(said)[:20])


def _go_time(ns: int) -> str:
    at = datetime.fromtimestamp(ns // SECOND, UTC)
    part = f".{ns % SECOND:09d}".rstrip("0").rstrip(".")
    return f"{at:%Y-%m-%d %H:%M:%S}{part} +0000 UTC"
