"""The stages of a query carried out, line by line.

Invariant: the line filters that come first are asked of the bare text, before any labels are made of a line: most lines
of most queries end there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from warroom.embedded.logql import ast, filters, regex, template
from warroom.embedded.logql.labels import DETAILS, ERROR, Labels
from warroom.embedded.logql.parsers import parser_of
from warroom.embedded.logql.template_functions import TemplateError
from warroom.telemetry.logs import LogLine, Pairs

Work: TypeAlias = Callable[[str, Labels], str | None]
"""The line that goes on, or None where it does not."""

TEMPLATE_ERROR = "TemplateFormatErr"
_PARSERS = (ast.JsonParser, ast.LogfmtParser, ast.PatternParser, ast.RegexpParser, ast.UnpackParser)
_COLOURS = (
    "[\u001b\u009b][[\\]()#;?]*(?:(?:(?:[a-zA-Z\\d]*(?:;[a-zA-Z\\d]*)*)?\u0007)"
    "|(?:(?:\\d{1,4}(?:;\\d{0,4})*)?[\\dA-PRZcf-ntqry=><~]))"
)


@dataclass(frozen=True, slots=True)
class Found(LogLine):
    """A line that parsers found fields in: those of its metadata that are called so came from them."""

    parsed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """`tests` look at the text alone; `stages` come after, in their order."""

    tests: tuple[regex.Test, ...]
    stages: tuple[Work, ...]

    def sieve(self, lines: list[LogLine]) -> list[LogLine]:
        """The lines whose text passes the first filters."""
        for test in self.tests:
            lines = [line for line in lines if test(line.text)]
        return lines

    def passing(self, base: Mapping[str, str], lines: list[LogLine]) -> list[LogLine]:
        """What comes out of lines of one stream, in their order."""
        lines = self.sieve(lines)
        if not self.stages:
            return lines
        shared: dict[frozenset[str], Pairs] = {}
        out = []
        for line in lines:
            labels = Labels(base, line.metadata, line.ns)
            text = self.through(line.text, labels)
            if text is not None:
                out.append(line if labels.untouched and text == line.text else _made(line, text, labels, shared))
        return out

    def through(self, text: str, labels: Labels) -> str | None:
        """A line through all stages; None where one holds it back."""
        said: str | None = text
        for stage in self.stages:
            said = stage(said, labels)  # type: ignore[arg-type]
            if said is None:
                return None
        return said


def _made(line: LogLine, text: str, labels: Labels, shared: dict[frozenset[str], Pairs]) -> LogLine:
    found = labels.findings()
    stream = line.labels
    taken = frozenset(
        name for name in labels.base if name in labels.gone or name in labels.meta or name in labels.parsed
    )
    if taken:
        stream = shared.get(taken) or shared.setdefault(taken, tuple(sorted(labels.stream().items())))
    metadata = tuple(sorted({**labels.meta, **found}.items()))
    return Found(line.ns, text, stream, metadata, frozenset(found))


@lru_cache(256)
def pipeline_of(stages: tuple[ast.Stage, ...], only: frozenset[str] | None = None, parse: bool = True) -> Pipeline:
    """What carries out stages. `only` are the fields that anybody asks for; without `parse` no parser is run, since
    nobody asks for any.
    """
    tests: list[regex.Test] = []
    rest = list(stages)
    while rest and isinstance(rest[0], ast.LineFilter):
        tests.append(filters.line_test(rest.pop(0)))  # type: ignore[arg-type]
    works = [_work(stage, only) for stage in rest if parse or not isinstance(stage, _PARSERS)]
    return Pipeline(tuple(tests), tuple(works))


def label_filter_of(filters_: Iterable[ast.LabelFilter]) -> Callable[[Labels], bool]:
    """Whether labels pass all of the filters."""
    tests = [filters.label_test(one) for one in filters_]
    # Each is asked, since each may note an error.
    return lambda labels: sum(test(labels) for test in tests) == len(tests)


def _work(stage: ast.Stage, only: frozenset[str] | None) -> Work:
    match stage:
        case ast.LineFilter():
            passes = filters.line_test(stage)
            return lambda line, _labels: line if passes(line) else None
        case ast.LineFormat():
            return _line_format(stage)
        case ast.LabelsFormat():
            return _label_format(stage)
        case ast.Decolorize():
            return _decolorize
        case ast.DropLabels():
            return _drop(stage)
        case ast.KeepLabels():
            return _keep(stage)
    if isinstance(stage, _PARSERS):
        return parser_of(stage, only)
    test = filters.label_test(stage)
    return lambda line, labels: line if test(labels) else None


def _line_format(stage: ast.LineFormat) -> Work:
    filled = template.template(stage.template)

    def work(line: str, labels: Labels) -> str:
        try:
            return filled(template.Context(labels.every(), line, labels.ns))
        except TemplateError as wrong:
            labels.fail(TEMPLATE_ERROR, f"template: line:1: {wrong}")
            return line

    return work


def _label_format(stage: ast.LabelsFormat) -> Work:
    forms = [(form.name, form.value, None if form.rename else template.template(form.value)) for form in stage.formats]

    def work(line: str, labels: Labels) -> str:
        known: dict[str, str] | None = None
        for name, value, filled in forms:
            if filled is None:
                said = labels.get(value)
                if said is not None:
                    labels.set(name, said)
                    labels.drop(value)
                continue
            known = labels.every() if known is None else known
            try:
                labels.set(name, filled(template.Context(known, line, labels.ns)))
            except TemplateError as wrong:
                labels.fail(TEMPLATE_ERROR, f"template: label:1: {wrong}")
        return line

    return work


def _decolorize(line: str, _labels: Labels) -> str:
    if "\u001b" not in line and "\u009b" not in line:
        return line
    bare: bytes = regex.compiled(_COLOURS).sub(b"", line.encode("utf-8", "replace"))
    return bare.decode("utf-8", "replace")


def _wanted(one: ast.Named) -> regex.Test | None:
    return filters.text_test(one.matcher.op, one.matcher.value) if one.matcher is not None else None


def _drop(stage: ast.DropLabels) -> Work:
    named = [(one.name, _wanted(one)) for one in stage.labels]

    def work(line: str, labels: Labels) -> str:
        for name, test in named:
            if test is not None and not test(labels.value(name)):
                continue
            if name == ERROR:
                labels.error = ""
            elif name == DETAILS:
                labels.details = ""
            elif labels.get(name) is not None:
                labels.drop(name)
        return line

    return work


def _keep(stage: ast.KeepLabels) -> Work:
    named: dict[str, list[regex.Test | None]] = {}
    for one in stage.labels:
        named.setdefault(one.name, []).append(_wanted(one))

    def work(line: str, labels: Labels) -> str:
        for name in list(labels.names()):
            tests = named.get(name, ())
            if not any(test is None or test(labels.value(name)) for test in tests):
                labels.drop(name)
        return line

    return work
