"""One alert, whichever system raised it, and the reading of foreign fields.

One invariant: an `Alert` that exists is complete and bounded; what cannot become one raises `Malformed`, which
names the field, what was wrong and what would be right.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from warroom.incident import fields
from warroom.incident.text import clean_line, clean_text

Status = Literal["firing", "acknowledged", "resolved"]

SERVICE_LABELS: Final = ("service", "service_name", "app", "app_kubernetes_io_name", "job", "component")
"""Where the name of the service is looked for when no rule file says otherwise, first one wins."""

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)")
_MOST_LABELS: Final = 60
_LONGEST_VALUE: Final = 2000


class Malformed(ValueError):
    """A field that cannot be read, as `alerts[0].labels`, with what was wrong and what would be right."""

    def __init__(self, field: str, problem: str, expected: str) -> None:
        super().__init__(f"{field or 'body'}: {problem}; expected {expected}")
        self.field = field
        self.problem = problem
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. `fingerprint` identifies it within `source`; `ends_at` is None while it lasts.

    `group_labels` are the labels that its sender groups notifications by; alerts that share them come together.
    """

    fingerprint: str
    source: str
    status: Status
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None
    generator_url: str
    name: str
    severity: str
    service: str
    summary: str
    group_key: str = ""
    group_labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the alert everywhere: (source, fingerprint)."""
        return (self.source, self.fingerprint)

    def recorded(self, service: str = "", remarks: Mapping[str, str] | None = None) -> fields.Alert:
        """The alert as the log keeps it: cleaned and cut to the log's bounds.

        `service` replaces what the alert says; `remarks` join the annotations.
        """
        return fields.Alert(
            fingerprint=self.fingerprint,
            source=self.source,
            name=_line(self.name, 200) or "alert",
            severity=_line(self.severity, 200),
            service=_line(service or self.service, 100),
            summary=_text(self.summary, 10_000),
            labels=_bounded(self.labels),
            annotations=_bounded({**(remarks or {}), **self.annotations}),
            starts_at=self.starts_at,
            url=_line(self.generator_url, 2000),
        )


def service_of(labels: Mapping[str, str], candidates: Iterable[str] = SERVICE_LABELS) -> str:
    """The first of the candidate labels that has a value, cleaned and at most 100 characters."""
    return next((_line(labels[name], 100) for name in candidates if _line(labels.get(name, ""), 100)), "")


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """A stable identity for an alert that came without one: SHA-256 of its sorted labels, 16 hexadecimal digits."""
    text = "\xff".join(f"{name}\xfe{value}" for name, value in sorted(labels.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def identity(text: str) -> str:
    """A foreign key as an identity that fits the log: itself when it is one line of at most 200, else its hash."""
    if 0 < len(text) <= 200 and clean_line(text) == text:
        return text
    return f"sha256-{hashlib.sha256(text.encode()).hexdigest()}"


def read_mapping(value: Any, at: str) -> dict[str, Any]:
    """An object, or Malformed."""
    if not isinstance(value, dict):
        raise Malformed(at, f"is {kind_of(value)}", "an object")
    return value


def read_text(value: Any, at: str, *, longest: int = 20_000, default: str | None = None) -> str:
    """A string, or `default` for what is absent or null, or Malformed."""
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise Malformed(at, f"is {kind_of(value)}" if value is not None else "is missing", "a string")
    if len(value) > longest:
        raise Malformed(at, f"has {len(value)} characters", f"at most {longest}")
    return value


def read_labels(value: Any, at: str, *, required: bool = False) -> dict[str, str]:
    """An object of strings, or Malformed. Null and absent are an empty one unless `required`."""
    if value is None and not required:
        return {}
    if value is None:
        raise Malformed(at, "is missing", "an object of strings with at least one label")
    for name, text in read_mapping(value, at).items():
        if not isinstance(text, str):
            raise Malformed(f"{at}.{clean_line(name)[:80]}", f"is {kind_of(text)}", "a string")
    if required and not value:
        raise Malformed(at, "is empty", "at least one label")
    return dict(value)


def read_time(value: Any, at: str) -> datetime:
    """An RFC 3339 time with a zone, as UTC, or Malformed."""
    text = read_text(value, at, longest=64)
    if _RFC3339.fullmatch(text):
        try:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    shown = clean_line(text)[:40]
    raise Malformed(at, f"{shown!r} is no time", "RFC 3339 with a zone, like 2026-11-21T09:41:00Z")


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names = {int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "something else")


def _line(text: str, longest: int) -> str:
    return clean_line(_text(text, 4 * longest))[:longest].rstrip()


def _text(text: str, longest: int) -> str:
    cleaned = clean_text(text[: 4 * longest])
    return cleaned if len(cleaned) <= longest else f"{cleaned[: longest - 1].rstrip()}…"


def _bounded(labels: Mapping[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name, value in labels.items():
        if len(kept) == _MOST_LABELS:
            kept["warroom_left_out"] = f"{len(labels) - _MOST_LABELS} more"
            break
        kept[_line(name, 200)] = _text(value, _LONGEST_VALUE)
    return kept
