"""Prometheus's rule files: read, and checked whole before anything is evaluated.

Format: https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/ and .../alerting_rules/.

Invariant: a group that was read can be evaluated; what a Prometheus would refuse, and what is not supported here, is
one sentence with its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from warroom.embedded.promql import Engine, PromqlError
from warroom.embedded.series_store import SeriesStore
from warroom.embedded.template_functions import parse_duration
from warroom.embedded.templates import Template, TemplateError

Labels: TypeAlias = tuple[tuple[str, str], ...]
Check: TypeAlias = Callable[[str], object]
"""Raises PromqlError for an expression that is none."""

LARGEST = 4 * 1024 * 1024
"""Bytes of a rule file."""

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_FILE, _GROUP = {"groups"}, {"name", "interval", "limit", "rules", "query_offset", "labels"}
_ALERT = {"alert", "expr", "for", "keep_firing_for", "labels", "annotations"}
_RECORD = {"record", "expr", "labels"}


class RuleError(ValueError):
    """A rule file that cannot be used; one sentence with the file, the group and the rule."""


@dataclass(frozen=True, slots=True)
class AlertingRule:
    """`lasting` and `keep_firing` are its `for` and `keep_firing_for` in seconds."""

    name: str
    expr: str
    lasting: float = 0.0
    keep_firing: float = 0.0
    labels: Labels = ()
    annotations: Labels = ()


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """`name` is the metric that it records."""

    name: str
    expr: str
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated one after the other. `interval` and `offset` are seconds, None for the ruler's own;
    `limit` is the most series or alerts that a rule may make, 0 for any number.
    """

    name: str
    rules: tuple[AlertingRule | RecordingRule, ...]
    interval: float | None = None
    file: str = ""
    limit: int = 0
    offset: float = 0.0


def load_rules(path: Path, check: Check | None = None) -> tuple[RuleGroup, ...]:
    """The groups of a file. Raises RuleError, also when it cannot be opened."""
    try:
        if path.stat().st_size > LARGEST:
            raise RuleError(f"{path}: a rule file has at most {LARGEST // 1024**2} MiB")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise RuleError(f"{path}: it is not UTF-8") from None
    except OSError as error:
        raise RuleError(f"{path} cannot be read: {error.strerror or error}") from None
    return read_rules(text, str(path), check)


def read_rules(text: str, where: str, check: Check | None = None) -> tuple[RuleGroup, ...]:
    """The groups of a file's text; `where` names it in errors, `check` judges expressions. Raises RuleError."""
    judge: Check = check or Engine(SeriesStore()).check
    try:
        said = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as wrong:
        raise RuleError(f"{where}: {_yaml_words(wrong)}") from None
    if said is None:
        return ()
    _keys(said, _FILE, where)
    groups = said.get("groups") or []
    if not isinstance(groups, list):
        raise RuleError(f"{where}: groups must be a list")
    found = tuple(_group(one, f"{where}: group {number}", where, judge) for number, one in enumerate(groups, 1))
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise RuleError(f'{where}: groupname: "{name}" is repeated in the same file')
    return found


def _group(said: Any, place: str, file: str, check: Check) -> RuleGroup:
    _keys(said, _GROUP, place)
    name = said.get("name")
    if not isinstance(name, str) or not name:
        raise RuleError(f"{place}: Groupname must not be empty")
    place = f"{file}: group {name!r}"
    rules = said.get("rules") or []
    limit = said.get("limit") or 0
    if not isinstance(rules, list):
        raise RuleError(f"{place}: rules must be a list")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise RuleError(f"{place}: limit must be a whole number, 0 for none")
    common = _texts(said.get("labels"), f"{place}: labels")
    interval = _seconds(said.get("interval"), f"{place}: interval")
    if said.get("interval") is not None and not interval:
        raise RuleError(f"{place}: interval must be longer than 0s")
    made = tuple(_rule(one, f"{place}, rule {number}", common, check) for number, one in enumerate(rules, 1))
    return RuleGroup(name, made, interval or None, file, limit, _seconds(said.get("query_offset"), place))


def _rule(said: Any, place: str, common: Labels, check: Check) -> AlertingRule | RecordingRule:
    if not isinstance(said, dict):
        raise RuleError(f"{place}: a rule has alert or record, and expr")
    if ("alert" in said) == ("record" in said):
        raise RuleError(f"{place}: only one of 'record' and 'alert' must be set")
    _keys(said, _ALERT if "alert" in said else _RECORD, place)
    name = said.get("alert", said.get("record"))
    if not isinstance(name, str) or not name:
        raise RuleError(f"{place}: its name must be a text")
    place = f"{place} ({name})"
    expr = said.get("expr")
    # A bare number is a good expression.
    expr = str(expr) if isinstance(expr, int | float) and not isinstance(expr, bool) else expr
    if not isinstance(expr, str) or not expr.strip():
        raise RuleError(f"{place}: field 'expr' must be set in rule")
    try:
        check(expr)
    except PromqlError as wrong:
        raise RuleError(f"{place}: could not parse expression: {wrong}") from None
    labels = tuple(sorted((dict(common) | dict(_texts(said.get("labels"), f"{place}: labels"))).items()))
    _label_names(labels, place)
    if "record" in said:
        if not _METRIC.fullmatch(name):
            raise RuleError(f"{place}: invalid recording rule name: {name}")
        return RecordingRule(name, expr, labels)
    annotations = _texts(said.get("annotations"), f"{place}: annotations")
    for key, text in (*labels, *annotations):
        try:
            Template(text)
        except TemplateError as wrong:
            raise RuleError(f"{place}: template of {key}: {wrong}") from None
    lasting = _seconds(said.get("for"), f"{place}: for")
    keep = _seconds(said.get("keep_firing_for"), f"{place}: keep_firing_for")
    return AlertingRule(name, expr, lasting, keep, labels, annotations)


def _label_names(labels: Labels, place: str) -> None:
    for name, _ in labels:
        if not _LABEL.fullmatch(name) or name == "__name__":
            raise RuleError(f"{place}: invalid label name: {name}")


def _keys(said: Any, known: set[str], place: str) -> None:
    if not isinstance(said, dict):
        raise RuleError(f"{place}: a mapping was expected, with {', '.join(sorted(known))}")
    for key in said:
        if key not in known:
            raise RuleError(f"{place}: field {key} is not known; there are {', '.join(sorted(known))}")


def _texts(said: Any, place: str) -> Labels:
    if said is None:
        return ()
    if not isinstance(said, Mapping):
        raise RuleError(f"{place} must be names with texts")
    found = []
    for name, text in said.items():
        if isinstance(text, bool):
            text = "true" if text else "false"
        elif isinstance(text, int | float):
            text = str(text)
        elif text is None:
            text = ""
        if not isinstance(name, str) or not isinstance(text, str):
            raise RuleError(f"{place}: {name} must be a text")
        found.append((name, text))
    return tuple(sorted(found))


def _seconds(said: Any, place: str) -> float:
    if said is None or said == 0:
        return 0.0
    try:
        return parse_duration(said)
    except TemplateError:
        raise RuleError(f'{place}: not a valid duration string: "{said}"; 90s, 5m or 1h30m would be one') from None


def _yaml_words(wrong: Exception) -> str:
    mark = getattr(wrong, "problem_mark", None)
    line = f"line {mark.line + 1}: " if mark is not None else ""
    return f"{line}{getattr(wrong, 'problem', None) or 'it is no YAML that can be read'}"
