"""The parsers of a pipeline: fields out of lines of JSON, logfmt, a pattern, or a regular expression.

Invariant: a parser never fails. A line of another form goes on with an `__error__` label where Loki would set one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import orjson

from warroom.embedded.log_levels import CLASH
from warroom.embedded.logfmt import pairs_of
from warroom.embedded.logql import ast, patterns, regex
from warroom.embedded.logql.labels import ERROR, Labels
from warroom.embedded.logql.paths import Path, json_path, logfmt_path

Parser: TypeAlias = Callable[[str, Labels], str]
"""The line that goes on; fields go into the labels."""

JSON_ERROR = "JSONParserErr"
LOGFMT_ERROR = "LogfmtParserErr"
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_]")
_NO_OBJECT = "Value looks like object, but can't find closing '}' symbol"


def group_names(pattern: str) -> tuple[tuple[int, str], ...]:
    """Numbers and names of the named groups of a regular expression.

    Raises:
        ValueError: it is none, it has no named group, or two of one name.
    """
    found = regex.compiled(pattern)
    names = {_as_text(name): index for name, index in found.groupindex.items()}
    if not names:
        raise ValueError("at least one named capture must be supplied")
    return tuple(sorted((index, name) for name, index in names.items()))


def parser_of(stage: ast.JsonParser | ast.LogfmtParser | ast.PatternParser | ast.RegexpParser | ast.UnpackParser,
              only: frozenset[str] | None = None) -> Parser:  # fmt: skip
    """What carries out a parser's stage. `only` are the fields that anybody asks for; None for all."""
    match stage:
        case ast.JsonParser():
            return _json_fields(stage.fields) if stage.fields else _json(only)
        case ast.LogfmtParser():
            return _logfmt_fields(stage) if stage.fields else _logfmt(stage, only)
        case ast.PatternParser():
            return _pattern(stage.pattern)
        case ast.RegexpParser():
            return _regexp(stage.pattern)
    return _unpack


@lru_cache(4096)
def sanitized(name: str) -> str:
    """A field's name as a label's: other characters become underscores, a digit does not come first."""
    name = name.strip()
    if name.isidentifier() and name.isascii():
        return name
    if name[:1].isdigit():
        name = "_" + name
    return _NOT_A_NAME.sub("_", name)


# -- JSON --------------------------------------------------------------------------------------------------------------


def _json(only: frozenset[str] | None) -> Parser:
    def parse(line: str, labels: Labels) -> str:
        try:
            said = orjson.loads(line)
        except orjson.JSONDecodeError as wrong:
            labels.fail(JSON_ERROR, _NO_OBJECT if not line.lstrip().startswith("{") else _json_words(wrong))
            return line
        if not isinstance(said, dict):
            labels.fail(JSON_ERROR, _NO_OBJECT)
            return line
        _flatten(said, "", labels, only)
        return line

    return parse


def _json_words(wrong: orjson.JSONDecodeError) -> str:
    return _NO_OBJECT if "end of data" in str(wrong) else f"Malformed JSON error: {wrong.msg}"


def _flatten(said: Mapping[str, Any], prefix: str, labels: Labels, only: frozenset[str] | None) -> None:
    for key, value in said.items():
        if isinstance(value, list) or value is None:
            continue
        part = sanitized(key)
        if isinstance(value, dict):
            _flatten(value, f"{prefix}{part}_" if part else prefix, labels, only)
            continue
        name = f"{prefix}{part}" if part or prefix else ""
        if name and (only is None or name in only):
            labels.found(name, value if isinstance(value, str) else json_text(value))


def json_text(value: Any) -> str:
    """A JSON value as a label's: texts bare, the rest as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return orjson.dumps(value).decode()


def _json_fields(fields: Sequence[ast.Extraction]) -> Parser:
    paths = [(field.name, json_path(field.path)) for field in fields]

    def parse(line: str, labels: Labels) -> str:
        if not line:
            return line
        if line[0] not in '"{[':
            labels.fail(JSON_ERROR, "")
            return line
        try:
            said = orjson.loads(line)
        except orjson.JSONDecodeError as wrong:
            labels.fail(JSON_ERROR, _json_words(wrong))
            said = None
        for name, path in paths:
            found, value = _walk(said, path)
            if found or labels.get(name) is None:
                labels.found(name, json_text(value) if found else "")
        return line

    return parse


def _walk(said: Any, path: Path) -> tuple[bool, Any]:
    for step in path:
        if isinstance(step, int):
            if not isinstance(said, list) or step >= len(said):
                return False, None
            said = said[step]
        elif isinstance(said, dict) and step in said:
            said = said[step]
        else:
            return False, None
    return True, said


def _unpack(line: str, labels: Labels) -> str:
    if not line:
        return line
    if line[0] != "{":
        labels.fail(JSON_ERROR, "expecting json object(6), but it is not")
        return line
    try:
        said = orjson.loads(line)
    except orjson.JSONDecodeError as wrong:
        labels.fail(JSON_ERROR, _json_words(wrong))
        return line
    packed = "_entry" in said
    for key, value in said.items():
        if key == "_entry" and isinstance(value, str):
            line = value
        elif packed and isinstance(value, str):
            labels.found(sanitized(key), value)
    return line


# -- others ------------------------------------------------------------------------------------------------------------


def _logfmt(stage: ast.LogfmtParser, only: frozenset[str] | None) -> Parser:
    strict, keep_empty = stage.strict, stage.keep_empty

    def parse(line: str, labels: Labels) -> str:
        found, wrong = pairs_of(line, strict)
        # `Labels.found` written out: this is the innermost loop of most queries.
        base, meta, parsed = labels.base, labels.meta, labels.parsed
        for key, value in found:
            if value or keep_empty:
                name = sanitized(key)
                if name and (only is None or name in only):
                    if name in base or name in meta:
                        name += CLASH
                    if name not in parsed:
                        parsed[name] = value
        if strict and wrong:
            labels.fail(LOGFMT_ERROR, wrong)
        return line

    return parse


def _logfmt_fields(stage: ast.LogfmtParser) -> Parser:
    wanted: dict[str, list[str]] = {}
    for field in stage.fields:
        wanted.setdefault(sanitized(logfmt_path(field.path)), []).append(field.name)

    def parse(line: str, labels: Labels) -> str:
        found, wrong = pairs_of(line, stage.strict)
        said: dict[str, str] = {}
        for key, value in found:
            for name in wanted.get(sanitized(key), ()):
                said[name] = value
        for names in wanted.values():
            for name in names:
                if name in said or (name not in labels.base and name not in labels.meta):
                    labels.found(name, said.get(name, ""))
        if stage.strict and wrong:
            labels.fail(LOGFMT_ERROR, wrong)
        return line

    return parse


def _pattern(pattern: str) -> Parser:
    captures = patterns.captures(pattern)

    def parse(line: str, labels: Labels) -> str:
        for name, value in captures(line):
            labels.found(name, value)
        return line

    return parse


def _regexp(pattern: str) -> Parser:
    search, groups = regex.compiled(pattern).search, group_names(pattern)

    def parse(line: str, labels: Labels) -> str:
        match = search(line.encode("utf-8", "replace"))
        if match is not None:
            for index, name in groups:
                value = match[index]
                if name != ERROR:
                    labels.found(sanitized(name), "" if value is None else value.decode("utf-8", "replace"))
        return line

    return parse


def _as_text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
