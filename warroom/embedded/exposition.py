"""Prometheus's text formats, read: what a scrape brings.

Formats: https://prometheus.io/docs/instrumenting/exposition_formats/ (0.0.4) and OpenMetrics 1.0 as far as they agree,
with its exemplars. Native histograms come in protobuf only, which is not asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from warroom.telemetry.prometheus_data import MetricInfo

Labels = tuple[tuple[str, str], ...]

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*|"(?:\\.|[^"\\])*")\s*(?:=\s*"((?:\\.|[^"\\])*)")?\s*')
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}
_KINDS = ("counter", "gauge", "histogram", "summary", "unknown", "untyped", "info", "stateset", "gaugehistogram")


class BadExposition(ValueError):
    """A line that cannot be read, with its number."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """One sample. `labels` have `__name__` among them; `at` is seconds since the epoch, None for now; the exemplar is
    its labels, value and time.
    """

    labels: Labels
    value: float
    at: float | None = None
    exemplar: tuple[Labels, float, float | None] | None = None


def read_exposition(text: str, *, openmetrics: bool = False) -> tuple[list[Exposed], list[MetricInfo]]:
    """Samples in their order, and what the metrics say of themselves. Raises BadExposition."""
    found: list[Exposed] = []
    infos: dict[str, list[str]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped:
            continue
        if stripped.startswith("#"):
            if stripped == "# EOF":
                break
            _remark(stripped, infos)
            continue
        try:
            found.append(_sample(stripped, openmetrics))
        except ValueError as wrong:
            raise BadExposition(f"line {number}: {wrong}: {stripped[:80]!r}") from None
    told = [MetricInfo(name, kind, words, unit) for name, (kind, words, unit) in infos.items()]
    return found, told


def _remark(line: str, infos: dict[str, list[str]]) -> None:
    parts = line.split(None, 3)
    if len(parts) < 3 or parts[1] not in ("HELP", "TYPE", "UNIT"):
        return
    said = parts[3] if len(parts) > 3 else ""
    info = infos.setdefault(parts[2], ["unknown", "", ""])
    if parts[1] == "TYPE":
        info[0] = said.strip() if said.strip() in _KINDS else "unknown"
        info[0] = "unknown" if info[0] == "untyped" else info[0]
    elif parts[1] == "HELP":
        info[1] = _plain(said)
    else:
        info[2] = said.strip()


def _sample(line: str, openmetrics: bool) -> Exposed:
    rest, exemplar = line, None
    name = ""
    labels: Labels = ()
    found = _NAME.match(rest)
    if found is not None:
        name, rest = found[0], rest[found.end() :].lstrip()
    if rest.startswith("{"):
        labels, rest = _labels(rest)
    if not name:
        quoted = [label for label, value in labels if value == "\0"]
        if len(quoted) != 1:
            raise ValueError("a metric's name was expected")
        name = quoted[0]
    labels = tuple(pair for pair in labels if pair[1] != "\0")
    if "#" in rest:
        rest, _, said = rest.partition("#")
        exemplar = _exemplar(said.strip())
    parts = rest.split()
    if not 1 <= len(parts) <= 2:
        raise ValueError("a value was expected, and perhaps a time")
    at = None
    if len(parts) == 2:
        at = float(parts[1]) if openmetrics else int(parts[1]) / 1000
    named = {**dict(labels), "__name__": name}
    if len(named) != len(labels) + 1:
        raise ValueError("a label occurs twice")
    made = tuple(sorted((label, value) for label, value in named.items() if value))
    return Exposed(made, _value(parts[0]), at, exemplar)


def _labels(said: str) -> tuple[Labels, str]:
    """Labels in braces, and what follows. A quoted name without a value is the metric's own, marked by a zero."""
    found: list[tuple[str, str]] = []
    at = 1
    while True:
        while at < len(said) and said[at] in " \t,":
            at += 1
        if at < len(said) and said[at] == "}":
            return tuple(found), said[at + 1 :].strip()
        label = _LABEL.match(said, at)
        if label is None or (label[2] is None and not label[1].startswith('"')):
            raise ValueError("labels in braces were expected")
        name = _plain(label[1][1:-1]) if label[1].startswith('"') else label[1]
        found.append((name, "\0" if label[2] is None else _plain(label[2])))
        at = label.end()


def _exemplar(said: str) -> tuple[Labels, float, float | None]:
    if not said.startswith("{"):
        raise ValueError("an exemplar's labels were expected")
    labels, rest = _labels(said)
    parts = rest.split()
    if not 1 <= len(parts) <= 2:
        raise ValueError("an exemplar's value was expected")
    return labels, _value(parts[0]), float(parts[1]) if len(parts) == 2 else None


def _value(said: str) -> float:
    # Python reads more than Prometheus does.
    if "_" in said or said.lower().lstrip("+-") == "infinity":
        raise ValueError(f"{said[:40]!r} is no number")
    try:
        return float(said)
    except ValueError:
        raise ValueError(f"{said[:40]!r} is no number") from None


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda one: _ESCAPES.get(one[1], one[0]), text, flags=re.DOTALL) if "\\" in text else text
