"""YAML that people write, read safely and with the line of every value.

One invariant: `parse_document` either returns plain values (dict, list, str, int, float, bool, None) with the
line each stands on, or raises `DocumentError`: no other exception, no construction of objects, no aliases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

import yaml
from pydantic import ValidationError

ValuePath = tuple[str | int, ...]
"""The way from the top of a document to a value: ("steps", 2, "owner")."""

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})")
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_MOST_PROBLEMS: Final = 20
_SENTENCES: Final = {
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "too_short": "needs at least {min_length}",
    "too_long": "may have at most {max_length}",
    "string_too_short": "must not be empty",
    "string_too_long": "is longer than {max_length} characters",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_pattern_mismatch": "must fit {pattern}",
}
_HINTS: Final = {
    "mapping values are not allowed": "; put a value that holds ': ' in quotes",
    "did not find expected key": "; check the indentation, and quotes that end before the line does",
    "cannot start any token": "; indent with spaces, and quote a value that starts with a special character",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a document, and where."""

    source: str
    line: int
    path: ValuePath
    message: str
    code: str = "bad-value"

    def __str__(self) -> str:
        at = path_text(self.path)
        return f"{self.source}:{self.line}: {at + ': ' if at else ''}{self.message}"


class DocumentError(ValueError):
    """A document that cannot be used. `problems` has at least one entry, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a document may be before it is refused unread."""

    size: int = 256 * 1024
    depth: int = 12
    nodes: int = 20_000


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Document:
    """Plain values and the line (from 1) on which each stands."""

    source: str
    value: Any
    lines: Mapping[ValuePath, int]

    def line(self, path: Iterable[str | int]) -> int:
        """The line of the value at `path`, or of the nearest value around it that the file has."""
        at = tuple(path)
        while at and at not in self.lines:
            at = at[:-1]
        return self.lines.get(at, 1)

    def problem(self, path: ValuePath, message: str, code: str = "bad-value") -> Problem:
        """A problem at `path`, placed on its line."""
        return Problem(self.source, self.line(path), path, message, code)

    def problems_of(self, error: ValidationError, known_keys: Mapping[str, Iterable[str]]) -> list[Problem]:
        """What pydantic found, as sentences with lines.

        `known_keys` maps the name of a list or mapping ("" for the top) to the keys that are allowed in it,
        so that a misspelt key can be answered by the right one.
        """
        details = error.errors(include_url=False)
        around = {detail["loc"][:end] for detail in details for end in range(len(detail["loc"]))}
        # A list whose entries were all refused is also called too short; the entries say it better.
        kept = [detail for detail in details if not (detail["type"] == "too_short" and detail["loc"] in around)]
        found = [self._explained(detail, known_keys) for detail in kept]
        found.sort(key=lambda problem: problem.line)
        return found[:_MOST_PROBLEMS]

    def _explained(self, detail: Any, known_keys: Mapping[str, Iterable[str]]) -> Problem:
        path: ValuePath = tuple(detail["loc"])
        kind = str(detail["type"])
        if kind == "missing":
            return self.problem(path, "is missing", "missing-key")
        if kind == "extra_forbidden":
            parent = next((str(part) for part in reversed(path[:-1]) if isinstance(part, str)), "")
            known = sorted(known_keys.get(parent, ()))
            near = get_close_matches(str(path[-1]), known, n=1)
            advice = f"did you mean '{near[0]}'?" if near else f"use one of {', '.join(known)}"
            return self.problem(path, f"is not a known key; {advice}", "unknown-key")
        context = detail.get("ctx", {})
        if context.get("complete"):
            return self.problem(path, str(detail["msg"]))
        sentence = _SENTENCES.get(kind, str(detail["msg"]).replace("{", "{{").replace("}", "}}")).format(**context)
        value = detail["input"]
        given = "" if isinstance(value, Mapping | list) else f"{_shown(value)} "
        return self.problem(path, given + (sentence[:1].lower() + sentence[1:]))


def path_text(path: Iterable[str | int]) -> str:
    """A path as people write it: `steps[2].owner`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else str(part)
    return text


def parse_document(text: str | bytes, source: str, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Read one YAML document. `source` is the name used in messages.

    Scalars follow the YAML 1.2 core schema for null, booleans, decimal integers and floats; the rest is text,
    so that `on`, `no`, `12:30` and `2026-11-21` stay what was written.

    Raises:
        DocumentError: not UTF-8, not YAML, over a limit, or one of the things a data file has no use for:
            aliases and anchors, tags, several documents, duplicate keys, control characters.
    """
    decoded = _decoded(text, source, limits)
    builder = _Builder(source, limits)
    try:
        for event in yaml.parse(decoded, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if "nesting depth" in str(error.problem):
            # The scanner reads ahead, and newer ones have a limit of their own.
            line = (mark.line + 1) if mark else 1
            raise _failure(source, line, f"is nested deeper than {limits.depth} levels", "too-deep") from None
        raise _failure(source, (mark.line + 1) if mark else 1, _told(error), "yaml-syntax") from None
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, DocumentError):
            raise
        raise _failure(
            source, 1, "is not valid YAML: it has characters that YAML does not allow", "yaml-syntax"
        ) from None
    if not builder.documents:
        raise _failure(source, 1, "the file is empty", "empty-file")
    return Document(source, builder.root, builder.lines)


def _decoded(text: str | bytes, source: str, limits: Limits) -> str:
    try:
        raw = text.encode() if isinstance(text, str) else text
        if len(raw) > limits.size:
            raise _failure(source, 1, f"is larger than {limits.size // 1024} KiB; split it", "too-large")
        return raw.decode("utf-8-sig")
    except UnicodeEncodeError:
        raise _failure(source, 1, "has half of a surrogate pair; save it as UTF-8", "not-utf8") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _failure(source, line, "is not UTF-8 text; save it as UTF-8", "not-utf8") from None


def _failure(source: str, line: int, message: str, code: str, path: ValuePath = ()) -> DocumentError:
    return DocumentError([Problem(source, line, path, message, code)])


def _told(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    advice = next((hint for sign, hint in _HINTS.items() if sign in str(error.problem)), "")
    return f"is not valid YAML: {', '.join(parts) or 'it cannot be read'}{advice}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is being filled."""

    path: ValuePath
    value: Any
    key: str | None = None
    seen: dict[str, int] = field(default_factory=dict)


class _Builder:
    """Builds values from parser events, without recursion, so that depth is a number and not a stack."""

    def __init__(self, source: str, limits: Limits) -> None:
        self.source = source
        self.limits = limits
        self.lines: dict[ValuePath, int] = {}
        self.root: Any = None
        self.documents = 0
        self._stack: list[_Frame] = []
        self._nodes = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self._refusal(line, "a second document starts here; one file holds one", "several-documents")
        elif isinstance(event, yaml.AliasEvent):
            raise self._refusal(line, f"alias '*{event.anchor}' is refused; write the value out", "alias")
        elif isinstance(event, yaml.NodeEvent):
            self._start(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._stack.pop()

    def _start(self, event: Any, line: int) -> None:
        self._nodes += 1
        if self._nodes > self.limits.nodes:
            raise self._refusal(line, f"has more than {self.limits.nodes} values", "too-large")
        if event.anchor is not None:
            raise self._refusal(line, f"anchor '&{event.anchor}' is refused; write the value out", "alias")
        if event.tag not in (None, "!"):
            raise self._refusal(line, f"tag '{str(event.tag)[:60]}' is refused; write a plain value", "tag")
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
            return
        if len(self._stack) >= self.limits.depth:
            raise self._refusal(line, f"is nested deeper than {self.limits.depth} levels", "too-deep")
        value: Any = [] if isinstance(event, yaml.SequenceStartEvent) else {}
        if self._stack and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None:
            raise self._refusal(line, "a key must be plain text", "bad-key")
        self._stack.append(_Frame(self._place(value, line), value))

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        text = event.value
        bad = _UNPRINTABLE.search(text)
        if bad:
            code = f"U+{ord(bad.group()):04X}"
            raise self._refusal(line, f"holds the control character {code}; take it out", "control-character")
        frame = self._stack[-1] if self._stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            if text in frame.seen:
                first = frame.seen[text]
                raise self._refusal(
                    line, f"key '{text[:60]}' stands here again; first on line {first}", "duplicate-key"
                )
            frame.seen[text] = line
            frame.key = text
            return
        self._place(_plain(text) if not event.style and not event.tag else text, line)

    def _place(self, value: Any, line: int) -> ValuePath:
        if not self._stack:
            self.root = value
            self.lines[()] = line
            return ()
        frame = self._stack[-1]
        if isinstance(frame.value, list):
            path: ValuePath = (*frame.path, len(frame.value))
            frame.value.append(value)
        else:
            key = str(frame.key)
            path = (*frame.path, key)
            line = frame.seen[key]
            frame.value[key] = value
            frame.key = None
        self.lines[path] = line
        return path

    def _refusal(self, line: int, message: str, code: str) -> DocumentError:
        path: ValuePath = ()
        if self._stack:
            frame = self._stack[-1]
            if isinstance(frame.value, list):
                path = (*frame.path, len(frame.value))
            else:
                path = frame.path if frame.key is None else (*frame.path, frame.key)
        return _failure(self.source, line, message, code, path)


def _plain(text: str) -> Any:
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
